"""`picket export` and `picket report` of flights and missions, from the tables that the steps before them wrote."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyogrio
import pytest
from PIL import Image

from mapping.maps.exports.formats import FORMATS
from mapping.tables import FRAMES, SIGHTINGS
from picket.cli import main
from vision.table import DETECTIONS

SEEN = datetime(2026, 11, 22, 18, 16, 5, tzinfo=UTC)


def make_flight(root: Path, sighting_id: str = "S7K3QF2") -> Path:
    """A flight of one frame with one box that was located."""
    (root / "images").mkdir(parents=True)
    Image.new("L", (64, 48), 90).save(root / "images" / "a.jpg")
    (root / "flight.json").write_text(json.dumps({"camera": "boson640-14", "ended": "landed", "plan": "benapole"}))
    pose = dict.fromkeys(("alt_amsl_m", "alt_home_m", "yaw_deg", "pitch_deg", "roll_deg"), 60.0)
    sigmas = dict.fromkeys(("sigma_position_m", "sigma_height_m", "sigma_attitude_deg", "sigma_time_s"), 1.0)
    place = {"lat_deg": 23.04, "lon_deg": 88.895}
    frame = {"frame_id": "f00001", "file": "images/a.jpg", "time_utc": SEEN, **place, **pose, "camera": "boson640-14"}
    FRAMES.write(FRAMES.from_rows([{**frame, **sigmas}]), root / "frames.parquet")
    box = {"class": "person", "label": "person", "confidence": 0.8, "x1_px": 4.0, "y1_px": 5.0, "x2_px": 10.0}
    detection = {"detection_id": "f00001-000", "frame_id": "f00001", **box, "y2_px": 20.0, "model": "ab12"}
    DETECTIONS.write(DETECTIONS.from_rows([detection]), root / "detections.parquet")
    ellipse = {"ellipse_major_m": 2.0, "ellipse_minor_m": 1.0, "ellipse_bearing_deg": 30.0, "ce90_m": 1.6}
    sighting: dict[str, Any] = {"sighting_id": sighting_id, "class": "person", "object": None, **place, **ellipse}
    sighting |= {"alt_amsl_m": 10.0, "confidence": 0.7, "first_seen_utc": SEEN, "last_seen_utc": SEEN, "n_frames": 1}
    sighting |= {"speed_m_s": None, "heading_deg": None, "detection_ids": ["f00001-000"]}
    SIGHTINGS.write(SIGHTINGS.from_rows([sighting]), root / "sightings.parquet")
    return root


@pytest.fixture
def mission(tmp_path: Path) -> Path:
    """Two flights that were located by themselves, not together."""
    root = tmp_path / "mission"
    for number in (1, 2):
        make_flight(root / "flights" / f"2026112{number}T181500Z-01")
    (root / "mission.toml").write_text('camera = "boson640-14"\ndrone = "x500"\n')
    return root


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_a_flight(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    flight = make_flight(tmp_path / "flight")
    assert main(["export", str(flight), "--format", name, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == {"file": str(flight / FORMATS[name].file), "format": name, "sightings": 1}
    first = Path(summary["file"]).read_bytes()
    assert main(["export", str(flight), "--format", name]) == 2, "an export that is there is kept"
    assert main(["export", str(flight), "--format", name, "--force"]) == 0
    assert Path(summary["file"]).read_bytes() == first


def test_flights_of_a_mission_stand_side_by_side(mission: Path) -> None:
    assert main(["export", str(mission), "--format", "csv"]) == 0
    with (mission / "sightings.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["sighting_id"] for row in rows] == ["20261121T181500Z-01/S7K3QF2", "20261122T181500Z-01/S7K3QF2"]
    assert [row["detection_ids"] for row in rows] == [
        "20261121T181500Z-01/f00001-000",
        "20261122T181500Z-01/f00001-000",
    ]
    assert main(["export", str(mission), "--format", "coco"]) == 0
    made = json.loads((mission / "boxes.coco.json").read_text())
    assert [(mission / image["file_name"]).is_file() for image in made["images"]] == [True, True]
    assert {annotation["sighting_id"] for annotation in made["annotations"]} == {row["sighting_id"] for row in rows}


def test_a_mission_located_as_a_whole_has_its_own_sightings(mission: Path) -> None:
    flights = sorted((mission / "flights").iterdir())
    row = SIGHTINGS.read(flights[0] / "sightings.parquet").to_pylist()[0]
    row |= {"n_frames": 2, "detection_ids": [f"{flight.name}/f00001-000" for flight in flights]}
    SIGHTINGS.write(SIGHTINGS.from_rows([row]), mission / "sightings.parquet")
    assert main(["export", str(mission), "--format", "gpkg"]) == 0
    sightings = pyogrio.read_dataframe(mission / "sightings.gpkg", layer="sightings")
    assert list(sightings["sighting_id"]) == ["S7K3QF2"]
    assert sightings["detection_ids"][0].split() == row["detection_ids"]
    assert len(pyogrio.read_dataframe(mission / "sightings.gpkg", layer="frames")) == 2
    assert main(["report", str(mission), "--json"]) == 0
    assert "no picture here" not in (mission / "report.html").read_text()


def test_a_mission_where_only_one_flight_was_located_says_so(mission: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mission / "flights" / "20261122T181500Z-01" / "sightings.parquet").unlink()
    assert main(["report", str(mission), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sightings"] == 1
    assert "20261122T181500Z-01 is left out" in (mission / "report.html").read_text()


def test_sightings_are_not_exported_before_there_are_any(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flight = make_flight(tmp_path / "flight")
    (flight / "sightings.parquet").unlink()
    assert main(["export", str(flight), "--format", "kml"]) == 2
    assert "picket locate" in capsys.readouterr().err
    assert main(["report", str(flight)]) == 2
    assert main(["export", str(flight), "--format", "coco"]) == 0
