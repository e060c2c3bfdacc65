"""Fewer and simpler no-fly zones where an autopilot cannot hold all their corners: outlines are made rectangles and
triangles, neighbours joined, always outward.

Geometry in local metres. What is excluded only grows. How few corners it takes is for `fence` to find.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon

_NEIGHBOURS = 10
"""With how many others, the nearest, a zone may be joined."""
_TRIANGLE_TURNS = np.radians(np.arange(0.0, 120.0, 7.5))
_ROUNDING_M = 1e-3


def joined_zones(zones: Sequence[Polygon], home: Point, away_m: float, most_corners: int) -> MultiPolygon:
    """Zones of at most so many corners together that hold all of `zones`, or as few as can be.

    One step after the other, each that which closes least more ground for a corner less: a rectangle or a triangle
    round one zone or round two neighbours. None is made to reach nearer to `home` than `away_m` by that.
    """
    kept = {number: Polygon(zone.exterior).simplify(0.0) for number, zone in enumerate(zones)}
    numbers, ties = count(len(kept)), count()
    queue: list[tuple[float, int, tuple[int, ...], Polygon]] = []

    def offer(*members: int) -> None:
        shapes = [kept[number] for number in members]
        together = shapely.union_all(shapes)
        for shape in _simpler(together):
            saved = sum(map(_corners, shapes)) - _corners(shape)
            if saved > 0 and shape.distance(home) >= away_m:
                heapq.heappush(queue, ((shape.area - together.area) / saved, next(ties), members, shape))

    for number in kept:
        offer(number)
    for first, second in _neighbours(kept):
        offer(first, second)
    corners = sum(map(_corners, kept.values()))
    while corners > most_corners and queue:
        _, _, members, shape = heapq.heappop(queue)
        if any(number not in kept for number in members):
            continue
        corners += _corners(shape) - sum(_corners(kept.pop(number)) for number in members)
        number = next(numbers)
        kept[number] = shape
        offer(number)
        others = [other for other in kept if other != number]
        away = shapely.distance(shape, [kept[other] for other in others])
        for k in np.argsort(away, kind="stable")[:_NEIGHBOURS]:
            offer(others[k], number)
    whole = shapely.union_all(list(kept.values()))
    return MultiPolygon([Polygon(part.exterior) for part in shapely.get_parts(whole) if isinstance(part, Polygon)])


def _neighbours(kept: dict[int, Polygon]) -> Iterator[tuple[int, int]]:
    """Every zone with those nearest to it, each pair once."""
    shapes = np.array(list(kept.values()), dtype=object)
    pairs: set[tuple[int, int]] = set()
    for first in range(len(shapes)):
        away = shapely.distance(shapes[first], shapes)
        for second in np.argsort(away, kind="stable")[: _NEIGHBOURS + 1].tolist():
            if second != first:
                pairs.add((min(first, second), max(first, second)))
    yield from sorted(pairs)


def _simpler(shape: shapely.Geometry) -> Iterator[Polygon]:
    """The least rectangle and a small triangle round a shape, a millimetre wider for rounding."""
    box = shapely.minimum_rotated_rectangle(shape)
    yield Polygon(shapely.buffer(box, _ROUNDING_M, join_style="mitre").exterior)
    yield _triangle(shapely.get_coordinates(shape))


def _triangle(points: np.ndarray) -> Polygon:
    """The smallest of the triangles of three equal sides round some points: none of its corners is so sharp that a
    margin round it would grow a spike."""
    angles = _TRIANGLE_TURNS[:, None] + 2.0 * math.pi / 3.0 * np.arange(3)
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    reach = (normals @ points.T).max(axis=2) + _ROUNDING_M
    # Its height is the sum of how far its sides lie from any point inside (Viviani).
    best = int(reach.sum(axis=1).argmin())
    sides, away = normals[best], reach[best]
    pairs = [[k, (k + 1) % 3] for k in range(3)]
    return Polygon([np.linalg.solve(sides[pair], away[pair]) for pair in pairs])


def _corners(zone: Polygon) -> int:
    return len(zone.exterior.coords) - 1
