"""Getting a vehicle's own log, from a vehicle that loses pieces of it."""

from __future__ import annotations

import contextlib
import queue
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from missions.errors import VehicleError
from missions.flying import logs
from missions.flying.dronekit_compat import mavlink


class LoggingVehicle:
    """Answers the log protocol; loses and doubles pieces with this probability."""

    def __init__(self, content: bytes, badness: float = 0.0, stops_after: int = 10**9) -> None:
        self.sent: list[str] = []
        self._content, self._badness, self._left = content, badness, stops_after
        self._chance = random.Random(1)
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def send(self, name: str, *fields: int) -> None:
        self.sent.append(name)
        if name == "log_request_list":
            self._inbox.put(mavlink.MAVLink_log_entry_message(6, 2, 7, 0, 10))
            self._inbox.put(mavlink.MAVLink_log_entry_message(7, 2, 7, 0, len(self._content)))
        elif name == "log_request_data":
            number, first, count = fields
            for offset in range(first, min(first + count, len(self._content)), logs.CHUNK_BYTES):
                self._left -= 1
                piece = self._content[offset : offset + logs.CHUNK_BYTES]
                data = [*piece, *bytes(logs.CHUNK_BYTES - len(piece))]
                for _ in range(2 if self._chance.random() < self._badness else 1):
                    if self._left > 0 and self._chance.random() >= self._badness:
                        self._inbox.put(mavlink.MAVLink_log_data_message(number, offset, len(piece), data))

    @contextlib.contextmanager
    def hear(self, *names: str) -> Iterator[Callable[[float], Any]]:
        def next_message(timeout_s: float) -> Any:
            return None if self._inbox.empty() else self._inbox.get()

        yield next_message


@pytest.mark.parametrize("badness", [0.0, 0.3])
@pytest.mark.parametrize("size", [1, 89, 90, 91, 20_000])
def test_a_log_comes_whole(tmp_path: Path, badness: float, size: int) -> None:
    content = random.Random(size).randbytes(size)
    vehicle: Any = LoggingVehicle(content, badness)
    assert logs.fetch_log(vehicle, tmp_path / "vehicle.bin", lambda: False) == size
    assert (tmp_path / "vehicle.bin").read_bytes() == content
    assert vehicle.sent[-1] == "log_request_end"


def test_a_log_that_stops_in_the_middle_is_not_kept(tmp_path: Path) -> None:
    vehicle: Any = LoggingVehicle(bytes(5000), stops_after=20)
    with pytest.raises(VehicleError, match="stopped in the middle"):
        logs.fetch_log(vehicle, tmp_path / "vehicle.bin", lambda: False)
    assert list(tmp_path.iterdir()) == []
    assert vehicle.sent[-1] == "log_request_end"


def test_a_person_may_stop_it_and_a_slow_link_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VehicleError, match="stopped"):
        logs.fetch_log(LoggingVehicle(bytes(5000)), tmp_path / "vehicle.bin", lambda: True)  # type: ignore[arg-type]
    monkeypatch.setattr("missions.flying.logs.LONGEST_S", 0.0)
    with pytest.raises(VehicleError, match="take too long"):
        logs.fetch_log(LoggingVehicle(bytes(5000)), tmp_path / "vehicle.bin", lambda: False)  # type: ignore[arg-type]


def test_a_vehicle_without_logs_says_so(tmp_path: Path) -> None:
    with pytest.raises(VehicleError, match="no log of its own"):
        logs.fetch_log(LoggingVehicle(b""), tmp_path / "vehicle.bin", lambda: False)  # type: ignore[arg-type]
