"""A telemetry log written message by message, as a ground station would have recorded it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink


class LogWriter:
    """Collects messages with their times of receipt; `bytes` is the .tlog."""

    def __init__(self) -> None:
        self.bytes = b""
        self.messages: list[tuple[Any, float]] = []

    def add(self, message: Any, received_s: float, system: int = 1, component: int = 1) -> None:
        sender = mavlink.MAVLink(None, srcSystem=system, srcComponent=component)
        packet = message.pack(sender)
        self.messages.append((message, received_s))
        self.bytes += struct.pack(">Q", round(received_s * 1e6)) + packet

    def position(
        self,
        boot_s: float,
        received_s: float,
        lat: float = 23.0,
        lon: float = 88.0,
        home_m: float = 60.0,
        **sender: int,
    ) -> None:
        boot_ms, home_mm = round(boot_s * 1000), round(home_m * 1000)
        place = (round(lat * 1e7), round(lon * 1e7), home_mm + 10_000, home_mm)
        self.add(mavlink.MAVLink_global_position_int_message(boot_ms, *place, 0, 0, 0, 0), received_s, **sender)

    def attitude(
        self, boot_s: float, received_s: float, roll: float = 0.0, pitch: float = 0.0, yaw: float = 0.0
    ) -> None:
        boot_ms = round(boot_s * 1000)
        self.add(mavlink.MAVLink_attitude_message(boot_ms, roll, pitch, yaw, 0.0, 0.0, 0.0), received_s)

    def system_time(self, boot_s: float, unix_s: float, received_s: float) -> None:
        self.add(mavlink.MAVLink_system_time_message(round(unix_s * 1e6), round(boot_s * 1000)), received_s)

    def feedback(
        self, stamp_s: float, index: int, received_s: float, lat: float = 23.0, lon: float = 88.0, yaw: float = 0.0
    ) -> None:
        """Above mean sea level 70 m, above home 60 m; roll 1, pitch 2 degrees."""
        place = (round(lat * 1e7), round(lon * 1e7), 70.0, 60.0)
        self.add(
            mavlink.MAVLink_camera_feedback_message(
                round(stamp_s * 1e6), 0, 0, index, *place, 1.0, 2.0, yaw, 0.0, 0, index
            ),
            received_s,
        )


@pytest.fixture
def log_writer() -> LogWriter:
    return LogWriter()


@pytest.fixture
def write_log(tmp_path: Path) -> Callable[[LogWriter], Path]:
    def write(writer: LogWriter) -> Path:
        path = tmp_path / "flight.tlog"
        path.write_bytes(writer.bytes)
        return path

    return write
