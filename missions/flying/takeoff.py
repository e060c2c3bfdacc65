"""The one step that cannot be undone: arming a vehicle and starting its mission; and standing it down where that fails.

Arming in AUTO makes the autopilot take off by itself; where it will not, it is armed in GUIDED and told to start.
"""

from __future__ import annotations

import time
from typing import Any

from missions.errors import StoppedError, VehicleError
from missions.flying.interrupts import STOPPED, Interrupts
from missions.flying.link import Link
from missions.flying.watch import Watch

ARM_S = 30.0
HEARTBEAT_FRESH_S = 3.0
_ARM_DISARM = 400
_MISSION_START = 300
_REST_MODES = ("LOITER", "STABILIZE")


class TakeOff:
    """The take-off of one flight. `asked_to_arm` is true from the moment after which the vehicle may be flying."""

    def __init__(self, link: Link, watch: Watch, interrupts: Interrupts) -> None:
        self.asked_to_arm = False
        self._link = link
        self._watch = watch
        self._interrupts = interrupts
        self._mode_before = str(link.vehicle.mode.name)

    def go(self) -> None:
        """Arm and start the mission. Raises VehicleError with the vehicle's reason, or where a person stops it."""
        if self._link.set_mode("AUTO"):
            self._arm()
            return
        if not self._link.set_mode("GUIDED"):
            raise VehicleError(f"the vehicle takes neither AUTO nor GUIDED: {self._reason}")
        self._arm()
        if self._interrupts.count:
            raise StoppedError(STOPPED)
        if self._link.command(_MISSION_START) != 0:
            raise VehicleError(f"the vehicle does not start the mission: {self._reason}")

    @property
    def _reason(self) -> str:
        return self._watch.message or "it does not say why"

    def _arm(self) -> None:
        """Ask again while the vehicle still has something to check."""
        vehicle: Any = self._link.vehicle
        deadline_s = time.monotonic() + ARM_S
        while time.monotonic() < deadline_s:
            if self._interrupts.count:
                raise StoppedError(STOPPED)
            self.asked_to_arm = True
            vehicle.armed = True
            self._link.wait(lambda: bool(vehicle.armed or self._interrupts.count), 2.0)
            if vehicle.armed:
                return
        raise VehicleError(f"the vehicle does not arm: {self._reason}")

    def stand_down(self) -> bool:
        """Disarm the vehicle and take it out of AUTO; True once it says so. It stays as it is where it is flying by
        now, or out of reach: then the flight has to be watched. Raises VehicleError where it stays in AUTO, disarmed.
        """
        link = self._link
        rest = (*(() if self._mode_before in ("AUTO", "GUIDED") else (self._mode_before,)), *_REST_MODES)
        try:
            disarmed = link.command(_ARM_DISARM, 0) == 0 and link.wait(lambda: not link.vehicle.armed, 3.0)
            if not disarmed:
                return False
            rests = str(link.vehicle.mode.name) in rest or any(map(link.set_mode, rest))
        except VehicleError:
            return False
        if not rests:
            raise VehicleError("the vehicle is disarmed but stays in AUTO; switch it off before you come near")
        return not link.vehicle.armed
