"""Shortest ways inside a region with obstacles: a visibility graph over its corners, searched by scipy.

Geometry in local metres. What the region is (the fence less its clearance) is `fence`'s; the order of what is visited
is `order`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse.csgraph import shortest_path
from shapely.geometry import MultiPolygon, Polygon

from missions.planning.local import Point

Floats = npt.NDArray[np.float64]

_SLACK_M = 0.02
"""Ways may touch the region's border: they are tested against the region widened by this."""


class Router:
    """Shortest ways between points of one region. The region may have holes and several parts."""

    def __init__(self, region: Polygon | MultiPolygon) -> None:
        self.region = region
        self._test = shapely.buffer(region, _SLACK_M, join_style="mitre")
        shapely.prepare(self._test)
        self._corners = _reflex_corners(region)
        self._seen: dict[Point, Floats] = {}
        sees = self._visible(self._corners, self._corners)
        lengths = np.where(sees, _distances(self._corners, self._corners), np.inf)
        if len(self._corners):
            self._between, self._before = shortest_path(lengths, directed=False, return_predecessors=True)
        else:
            self._between, self._before = np.zeros((0, 0)), np.zeros((0, 0), dtype=np.int32)

    def straight(self, starts: Sequence[Point], ends: Sequence[Point]) -> npt.NDArray[np.bool_]:
        """(N,): whether the straight line from each start to its end stays inside the region."""
        if not len(starts):
            return np.zeros(0, dtype=bool)
        pairs = np.stack([np.asarray(starts, dtype=np.float64), np.asarray(ends, dtype=np.float64)], axis=1)
        inside: npt.NDArray[np.bool_] = shapely.covers(self._test, shapely.linestrings(pairs))
        return inside

    def way(self, start: Point, end: Point) -> list[Point] | None:
        """The corners of the shortest way from `start` to `end`, both included; None where there is none."""
        if shapely.covers(self._test, shapely.linestrings([start, end])):
            return [start, end]
        if not len(self._corners):
            return None
        total = self._to_corners(start)[:, None] + self._between + self._to_corners(end)[None, :]
        enter, leave = np.unravel_index(int(np.argmin(total)), total.shape)
        if not np.isfinite(total[enter, leave]):
            return None
        chain = [int(leave)]
        while chain[-1] != enter:
            chain.append(int(self._before[enter, chain[-1]]))
        corners = [(float(x), float(y)) for x, y in self._corners[chain[::-1]]]
        return [start, *(corner for corner in corners if corner not in (start, end)), end]

    def distances(self, starts: Floats, ends: Floats) -> Floats:
        """(N, M) lengths of the shortest ways between places; infinity where there is none."""
        direct = np.where(self._visible(starts, ends), _distances(starts, ends), np.inf)
        if not len(self._corners) or np.isfinite(direct).all():
            return direct
        onward = np.stack([(self._between + self._to_corners((x, y))[None, :]).min(axis=1) for x, y in ends], axis=1)
        round_corners = np.stack([(self._to_corners((x, y))[:, None] + onward).min(axis=0) for x, y in starts])
        return np.minimum(direct, round_corners)

    def _to_corners(self, point: Point) -> Floats:
        """(N,) straight distances from a point to the corners it sees; infinity to the others."""
        if point not in self._seen:
            place = np.array([point], dtype=np.float64)
            sees = self._visible(place, self._corners)
            self._seen[point] = np.where(sees, _distances(place, self._corners), np.inf)[0]
        return self._seen[point]

    def _visible(self, starts: Floats, ends: Floats) -> npt.NDArray[np.bool_]:
        """(N, M): whether the straight line between each start and end stays inside the region."""
        pairs = np.stack(np.broadcast_arrays(starts[:, None, :], ends[None, :, :]), axis=2)
        sees: npt.NDArray[np.bool_] = shapely.covers(self._test, shapely.linestrings(pairs))
        return sees


def _reflex_corners(region: Polygon | MultiPolygon) -> Floats:
    """(N, 2) corners that a shortest way may bend round: those where the region's inner angle exceeds 180 degrees."""
    corners: list[Floats] = []
    for part in shapely.get_parts(shapely.orient_polygons(region)):
        for ring in (part.exterior, *part.interiors):
            points = np.asarray(ring.coords)[:-1, :2]
            before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
            corners.append(points[before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0] < 0.0])
    return np.concatenate(corners) if corners else np.zeros((0, 2))


def _distances(starts: Floats, ends: Floats) -> Floats:
    difference = starts[:, None, :] - ends[None, :, :]
    lengths: Floats = np.hypot(difference[..., 0], difference[..., 1])
    return lengths
