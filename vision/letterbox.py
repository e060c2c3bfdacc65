"""Fit a picture to what a network takes in: scaled, padded to a multiple of its stride or to its one size, red first;
and bring boxes back to pixels of the picture. What is in the picture is the network's subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

_PAD_GREY = 114  # ultralytics trains with this grey around its pictures


@dataclass(frozen=True)
class Letterbox:
    """How a picture of one size is fitted to the network: scaled, then padded on all sides."""

    width_px: int
    height_px: int
    left_px: int
    top_px: int
    padded_width_px: int
    padded_height_px: int
    scale_x: float
    scale_y: float

    def fill(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """The pictures, uint8 (H, W, 3) in BGR or (H, W[, 1]) grey, as the network takes them: uint8 (N, height,
        width, 3), red, green, blue."""
        pixels = np.full((len(images), self.padded_height_px, self.padded_width_px, 3), _PAD_GREY, dtype=np.uint8)
        down = slice(self.top_px, self.top_px + self.height_px)
        across = slice(self.left_px, self.left_px + self.width_px)
        for k, image in enumerate(images):
            pixels[k, down, across] = self._fit(image)
        return pixels

    def _fit(self, image: np.ndarray) -> np.ndarray:
        if image.shape[:2] != (self.height_px, self.width_px):
            size = (self.width_px, self.height_px)
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR))
        if image.ndim == 2 or image.shape[2] == 1:
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))

    def restore(self, xyxy: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
        """Boxes (N, 4) in pixels of the network's input as boxes in the picture of that size, float32."""
        offset = np.array([self.left_px, self.top_px] * 2, dtype=np.float32)
        scale = np.array([self.scale_x, self.scale_y] * 2, dtype=np.float32)
        limit = np.array([width_px, height_px] * 2, dtype=np.float32)
        return np.asarray(np.clip((xyxy - offset) / scale, 0.0, limit).astype(np.float32))


def letterbox(
    width_px: int, height_px: int, input_px: int, stride_px: int, fixed: tuple[int, int] | None = None
) -> Letterbox:
    """The fit of a picture: its long side scaled to `input_px`, padded to multiples of `stride_px`; or into the
    network's only size, `fixed` (width, height), where it has one."""
    scale = min(fixed[0] / width_px, fixed[1] / height_px) if fixed else input_px / max(width_px, height_px)
    width, height = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    padded_width, padded_height = fixed or tuple(-(-side // stride_px) * stride_px for side in (width, height))
    return Letterbox(
        width_px=width,
        height_px=height,
        left_px=(padded_width - width) // 2,
        top_px=(padded_height - height) // 2,
        padded_width_px=padded_width,
        padded_height_px=padded_height,
        scale_x=width / width_px,
        scale_y=height / height_px,
    )
