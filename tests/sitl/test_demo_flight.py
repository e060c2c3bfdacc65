"""The demo's first sortie on a real ArduPilot: every photo, inside the fence by measurement, recorded whole."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
import shapely
from pymavlink import mavutil

from mapping.tables import FRAMES, TRACK
from missions.formats.plan_geojson import read_plan
from missions.plan import Position
from missions.planning.local import line_of, polygon_of
from picket.cli import main
from picket.folder import Flight, Mission


@pytest.fixture(scope="module")
def flown(sitl: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Mission, Flight]:
    """The example area planned, and its first sortie flown as a pilot types it."""
    mission = tmp_path_factory.mktemp("demo") / "mission"
    with resources.as_file(resources.files("picket") / "examples" / "benapole.geojson") as area:
        assert main(["plan", str(area), "-o", str(mission)]) == 0
    command = [sys.executable, "-m", "picket", "fly", str(mission), "--sitl", str(sitl), "--speedup", "25", "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr
    assert "NO GO" not in run.stderr
    summary = json.loads(run.stdout)
    assert summary["ended"] == "landed"
    return Mission(mission), Flight(Path(summary["flight"]))


def test_every_photo_is_taken_and_recorded(flown: tuple[Mission, Flight]) -> None:
    mission, flight = flown
    facts = flight.facts()
    assert facts["complete"]
    assert facts["photos_missing"] == []
    assert facts["photos_taken"] == facts["photos_expected"] == read_plan(mission.plan).sortie(1).photos
    frames = FRAMES.read(flight.frames)
    assert frames.num_rows == facts["photos_taken"] == len(list(flight.images.glob("*.jpg")))
    assert frames["lat_deg"].null_count == 0


def test_it_stays_inside_its_fence_by_measurement(flown: tuple[Mission, Flight]) -> None:
    mission, flight = flown
    plan = read_plan(mission.plan)
    track = TRACK.read(flight.track)
    way = line_of(
        [
            Position(lat, lon)
            for lat, lon in zip(track["lat_deg"].to_pylist(), track["lon_deg"].to_pylist(), strict=True)
        ],
        plan.home,
    )
    assert way.length > 0.9 * plan.sortie(1).distance_m
    for ring in plan.fence.inclusion:
        polygon = polygon_of(ring, plan.home)
        assert polygon.covers(way)
        assert shapely.distance(polygon.boundary, way) > plan.fence.clearance_m / 2
    for ring in plan.fence.exclusion:
        assert not polygon_of(ring, plan.home).intersects(way)
    assert max(track["alt_home_m"].to_pylist()) < plan.fence.alt_max_home_m
    events = [json.loads(line)["event"] for line in (flight.root / "events.jsonl").read_text().splitlines()]
    assert not {"breach", "fence_breached", "left_auto"} & set(events)


def test_others_read_its_telemetry(flown: tuple[Mission, Flight]) -> None:
    _, flight = flown
    log = mavutil.mavlink_connection(str(flight.telemetry))
    heard = {message.img_idx for message in iter(lambda: log.recv_match(type="CAMERA_FEEDBACK"), None)}
    log.close()
    assert heard == set(range(1, flight.facts()["photos_taken"] + 1))


def test_its_frames_show_where_it_was(flown: tuple[Mission, Flight], capsys: pytest.CaptureFixture[str]) -> None:
    """What is seen in them stands where it was put: the frames belong to their poses."""
    _, flight = flown
    assert main(["detect", str(flight.root)]) == 0
    assert main(["locate", str(flight.root), "--json"]) == 0
    truth = json.loads(flight.truth.read_text())
    assert truth["features"]
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])
