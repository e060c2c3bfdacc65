"""`picket plan` as its user meets it: the summary, what blocks a plan, and planning what a flight left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from missions.formats.plan_geojson import read_plan
from missions.items import NAV_WAYPOINT, mission_items
from missions.plan import legs
from picket.cli import main
from picket.flights import plan_sha256
from picket.folder import Mission
from tests.drawing import drawn, home, polygon

SQUARE = [[88.89, 23.02], [88.894, 23.02], [88.894, 23.024], [88.89, 23.024], [88.89, 23.02]]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON summary, and what was said."""
    code = main(["plan", *arguments, "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out) if captured.out else {}, captured.err


@pytest.fixture
def area(tmp_path: Path) -> Path:
    path = tmp_path / "field.geojson"
    path.write_text(json.dumps(drawn(polygon("patrol", SQUARE), home(88.892, 23.0195))), encoding="utf-8")
    return path


def test_the_summary_has_what_others_build_on(area: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, summary, _ = run(capsys, str(area), "-o", str(tmp_path / "m"), "--wind", "5,270", "--drones", "2")
    assert code == 0
    assert (summary["flyable"], summary["problems"], summary["drones"]) == (True, [], 2)
    assert summary["coverage"] > 0.995
    assert summary["area_m2"] == pytest.approx(181_500, rel=0.01)
    assert {"vertices", "min_clearance_m", "min_clearance_at"} == set(summary["fence"])
    for sortie in summary["sorties"]:
        assert {"flight_time_s", "distance_m", "photos", "battery_used_pct", "file", "drone", "start_s"} <= set(sortie)
        assert Path(sortie["file"]).is_file()
        assert sortie["point_of_no_return"]["battery_needed_pct"] > 20.0
    assert {sortie["drone"] for sortie in summary["sorties"]} == {1, 2}


def test_what_blocks_a_plan_is_said_in_json_too(area: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, summary, said = run(capsys, str(area), "-o", str(tmp_path / "m"), "--revisit", "5")
    assert code == 1
    assert summary["flyable"] is False
    assert "drones" in summary["problems"][0]
    assert summary["problems"][0] in said.replace("\n", " ")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--wind", "six"], "--wind"),
        (["--wind", "90,0"], "--wind"),
        (["--pattern", "spiral"], "--pattern"),
        (["--offset", "50"], "--offset"),
        (["--revisit", "-1"], "--revisit"),
        (["--pattern", "corridor", "--offset", "3"], "--offset"),
    ],
)
def test_options_that_mean_nothing(
    area: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], word: str
) -> None:
    code, _, said = run(capsys, str(area), "-o", str(tmp_path / "m"), *options)
    assert code == 2
    assert word in said


def test_what_a_flight_left_is_planned(area: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, whole, _ = run(capsys, str(area), "-o", str(tmp_path / "m"))
    mission = Mission(tmp_path / "m")
    made = read_plan(mission.plan)
    sortie = made.sorties[0]
    items = mission_items(sortie, made)
    waypoints = [number for number, item in enumerate(items) if number and item.command == NAV_WAYPOINT]
    on = [number for number, waypoint in enumerate(sortie.waypoints) if waypoint.camera == "on"][2]
    start, end = sortie.waypoints[on], sortie.waypoints[on + 1]
    flight = mission.root / "flights" / "20261122T181500Z-01"
    flight.mkdir(parents=True)
    record = {
        "complete": True,
        "plan_sha256": plan_sha256(mission),
        "sortie": 1,
        "ended": "aborted",
        "reason": "Ctrl-C",
        "route_done": False,
        "item_reached": waypoints[on],
        "last_photo": {
            "lat_deg": (start.lat_deg + end.lat_deg) / 2,
            "lon_deg": (start.lon_deg + end.lon_deg) / 2,
        },
    }
    (flight / "flight.json").write_text(json.dumps(record), encoding="utf-8")
    code, rest, _ = run(capsys, "--resume", str(flight), "-o", str(tmp_path / "rest"))
    assert code == 0
    assert len(rest["sorties"]) == len(whole["sorties"])
    assert 0 < rest["sorties"][0]["photos"] < whole["sorties"][0]["photos"]
    left = read_plan(Mission(tmp_path / "rest").plan)
    first = next(leg for leg in legs(left, left.sorties[0]) if leg.imaging)
    assert first.end == end.position
    changes = [waypoint.camera for waypoint in left.sorties[0].waypoints if waypoint.camera]
    assert changes == ["on", "off"] * (len(changes) // 2)
    assert rest["coverage"] < whole["coverage"]
    code, _, said = run(capsys, "--resume", str(flight), "--gsd", "3", "-o", str(tmp_path / "finer"))
    assert (code, "--gsd and --resume" in said) == (2, True)
    code, _, said = run(capsys, str(area), "--resume", str(flight), "-o", str(tmp_path / "both"))
    assert (code, "both are given" in said) == (2, True)
