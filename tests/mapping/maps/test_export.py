from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from mapping.maps.export import FORMATS, write_csv, write_geojson
from mapping.tables import SIGHTINGS
from vision.errors import VisionError

Make = Callable[..., pa.Table]


def test_geojson_holds_every_column_and_the_verdict(sightings: Make, tmp_path: Path) -> None:
    table = sightings({"object": "Fass <1> – ü"}, {"confidence": float("nan")})
    write_geojson(table, tmp_path / "out.geojson", {"S-1": "confirmed"})
    first, second = json.loads((tmp_path / "out.geojson").read_text("utf-8"))["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [88.895, 23.04]}
    assert list(first["properties"]) == [*SIGHTINGS.columns.names, "verdict"]
    assert first["properties"]["object"] == "Fass <1> – ü"
    assert first["properties"]["first_seen_utc"] == "2026-11-22T18:16:05.123Z"
    assert first["properties"]["detection_ids"] == ["IMG_1-000", "IMG_2-000"]
    assert (first["id"], first["properties"]["verdict"]) == ("S-1", "confirmed")
    assert (second["properties"]["confidence"], second["properties"]["verdict"]) == (None, "not reviewed")


def test_a_sighting_without_a_place_stays_with_a_null_geometry(sightings: Make, tmp_path: Path) -> None:
    write_geojson(sightings({"lat_deg": None}, {"lon_deg": float("nan")}), tmp_path / "out.geojson")
    features = json.loads((tmp_path / "out.geojson").read_text("utf-8"))["features"]
    assert [feature["geometry"] for feature in features] == [None, None]


def test_csv_reads_back_and_runs_no_formula(sightings: Make, tmp_path: Path) -> None:
    write_csv(sightings({"object": '=HYPERLINK("x")'}, {"object": 'a,b\n"c"', "ce90_m": None}), tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first["object"] == '\'=HYPERLINK("x")'
    assert (second["object"], second["ce90_m"], second["verdict"]) == ('a,b\n"c"', "", "not reviewed")
    assert first["detection_ids"] == "IMG_1-000 IMG_2-000"
    assert float(first["lat_deg"]) == 23.04


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_same_table_same_bytes_and_nothing_left_beside(sightings: Make, tmp_path: Path, name: str) -> None:
    table = sightings({}, {"class": "vehicle"})
    for file in ("a", "b"):
        FORMATS[name].write(table, tmp_path / f"{file}{FORMATS[name].suffix}")
    one, two = sorted(tmp_path.iterdir())
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_place_that_cannot_be_written(sightings: Make, tmp_path: Path, name: str) -> None:
    with pytest.raises(VisionError, match="cannot be written"):
        FORMATS[name].write(sightings({}), tmp_path / "absent" / "out")


def test_a_verdict_that_is_none_is_refused(sightings: Make, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'maybe' is none of"):
        write_geojson(sightings({}), tmp_path / "out.geojson", {"S-1": "maybe"})
    assert list(tmp_path.iterdir()) == []
