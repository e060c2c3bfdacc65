"""How fast each leg of a sortie is asked to be flown: the survey's speed while the camera triggers and on short links,
the drone's own on the way out, on the way home and on links long enough to be worth speeding up for.

Mission items, flight times and the distance kept between drones all take their speeds from here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import pairwise

from missions.plan import Plan, Sortie
from missions.planning.local import frame_of

FAST_LINK_M = 50.0
"""A link shorter than this is over before the greater speed is reached."""


def leg_speeds(
    points: Sequence[tuple[float, float]], imaging: Collection[int], survey_m_s: float, transit_m_s: float
) -> list[float]:
    """The speed of each leg between `points` (metres); `imaging` holds the indices of the legs on which the camera
    triggers. A link is flown at the survey's speed where it is short, or so nearly in line with the transect behind it
    that the drone would come to its first photo faster than the survey allows."""
    count = len(points) - 1
    order = sorted(imaging)
    if not order:
        return [transit_m_s] * count
    speeds = (
        [transit_m_s] * order[0] + [survey_m_s] * (order[-1] + 1 - order[0]) + [transit_m_s] * (count - 1 - order[-1])
    )
    for before, after in pairwise(order):
        link = range(before + 1, after)
        if sum(math.dist(points[leg], points[leg + 1]) for leg in link) < FAST_LINK_M:
            continue
        if _straight_on(points[after - 1], points[after], points[after + 1]) * transit_m_s <= survey_m_s:
            for leg in link:
                speeds[leg] = transit_m_s
    return speeds


def sortie_speeds(plan: Plan, sortie: Sortie) -> list[float]:
    """The speed of the leg to each waypoint of a sortie."""
    if sortie.transit_speed_m_s is None:
        return [sortie.speed_m_s] * len(sortie.waypoints)
    places = [plan.home, *(waypoint.position for waypoint in sortie.waypoints)]
    east, north = frame_of(plan.home).to_local([p.lat_deg for p in places], [p.lon_deg for p in places])
    imaging, triggering = set(), False
    for number, waypoint in enumerate(sortie.waypoints):
        if triggering:
            imaging.add(number)
        if waypoint.camera is not None:
            triggering = waypoint.camera == "on"
    points = [(float(x), float(y)) for x, y in zip(east, north, strict=True)]
    return leg_speeds(points, imaging, sortie.speed_m_s, sortie.transit_speed_m_s)


def _straight_on(before: tuple[float, float], corner: tuple[float, float], after: tuple[float, float]) -> float:
    """The cosine of the turn at a corner: 1 straight on, 0 at right angles, 1 too where a leg has no length."""
    lengths = math.dist(before, corner) * math.dist(corner, after)
    if lengths == 0.0:
        return 1.0
    ahead = (corner[0] - before[0]) * (after[0] - corner[0]) + (corner[1] - before[1]) * (after[1] - corner[1])
    return ahead / lengths
