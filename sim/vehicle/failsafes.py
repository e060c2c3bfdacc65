"""What the autopilot does by itself: outside the fence, out of battery, without a position, without its pilot or ground
station. Actions and texts are ArduCopter's; SmartRTL, which this vehicle has not, becomes what it falls back to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.fence import CEILING, CIRCLE, FAR_M, FLOOR, POLYGON, breaches, named
from sim.vehicle.steering import LEANING
from sim.vehicle.values import Mode

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

LOW, CRITICAL = 1, 2
FENCE_MODES = {1: (Mode.RTL, Mode.LAND), 2: (Mode.LAND,), 3: (Mode.RTL, Mode.LAND), 4: (Mode.BRAKE, Mode.LAND)}
"""FENCE_ACTION to the modes tried in turn (there is no SmartRTL here; 3 falls back to RTL as without a stored path)."""
BATTERY_MODES = {1: Mode.LAND, 2: Mode.RTL, 3: Mode.RTL, 4: Mode.LAND, 5: Mode.LAND}
"""BATT_FS_*_ACT to the mode (no SmartRTL: RTL or LAND as those name it; 5, terminate, lands)."""
LINK_MODES = {
    1: (Mode.RTL, Mode.LAND),
    2: (Mode.RTL, Mode.LAND),
    3: (Mode.RTL, Mode.LAND),
    4: (Mode.LAND,),
    5: (Mode.LAND,),
    6: (Mode.RTL, Mode.LAND),
    7: (Mode.BRAKE, Mode.LAND),
}
"""FS_GCS_ENABLE to the modes tried in turn."""
THROTTLE_MODES = {**LINK_MODES, 3: (Mode.LAND,), 4: (Mode.RTL, Mode.LAND), 5: (Mode.LAND,)}
"""FS_THR_ENABLE to the modes tried in turn."""
ON_IN_AUTO_WITHOUT_RC, ON_IN_AUTO_WITHOUT_GCS, ON_BY_STICK_WITHOUT_GCS = 1, 2, 16
"""Bits of FS_OPTIONS."""
OUTSIDE_ALTITUDE, OUTSIDE_EDGE, OUTSIDE_FLOOR = 2, 3, 1
"""FENCE_BREACH of FENCE_STATUS: above the ceiling, over an edge, below the floor."""


class Failsafes:
    """Watches ten times a second."""

    def __init__(self, vehicle: SimulatedVehicle) -> None:
        self._vehicle = vehicle
        self.breached = 0
        self.breach_count = 0
        self.breach_type = 0
        self.breach_time_ms = 0
        self.battery_level = 0
        self._low_since_s: dict[int, float] = {}
        self._landing_far = False
        self._above_floor = False
        self._gcs_heard_s: float | None = None
        self._gcs_lost = self._radio_lost = self._position_lost = False

    def restart(self) -> None:
        """Forget the breaches of the last flight."""
        self.breached = 0
        self._landing_far = self._above_floor = False

    def update(self) -> None:
        """Look at everything."""
        vehicle = self._vehicle
        if vehicle.ready:
            self._watch_fence()
        self._watch_battery()
        if vehicle.armed:
            self._watch_position()
        self._watch_radio()
        self._watch_ground()

    def hear_ground(self, system: int) -> None:
        """Take note of a ground station's heartbeat."""
        if system == int(self._vehicle.params["SYSID_MYGCS"]):
            self._gcs_heard_s = self._vehicle.time_s

    @property
    def active(self) -> bool:
        """True while any of them holds."""
        return bool(self.battery_level or self.breached or self._gcs_lost or self._radio_lost or self._position_lost)

    def _try(self, modes: tuple[Mode, ...]) -> None:
        for mode in modes:
            if self._vehicle.mode == mode or self._vehicle.set_mode(mode):
                return

    def _watch_position(self) -> None:
        vehicle = self._vehicle
        lost = vehicle.estimator.position_lost
        if lost == self._position_lost:
            return
        self._position_lost = lost
        if not lost:
            vehicle.say(mavlink.MAV_SEVERITY_CRITICAL, "EKF Failsafe Cleared")
            return
        vehicle.say(mavlink.MAV_SEVERITY_CRITICAL, "EKF variance")
        action = int(vehicle.params["FS_EKF_ACTION"])
        if vehicle.mode in LEANING and action != 3:
            return
        vehicle.set_mode(Mode.ALT_HOLD if action == 2 and not self._radio_lost else Mode.LAND)
        vehicle.say(mavlink.MAV_SEVERITY_CRITICAL, f"EKF Failsafe: changed to {vehicle.mode.name} Mode")

    def _watch_radio(self) -> None:
        vehicle = self._vehicle
        action = int(vehicle.params["FS_THR_ENABLE"])
        lost = action > 0 and vehicle.radio_lost
        if lost == self._radio_lost:
            return
        self._radio_lost = lost
        if not lost:
            vehicle.say(mavlink.MAV_SEVERITY_WARNING, "Radio Failsafe Cleared")
            return
        options = int(vehicle.params["FS_OPTIONS"])
        going_on = vehicle.mode == Mode.AUTO and (action == 2 or options & ON_IN_AUTO_WITHOUT_RC)
        self._without("Radio", bool(going_on), "Continuing Auto Mode", THROTTLE_MODES.get(action, (Mode.LAND,)))

    def _watch_ground(self) -> None:
        vehicle = self._vehicle
        action = int(vehicle.params["FS_GCS_ENABLE"])
        if action == 0 or self._gcs_heard_s is None:
            return
        lost = vehicle.elapsed_s(self._gcs_heard_s) > vehicle.params["FS_GCS_TIMEOUT"]
        if lost == self._gcs_lost:
            return
        self._gcs_lost = lost
        if not lost:
            vehicle.say(mavlink.MAV_SEVERITY_WARNING, "GCS Failsafe Cleared")
            return
        options = int(vehicle.params["FS_OPTIONS"])
        in_auto = vehicle.mode == Mode.AUTO and options & ON_IN_AUTO_WITHOUT_GCS
        by_stick = vehicle.mode in (*LEANING, Mode.LOITER) and options & ON_BY_STICK_WITHOUT_GCS
        said = "Continuing Auto Mode" if in_auto else "Continuing Pilot Control"
        self._without("GCS", bool(in_auto or by_stick), said, LINK_MODES.get(action, (Mode.RTL, Mode.LAND)))

    def _without(self, who: str, going_on: bool, said: str, modes: tuple[Mode, ...]) -> None:
        """What the loss of a link does: disarm on the ground, go on where that is asked, else change the mode."""
        vehicle = self._vehicle
        if vehicle.armed and vehicle.landed:
            vehicle.say(mavlink.MAV_SEVERITY_WARNING, f"{who} Failsafe - Disarming")
            vehicle.disarm()
        elif vehicle.armed and going_on:
            vehicle.say(mavlink.MAV_SEVERITY_WARNING, f"{who} Failsafe - {said}")
        else:
            vehicle.say(mavlink.MAV_SEVERITY_WARNING, f"{who} Failsafe")
            if vehicle.armed and vehicle.mode != Mode.LAND:
                self._try(modes)

    def _watch_fence(self) -> None:
        vehicle = self._vehicle
        if not vehicle.fence_enabled or not vehicle.armed:
            self.breached = 0
            return
        found, worst_m = breaches(vehicle.fence, vehicle.params, vehicle.position, vehicle.home_point)
        if not found & FLOOR:
            self._above_floor = True
        if vehicle.landed or not self._above_floor or vehicle.mode in (Mode.LAND, Mode.RTL):
            # a vehicle that takes off or comes down passes the floor by right
            found &= ~FLOOR
        new = found & ~self.breached
        self.breached = found
        far = worst_m > FAR_M and not self._landing_far
        if vehicle.landed or not (new or (found and far)):
            return
        self.breach_count += 1 if new else 0
        self.breach_time_ms = round(vehicle.time_s * 1000.0)
        self.breach_type = OUTSIDE_EDGE
        if new & CEILING:
            self.breach_type = OUTSIDE_ALTITUDE
        elif new & FLOOR:
            self.breach_type = OUTSIDE_FLOOR
        if new & (CIRCLE | POLYGON):
            self.breach_type = OUTSIDE_EDGE
        if new:
            vehicle.say(mavlink.MAV_SEVERITY_WARNING, f"{named(new)} fence breached")
        action = int(vehicle.params["FENCE_ACTION"])
        if action == 0:
            return
        if far:
            self._landing_far = True
            vehicle.set_mode(Mode.LAND)
            return
        if vehicle.mode == Mode.LAND:
            return
        self._try(FENCE_MODES.get(action, (Mode.RTL, Mode.LAND)))

    def _watch_battery(self) -> None:
        vehicle = self._vehicle
        params, battery = vehicle.params, vehicle.battery
        for level, name in ((CRITICAL, "CRT"), (LOW, "LOW")):
            if self.battery_level >= level:
                continue
            left_mah = params["BATT_CAPACITY"] - battery.used_mah
            under = 0.0 < battery.voltage_v < params[f"BATT_{name}_VOLT"]
            since = self._low_since_s.setdefault(level, math.inf)
            self._low_since_s[level] = min(since, vehicle.time_s) if under else math.inf
            long_under = vehicle.time_s - self._low_since_s[level] >= params["BATT_LOW_TIMER"]
            if (under and long_under) or left_mah < params[f"BATT_{name}_MAH"]:
                self.battery_level = level
                self._battery_failsafe(level, name)

    def _battery_failsafe(self, level: int, name: str) -> None:
        vehicle = self._vehicle
        word = "critical" if level == CRITICAL else "low"
        battery = vehicle.battery
        vehicle.say(
            mavlink.MAV_SEVERITY_WARNING,
            f"Battery 1 is {word} {battery.voltage_v:.2f}V used {battery.used_mah:.0f} mAh",
        )
        action = int(vehicle.params[f"BATT_FS_{name}_ACT"])
        if not vehicle.armed:
            return
        vehicle.say(mavlink.MAV_SEVERITY_WARNING, "Battery Failsafe")
        if vehicle.landed and action:
            vehicle.disarm()
            return
        mode = BATTERY_MODES.get(action)
        if mode is not None and vehicle.mode != Mode.LAND:
            self._try((mode, Mode.LAND))
