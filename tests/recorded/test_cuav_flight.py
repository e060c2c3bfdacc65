"""A real flight from log and images to map, by the commands an analyst would type."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from mapping.ground.frame import LocalFrame
from mapping.tables import FRAMES, PLACES, SIGHTINGS
from picket.cli import main
from picket.folder import Flight
from vision.table import DETECTIONS

SURVEYED = {"barrel-A": (-35.362669, 149.164242), "barrel-C": (-35.363027, 149.164295)}


@pytest.fixture(scope="module")
def flight(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Flight:
    source = shared / "data" / "flights" / "cuav-2018"
    root = tmp_path_factory.mktemp("recorded") / "flight"
    log, camera = str(source / "flight.tlog"), str(source / "camera.json")
    assert main(["ingest", str(source), "-o", str(root), "--tlog", log, "--camera", camera]) == 0
    assert main(["locate", str(root), "--marks", str(source / "marks.csv")]) == 0
    return Flight(root)


def test_every_frame_has_a_pose(flight: Flight) -> None:
    frames = FRAMES.read(flight.frames)
    assert frames.num_rows == 18
    for column in ("time_utc", "lat_deg", "alt_home_m", "yaw_deg", "pitch_deg", "roll_deg"):
        assert frames[column].null_count == 0


def test_every_mark_has_a_place_near_its_barrel(flight: Flight) -> None:
    places, marks = PLACES.read(flight.places), DETECTIONS.read(flight.marks)
    assert places.num_rows == marks.num_rows == 20
    assert places["lat_deg"].null_count == 0
    for barrel, (lat_deg, lon_deg) in SURVEYED.items():
        rows = places.filter(pc.equal(marks["label"], barrel))
        east, north = LocalFrame(lat_deg, lon_deg).to_local(rows["lat_deg"].to_numpy(), rows["lon_deg"].to_numpy())
        assert np.median(np.hypot(east, north)) <= 5.0


def test_each_barrel_is_one_sighting_whose_ellipse_holds_it(flight: Flight) -> None:
    sightings = SIGHTINGS.read(flight.sightings).to_pylist()
    assert sorted(row["object"] for row in sightings) == sorted(SURVEYED)
    for row in sightings:
        frame = LocalFrame(row["lat_deg"], row["lon_deg"])
        east, north = (float(value) for value in frame.to_local(*SURVEYED[row["object"]]))
        bearing = np.radians(row["ellipse_bearing_deg"])
        along, across = (
            east * np.sin(bearing) + north * np.cos(bearing),
            east * np.cos(bearing) - north * np.sin(bearing),
        )
        assert (along / row["ellipse_major_m"]) ** 2 + (across / row["ellipse_minor_m"]) ** 2 <= 1.0


def test_report_and_export(flight: Flight, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(flight.root), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["sightings"] == 2
    page = Path(summary["report"]).read_text(encoding="utf-8")
    assert "barrel-A" in page
    assert main(["export", str(flight.root), "--format", "geojson", "--json"]) == 0
    exported = json.loads(Path(json.loads(capsys.readouterr().out)["file"]).read_text(encoding="utf-8"))
    assert {feature["properties"]["object"] for feature in exported["features"]} == set(SURVEYED)
    assert {feature["properties"]["verdict"] for feature in exported["features"]} == {"not reviewed"}


def test_the_originals_are_untouched_and_the_copies_equal(flight: Flight, shared: Path) -> None:
    source = shared / "data" / "flights" / "cuav-2018"
    for copy in flight.images.iterdir():
        assert copy.read_bytes() == (source / copy.name).read_bytes()


def test_the_same_input_gives_the_same_tables(flight: Flight, shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "flights" / "cuav-2018"
    again = Flight(tmp_path / "again")
    log, camera = str(source / "flight.tlog"), str(source / "camera.json")
    assert main(["ingest", str(source), "-o", str(again.root), "--tlog", log, "--camera", camera]) == 0
    assert main(["locate", str(again.root), "--marks", str(source / "marks.csv")]) == 0
    for name in ("frames.parquet", "places.parquet", "sightings.parquet", "coverage.geojson"):
        assert (again.root / name).read_bytes() == (flight.root / name).read_bytes()
