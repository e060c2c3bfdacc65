"""A vehicle on a real socket, and a stranger's ground station (pymavlink's own) to talk to it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from sim.vehicle.server import Server
from sim.vehicle.values import TangentFrame, Trigger, VehicleSettings

os.environ["MAVLINK20"] = "1"
from pymavlink import mavutil
from pymavlink.dialects.v20 import ardupilotmega as mavlink

HOME = (23.0400000, 88.9000000, 12.0)
ANSWER_S = 20.0
FLIGHT_S = 60.0

Row = tuple[int, int, tuple[float, float, float, float], float, float, float]
"""(frame, command, params, latitude, longitude, altitude) of an item to be uploaded."""


def settings(**changes: Any) -> VehicleSettings:
    """The vehicle of these tests: as fast as it goes, at HOME."""
    values: dict[str, Any] = {"speedup": 0.0, "seed": 7, **changes}
    return VehicleSettings(*HOME, **values)


def row(command: int, *params: float, lat: float = 0.0, lon: float = 0.0, alt: float = 0.0, frame: int = 3) -> Row:
    """One item with its parameters filled up with zeros."""
    p1, p2, p3, p4 = (*params, 0.0, 0.0, 0.0, 0.0)[:4]
    return frame, command, (p1, p2, p3, p4), lat, lon, alt


def square(size_m: float = 100.0, height_m: float = 30.0, photo_m: float = 10.0) -> list[Row]:
    """A mission: take off, fly a square from home, photographing, return and land."""
    frame = TangentFrame(HOME[0], HOME[1])
    corners = [frame.to_geodetic(*c) for c in ((0, 0), (size_m, 0), (size_m, size_m), (0, size_m), (0, 0))]
    ways = [row(mavlink.MAV_CMD_NAV_WAYPOINT, lat=lat, lon=lon, alt=height_m) for lat, lon in corners]
    return [
        row(mavlink.MAV_CMD_NAV_WAYPOINT, frame=0),
        row(mavlink.MAV_CMD_NAV_TAKEOFF, alt=height_m),
        ways[0],
        row(mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST, photo_m, 0, 1),
        *ways[1:],
        row(mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST, 0),
        row(mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH),
    ]


class Ground:
    """A ground station of one connection."""

    def __init__(self, port: int, system: int = 255) -> None:
        self.port = mavutil.mavlink_connection(f"tcp:127.0.0.1:{port}", source_system=system, dialect="ardupilotmega")
        self.mav = self.port.mav

    def next(self, *kinds: str, timeout_s: float = ANSWER_S, **fields: Any) -> Any:
        """The next message of these kinds whose fields are as given; fails where none comes."""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            message = self.port.recv_match(type=list(kinds) or None, blocking=True, timeout=0.5)
            if message is not None and all(getattr(message, name) == value for name, value in fields.items()):
                return message
        raise AssertionError(f"no {kinds} with {fields} within {timeout_s} s")

    def ready(self) -> None:
        """Wait until the vehicle knows where it is."""
        while not self.next("EKF_STATUS_REPORT").flags & mavlink.EKF_PRED_POS_HORIZ_ABS:
            pass

    def set(self, name: str, value: float) -> float:
        """Set a parameter; the value the vehicle answers with."""
        self.mav.param_set_send(1, 1, name.encode(), value, mavlink.MAV_PARAM_TYPE_REAL32)
        return float(self.next("PARAM_VALUE", param_id=name).param_value)

    def command(self, number: int, *params: float) -> int:
        """Send a COMMAND_LONG; the result it is answered with."""
        self.mav.command_long_send(1, 1, number, 0, *(*params, *(0.0,) * (7 - len(params))))
        return int(self.next("COMMAND_ACK", command=number).result)

    def mode(self, number: int) -> int:
        """Ask for a mode; the result."""
        return self.command(mavlink.MAV_CMD_DO_SET_MODE, 1, number)

    def arm(self) -> int:
        """Ask for arming; the result."""
        return self.command(mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 1)

    def upload(self, rows: Sequence[Row], kind: int = 0, as_float: bool = False) -> int:
        """Upload a list; the MAV_MISSION_RESULT it ends with."""
        self.mav.mission_count_send(1, 1, len(rows), kind)
        while True:
            message = self.next("MISSION_REQUEST", "MISSION_REQUEST_INT", "MISSION_ACK", mission_type=kind)
            if message.get_type() == "MISSION_ACK":
                return int(message.type)
            assert message.get_type() == "MISSION_REQUEST", "ArduPilot never asks with _INT"
            frame, command, params, lat, lon, alt = rows[message.seq]
            head = (1, 1, message.seq, frame, command, 0, 1, *params)
            if as_float:
                self.mav.mission_item_send(*head, lat, lon, alt, kind)
            else:
                self.mav.mission_item_int_send(*head, round(lat * 1e7), round(lon * 1e7), alt, kind)

    def download(self, kind: int = 0, as_float: bool = False) -> list[Any]:
        """The items the vehicle holds."""
        self.mav.mission_request_list_send(1, 1, kind)
        items = []
        for sequence in range(self.next("MISSION_COUNT", mission_type=kind).count):
            if as_float:
                self.mav.mission_request_send(1, 1, sequence, kind)
            else:
                self.mav.mission_request_int_send(1, 1, sequence, kind)
            wanted = "MISSION_ITEM" if as_float else "MISSION_ITEM_INT"
            items.append(self.next(wanted, seq=sequence, mission_type=kind))
        self.mav.mission_ack_send(1, 1, 0, kind)
        return items

    def take_off_in_auto(self, rows: Sequence[Row], **params: float) -> None:
        """Upload a mission and start it, as the ground side of Picket does."""
        self.ready()
        for name, value in {"AUTO_OPTIONS": 3, "WPNAV_SPEED": 500, "CAM_AUTO_ONLY": 1, **params}.items():
            assert self.set(name, value) == pytest.approx(value)
        assert self.upload(rows) == mavlink.MAV_MISSION_ACCEPTED
        assert self.mode(3) == mavlink.MAV_RESULT_ACCEPTED
        assert self.arm() == mavlink.MAV_RESULT_ACCEPTED

    def until_disarmed(self, timeout_s: float = FLIGHT_S) -> list[Any]:
        """Everything heard until the vehicle, having been armed, is disarmed."""
        heard: list[Any] = []
        was_armed = False
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            message = self.port.recv_match(blocking=True, timeout=0.5)
            if message is None:
                continue
            heard.append(message)
            if message.get_type() == "HEARTBEAT":
                armed = bool(message.base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED)
                if was_armed and not armed:
                    return heard
                was_armed = armed
        raise AssertionError(f"still armed after {timeout_s} s")

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self.port.close()


@dataclass
class Field:
    """A served vehicle: its server, the true triggers and the ground stations that were opened."""

    server: Server
    triggers: list[Trigger] = field(default_factory=list)
    grounds: list[Ground] = field(default_factory=list)

    def ground(self, system: int = 255) -> Ground:
        """A new ground station, connected."""
        self.grounds.append(Ground(self.server.port, system))
        return self.grounds[-1]


@contextmanager
def served(**changes: Any) -> Iterator[Field]:
    """A vehicle serving on a free port until the end of the block."""
    triggers: list[Trigger] = []
    server = Server(settings(**changes), 0, triggers.append)
    stop = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            server.run(stop)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    place = Field(server, triggers)
    try:
        yield place
    finally:
        for ground in place.grounds:
            ground.close()
        stop.set()
        thread.join(10.0)
        assert not thread.is_alive()
        assert not failed, failed


@pytest.fixture
def serve() -> Callable[..., Any]:
    """`served`, for tests that choose their settings or need two vehicles."""
    return served


@pytest.fixture
def place() -> Iterator[Field]:
    """One served vehicle."""
    with served() as made:
        yield made


@pytest.fixture
def ground(place: Field) -> Ground:
    """A ground station connected to `place`."""
    return place.ground()


@pytest.fixture
def make_square() -> Callable[..., list[Row]]:
    """`square`."""
    return square


@pytest.fixture
def make_row() -> Callable[..., Row]:
    """`row`."""
    return row
