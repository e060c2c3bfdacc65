"""`picket fly --sortie all`: what was broken off is gone on with where it stopped, what was flown is not repeated."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mapping.ground.telemetry import read_tlog
from missions.formats.plan_geojson import read_plan
from missions.plan import Leg, Plan, Position, legs
from missions.planning.local import frame_of
from picket.cli import main
from picket.folder import Flight, Mission

BROKEN_OFF_AFTER = 9


@contextmanager
def vehicle(mission: Mission, *more: str) -> Iterator[str]:
    """A practice vehicle at the mission's home; its address."""
    home = read_plan(mission.plan).home
    command = [sys.executable, "-m", "sim", f"--home={home.lat_deg},{home.lon_deg},10", "--port", "0"]
    with subprocess.Popen(
        [*command, "--speedup", "20", "--seed", "3", *more], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield f"tcp:127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        finally:
            process.terminate()


def photos_of(flight: Flight) -> np.ndarray:
    """(N, 2) metres east and north of home, in the order taken."""
    log = read_tlog(flight.telemetry)
    home = read_plan(flight.mission.plan if flight.mission else Path()).home
    triggers = log.triggers()
    east, north = frame_of(home).to_local(
        np.array([trigger.lat_deg for trigger in triggers]), np.array([trigger.lon_deg for trigger in triggers])
    )
    return np.column_stack([east, north])


def places_of(plan: Plan, *places: Position) -> np.ndarray:
    """(N, 2) metres east and north of home."""
    frame = frame_of(plan.home)
    return np.array([frame.to_local(place.lat_deg, place.lon_deg) for place in places], dtype=float)


def along_the_line(photos: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How far along a line its photos were taken, in order."""
    direction = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    offset = photos - ends[0]
    across = offset @ np.array([-direction[1], direction[0]])
    return np.sort((offset @ direction)[np.abs(across) < 5.0])


def leg_length_m(plan: Plan, leg: Leg) -> float:
    """Its length on the ground."""
    start, end = places_of(plan, leg.start, leg.end)
    return float(np.hypot(*(end - start)))


def test_a_sortie_broken_off_goes_on_where_it_stopped(mission: Mission, capsys: pytest.CaptureFixture[str]) -> None:
    with vehicle(mission, "--fault", f"battery@photo:{BROKEN_OFF_AFTER}=15") as url:
        assert main(["fly", str(mission.root), "--connect", url, "--yes", "--json"]) == 1
    first = json.loads(capsys.readouterr().out)
    assert first["ended"] == "aborted"
    assert "battery" in first["reason"]
    plan = read_plan(mission.plan)

    with vehicle(mission) as url:
        assert main(["fly", str(mission.root), "--sortie", "all", "--connect", url, "--yes", "--json"]) == 0
    captured = capsys.readouterr()
    (second,) = json.loads(captured.out)["flights"]
    assert second["ended"] == "landed"
    assert "goes on where it stopped" in captured.err
    before, after = (photos_of(Flight(Path(flown["flight"]))) for flown in (first, second))
    spacing_m = plan.trigger_distance_m
    # it begins a photo before the last one, so that the pictures join, and takes no picture on the way there
    assert np.hypot(*(after[0] - before[-1])) < 2.5 * spacing_m
    for leg in legs(plan, plan.sortie(1)):
        if leg.imaging:
            along = along_the_line(np.vstack([before, after]), places_of(plan, leg.start, leg.end))
            assert np.diff(np.concatenate([[0.0], along, [leg_length_m(plan, leg)]])).max() < 1.6 * spacing_m

    assert main(["fly", str(mission.root), "--sortie", "all", "--connect", "tcp:127.0.0.1:1", "--yes"]) == 0
    assert "every sortie of this plan has been flown" in capsys.readouterr().err


def test_every_sortie_in_practice(mission: Mission, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fly", str(mission.root), "--sim", "--sortie", "all", "--speedup", "50", "--persons", "2"]
    assert main([*command, "--vehicles", "1", "--json"]) == 0
    flown = json.loads(capsys.readouterr().out)["flights"]
    assert [flight["ended"] for flight in flown] == ["landed"] * len(read_plan(mission.plan).sorties)
    assert not list(mission.root.glob("flights/*/.card"))


@pytest.mark.parametrize("sortie", ["0", "-1", "all of them", "²", "1.5"])
def test_what_is_no_sortie(mission: Mission, sortie: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly", str(mission.root), "--sim", f"--sortie={sortie}"]) == 2
    assert "neither the number of a sortie nor all" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], "give one of"),
        (["--sim", "--connect", "tcp:127.0.0.1:1"], "give one of"),
        (["--drone", "1=tcp:127.0.0.1:1", "--sim"], "give one of"),
        (["--drone", "one=tcp:127.0.0.1:1"], "ID=URL"),
        (["--drone", "1"], "ID=URL"),
        (["--drone", "1=tcp:127.0.0.1:1", "--drone", "2=tcp:127.0.0.1:1"], "leave one drone out"),
        (["--sitl", "no/such/program"], "no such file"),
        (["--sitl", "."], "not a program"),
        (["--sim", "--signing-key", "key"], "--signing-key"),
    ],
)
def test_options_that_make_no_sense(
    mission: Mission, options: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fly", str(mission.root), *options]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert named in said[0]
    assert mission.flights() == []
