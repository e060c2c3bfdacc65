"""What the vehicle asks of its body in each mode: holding a place, guided targets, taking off, landing, sticks.

AUTO and RTL have rooms of their own (`mission`, `returning`) and use this one for what they share. STABILIZE is flown
as ALT_HOLD is: its throttle stick asks for a climb rate, not for thrust.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.vehicle.navigation import Limits, Point, bearing_rad, descend, hold, limits_of
from sim.vehicle.physics import GRAVITY_M_S2
from sim.vehicle.returning import Returning
from sim.vehicle.values import Mode

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

SPOOL_UP_S = 1.0
"""From the allowed take-off until it lifts off: half a second of spooling up, the rest TKOFF_SLEW_TIME's ramp."""
ARMING_DELAY_S = 2.0
YAW_RATE_RAD_S = math.radians(90.0)
VELOCITY_FOR_S = 3.0
"""GUID_TIMEOUT: a guided velocity ends this long after it was last asked for."""
LEANING = frozenset({Mode.STABILIZE, Mode.ALT_HOLD})


class Steering:
    """Steers one vehicle."""

    def __init__(self, vehicle: SimulatedVehicle) -> None:
        self._vehicle = vehicle
        self.yaw_target_rad = vehicle.body.yaw_rad
        self.fixed_yaw_rad: float | None = None
        self.may_take_off = False
        self._speeds: dict[str, float] = {}
        self._stay_point: Point = vehicle.position
        self._take_off_to: Point | None = None
        self._returning: Returning | None = None
        self._velocity: Point | None = None
        self._velocity_until_s = 0.0
        self._stick_moved = False

    def restart(self) -> None:
        """Begin anew at an arming or a change of mode: hold where one can stop, heading as it is."""
        self._speeds.clear()
        self.fixed_yaw_rad = None
        self.yaw_target_rad = self._vehicle.body.yaw_rad
        self._returning = self._take_off_to = self._velocity = None
        self._stick_moved = False
        self.stay_here()
        if self._vehicle.mode == Mode.RTL:
            self._returning = Returning(self._vehicle)

    def limits(self) -> Limits:
        """The navigation limits in force."""
        speeds = self._speeds
        return limits_of(self._vehicle.params, speeds.get("speed"), speeds.get("up"), speeds.get("down"))

    def change_speed(self, kind: str, speed_m_s: float) -> None:
        """Fly at another "speed", "up" or "down" speed until the mode changes."""
        self._speeds[kind] = speed_m_s
        self._vehicle.run.change_speed()

    def stopping_point(self) -> Point:
        """Where the vehicle can stop from its present velocity."""
        body, here = self._vehicle.body, self._vehicle.position
        limits = self.limits()
        speed = math.hypot(body.v_north_m_s, body.v_east_m_s)
        share = (
            1.0
            if speed <= limits.acceleration
            else limits.acceleration / speed / 2.0 + speed / limits.acceleration / 2.0
        )
        rise = body.v_up_m_s * abs(body.v_up_m_s) / (2.0 * limits.acceleration_up)
        return here[0] + body.v_north_m_s * share, here[1] + body.v_east_m_s * share, here[2] + rise

    def stay_here(self) -> None:
        """Hold the place where the vehicle can stop."""
        self._stay_point = self.stopping_point()

    def stay(self) -> None:
        """Steer to the place being held."""
        hold(self._vehicle.position, self._stay_point, self.limits(), self._vehicle.command)
        if self._vehicle.landed:
            self._vehicle.command.up_m_s = 0.0

    # what it is told

    def take_off(self, height_m: float) -> bool:
        """GUIDED take-off to a height above home; False where it cannot."""
        vehicle = self._vehicle
        if vehicle.mode != Mode.GUIDED or not vehicle.armed or not vehicle.landed or height_m <= 0.0:
            return False
        self.may_take_off = True
        vehicle.allowed_s = vehicle.time_s
        self._take_off_to = (vehicle.position[0], vehicle.position[1], vehicle.home_point[2] + height_m)
        return True

    def guide_to(self, point: Point) -> bool:
        """Fly to a place in GUIDED; False in other modes and on the ground."""
        if self._vehicle.mode != Mode.GUIDED or self._vehicle.landed:
            return False
        self._stay_point, self._take_off_to, self._velocity = point, None, None
        heading = bearing_rad(self._vehicle.position, point)
        if heading is not None and self._vehicle.params["WP_YAW_BEHAVIOR"] != 0:
            self.yaw_target_rad = heading
        return True

    def guide_with(self, velocity: Point) -> bool:
        """Fly with a velocity (north, east, up in m/s) in GUIDED for as long as it is repeated; False elsewhere."""
        if self._vehicle.mode != Mode.GUIDED or self._vehicle.landed:
            return False
        self._velocity, self._take_off_to = velocity, None
        self._velocity_until_s = self._vehicle.time_s + VELOCITY_FOR_S
        return True

    def climb_to(self, point: Point) -> bool:
        """Steer a take-off to `point`, once it is allowed; True when it is reached."""
        vehicle = self._vehicle
        ready_s = max(vehicle.armed_s + ARMING_DELAY_S, vehicle.allowed_s) + SPOOL_UP_S
        if vehicle.landed and not (self.may_take_off and vehicle.elapsed_s(ready_s) >= 0.0):
            command = vehicle.command
            command.north_m_s = command.east_m_s = command.up_m_s = 0.0
            return False
        limits = self.limits()
        hold(vehicle.position, point, limits, vehicle.command)
        slow = 0.1 * limits.up
        left_m = point[2] - vehicle.position[2]
        return left_m <= 0.5 * slow * slow / limits.acceleration_up + 0.1 and vehicle.body.v_up_m_s < slow

    # what it does

    def steer(self) -> None:
        """One step: fill in the vehicle's command."""
        vehicle = self._vehicle
        command = vehicle.command
        command.lean = command.ahead = None
        if vehicle.mode == Mode.AUTO:
            vehicle.run.update()
        elif vehicle.mode == Mode.RTL and self._returning is not None:
            self._returning.update()
        elif vehicle.mode == Mode.LAND:
            descend(vehicle.position, self._stay_point, vehicle.height_home_m, vehicle.params, command)
            vehicle.landing = True
            if not vehicle.estimator.ready:
                command.lean = (0.0, 0.0)
        elif self._take_off_to is not None:
            if self.climb_to(self._take_off_to):
                self._stay_point, self._take_off_to = self._take_off_to, None
        elif self._velocity is not None:
            self._fly_velocity(self._velocity)
        elif vehicle.mode in LEANING or (vehicle.mode == Mode.LOITER and self._sticks_out()):
            self._fly_sticks()
        else:
            self.stay()
        command.yaw_rad = self.yaw_target_rad if self.fixed_yaw_rad is None else self.fixed_yaw_rad
        command.yaw_rate_rad_s = math.radians(max(5.0, min(180.0, vehicle.params["ATC_SLEW_YAW"] / 100.0)))

    def _fly_velocity(self, velocity: Point) -> None:
        vehicle, limits = self._vehicle, self.limits()
        if vehicle.time_s > self._velocity_until_s:
            self._velocity = None
            self.stay_here()
            return
        command = vehicle.command
        command.north_m_s, command.east_m_s = velocity[0], velocity[1]
        command.up_m_s = max(-limits.down, min(limits.up, velocity[2]))
        command.acceleration_m_s2, command.acceleration_up_m_s2 = limits.acceleration, limits.acceleration_up

    def _sticks_out(self) -> bool:
        if any(self._vehicle.sticks.values()):
            self._stick_moved = True
        elif self._stick_moved:
            self._stick_moved = False
            self.stay_here()
        return self._stick_moved

    def _fly_sticks(self) -> None:
        vehicle, params, limits = self._vehicle, self._vehicle.params, self.limits()
        right, forward, up, turn = vehicle.sticks.values()
        if turn:
            self.yaw_target_rad = vehicle.body.yaw_rad + turn * YAW_RATE_RAD_S * 0.5
        cosine, sine = math.cos(vehicle.body.yaw_rad), math.sin(vehicle.body.yaw_rad)
        north, east = forward * cosine - right * sine, forward * sine + right * cosine
        command = vehicle.command
        rate = params["PILOT_SPEED_UP"] if up > 0.0 else params["PILOT_SPEED_DN"] or params["PILOT_SPEED_UP"]
        command.up_m_s = 0.0 if vehicle.landed and up <= 0.1 else up * rate / 100.0
        command.acceleration_m_s2, command.acceleration_up_m_s2 = limits.acceleration, limits.acceleration_up
        if vehicle.mode in LEANING:
            push = GRAVITY_M_S2 * math.tan(math.radians(max(10.0, min(80.0, params["ANGLE_MAX"] / 100.0))))
            command.lean = (north * push, east * push)
        else:
            speed = max(0.2, min(20.0, params["LOIT_SPEED"] / 100.0))
            command.north_m_s, command.east_m_s = north * speed, east * speed
