"""How long a way takes and what it draws from the battery.

Drone figures and a way in, seconds out. The model: constant ground speed on every leg, slowed for each corner by the
drone's acceleration (an autopilot flies through a gentle corner and stops in a sharp one), climb and descent straight
over home. Battery use counts time at cruise power, climbing at more. Wind is not in it: the reserve has to cover it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from missions.drones import Drone
from missions.planning.local import Point

_START_S = 5.0
"""Motors up to speed before the climb, and the wait above home before RTL descends (ArduPilot's RTL_LOIT_TIME)."""
_SLOW_LANDING_M = 10.0
"""ArduPilot's LAND_ALT_LOW: below this it descends at the landing rate."""


@dataclass(frozen=True)
class Cost:
    """Time in the air, and the battery it takes expressed as time at cruise power."""

    time_s: float
    battery_s: float

    def __add__(self, other: Cost) -> Cost:
        """Both, one after the other."""
        return Cost(self.time_s + other.time_s, self.battery_s + other.battery_s)


def vertical_cost(drone: Drone, height_m: float) -> Cost:
    """Take-off to `height_m`, and the landing from it."""
    climb_s = height_m / drone.climb_rate_m_s
    slow_m = min(height_m, _SLOW_LANDING_M)
    descent_s = (height_m - slow_m) / drone.descent_rate_m_s + slow_m / drone.landing_rate_m_s
    still_s = 2.0 * _START_S
    return Cost(climb_s + descent_s + still_s, climb_s * drone.climb_power_ratio + descent_s + still_s)


def way_time_s(points: Sequence[Point], speeds_m_s: Sequence[float], acceleration_m_s2: float) -> float:
    """Seconds along a way from standstill to standstill; `speeds_m_s` has one speed per leg.

    At a corner the speed falls to that part of the slower leg's which points along both legs, none from 90 degrees on.
    Slowing from v to c and back costs (v - c)^2 / (2 a v) on either side over flying through at v.
    """
    time_s, speed_before, heading_before = 0.0, 0.0, 0.0
    for start, end, speed in zip(points[:-1], points[1:], speeds_m_s, strict=True):
        length = math.dist(start, end)
        if length == 0.0:
            continue
        heading = math.atan2(end[0] - start[0], end[1] - start[1])
        through = min(speed_before, speed) * max(0.0, math.cos(heading - heading_before))
        if speed_before > 0.0:
            time_s += (speed_before - through) ** 2 / (2.0 * acceleration_m_s2 * speed_before)
        time_s += (speed - through) ** 2 / (2.0 * acceleration_m_s2 * speed) + length / speed
        speed_before, heading_before = speed, heading
    return time_s + speed_before / (2.0 * acceleration_m_s2)


def usable_battery_s(drone: Drone) -> float:
    """Seconds at cruise power until only the reserve is left."""
    return drone.endurance_s * (1.0 - drone.reserve)
