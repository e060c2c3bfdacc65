"""Which ground a plan photographs: the union of the footprints of all its photos, on level ground or over hills.

From the plan's values, and over hills from the camera and the elevation model. The ground a flight really imaged, with
its true poses and terrain, is `mapping.ground.coverage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from missions.plan import Plan, Sortie, legs
from missions.planning.local import line_of, lonlat_polygon, to_local, to_lonlat
from missions.planning.pictures import strips
from missions.planning.pictures_over_hills import Sight, shown_over_hills


def imaged_polygon(plan: Plan, sortie_number: int, hills: Sight | None = None) -> Polygon | MultiPolygon:
    """The ground that one sortie photographs, in longitude and latitude: on level ground, or of `hills`. Raises
    KeyError for a sortie it has not."""
    return to_lonlat(_imaged(plan, [plan.sortie(sortie_number)], hills), plan.home)


def covered_share(plan: Plan, lanes: Sequence[LineString] = (), hills: Sight | None = None) -> float:
    """The fraction of what is to be watched that lies inside the footprint of at least one photo: of the patrol area
    outside its no-fly zones, or, for a corridor, of the ground within half a line spacing of its `lanes` (local
    metres), also where a zone keeps the drone out of them; none given: of those that are flown. On level ground, or of
    `hills`."""
    if plan.pattern == "corridor":
        lanes = lanes or [
            line_of([leg.start, leg.end], plan.home) for s in plan.sorties for leg in legs(plan, s) if leg.imaging
        ]
        watched: BaseGeometry = shapely.union_all(shapely.buffer(lanes, plan.line_spacing_m / 2.0, cap_style="flat"))
    else:
        closed = to_local(shapely.union_all([lonlat_polygon(rings) for rings in plan.closed]), plan.home)
        watched = to_local(MultiPolygon([lonlat_polygon(rings) for rings in plan.patrol]), plan.home)
        watched = watched.difference(closed) if watched.intersects(closed) else watched
    return float(watched.intersection(_imaged(plan, plan.sorties, hills)).area / watched.area)


def _imaged(plan: Plan, sorties: Iterable[Sortie], hills: Sight | None) -> BaseGeometry:
    """The ground in all pictures, in local metres."""
    shown: list[BaseGeometry] = []
    for sortie in sorties:
        if hills is not None:
            shown += list(shown_over_hills(plan, sortie, hills))
            continue
        flown = [leg for leg in legs(plan, sortie) if leg.imaging]
        if flown:
            lines = np.array([line_of([leg.start, leg.end], plan.home).coords for leg in flown])
            shown += list(strips(lines, sortie.trigger_distance_m, plan.pictured))
    return shapely.union_all(shown)
