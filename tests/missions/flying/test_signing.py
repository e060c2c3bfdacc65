"""MAVLink 2 signing: key files, the clock over restarts, what is refused, and a signed flight."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import events, forget, practice_vehicle, square_plan

from mapping.ground.camera import load_camera
from missions.errors import VehicleError
from missions.flying.dronekit_compat import mavlink
from missions.flying.flight import fly
from missions.flying.link import connect
from missions.flying.recorder import Recorder
from missions.flying.signing import SignedMAVLink, Signing, load_signing
from vision.errors import InputError, VisionError

KEY = bytes(range(100, 132))


def key_file(folder: Path, content: bytes = KEY, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


class Wire:
    """What was written."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(bytes(data))


def end(signing: Signing | None, system: int = 1) -> tuple[SignedMAVLink, Wire]:
    wire = Wire()
    return SignedMAVLink(wire, system, 1, signing), wire


def heartbeat() -> Any:
    return mavlink.MAVLink_heartbeat_message(2, 3, 81, 3, 4, 3)


def heard(line: SignedMAVLink, data: bytes) -> list[str]:
    return [message.get_type() for message in line.parse_buffer(data) or []]


def signing(tmp_path: Path, name: str, key: bytes = KEY) -> Signing:
    (tmp_path / name).mkdir(exist_ok=True)
    return load_signing(key_file(tmp_path / name, key))


def test_a_key_is_its_bytes_or_the_hash_of_its_passphrase(tmp_path: Path) -> None:
    assert load_signing(key_file(tmp_path)).key == KEY
    for content in (b"border at night", b"border at night\n"):
        assert load_signing(key_file(tmp_path, content)).key == hashlib.sha256(b"border at night").digest()


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (KEY, 0o644, "chmod 600"),
        (b"", 0o600, "is no key"),
        (b"two\nlines\n", 0o600, "is no key"),
        (b"\xff" * 31, 0o600, "is no key"),
    ],
)
def test_what_is_no_key_is_bad_input(tmp_path: Path, content: bytes, mode: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_signing(key_file(tmp_path, content, mode))


def test_a_missing_key_and_a_broken_clock_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no key can be read"):
        load_signing(tmp_path / "none")
    path = key_file(tmp_path)
    (tmp_path / "key.clock").write_text("yesterday")
    with pytest.raises(InputError, match="holds no time of signature"):
        load_signing(path)


def test_the_clock_never_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = key_file(tmp_path)
    first = load_signing(path)
    times = [first.timestamp() for _ in range(1000)]
    assert times == sorted(set(times))
    monkeypatch.setattr("missions.flying.signing.time.time", lambda: 1_600_000_000.0)
    assert load_signing(path).timestamp() > times[-1], "also where this machine's own clock was set back"


def test_a_disk_that_fills_up_silences_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = load_signing(key_file(tmp_path))

    def full(*_: Any) -> None:
        raise VisionError("key.clock: cannot be written (No space left on device)")

    monkeypatch.setattr("missions.flying.signing.write_whole", full)
    now_s = time.time()
    monkeypatch.setattr("missions.flying.signing.time.time", lambda: now_s)
    ours, wire = end(given, 255)
    for minute in range(5):
        now_s += 60.0 * minute
        ours.send(heartbeat())
    assert len(wire.sent) == 5
    with pytest.raises(InputError, match="its clock cannot be kept"):
        load_signing(tmp_path / "key")


def test_a_signed_message_is_heard_and_its_replay_refused(tmp_path: Path) -> None:
    ours, wire = end(signing(tmp_path, "a"), 255)
    vehicle, _ = end(signing(tmp_path, "b"))
    ours.send(heartbeat())
    assert heard(vehicle, wire.sent[0]) == ["HEARTBEAT"]
    assert heard(vehicle, wire.sent[0]) == ["BAD_DATA"]
    assert (vehicle.unsigned, vehicle.wrong) == (0, 1)


def test_an_old_flight_cannot_be_replayed_to_a_new_listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("missions.flying.signing.time.time", lambda: 1_700_000_000.0)
        old, wire = end(signing(tmp_path, "a"), 255)
        old.send(heartbeat())
    vehicle, _ = end(signing(tmp_path, "b"))
    assert heard(vehicle, wire.sent[0]) == ["BAD_DATA"]


def test_unsigned_and_wrongly_signed_messages_are_refused_and_told_apart(tmp_path: Path) -> None:
    vehicle, _ = end(signing(tmp_path, "a"))
    plain, plain_wire = end(None, 255)
    other, other_wire = end(signing(tmp_path, "c", bytes(32)), 255)
    for line in (plain, other, other):
        line.send(heartbeat())
    for data in plain_wire.sent + other_wire.sent:
        assert heard(vehicle, data) == ["BAD_DATA"]
    assert (vehicle.unsigned, vehicle.wrong) == (1, 2)


def test_a_forgery_does_not_silence_the_true_sender(tmp_path: Path) -> None:
    vehicle, _ = end(signing(tmp_path, "a"))
    true, true_wire = end(signing(tmp_path, "b"), 255)
    forger, forged_wire = end(signing(tmp_path, "c", bytes(32)), 255)
    true.send(heartbeat())
    forger.signing.timestamp = 2**47
    forger._signing = None
    forger.signing.sign_outgoing = True
    forger.send(heartbeat())
    true.send(heartbeat())
    assert heard(vehicle, true_wire.sent[0]) == ["HEARTBEAT"]
    assert heard(vehicle, forged_wire.sent[0]) == ["BAD_DATA"]
    assert heard(vehicle, true_wire.sent[1]) == ["HEARTBEAT"]


def test_a_radio_may_speak_unsigned(tmp_path: Path) -> None:
    vehicle, _ = end(signing(tmp_path, "a"))
    radio, wire = end(None, 51)
    radio.send(mavlink.MAVLink_radio_status_message(100, 100, 50, 10, 10, 0, 0))
    assert heard(vehicle, wire.sent[0]) == ["RADIO_STATUS"]


def test_links_of_one_key_have_their_own_ids(tmp_path: Path) -> None:
    shared = signing(tmp_path, "a")
    lines = [end(shared)[0] for _ in range(3)]
    assert [line.signing.link_id for line in lines] == [0, 1, 2]


def test_a_signed_flight(tmp_path: Path) -> None:
    """Both sides hold the key; another station without it is not obeyed and not heard."""
    path = key_file(tmp_path)

    def confirm(checks: Any) -> bool:
        with pytest.raises(VehicleError, match=r"no vehicle answered|did not take"):
            connect(vehicle.url, forget, forget, timeout_s=2.0).set_parameter("RTL_ALT", 9999)
        return True

    with (
        practice_vehicle(25.0, "--signing-key", str(path)) as vehicle,
        Recorder(tmp_path / "flight", load_camera("boson640-14"), {}) as recorder,
    ):
        outcome = fly(
            square_plan(40.0),
            *(1, vehicle.url, recorder),
            confirm=confirm,
            progress=forget,
            signing=load_signing(path),
            lost_after_s=20.0,
        )
    assert outcome.ended == "landed"
    facts = json.loads((tmp_path / "flight" / "flight.json").read_text())
    assert facts["link"]["unsigned"] == 0
    kinds = [event["event"] for event in events(tmp_path / "flight")]
    assert kinds.count("photo") == outcome.photos_taken
    assert "messages_refused" not in kinds
    sent = (tmp_path / "flight" / "telemetry.tlog").read_bytes()
    assert KEY not in sent


def test_a_vehicle_without_the_key_is_refused_with_the_reason(tmp_path: Path) -> None:
    with practice_vehicle(10.0) as vehicle, pytest.raises(VehicleError, match="unsigned messages and no signed one"):
        connect(vehicle.url, forget, forget, timeout_s=2.0, signing=signing(tmp_path, "a"))


def test_a_vehicle_with_another_key_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = key_file(tmp_path / "other", bytes(32))
    with (
        practice_vehicle(10.0, "--signing-key", str(other)) as vehicle,
        pytest.raises(VehicleError, match="the vehicle has another key"),
    ):
        connect(vehicle.url, forget, forget, timeout_s=2.0, signing=signing(tmp_path, "a"))


def test_a_vehicle_that_signs_is_named_soon_where_no_key_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("missions.flying.link.FIRST_ANSWER_S", 2.0)
    told: list[str] = []
    with (
        practice_vehicle(10.0, "--signing-key", str(key_file(tmp_path))) as vehicle,
        Recorder(tmp_path / "flight", load_camera("boson640-14"), {}) as recorder,
        pytest.raises(VehicleError, match=r"this vehicle signs its link .* give --signing-key FILE"),
    ):
        fly(square_plan(), 1, vehicle.url, recorder, confirm=lambda checks: True, progress=forget, tell=told.append)
    assert any("waiting for the vehicle's first answer" in line for line in told)
    assert json.loads((tmp_path / "flight" / "flight.json").read_text())["ended"] == "refused"
