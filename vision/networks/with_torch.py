"""Run the network of a `.pt` file with torch: on a CPU picture by picture in 32 bit, on a GPU many at a time in 16 bit.
Reading the file safely is `checkpoint`'s subject.
"""

from __future__ import annotations

import copy
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vision.checkpoint import read_network
from vision.errors import InputError, VisionError
from vision.networks import About

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")

GPU_BATCH = 32
"""Pictures a GPU looks at together, as far as its memory holds them."""


@dataclass(frozen=True)
class TorchNetwork:
    """An ultralytics detection network in torch; made by `load_torch`. Each thread has the network to itself, the
    weights in it are shared."""

    network: Any
    about: About
    device: str = "cpu"
    _of_thread: threading.local = field(default_factory=threading.local, init=False, repr=False, compare=False)

    @property
    def batch(self) -> int:
        """See `Network.batch`."""
        return 1 if self.device == "cpu" else GPU_BATCH

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        """See `Network.forward`."""
        import torch

        torch.set_num_threads(1)  # torch's threads would wait for each other; see engines/local.py for ours
        try:
            with torch.inference_mode():
                # NHWC memory seen as NCHW is the channels-last layout the network was put into: no copy, a third faster
                batch = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2)
                batch = (batch.float() if self.device == "cpu" else batch.half()).div_(255.0)
                put_out = self._network()(batch)
                first = put_out[0] if isinstance(put_out, list | tuple) else put_out
                return np.asarray(first.float().cpu().numpy())
        except torch.OutOfMemoryError as error:
            if len(pixels) == 1:
                side = max(pixels.shape[1:3])
                mend = "end what else uses it, give smaller tiles (--tile), or --backend openvino"
                raise VisionError(f"the GPU's memory does not hold one picture of {side} px: {mend}") from error
        halves = np.array_split(pixels, 2)  # outside the handler, which keeps what was allocated
        return np.concatenate([self.forward(half) for half in halves])

    def _network(self) -> Any:
        """This thread's own copy of the network around the common weights: the head keeps the grid of the picture it
        saw last, which a thread looking at a picture of another shape would change under it."""
        if not hasattr(self._of_thread, "network"):
            common = {id(weight): weight for weight in (*self.network.parameters(), *self.network.buffers())}
            self._of_thread.network = copy.deepcopy(self.network, memo=common)
        return self._of_thread.network


def gpu_there() -> bool:
    """Whether torch can use a GPU of this machine: not one that is too old for it, or wholly taken. Importing torch
    takes seconds, so it is asked only where there can be one."""
    if sys.platform == "linux" and not any(Path(device).exists() for device in _GPU_DEVICES):
        return False
    import torch

    try:
        return bool(torch.cuda.is_available() and torch.zeros(1, device="cuda").add_(1).item())
    except RuntimeError:  # no kernels for it, no memory left, kept by another process
        return False


def load_torch(path: Path, *, gpu: bool = False) -> TorchNetwork:
    """The network in the `.pt` file at `path`. Raises InputError as `checkpoint.read_network` does, and where the
    network does not name its labels."""
    network = read_network(path)
    names = getattr(network, "names", None)
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(k, int) for k in names):
        raise InputError(path, "its network does not name its labels; train or export again with ultralytics")
    about = About({number: str(label) for number, label in names.items()}, int(network.stride.max()))
    if gpu:
        return TorchNetwork(half_but_its_head(network).to("cuda"), about, "cuda")
    return TorchNetwork(network, about)


def half_but_its_head(network: Any) -> Any:
    """The detection network with its layers changed to 16 bit, all but the last: in 16 bit that would give the places
    of boxes beyond pixel 1024 in whole pixels, which is much of a person of ten."""
    network.half()
    network.model[-1].float().register_forward_pre_hook(_in_32_bit)
    return network


def _in_32_bit(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return ([features.float() for features in inputs[0]], *inputs[1:])
