"""`picket fly --drone ... --sortie all`: two practice vehicles, round after round, always apart."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pymavlink import mavutil

from missions.formats.plan_geojson import read_plan
from missions.plan import Plan
from missions.separation import HORIZONTAL_M, VERTICAL_M
from picket.cli import main
from picket.fleets import own_ways_home
from picket.folder import Mission
from tests.drawing import drawn, home, polygon

HOME = (88.8955, 23.0352)
CORNERS = [[88.8925, 23.0348], [88.8985, 23.0348], [88.8985, 23.0356], [88.8925, 23.0356], [88.8925, 23.0348]]
PAD_DEG = 0.0001
"""The second pad is 10 m east of the first."""


@pytest.fixture(scope="module")
def mission(tmp_path_factory: pytest.TempPathFactory) -> Mission:
    return planned(tmp_path_factory.mktemp("fleet"))


def planned(folder: Path) -> Mission:
    """A mission of two sorties for two drones."""
    area = folder / "area.geojson"
    area.write_text(json.dumps(drawn(polygon("patrol", CORNERS), home(*HOME))))
    assert main(["plan", str(area), "--drones", "2", "-o", str(folder / "mission")]) == 0
    return Mission(folder / "mission")


@contextmanager
def two_drones(plan: Plan, *more: str) -> Iterator[list[str]]:
    """Two practice vehicles on their pads, `more` for the first; the options that name them."""
    command = [sys.executable, "-m", "sim", "--port", "0", "--speedup", "20"]
    with ExitStack() as stack:
        drones = []
        for number in (1, 2):
            pad = f"--home={plan.home.lat_deg},{plan.home.lon_deg + PAD_DEG * (number - 1)},10"
            extra = more if number == 1 else ()
            process = stack.enter_context(
                subprocess.Popen([*command, pad, "--system", str(number), *extra], stdout=subprocess.PIPE, text=True)
            )
            stack.callback(process.terminate)
            assert process.stdout is not None
            drones += ["--drone", f"{number}=tcp:127.0.0.1:{json.loads(process.stdout.readline())['port']}"]
        yield drones


def heard_in_the_air(folder: Path) -> list[tuple[float, float, float, float]]:
    """(our clock in seconds, longitude, latitude, height) of every position of a flight above 2 m."""
    log = mavutil.mavlink_connection(str(folder / "telemetry.tlog"))
    found = []
    while (message := log.recv_match(type="GLOBAL_POSITION_INT")) is not None:
        if message.relative_alt > 2000:
            found.append((message._timestamp, message.lon * 1e-7, message.lat * 1e-7, message.relative_alt * 1e-3))
    log.close()
    return found


def apart_m(plan: Plan, folders: list[Path]) -> tuple[float, int]:
    """The nearest that two flights came beside each other while less than 10 m apart in height, and how many positions
    were heard of the first while both were in the air."""
    ours, theirs = (heard_in_the_air(folder) for folder in folders)
    nearest, together = math.inf, 0
    east_m = 111_320.0 * math.cos(math.radians(plan.home.lat_deg))
    for time_s, lon, lat, height in ours:
        there = min(theirs, key=lambda position: abs(position[0] - time_s))
        if abs(there[0] - time_s) < 0.1:
            together += 1
            if abs(there[3] - height) < VERTICAL_M:
                nearest = min(nearest, math.hypot((there[1] - lon) * east_m, (there[2] - lat) * 110_750.0))
    return nearest, together


def test_two_drones_fly_what_is_theirs_and_keep_apart(mission: Mission, capsys: pytest.CaptureFixture[str]) -> None:
    plan = read_plan(mission.plan)
    assert {sortie.drone for sortie in plan.sorties} == {1, 2}
    with two_drones(plan) as drones:
        capsys.readouterr()
        assert main(["fly", str(mission.root), *drones, "--sortie", "all", "--yes", "--json"]) == 0
        captured = capsys.readouterr()
        flown = json.loads(captured.out)["flights"]
        assert [flight["ended"] for flight in flown] == ["landed"] * len(plan.sorties)
        assert "takes off at once" in captured.err
        assert "after the first" in captured.err
        folders = [Path(flight["flight"]) for flight in flown]
        flew = {json.loads((folder / "flight.json").read_text())["sortie"]: folder for folder in folders}
        facts = {number: json.loads((folder / "flight.json").read_text()) for number, folder in flew.items()}
        assert {number: fact["system"] for number, fact in facts.items()} == {
            sortie.number: sortie.drone for sortie in plan.sorties
        }
        first_round = [flew[min(item.number for item in plan.sorties if item.drone == drone)] for drone in (1, 2)]
        nearest, together = apart_m(plan, first_round)
        assert together > 0, "they were in the air at once"
        assert nearest > HORIZONTAL_M

        assert main(["fly", str(mission.root), *drones, "--sortie", "all", "--yes", "--json"]) == 0
        assert "every sortie of this plan has been flown" in capsys.readouterr().err


def test_a_second_round_asks_for_batteries_and_goes_on_with_the_same_drone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mission = planned(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\ny\ny\n"))
    with two_drones(read_plan(mission.plan), "--fault", "wind@photo:4+60=13:200") as drones:
        capsys.readouterr()
        assert main(["fly", str(mission.root), *drones, "--sortie", "all", "--json"]) == 1
    captured = capsys.readouterr()
    flown = json.loads(captured.out)["flights"]
    assert [flight["ended"] for flight in flown] == ["aborted", "landed", "landed"]
    assert flown[0]["reason"].startswith("called home: wind")
    for question in ("Arm and take off with 2 drones?", "Fresh battery in, and everybody clear, for sorties 1?"):
        assert captured.err.count(question) == 1
    assert captured.err.count("Arm and take off?") == 1
    again = json.loads((Path(flown[2]["flight"]) / "flight.json").read_text())
    assert (again["system"], again["sortie"]) == (1, 1)
    assert again["resumes"].startswith("called home: wind")


def test_ways_home_and_rally_points_are_one_drones_each(mission: Mission) -> None:
    plan = read_plan(mission.plan)
    plan = replace(plan, rally=(plan.home,) * 5)
    held = [own_ways_home(plan, number, 3) for number in range(3)]
    heights = [each.way_home_m for each in held]
    assert heights == sorted(heights)
    assert heights[0] == plan.height_home_m
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])
    assert heights[2] < plan.fence.alt_max_home_m - 2.0
    assert [len(each.rally) for each in held] == [2, 2, 1]
    assert own_ways_home(plan, 0, 1) == plan
    # The ceiling that was asked for holds on the way home too.
    low = replace(plan, return_most_home_m=plan.height_home_m + 2.0)
    assert own_ways_home(low, 2, 3).way_home_m == plan.height_home_m + 2.0
