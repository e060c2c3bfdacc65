"""Which boxes of one frame mean the same thing, so that only the most confident of them may become a sighting.

Boxes of two classes that cover the same pixels (intersection over union of at least 0.5) are one thing. A person beside
a car, or much smaller than the box it stands in, stays. Vehicles are sometimes boxed in pieces, body and bonnet: a
vehicle's box so near another vehicle's that two could not stand there, or near it and too small on the ground for any
car, is a piece of it. What a person marked is never outvoted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mapping.ground.marks import MARKED
from vision.boxes import iou

Floats = npt.NDArray[np.float64]

SAME_PIXELS_IOU = 0.5
PIECE_DIAGONAL_M = 3.6
"""No car's box has a shorter diagonal on the ground: the smallest are 2.7 m by 1.7 m, and boxes are rarely tight."""
NARROWEST_M = 1.5
"""Two vehicles' middles are never nearer than the narrowest car is wide."""
PIECE_REACH_M = 3.0
"""Middles of two vehicles that stand side by side or in a row, one of them whole, are hardly nearer than this."""


def outvoted(
    detections: pa.Table, frame_index: npt.NDArray[np.intp], boxes: Floats, places_m: Floats, diagonals_m: Floats
) -> npt.NDArray[np.bool_]:
    """(N,) True for the detections that a more confident one of the same frame speaks for.

    `boxes` (N, 4) are in pixels; `places_m` (N, 2) where they stand, east and north, and `diagonals_m` (N,) how long
    their diagonals are on the ground, both NaN where that is unknown.
    """
    classes = np.array(detections["class"].to_pylist(), dtype=np.str_)
    names = detections["detection_id"].to_pylist()
    confidence = detections["confidence"].to_numpy()
    found = np.array([model != MARKED for model in detections["model"].to_pylist()], dtype=np.bool_)
    lost = np.zeros(len(boxes), dtype=np.bool_)
    by_frame: dict[int, list[int]] = {}
    for number in sorted(np.flatnonzero(found).tolist(), key=lambda one: (-confidence[one], names[one])):
        by_frame.setdefault(int(frame_index[number]), []).append(number)
    for members in by_frame.values():
        same = _same_pixels(boxes[members], classes[members])
        same |= _pieces(classes[members], places_m[members], diagonals_m[members])
        for place, number in enumerate(members):
            rivals = np.flatnonzero(same[place, :place])
            lost[number] = any(not lost[members[rival]] for rival in rivals)
    return lost


def _same_pixels(boxes: Floats, classes: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """(N, N) True for boxes of two classes on the same pixels; never for boxes of no size."""
    return (iou(boxes, boxes) >= SAME_PIXELS_IOU) & (classes[:, None] != classes)


def _pieces(classes: npt.NDArray[np.str_], places_m: Floats, diagonals_m: Floats) -> npt.NDArray[np.bool_]:
    """(N, N) True for two vehicles' boxes that can only be parts of one vehicle."""
    vehicle = classes == "vehicle"
    apart = np.linalg.norm(places_m[:, None] - places_m, axis=2)
    small = diagonals_m < PIECE_DIAGONAL_M
    piece = (apart < PIECE_REACH_M) & (small[:, None] | small)
    return (vehicle[:, None] & vehicle) & (piece | (apart < NARROWEST_M))
