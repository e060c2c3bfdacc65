"""The vehicle: an ArduCopter-like autopilot in a simulated body, stepped in simulated time.

It holds the state and decides modes, arming and landing, and calls on the rooms beside it: `steering`, `mission` and
`returning` steer, `estimator` believes, `failsafes` and `arming` watch, `trigger` shoots, `physics` moves, `noise` errs
and `faults` go wrong. What it leaves out of ArduCopter stands in docs/commands/sim.md. `commands` and `reports` speak
for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle import arming, failsafes, reports
from sim.vehicle.estimator import Estimator
from sim.vehicle.faults import Fault, Faults
from sim.vehicle.fence import LocalFence, local_fence
from sim.vehicle.mission import MissionRun
from sim.vehicle.navigation import Limits, Point
from sim.vehicle.noise import SensorErrors
from sim.vehicle.parameters import Parameters
from sim.vehicle.physics import DRAG_PER_M, DRAG_PER_S, Battery, Body, Command, Wind
from sim.vehicle.protocol import ItemService
from sim.vehicle.steering import Steering
from sim.vehicle.sticks import Sticks
from sim.vehicle.storage import LOCATED, Item, Storage
from sim.vehicle.trigger import CameraTrigger
from sim.vehicle.values import Airframe, Mode, TangentFrame, Trigger, VehicleSettings

DRAGS = {Airframe.PRACTICE: (DRAG_PER_S, DRAG_PER_M), Airframe.SITL: (0.23, 0.029)}
"""SITL's read off its attitudes in flight: 29.5 degrees at 10.4 m/s through the air, 5.5 at 3."""
STEP_S = 0.02
SLOW_STEPS = 5
LANDED_AFTER_S = 2.6
"""Touch-down to LAND_COMPLETE: the throttle has to die away first."""
REBOOT_S = 2.0


class SimulatedVehicle:
    """One vehicle from its power-up on. `step` moves it; everything else asks it or tells it something.

    `outbox` collects the messages it sends unasked to every ground station (texts, camera feedback, items reached).
    """

    def __init__(
        self,
        settings: VehicleSettings,
        on_trigger: Callable[[Trigger], None] | None = None,
        faults: Sequence[Fault] = (),
    ) -> None:
        """`on_trigger` is called with the true pose at every photograph, in the thread that steps."""
        self.settings = settings
        self.on_trigger = on_trigger
        self.params = Parameters(
            {
                "BATT_CAPACITY": settings.battery_capacity_mah,
                "MIS_TOTAL": 1,
                "SYSID_THISMAV": settings.system,
                "SIM_WIND_SPD": settings.wind_speed_m_s,
                "SIM_WIND_DIR": settings.wind_from_deg,
            }
        )
        self.frame = TangentFrame(settings.home_lat_deg, settings.home_lon_deg)
        drag_per_s, drag_per_m = DRAGS[settings.airframe]
        heading_rad = math.radians(settings.heading_deg % 360.0)
        self.body = Body(yaw_rad=heading_rad, drag_per_s=drag_per_s, drag_per_m=drag_per_m)
        self.battery = Battery(settings.battery_capacity_mah, settings.hover_power_w)
        self.wind = Wind.blowing(settings.wind_speed_m_s, settings.wind_from_deg, settings.gust_m_s)
        self.errors = SensorErrors(
            settings.seed,
            settings.gps_bias_horizontal_m,
            settings.gps_bias_vertical_m,
            settings.attitude_sigma_deg,
        )
        self.time_s = self.boot_s = self.armed_s = self.allowed_s = 0.0
        self.step_s = STEP_S
        self.silent_until_s = 0.0
        self.faults = Faults(self, faults)
        self.estimator = Estimator(self)
        self.sticks = Sticks()
        self.store = Storage()
        self.items = ItemService(self.store, self.say, self.list_changed)
        self.outbox: list[mavlink.MAVLink_message] = []
        self.command = Command(yaw_rad=self.body.yaw_rad)
        self.trigger = CameraTrigger()
        self.mode = Mode.STABILIZE
        self.armed = False
        self.landed = True
        self.landing = False
        self.armed_yaw_rad = self.body.yaw_rad
        self.fence_enabled = False
        self.fence: LocalFence = local_fence(self.store.shapes, self.frame)
        self.home_point: Point = (0.0, 0.0, 0.0)
        self.home_known = False
        self.position: Point = self.estimator.locate()
        self.run = MissionRun(self)
        self.failsafes = failsafes.Failsafes(self)
        self.steering = Steering(self)
        self._steps = 0
        self._slow_steps = 0
        self._still_since_s = 0.0
        self._idle_since_s = 0.0
        self._prearm_said_s = -math.inf
        self._gusts = self.errors.stream("gusts")

    # what it knows

    @property
    def utc_s(self) -> float:
        """Seconds since the epoch, UTC, on the vehicle's clock (GPS time: right)."""
        return self.settings.start_utc_s + self.time_s

    @property
    def ready(self) -> bool:
        """True while the estimator can be relied on."""
        return self.estimator.ready

    @property
    def radio_lost(self) -> bool:
        """True while nothing is heard of the pilot's transmitter."""
        return "rc-loss" in self.faults.active or self.params["SIM_RC_FAIL"] != 0

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
        return self.steering.limits()

    def point_of(self, item: Item) -> Point:
        """The place of an item in the vehicle's frame; 0, 0 means where it is."""
        if item.command in LOCATED and item.x == 0 and item.y == 0:
            north, east = self.position[0], self.position[1]
        else:
            north, east = self.frame.to_local(item.lat_deg, item.lon_deg)
        if item.frame == mavlink.MAV_FRAME_GLOBAL:
            return north, east, item.z - self.settings.home_alt_amsl_m
        return north, east, self.home_point[2] + item.z

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
        elif name in ("SIM_WIND_SPD", "SIM_WIND_DIR"):
            self.wind.blow(max(0.0, self.params["SIM_WIND_SPD"]), self.params["SIM_WIND_DIR"])
        return True

    def list_changed(self, kind: int) -> None:
        """Take note that the stored mission (0), fence (1) or rally list (2) is another."""
        if kind == 0:
            self.params.put("MIS_TOTAL", len(self.store.mission))
            if len(self.store.mission) <= 1 or not self.armed:
                self.run.reset()
        elif kind == 1:
            self.fence = local_fence(self.store.shapes, self.frame)
            self.params.put("FENCE_TOTAL", min(127, len(self.store.fence)))
        else:
            self.params.put("RALLY_TOTAL", len(self.store.rally))

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
        self.steering.restart()
        if mode == Mode.AUTO:
            self.run.begin()
        self.outbox.append(reports.heartbeat(self))
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
        self.position = self.estimator.locate()
        self.armed, self.landed, self.steering.may_take_off = True, True, False
        self.armed_s = self._idle_since_s = self.time_s
        self.armed_yaw_rad = self.body.yaw_rad
        self.failsafes.restart()
        if self.ready:
            self.set_home(self.position)
        if self.mode == Mode.AUTO:
            self.run.reset()
        self.steering.restart()
        if self.mode == Mode.AUTO:
            self.run.begin()
            self.steering.may_take_off = bool(int(self.params["AUTO_OPTIONS"]) & 2)
        return True

    def disarm(self, force: bool = False) -> bool:
        """Stop the motors; refused in the air unless forced."""
        if self.armed and not self.landed and not force:
            return False
        if self.armed:
            self.say(mavlink.MAV_SEVERITY_INFO, "Disarming motors")
            self.armed = False
            self.steering.may_take_off = False
            self.run.pause()
        return True

    def start_mission(self) -> bool:
        """MAV_CMD_MISSION_START: AUTO, and off without a stick if it is armed; False where it cannot."""
        if not self.set_mode(Mode.AUTO):
            return False
        self.steering.may_take_off, self.allowed_s = self.armed, self.time_s
        return True

    def reboot(self) -> None:
        """Restart the autopilot where it is: the motors stop, what is stored stays, the clock of its boot starts
        again."""
        self.armed = self.landing = self.steering.may_take_off = False
        self.mode = Mode.STABILIZE
        self.home_known = False
        self.fence_enabled = self.params["FENCE_ENABLE"] != 0
        self.outbox.clear()
        self.boot_s = self.silent_until_s = self.time_s + REBOOT_S
        self.estimator.restart()
        self.failsafes = failsafes.Failsafes(self)
        self.trigger = CameraTrigger()
        self.run.reset()
        self.steering = Steering(self)

    # what it does

    def step(self, dt: float = STEP_S) -> None:
        """Advance the world by `dt` seconds."""
        self._steps += 1
        self.time_s = self._steps * STEP_S if dt == STEP_S else self.time_s + dt
        self.step_s = dt
        self.position = self.estimator.locate()
        self._slow_steps += 1
        if self._slow_steps == SLOW_STEPS:
            self._slow_steps = 0
            self._slow(dt * SLOW_STEPS)
        if not self.armed:
            if not self.body.on_ground:
                self.body.fall(self.wind, dt)
                self.landed = self.body.on_ground
            self._shoot()
            return
        self.landing = False
        self.steering.steer()
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
        if self.params["SIM_BATT_VOLTAGE"] > 0.0:
            self.battery.voltage_v = self.params["SIM_BATT_VOLTAGE"]
        self.faults.update()
        if self.time_s < self.silent_until_s:
            return
        self.estimator.update()
        self.sticks.update(self.time_s)
        if self.ready and not self.home_known:
            self.set_home(self.position)
            self.say(mavlink.MAV_SEVERITY_INFO, "EKF3 IMU0 is using GPS")
        self.failsafes.update()
        self.run.tell()
        if not self.armed and self.ready and self.time_s - self._prearm_said_s >= 30.0:
            self._prearm_said_s = self.time_s
            reason = arming.prearm_failure(self)
            if reason:
                self.say(mavlink.MAV_SEVERITY_CRITICAL, f"PreArm: {reason}")

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
        waiting = self.mode == Mode.AUTO and self.steering.may_take_off
        idle = delay > 0 and not waiting and self.elapsed_s(self._idle_since_s) >= delay
        if self.landing or idle or self.battery.remaining <= 0.0:
            self.disarm()

    def _shoot(self) -> None:
        in_auto = self.mode == Mode.AUTO
        if not self.trigger.due(self.position, self.body.roll_rad, in_auto, self.time_s, self.params):
            return
        if "camera-silent" in self.faults.active:
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
