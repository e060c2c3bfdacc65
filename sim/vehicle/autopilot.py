"""The vehicle: an ArduCopter-like autopilot in a simulated body, stepped in simulated time.

It holds the state and decides modes, arming, take-off and landing, and calls on the rooms beside it: `mission` and
`returning` steer, `failsafes` and `arming` watch, `trigger` shoots, `physics` moves, `noise` errs. What it lacks of
ArduCopter: pilot's sticks (STABILIZE, LOITER and BRAKE all hold the place), SmartRTL, terrain following, avoidance,
splines, gimbals, and everything that goes wrong inside a real one (EKF glitches, vibration, motor failures).
`commands` and `reports` speak for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle import arming, failsafes, reports
from sim.vehicle.fence import LocalFence, local_fence
from sim.vehicle.mission import MissionRun
from sim.vehicle.navigation import Limits, Point, bearing_rad, descend, hold, limits_of
from sim.vehicle.noise import SensorErrors
from sim.vehicle.parameters import Parameters
from sim.vehicle.physics import Battery, Body, Command, Wind
from sim.vehicle.protocol import ItemService
from sim.vehicle.returning import Returning
from sim.vehicle.storage import LOCATED, Item, Storage
from sim.vehicle.trigger import CameraTrigger
from sim.vehicle.values import Mode, TangentFrame, Trigger, VehicleSettings

STEP_S = 0.02
SLOW_STEPS = 5
READY_AFTER_S = 2.0
ARMING_DELAY_S = 2.0
LANDED_AFTER_S = 1.0


class SimulatedVehicle:
    """One vehicle from its power-up on. `step` moves it; everything else asks it or tells it something.

    `outbox` collects the messages it sends unasked to every ground station (texts, camera feedback, items reached).
    """

    def __init__(self, settings: VehicleSettings, on_trigger: Callable[[Trigger], None] | None = None) -> None:
        """`on_trigger` is called with the true pose at every photograph, in the thread that steps."""
        self.settings = settings
        self.on_trigger = on_trigger
        self.params = Parameters({"BATT_CAPACITY": settings.battery_capacity_mah, "MIS_TOTAL": 1})
        self.frame = TangentFrame(settings.home_lat_deg, settings.home_lon_deg)
        self.body = Body(yaw_rad=math.radians(settings.heading_deg % 360.0))
        self.battery = Battery(settings.battery_capacity_mah, settings.hover_power_w)
        self.wind = Wind.blowing(settings.wind_speed_m_s, settings.wind_from_deg, settings.gust_m_s)
        self.errors = SensorErrors(
            settings.seed,
            settings.gps_bias_horizontal_m,
            settings.gps_bias_vertical_m,
            settings.attitude_sigma_deg,
        )
        self.store = Storage()
        self.items = ItemService(self.store, self.say, self._stored)
        self.outbox: list[mavlink.MAVLink_message] = []
        self.command = Command(yaw_rad=self.body.yaw_rad)
        self.trigger = CameraTrigger()
        self.run = MissionRun(self)
        self.failsafes = failsafes.Failsafes(self)
        self.mode = Mode.STABILIZE
        self.armed = False
        self.landed = True
        self.landing = False
        self.may_take_off = False
        self.fence_enabled = False
        self.fence: LocalFence = local_fence(self.store.shapes, self.frame)
        self.home_point: Point = (0.0, 0.0, 0.0)
        self.home_known = False
        self.position: Point = self._believed()
        self.yaw_target_rad = self.body.yaw_rad
        self.fixed_yaw_rad: float | None = None
        self.time_s = 0.0
        self._steps = 0
        self._slow_steps = 0
        self._armed_s = 0.0
        self._still_since_s = 0.0
        self._idle_since_s = 0.0
        self._prearm_said_s = -math.inf
        self._speeds: dict[str, float] = {}
        self._stay_point: Point = self.position
        self._take_off_to: Point | None = None
        self._returning: Returning | None = None
        self._gusts = self.errors.stream("gusts")

    # what it knows

    @property
    def utc_s(self) -> float:
        """Seconds since the epoch, UTC, on the vehicle's clock (GPS time: right)."""
        return self.settings.start_utc_s + self.time_s

    @property
    def ready(self) -> bool:
        """True once GPS and the estimator have settled."""
        return self.time_s >= READY_AFTER_S

    @property
    def height_home_m(self) -> float:
        """Height above home, as the autopilot believes."""
        return self.position[2] - self.home_point[2]

    @property
    def alt_amsl_m(self) -> float:
        """Altitude above sea level, as the autopilot believes."""
        return self.settings.home_alt_amsl_m + self.position[2]

    def prearm_failure(self) -> str:
        """The first pre-arm check that fails; empty where none does."""
        return arming.prearm_failure(self)

    def elapsed_s(self, since_s: float) -> float:
        """Simulated seconds since a moment, free of rounding noise: flights must not depend on when they began."""
        return round(self.time_s - since_s, 6)

    def limits(self) -> Limits:
        """The navigation limits in force."""
        return limits_of(self.params, self._speeds.get("speed"), self._speeds.get("up"), self._speeds.get("down"))

    def point_of(self, item: Item) -> Point:
        """The place of an item in the vehicle's frame; 0, 0 means where it is."""
        if item.command in LOCATED and item.x == 0 and item.y == 0:
            north, east = self.position[0], self.position[1]
        else:
            north, east = self.frame.to_local(item.lat_deg, item.lon_deg)
        if item.frame == mavlink.MAV_FRAME_GLOBAL:
            return north, east, item.z - self.settings.home_alt_amsl_m
        return north, east, self.home_point[2] + item.z

    def _believed(self) -> Point:
        body, errors = self.body, self.errors
        return body.north_m + errors.north_m, body.east_m + errors.east_m, body.up_m + errors.up_m

    # what it is told

    def say(self, severity: int, text: str) -> None:
        """Send a STATUSTEXT (50 characters a piece, as the message allows) to everyone."""
        data = text.encode("ascii", "replace")[:50]
        self.outbox.append(mavlink.MAVLink_statustext_message(severity, data))

    def set_home(self, point: Point) -> None:
        """Make `point` home and tell everyone."""
        self.home_point, self.home_known = point, True
        lat_deg, lon_deg = self.frame.to_geodetic(point[0], point[1])
        self.store.set_home(lat_deg, lon_deg, self.settings.home_alt_amsl_m + point[2])
        self.outbox.append(reports.home_position(self))

    def set_param(self, name: str, value: float) -> bool:
        """Set a parameter and act on it; False for an unknown or refused one."""
        if not self.params.set(name, value):
            return False
        if name == "FENCE_ENABLE":
            self.fence_enabled = self.params[name] != 0
        return True

    def _stored(self, kind: int) -> None:
        if kind == 0:
            self.params.put("MIS_TOTAL", len(self.store.mission))
            if len(self.store.mission) <= 1 or not self.armed:
                self.run.reset()
        elif kind == 1:
            self.fence = local_fence(self.store.shapes, self.frame)
            self.params.put("FENCE_TOTAL", min(127, len(self.store.fence)))
        else:
            self.params.put("RALLY_TOTAL", len(self.store.rally))

    def change_speed(self, kind: str, speed_m_s: float) -> None:
        """Fly at another "speed", "up" or "down" speed until the mode changes."""
        self._speeds[kind] = speed_m_s
        self.run.change_speed()

    def set_mode(self, number: int) -> bool:
        """Change the flight mode; False, with a text that says why, where it cannot."""
        if number == self.mode:
            return True
        try:
            mode = Mode(number)
        except ValueError:
            self.say(mavlink.MAV_SEVERITY_WARNING, f"No such mode {number}")
            return False
        reason = arming.mode_refused(self, mode)
        if reason:
            self.say(mavlink.MAV_SEVERITY_WARNING, f"Mode change to {mode.name} failed: {reason}")
            return False
        if self.mode == Mode.AUTO:
            self.run.pause()
        self.mode = mode
        self._speeds.clear()
        self.fixed_yaw_rad = None
        self.yaw_target_rad = self.body.yaw_rad
        self._returning = self._take_off_to = None
        self.stay_here()
        if mode == Mode.AUTO:
            self.run.begin()
        elif mode == Mode.RTL:
            self._returning = Returning(self)
        return True

    def arm(self, force: bool = False) -> bool:
        """Start the motors; False, with a text that says why, where a check forbids it."""
        if self.armed:
            return True
        reason = None if force else arming.arm_refused(self)
        if reason:
            self.say(mavlink.MAV_SEVERITY_CRITICAL, reason)
            return False
        self.say(mavlink.MAV_SEVERITY_INFO, "Arming motors")
        self.errors.restart()
        self._slow_steps = 0
        self._gusts = self.errors.stream("gusts")
        self.wind.calm()
        self.position = self._believed()
        self.armed, self.landed, self.may_take_off = True, True, False
        self._armed_s = self._idle_since_s = self.time_s
        self.yaw_target_rad = self.body.yaw_rad
        self.failsafes.restart()
        if self.ready:
            self.set_home(self.position)
        self.stay_here()
        if self.mode == Mode.AUTO:
            self.run.reset()
            self.run.begin()
            self.may_take_off = bool(int(self.params["AUTO_OPTIONS"]) & 2)
        elif self.mode == Mode.RTL:
            self._returning = Returning(self)
        return True

    def disarm(self, force: bool = False) -> bool:
        """Stop the motors; refused in the air unless forced."""
        if self.armed and not self.landed and not force:
            return False
        if self.armed:
            self.say(mavlink.MAV_SEVERITY_INFO, "Disarming motors")
            self.armed = False
            self.may_take_off = False
            self.run.pause()
        return True

    def take_off(self, height_m: float) -> bool:
        """GUIDED take-off to a height above home; False where it cannot."""
        if self.mode != Mode.GUIDED or not self.armed or not self.landed or height_m <= 0.0:
            return False
        self.may_take_off = True
        self._take_off_to = (self.position[0], self.position[1], self.home_point[2] + height_m)
        return True

    def start_mission(self) -> bool:
        """MAV_CMD_MISSION_START: AUTO from wherever it is, without a stick; False where it cannot."""
        if not self.armed or not self.set_mode(Mode.AUTO):
            return False
        self.may_take_off = True
        return True

    def guide_to(self, point: Point) -> bool:
        """Fly to a place in GUIDED; False in other modes and on the ground."""
        if self.mode != Mode.GUIDED or self.landed:
            return False
        self._stay_point, self._take_off_to = point, None
        heading = bearing_rad(self.position, point)
        if heading is not None and self.params["WP_YAW_BEHAVIOR"] != 0:
            self.yaw_target_rad = heading
        return True

    def stay_here(self) -> None:
        """Hold the place where the vehicle can stop."""
        body, here = self.body, self.position
        limits = self.limits()
        speed = math.hypot(body.v_north_m_s, body.v_east_m_s)
        share = speed / (2.0 * limits.acceleration)
        rise = body.v_up_m_s * abs(body.v_up_m_s) / (2.0 * limits.acceleration_up)
        self._stay_point = here[0] + body.v_north_m_s * share, here[1] + body.v_east_m_s * share, here[2] + rise

    def stay(self) -> None:
        """Steer to the place being held."""
        hold(self.position, self._stay_point, self.limits(), self.command)
        if self.landed:
            self.command.up_m_s = 0.0

    def climb_to(self, point: Point) -> bool:
        """Steer a take-off to `point`, once it is allowed; True when it is reached."""
        if self.landed and not (self.may_take_off and self.elapsed_s(self._armed_s) >= ARMING_DELAY_S):
            self.command.north_m_s = self.command.east_m_s = self.command.up_m_s = 0.0
            return False
        return hold(self.position, point, self.limits(), self.command) < 0.5

    # what it does

    def step(self, dt: float = STEP_S) -> None:
        """Advance the world by `dt` seconds."""
        self._steps += 1
        self.time_s = self._steps * STEP_S if dt == STEP_S else self.time_s + dt
        self.position = self._believed()
        self._slow_steps += 1
        if self._slow_steps == SLOW_STEPS:
            self._slow_steps = 0
            self._slow(dt * SLOW_STEPS)
        if not self.armed:
            if not self.body.on_ground:
                self.body.fall(self.wind, dt)
            self._shoot()
            return
        self.landing = False
        self._steer()
        self.command.yaw_rad = self.yaw_target_rad if self.fixed_yaw_rad is None else self.fixed_yaw_rad
        self.command.yaw_rate_rad_s = math.radians(max(5.0, min(180.0, self.params["ATC_SLEW_YAW"] / 100.0)))
        if self.battery.remaining > 0.0:
            self.body.step(
                self.command, self.wind, dt, math.radians(max(10.0, min(80.0, self.params["ANGLE_MAX"] / 100.0)))
            )
        else:
            self.body.fall(self.wind, dt)
        self._shoot()
        self._detect_landing()

    def _slow(self, dt: float) -> None:
        self.errors.update(dt)
        self.wind.update(self._gusts, dt)
        self.battery.draw(self.body, self.armed, dt)
        if self.ready and not self.home_known:
            self.set_home(self.position)
            self.say(mavlink.MAV_SEVERITY_INFO, "EKF3 IMU0 is using GPS")
        self.failsafes.update()
        if not self.armed and self.ready and self.time_s - self._prearm_said_s >= 30.0:
            self._prearm_said_s = self.time_s
            reason = arming.prearm_failure(self)
            if reason:
                self.say(mavlink.MAV_SEVERITY_CRITICAL, f"PreArm: {reason}")

    def _steer(self) -> None:
        if self.mode == Mode.AUTO:
            self.run.update()
        elif self.mode == Mode.RTL and self._returning is not None:
            self._returning.update()
        elif self.mode == Mode.LAND:
            descend(self.position, self._stay_point, self.height_home_m, self.params, self.command)
            self.landing = True
        elif self._take_off_to is not None:
            if self.climb_to(self._take_off_to):
                self._stay_point, self._take_off_to = self._take_off_to, None
        else:
            self.stay()

    def _detect_landing(self) -> None:
        if not self.body.on_ground:
            self.landed = False
            self._still_since_s = self._idle_since_s = self.time_s
            return
        if not self.landed and self.elapsed_s(self._still_since_s) >= LANDED_AFTER_S:
            # the mission sees the landing before the motors stop
            self.landed = True
            self._idle_since_s = self.time_s
            return
        if not self.landed:
            return
        delay = self.params["DISARM_DELAY"]
        waiting = self.mode == Mode.AUTO and self.may_take_off
        idle = delay > 0 and not waiting and self.elapsed_s(self._idle_since_s) >= delay
        if self.landing or idle or self.battery.remaining <= 0.0:
            self.disarm()

    def _shoot(self) -> None:
        in_auto = self.mode == Mode.AUTO
        if not self.trigger.due(self.position, self.body.roll_rad, in_auto, self.time_s, self.params):
            return
        self.outbox.append(reports.camera_feedback(self))
        if self.on_trigger is not None:
            self.on_trigger(self.true_trigger())

    def true_trigger(self) -> Trigger:
        """The true pose of the body now, as the camera's trigger carries it."""
        body = self.body
        lat_deg, lon_deg = self.frame.to_geodetic(body.north_m, body.east_m)
        return Trigger(
            index=self.trigger.index,
            time_utc_s=self.utc_s,
            lat_deg=lat_deg,
            lon_deg=lon_deg,
            alt_amsl_m=self.settings.home_alt_amsl_m + body.up_m,
            alt_home_m=body.up_m,
            yaw_deg=math.degrees(body.yaw_rad) % 360.0,
            pitch_deg=math.degrees(body.pitch_rad),
            roll_deg=math.degrees(body.roll_rad),
        )
