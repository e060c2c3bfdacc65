"""Gets the log a vehicle wrote on board over the link, after the landing: it holds what the link lost in flight.

Source: mavlink.io/en/services (log transfer: LOG_REQUEST_LIST, LOG_ENTRY, LOG_REQUEST_DATA, LOG_DATA). What is in the
log is `mapping.ground.dataflash`'s subject.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from missions.errors import VehicleError
from missions.flying.link import Link
from vision.files import whole_file

LOG_FILE = "vehicle.bin"
CHUNK_BYTES = 90
"""Of one LOG_DATA."""

LIST_S = 3.0
IDLE_S = 1.0
"""Without data for so long what is missing is asked for again."""

IDLE_MOST = 10
TRIAL_S = 3.0
"""After this it is known how long the rest will take."""

LONGEST_S = 180.0
"""A telemetry radio takes an hour for the log of ten minutes: then it is better carried by hand."""


def fetch_log(link: Link, path: Path, give_up: Callable[[], bool]) -> int:
    """Write the vehicle's latest log to `path`; returns its size in bytes. Raises VehicleError where it has none, it
    would take too long over this link, or `give_up` says so; then nothing is written."""
    with link.hear("LOG_ENTRY", "LOG_DATA") as next_message:
        try:
            number, size = _latest(link, next_message)
            content = _Fetch(link, number, size, next_message, give_up).run()
        finally:
            link.send("log_request_end")  # until then ArduPilot sends nothing else on this link
    with whole_file(path) as beside:
        beside.write_bytes(content)
    return size


def _latest(link: Link, next_message: Callable[[float], Any | None]) -> tuple[int, int]:
    link.send("log_request_list", 0, 0xFFFF)
    until_s = time.monotonic() + LIST_S
    while (left_s := until_s - time.monotonic()) > 0:
        entry = next_message(left_s)
        if entry is None or entry.get_type() != "LOG_ENTRY":
            continue
        if entry.num_logs == 0 or entry.id == entry.last_log_num:
            if entry.num_logs and entry.size:
                return int(entry.id), int(entry.size)
            break
    raise VehicleError("the vehicle gives out no log of its own")


class _Fetch:
    """One log being fetched, in pieces that come in any order."""

    def __init__(
        self,
        link: Link,
        number: int,
        size: int,
        next_message: Callable[[float], Any | None],
        give_up: Callable[[], bool],
    ) -> None:
        self._link, self._number, self._size = link, number, size
        self._next_message, self._give_up = next_message, give_up
        self._content = bytearray(size)
        self._missing = set(range(0, size, CHUNK_BYTES))

    def run(self) -> bytes:
        started_s, idle = time.monotonic(), 0
        self._ask()
        while self._missing:
            if self._give_up():
                raise VehicleError("stopped")
            took_s = time.monotonic() - started_s
            have = 1.0 - len(self._missing) * CHUNK_BYTES / self._size
            if took_s > LONGEST_S or (took_s > TRIAL_S and took_s / max(have, 1e-6) > LONGEST_S):
                raise VehicleError(f"{self._size / 1e6:.0f} MB take too long over this link")
            message = self._next_message(IDLE_S)
            if message is not None:
                idle = 0 if self._take(message) else idle
            elif (idle := idle + 1) > IDLE_MOST:
                raise VehicleError("the vehicle stopped in the middle of it")
            else:
                self._ask()
        return bytes(self._content)

    def _take(self, message: Any) -> bool:
        """Put a piece in its place; whether it was one that was missing."""
        if message.get_type() != "LOG_DATA" or message.id != self._number or message.ofs not in self._missing:
            return False
        length = min(CHUNK_BYTES, self._size - message.ofs)
        if message.count < length:
            return False
        self._content[message.ofs : message.ofs + length] = bytes(message.data[:length])
        self._missing.discard(message.ofs)
        return True

    def _ask(self) -> None:
        """Ask for everything from the first missing piece to the end of that gap."""
        first = end = min(self._missing)
        while end in self._missing:
            end += CHUNK_BYTES
        self._link.send("log_request_data", self._number, first, end - first)
