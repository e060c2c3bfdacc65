"""Where a sortie has to be able to turn home: its point of no return."""

from __future__ import annotations

import numpy as np

from missions.plan import PointOfNoReturn, Position
from missions.planning.energy import in_wind, leg_costs, slow_power
from missions.planning.local import positions_of
from missions.planning.sorties import Draft, Planner


def point_of_no_return(draft: Draft, planner: Planner, origin: Position) -> PointOfNoReturn | None:
    """The corner of a sortie where going straight home at once, and landing, leaves least in the battery.

    None for a sortie that goes nowhere. Looked at are the corners: along a leg, what is used grows evenly and what the
    way home takes grows no faster the nearer its end, so the worst is at an end of a leg.
    """
    drone, wind = planner.drone, planner.wind
    points = np.array(draft.points)
    away = np.hypot(*(points - np.asarray(planner.home)).T)
    places = np.flatnonzero(away > 0.0)
    if not len(places):
        return None
    slow = slow_power(drone, wind)
    legs = leg_costs(drone, points, planner.speeds(draft), wind)
    slowing = np.append(legs.corner_s, legs.stop_s[-1])
    # What is used by the time each place is reached; leaving it for home begins from standstill.
    used_s = np.concatenate([[0.0], np.cumsum(legs.time_s + slowing)])[places]
    used_battery_s = np.concatenate([[0.0], np.cumsum(legs.battery_s + slow * slowing)])[places]
    ground, power = in_wind(drone, -points[places] / away[places, None], drone.cruise_speed_m_s, wind)
    home_s = away[places] / ground
    slowing_s = ground / drone.acceleration_m_s2
    climb_s = planner.imaging.height_home_m / drone.climb_rate_m_s
    landing_s = planner.vertical.time_s - climb_s
    back_battery_s = home_s * power + slow * (slowing_s + landing_s)
    climb_battery_s = planner.vertical.battery_s - landing_s * slow
    left_s = planner.battery_s - climb_battery_s - used_battery_s - back_battery_s
    worst = int(left_s.argmin())
    place = positions_of([points[places[worst]]], origin)[0]
    needed_s = back_battery_s[worst] + drone.reserve * drone.endurance_s
    return PointOfNoReturn(
        lat_deg=place.lat_deg,
        lon_deg=place.lon_deg,
        time_s=float(climb_s + used_s[worst]),
        return_s=float(home_s[worst] + slowing_s[worst] + landing_s),
        battery_needed_pct=float(100.0 * needed_s / drone.endurance_s),
        spare_s=float(max(0.0, left_s[worst] / slow)),
    )
