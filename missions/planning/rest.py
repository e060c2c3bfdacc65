"""What is left of a sortie that ended early: the way back to where it stopped photographing, and the rest of its route.

The rest belongs to the same plan: same fence, home and heights. It begins a photo before the last one taken, so that no
gap remains, with the camera off on the way there and on again at that place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import shapely

from missions.errors import NotFlyableError
from missions.items import NAV_WAYPOINT, mission_items
from missions.plan import Plan, Position, Sortie, Waypoint, legs
from missions.planning.coverage import covered_share
from missions.planning.local import Point, frame_of, polygon_of, positions_of
from missions.planning.proof import proven
from missions.planning.refuges import used_refuges
from missions.planning.routing import Router
from missions.planning.survey import photo_count

ON_THE_LINE_M = 10.0
"""A last photo further than this from the line that was being flown belongs to an earlier one."""

_ROUNDING_M = 0.2


def waypoints_reached(sortie: Sortie, plan: Plan, item_reached: int) -> int:
    """How many of a sortie's waypoints lie behind a vehicle whose last reached mission item is that one."""
    items = mission_items(sortie, plan)
    return sum(item.command == NAV_WAYPOINT for item in items[1 : item_reached + 1])


def rest_of_sortie(plan: Plan, sortie: Sortie, item_reached: int, last_photo: Position | None) -> Sortie | None:
    """What remains of a sortie of `plan` after its mission item `item_reached` and its last photo, as a sortie of the
    same number; None where nothing is left to photograph. `last_photo` is where that was, None: none was taken.

    Time and battery are the whole sortie's, less the way that is not flown. Raises NotFlyableError where no way leads
    there inside the plan's fence.
    """
    reached = min(waypoints_reached(sortie, plan, item_reached), len(sortie.waypoints))
    behind, ahead = sortie.waypoints[:reached], sortie.waypoints[reached:]
    changes = [waypoint.camera for waypoint in behind if waypoint.camera is not None]
    if changes and changes[-1] == "on" and ahead:
        start = replace(_stopped_at(plan, behind[-1], ahead[0], last_photo), camera="on")
        remaining = (start, *ahead)
    else:
        first = next((index for index, waypoint in enumerate(ahead) if waypoint.camera == "on"), None)
        if first is None:
            return None
        remaining = ahead[first:]
    rest = replace(sortie, waypoints=(*_way_to(plan, remaining[0]), *remaining), point_of_no_return=None)
    rest = _reckoned(plan, sortie, rest)
    proven(replace(plan, sorties=(rest,)))
    return rest


def plan_of_rest(plan: Plan, sorties: Sequence[Sortie]) -> Plan:
    """The plan with these sorties only, the rally points that RTL may choose on them, its own proof and the share of
    the area that they photograph. Raises NotFlyableError where the proof fails."""
    rest = replace(plan, sorties=tuple(sorties))
    flown = [[_local(plan, leg.start), _local(plan, leg.end)] for sortie in sorties for leg in legs(plan, sortie)]
    if plan.rally and flown:
        refuges = np.array([(0.0, 0.0), *(_local(plan, place) for place in plan.rally)])
        used = used_refuges(np.array(flown), refuges)[1:]
        rest = replace(rest, rally=tuple(place for place, kept in zip(plan.rally, used, strict=True) if kept))
    return replace(proven(rest), coverage=covered_share(rest))


def _stopped_at(plan: Plan, before: Waypoint, after: Waypoint, last_photo: Position | None) -> Waypoint:
    """Where on the line from `before` to `after` photographing goes on: a photo's distance before the last one."""
    if last_photo is None:
        return before
    start, end, photo = (_local(plan, place) for place in (before.position, after.position, last_photo))
    along = np.subtract(end, start)
    length_m = float(np.hypot(*along))
    if length_m == 0.0:
        return before
    direction = along / length_m
    offset = np.subtract(photo, start)
    if abs(float(direction[0] * offset[1] - direction[1] * offset[0])) > ON_THE_LINE_M:
        return before
    done_m = min(length_m, max(0.0, float(direction @ offset) - plan.trigger_distance_m))
    if done_m == 0.0:
        return before
    place = positions_of([np.add(start, done_m * direction)], plan.home)[0]
    alt_m = before.alt_home_m + (after.alt_home_m - before.alt_home_m) * done_m / length_m
    return Waypoint(place.lat_deg, place.lon_deg, alt_m)


def _way_to(plan: Plan, first: Waypoint) -> list[Waypoint]:
    """The corners between home and the first waypoint, inside the fence."""
    allowed = shapely.intersection_all([polygon_of(ring, plan.home) for ring in plan.fence.inclusion])
    clearance_m = plan.fence.clearance_m + _ROUNDING_M
    region = allowed.buffer(-clearance_m, join_style="mitre")
    for ring in plan.fence.exclusion:
        region = region.difference(polygon_of(ring, plan.home).buffer(clearance_m, join_style="mitre"))
    way = Router(region).way((0.0, 0.0), _local(plan, first.position))
    if way is None:
        raise NotFlyableError("no way leads back to where the sortie stopped inside the fence; plan the rest anew")
    return [Waypoint(place.lat_deg, place.lon_deg, first.alt_home_m) for place in positions_of(way[1:-1], plan.home)]


def _reckoned(plan: Plan, whole: Sortie, rest: Sortie) -> Sortie:
    """The rest with its own figures."""
    places = [_local(plan, place) for place in (plan.home, *(waypoint.position for waypoint in rest.waypoints))]
    distance_m = sum(math.dist(a, b) for a, b in pairwise(places))
    time_s = max(60.0, whole.flight_time_s - (whole.distance_m - distance_m) / whole.speed_m_s)
    photos = 0
    for leg in legs(plan, rest):
        if leg.imaging:
            length_m = math.dist(_local(plan, leg.start), _local(plan, leg.end))
            photos += photo_count(length_m, rest.trigger_distance_m)
    return replace(
        rest,
        distance_m=distance_m,
        flight_time_s=time_s,
        photos=photos,
        battery_used_pct=whole.battery_used_pct * time_s / whole.flight_time_s,
    )


def _local(plan: Plan, place: Position) -> Point:
    east, north = frame_of(plan.home).to_local(place.lat_deg, place.lon_deg)
    return float(east), float(north)
