"""Networks behind one small interface: pictures of one size in, what the network puts out. `with_torch` runs `.pt`
weights, `with_openvino` ONNX files and OpenVINO's own; `choosing` says which is fastest here and as good. What the
output means is `vision.decoding`'s subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class About:
    """What a network says of itself: its labels by number, the stride its input must be a multiple of, the only size
    it takes in (width, height; None: any), and the side it was made for (None: it does not say)."""

    names: dict[int, str]
    stride_px: int
    fixed: tuple[int, int] | None = None
    input_px: int | None = None


class Network(Protocol):
    """A network that is ready to run. Any number of threads may call `forward` at once."""

    @property
    def about(self) -> About: ...

    @property
    def batch(self) -> int:
        """How many pictures are worth looking at together."""
        ...

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        """What comes out for pictures uint8 (N, H, W, 3), red first: float32, N first (see `vision.decoding`)."""
        ...
