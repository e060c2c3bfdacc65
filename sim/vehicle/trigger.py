"""The camera's trigger: when the autopilot takes a photograph, by distance flown or on command.

ArduPilot's rules: the distance is measured in a straight line from the last photograph; CAM_AUTO_ONLY keeps distance
shots to AUTO; CAM1_INTRVAL_MIN and CAM_MAX_ROLL hold one back until they allow it. The picture itself is the camera's
business.
"""

from __future__ import annotations

import math

from sim.vehicle.navigation import Point
from sim.vehicle.parameters import Parameters


class CameraTrigger:
    """Counts photographs from 1 and says when the next is due."""

    def __init__(self) -> None:
        self.index = 0
        self.distance_m = 0.0
        self._last: Point | None = None
        self._last_s = -math.inf
        self._asked = 0

    def every(self, distance_m: float, at_once: bool) -> None:
        """Shoot every `distance_m` from now on (0 = stop); `at_once` also shoots now."""
        self.distance_m = max(0.0, distance_m)
        self._last = None
        if at_once and self.distance_m > 0.0:
            self._asked += 1

    def ask(self) -> None:
        """Shoot once, as soon as the minimal interval allows."""
        self._asked += 1

    def due(self, here: Point, roll_rad: float, in_auto: bool, time_s: float, params: Parameters) -> bool:
        """True, and counted, where a photograph is to be taken now."""
        if not self._asked and self.distance_m <= 0.0:
            return False
        if round(time_s - self._last_s, 6) < params["CAM1_INTRVAL_MIN"]:
            return False
        if self._asked:
            self._asked -= 1
        else:
            if params["CAM_AUTO_ONLY"] and not in_auto:
                return False
            if self._last is None:
                self._last = here
                return False
            if math.dist(here, self._last) < self.distance_m:
                return False
            roll_max = params["CAM_MAX_ROLL"]
            if roll_max > 0 and abs(math.degrees(roll_rad)) > roll_max:
                return False
        self._last, self._last_s = here, time_s
        self.index += 1
        return True
