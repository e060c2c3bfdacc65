"""What Ctrl-C, SIGTERM and a closed terminal mean to a flight: before the take-off they end it, then they are counted.

Either way nothing is left half done: before the take-off the first one is raised as KeyboardInterrupt, once, so that
the vehicle gets its parameters back on the way out; while a vehicle is in the air they call it home or leave it.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

STOPPED = "stopped before the take-off"


class Interrupts:
    """Takes the signals over for the length of a block (in the main thread; elsewhere nothing is changed).

    `raises` is true until the first signal or until it is set false; from then on signals are only counted. A terminal
    that closes says so more than once and counts as one.
    """

    def __init__(self) -> None:
        self.count = 0
        self.raises = True
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            numbers = [signal.SIGINT, signal.SIGTERM]
            hang_up = getattr(signal, "SIGHUP", None)
            if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
                numbers.append(hang_up)
            self._before = {number: signal.signal(number, self._hear) for number in numbers}
        return self

    def press(self) -> None:
        """Count one more; for a flight in another thread than the one that gets the signals."""
        self.count += 1

    def hold(self) -> None:
        """Only count from now on, until `release`: nothing may end half made what follows."""
        self.raises = False

    def release(self) -> None:
        """Raise again from now on, at once where somebody has pressed meanwhile."""
        self.check()
        self.raises = True

    def check(self) -> None:
        """Raise KeyboardInterrupt where somebody has pressed; for steps before the take-off."""
        if self.count:
            raise KeyboardInterrupt(STOPPED)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self.count and number == getattr(signal, "SIGHUP", None):
            return
        self.count += 1
        if self.raises:
            self.raises = False
            raise KeyboardInterrupt(STOPPED)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
