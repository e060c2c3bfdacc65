"""At which height above take-off the way home (RTL) is flown over hills: over every hill on it, and over no valley
higher than the ceiling.

ArduCopter's RTL climbs where it is to RTL_ALT, or keeps its height where it is higher already, and flies straight to
the nearest of home and the rally points. RTL_ALT is one height above home for the whole flight, so the highest ground
below any way home sets its least, the lowest its most. Where the ways home go is `refuges`' subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mapping.ground.terrain import Terrain
from missions.errors import NotFlyableError
from missions.plan import Plan
from missions.planning.fence import CEILING_MARGIN_M
from missions.planning.local import frame_of
from missions.planning.terrain import STEP_M, Relief, Way, ground_home_m, ground_span_m, way_over_ground

Floats = npt.NDArray[np.float64]

_MOST_SAMPLES = 500
"""Of the ground along one straight way home: longer ones are looked at in longer steps."""
_ROUNDING_M = 0.05


def with_way_home(plan: Plan, relief: Relief) -> Plan:
    """The plan, its heights following the ground already, with the height of its way home: over all hills inside the
    fence where the ceiling leaves room for that, else over those below the straight ways home, as a note then says.
    Raises NotFlyableError, naming the place, where a way home would be over the ceiling above the ground below it, and
    where the elevation model has no heights."""
    ways = [way_over_ground(plan, sortie, relief.terrain) for sortie in plan.sorties if sortie.waypoints]
    flown_m = np.concatenate([way.flight_home_m for way in ways])
    clear_m = plan.height_home_m - relief.tolerance_m
    lowest_m, highest_m = ground_below_ways_home(plan, ways, relief.terrain)
    least_m, most_m = float(highest_m.max()) + clear_m, float(lowest_m.min()) + relief.ceiling_m
    over_m = np.maximum(flown_m, least_m) - lowest_m
    worst = int(over_m.argmax())
    if over_m[worst] > relief.ceiling_m + _ROUNDING_M:
        east, north = np.concatenate([way.place_m for way in ways])[worst]
        lat, lon = frame_of(plan.home).to_geodetic(east, north)
        raise NotFlyableError(
            f"from {float(lat):.5f}, {float(lon):.5f} the way home (RTL keeps one height) would lie "
            f"{over_m[worst]:.0f} m above a valley, over the ceiling of {relief.ceiling_m:.0f} m; "
            "draw a rally point near there, split the area with a home each, fly lower, or raise --ceiling where that "
            "is allowed"
        )
    over_all_m = max(float(flown_m.max()), ground_span_m(plan, relief.terrain)[1] + clear_m, least_m)
    return_m = round(min(over_all_m, max(most_m, least_m)), 2)
    notes = plan.notes
    if return_m < over_all_m - _ROUNDING_M:
        notes += (
            f"The way home (RTL) is {return_m:.0f} m above take-off to hold the ceiling of {relief.ceiling_m:.0f} m: "
            "it clears the hills below every straight way home, not all hills inside the fence "
            f"({over_all_m:.0f} m would).",
        )
    top_m = max(plan.fence.alt_max_home_m, max(return_m, float(flown_m.max())) + CEILING_MARGIN_M)
    fence = replace(plan.fence, alt_max_home_m=top_m)
    allowed_m = round(max(most_m, return_m), 2)
    return replace(plan, fence=fence, return_height_home_m=return_m, return_most_home_m=allowed_m, notes=notes)


def ground_below_ways_home(plan: Plan, ways: Sequence[Way], terrain: Terrain) -> tuple[Floats, Floats]:
    """(N,) the lowest and the highest ground, in metres above take-off, below the straight ways home from each sample
    of all ways. Looked at along rays from every refuge, no farther than a step from each other or from a place's own
    straight line."""
    places = np.concatenate([way.place_m for way in ways])
    own_m = np.concatenate([way.ground_home_m for way in ways])
    frame = frame_of(plan.home)
    east, north = frame.to_local([p.lat_deg for p in plan.rally], [p.lon_deg for p in plan.rally])
    refuges = np.concatenate([[[0.0, 0.0]], np.column_stack([east, north])])
    away = np.hypot(*(places[:, None, :] - refuges[None, :, :]).transpose(2, 0, 1))
    may_choose = away <= away.min(axis=1, keepdims=True) + 2.0 * STEP_M
    lowest, highest = own_m.copy(), own_m.copy()
    for number, refuge in enumerate(refuges):
        asked = np.flatnonzero(may_choose[:, number])
        if not len(asked):
            continue
        radius = away[asked, number]
        step = max(STEP_M, float(radius.max()) / _MOST_SAMPLES)
        count = max(8, int(np.ceil(2.0 * np.pi * radius.max() / step)))
        direction = np.arctan2(*(places[asked] - refuge).T) % (2.0 * np.pi)
        used, ray = np.unique((direction / (2.0 * np.pi) * count).astype(np.int64) % count, return_inverse=True)
        reach = np.zeros(len(used))
        np.maximum.at(reach, ray, radius)
        along = np.arange(int(radius.max() / step) + 1) * step
        ahead = 2.0 * np.pi * (used + 0.5) / count
        known = along[None, :] <= reach[:, None]
        x = refuge[0] + np.sin(ahead)[:, None] * along
        y = refuge[1] + np.cos(ahead)[:, None] * along
        ground = np.full(known.shape, np.nan)
        ground[known] = ground_home_m(plan, terrain, *frame.to_geodetic(x[known], y[known]))
        at = (ray, (radius / step).astype(np.int64))
        lowest[asked] = np.fmin(lowest[asked], np.fmin.accumulate(ground, axis=1)[at])
        highest[asked] = np.fmax(highest[asked], np.fmax.accumulate(ground, axis=1)[at])
    return lowest, highest
