"""What pictures taken along straight lines show of the ground: the footprint of one picture, and strips of many.

Geometry in local metres on level ground. Where the lines lie is `survey`'s; which share of an area they show
`coverage`'s.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from missions.plan import Footprint
from missions.planning.survey import photo_count

Floats = npt.NDArray[np.float64]


def photo_places(start: Floats, end: Floats, trigger_m: float) -> Floats:
    """(N, 2) where the photos of one line are taken."""
    length = float(np.hypot(*(end - start)))
    steps = np.arange(photo_count(length, trigger_m))[:, None] * trigger_m
    return np.asarray(start + steps * (end - start) / max(length, 1e-9))


def pictures(places: Floats, ahead: Floats, footprint: Footprint) -> npt.NDArray[np.object_]:
    """(N,) the ground in pictures taken at `places` (N, 2) flying in the unit directions `ahead` (N, 2)."""
    right = np.column_stack([ahead[:, 1], -ahead[:, 0]])
    corners = np.array(footprint.corners)
    rings = places[:, None, :] + corners[None, :, :1] * ahead[:, None, :] + corners[None, :, 1:] * right[:, None, :]
    return np.asarray(shapely.polygons(rings))


def strips(lines: Floats, trigger_m: float, footprint: Footprint) -> npt.NDArray[np.object_]:
    """(N,) the ground in all pictures of each of the `lines` (N, 2, 2), photos every `trigger_m` from their start.

    Pictures of one line overlap or touch, so rectangles make one from the first to the last."""
    steps = lines[:, 1] - lines[:, 0]
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    ahead = steps / np.maximum(lengths, 1e-9)[:, None]
    if not footprint.is_rectangle:
        shown = []
        for line, direction in zip(lines, ahead, strict=True):
            places = photo_places(line[0], line[1], trigger_m)
            shown.append(shapely.union_all(pictures(places, np.broadcast_to(direction, places.shape), footprint)))
        return np.array(shown, dtype=object)
    counts = np.array([photo_count(float(length), trigger_m) for length in lengths])
    right = np.column_stack([ahead[:, 1], -ahead[:, 0]]) * footprint.near_width_m / 2.0
    first = lines[:, 0] + ahead * footprint.near_m
    last = lines[:, 0] + ahead * ((counts - 1) * trigger_m + footprint.far_m)[:, None]
    return np.asarray(shapely.polygons(np.stack([first - right, last - right, last + right, first + right], axis=1)))
