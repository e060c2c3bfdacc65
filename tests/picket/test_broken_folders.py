"""Files of a mission or a flight that were damaged or edited by hand: one line that names the file, nothing written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mapping.tables import SIGHTINGS
from picket.cli import main, problem_of
from picket.folder import is_running

SQUARE = [[88.895, 23.035], [88.8975, 23.035], [88.8975, 23.0368], [88.895, 23.0368], [88.895, 23.035]]


@pytest.fixture
def flight(tmp_path: Path) -> Path:
    """A flight that was located, as small as can be."""
    (tmp_path / "pictures").mkdir()
    Image.new("L", (64, 48), 90).save(tmp_path / "pictures" / "a.jpg")
    assert main(["ingest", str(tmp_path / "pictures"), "-o", str(tmp_path / "flight")]) == 0
    root = tmp_path / "flight"
    SIGHTINGS.write(SIGHTINGS.columns.empty_table(), root / "sightings.parquet")
    (root / "located.json").write_text('{"notes": []}')
    return root


@pytest.fixture
def mission(tmp_path: Path) -> Path:
    area = tmp_path / "area.geojson"
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [SQUARE]}))
    assert main(["plan", str(area), "-o", str(tmp_path / "mission"), "--home", "23.036,88.896"]) == 0
    return tmp_path / "mission"


def refused(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """The one line that a command refuses bad input with."""
    capfd.readouterr()
    code = main(arguments)
    output = capfd.readouterr()
    (line,) = [line for line in output.err.splitlines() if line.strip()]
    assert (code, output.out) == (2, "")
    return line


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("coverage.geojson", '{"type": "Polygon"}'),
        ("coverage.geojson", '{"type": "Polygon", "coordinates": [[[1, 2]]]}'),
        ("coverage.geojson", '{"type": "FeatureCollection", "features": 5}'),
        ("coverage.geojson", '{"type": "FeatureCollection", "features": [null]}'),
        ("coverage.geojson", "["),
        ("located.json", "[]"),
        ("located.json", '{"notes": 5}'),
        ("located.json", '{"notes": [5]}'),
        ("located.json", '{"notes": [], "inputs": 5}'),
        ("sightings.parquet", "PAR1"),
    ],
)
@pytest.mark.parametrize("command", [["report"], ["export", "--format", "csv"]], ids=["report", "export"])
def test_a_broken_file_of_a_flight(
    flight: Path, capfd: pytest.CaptureFixture[str], command: list[str], file: str, text: str
) -> None:
    (flight / file).write_text(text)
    assert file in refused([command[0], str(flight), *command[1:]], capfd)
    assert not (flight / "report.html").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"notes": 5},
        {"notes": [5]},
        {"plan": ["x"]},
        {"ended": 3},
        {"simulated": "yes"},
        {"camera": 7},
        {"process": "x"},
    ],
)
def test_a_fact_of_the_wrong_kind(flight: Path, capfd: pytest.CaptureFixture[str], changes: dict[str, Any]) -> None:
    edited(flight / "flight.json", **changes)
    line = refused(["report", str(flight)], capfd)
    assert "flight.json" in line
    assert next(iter(changes)) in line


@pytest.mark.parametrize("text", ["", "camera = 5", 'drone = "x500"', "camera = [", 'camera = "box"\ndrone = "x500"'])
def test_a_broken_mission_file(mission: Path, capfd: pytest.CaptureFixture[str], text: str) -> None:
    (mission / "mission.toml").write_text(text)
    assert "mission.toml" in refused(["fly", str(mission), "--sim"], capfd)


@pytest.mark.parametrize("text", ['{"type": "Polygon"}', '{"type": "FeatureCollection", "features": [5]}', "{"])
def test_a_broken_area_in_a_mission(mission: Path, flight: Path, capfd: pytest.CaptureFixture[str], text: str) -> None:
    (mission / "flights").mkdir()
    flight.rename(mission / "flights" / "one")
    (mission / "area.geojson").write_text(text)
    assert "area.geojson" in refused(["report", str(mission / "flights" / "one")], capfd)


def test_force_is_named_only_where_it_helps(mission: Path, flight: Path, capfd: pytest.CaptureFixture[str]) -> None:
    area = str(mission.parent / "area.geojson")
    assert "say --force" in refused(["plan", area, "-o", str(mission)], capfd)
    assert "--force" not in refused(["plan", area, "-o", str(flight)], capfd)
    assert "--force" not in refused(["plan", area, "-o", str(flight), "--force"], capfd)
    assert "--force" not in refused(["plan", area, "-o", area], capfd)
    pictures = str(flight.parent / "pictures")
    assert "say --force" in refused(["ingest", pictures, "-o", str(flight)], capfd)
    assert "--force" not in refused(["ingest", pictures, "-o", pictures, "--force"], capfd)


def test_an_older_place_than_what_was_found_is_said(flight: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edited(flight / "located.json", inputs={"detections.parquet": "0" * 64})
    assert main(["report", str(flight)]) == 0
    assert "picket locate --force" in capfd.readouterr().err
    assert "The sightings are older than what they should rest on" in (flight / "report.html").read_text()


def test_an_output_that_is_a_folder_or_lies_in_a_file(flight: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "is a folder" in refused(["report", str(flight), "-o", str(flight / "images")], capfd)
    capfd.readouterr()
    assert main(["report", str(flight), "-o", str(flight.parent / "pictures" / "a.jpg" / "page.html")]) == 1
    assert "take another place" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/x/y"), "/x/y: No space left on device; make room"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied; you may not read or write there"),
        (OSError(5, "Input/output error"), "Input/output error; that disk may be failing"),
        (OSError("odd"), "odd"),
    ],
)
def test_errors_of_the_system_name_place_and_mend(error: OSError, said: str) -> None:
    assert problem_of(error).startswith(said)


def test_the_practice_vehicle_refuses_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    line = refused(["sim", "--home", "nowhere"], capfd)
    assert line.startswith("picket: --home")


@pytest.mark.parametrize("command", ["report", "export"])
def test_no_page_takes_the_place_of_what_the_flight_is_made_of(
    flight: Path, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    before = {path: path.read_bytes() for path in flight.rglob("*") if path.is_file()}
    for path in before:
        assert "is not overwritten" in refused([command, str(flight), "-o", str(path), "--force"], capfd)
    assert {path: path.read_bytes() for path in flight.rglob("*") if path.is_file()} == before


def test_nor_of_a_mission(mission: Path, flight: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (mission / "flights").mkdir()
    flight = flight.rename(mission / "flights" / "one")
    for path in [path for path in mission.rglob("*") if path.is_file()]:
        assert "is not overwritten" in refused(["report", str(mission), "-o", str(path), "--force"], capfd)
    assert main(["report", str(mission)]) == 0
    assert "already exists" in refused(["report", str(mission)], capfd)
    assert main(["report", str(mission), "--force"]) == 0


@pytest.mark.parametrize("process", [None, "4", 0, -1, 2**31, 10**30, 2**22 + 1])
def test_what_is_no_number_of_a_process_runs_not(process: object) -> None:
    assert not is_running(process)
    assert is_running(os.getpid())
