"""Which ground a plan photographs: the union of the footprints of all its photos, on level ground.

From the plan's values alone. The ground a flight really imaged, with its true poses and terrain, is
`mapping.ground.coverage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from missions.plan import Plan, Sortie, legs
from missions.planning.local import line_of, lonlat_polygon, to_local, to_lonlat
from missions.planning.survey import photo_count


def imaged_polygon(plan: Plan, sortie_number: int) -> Polygon | MultiPolygon:
    """The ground that one sortie photographs, in longitude and latitude. Raises KeyError for a sortie it has not."""
    return to_lonlat(_imaged(plan, [plan.sortie(sortie_number)]), plan.home)


def covered_share(plan: Plan, lanes: Sequence[LineString] = ()) -> float:
    """The fraction of what is to be watched that lies inside the footprint of at least one photo: of the patrol area
    outside its no-fly zones, or, for a corridor, of the ground within half a line spacing of its `lanes` (local
    metres), also where a zone keeps the drone out of them; none given: of those that are flown."""
    if plan.pattern == "corridor":
        lanes = lanes or [
            line_of([leg.start, leg.end], plan.home) for s in plan.sorties for leg in legs(plan, s) if leg.imaging
        ]
        watched: BaseGeometry = shapely.union_all(shapely.buffer(lanes, plan.line_spacing_m / 2.0, cap_style="flat"))
    else:
        closed = to_local(MultiPolygon([lonlat_polygon(rings) for rings in plan.no_fly]), plan.home)
        watched = to_local(MultiPolygon([lonlat_polygon(rings) for rings in plan.patrol]), plan.home)
        watched = watched.difference(closed) if watched.intersects(closed) else watched
    return float(watched.intersection(_imaged(plan, plan.sorties)).area / watched.area)


def _imaged(plan: Plan, sorties: Iterable[Sortie]) -> BaseGeometry:
    """Footprints in local metres. Photos of one line overlap or touch (frontlap is never negative), so theirs is one
    rectangle from half a footprint before the first to half a footprint behind the last."""
    strips = []
    for sortie in sorties:
        for leg in legs(plan, sortie):
            if not leg.imaging:
                continue
            start, end = np.asarray(line_of([leg.start, leg.end], plan.home).coords)
            length = float(np.hypot(*(end - start)))
            ahead = (end - start) / length
            aside = np.array([ahead[1], -ahead[0]]) * plan.footprint_across_m / 2.0
            last = (photo_count(length, sortie.trigger_distance_m) - 1) * sortie.trigger_distance_m
            first = start - ahead * plan.footprint_along_m / 2.0
            final = start + ahead * (last + plan.footprint_along_m / 2.0)
            strips.append(Polygon([first + aside, final + aside, final - aside, first - aside]))
    return shapely.union_all(strips)
