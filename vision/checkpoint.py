"""Read the network out of a `.pt` file without trusting it. Such a file is a pickle, and an ordinary pickle may run any
code when it is read. Here only tensors, plain containers and the layers of torch and ultralytics come back, and no
layer's constructor is called (ultralytics' evaluate text): their state is put into empty instances.
What the network is good for is `detector`'s subject.
"""

from __future__ import annotations

import hashlib
import importlib
import pickle
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vision.errors import InputError
from vision.offline import import_ultralytics

_PLAIN = {
    "builtins": ("set", "frozenset"),
    "__builtin__": ("set", "frozenset"),
    "collections": ("OrderedDict",),
    "torch": ("Size", "device"),
    "torch._utils": ("_rebuild_tensor_v2", "_rebuild_parameter"),
    "numpy": ("dtype",),
    "numpy.core.multiarray": ("scalar",),
    "numpy._core.multiarray": ("scalar",),
    "_codecs": ("encode",),
    "ultralytics.utils": ("IterableSimpleNamespace",),
}
"""Globals that build values and do nothing else."""

_DETECTION_NETWORKS = ("DetectionModel",)


class _ForeignGlobalError(pickle.UnpicklingError):
    """The pickle asks for something that is no part of a detection network."""


def _refuse_call(self: Any, *values: Any, **named: Any) -> None:
    raise _ForeignGlobalError(f"a call of {type(self).__module__}.{type(self).__qualname__}")


class _LayerUnpickler(pickle.Unpickler):
    """Builds plain values and layers, nothing else. A layer's class is handed out as a subclass whose constructor
    refuses, so the pickle can make an empty instance (NEWOBJ) and fill it (BUILD) but not call it (REDUCE);
    `load` turns the instances back into what they stand for."""

    guards: dict[type, type]

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        self.guards = {}

    def find_class(self, module: str, name: str) -> Any:
        """The global `name` of `module` where it is allowed; raises _ForeignGlobalError otherwise."""
        if name in _PLAIN.get(module, ()):
            return getattr(importlib.import_module("builtins" if module == "__builtin__" else module), name)
        layer = self._layer(module, name)
        if layer is None:
            raise _ForeignGlobalError(f"{module}.{name}")
        if layer not in self.guards:
            guarded = {"__init__": _refuse_call, "__module__": module, "__qualname__": name}
            self.guards[layer] = type(name, (layer,), guarded)
        return self.guards[layer]

    def _layer(self, module: str, name: str) -> type | None:
        """The class of a layer or detection network, None where the global is neither. Only modules that importing
        torch and ultralytics has loaded are looked into."""
        import torch

        allowed = module.startswith(("torch.nn.modules.", "ultralytics.nn.modules.")) or (
            module == "ultralytics.nn.tasks" and name in _DETECTION_NETWORKS
        )
        found = getattr(sys.modules.get(module), name, None) if allowed else None
        return found if isinstance(found, type) and issubclass(found, torch.nn.Module) else None

    def load(self) -> Any:
        """The checkpoint, its layers being what they are again."""
        import torch

        checkpoint = super().load()
        layer_of = {guard: layer for layer, guard in self.guards.items()}
        values = checkpoint.values() if isinstance(checkpoint, dict) else (checkpoint,)
        for network in values:
            if isinstance(network, torch.nn.Module):
                for part in network.modules():
                    part.__class__ = layer_of.get(type(part), type(part))
        return checkpoint


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_network(path: Path) -> Any:
    """The detection network in the `.pt` file at `path`: a `torch.nn.Module` in 32 bit on the CPU, batch normalisation
    folded in, weights laid out channels last (a third faster on a CPU), tried on one small picture. Raises InputError
    as `read_trainable` does, and where the network cannot be used."""
    network = read_trainable(path)
    import torch

    try:
        network = network.fuse(verbose=False).eval().to(memory_format=torch.channels_last)
        stride = int(network.stride.max())
        with torch.inference_mode():
            network(torch.zeros(1, 3, stride, stride))
        return network
    except Exception as error:  # a network patched together by hand can fail in any layer
        raise InputError(path, f"its network cannot be used ({type(error).__name__}); train or export again") from error


def read_trainable(path: Path) -> Any:
    """The detection network in the `.pt` file at `path` as it was trained: a `torch.nn.Module` in 32 bit on the CPU,
    batch normalisation and all.

    Raises InputError, naming the file and the mend, where there is no file, it is no checkpoint of torch, is
    cut short, holds no detection network, or asks for anything but layers and plain values when read.
    """
    check_weights(path)
    tasks, _ = import_ultralytics()
    import torch

    reader = SimpleNamespace(Unpickler=_LayerUnpickler, __name__=__name__)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=False, pickle_module=reader)
    except _ForeignGlobalError as error:
        mend = "refused because reading it could run code; use weights of a detection network from a source you trust"
        raise InputError(path, f"it holds {error}, no part of a detection network; {mend}") from error
    except Exception as error:  # torch raises whatever a damaged archive makes it stumble over
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise InputError(path, f"not weights that can be read ({reason}); copy the file again") from error
    held = [checkpoint.get(key) for key in ("ema", "model")] if isinstance(checkpoint, dict) else []
    networks = [value for value in held if isinstance(value, tasks.DetectionModel)]
    if not networks:
        raise InputError(path, "no detection network in it; give a .pt file that ultralytics wrote after training")
    return networks[0].float()


def check_weights(path: Path) -> None:
    """Raise InputError where there is no such file, or it is not the zip archive `torch.save` writes; a TorchScript
    archive, which is a program of its own, is not."""
    if not path.is_file():
        raise InputError(path, "no such weights file; give the path of a .pt file that ultralytics wrote")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.rpartition("/")[2] for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(path, "not weights: no archive as torch writes it, or cut short; copy it again") from error
    if "constants.pkl" in names:
        raise InputError(path, "a TorchScript program; give the .pt file it was exported from")
    if names.count("data.pkl") != 1:
        raise InputError(path, "not weights: an archive that torch did not write; give a .pt file of ultralytics")
