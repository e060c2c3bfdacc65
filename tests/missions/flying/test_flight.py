"""Whole flights over a loopback socket with the practice vehicle in a process of its own."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import await_event, events, flying_process, forget, place, practice_vehicle, square_plan

from mapping.ground.camera import Camera, load_camera
from mapping.tables import FRAMES, TRACK
from missions.errors import VehicleError
from missions.flying.flight import FlightOutcome, fly
from missions.flying.link import connect
from missions.flying.preflight import Check
from missions.flying.progress import FlightStatus
from missions.flying.protocol import MissionType, differences
from missions.flying.recorder import Recorder, recover
from missions.items import fence_items, mission_items, rally_items
from vision.errors import InputError

SPEEDUP = 40.0


@pytest.fixture(scope="module")
def camera() -> Camera:
    return load_camera("boson640-14")


def messages_of(folder: Path) -> list[Any]:
    log = mavutil.mavlogfile(str(folder / "telemetry.tlog"))
    found = []
    while (message := log.recv_msg()) is not None:
        found.append(message)
    log.close()
    return found


@dataclass(frozen=True)
class Flown:
    folder: Path
    outcome: FlightOutcome
    checks: list[Check]
    statuses: list[FlightStatus]
    fence_left: tuple[Any, ...]
    rally_left: tuple[Any, ...]
    mission_left: tuple[Any, ...]
    parameters_left: dict[str, float | None]


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory, camera: Camera) -> Flown:
    """One whole flight, and what the vehicle held after it."""
    folder = tmp_path_factory.mktemp("flown") / "flight"
    checks: list[Check] = []
    statuses: list[FlightStatus] = []

    def confirm(seen: list[Check]) -> bool:
        checks.extend(seen)
        return True

    with practice_vehicle(SPEEDUP) as vehicle:
        with Recorder(folder, camera, {"simulated": True}) as recorder:
            outcome = fly(square_plan(), 1, vehicle.url, recorder, confirm=confirm, progress=statuses.append)
        assert recorder.failure is None
        link = connect(vehicle.url, forget, forget)
        try:
            names = ("FENCE_TYPE", "FENCE_ENABLE", "FENCE_ALT_MAX", "RTL_ALT", "AUTO_OPTIONS")
            return Flown(
                folder,
                outcome,
                checks,
                statuses,
                link.read(MissionType.FENCE),
                link.read(MissionType.RALLY),
                link.read(MissionType.MISSION),
                {name: link.parameter(name) for name in names},
            )
        finally:
            link.close()


def test_the_flight_is_flown_to_its_end(flown: Flown) -> None:
    assert flown.outcome.ended == "landed"
    assert flown.outcome.photos_taken >= flown.outcome.photos_expected == 10
    assert 60 < flown.outcome.duration_s < 400
    facts = json.loads((flown.folder / "flight.json").read_text())
    assert (facts["ended"], facts["photos_taken"]) == ("landed", flown.outcome.photos_taken)
    assert "Copter" in facts["vehicle"]["firmware"]


def test_every_check_was_shown_and_held(flown: Flown) -> None:
    assert [check for check in flown.checks if not check.ok] == []
    names = {check.name for check in flown.checks}
    assert {"position", "battery", "fence", "mission", "home", "camera", "clock"} <= names


def test_the_vehicle_holds_the_plans_lists(flown: Flown) -> None:
    plan = square_plan()
    assert differences(fence_items(plan), flown.fence_left, MissionType.FENCE) == []
    assert differences(rally_items(plan), flown.rally_left, MissionType.RALLY) == []
    assert differences(mission_items(plan.sortie(1), plan), flown.mission_left, MissionType.MISSION) == []


def test_parameters_are_put_back(flown: Flown) -> None:
    before = json.loads((flown.folder / "flight.json").read_text())["parameters_before"]
    assert flown.parameters_left["FENCE_TYPE"] == before["FENCE_TYPE"] == 7
    assert flown.parameters_left["FENCE_ENABLE"] == before["FENCE_ENABLE"] == 0
    assert flown.parameters_left["AUTO_OPTIONS"] == before["AUTO_OPTIONS"] == 0
    assert flown.parameters_left["RTL_ALT"] == before["RTL_ALT"] == 1500
    set_to = {event["name"]: event["value"] for event in events(flown.folder) if event["event"] == "parameter"}
    assert (set_to["FENCE_TYPE"], set_to["FENCE_ALT_MAX"], set_to["FENCE_ENABLE"]) == (5, 80, 1)


def test_the_log_holds_both_directions_in_mavlink_2(flown: Flown) -> None:
    messages = messages_of(flown.folder)
    assert not [message for message in messages if message.get_type() == "BAD_DATA"]
    photos = {message.img_idx for message in messages if message.get_type() == "CAMERA_FEEDBACK"}
    assert len(photos) == flown.outcome.photos_taken
    sent = [message for message in messages if message.get_srcSystem() == 255]
    assert {message.get_msgbuf()[0] for message in sent} == {0xFD}
    counts = [(m.mission_type, m.count) for m in sent if m.get_type() == "MISSION_COUNT"]
    assert counts == [(1, 8), (2, 1), (0, len(mission_items(square_plan().sortie(1), square_plan())))]
    assert "MISSION_ITEM" not in {message.get_type() for message in sent}


def test_the_track_and_the_events_tell_the_flight(flown: Flown) -> None:
    track = TRACK.read(flown.folder / "track.parquet")
    heights = track["alt_home_m"].to_pylist()
    assert 35 < max(heights) < 45
    kinds = [event["event"] for event in events(flown.folder)]
    assert kinds.index("confirmed") < kinds.index("armed") < kinds.index("photo") < kinds.index("disarmed")
    assert kinds.count("photo") == flown.outcome.photos_taken
    assert kinds[-1] == "parameter_restored"
    frames = FRAMES.read(flown.folder / "frames.parquet")
    assert frames["file"].to_pylist() == [None] * flown.outcome.photos_taken, "the pictures are on the camera's card"
    assert frames["lat_deg"].null_count == frames["pitch_deg"].null_count == 0


def test_progress_never_goes_back_and_arrives(flown: Flown) -> None:
    fractions = [status.progress for status in flown.statuses]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.97
    assert any(
        status.mode == "AUTO" and status.height_home_m and status.height_home_m > 30 for status in flown.statuses
    )


def test_no_thread_remains(flown: Flown) -> None:
    assert flown.outcome
    names = [thread.name for thread in threading.enumerate()]
    assert [name for name in names if "mavlink_thread" in name or name == "recorder"] == []


def test_ctrl_c_calls_the_vehicle_home(tmp_path: Path) -> None:
    with practice_vehicle(SPEEDUP) as vehicle, flying_process(vehicle.url, tmp_path / "flight") as process:
        await_event(tmp_path / "flight", "photo", 2)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=90)
    assert errors == ""
    outcome = json.loads(output)
    assert (outcome["ended"], outcome["reason"]) == ("aborted", "called home by the pilot")
    told = events(tmp_path / "flight")
    assert {"event": "mode", "mode": "RTL"}.items() <= [e for e in told if e["event"] == "mode"][1].items()
    assert [event["event"] for event in told if event["event"] in ("called_home", "disarmed")] == [
        "called_home",
        "disarmed",
    ]
    assert json.loads((tmp_path / "flight" / "flight.json").read_text())["ended"] == "aborted"
    sent = [message for message in messages_of(tmp_path / "flight") if message.get_srcSystem() == 255]
    stopped = [n for n, m in enumerate(sent) if m.get_type() == "COMMAND_LONG" and (m.command, m.param1) == (206, 0)]
    restored = [n for n, m in enumerate(sent) if m.get_type() == "PARAM_SET" and m.param_id == "CAM_AUTO_ONLY"]
    assert stopped[0] < restored[-1], "the camera stops before it may trigger outside AUTO"


def test_ctrl_c_twice_leaves_the_vehicle_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "flight"
    with practice_vehicle(8.0) as vehicle, flying_process(vehicle.url, folder) as process:
        await_event(folder, "photo", 1)
        process.send_signal(signal.SIGINT)
        await_event(folder, "called_home")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
        assert errors == ""
        assert json.loads(output)["ended"] == "left"
        link = connect(vehicle.url, forget, forget)
        try:
            assert link.vehicle.armed
            assert link.parameter("FENCE_ENABLE") == 1
        finally:
            link.close()
    assert json.loads((folder / "flight.json").read_text())["ended"] == "left"


def test_a_killed_flight_is_readable(tmp_path: Path, camera: Camera) -> None:
    folder = tmp_path / "flight"
    with practice_vehicle(SPEEDUP) as vehicle, flying_process(vehicle.url, folder) as process:
        await_event(folder, "photo", 3)
        while not (folder / "track.parquet").is_file():
            time.sleep(0.05)
        process.kill()
        process.communicate()
    assert json.loads((folder / "flight.json").read_text())["ended"] is None
    track = TRACK.read(folder / "track.parquet")
    assert track.num_rows > 0
    photos = [message for message in messages_of(folder) if message.get_type() == "CAMERA_FEEDBACK"]
    told = sum(event["event"] == "photo" for event in events(folder))
    assert len(photos) - 1 <= told <= len(photos)
    recover(folder, camera)
    assert json.loads((folder / "flight.json").read_text())["ended"] == "interrupted"
    assert TRACK.read(folder / "track.parquet").num_rows >= track.num_rows


def test_a_vehicle_that_vanishes_is_lost(tmp_path: Path, camera: Camera) -> None:
    told: list[str] = []
    with practice_vehicle(SPEEDUP) as vehicle:

        def progress(status: FlightStatus) -> None:
            if status.photos_taken >= 2:
                vehicle.process.kill()

        with Recorder(tmp_path / "flight", camera, {}) as recorder:
            outcome = fly(
                square_plan(),
                *(1, vehicle.url, recorder),
                confirm=lambda checks: True,
                progress=progress,
                tell=told.append,
                lost_after_s=3.0,
            )
    assert outcome.ended == "lost"
    assert outcome.reason.startswith("silent for")
    assert "link_closed" in [event["event"] for event in events(tmp_path / "flight")]
    assert "not put back on the vehicle" in told[-1]
    assert json.loads((tmp_path / "flight" / "flight.json").read_text())["ended"] == "lost"
    assert TRACK.read(tmp_path / "flight" / "track.parquet").num_rows > 50


def test_a_vehicle_that_stays_silent_past_its_time_is_lost(
    tmp_path: Path, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("missions.flying.faults.SILENT_S", 2.0)
    monkeypatch.setattr("missions.flying.following.OVERDUE_FACTOR", 0.0)
    with practice_vehicle(8.0) as vehicle:

        def progress(status: FlightStatus) -> None:
            if status.photos_taken == 1 and status.flown_s > 0:
                vehicle.process.send_signal(signal.SIGSTOP)
                monkeypatch.setattr("missions.flying.following.OVERDUE_S", status.flown_s + 5.0)

        try:
            with Recorder(tmp_path / "flight", camera, {}) as recorder:
                outcome = fly(square_plan(), 1, vehicle.url, recorder, confirm=lambda checks: True, progress=progress)
        finally:
            vehicle.process.kill()
    assert outcome.ended == "lost"
    assert outcome.reason.startswith("silent for")
    (left,) = [event for event in events(tmp_path / "flight") if event["event"] == "parameters_not_restored"]
    assert "FENCE_ENABLE" in left["names"]


def test_a_vehicle_that_is_heard_again_is_watched_to_its_end(
    tmp_path: Path, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("missions.flying.faults.SILENT_S", 1.0)
    stopped: list[threading.Timer] = []
    with practice_vehicle(SPEEDUP) as vehicle:

        def progress(status: FlightStatus) -> None:
            if status.photos_taken and not stopped:
                vehicle.process.send_signal(signal.SIGSTOP)
                stopped.append(threading.Timer(2.0, vehicle.process.send_signal, (signal.SIGCONT,)))
                stopped[0].start()

        with Recorder(tmp_path / "flight", camera, {}) as recorder:
            outcome = fly(square_plan(), 1, vehicle.url, recorder, confirm=lambda checks: True, progress=progress)
    stopped[0].join()
    assert outcome.ended == "landed"
    told = [event["event"] for event in events(tmp_path / "flight")]
    assert told.index("silent") < told.index("silent_over") < told.index("disarmed")


def test_an_overdue_vehicle_is_called_home(tmp_path: Path, camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("missions.flying.following.OVERDUE_FACTOR", 0.0)
    monkeypatch.setattr("missions.flying.following.OVERDUE_S", 40.0)
    with practice_vehicle(SPEEDUP) as vehicle, Recorder(tmp_path / "flight", camera, {}) as recorder:
        outcome = fly(square_plan(), 1, vehicle.url, recorder, confirm=lambda checks: True, progress=forget)
    assert (outcome.ended, outcome.reason) == ("aborted", "called home: overdue")


def test_one_vehicle_flies_one_sortie_after_another(tmp_path: Path, camera: Camera) -> None:
    with practice_vehicle(SPEEDUP) as vehicle:
        for name in ("first", "second"):
            with Recorder(tmp_path / name, camera, {}) as recorder:
                plan = square_plan(40.0)
                outcome = fly(plan, 1, vehicle.url, recorder, confirm=lambda checks: True, progress=forget)
            assert (outcome.ended, outcome.photos_taken >= 4) == ("landed", True)


def test_a_display_that_fails_does_not_end_the_flight(tmp_path: Path, camera: Camera) -> None:
    def progress(status: FlightStatus) -> None:
        raise BrokenPipeError("nobody reads")

    with practice_vehicle(SPEEDUP) as vehicle, Recorder(tmp_path / "flight", camera, {}) as recorder:
        outcome = fly(square_plan(40.0), 1, vehicle.url, recorder, confirm=lambda checks: True, progress=progress)
    assert outcome.ended == "landed"
    assert [event for event in events(tmp_path / "flight") if event["event"] == "display_failed"]


@pytest.fixture(scope="module")
def waiting_vehicle() -> Iterator[str]:
    """A vehicle on the ground, for what never flies."""
    with practice_vehicle(10.0) as vehicle:
        yield vehicle.url


def test_no_confirmation_no_flight(tmp_path: Path, camera: Camera, waiting_vehicle: str) -> None:
    with Recorder(tmp_path, camera, {}) as recorder, pytest.raises(VehicleError, match="nobody confirmed"):
        fly(square_plan(), 1, waiting_vehicle, recorder, confirm=lambda checks: False, progress=forget)
    facts = json.loads((tmp_path / "flight.json").read_text())
    assert (facts["ended"], facts["reason"]) == ("refused", "not flown: nobody confirmed the take-off")
    restored = {event["name"] for event in events(tmp_path) if event["event"] == "parameter_restored"}
    assert restored == set(facts["parameters_before"])


def test_a_failed_check_is_no_go_whatever_is_confirmed(tmp_path: Path, camera: Camera, waiting_vehicle: str) -> None:
    plan = replace(square_plan(), home=place(120, 30))
    with Recorder(tmp_path, camera, {}) as recorder, pytest.raises(VehicleError, match=r"no go: home: 12\d\.\d m"):
        fly(plan, 1, waiting_vehicle, recorder, confirm=lambda checks: True, progress=forget)
    assert not [event for event in events(tmp_path) if event["event"] in ("confirmed", "armed")]


def test_an_unknown_sortie_is_bad_input(tmp_path: Path, camera: Camera) -> None:
    with Recorder(tmp_path, camera, {}) as recorder, pytest.raises(InputError, match="--sortie"):
        fly(square_plan(), 7, "tcp:127.0.0.1:1", recorder, confirm=lambda checks: True, progress=forget)
