"""Searching and locating by the commands: what was searched, what is stale, and several flights as one."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import tomli_w

from mapping.ground.calibration import Calibration, write_calibration
from mapping.ground.camera import describe_camera, load_camera
from mapping.ground.errors import FLIGHT_WIDE
from mapping.ground.pose import Poses
from mapping.ground.searched import read_coverage
from mapping.tables import FRAMES, SIGHTINGS
from picket.cli import main
from picket.folder import Flight, Mission
from picket.freshness import outdated
from vision.record import SearchRecord, read_record, write_record
from vision.table import DETECTIONS

LAT, LON = 23.04, 88.9
STEP_DEG = 10.0 / 110_750.0


def make_flight(root: Path, *, hour: int = 0, frames: int = 4, east_px: float = 320.0) -> Flight:
    """A flight of 10 m steps to the north over one vehicle, detected in every frame it is in."""
    (root / "images").mkdir(parents=True)
    flight = Flight(root)
    flight.summary.write_text(json.dumps({"camera": "boson640-14", "complete": True, "ended": "landed"}))
    poses = Poses.from_columns(
        frames,
        time_s=1.8e9 + 3600.0 * hour + np.arange(frames),
        lat_deg=LAT + STEP_DEG * np.arange(frames),
        lon_deg=LON,
        alt_amsl_m=60.0,
        alt_home_m=60.0,
        yaw_deg=0.0,
        pitch_deg=-90.0,
        roll_deg=0.0,
        sigma_position_m=1.0,
        sigma_height_m=1.0,
        sigma_attitude_deg=0.5,
        sigma_time_s=0.02,
    )
    names = [f"f{number:05d}" for number in range(frames)]
    files = [f"images/{name}.png" for name in names]
    for file in files:
        cv2.imwrite(str(root / file), np.zeros((512, 640), dtype=np.uint8))
    table = {"frame_id": names, "file": files, "camera": ["boson640-14"] * frames, **poses.columns()}
    FRAMES.write(FRAMES.build(table), flight.frames)
    write_detections(flight, range(min(3, frames)), east_px, dict.fromkeys(names))
    return flight


def write_detections(flight: Flight, frames: range, east_px: float, asked: dict[str, str | None]) -> None:
    rows = []
    for frame in frames:
        y = 60.0 + frame * 10.0 / 60.0 * 1166.7
        rows.append(
            {
                "detection_id": f"f{frame:05d}-000",
                "frame_id": f"f{frame:05d}",
                "class": "vehicle",
                "label": "car",
                "confidence": 0.9,
                "x1_px": east_px - 20.0,
                "y1_px": y - 40.0,
                "x2_px": east_px + 20.0,
                "y2_px": y + 40.0,
                "model": "0" * 64,
            }
        )
    DETECTIONS.write(DETECTIONS.from_rows(rows), flight.detections)
    write_record(SearchRecord("0" * 64, 0.16, asked), flight.detections)


def test_unreadable_pictures_are_not_counted_as_searched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flight = make_flight(tmp_path / "flight")
    (flight.images / "f00003.png").write_bytes(b"broken")
    assert main(["detect", str(flight.root), "--force"]) == 0
    record = read_record(flight.detections)
    assert record is not None
    assert record.searched == {"f00000", "f00001", "f00002"}
    assert record.frames["f00003"]
    capsys.readouterr()
    assert main(["locate", str(flight.root), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert any("1 of 4 frames" in note and "not searched" in note for note in summary["notes"])
    coverage = read_coverage(flight.coverage)
    assert len(coverage.of("imaged")) == 1
    assert sum(piece.properties["frames"] for piece in coverage.of("searched")) == 3


def test_thermal_weights_on_colour_pictures_are_remarked_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flight = make_flight(tmp_path / "flight")
    assert main(["detect", str(flight.root), "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == []
    for picture in flight.images.iterdir():
        cv2.imwrite(str(picture), np.full((512, 640, 3), (40, 140, 60), dtype=np.uint8))
    sorted(flight.images.iterdir())[0].write_bytes(b"no picture")
    assert main(["detect", str(flight.root), "--force", "--json"]) == 0
    told = capsys.readouterr()
    (note,) = json.loads(told.out)["notes"]
    assert "thermal" in note
    assert told.err.index("colour pictures") < told.err.index("no format known"), "it is said before the search"
    assert main(["locate", str(flight.root)]) == 0
    assert note in flight.located_notes()


def test_sightings_of_older_detections_are_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flight = make_flight(tmp_path / "flight")
    assert main(["locate", str(flight.root)]) == 0
    assert outdated(flight) is None
    write_detections(flight, range(2), 320.0, {"f00000": None, "f00001": None})
    stale = outdated(flight)
    assert stale is not None
    assert "detections.parquet" in stale
    capsys.readouterr()
    assert main(["locate", str(flight.root)]) == 2
    assert "older than" in capsys.readouterr().err
    assert main(["locate", str(flight.root), "--force"]) == 0
    assert outdated(flight) is None


def make_mission(root: Path) -> Mission:
    root.mkdir()
    (root / "mission.toml").write_text('camera = "boson640-14"\ndrone = "x500"\n')
    corners = [[LON - 3e-4, LAT - 2e-4], [LON + 3e-4, LAT - 2e-4], [LON + 3e-4, LAT + 6e-4], [LON - 3e-4, LAT + 6e-4]]
    area = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    feature = {"type": "Feature", "geometry": area, "properties": {"role": "patrol"}}
    (root / "area.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    make_flight(root / "flights" / "a-01")
    make_flight(root / "flights" / "b-02", hour=1, east_px=330.0)
    return Mission(root)


def test_a_mission_is_located_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mission = make_mission(tmp_path / "mission")
    assert main(["locate", str(mission.root), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["sightings"] == 1
    (row,) = SIGHTINGS.read(mission.sightings).to_pylist()
    (first,) = SIGHTINGS.read(Flight(mission.root / "flights" / "a-01").sightings).to_pylist()
    assert row["sighting_id"] == first["sighting_id"]
    assert row["n_frames"] == 6
    assert sorted({name.split("/")[0] for name in row["detection_ids"]}) == ["a-01", "b-02"]
    assert len(read_coverage(mission.coverage).of("gap")) >= 1
    assert any("not looked at; the largest" in note for note in summary["notes"])
    assert outdated(mission) is None
    assert main(["locate", str(mission.root)]) == 2
    second = Flight(mission.root / "flights" / "b-02")
    write_detections(second, range(1), 330.0, {"f00000": None})
    assert outdated(mission) is not None
    assert main(["locate", str(mission.root), "--force"]) == 0
    (row,) = SIGHTINGS.read(mission.sightings).to_pylist()
    assert row["n_frames"] == 4


def test_locating_again_gives_the_same_bytes(tmp_path: Path) -> None:
    mission = make_mission(tmp_path / "mission")
    shutil.copytree(mission.root, tmp_path / "again")
    again = Mission(tmp_path / "again")
    for one in (mission, again):
        assert main(["locate", str(one.root)]) == 0
    assert mission.sightings.read_bytes() == again.sightings.read_bytes()
    assert mission.coverage.read_bytes() == again.coverage.read_bytes()


@pytest.mark.parametrize("content", ['{"a":[1]}', '{"notes": 3}', "[]", "{", '{"inputs": 4}'])
def test_broken_notes_are_named_in_one_line(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    flight = make_flight(tmp_path / "flight")
    assert main(["locate", str(flight.root)]) == 0
    flight.located.write_text(content)
    capsys.readouterr()
    code = main(["locate", str(flight.root)])
    assert code == 2
    assert "Traceback" not in capsys.readouterr().err
    assert main(["locate", str(flight.root), "--force"]) == 0


def test_a_mission_without_detections_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mission = make_mission(tmp_path / "mission")
    for flight in mission.flights():
        flight.detections.unlink()
    assert main(["locate", str(mission.root)]) == 2
    assert "picket detect" in capsys.readouterr().err
    assert main(["locate", str(mission.root), "--marks", "marks.csv"]) == 2
    assert "one flight" in capsys.readouterr().err


def test_a_failed_run_with_marks_says_what_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flight = make_flight(tmp_path / "flight")
    assert main(["locate", str(flight.root)]) == 0
    before = {path: path.read_bytes() for path in flight.root.iterdir() if path.is_file()}
    marks = tmp_path / "marks.csv"
    marks.write_text("file,x_px,y_px,object\nimages/no-such.png,3,4,barrel\n")
    capsys.readouterr()
    assert main(["locate", str(flight.root), "--marks", str(marks), "--force"]) == 2
    said = capsys.readouterr().err
    assert f"{flight.sightings} is kept as it was located before" in said
    assert {path: path.read_bytes() for path in flight.root.iterdir() if path.is_file()} == before
    assert outdated(flight) is None


@pytest.mark.parametrize("name", ["calibration.json", "camera.json"])
def test_a_damaged_file_beside_the_sightings_is_named(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flight = make_flight(tmp_path / "flight")
    facts = json.loads(flight.summary.read_text())
    matrix = [[1166.7, 0.0, 320.0], [0.0, 1166.7, 256.0], [0.0, 0.0, 1.0]]
    content = {"K": matrix, "D": [0.0] * 5, "xresolution": 640, "yresolution": 512}
    (flight.root / "camera.json").write_text(json.dumps(content))
    flight.summary.write_text(json.dumps(facts | {"camera_file": "camera.json"}))
    nothing = Calibration(np.zeros(7), np.eye(7), ("clock",), ("height",), {})
    write_calibration(nothing, flight.calibration)
    assert main(["locate", str(flight.root)]) == 0
    whole = (flight.root / name).read_bytes()
    (flight.root / name).write_bytes(whole[: len(whole) // 2])
    capsys.readouterr()
    assert main(["report", str(flight.root)]) == 0
    assert name in capsys.readouterr().err
    assert name in flight.report.read_text()
    assert main(["locate", str(flight.root), "--force"]) == 2
    assert str(flight.root / name) in capsys.readouterr().err


def test_figures_of_a_calibration_come_last(tmp_path: Path) -> None:
    flight = make_flight(tmp_path / "flight")
    (flight.images / "f00003.png").write_bytes(b"broken")
    assert main(["detect", str(flight.root), "--force"]) == 0
    nothing = Calibration(np.zeros(7), np.eye(7), ("clock",), ("height",), {})
    write_calibration(nothing, flight.calibration)
    assert main(["locate", str(flight.root)]) == 0
    notes = flight.located_notes()
    assert any("not searched" in note for note in notes[:-2])
    assert "clock +0.00 ± 1.00 s" in notes[-2]
    assert notes[-1].endswith("so the ellipses allow for them: height.")


def test_ids_stay_when_a_calibration_sets_the_clock_right(tmp_path: Path) -> None:
    """What officers said of a sighting is found by its id: calibrating must not lose it."""
    flight = make_flight(tmp_path / "flight")
    assert main(["locate", str(flight.root)]) == 0
    before = SIGHTINGS.read(flight.sightings)
    late = np.zeros(7)
    late[FLIGHT_WIDE.index("clock")] = 0.02
    write_calibration(Calibration(late, 1e-4 * np.eye(7), ("clock",), (), {}), flight.calibration)
    assert main(["locate", str(flight.root), "--force"]) == 0
    after = SIGHTINGS.read(flight.sightings)
    assert after["first_seen_utc"][0].as_py() - before["first_seen_utc"][0].as_py() == timedelta(seconds=0.02)
    assert after["sighting_id"].to_pylist() == before["sighting_id"].to_pylist()


def test_where_a_camera_file_lay_is_told_to_nobody(tmp_path: Path) -> None:
    camera = tmp_path / "private" / "my-camera.toml"
    camera.parent.mkdir()
    camera.write_text(tomli_w.dumps(describe_camera(load_camera("boson640-14"))))
    pictures = make_flight(tmp_path / "source").images
    flight = Flight(tmp_path / "flight")
    assert main(["ingest", str(pictures), "-o", str(flight.root), "--camera", str(camera)]) == 0
    assert flight.facts()["camera"] == "my-camera.toml"
    assert flight.camera().fx_px == load_camera("boson640-14").fx_px
    assert str(camera.parent) not in flight.summary.read_text()
