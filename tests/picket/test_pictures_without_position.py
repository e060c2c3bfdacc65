"""Pictures that carry no position can be ingested and searched; locating them says what is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from picket.cli import main
from picket.folder import Flight
from vision.table import DETECTIONS


@pytest.fixture
def pictures(shared: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "night").mkdir(parents=True)
    for path in sorted((shared / "data" / "thermal" / "images" / "val").glob("1_60_*"))[:4]:
        shutil.copy(path, folder / "night")
    return folder


def test_ingest_detect_and_what_locate_says(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flight = Flight(tmp_path / "flight")
    assert main(["ingest", str(pictures), "-o", str(flight.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["with_position"] == 0
    assert main(["detect", str(flight.root), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["frames"] == 4
    assert DETECTIONS.read(flight.detections).num_rows == sum(summary["counts"].values()) > 0
    assert main(["locate", str(flight.root)]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "--tlog" in said[0]
    assert not flight.sightings.exists()
    assert main(["export", str(flight.root), "--format", "coco", "--json"]) == 0
    boxes = json.loads(Path(json.loads(capsys.readouterr().out)["file"]).read_text())
    assert len(boxes["annotations"]) == sum(summary["counts"].values())
    assert main(["report", str(flight.root)]) == 0
    page = flight.report.read_text()
    assert "4 frames without a position" in page
    assert "there is no map" in page


def test_a_folder_of_images_can_be_searched_at_once(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flight = Flight(tmp_path / "flight")
    broken = pictures / "night" / "broken.jpg"
    broken.write_text("no picture")
    capsys.readouterr()
    assert main(["detect", str(pictures), "-o", str(flight.root), "--json"]) == 0
    said = capsys.readouterr()
    assert [Path(one["file"]).name for one in json.loads(said.out)["skipped"]] == ["broken.jpg"]
    assert "1 could not be read" in said.err
    assert DETECTIONS.read(flight.detections).num_rows > 0
    assert main(["detect", str(flight.root)]) == 2, "a table that is there is kept"
    before = flight.detections.read_bytes()
    assert main(["detect", str(flight.root), "--force"]) == 0
    assert flight.detections.read_bytes() == before


def test_where_nothing_can_be_read_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "b.mp4"):
        (tmp_path / "in" / name).write_text("nothing of the kind")
    assert main(["detect", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "a.jpg" in said
    assert "b.mp4" in said
    assert "not one of 2 files could be read" in said
    assert not (tmp_path / "out").exists()


def test_an_unreadable_picture_in_a_flight_is_named_and_skipped(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flight = Flight(tmp_path / "flight")
    assert main(["ingest", str(pictures), "-o", str(flight.root)]) == 0
    broken = sorted(flight.images.rglob("*.jpg"))[0]
    broken.write_bytes(broken.read_bytes()[:300])
    capsys.readouterr()
    assert main(["detect", str(flight.root), "--json"]) == 0
    output = capsys.readouterr()
    assert [Path(item["file"]).name for item in json.loads(output.out)["skipped"]] == [broken.name]
    assert broken.name in output.err
