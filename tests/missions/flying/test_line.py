"""The line to a vehicle over TCP, UDP and a serial port: opened, broken, opened again; what it makes of any bytes."""

from __future__ import annotations

import contextlib
import os
import pty
import random
import select
import socket
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink.mavutil import x25crc

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import events, forget, practice_vehicle, square_plan

from mapping.ground.camera import load_camera
from missions.drones import load_drone
from missions.flying.dronekit_compat import mavlink
from missions.flying.faults import Faults
from missions.flying.flight import fly
from missions.flying.holding import Holding
from missions.flying.line import Line
from missions.flying.link import Link, connect
from missions.flying.protocol import MissionType
from missions.flying.recorder import Recorder
from missions.flying.transport import Address, address_of
from missions.flying.vehicle import Vehicle
from missions.flying.watch import Watch
from missions.items import fence_items, mission_items, rally_items
from vision.errors import InputError


def packed(message: Any, sequence: int, system: int = 1) -> bytes:
    line = mavlink.MAVLink(None, srcSystem=system, srcComponent=1)
    line.seq = sequence % 256
    data: bytes = message.pack(line)
    return data


def heartbeat(sequence: int, system: int = 1, mode: int = 3) -> bytes:
    return packed(mavlink.MAVLink_heartbeat_message(2, 3, 209, mode, 4, 3), sequence, system)


def photo(sequence: int, index: int) -> bytes:
    message = mavlink.MAVLink_camera_feedback_message(10**15, 1, 0, index, 230000000, 880000000, 70, 60, 0, 0, 0, 0, 0)
    return packed(message, sequence)


def position(sequence: int, boot_ms: int) -> bytes:
    message = mavlink.MAVLink_global_position_int_message(boot_ms, 230000000, 880000000, 0, 0, 0, 0, 0, 0)
    return packed(message, sequence)


@contextlib.contextmanager
def idle_line(heard: Callable[[Any], None] = forget, system: int | None = None) -> Iterator[Line]:
    """A line nobody speaks on; bytes are put in by hand."""
    line = Line(
        address_of("udp:127.0.0.1:0x".replace("0x", str(free_port()))), heard, forget, signing=None, system=system
    )
    try:
        yield line
    finally:
        line.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("tcp:127.0.0.1:5760", "tcp"),
        ("127.0.0.1:5760", "tcp"),
        ("udp:0.0.0.0:14550", "udpin"),
        ("udpin:0.0.0.0:14550", "udpin"),
        ("udpout:10.0.0.1:14550", "udpout"),
        ("/dev/ttyUSB0,57600", "serial"),
        ("/dev/serial/by-id/usb-ArduPilot_Pixhawk1-if00", "serial"),
        ("COM7", "serial"),
    ],
)
def test_addresses(url: str, kind: str) -> None:
    assert address_of(url).kind == kind


@pytest.mark.parametrize("url", ["tcpin:0.0.0.0:1x", "/dev/ttyUSB0,fast", "tcp:h:0", "tcp:h:65536", "udp:14550"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InputError, match="--connect"):
        address_of(url)


def test_a_closed_line_is_opened_again_and_says_so() -> None:
    notes: list[str] = []
    heard: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Line(
            address_of(f"tcp:127.0.0.1:{server.getsockname()[1]}"),
            lambda message: heard.append(message.get_seq()),
            forget,
            signing=None,
            system=None,
        )
        line.note = lambda kind, **values: notes.append(kind)
        line.reopens = True
        line.start()
        try:
            for sequence in (7, 3):
                connection = server.accept()[0]
                connection.sendall(heartbeat(sequence) + b"\xfd\x09")  # cut off in a message
                wait(lambda wanted=sequence: wanted in heard)  # type: ignore[misc]
                connection.close()
            wait(lambda: notes.count("link_closed") == 2)
            assert line.alive
        finally:
            line.close()
    assert notes[:3] == ["link_closed", "link_opened", "link_closed"]
    assert not line.alive


def test_doubled_and_late_state_is_not_believed() -> None:
    recorded: list[str] = []
    with idle_line(lambda message: recorded.append(message.get_type())) as line:
        vehicle = Vehicle(line)
        line.take(heartbeat(1, mode=3))
        line.take(heartbeat(2, mode=6))
        line.take(heartbeat(2, mode=6))
        line.take(position(4, 1000) + position(5, 1100))
        line.take(heartbeat(3, mode=9))
        assert vehicle.mode.name == "RTL"
        counts = line.counts
        assert (counts.doubled, counts.late, counts.lost) == (1, 1, 0)
        assert recorded.count("HEARTBEAT") == 3, "the late one is in the record"


def test_a_late_photo_still_counts() -> None:
    heard: list[int] = []
    with idle_line() as line:
        vehicle = Vehicle(line)
        vehicle.add_message_listener("CAMERA_FEEDBACK", lambda _v, _n, message: heard.append(message.img_idx))
        line.take(heartbeat(1) + position(3, 1000) + photo(2, 5))
    assert heard == [5]


def test_strangers_are_named_and_not_heard() -> None:
    recorded: list[int] = []
    with idle_line(lambda message: recorded.append(message.get_srcSystem()), system=2) as line:
        line.take(heartbeat(1, system=1) + heartbeat(1, system=2) + heartbeat(1, system=3))
        assert line.refused_systems == {1, 3}
    assert recorded == [2]


@settings(max_examples=1000)
@given(
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.builds(heartbeat, st.integers(0, 255)),
            st.builds(lambda data: b"\xfd" + data, st.binary(max_size=20)),
            st.builds(lambda sequence, cut: photo(sequence, 3)[:cut], st.integers(0, 255), st.integers(1, 40)),
        ),
        max_size=12,
    ),
    seed=st.integers(0, 2**16),
)
def test_any_bytes_leave_the_line_alive(pieces: list[bytes], seed: int) -> None:
    """Noise, halves and whole messages in any cut: nothing is raised, and what comes after is understood."""
    data, chance = b"".join(pieces), random.Random(seed)
    heard: list[str] = []
    with idle_line(lambda message: heard.append(message.get_type())) as line:
        while data:
            cut = chance.randint(1, len(data))
            line.take(data[:cut])
            data = data[cut:]
        for sequence in range(40):  # enough to end any message that was begun
            line.take(heartbeat(sequence))
        assert "HEARTBEAT" in heard[-1:]


def framed(number: int, payload: bytes, sequence: int) -> bytes:
    """A message with any payload and the right checksum."""
    header = bytes([len(payload), 0, 0, sequence % 256, 1, 1]) + number.to_bytes(3, "little")
    crc = x25crc(header + payload + bytes([mavlink.mavlink_map[number].crc_extra]))
    return b"\xfd" + header + payload + crc.crc.to_bytes(2, "little")


LISTENED = frozenset(
    [
        "HEARTBEAT",
        "PARAM_VALUE",
        "STATUSTEXT",
        "CAMERA_FEEDBACK",
        "MISSION_ITEM_INT",
        "MISSION_COUNT",
        "MISSION_CURRENT",
        "WIND",
        "SYS_STATUS",
        "GPS_RAW_INT",
        "FENCE_STATUS",
        "GLOBAL_POSITION_INT",
        "HOME_POSITION",
        "SYSTEM_TIME",
        "AUTOPILOT_VERSION",
    ]
)
NUMBERS = [number for number, kind in mavlink.mavlink_map.items() if kind.msgname in LISTENED]


@settings(max_examples=150)
@given(payloads=st.lists(st.tuples(st.sampled_from(NUMBERS), st.binary(min_size=1, max_size=60)), max_size=15))
def test_any_values_in_sound_messages_leave_the_watch_alive(payloads: list[tuple[int, bytes]]) -> None:
    """What a vehicle out of its mind says is recorded, and whoever asks for the state gets one."""
    plan, kept = square_plan(), []
    with idle_line() as line:
        vehicle = Vehicle(line)
        line.take(heartbeat(0))
        link = Link(vehicle)
        watch = Watch(
            link, plan, plan.sortie(1), mission_items(plan.sortie(1), plan), lambda kind, **v: kept.append(kind)
        )
        lists = {
            MissionType.MISSION: mission_items(plan.sortie(1), plan),
            MissionType.FENCE: fence_items(plan),
            MissionType.RALLY: rally_items(plan),
        }
        holding = Holding(link, lists, {"FENCE_ENABLE": 1.0})
        holding.fix_home()
        faults = Faults(plan.sortie(1), load_drone("x500"))
        for sequence, (number, payload) in enumerate(payloads, start=1):
            line.take(framed(number, payload, sequence))
            faults.look(watch.status(), watch.signs(holding))
        line.take(heartbeat(len(payloads) + 1, mode=6))
        assert watch.status().mode == "RTL"


@contextlib.contextmanager
def serial_port(url: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """A pseudo terminal joined to the vehicle at a TCP address; yields its path and what unplugs it."""
    host, port = url.removeprefix("tcp:").split(":")
    ours, theirs = pty.openpty()
    for end in (ours, theirs):
        tty.setraw(end)
    path, ended = os.ttyname(theirs), threading.Event()
    vehicle = socket.create_connection((host, int(port)))

    def carry() -> None:
        while not ended.is_set():
            for source in select.select([ours, vehicle], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    if source is vehicle:
                        os.write(ours, vehicle.recv(4096))
                    else:
                        vehicle.sendall(os.read(ours, 4096))

    thread = threading.Thread(target=carry)
    thread.start()

    def unplug() -> None:
        if not ended.is_set():
            ended.set()
            thread.join()
            os.close(theirs)
            os.close(ours)

    try:
        yield path, unplug
    finally:
        unplug()
        vehicle.close()


def test_a_serial_port_carries_a_link_and_its_unplugging_is_told() -> None:
    notes: list[str] = []
    with practice_vehicle(5.0) as practice, serial_port(practice.url) as (path, unplug):
        link = connect(f"{path},115200", forget, forget)
        try:
            link.line.note = lambda kind, **values: notes.append(kind)
            link.line.reopens = True
            link.set_parameter("RTL_ALT", 2345)
            assert link.parameter("RTL_ALT") == 2345
            unplug()
            wait(lambda: "link_closed" in notes)
            assert link.alive
        finally:
            link.close()


def test_a_serial_line_that_is_plugged_in_again_goes_on(tmp_path: Path) -> None:
    """The port comes back as another device under the same name, as /dev/serial/by-id does."""
    notes: list[str] = []
    name = tmp_path / "telemetry"
    heard: list[str] = []
    with practice_vehicle(5.0) as practice:
        with serial_port(practice.url) as (path, unplug):
            name.symlink_to(path)
            address = Address(str(name), "serial", device=str(name), baud=115200)
            line = Line(address, lambda message: heard.append(message.get_type()), forget, signing=None, system=None)
            line.note = lambda kind, **values: notes.append(kind)
            line.reopens = True
            line.start()
            wait(lambda: "HEARTBEAT" in heard)
            unplug()
            wait(lambda: "link_closed" in notes)
            assert line.alive
            assert not line.open
        try:
            with serial_port(practice.url) as (path, _):
                name.unlink()
                name.symlink_to(path)
                wait(lambda: "link_opened" in notes)
                heard.clear()
                wait(lambda: "HEARTBEAT" in heard)
                assert line.open
        finally:
            line.close()


def test_a_whole_flight_over_udp(tmp_path: Path) -> None:
    port = free_port()
    with (
        practice_vehicle(25.0, "--udp", f"127.0.0.1:{port}"),
        Recorder(tmp_path / "flight", load_camera("boson640-14"), {}) as recorder,
    ):
        outcome = fly(
            square_plan(40.0),
            *(1, f"udp:127.0.0.1:{port}", recorder),
            confirm=lambda checks: True,
            progress=forget,
            lost_after_s=20.0,
        )
    assert outcome.ended == "landed"
    assert [event for event in events(tmp_path / "flight") if event["event"] == "photo"]
