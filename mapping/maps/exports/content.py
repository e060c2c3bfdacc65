"""What every export carries, whatever its format: the sightings with their verdicts and grid coordinates, what was
looked at, where the drone was, and by which software this was made. How it is written is each format's subject.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from pyproj import Geod

from mapping.ground.frame import longitudes_near
from mapping.ground.searched import Coverage
from mapping.maps.coordinates import grid_places, spaced_mgrs
from mapping.maps.verdicts import review_text, reviewed
from mapping.maps.wording import REPORT_STATEMENT, counted, time_span

GEOD = Geod(ellps="WGS84")
DECIMALS = 7
"""Of degrees in text formats: about a centimetre."""
ELLIPSE_CORNERS = 72
NOTHING_LOOKED_AT = Coverage(())

ADDED = pa.schema(
    [
        ("mgrs", pa.string()),
        ("utm_zone", pa.string()),
        ("utm_easting_m", pa.float64()),
        ("utm_northing_m", pa.float64()),
        ("software", pa.string()),
        ("statement", pa.string()),
    ]
)
"""The columns an export adds to those of the sightings table and its reviews."""


@dataclass(frozen=True)
class ExportContent:
    """What there is to export of a flight or a mission. Tables have the schemas of `mapping.tables` and `vision.table`;
    `sightings` may have the columns of `mapping.maps.verdicts`, `detections` holds boxes and marks. `tracks` stand by
    the name of their flight, `source` names the flight or mission for stable ids, `images_root` is what `frames.file`
    is relative to, `software` is name and version, `thumbnails` are JPEGs by sighting id. `simulated` says that nobody
    was really there."""

    source: str
    sightings: pa.Table
    software: str
    frames: pa.Table | None = None
    tracks: Mapping[str, pa.Table] = field(default_factory=dict)
    detections: pa.Table | None = None
    coverage: Coverage = NOTHING_LOOKED_AT
    images_root: Path | None = None
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    notes: Sequence[str] = ()
    simulated: bool = False


def sightings_table(content: ExportContent) -> pa.Table:
    """The sightings with their reviews and the columns `ADDED`. Raises ValueError on a verdict that is none."""
    table = reviewed(content.sightings)
    lat, lon = table["lat_deg"].to_pylist(), table["lon_deg"].to_pylist()
    grid = grid_places(lat, lon)
    columns: dict[str, Any] = {
        "mgrs": [place.mgrs for place in grid],
        "utm_zone": [place.utm_zone for place in grid],
        "utm_easting_m": [place.easting_m for place in grid],
        "utm_northing_m": [place.northing_m for place in grid],
        "software": [content.software] * table.num_rows,
        "statement": [REPORT_STATEMENT] * table.num_rows,
    }
    for added in ADDED:
        table = table.append_column(added, pa.array(columns[added.name], added.type))
    return table


def sighting_rows(content: ExportContent) -> Iterator[dict[str, Any]]:
    """The rows of `sightings_table`, with numbers that are not finite as None."""
    for row in sightings_table(content).to_pylist():
        yield {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }


def has_place(row: Mapping[str, Any]) -> bool:
    """Whether a row of `sighting_rows` has a place on the ground."""
    return row["lat_deg"] is not None and row["lon_deg"] is not None


def utc_text(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC with milliseconds: `2026-11-22T18:16:05.123Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ellipse_polygon(row: Mapping[str, Any]) -> shapely.Polygon | None:
    """The 95 % ellipse of a row as a lon/lat polygon, None where place or ellipse is unknown. Longitudes go on beyond
    180 degrees where the ellipse does."""
    if not has_place(row) or not row["ellipse_major_m"] or row["ellipse_minor_m"] is None:
        return None
    angle = np.linspace(0.0, 2.0 * np.pi, ELLIPSE_CORNERS, endpoint=False)
    along, across = row["ellipse_major_m"] * np.cos(angle), row["ellipse_minor_m"] * np.sin(angle)
    bearing = (row["ellipse_bearing_deg"] or 0.0) - np.degrees(np.arctan2(across, along))  # counter-clockwise
    start = np.full(ELLIPSE_CORNERS, row["lon_deg"]), np.full(ELLIPSE_CORNERS, row["lat_deg"])
    lon, lat, _ = GEOD.fwd(*start, bearing, np.hypot(along, across))
    return shapely.Polygon(np.column_stack([longitudes_near(lon, row["lon_deg"]), lat]))


def track_lines(content: ExportContent) -> dict[str, np.ndarray]:
    """(N, 3) longitude, latitude and height above mean sea level of the known positions of each track that has at
    least two, by the name of its flight; (N, 2) where a height is unknown."""
    lines = {}
    for name, track in content.tracks.items():
        columns = [track[column].to_numpy(zero_copy_only=False) for column in ("lon_deg", "lat_deg", "alt_amsl_m")]
        points = np.column_stack([column.astype(np.float64) for column in columns])
        points = points[np.isfinite(points[:, :2]).all(axis=1)]
        if len(points) > 1:
            lines[name] = points if np.isfinite(points[:, 2]).all() else points[:, :2]
    return lines


def description_lines(row: Mapping[str, Any]) -> list[str]:
    """What to read beside a dot on somebody else's map, line by line; the first says what it is worth."""
    lines = [
        f"{row['verdict'].upper()}. {REPORT_STATEMENT}",
        *review_lines(row),
        f"Class: {row['class'] or 'unknown'}" + (f" ({row['object']})" if row["object"] else ""),
    ]
    if row["confidence"] is not None:
        lines.append(f"Confidence: {row['confidence']:.2f} (to sort by; no probability)")
    if row["mgrs"]:
        lines.append(f"MGRS: {spaced_mgrs(row['mgrs'])}")
        lines.append(f"UTM: {row['utm_zone']} {row['utm_easting_m']:.0f} E {row['utm_northing_m']:.0f} N")
    if row["ellipse_major_m"] is not None and row["ellipse_minor_m"] is not None:
        bearing = "" if row["ellipse_bearing_deg"] is None else f", long axis toward {row['ellipse_bearing_deg']:.0f}°"
        lines.append(f"95 % ellipse: {row['ellipse_major_m']:.1f} x {row['ellipse_minor_m']:.1f} m{bearing}")
    if row["ce90_m"] is not None:
        lines.append(f"90 % within {row['ce90_m']:.1f} m")
    lines.append(f"Seen {time_span(row['first_seen_utc'], row['last_seen_utc'])}")
    if row["speed_m_s"] is not None:
        toward = "" if row["heading_deg"] is None else f" toward {row['heading_deg']:.0f}°"
        lines.append(f"Moving at {row['speed_m_s']:.1f} m/s{toward}; the place is where it was last seen")
    lines.append(f"In {counted(row['n_frames'], 'frame')}: {', '.join(row['detection_ids'] or [])}")
    lines.append(f"Made by {row['software']}")
    return lines


def review_lines(row: Mapping[str, Any]) -> list[str]:
    """Who judged a sighting and when, that person's note, and what else there is to know of it; empty where nobody
    did."""
    judged = review_text(row["reviewed_by"], row["reviewed_utc"])
    note = row["review_note"]
    lines = [f"{row['verdict'].capitalize()} {judged}" if judged else None, note and f"Note: {note}"]
    return [line for line in (*lines, row["review_remark"]) if line]


def title(row: Mapping[str, Any]) -> str:
    """A short name that says what it is worth: `S0001 person, not reviewed`."""
    return f"{row['sighting_id']} {row['object'] or row['class']}, {row['verdict']}"
