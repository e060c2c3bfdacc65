"""Sightings as a page takes them: packed columns, and their pictures apart, which are only looked for on a click.

How columns are packed is `columns.py`'s subject, what they look like on the page `page/sightings.js`'s.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mapping.ground.frame import longitudes_near
from mapping.maps.columns import packed_numbers, packed_texts
from mapping.maps.coordinates import grid_places, spaced_mgrs
from mapping.maps.verdicts import reviewed
from vision.classes import CLASSES

OBJECT = "object"
NUMBERS = {
    "lat": ("lat_deg", 1e-7),
    "lon": ("lon_deg", 1e-7),
    "alt": ("alt_amsl_m", 0.1),
    "major": ("ellipse_major_m", 0.01),
    "minor": ("ellipse_minor_m", 0.01),
    "bearing": ("ellipse_bearing_deg", 0.1),
    "ce90": ("ce90_m", 0.01),
    "confidence": ("confidence", 0.001),
    "frames": ("n_frames", 1.0),
    "speed": ("speed_m_s", 0.1),
    "heading": ("heading_deg", 1.0),
}
"""Name on the page -> column of the table and the step to which it is rounded."""
TIMES = {"first": "first_seen_utc", "last": "last_seen_utc", "judged": "reviewed_utc"}
TIME_STEP_S = 0.1
TEXTS = {
    "id": "sighting_id",
    "verdict": "verdict",
    "by": "reviewed_by",
    "note": "review_note",
    "remark": "review_remark",
}


@dataclass(frozen=True)
class PagedSightings:
    """What a page is given of its sightings: `table` are the packed columns, `pictures` base64 JPEGs in the order of
    its rows (None where there is none). `classes` and `verdicts` are what a headline counts, `lat_deg` and `lon_deg`
    the places."""

    table: dict[str, Any]
    pictures: Sequence[str | None]
    classes: Sequence[str]
    verdicts: Sequence[str]
    lat_deg: np.ndarray
    lon_deg: np.ndarray

    def __len__(self) -> int:
        return len(self.classes)


def paged_sightings(sightings: pa.Table, thumbnails: Mapping[str, bytes], around_lon_deg: float) -> PagedSightings:
    """The sightings that have a place, in the order of the table; longitudes are those within 180 degrees of
    `around_lon_deg`. What is of none of the classes counts as `object` (what a person marked). Raises ValueError on a
    verdict that is none."""
    table = reviewed(sightings)
    lat, lon = floats(table, "lat_deg"), floats(table, "lon_deg")
    table = table.filter(pa.array(np.isfinite(lat) & np.isfinite(lon)))
    lat, lon = floats(table, "lat_deg"), longitudes_near(floats(table, "lon_deg"), around_lon_deg)
    columns: dict[str, Any] = {}
    for name, (source, step) in NUMBERS.items():
        columns[name] = packed_numbers(lon if name == "lon" else floats(table, source), step)
    columns |= {name: packed_numbers(_seconds(table, source), TIME_STEP_S) for name, source in TIMES.items()}
    columns |= {name: packed_texts(table[source].to_pylist()) for name, source in TEXTS.items()}
    classes = [name if name in CLASSES else OBJECT for name in table["class"].to_pylist()]
    columns["class"] = packed_texts(classes)
    columns["object"] = packed_texts([name or "" for name in table["object"].to_pylist()])
    columns |= _grid(lat, lon)
    names = table["sighting_id"].to_pylist()
    pictures = [b64encode(made).decode("ascii") if (made := thumbnails.get(name)) else None for name in names]
    return PagedSightings(
        {"count": table.num_rows, "columns": columns}, pictures, classes, table["verdict"].to_pylist(), lat, lon
    )


def floats(table: pa.Table, name: str) -> np.ndarray:
    """A column of numbers as (N,) doubles, NaN where nothing is known."""
    column = pc.cast(table[name], pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(column, dtype=np.float64)


def _seconds(table: pa.Table, name: str) -> np.ndarray:
    """A column of times as seconds since 1970, NaN where nothing is known."""
    moments = table[name].to_numpy(zero_copy_only=False).astype("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 1e6)


def _grid(lat_deg: np.ndarray, lon_deg: np.ndarray) -> dict[str, Any]:
    """MGRS as its square and the digits in it, UTM as its zone and whole metres."""
    places = grid_places(lat_deg.tolist(), lon_deg.tolist())
    parts = [spaced_mgrs(place.mgrs).rsplit(" ", 2) if place.mgrs else ("", "nan", "nan") for place in places]
    return {
        "square": packed_texts([part[0] for part in parts]),
        "square_east": packed_numbers([float(part[1]) for part in parts], 1.0),
        "square_north": packed_numbers([float(part[2]) for part in parts], 1.0),
        "zone": packed_texts([place.utm_zone or "" for place in places]),
        "easting": packed_numbers(np.array([place.easting_m for place in places], dtype=np.float64), 1.0),
        "northing": packed_numbers(np.array([place.northing_m for place in places], dtype=np.float64), 1.0),
    }
