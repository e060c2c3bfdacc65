"""Where a sortie has to be able to turn home: its point of no return."""

from __future__ import annotations

import math

from missions.plan import PointOfNoReturn, Position
from missions.planning.energy import slow_power, vertical_cost, way_cost
from missions.planning.local import positions_of
from missions.planning.sorties import Draft, Planner


def point_of_no_return(draft: Draft, planner: Planner, origin: Position) -> PointOfNoReturn | None:
    """The corner of a sortie where going straight home at once, and landing, leaves least in the battery.

    None for a sortie that goes nowhere. Looked at are the corners: along a leg, what is used and what the way home
    takes change evenly or, for the way home, the more slowly the nearer it is, so the worst is at an end of a leg.
    """
    drone, wind = planner.drone, planner.wind
    speeds = planner.speeds(draft)
    up = vertical_cost(drone, planner.imaging.height_home_m, wind)
    slow = slow_power(drone, wind)
    used_s, used_battery_s = 0.0, 0.0
    climb_s = planner.imaging.height_home_m / drone.climb_rate_m_s
    climb_battery_s = climb_s * drone.climb_power_ratio * slow
    worst: PointOfNoReturn | None = None
    places = positions_of(draft.points, origin)
    for leg in range(len(draft.points) - 1):
        start, end = draft.points[leg], draft.points[leg + 1]
        if start == end:
            continue
        there = way_cost(drone, [start, end], [speeds[leg]], wind)
        used_s, used_battery_s = used_s + there.time_s, used_battery_s + there.battery_s
        if math.dist(end, planner.home) == 0.0:
            continue
        home = way_cost(drone, [end, planner.home], [drone.cruise_speed_m_s], wind)
        landing_battery_s = up.battery_s - climb_battery_s
        spare_s = planner.battery_s - climb_battery_s - used_battery_s - home.battery_s - landing_battery_s
        if worst is None or spare_s < worst.spare_s:
            needed = home.battery_s + landing_battery_s + drone.reserve * drone.endurance_s
            worst = PointOfNoReturn(
                lat_deg=places[leg + 1].lat_deg,
                lon_deg=places[leg + 1].lon_deg,
                time_s=climb_s + used_s,
                return_s=home.time_s + up.time_s - climb_s,
                battery_needed_pct=100.0 * needed / drone.endurance_s,
                spare_s=max(0.0, spare_s / slow),
            )
    return worst
