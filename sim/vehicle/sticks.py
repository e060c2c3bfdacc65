"""The pilot's sticks, as they come over MAVLink: RC_CHANNELS_OVERRIDE and MANUAL_CONTROL.

Without either the transmitter is on and its sticks are centred (SITL's throttle is down instead). An override ends 3 s
after the last message, as RC_OVERRIDE_TIME says; channels 1 to 4 are roll, pitch, throttle, yaw.
"""

from __future__ import annotations

from collections.abc import Sequence

CENTRE_US, HALF_US, DEAD = 1500, 400, 0.05
OVERRIDE_S = 3.0
RELEASED = (0, 65535)


class Sticks:
    """Where the sticks are: each from -1 to 1 (right, forward, up, right turn)."""

    def __init__(self) -> None:
        self.channels = [CENTRE_US] * 4
        self._until_s = 0.0

    def override(self, channels: Sequence[int], now_s: float) -> None:
        """Take RC_CHANNELS_OVERRIDE's first four channels, in microseconds; 65535 leaves one, 0 gives it back."""
        for index, value in enumerate(channels[:4]):
            if value == RELEASED[0]:
                self.channels[index] = CENTRE_US
            elif value != RELEASED[1]:
                self.channels[index] = max(800, min(2200, value))
        self._until_s = now_s + OVERRIDE_S

    def manual(self, forward: int, right: int, up: int, turn: int, now_s: float) -> None:
        """Take MANUAL_CONTROL: x, y, r from -1000 to 1000, z (throttle) from 0 to 1000."""
        values = (right / 1000.0, -forward / 1000.0, (up - 500) / 500.0, turn / 1000.0)
        self.channels = [round(CENTRE_US + HALF_US * max(-1.0, min(1.0, value))) for value in values]
        self._until_s = now_s + OVERRIDE_S

    def update(self, now_s: float) -> None:
        """Let go of what has not been repeated."""
        if self._until_s and now_s > self._until_s:
            self.channels, self._until_s = [CENTRE_US] * 4, 0.0

    def values(self) -> tuple[float, float, float, float]:
        """(right, forward, up, right turn), each from -1 to 1, 0 in the dead zone."""
        right, back, up, turn = (
            0.0 if abs(off := (value - CENTRE_US) / HALF_US) < DEAD else max(-1.0, min(1.0, off))
            for value in self.channels
        )
        return right, -back, up, turn
