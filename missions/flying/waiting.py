"""Says what a vehicle is waited for: a wait in silence looks like a program that hangs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

MOMENT_S = 1.0
"""A wait shorter than this is not worth a line."""

AGAIN_S = 10.0
_NUMBERS = re.compile(r"\d+")


class Waiting:
    """Tells what is waited for: once a moment has passed, whenever that changes (other numbers are no change), and
    every ten seconds."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._began_s = time.monotonic()
        self._told_s = 0.0
        self._told = ""

    def __call__(self, what: str) -> None:
        """Wait for `what`, a few words; called again and again for as long as the wait goes on."""
        now_s = time.monotonic()
        waited_s = now_s - self._began_s
        kind = _NUMBERS.sub("", what)
        if waited_s < MOMENT_S or (kind == self._told and now_s - self._told_s < AGAIN_S):
            return
        self._told, self._told_s = kind, now_s
        self._tell(f"waiting for {what} ({waited_s:.0f} s)")
