"""How long a way takes and what it draws from the battery, wind counted.

Drone figures, a way and a wind in, seconds out. The model: constant ground speed on every leg, slowed for each corner
by the drone's acceleration (an autopilot flies through a gentle corner and stops in a sharp one), climb and descent
straight over home. Battery use counts seconds at cruise power: climbing takes more, hovering what the catalogue says,
and flight at an airspeed above cruise more with its cube. An autopilot holds ground speed, so wind changes the
airspeed and with it the power; only where the drone's greatest airspeed does not suffice is it slower over ground.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.planning.local import Point

Floats = npt.NDArray[np.float64]

_START_S = 5.0
"""Motors up to speed before the climb, and the wait above home before RTL descends (ArduPilot's RTL_LOIT_TIME)."""
_SLOW_LANDING_M = 10.0
"""ArduPilot's LAND_ALT_LOW: below this it descends at the landing rate."""
_SLOWEST_M_S = 1.0
"""A leg that the wind allows only at less than this over ground is not planned."""


@dataclass(frozen=True)
class Wind:
    """A steady wind over the whole area at flying height: its speed, and where it blows from (from true north)."""

    speed_m_s: float = 0.0
    from_deg: float = 0.0

    @property
    def vector(self) -> Floats:
        """(2,) east and north in m/s of where the air moves to."""
        towards = math.radians(self.from_deg + 180.0)
        return self.speed_m_s * np.array([math.sin(towards), math.cos(towards)])


CALM = Wind()


@dataclass(frozen=True)
class Cost:
    """Time in the air, and the battery it takes expressed as time at cruise power."""

    time_s: float
    battery_s: float

    def __add__(self, other: Cost) -> Cost:
        """Both, one after the other."""
        return Cost(self.time_s + other.time_s, self.battery_s + other.battery_s)


def power_ratio(drone: Drone, airspeed_m_s: npt.ArrayLike) -> Floats:
    """Power at an airspeed over the power at cruise: from the hover's down (or up) to 1 at cruise, and beyond it with
    the cube of the airspeed for the part that is drag of the body (Leishman, Principles of Helicopter Aerodynamics,
    5.4: parasitic power)."""
    share = np.asarray(airspeed_m_s, dtype=np.float64) / drone.cruise_speed_m_s
    slow = drone.hover_power_ratio + (1.0 - drone.hover_power_ratio) * share
    fast = 1.0 + drone.drag_power_share * (share**3 - 1.0)
    return np.asarray(np.where(share < 1.0, slow, fast))


def in_wind(drone: Drone, directions: Floats, speeds_m_s: npt.ArrayLike, wind: Wind) -> tuple[Floats, Floats]:
    """(ground speed, power ratio) of legs with unit `directions` (N, 2) that are asked to be flown at `speeds_m_s`.

    The wind triangle: the air's motion and the drone's airspeed add to the motion over ground. Raises NotFlyableError
    where the drone's greatest airspeed leaves less than 1 m/s over ground.
    """
    along = directions @ wind.vector
    across2 = wind.speed_m_s**2 - along**2
    spare = drone.max_airspeed_m_s**2 - across2
    fastest = along + np.sqrt(np.maximum(spare, 0.0))
    if np.any(spare <= 0.0) or np.any(fastest < _SLOWEST_M_S):
        raise NotFlyableError(
            f"a wind of {wind.speed_m_s:.0f} m/s is too much for the {drone.name}, which reaches "
            f"{drone.max_airspeed_m_s:.0f} m/s through the air; wait for less wind or take another drone"
        )
    ground = np.minimum(np.asarray(speeds_m_s, dtype=np.float64), fastest)
    airspeed = np.sqrt(np.maximum(ground**2 - 2.0 * ground * along + wind.speed_m_s**2, 0.0))
    return ground, power_ratio(drone, airspeed)


def vertical_cost(drone: Drone, height_m: float, wind: Wind = CALM) -> Cost:
    """Take-off to `height_m`, and the landing from it."""
    climb_s = height_m / drone.climb_rate_m_s
    slow_m = min(height_m, _SLOW_LANDING_M)
    descent_s = (height_m - slow_m) / drone.descent_rate_m_s + slow_m / drone.landing_rate_m_s
    still_s = 2.0 * _START_S
    hover = float(power_ratio(drone, wind.speed_m_s))
    return Cost(
        climb_s + descent_s + still_s, climb_s * drone.climb_power_ratio * hover + (descent_s + still_s) * hover
    )


@dataclass(frozen=True)
class LegCosts:
    """What each leg of a way costs at its own speed, and what slowing for each corner between two legs adds."""

    time_s: Floats
    battery_s: Floats
    corner_s: Floats
    """(legs - 1,) seconds lost at the corner after each leg but the last."""
    stop_s: Floats
    """(legs,) seconds lost by starting a leg from standstill, or ending it in one."""


def leg_costs(drone: Drone, points: npt.ArrayLike, speeds_m_s: npt.ArrayLike, wind: Wind = CALM) -> LegCosts:
    """The costs of the legs between `points` (N + 1, 2), each asked to be flown at its speed (N,).

    At a corner the speed falls to that part of the slower leg's which points along both legs, none from 90 degrees on.
    Slowing from v to c and back costs (v - c)^2 / (2 a v) on either side over flying through at v. A leg of no length
    costs nothing and counts as continuing straight on.
    """
    places = np.asarray(points, dtype=np.float64)
    steps = np.diff(places, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    still = lengths == 0.0
    directions = steps / np.where(still, 1.0, lengths)[:, None]
    ground, power = in_wind(drone, directions, speeds_m_s, wind)
    time_s = lengths / ground
    acceleration = 2.0 * drone.acceleration_m_s2
    cosine = np.einsum("ij,ij->i", directions[:-1], directions[1:])
    through = np.minimum(ground[:-1], ground[1:]) * np.clip(cosine, 0.0, 1.0)
    corner = (ground[:-1] - through) ** 2 / (acceleration * ground[:-1])
    corner = corner + (ground[1:] - through) ** 2 / (acceleration * ground[1:])
    corner = np.where(still[:-1] | still[1:], 0.0, corner)
    return LegCosts(time_s, time_s * power, corner, np.where(still, 0.0, ground / acceleration))


def way_cost(drone: Drone, points: Sequence[Point], speeds_m_s: Sequence[float], wind: Wind = CALM) -> Cost:
    """Time and battery along a way from standstill to standstill; `speeds_m_s` has one speed per leg."""
    kept = [0, *(k for k in range(1, len(points)) if points[k] != points[k - 1])]
    if len(kept) < 2:
        return Cost(0.0, 0.0)
    legs = leg_costs(drone, [points[k] for k in kept], [speeds_m_s[k - 1] for k in kept[1:]], wind)
    slowing_s = float(legs.corner_s.sum() + legs.stop_s[0] + legs.stop_s[-1])
    return Cost(float(legs.time_s.sum()) + slowing_s, float(legs.battery_s.sum()) + slowing_s * slow_power(drone, wind))


def slow_power(drone: Drone, wind: Wind) -> float:
    """The power ratio counted while slowing and speeding up in corners: the larger of cruising and hovering."""
    return max(1.0, drone.hover_power_ratio, float(power_ratio(drone, wind.speed_m_s)))


def usable_battery_s(drone: Drone) -> float:
    """Seconds at cruise power until only the reserve is left."""
    return drone.endurance_s * (1.0 - drone.reserve)


def overshoot_m(drone: Drone, speed_m_s: float) -> float:
    """How far a turn may carry the drone beyond its corner: ArduPilot rounds corners within WPNAV_RADIUS (2 m), and a
    copter answers to its controller about 0.2 s late."""
    return drone.turn_radius_m + 0.2 * speed_m_s
