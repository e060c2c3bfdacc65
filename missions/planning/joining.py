"""Fewer and simpler no-fly zones where an autopilot cannot hold all their corners: neighbours are joined outward.

Geometry in local metres. What is excluded only grows. Whether that is needed is for `fence` to find.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import combinations

import shapely
from shapely.geometry import MultiPolygon, Point, Polygon

_CORNERS = 40
"""What all zones together may have: the rest of an autopilot's vertices is for the fence round the area."""


def joined_zones(zones: Sequence[Polygon], home: Point, away_m: float) -> MultiPolygon:
    """Zones of few corners that hold all of `zones`: each by itself at first a rectangle where that has fewer corners,
    then rectangles round neighbours, those first that close least more ground, until all have few enough corners
    together. None is made to reach nearer to `home` than `away_m` by joining."""
    kept = dict(enumerate(_simplest(zone) for zone in zones))
    queue: list[tuple[float, int, int]] = []

    def look_at(first: int, second: int) -> None:
        box = _round([kept[first], kept[second]])
        if box.distance(home) >= away_m:
            heapq.heappush(queue, (box.area - kept[first].area - kept[second].area, first, second))

    for first, second in combinations(kept, 2):
        look_at(first, second)
    while sum(map(_corners, kept.values())) > _CORNERS and queue:
        _, first, second = heapq.heappop(queue)
        if first not in kept or second not in kept:
            continue
        number = max(kept) + 1
        kept[number] = _round([kept.pop(first), kept.pop(second)])
        for other in kept:
            if other != number:
                look_at(other, number)
    return MultiPolygon([part for zone in kept.values() for part in shapely.get_parts(zone)])


def _simplest(zone: Polygon) -> Polygon:
    """The zone without its holes, as a rectangle where that has fewer corners."""
    solid = Polygon(zone.exterior).simplify(0.0)
    return solid if _corners(solid) <= 4 else _round([solid])


def _round(zones: Sequence[Polygon]) -> Polygon:
    """The least rectangle round them, a millimetre wider for rounding."""
    box = shapely.minimum_rotated_rectangle(shapely.union_all(zones))
    return Polygon(shapely.buffer(box, 1e-3, join_style="mitre").exterior)


def _corners(zone: Polygon) -> int:
    return len(zone.exterior.coords) - 1
