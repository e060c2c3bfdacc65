from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from mapping.maps.exports.content import ADDED, ExportContent
from mapping.maps.exports.geojson import write_geojson
from mapping.maps.verdicts import REVIEW_COLUMNS
from mapping.tables import SIGHTINGS

Make = Callable[..., ExportContent]


def test_every_column_and_the_verdict(content: Make, tmp_path: Path) -> None:
    made = content({"object": "Fass <1> – ü"}, {"confidence": float("nan")}, reviews={"S-1": "confirmed"})
    write_geojson(made, tmp_path / "out.geojson")
    first, second = json.loads((tmp_path / "out.geojson").read_text("utf-8"))["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [88.895, 23.04]}
    assert list(first["properties"]) == [*SIGHTINGS.columns.names, *REVIEW_COLUMNS.names, *ADDED.names]
    assert first["properties"]["object"] == "Fass <1> – ü"
    assert first["properties"]["first_seen_utc"] == "2026-11-22T18:16:05.123Z"
    assert first["properties"]["detection_ids"] == ["IMG_1-000", "IMG_2-000"]
    assert (first["id"], first["properties"]["verdict"]) == ("S-1", "confirmed")
    assert (first["properties"]["mgrs"], first["properties"]["utm_zone"]) == ("45QXF9416949204", "45 north")
    assert (second["properties"]["confidence"], second["properties"]["verdict"]) == (None, "not reviewed")


def test_a_sighting_without_a_place_stays_with_a_null_geometry(content: Make, tmp_path: Path) -> None:
    write_geojson(content({"lat_deg": None}, {"lon_deg": float("nan")}), tmp_path / "out.geojson")
    features = json.loads((tmp_path / "out.geojson").read_text("utf-8"))["features"]
    assert [feature["geometry"] for feature in features] == [None, None]
    assert [feature["properties"]["mgrs"] for feature in features] == [None, None]
