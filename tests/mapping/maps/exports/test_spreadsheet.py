from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from mapping.maps.exports.content import ExportContent
from mapping.maps.exports.spreadsheet import write_csv

Make = Callable[..., ExportContent]


def rows(content: ExportContent, path: Path) -> list[dict[str, str]]:
    write_csv(content, path)
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_it_reads_back(content: Make, tmp_path: Path) -> None:
    first, second = rows(content({}, {"object": 'a,b\n"c"', "ce90_m": None}), tmp_path / "out.csv")
    assert (second["object"], second["ce90_m"], second["verdict"]) == ('a,b\n"c"', "", "not reviewed")
    assert first["detection_ids"] == "IMG_1-000 IMG_2-000"
    assert first["first_seen_utc"] == "2026-11-22T18:16:05.123Z"
    assert (float(first["lat_deg"]), first["mgrs"], first["utm_easting_m"]) == (23.04, "45QXF9416949204", "694169.95")


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1", "-2+3", "@SUM(A1)", "\t=1", "  =1", "\n=1"])
def test_no_text_is_run_as_a_formula(content: Make, tmp_path: Path, text: str) -> None:
    (row,) = rows(content({"object": text}), tmp_path / "out.csv")
    assert row["object"] == "'" + text


def test_a_number_below_zero_stays_a_number(content: Make, tmp_path: Path) -> None:
    (row,) = rows(content({"lat_deg": -35.5}), tmp_path / "out.csv")
    assert float(row["lat_deg"]) == -35.5
