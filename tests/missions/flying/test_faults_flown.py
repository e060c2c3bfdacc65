"""Every fault of `docs/faults.md`, put into a flight of the practice vehicle: what was told, done and recorded."""

from __future__ import annotations

import contextlib
import json
import random
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import await_event, events, flying_process, forget, place, practice_vehicle, square_plan

from mapping.ground.camera import Camera, load_camera
from mapping.tables import TRACK
from missions.flying import following
from missions.flying.flight import FlightOutcome, fly
from missions.flying.link import connect
from missions.flying.progress import FlightStatus
from missions.flying.protocol import MissionType
from missions.flying.recorder import Recorder, recover
from missions.items import fence_items, rally_items

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
    said = [line for line in told.lines if line.startswith("the connection is")]
    assert "the vehicle flies on" in said[0]
    assert said[-1] == "the connection is open again"
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


def test_whatever_another_station_changes_is_found(
    tmp_path: Path, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of rally points and fences a vehicle says nothing when they are replaced; one told of home or of a parameter is
    told once."""
    monkeypatch.setattr(following, "ASK_S", 0.02)
    plan, folder = square_plan(), tmp_path / "flight"
    lines: list[str] = []
    with practice_vehicle(SPEEDUP) as vehicle, contextlib.ExitStack() as stack:
        other = connect(vehicle.url, forget, forget)
        stack.callback(other.close)
        away = place(300.0, 0.0)
        steps = iter(
            [
                lambda: other.store([replace(rally_items(plan)[0], lat_deg=away.lat_deg)] * 2, MissionType.RALLY),
                lambda: other.command(179, 0, 0, 0, 0, away.lat_deg, away.lon_deg, 10.0),
                lambda: other.set_parameter("FENCE_ALT_MAX", 90.0),
                lambda: other.store(fence_items(plan)[4:], MissionType.FENCE),
            ]
        )
        kinds = iter(["rally_changed", "home_moved", "parameters_changed", "fence_changed"])
        awaited = "photo"

        def interfere(status: FlightStatus) -> None:
            nonlocal awaited
            if awaited in [event["event"] for event in events(folder)] and (step := next(steps, None)):
                step()
                awaited = next(kinds)

        with Recorder(folder, camera, {}) as recorder:
            outcome = fly(
                plan, *(1, vehicle.url, recorder), confirm=lambda _: True, progress=interfere, tell=lines.append
            )
    said = {event["event"]: event for event in events(folder)}
    assert "2 stored" in said["rally_changed"]["difference"]
    assert said["home_moved"]["moved_m"] == pytest.approx(300, abs=5)
    assert said["parameters_changed"]["changes"] == ["FENCE_ALT_MAX is 90 instead of 80"]
    assert "4 stored" in said["fence_changed"]["difference"]
    assert (outcome.ended, outcome.reason) == (
        "aborted",
        "called home: somebody changed " + "FENCE_ALT_MAX is 90 instead of 80",
    )
    assert any("on a way nobody has proven" in line for line in lines)


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
