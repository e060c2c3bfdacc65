"""RTL: climb, go back to home or the nearest rally point in a straight line, wait, land. It may cross a fence on the
way, as the real one does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.vehicle.navigation import Point, bearing_rad, descend, hold, limits_of
from sim.vehicle.track import Track

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

RTL_ALT_MIN_M = 2.0
HEADING_REGAINED_RAD = math.radians(2.0)


def return_height_m(params_alt_m: float, climb_min_m: float, cone: float, height_m: float, distance_m: float) -> float:
    """Height above home at which to return: RTL_ALT, lower near home by the cone, never below the present one."""
    wanted = max(height_m + max(0.0, climb_min_m), RTL_ALT_MIN_M, params_alt_m)
    if cone > 0.0:
        wanted = min(wanted, max(height_m, distance_m * max(cone, 0.5), RTL_ALT_MIN_M))
    return max(wanted, height_m)


class Returning:
    """One return, from where the vehicle is when it is made."""

    def __init__(self, vehicle: SimulatedVehicle) -> None:
        self._vehicle = vehicle
        here = vehicle.position
        params = vehicle.params
        target, rally_m = self._target(here)
        distance = math.hypot(target[0] - here[0], target[1] - here[1])
        height = return_height_m(
            max(params["RTL_ALT"] / 100.0, rally_m),
            params["RTL_CLIMB_MIN"] / 100.0,
            params["RTL_CONE_SLOPE"],
            vehicle.height_home_m,
            distance,
        )
        up = vehicle.home_point[2] + height
        speed = params["RTL_SPEED"] / 100.0
        self._limits = limits_of(params, speed if speed > 0 else None)
        stop = vehicle.steering.stopping_point()
        self._top: Point = (stop[0], stop[1], up)
        self._target_point: Point = (target[0], target[1], up)
        self._track = Track(stop, self._limits)
        self._track.lead_to(self._top, self._target_point)
        self._phase = "climb"
        self._since_s = 0.0

    def _target(self, here: Point) -> tuple[Point, float]:
        """The nearest of home and the rally points within RALLY_LIMIT_KM, and the height above home asked there."""
        vehicle = self._vehicle
        limit_m = vehicle.params["RALLY_LIMIT_KM"] * 1000.0
        best: tuple[float, Point, float] | None = None
        for item in vehicle.store.rally:
            point = vehicle.point_of(item)
            distance = math.hypot(point[0] - here[0], point[1] - here[1])
            if (limit_m <= 0 or distance <= limit_m) and (best is None or distance < best[0]):
                best = (distance, point, point[2] - vehicle.home_point[2])
        home = vehicle.home_point
        if best is None:
            return home, 0.0
        home_m = math.hypot(home[0] - here[0], home[1] - here[1])
        if vehicle.params["RALLY_INCL_HOME"] and home_m < best[0]:
            return home, 0.0
        return best[1], best[2]

    def update(self) -> None:
        """One step of the return."""
        vehicle = self._vehicle
        if self._phase in ("climb", "return"):
            if not self._track.steer(vehicle.position, vehicle.body, vehicle.step_s, vehicle.command):
                return
            if self._phase == "climb":
                self._phase = "return"
                self._track.lead_to(self._target_point, None)
                heading = bearing_rad(self._top, self._target_point)
                if heading is not None and vehicle.params["WP_YAW_BEHAVIOR"] == 1:
                    vehicle.steering.yaw_target_rad = heading
            else:
                self._phase, self._since_s = "wait", vehicle.time_s
                if vehicle.params["WP_YAW_BEHAVIOR"] == 1:
                    vehicle.steering.yaw_target_rad = vehicle.armed_yaw_rad
        elif self._phase == "wait":
            hold(vehicle.position, self._target_point, self._limits, vehicle.command)
            turned = vehicle.params["WP_YAW_BEHAVIOR"] != 1 or self._faces_as_armed()
            if turned and vehicle.elapsed_s(self._since_s) >= vehicle.params["RTL_LOIT_TIME"] / 1000.0:
                self._phase = "land"
                final_m = vehicle.params["RTL_ALT_FINAL"] / 100.0
                if final_m > 0.0:
                    self._phase = "stay"
                    place = self._target_point
                    self._target_point = (place[0], place[1], vehicle.home_point[2] + final_m)
        elif self._phase == "stay":
            hold(vehicle.position, self._target_point, self._limits, vehicle.command)
        else:
            descend(vehicle.position, self._target_point, vehicle.height_home_m, vehicle.params, vehicle.command)
            vehicle.landing = True

    def _faces_as_armed(self) -> bool:
        off = (self._vehicle.body.yaw_rad - self._vehicle.armed_yaw_rad + math.pi) % math.tau - math.pi
        return abs(off) <= HEADING_REGAINED_RAD
