"""What the autopilot does by itself: leaving the fence, running out of battery."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.fence import CEILING, CIRCLE, FAR_M, FLOOR, POLYGON, breaches, named
from sim.vehicle.values import Mode

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

LOW, CRITICAL = 1, 2
FENCE_MODES = {1: (Mode.RTL, Mode.LAND), 2: (Mode.LAND,), 3: (Mode.RTL, Mode.LAND), 4: (Mode.BRAKE, Mode.LAND)}
"""FENCE_ACTION to the modes tried in turn (there is no SmartRTL here; 3 falls back to RTL as without a stored path)."""
BATTERY_MODES = {1: Mode.LAND, 2: Mode.RTL, 3: Mode.RTL, 4: Mode.LAND, 5: Mode.LAND}
"""BATT_FS_*_ACT to the mode (no SmartRTL: RTL or LAND as those name it; 5, terminate, lands)."""
OUTSIDE_ALTITUDE, OUTSIDE_EDGE, OUTSIDE_FLOOR = 2, 3, 1
"""FENCE_BREACH of FENCE_STATUS: above the ceiling, over an edge, below the floor."""


class Failsafes:
    """Watches the fence and the battery ten times a second."""

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

    def restart(self) -> None:
        """Forget the breaches of the last flight."""
        self.breached = 0
        self._landing_far = self._above_floor = False

    def update(self) -> None:
        """Look at both."""
        if self._vehicle.ready:
            self._watch_fence()
        self._watch_battery()

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
        for mode in FENCE_MODES.get(action, (Mode.RTL, Mode.LAND)):
            if vehicle.set_mode(mode):
                return

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
            vehicle.set_mode(mode)
