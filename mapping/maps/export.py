"""Sightings for other tools: GeoJSON and CSV, every column and the officer's verdict on every one.

A format is one function in `FORMATS`. Nothing is exported without its verdict; without a review it is `not reviewed`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from mapping.maps.wording import verdict_of
from vision.files import write_whole

NO_REVIEWS: Mapping[str, str] = MappingProxyType({})
DECIMALS = 7
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ExportFormat:
    """A format: the ending of its files and the function that writes a sightings table (with reviews) to a path."""

    suffix: str
    write: Callable[..., None]


def write_geojson(sightings: pa.Table, path: Path, reviews: Mapping[str, str] = NO_REVIEWS) -> None:
    """Write the sightings as an RFC 7946 FeatureCollection: points in longitude and latitude, all columns and
    `verdict` as properties, in the table's order; a sighting without a place has a null geometry.

    The height stays a property: RFC 7946 coordinates would mean it above the ellipsoid. Raises VisionError where the
    file cannot be written."""
    features = [
        {"type": "Feature", "id": row["sighting_id"], "geometry": _point(row), "properties": row}
        for row in _rows(sightings, reviews)
    ]
    text = json.dumps(
        {"type": "FeatureCollection", "features": features}, ensure_ascii=False, allow_nan=False, indent=1
    )
    write_whole(path, text + "\n")


def write_csv(sightings: pa.Table, path: Path, reviews: Mapping[str, str] = NO_REVIEWS) -> None:
    """Write the sightings as CSV in UTF-8: one row each, all columns and `verdict`; detection ids are separated by
    spaces, unknown values are empty. A text that a spreadsheet would run as a formula gets an apostrophe in front.
    Raises VisionError where the file cannot be written."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, [*sightings.schema.names, "verdict"], lineterminator="\n")
    writer.writeheader()
    for row in _rows(sightings, reviews):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    write_whole(path, stream.getvalue())


FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {"geojson": ExportFormat(".geojson", write_geojson), "csv": ExportFormat(".csv", write_csv)}
)


def _rows(sightings: pa.Table, reviews: Mapping[str, str]) -> list[dict[str, Any]]:
    """The table's rows in terms of JSON, with the verdict last."""
    return [
        {name: _plain(value) for name, value in row.items()} | {"verdict": verdict_of(row["sighting_id"], reviews)}
        for row in sightings.to_pylist()
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _point(row: Mapping[str, Any]) -> dict[str, Any] | None:
    lon, lat = row["lon_deg"], row["lat_deg"]
    if lon is None or lat is None:
        return None
    return {"type": "Point", "coordinates": [round(lon, DECIMALS), round(lat, DECIMALS)]}


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value
