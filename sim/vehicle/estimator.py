"""What the vehicle believes of its place, and whether it may: GPS, the estimator, and what losing GPS does to them.

Timed after Copter 4.5.7's EKF3 in SITL: it settles 2 s after power-up; without GPS it dead-reckons and drifts, says
after 7 s that its horizontal position is no longer to be trusted, and holds a constant position from 15 s on. A jump
of GPS is taken for a glitch for 10 s, then believed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.navigation import Point

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

READY_AFTER_S = 2.0
FIX_AFTER_S = 1.0
DOUBTED_AFTER_S, STOPPED_AFTER_S = 7.0, 15.0
BELIEVED_AFTER_S = 10.0
DRIFT_M_S2 = 0.03
"""Half of this times the square of the time is how far dead reckoning has gone astray."""
FLYING = (
    mavlink.EKF_ATTITUDE
    | mavlink.EKF_VELOCITY_HORIZ
    | mavlink.EKF_VELOCITY_VERT
    | mavlink.EKF_POS_HORIZ_REL
    | mavlink.EKF_POS_HORIZ_ABS
    | mavlink.EKF_POS_VERT_ABS
    | mavlink.EKF_PRED_POS_HORIZ_REL
    | mavlink.EKF_PRED_POS_HORIZ_ABS
)
DOUBTED = mavlink.EKF_ATTITUDE | mavlink.EKF_VELOCITY_VERT | mavlink.EKF_POS_VERT_ABS
STOPPED = DOUBTED | mavlink.EKF_VELOCITY_HORIZ | mavlink.EKF_CONST_POS_MODE
WAKING = mavlink.EKF_ATTITUDE | mavlink.EKF_CONST_POS_MODE


class Estimator:
    """The estimate of one vehicle. `update` looks ten times a second, `locate` at every step."""

    def __init__(self, vehicle: SimulatedVehicle) -> None:
        self._vehicle = vehicle
        self._lost_s: float | None = None
        self._glitch_s: float | None = None
        self.fix = False
        self.ready = False
        self.flags = WAKING
        self.glitch_m = 0.0
        self._offset: tuple[float, float] = (0.0, 0.0)

    def restart(self) -> None:
        """Begin anew, as at power-up."""
        self._lost_s = self._glitch_s = None
        self.fix, self.ready, self.flags = False, False, WAKING
        self._offset = (0.0, 0.0)

    def locate(self) -> Point:
        """Where the vehicle believes it is."""
        body, errors, offset = self._vehicle.body, self._vehicle.errors, self._offset
        return (
            body.north_m + errors.north_m + offset[0],
            body.east_m + errors.east_m + offset[1],
            body.up_m + errors.up_m,
        )

    def update(self) -> None:
        """Look at GPS and decide what may be believed."""
        vehicle = self._vehicle
        now, up_s = vehicle.time_s, vehicle.elapsed_s(vehicle.boot_s)
        active = vehicle.faults.active
        self.fix = up_s >= FIX_AFTER_S and "gps-loss" not in active and not vehicle.params["SIM_GPS_DISABLE"]
        self._watch_glitch(now)
        if up_s < READY_AFTER_S:
            return
        if not self.ready and self._lost_s is None:
            if self.fix:
                self.ready, self.flags = True, FLYING
            return
        if self.fix:
            if self._lost_s is not None:
                self._lost_s, self._offset = None, (self._believed_glitch(), 0.0)
                self.ready, self.flags = True, FLYING
            return
        if self._lost_s is None:
            self._lost_s = now
        lost_s = vehicle.elapsed_s(self._lost_s)
        drift_m = 0.5 * DRIFT_M_S2 * lost_s * lost_s
        # east, for want of a better guess; what matters is that it is wrong
        self._offset = (self._believed_glitch(), drift_m if lost_s < STOPPED_AFTER_S else self._offset[1])
        if lost_s >= STOPPED_AFTER_S:
            self.flags = STOPPED
        elif lost_s >= DOUBTED_AFTER_S:
            self.ready, self.flags = False, DOUBTED

    def _watch_glitch(self, now: float) -> None:
        fault = self._vehicle.faults.active.get("gps-glitch")
        self.glitch_m = fault.value if fault is not None else 0.0
        if fault is None:
            if self._glitch_s is not None:
                self._glitch_s, self._offset = None, (0.0, self._offset[1])
        elif self._glitch_s is None:
            self._glitch_s = now
        elif self._lost_s is None:
            self._offset = (self._believed_glitch(), self._offset[1])

    def _believed_glitch(self) -> float:
        if self._glitch_s is None or self._vehicle.time_s - self._glitch_s < BELIEVED_AFTER_S:
            return 0.0
        return self.glitch_m

    @property
    def position_lost(self) -> bool:
        """True from a second after the position was first doubted, as the EKF failsafe waits."""
        return self._lost_s is not None and self._vehicle.elapsed_s(self._lost_s) >= DOUBTED_AFTER_S + 1.0

    @property
    def variance(self) -> float:
        """How far GPS and the estimate are apart, as EKF_STATUS_REPORT has it: 1 is where it is refused."""
        if self.glitch_m and self._believed_glitch() == 0.0:
            return min(3.0, math.sqrt(abs(self.glitch_m)) / 3.0)
        return 0.0 if self.flags == STOPPED else 0.04
