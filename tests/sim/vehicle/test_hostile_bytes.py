"""Nothing that arrives on the socket ends the vehicle: noise, broken frames, sound frames full of nonsense."""

from __future__ import annotations

import math
import random
import socket
import struct
import time
from contextlib import suppress
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle import commands
from sim.vehicle.autopilot import SimulatedVehicle
from sim.vehicle.commands import _COMMANDS, _HANDLERS, _ITEM_COMMANDS
from sim.vehicle.signatures import signing
from sim.vehicle.stations import Station
from sim.vehicle.storage import DO_PARAMS, NAV_PARAMS
from sim.vehicle.values import VehicleSettings

STREAMS, CONNECTIONS = 1000, 100
COMMANDS = [*_COMMANDS, *_ITEM_COMMANDS, *NAV_PARAMS, *DO_PARAMS, 5000, 5001, 5002, 5003, 5100]
MISSION_MESSAGES = (
    *("MISSION_COUNT", "MISSION_ITEM", "MISSION_ITEM_INT", "MISSION_REQUEST", "MISSION_REQUEST_INT"),
    *("MISSION_REQUEST_LIST", "MISSION_CLEAR_ALL", "MISSION_ACK", "MISSION_WRITE_PARTIAL_LIST"),
)
KINDS = [kind for kind in mavlink.mavlink_map.values() if kind.msgname in {*_HANDLERS, *MISSION_MESSAGES, "HEARTBEAT"}]
SIZES = {"int8_t": 8, "uint8_t": 8, "int16_t": 16, "uint16_t": 16, "int32_t": 32, "uint32_t": 32, "uint64_t": 64}
ODD_FLOATS = (0.0, 1.0, -1.0, 3.0, 1e-30, 3e38, -3e38, float("nan"), float("inf"), float("-inf"))


def number(rng: random.Random, kind: str) -> float | int:
    """A value of a MAVLink type, small as often as not."""
    if kind in ("float", "double"):
        return rng.choice((*ODD_FLOATS, rng.uniform(-200, 200)))
    bits = SIZES.get(kind, 64 if kind == "int64_t" else 8)
    low, high = (0, 2**bits - 1) if kind.startswith(("uint", "char")) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return rng.choice((rng.randint(low, high), max(low, rng.randint(0, 5))))


def nonsense(rng: random.Random) -> mavlink.MAVLink_message:
    """A sound message of a kind that the vehicle heeds, addressed to it, with any values."""
    kind = rng.choice(KINDS)
    values: dict[str, Any] = {}
    for name, typed, length in zip(kind.fieldnames, _types(kind), _lengths(kind), strict=True):
        if typed == "char":
            text = bytes(rng.choice(b"FENCE_RTL\x00\xff") for _ in range(length))
            values[name] = rng.choice((text, b"WPNAV_SPEED", b"ANGLE_MAX", b"WPNAV_ACCEL", b"LAND_SPEED"))
        elif length > 1:
            values[name] = [number(rng, typed) for _ in range(length)]
        else:
            values[name] = number(rng, typed)
    values["target_system"] = values["target_component"] = 1
    values = {name: value for name, value in values.items() if name in kind.fieldnames}
    if "command" in values:
        values["command"] = rng.choice(COMMANDS)
    if "mission_type" in values:
        values["mission_type"] = rng.choice((0, 0, 1, 2, 255, 7))
    if kind.msgname == "COMMAND_LONG" and values["command"] == mavlink.MAV_CMD_COMPONENT_ARM_DISARM:
        values["param1"] = 1.0
    return kind(**values)


def _types(kind: Any) -> list[str]:
    return [kind.fieldtypes[index] for index in range(len(kind.fieldnames))]


def _lengths(kind: Any) -> list[int]:
    lengths = dict(zip(kind.ordered_fieldnames, kind.array_lengths, strict=True))
    return [max(1, lengths[name]) for name in kind.fieldnames]


def stream(rng: random.Random) -> bytes:
    """A few frames, sound and broken, with noise between them."""
    packer = mavlink.MAVLink(None, srcSystem=255)
    parts = []
    for _ in range(rng.randint(1, 12)):
        choice = rng.random()
        if choice < 0.2:
            parts.append(rng.randbytes(rng.randint(1, 80)))
            continue
        with suppress(struct.error):
            frame = bytearray(nonsense(rng).pack(packer))
            if choice < 0.35:
                frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
            elif choice < 0.45:
                del frame[rng.randrange(len(frame)) :]
            parts.append(bytes(frame))
    return b"".join(parts)


def test_no_bytes_end_the_vehicle(place: Any, ground: Any) -> None:
    rng = random.Random(20261122)
    ground.ready()
    ground.close()
    for _ in range(CONNECTIONS):
        with socket.create_connection(("127.0.0.1", place.server.port), 5.0) as line, suppress(ConnectionError):
            line.sendall(stream(rng))
            line.shutdown(socket.SHUT_WR)
            while line.recv(65536):
                pass
    listener = place.ground(7)
    assert listener.next("HEARTBEAT").autopilot == mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA
    first = listener.next("GLOBAL_POSITION_INT").time_boot_ms
    assert listener.next("GLOBAL_POSITION_INT").time_boot_ms > first


class Memory(Station):
    """A station whose bytes go nowhere."""

    def __init__(self, vehicle: SimulatedVehicle) -> None:
        super().__init__(vehicle, signing(None), "memory")
        self.sent = 0

    def _queue(self, data: bytes) -> None:
        self.sent += len(data)


def test_a_thousand_streams_leave_it_flying() -> None:
    """In process: noise and nonsense, on the ground and in the air, a moment of flight after each."""
    rng = random.Random(1)
    vehicle = SimulatedVehicle(VehicleSettings(23.04, 88.9, 12.0, battery_capacity_mah=1e6))
    for number in range(STREAMS):
        station = Memory(vehicle)
        for message in station.parse(stream(rng)):
            commands.handle(vehicle, message, station, number * 0.1)
        vehicle.items.update(number * 0.1)
        for _ in range(5):
            vehicle.step()
            for report in (*vehicle.outbox, *station.schedule.messages()):
                station.send(report)
            vehicle.outbox.clear()
        assert all(math.isfinite(value) for value in (*vehicle.position, vehicle.body.yaw_rad, vehicle.body.roll_rad))
        assert station.sent
    listener = Memory(vehicle)
    before = vehicle.time_s
    for _ in range(60):
        vehicle.step()
    assert vehicle.time_s > before
    assert {message.get_type() for message in listener.schedule.messages()} >= {"HEARTBEAT", "ATTITUDE"}


def test_nonsense_in_flight_does_not_end_the_vehicle(place: Any, ground: Any) -> None:
    rng = random.Random(2)
    packer = mavlink.MAVLink(None, srcSystem=255)
    ground.ready()
    ground.mode(4)
    ground.arm()
    ground.command(mavlink.MAV_CMD_NAV_TAKEOFF, 0, 0, 0, 0, 0, 0, 30.0)
    while ground.next("GLOBAL_POSITION_INT").relative_alt < 5_000:
        pass
    with socket.create_connection(("127.0.0.1", place.server.port), 5.0) as line:
        for _ in range(600):
            with suppress(struct.error):
                line.sendall(nonsense(rng).pack(packer))
            line.setblocking(False)
            with suppress(BlockingIOError):
                line.recv(65536)
            line.setblocking(True)
    listener = place.ground(7)
    first = listener.next("HEARTBEAT")
    assert first.autopilot == mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA
    assert listener.next("ATTITUDE").time_boot_ms > 0


def test_a_station_that_never_reads_is_dropped_and_the_others_fly_on(place: Any, ground: Any) -> None:
    ground.ready()
    packer = mavlink.MAVLink(None, srcSystem=200)
    greedy = mavlink.MAVLink_request_data_stream_message(1, 1, mavlink.MAV_DATA_STREAM_ALL, 50, 1).pack(packer)
    with socket.socket() as mute:
        mute.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        mute.connect(("127.0.0.1", place.server.port))
        mute.sendall(greedy)
        while len(place.server.stations) < 2:
            ground.next("HEARTBEAT")
        place.server.stations[-1].stream.stalled_s = 0.5
        until_s = time.monotonic() + 30.0
        while len(place.server.stations) > 1 and time.monotonic() < until_s:
            ground.port.recv_match(blocking=True, timeout=0.1)
    assert len(place.server.stations) == 1
    assert ground.next("ATTITUDE").time_boot_ms < ground.next("ATTITUDE").time_boot_ms
