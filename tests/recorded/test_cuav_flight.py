"""A real flight from log and images to map, by the commands an analyst would type."""

from __future__ import annotations

import json
import shutil
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


def test_calibrated_from_one_barrel_the_other_lies_within_a_metre(
    flight: Flight, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "flight"
    shutil.copytree(flight.root, copy)
    lat, lon = SURVEYED["barrel-A"]
    control = tmp_path / "control.csv"
    control.write_text(f"object,lat_deg,lon_deg\nbarrel-A,{lat},{lon}\n", encoding="utf-8")
    assert main(["locate", str(copy), "--calibrate", "--control", str(control), "--force", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["calibrated"]
    assert any("clock -0.3" in note for note in said["notes"])
    before, after = (
        {row["object"]: row for row in SIGHTINGS.read(one.sightings).to_pylist()} for one in (flight, Flight(copy))
    )
    found = after["barrel-C"]
    east, north = LocalFrame(*SURVEYED["barrel-C"]).to_local(found["lat_deg"], found["lon_deg"])
    assert np.hypot(east, north) <= 1.0
    assert found["ellipse_major_m"] < 0.5 * before["barrel-C"]["ellipse_major_m"]
    first = (copy / "sightings.parquet").read_bytes()
    assert main(["locate", str(copy), "--force"]) == 0
    assert (copy / "sightings.parquet").read_bytes() == first
    assert main(["locate", str(copy), "--force", "--no-calibration"]) == 0
    assert (copy / "places.parquet").read_bytes() == flight.places.read_bytes()


def test_a_known_height_in_feet_is_refused_and_nothing_written(
    flight: Flight, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lat, lon = SURVEYED["barrel-A"]
    control = tmp_path / "control.csv"
    control.write_text(f"object,lat_deg,lon_deg,alt_m\nbarrel-A,{lat},{lon},1938\n", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in flight.root.rglob("*")}
    assert main(["locate", str(flight.root), "--calibrate", "--control", str(control), "--force"]) == 2
    assert "control.csv: line 2, alt_m: 'barrel-A' lies at 1938 m" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in flight.root.rglob("*")} == before


def test_the_frame_a_viewer_turned_is_called_suspicious_and_the_other_is_not(shared: Path, tmp_path: Path) -> None:
    root = tmp_path / "beach"
    assert main(["ingest", str(shared / "data" / "flights" / "brighton-beach"), "-o", str(root)]) == 0
    notes = Flight(root).facts()["notes"]
    assert any(note.startswith("DJI_0024.JPG: suspicious") for note in notes)
    assert not any("DJI_0018" in note for note in notes)
    assert Flight(root).camera().fx_px == pytest.approx(20.0 / 43.2666 * 5000.0, rel=1e-4)
