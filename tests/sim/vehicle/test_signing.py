"""MAVLink 2 signing on the vehicle's side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from missions.flying.signing import load_signing
from sim.__main__ import key_of
from sim.vehicle import commands
from sim.vehicle.autopilot import SimulatedVehicle
from sim.vehicle.signatures import signing
from sim.vehicle.stations import Station
from sim.vehicle.values import VehicleSettings
from vision.errors import InputError

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))


class Memory(Station):
    """A station that keeps what it is sent."""

    def __init__(self, vehicle: SimulatedVehicle, signatures: Any) -> None:
        super().__init__(vehicle, signatures, "memory")
        self.sent: list[bytes] = []

    def _queue(self, data: bytes) -> None:
        self.sent.append(data)


class Pilot:
    """A ground station that signs with a key, or does not."""

    def __init__(self, key: bytes | None, timestamp: int = 1_000_000) -> None:
        self.mav = mavlink.MAVLink(None, 255, 190)
        if key is not None:
            self.mav.signing.secret_key, self.mav.signing.sign_outgoing = key, True
            self.mav.signing.timestamp = timestamp

    def packed(self, message: mavlink.MAVLink_message) -> bytes:
        packet: bytes = message.pack(self.mav)
        return packet

    def mode(self, number: int) -> bytes:
        message = mavlink.MAVLink_command_long_message(1, 1, mavlink.MAV_CMD_DO_SET_MODE, 0, 1, number, 0, 0, 0, 0, 0)
        return self.packed(message)


@pytest.fixture
def vehicle() -> SimulatedVehicle:
    made = SimulatedVehicle(VehicleSettings(23.04, 88.9, 12.0))
    for _ in range(200):
        made.step()
    return made


def heard(vehicle: SimulatedVehicle, station: Station, data: bytes) -> int:
    """Hand bytes to the vehicle; how many messages it took."""
    messages = station.parse(data)
    for message in messages:
        commands.handle(vehicle, message, station, 0.0)
    return len(messages)


def test_only_what_is_signed_with_its_key_is_heeded(vehicle: SimulatedVehicle) -> None:
    station = Memory(vehicle, signing(KEY))
    pilot = Pilot(KEY)
    assert heard(vehicle, station, Pilot(None).mode(4)) == 0
    assert heard(vehicle, station, Pilot(OTHER_KEY, 5_000_000).mode(4)) == 0
    assert vehicle.mode == 0
    # a forged frame of the future has not locked the pilot out
    assert heard(vehicle, station, pilot.mode(4)) == 1
    assert vehicle.mode == 4


def test_what_was_heard_cannot_be_played_again_on_any_link(vehicle: SimulatedVehicle) -> None:
    shared = signing(KEY)
    first, second = Memory(vehicle, shared), Memory(vehicle, shared)
    pilot = Pilot(KEY)
    old = pilot.mode(4)
    assert heard(vehicle, first, old) == 1
    assert heard(vehicle, first, pilot.mode(5)) == 1
    assert heard(vehicle, first, old) == 0
    assert heard(vehicle, second, old) == 0
    assert vehicle.mode == 5
    # a stream that is new but minutes behind is as old
    late = Pilot(KEY, 1)
    late.mav.srcSystem = 254
    shared.timestamp = 100_000_000
    assert heard(vehicle, second, late.mode(4)) == 0


def test_radios_put_in_what_is_unsigned(vehicle: SimulatedVehicle) -> None:
    station = Memory(vehicle, signing(KEY))
    status = mavlink.MAVLink_radio_status_message(100, 100, 100, 50, 50, 0, 0)
    assert heard(vehicle, station, Pilot(None).packed(status)) == 1


def test_setup_signing_is_taken_on_the_ground_and_takes_effect_at_once(vehicle: SimulatedVehicle) -> None:
    station = Memory(vehicle, signing(None))
    setup = mavlink.MAVLink_setup_signing_message(1, 1, list(KEY), 500)
    assert heard(vehicle, station, Pilot(None).packed(setup)) == 1
    assert heard(vehicle, station, Pilot(None).mode(4)) == 0
    assert heard(vehicle, station, Pilot(KEY).mode(4)) == 1
    station.send(mavlink.MAVLink_heartbeat_message(2, 3, 0, 0, 3, 3))
    ground = mavlink.MAVLink(None)
    ground.signing.secret_key = KEY
    assert ground.parse_buffer(station.sent[-1])[0].get_signed()

    vehicle.arm()
    heard(
        vehicle, station, Pilot(KEY, 2_000_000).packed(mavlink.MAVLink_setup_signing_message(1, 1, list(OTHER_KEY), 1))
    )
    assert station.signing.secret_key == KEY

    vehicle.disarm()
    nothing = mavlink.MAVLink_setup_signing_message(1, 1, [0] * 32, 0)
    heard(vehicle, station, Pilot(KEY, 3_000_000).packed(nothing))
    assert heard(vehicle, station, Pilot(None).mode(5)) == 1


@pytest.mark.parametrize("content", [KEY, b"border at night\n", b"6b" * 32])
def test_a_key_file_is_the_same_key_to_both_sides(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    assert key_of(path) == load_signing(path).key


@pytest.mark.parametrize("content", [b"", b"two\nlines", b"\xff" * 31])
def test_what_is_no_key_is_bad_input(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(InputError, match="key"):
        key_of(path)
