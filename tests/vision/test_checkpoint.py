"""Weights that are no weights are named in one line, and none of them gets to run code."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vision.checkpoint import read_network, sha256_of
from vision.detector import DEFAULT_WEIGHTS, load_detector
from vision.errors import InputError
from vision.offline import import_ultralytics


class _Calls:
    """Pickles as a call of `function` with `values`."""

    def __init__(self, function: Callable[..., Any], *values: Any) -> None:
        self.call = (function, values)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def _archive(path: Path, content: bytes, name: str = "w/data.pkl") -> Path:
    """A zip archive laid out as torch does it, around any pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
        archive.writestr("w/version", "3\n")
        archive.writestr("w/byteorder", sys.byteorder)
    return path


@pytest.fixture(autouse=True)
def _offline() -> None:
    """These tests let torch import ultralytics; it must be quiet then, too."""
    import_ultralytics()


def _refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        load_detector(path, backend="auto" if path.suffix != ".pt" else "torch")
    text = str(refused.value)
    assert path.name in text
    assert "\n" not in text
    return text


def _malicious(victim: Path) -> dict[str, Callable[[], Any]]:
    import torch

    network = import_ultralytics()[0].DetectionModel
    touch = f"open({str(victim)!r}, 'w').close()"
    evil_network = {"backbone": [], "head": [], "activation": f"exec({touch!r})", "nc": 1, "ch": 3}
    return {
        "os.system": lambda: {"model": _Calls(os.system, f"touch {victim}")},
        "eval": lambda: {"model": _Calls(eval, touch)},
        "exec": lambda: _Calls(exec, touch),
        "getattr": lambda: {"ema": _Calls(getattr, "", "join")},
        "subprocess": lambda: {"model": _Calls(subprocess.Popen, ["touch", str(victim)])},
        "torch.load": lambda: {"model": _Calls(torch.load, str(victim))},
        "torch.hub.load": lambda: {"model": _Calls(torch.hub.load, "someone/something", "model")},
        "a network built from text": lambda: {"model": _Calls(network, evil_network)},
        "a layer built by a call": lambda: {"model": _Calls(torch.nn.Linear, 3, 3)},
    }


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_malicious_pickle_is_refused_and_runs_nothing(tmp_path: Path, protocol: int) -> None:
    victim = tmp_path / "victim"
    for name, make in _malicious(victim).items():
        path = _archive(tmp_path / "w.pt", pickle.dumps(make(), protocol=protocol))
        assert "refused because reading it could run code" in _refusal(path), name
        assert not victim.exists(), name


def test_the_foreign_global_is_named(tmp_path: Path) -> None:
    path = _archive(tmp_path / "w.pt", pickle.dumps({"model": _Calls(os.system, "true")}))
    assert f"{os.system.__module__}.system" in _refusal(path)


def test_what_is_no_weights_is_named(tmp_path: Path) -> None:
    import torch

    image = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(image, "JPEG")
    whole = DEFAULT_WEIGHTS.read_bytes()
    contents = {"text.pt": b"these are no weights\n", "empty.pt": b"", "image.pt": image.getvalue()}
    contents |= {"cut.pt": whole[: len(whole) // 2], "bare.pt": pickle.dumps({"model": 1})}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    damaged = bytearray(whole)
    damaged[2000:4000] = bytes(2000)
    (tmp_path / "damaged.pt").write_bytes(damaged)
    torch.save({"model": {"weight": torch.zeros(3)}}, tmp_path / "dict.pt")
    torch.save({"model": torch.ones(2), "ema": torch.ones(2)}, tmp_path / "tensor.pt")
    torch.save(torch.ones(2), tmp_path / "lone.pt")
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as archive:
        archive.writestr("a.txt", "an archive of something else")
    names = (*contents, "damaged.pt", "dict.pt", "tensor.pt", "lone.pt", "other.pt", "absent.pt")
    for name in names:
        assert len(_refusal(tmp_path / name)) < 400, name


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    path = _archive(tmp_path / "w.pt", b"", name="w/constants.pkl")
    assert "TorchScript" in _refusal(path)


def test_other_formats_are_refused_clearly(tmp_path: Path) -> None:
    for name in ("w.onnx", "w.xml", "w.engine", "folder"):
        path = tmp_path / name
        path.mkdir() if name == "folder" else path.write_bytes(b"onnx")
    (tmp_path / "w.bin").touch()
    assert "not a network" in _refusal(tmp_path / "w.onnx")
    assert "not a network" in _refusal(tmp_path / "w.xml")
    assert "give a .pt, an .onnx or the folder" in _refusal(tmp_path / "w.engine")
    assert "must hold one .xml" in _refusal(tmp_path / "folder")


def test_a_network_that_does_not_work_is_refused(tmp_path: Path) -> None:
    import torch

    checkpoint = torch.load(DEFAULT_WEIGHTS, weights_only=False)
    del checkpoint["model"].model[3]
    torch.save(checkpoint, tmp_path / "w.pt")
    assert "cannot be used" in _refusal(tmp_path / "w.pt")


def test_a_network_that_knows_none_of_our_classes_is_refused(tmp_path: Path) -> None:
    import torch

    checkpoint = torch.load(DEFAULT_WEIGHTS, weights_only=False)
    checkpoint["model"].names = {0: "cat", 1: "dog", 2: "horse"}
    torch.save(checkpoint, tmp_path / "w.pt")
    assert "cat, dog, horse" in _refusal(tmp_path / "w.pt")


def test_the_shipped_weights_load_as_ultralytics_itself_loads_them() -> None:
    import torch

    ours = read_network(DEFAULT_WEIGHTS)
    theirs = torch.load(DEFAULT_WEIGHTS, weights_only=False)["model"].float().fuse(verbose=False).eval()
    assert all(type(part) in {type(other) for other in theirs.modules()} for part in ours.modules())
    picture = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(ours(picture)[0], theirs(picture)[0], atol=1e-3)


def test_the_shipped_weights_have_their_card_and_name_no_machine() -> None:
    with zipfile.ZipFile(DEFAULT_WEIGHTS) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".pkl"))
    assert not [word for word in (b"/tmp", b"/home", b"/work", b"/root", b"Users") if word in content]
    assert sha256_of(DEFAULT_WEIGHTS) in DEFAULT_WEIGHTS.with_suffix(".md").read_text(encoding="utf-8")
