"""Pictures to train on, made of the pictures there are. Small things are sparse in big frames, and a pass through the
network costs the same for empty ground: so four windows round objects, at nearly the scale they were taken, are put
together to one picture. Some windows show ground where nothing is, and some pictures are whole frames, because that is
what the network will be given. Each is drawn from its own seed, so training can go on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vision.dataset import LabelledPicture, as_colour

PAD_GREY = 114
LEAST_VISIBLE = 0.35
"""An object of which a window shows a smaller part than this is no object there."""
_LEAST_SIDE_PX = 3.0
_BACKGROUND = 0.12
_SCALE = (0.8, 1.35)
_NEARLY = (0.9, 1.15)
_GAIN = (0.75, 1.3)
_LIFT = 24.0


@dataclass(frozen=True)
class Sample:
    """A picture to train on, uint8 (H, W, 3), its boxes `xyxy` (N, 4) float32 in its pixels and `classes` (N,)."""

    pixels: np.ndarray
    xyxy: np.ndarray
    classes: np.ndarray


def cover(xyxy: np.ndarray, window_px: float) -> np.ndarray:
    """Centres (M, 2) of few windows that together show the middle of every box: always the window that shows most of
    those left."""
    left = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    centres = []
    while len(left):
        near = np.abs(left[:, None] - left[None]).max(axis=2) < 0.46 * window_px
        best = near[int(near.sum(axis=1).argmax())]
        centres.append((left[best].min(axis=0) + left[best].max(axis=0)) / 2)
        left = left[~best]
    return np.array(centres, dtype=np.float32).reshape(-1, 2)


class Mosaics:
    """Draws samples from `pictures`; `side_px` is the side of a mosaic of four windows."""

    def __init__(self, pictures: Sequence[LabelledPicture], side_px: int) -> None:
        self.pictures = pictures
        self.side_px = side_px
        self.window_px = side_px // 2
        places = [
            (number, x, y) for number, picture in enumerate(pictures) for x, y in cover(picture.xyxy, self.window_px)
        ]
        self.places = np.array(places, dtype=np.float32).reshape(-1, 3)

    def mosaic(self, numbers: Sequence[int], draw: np.random.Generator) -> Sample:
        """Four windows: round the places `numbers` in the list of places, some of them anywhere instead."""
        half = self.window_px
        pixels = np.empty((2 * half, 2 * half, 3), dtype=np.uint8)
        boxes, classes = [], []
        for k, number in enumerate(numbers):
            x, y = (k % 2) * half, (k // 2) * half
            part = self._window(number, draw)
            pixels[y : y + half, x : x + half] = part.pixels
            boxes.append(part.xyxy + np.array([x, y, x, y], dtype=np.float32))
            classes.append(part.classes)
        return Sample(pixels, np.concatenate(boxes), np.concatenate(classes))

    def _window(self, number: int, draw: np.random.Generator) -> Sample:
        if not len(self.places) or draw.random() < _BACKGROUND:
            picture = self.pictures[int(draw.integers(len(self.pictures)))]
            width, height = picture.size_px
            x, y = draw.uniform(0, width), draw.uniform(0, height)
        else:
            which, x, y = self.places[number]
            picture = self.pictures[int(which)]
        scale = float(np.exp(draw.uniform(*np.log(_SCALE))))
        shift = draw.uniform(-0.22, 0.22, size=2) * self.window_px / scale
        return _cut(picture, (float(x + shift[0]), float(y + shift[1])), scale, (self.window_px, self.window_px), draw)

    def whole(self, number: int, size: tuple[int, int], draw: np.random.Generator) -> Sample:
        """The picture `number` as (width, height) `size` has it: about as large as it fits, moved a little. A part of
        one that is larger, at its own scale, as it will be searched."""
        picture = self.pictures[number]
        width, height = picture.size_px
        scale = float(np.exp(draw.uniform(*np.log(_NEARLY))))
        if max(width, height) > max(size):
            return _cut(picture, (float(draw.uniform(0, width)), float(draw.uniform(0, height))), scale, size, draw)
        scale *= min(size[0] / width, size[1] / height)
        shift = draw.uniform(-0.06, 0.06, size=2) * (width, height)
        return _cut(picture, (width / 2 + float(shift[0]), height / 2 + float(shift[1])), scale, size, draw)


def _cut(
    picture: LabelledPicture,
    centre: tuple[float, float],
    scale: float,
    size: tuple[int, int],
    draw: np.random.Generator,
) -> Sample:
    """`size` (width, height) pixels of the picture round `centre`, enlarged by `scale`, perhaps mirrored, a little
    brighter or darker. A window that would look over an edge is moved inside as far as the picture reaches."""
    width, height = picture.size_px
    corner = [
        min(max(middle - side / scale / 2, 0.0), length - side / scale)
        if side / scale <= length
        else (length - side / scale) / 2
        for middle, side, length in zip(centre, size, (width, height), strict=True)
    ]
    mirrored = draw.random() < 0.5
    turn = np.array([[scale, 0.0, -corner[0] * scale], [0.0, scale, -corner[1] * scale]])
    boxes = picture.xyxy * np.float32(scale) - np.tile(np.array(corner, dtype=np.float32) * np.float32(scale), 2)
    if mirrored:
        turn[0] = [-scale, 0.0, size[0] - 1 - turn[0, 2]]
        boxes = boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32) + np.array([size[0], 0] * 2, np.float32)
    how = cv2.INTER_LINEAR if scale >= 0.75 else cv2.INTER_AREA
    pixels = cv2.warpAffine(
        picture.pixels(), turn, size, flags=how, borderMode=cv2.BORDER_CONSTANT, borderValue=(PAD_GREY,) * 3
    )
    greys = np.arange(256) * draw.uniform(*_GAIN) + draw.uniform(-_LIFT, _LIFT)
    pixels = cv2.LUT(pixels, np.clip(greys, 0, 255).astype(np.uint8))
    limit = np.array([*size, *size], dtype=np.float32)
    cut = np.clip(boxes, 0.0, limit)
    area = np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6)
    sides = cut[:, 2:] - cut[:, :2]
    kept = (np.prod(sides, axis=1) >= LEAST_VISIBLE * area) & (sides >= _LEAST_SIDE_PX).all(axis=1)
    return Sample(as_colour(np.asarray(pixels)), cut[kept], picture.classes[kept])
