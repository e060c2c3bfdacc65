"""One frame: which windows of it are searched at which scale, and one list of boxes made of what was found in them.
Reading frames and running the network belong to `engines`; the table to `batch`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vision.classes import CLASSES
from vision.detector import INPUT_PX, Boxes
from vision.merge import merge
from vision.tiles import fitted_windows, tile_windows
from vision.visibility import FROM_ABOVE_M

LARGEST_TILE_PX = 1280
"""Longest side of a tile that is cut without the user saying how, and of a frame that is not cut, in pixels of the
network's input. A larger tile wastes less on overlaps and finds as much, and takes more memory
(`bench/detect_speed.py`). No frame is shrunk to fewer pixels than the network was made for and it has: where 960 px
were shrunk to 640, people were found with recall 0.62 instead of 0.84."""

BLOWN_UP = 1.1
"""A frame no larger than this many times what the network was made for is blown up to it. With the shipped weights,
made for 640 px, mAP50 on HIT-UAV's validation frames was 0.893 at 640 px, 0.896 at 672, 0.905 at 704, 0.906 at 736 and
0.901 at 768; 704 takes a quarter more time than 640. Tiles of larger frames stay as they are, for the time it takes."""

MOST_SHRUNK = 6.25
"""A frame that is cut is seen as a whole this many times smaller at most, as far as `LARGEST_TILE_PX` allows: what is
too large for the 128 px that tiles share still covers 20 then."""

LARGEST_M = 16.0
"""Length of the longest thing that is looked for, a lorry with its trailer: where the ground sample distance is known
and tiles overlap by that much, every one of them is whole in some tile."""

LEAST_PX = 12.0
"""Pixels a person from above must cover for the shipped weights, unless the user says otherwise."""

_LARGEST_SCALE = 4.0  # blowing up further shows nothing more
_SCALE_STEP = 0.25  # frames of nearly the same height enter the network in one size
_STRIDE_PX = 32
_OVERLAP_OF_PX = 640  # what the overlap is a fraction of, where tiles are fitted to the frame
_SMALL_IN_TILE = 0.5  # of a tile's side: what is larger may be seen better in the whole frame
_HARDLY_SHRUNK = 1.5
_EDGE_PX = 2.0  # a box that ends this near to a window's edge is taken to be cut off by it


@dataclass(frozen=True)
class SearchSettings:
    """How frames are searched. `tile_px` None means by the frame's size, 0 never cuts; `overlap` is a fraction of the
    tile; `gsd_m` is the size of a pixel on the ground where it is known, and `least_px` how many of the
    network's pixels a person shall cover then."""

    tile_px: int | None
    overlap: float
    confidence: float
    gsd_m: float | None = None
    least_px: float = LEAST_PX

    def for_gsds(self, gsds_m: Sequence[float | None]) -> list[SearchSettings]:
        """These settings for frames whose pixels have those sizes on the ground; where one is None, it is as here."""
        return [replace(self, gsd_m=self.gsd_m if gsd_m is None else gsd_m) for gsd_m in gsds_m]

    @property
    def scale(self) -> float:
        """Pixels of the network's input for each of the frame's, where tiles are cut by the ground sample distance: 1
        or, where a person covers too few, more."""
        if self.gsd_m is None:
            return 1.0
        needed = self.least_px * self.gsd_m / FROM_ABOVE_M["person"]
        steps = math.ceil(round(needed / _SCALE_STEP, 6))
        return min(max(1.0, steps * _SCALE_STEP), _LARGEST_SCALE)


@dataclass(frozen=True)
class Window:
    """A part of a frame that is looked at: x1, y1, x2, y2 in pixels of the frame, the second corner exclusive, and the
    pixels its longer side has in the network's input."""

    xyxy: tuple[int, int, int, int]
    input_px: int


def windows_of(
    width_px: int,
    height_px: int,
    settings: SearchSettings,
    *,
    input_px: int = INPUT_PX,
    fixed: tuple[int, int] | None = None,
) -> tuple[Window, ...]:
    """The windows of a frame to search. `input_px` is what the network was made for, `fixed` (width, height) its only
    size if it has just one. Where the frame is cut the last window is the whole frame, for objects that are
    larger than the overlap of two tiles, unless the ground sample distance says that there are none."""
    whole = Window((0, 0, width_px, height_px), input_px)
    longer, scale = max(width_px, height_px), settings.scale
    if settings.tile_px == 0:
        return (whole,)
    besides = replace(whole, input_px=max(input_px, 0 if fixed else min(round(longer / MOST_SHRUNK), LARGEST_TILE_PX)))
    if settings.tile_px is not None:
        if longer <= settings.tile_px:
            return (whole,)
        tiles = tile_windows(width_px, height_px, settings.tile_px, settings.overlap)
        return (*_windows(tiles, [input_px] * len(tiles)), besides)
    if longer * scale <= BLOWN_UP * input_px:
        return (replace(whole, input_px=round(BLOWN_UP * input_px)),)
    most = [round(side / scale) for side in (fixed or (LARGEST_TILE_PX, LARGEST_TILE_PX))]
    overlap_px = round(settings.overlap * _OVERLAP_OF_PX / scale)
    largest_px = None if settings.gsd_m is None else round(LARGEST_M / settings.gsd_m)
    if largest_px is not None and 2 * largest_px <= min(most):
        overlap_px = largest_px
    overlap_px = min(overlap_px, min(most) // 2)
    step = max(1, int(_STRIDE_PX / scale))
    tiles = fitted_windows(width_px, height_px, (most[0], most[1]), overlap_px, step_px=step)
    if fixed:
        sides = [max(fixed)] * len(tiles)
    else:
        sides = [round(max(x2 - x1, y2 - y1) * scale) for x1, y1, x2, y2 in tiles.tolist()]
    if len(tiles) == 1 or (largest_px is not None and largest_px <= overlap_px):
        return _windows(tiles, sides)
    return (*_windows(tiles, sides), besides)


def _windows(tiles: np.ndarray, sides: Sequence[int]) -> tuple[Window, ...]:
    return tuple(Window((x1, y1, x2, y2), side) for (x1, y1, x2, y2), side in zip(tiles.tolist(), sides, strict=True))


def join_windows(windows: Sequence[Window], found: Sequence[Boxes]) -> Boxes:
    """The boxes of a whole frame, one per object, from those `found` in each of its `windows` (which cover the frame).
    Boxes are in pixels of the frame, by descending confidence. Where a tile showed a thing from closer, what the
    shrunken whole frame shows of it does not count."""
    corners = np.array([window.xyxy for window in windows], dtype=np.int64)
    width, height = corners[:, 2].max(), corners[:, 3].max()
    window = np.repeat(np.arange(len(found)), [len(boxes) for boxes in found])
    corner = corners[window]
    xyxy = np.concatenate([boxes.xyxy for boxes in found]) + corner[:, [0, 1, 0, 1]].astype(np.float32)
    confidence = np.concatenate([boxes.confidence for boxes in found])
    label = [name for boxes in found for name in boxes.label]
    names = [name for boxes in found for name in boxes.classes]
    starts_inside = (xyxy[:, :2] < corner[:, :2] + _EDGE_PX) & (corner[:, :2] > 0)
    ends_inside = (xyxy[:, 2:] > corner[:, 2:] - _EDGE_PX) & (corner[:, 2:] < (width, height))
    cut = np.asarray(np.logical_or(starts_inside, ends_inside).any(axis=1))
    classes = np.array([CLASSES.index(name) for name in names], dtype=np.int64)
    seen = np.flatnonzero(~_shown_closer(windows, xyxy, window))
    kept = seen[merge(xyxy[seen], confidence[seen], classes[seen], window=window[seen], cut=cut[seen])]
    return Boxes(
        xyxy=xyxy[kept],
        confidence=confidence[kept],
        label=tuple(label[k] for k in kept),
        classes=tuple(names[k] for k in kept),
    )


def _shown_closer(windows: Sequence[Window], xyxy: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Which boxes (N, 4), each found in the window of that number (N,), are of the shrunken whole frame though a tile
    shows the same place: those that lie inside a tile and take up no more than `_SMALL_IN_TILE` of its sides. There is
    little left of so small a thing in the whole frame, and what is taken for one is mostly false."""
    closer = np.zeros(len(xyxy), dtype=bool)
    *tiles, last = (one.xyxy for one in windows)
    longer = max(last[2] - last[0], last[3] - last[1])
    corners = np.array(tiles, dtype=np.int64).reshape(-1, 4)
    whole = (corners[:, :2] >= last[:2]).all() and (corners[:, 2:] <= last[2:]).all()
    if not whole or longer <= _HARDLY_SHRUNK * windows[-1].input_px:
        return closer
    coarse = np.flatnonzero(window == len(windows) - 1)
    boxes = xyxy[coarse, None]
    inside = (boxes[..., :2] >= corners[:, :2]) & (boxes[..., 2:] <= corners[:, 2:])
    small = boxes[..., 2:] - boxes[..., :2] <= _SMALL_IN_TILE * (corners[:, 2:] - corners[:, :2])
    closer[coarse] = (inside & small).all(axis=2).any(axis=1)
    return closer
