"""`picket plan` with what surrounds an area: zones, hours, hills, and what must be seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from picket.cli import main
from picket.output import PROGRESS_VARIABLE
from tests.drawing import drawn, home, polygon

SOUTH, WEST, SIDE = 47.0, 8.0, 0.004


def square(x: float, y: float, side: float) -> list[list[float]]:
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]


@pytest.fixture
def area(tmp_path: Path) -> Path:
    path = tmp_path / "strip.geojson"
    path.write_text(
        json.dumps(drawn(polygon("patrol", square(WEST, SOUTH, SIDE)), home(WEST + 0.0004, SOUTH + 0.0004)))
    )
    return path


def zone(tmp_path: Path, ring: list[list[float]], **changes: Any) -> Path:
    volume = {
        "uomDimensions": "M",
        "lowerLimit": 0,
        "lowerVerticalReference": "AGL",
        "upperLimit": 120,
        "upperVerticalReference": "AGL",
        "horizontalProjection": {"type": "Polygon", "coordinates": [ring]},
    }
    described = {
        "identifier": "Z7",
        "name": "Clinic",
        "restriction": "REQ_AUTHORISATION",
        "message": "Call the clinic",
        "applicability": [{"permanent": "YES"}],
        "geometry": [volume],
    }
    path = tmp_path / "zones.json"
    path.write_text(json.dumps({"features": [{**described, **changes}]}))
    return path


@dataclass(frozen=True)
class Said:
    """What a run of the command came to."""

    code: int
    summary: dict[str, Any]
    errors: str


@pytest.fixture
def plan(area: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def run(*options: str) -> Said:
        code = main(["plan", str(area), "-o", str(area.parent / "mission"), "--json", "--force", *options])
        out, errors = capsys.readouterr()
        return Said(code, json.loads(out) if out.strip() else {}, errors)

    return run


def test_a_zone_is_kept_out_of_and_a_person_may_hold_the_authorisation(
    plan: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones = zone(tmp_path, square(WEST + 0.003, SOUTH + 0.003, 0.003))
    said = plan("--zones", str(zones))
    assert said.code == 0, said.errors
    kept_out = "keeps out of the zone Z7 (Clinic): flying needs an authorisation"
    assert any(kept_out in note for note in said.summary["notes"])
    assert any("of the patrol area lies in or beside a no-fly zone" in note for note in said.summary["notes"])
    made = json.loads((tmp_path / "mission/plan/plan.geojson").read_text())
    shown = [one["properties"] for one in made["features"] if one["properties"]["role"] == "zone_closed"]
    limits = "flying needs an authorisation from 0 m above ground to 120 m above ground"
    assert [(one["name"], one["limits"]) for one in shown] == [("Z7 (Clinic)", limits)]
    assert not [one for one in made["features"] if one["properties"]["role"] == "no_fly"]
    for page in ("plan.html", "plan.kml"):
        assert limits in (tmp_path / "mission/plan" / page).read_text()
    monkeypatch.setenv(PROGRESS_VARIABLE, "json")
    allowed = plan("--zones", str(zones), "--allow-zone", "Z7")
    told = [json.loads(line) for line in allowed.errors.splitlines() if line.startswith("{")]
    steps = [one for one in told if one["picket"] == "progress"]
    assert steps
    assert all(one["title"] == "planning" and one["done"] <= one["total"] for one in steps)
    assert (allowed.code, allowed.summary["coverage"]) == (0, pytest.approx(1.0, abs=0.005))
    assert any("you say that you hold the authorisation" in note for note in allowed.summary["notes"])


def test_a_blocked_plan_names_the_zone_and_the_reason(plan: Callable[..., Said], tmp_path: Path) -> None:
    zones = zone(tmp_path, square(WEST - 0.001, SOUTH - 0.001, 0.01))
    said = plan("--zones", str(zones))
    assert said.code == 1
    assert said.summary["flyable"] is False
    assert "Z7 (Clinic): flying needs an authorisation" in said.summary["problems"][0]
    assert "Call the clinic" in said.errors
    assert not (tmp_path / "mission").exists()


def test_the_planned_hour_decides(plan: Callable[..., Said], tmp_path: Path) -> None:
    night = [{"permanent": "NO", "schedule": [{"day": ["SUN"], "startTime": "20:00Z", "endTime": "23:00Z"}]}]
    zones = zone(tmp_path, square(WEST - 0.001, SOUTH - 0.001, 0.01), applicability=night)
    assert plan("--zones", str(zones)).code == 1
    assert plan("--zones", str(zones), "--when", "2026-11-22T21:00Z").code == 1
    said = plan("--zones", str(zones), "--when", "2026-11-22T18:00+01:00")
    assert said.code == 0, said.errors
    assert any("not in force at the planned time" in note for note in said.summary["notes"])
    # It takes off before the zone opens and would still be in the air when it does.
    assert plan("--zones", str(zones), "--when", "2026-11-22T19:58Z").code == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--when", "2026-11-22T18:00"], "names no offset"),
        (["--when", "tonight"], "is not a time"),
        (["--allow-zone", "X"], "give --zones"),
        (["--see", "boat"], "is none of person"),
        (["--see", "person", "--gsd", "3"], "--gsd and --see"),
        (["--ceiling", "3"], "is no ceiling"),
        (["--angle", "inf"], "neither a number of degrees nor auto"),
        (["--terrain", "none.tif"], "no such file"),
    ],
)
def test_bad_options_are_one_line(plan: Callable[..., Said], options: list[str], says: str) -> None:
    said = plan(*options)
    assert said.code == 2
    assert says in said.errors
    assert said.errors.strip().count("\n") == 0


def test_the_height_comes_from_what_must_be_seen(plan: Callable[..., Said]) -> None:
    persons = plan("--see", "person").summary
    vehicles = plan("--see", "vehicle").summary
    assert persons["height_agl_m"] < vehicles["height_agl_m"] <= 120
    assert any("pixels, enough for the shipped detector" in note for note in persons["notes"])
    assert plan("--see", "vehicle", "--ceiling", "80").summary["height_agl_m"] == 80


def test_hills_are_followed(plan: Callable[..., Said], tmp_path: Path) -> None:
    rows = 80
    cell = 0.0001
    slope = np.tile(400.0 + 0.5 * np.arange(rows)[None, :], (rows, 1))
    path = tmp_path / "hill.tif"
    transform = rasterio.Affine(cell, 0.0, WEST - 0.002, 0.0, -cell, SOUTH + 0.006)
    options = {"driver": "GTiff", "height": rows, "width": rows, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", transform=transform, **options) as target:
        target.write(slope.astype(np.float32), 1)
    said = plan("--terrain", str(path), "--height", "60")
    assert said.code == 0, said.errors
    written = json.loads((tmp_path / "mission" / "plan" / "plan.geojson").read_text())["picket"]["plan"]
    heights = [one["alt_home_m"] for sortie in written["sorties"] for one in sortie["waypoints"]]
    assert max(heights) - min(heights) > 12.0
    assert any("m above the ground" in note for note in said.summary["notes"])
    assert said.summary["coverage"] > 0.995
