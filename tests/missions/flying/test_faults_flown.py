"""Every fault of `docs/faults.md`, put into a flight of the practice vehicle: what was told, done and recorded."""

from __future__ import annotations

import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import await_event, events, flying_process, forget, practice_vehicle, square_plan

from mapping.ground.camera import Camera, load_camera
from mapping.tables import TRACK
from missions.flying.flight import FlightOutcome, fly
from missions.flying.link import connect
from missions.flying.recorder import Recorder, recover

SPEEDUP = 20.0


@pytest.fixture(scope="module")
def camera() -> Camera:
    return load_camera("boson640-14")


@dataclass(frozen=True)
class Told:
    outcome: FlightOutcome
    events: list[dict[str, Any]]
    lines: list[str]
    alerts: set[str]
    facts: dict[str, Any]

    def kinds(self) -> list[str]:
        return [event["event"] for event in self.events]

    def event(self, kind: str) -> dict[str, Any]:
        return next(event for event in self.events if event["event"] == kind)


def flown_with(folder: Path, camera: Camera, *faults: str, lost_after_s: float = 30.0, side_m: float = 100.0) -> Told:
    """A whole flight with these faults."""
    lines: list[str] = []
    alerts: set[str] = set()
    more = [word for fault in faults for word in ("--fault", fault)]
    with practice_vehicle(SPEEDUP, *more) as vehicle, Recorder(folder, camera, {}) as recorder:
        outcome = fly(
            square_plan(side_m),
            *(1, vehicle.url, recorder),
            confirm=lambda checks: all(check.ok for check in checks),
            progress=lambda status: alerts.update(status.alerts),
            tell=lines.append,
            lost_after_s=lost_after_s,
        )
    facts = json.loads((folder / "flight.json").read_text())
    assert facts["complete"]
    assert facts["ended"] == outcome.ended
    assert TRACK.read(folder / "track.parquet").num_rows > 50
    return Told(outcome, events(folder), lines, alerts, facts)


def test_a_line_that_is_cut_is_opened_again(tmp_path: Path, camera: Camera) -> None:
    told = flown_with(tmp_path / "flight", camera, "link-cut@photo:3+60")
    kinds = told.kinds()
    assert kinds.index("link_closed") < kinds.index("link_opened") < kinds.index("disarmed")
    assert told.outcome.ended == "landed"


def test_photos_of_a_silence_are_known_to_be_missing(tmp_path: Path, camera: Camera) -> None:
    told = flown_with(tmp_path / "flight", camera, "link-pause@photo:2+12")
    missing = told.event("photos_unheard")["indices"]
    assert missing
    assert told.facts["photos_missing"] == missing
    assert told.outcome.photos_taken + len(missing) >= 10
    assert told.outcome.ended == "landed"
    assert any("the vehicle's log has them" in line for line in told.lines)
    assert "camera_silent" not in told.kinds()
    assert "log_not_fetched" in told.kinds(), "this vehicle keeps no log of its own"


def test_a_low_battery_is_called_home(tmp_path: Path, camera: Camera) -> None:
    told = flown_with(tmp_path / "flight", camera, "battery@photo:2=19")
    assert told.event("battery_low")["reserve_pct"] == 20
    assert told.outcome.ended == "aborted"
    assert told.outcome.reason.startswith("called home: battery at")
    assert "battery_behind" in told.kinds()


def test_a_lost_position_is_told(tmp_path: Path, camera: Camera) -> None:
    told = flown_with(tmp_path / "flight", camera, "gps-loss@photo:2+40")
    assert "gps_lost" in told.kinds()
    assert any("no satellite position" in alert for alert in told.alerts)
    assert told.outcome.ended in ("landed", "aborted")


def test_wind_over_the_limit_calls_home(tmp_path: Path, camera: Camera) -> None:
    told = flown_with(tmp_path / "flight", camera, "wind@photo:2=13:200")
    assert told.event("wind_over_limit")["wind_m_s"] > told.event("wind_over_limit")["limit_m_s"]
    assert told.outcome.reason.startswith("called home: wind")
    assert told.outcome.ended == "aborted"


def test_a_silent_camera_is_told_and_flown_on(tmp_path: Path, camera: Camera) -> None:
    told = flown_with(tmp_path / "flight", camera, "camera-silent@photo:2", side_m=200.0)
    assert told.event("camera_silent")["unphotographed_m"] > 50
    assert told.outcome.ended == "landed"
    assert told.outcome.photos_taken == 2


def test_a_mission_changed_by_somebody_else_calls_home(tmp_path: Path, camera: Camera) -> None:
    told = flown_with(tmp_path / "flight", camera, "mission-change@photo:2")
    assert "mission" in told.event("mission_changed")["difference"]
    assert (told.outcome.ended, told.outcome.reason) == (
        "aborted",
        "called home: somebody else changed the mission",
    )


def test_a_restart_in_flight_is_told(tmp_path: Path, camera: Camera) -> None:
    told = flown_with(tmp_path / "flight", camera, "reboot@photo:3")
    assert told.kinds().count("vehicle_restarted") == 1
    assert (told.outcome.ended, told.outcome.reason) == ("aborted", "the vehicle was restarted in flight")
    assert 20 < told.outcome.duration_s < 200


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        ("link-double@5", "doubled"),
        ("link-shuffle@5=0.5", "late"),
        ("link-corrupt@5=0.02", "damaged"),
        ("link-drop@5=0.05", "lost"),
        ("link-late@5=1", None),
    ],
)
def test_a_bad_link_is_counted_and_flown_through(
    tmp_path: Path, camera: Camera, fault: str, counted: str | None
) -> None:
    told = flown_with(tmp_path / "flight", camera, fault)
    assert told.outcome.ended == "landed", told.outcome.reason
    kinds = told.kinds()
    assert kinds.count("armed") == kinds.count("disarmed") == 1
    photos = [event["index"] for event in told.events if event["event"] == "photo"]
    assert len(photos) == len(set(photos)) == told.outcome.photos_taken
    if counted:
        assert told.facts["link"][counted] > 0
        assert any(event.get(counted) for event in told.events if event["event"] == "link_quality")


def test_what_a_killed_flight_left_is_put_back_by_the_next(tmp_path: Path, camera: Camera) -> None:
    with practice_vehicle(SPEEDUP) as vehicle:
        with flying_process(vehicle.url, tmp_path / "1", "lambda checks: time.sleep(60)") as process:
            await_event(tmp_path / "1", "check", 5)
            process.kill()
            process.communicate()
        left = {event["name"]: event["was"] for event in events(tmp_path / "1") if event["event"] == "parameter"}
        assert left["FENCE_ENABLE"] == 0
        lines: list[str] = []
        with Recorder(tmp_path / "2", camera, {}) as recorder:
            fly(
                square_plan(40.0),
                *(1, vehicle.url, recorder),
                confirm=lambda checks: True,
                progress=forget,
                tell=lines.append,
            )
        link = connect(vehicle.url, forget, forget)
        try:
            assert {name: link.parameter(name) for name in left} == pytest.approx(left)
        finally:
            link.close()
    assert any("FENCE_ENABLE" in line for line in lines)


def test_a_record_that_fails_is_told_in_flight(tmp_path: Path, camera: Camera) -> None:
    lines: list[str] = []

    def progress(status: Any) -> None:
        if status.photos_taken and recorder.failure is None:
            recorder.failure = "the disk is full"
        alerts.update(status.alerts)

    alerts: set[str] = set()
    with practice_vehicle(SPEEDUP) as vehicle, Recorder(tmp_path / "flight", camera, {}) as recorder:
        outcome = fly(
            square_plan(40.0),
            *(1, vehicle.url, recorder),
            confirm=lambda checks: True,
            progress=progress,
            tell=lines.append,
        )
    assert outcome.ended == "landed"
    assert lines.count("the record is not being kept: the disk is full") == 1
    assert "the record is not being kept: the disk is full" in alerts


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_flight_killed_at_any_moment_is_readable(tmp_path: Path, camera: Camera, seed: int) -> None:
    """`bench/killed_flights.py` does this fifty times and measures what is missing."""
    folder, moment = tmp_path / "flight", ("check", "photo", "reached")[seed - 1]
    with practice_vehicle(SPEEDUP) as vehicle, flying_process(vehicle.url, folder) as process:
        await_event(folder, moment)
        time.sleep(random.Random(seed).random() / 2)
        process.kill()
        process.communicate()
    recover(folder, camera)
    facts = json.loads((folder / "flight.json").read_text())
    assert (facts["ended"], facts["complete"]) == ("interrupted", True)
    assert moment in [event["event"] for event in events(folder)]
    assert TRACK.read(folder / "track.parquet").num_rows > 0
