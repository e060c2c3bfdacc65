"""One frame: which windows of it are searched, and one list of boxes made of what was found in them. Reading frames and
running the network belong to `engines`; the table to `batch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vision.classes import CLASSES, class_of
from vision.detector import Boxes
from vision.merge import merge
from vision.tiles import tile_windows

AUTO_TILE_PX = 640
"""Tile of a frame that is cut without the user saying how: the size the shipped weights were trained for."""

AUTO_TILE_FROM = 1.5
"""A frame whose longer side is up to this many tiles is searched whole: shrunk by less, little is lost."""

_EDGE_PX = 2.0  # a box that ends this near to a window's edge is taken to be cut off by it


@dataclass(frozen=True)
class SearchSettings:
    """How frames are searched: `tile_px` None means by the frame's size, 0 never cuts."""

    tile_px: int | None
    overlap: float
    confidence: float


def windows_of(width_px: int, height_px: int, tile_px: int | None, overlap: float) -> np.ndarray:
    """Windows of a frame to search, (N, 4) int as `tiles.tile_windows` has them. Where the frame is cut into
    tiles the last window is the whole frame, for objects that are larger than the overlap of two tiles."""
    whole = np.array([(0, 0, width_px, height_px)], dtype=np.int64)
    longer = max(width_px, height_px)
    if tile_px is None:
        tile_px = AUTO_TILE_PX if longer > AUTO_TILE_FROM * AUTO_TILE_PX else 0
    if tile_px == 0 or longer <= tile_px:
        return whole
    return np.concatenate([tile_windows(width_px, height_px, tile_px, overlap), whole])


def join_windows(windows: np.ndarray, found: Sequence[Boxes]) -> Boxes:
    """The boxes of a whole frame, one per object, from those `found` in each of its `windows` (the last of which ends
    where the frame ends). Boxes are in pixels of the frame, by descending confidence."""
    width, height = windows[:, 2].max(), windows[:, 3].max()
    window = np.repeat(np.arange(len(found)), [len(boxes) for boxes in found])
    corner = windows[window]
    xyxy = np.concatenate([boxes.xyxy for boxes in found]) + corner[:, [0, 1, 0, 1]].astype(np.float32)
    confidence = np.concatenate([boxes.confidence for boxes in found])
    label = [name for boxes in found for name in boxes.label]
    starts_inside = (xyxy[:, :2] < corner[:, :2] + _EDGE_PX) & (corner[:, :2] > 0)
    ends_inside = (xyxy[:, 2:] > corner[:, 2:] - _EDGE_PX) & (corner[:, 2:] < (width, height))
    cut = np.asarray(np.logical_or(starts_inside, ends_inside).any(axis=1))
    classes = np.array([CLASSES.index(class_of(name) or "") for name in label], dtype=np.int64)
    kept = merge(xyxy, confidence, classes, window=window, cut=cut)
    return Boxes(xyxy=xyxy[kept], confidence=confidence[kept], label=tuple(label[k] for k in kept))
