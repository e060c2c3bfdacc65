"""What the vehicle's sensors get wrong: position, height and attitude, as slow errors, a little white noise and the
bias that GPS keeps through a whole flight. Seeded, and a function of simulated time only.

The bias is drawn once per seed. The slow parts start anew at every arming, so that two flights of one seed differ
only by what the ground did. Outliers, multipath, glitches and vibration are left out.
"""

from __future__ import annotations

import math
import random

PERIOD_S = 0.1
"""The errors move at this period."""
WANDER_HORIZONTAL_M, WANDER_TIME_S = 0.12, 60.0
WANDER_VERTICAL_M = 0.2
SMOOTH_TIME_S = 1.0
GPS_WHITE_M = 0.25
ATTITUDE_TIME_S = 20.0


class SensorErrors:
    """Reported minus true: north, east, up in metres, roll, pitch, yaw in radians."""

    def __init__(self, seed: int, horizontal_m: float, vertical_m: float, attitude_deg: float) -> None:
        rng = random.Random(f"bias {seed}")
        self._seed = seed
        self._restarts = 0
        self.bias_north_m = rng.gauss(0.0, horizontal_m)
        self.bias_east_m = rng.gauss(0.0, horizontal_m)
        self.bias_up_m = rng.gauss(0.0, vertical_m)
        self._scale = 1.0 if horizontal_m > 0.0 or vertical_m > 0.0 else 0.0
        sigma = math.radians(attitude_deg)
        # slow and white part add up to the asked sigma
        self._slow_rad, self._white_rad = 0.95 * sigma, math.sqrt(1.0 - 0.95**2) * sigma
        self.restart()

    def restart(self) -> None:
        """Begin the slow errors anew, as at an arming."""
        self._rng = random.Random(f"wander {self._seed} {self._restarts}")
        self._restarts += 1
        gauss = self._rng.gauss
        self._wander = [0.0, 0.0, 0.0]
        self._smooth = [0.0, 0.0, 0.0]
        self._slow = [gauss(0.0, self._slow_rad) for _ in range(3)]
        self._clock = 0.0
        self._refresh()

    def update(self, dt: float) -> None:
        """Advance by `dt` seconds."""
        self._clock += dt
        if self._clock < PERIOD_S - 1e-9:
            return
        self._clock -= PERIOD_S
        gauss = self._rng.gauss
        keep = math.exp(-PERIOD_S / WANDER_TIME_S)
        kick = math.sqrt(1.0 - keep * keep) * self._scale
        sizes = (WANDER_HORIZONTAL_M, WANDER_HORIZONTAL_M, WANDER_VERTICAL_M)
        self._wander = [keep * old + kick * gauss(0.0, size) for old, size in zip(self._wander, sizes, strict=True)]
        # an estimator's errors do not jitter: a vehicle that steers by them would
        share = PERIOD_S / SMOOTH_TIME_S
        self._smooth = [old + share * (new - old) for old, new in zip(self._smooth, self._wander, strict=True)]
        keep = math.exp(-PERIOD_S / ATTITUDE_TIME_S)
        kick = math.sqrt(1.0 - keep * keep) * self._slow_rad
        self._slow = [keep * old + kick * gauss(0.0, 1.0) for old in self._slow]
        self._refresh()

    def _refresh(self) -> None:
        gauss = self._rng.gauss
        self.north_m = self.bias_north_m + self._smooth[0]
        self.east_m = self.bias_east_m + self._smooth[1]
        self.up_m = self.bias_up_m + self._smooth[2]
        self.roll_rad, self.pitch_rad, self.yaw_rad = (slow + gauss(0.0, self._white_rad) for slow in self._slow)
        self.gps_north_m = self.north_m + gauss(0.0, GPS_WHITE_M) * self._scale
        self.gps_east_m = self.east_m + gauss(0.0, GPS_WHITE_M) * self._scale
        self.gps_up_m = self.up_m + 2.0 * gauss(0.0, GPS_WHITE_M) * self._scale

    def stream(self, name: str) -> random.Random:
        """A random stream of its own that begins anew with the slow errors: for what else is random in a flight."""
        return random.Random(f"{name} {self._seed} {self._restarts}")
