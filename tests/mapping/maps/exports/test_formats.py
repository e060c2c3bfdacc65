"""What holds for every format."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mapping.maps.exports.content import ExportContent, description_lines, sighting_rows
from mapping.maps.exports.formats import FORMATS
from mapping.maps.wording import REPORT_STATEMENT
from vision.errors import VisionError

Make = Callable[..., ExportContent]


def said_in(path: Path) -> bytes:
    """All the text of a file, unpacked where the format packs it."""
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pylist()).encode()
    if path.suffix == ".kmz":
        return zipfile.ZipFile(path).read("doc.kml")
    return path.read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_flight_gives_the_same_bytes_and_nothing_is_left_beside(
    content: Make, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for file in ("a", "b"):
        FORMATS[name].write(content({}, {"class": "vehicle"}), out / f"{file}{FORMATS[name].file}")
    one, two = sorted(out.iterdir())
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_says_what_it_is_worth_and_what_made_it(content: Make, tmp_path: Path, name: str) -> None:
    path = tmp_path / FORMATS[name].file
    FORMATS[name].write(content({}), path)
    text = said_in(path)
    for word in (REPORT_STATEMENT, "Picket 9.9", "not reviewed", "IMG_1-000"):
        assert word.encode() in text, word


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_sighted_is_a_file_too(content: Make, tmp_path: Path, name: str) -> None:
    path = tmp_path / FORMATS[name].file
    FORMATS[name].write(content(), path)
    assert path.stat().st_size > 0


@pytest.mark.parametrize("name", FORMATS)
def test_a_place_that_cannot_be_written(content: Make, tmp_path: Path, name: str) -> None:
    with pytest.raises(VisionError, match="cannot be written"):
        FORMATS[name].write(content({}), tmp_path / "absent" / "out")


@pytest.mark.parametrize("name", FORMATS)
def test_a_verdict_that_is_none_is_refused(content: Make, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="'maybe' is none of"):
        FORMATS[name].write(content({}, reviews={"S-1": "maybe"}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_words_beside_a_dot(content: Make) -> None:
    (row,) = sighting_rows(content({"object": "barrel", "n_frames": 1}))
    lines = description_lines(row)
    assert lines[0] == f"NOT REVIEWED. {REPORT_STATEMENT}"
    assert "Class: person (barrel)" in lines
    assert "MGRS: 45Q XF 94169 49204" in lines
    assert "95 % ellipse: 2.0 x 1.0 m, long axis toward 30°" in lines
    assert "Seen 2026-11-22 18:16:05 UTC" in lines
    assert "In 1 frame: IMG_1-000, IMG_2-000" in lines


def test_the_words_beside_one_that_moves(content: Make) -> None:
    (row,) = sighting_rows(content({"speed_m_s": 1.25, "heading_deg": 45.0}))
    assert "Moving at 1.2 m/s toward 45°; the place is where it was last seen" in description_lines(row)
