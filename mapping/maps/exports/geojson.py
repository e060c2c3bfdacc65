"""Sightings as GeoJSON (RFC 7946): points, with every column as a property."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mapping.maps.exports.content import DECIMALS, ExportContent, has_place, sighting_rows, utc_text
from mapping.maps.wording import REPORT_STATEMENT
from vision.files import write_whole


def write_geojson(content: ExportContent, path: Path) -> None:
    """Write the sightings as a FeatureCollection, in the table's order; one without a place has a null geometry.

    The height stays a property: the third coordinate of RFC 7946 is above the ellipsoid. Raises VisionError where the
    file cannot be written."""
    collection = {
        "type": "FeatureCollection",
        "software": content.software,
        "statement": REPORT_STATEMENT,
        "features": [
            {
                "type": "Feature",
                "id": row["sighting_id"],
                "geometry": _point(row),
                "properties": {
                    name: utc_text(value) if isinstance(value, datetime) else value for name, value in row.items()
                },
            }
            for row in sighting_rows(content)
        ],
    }
    write_whole(path, json.dumps(collection, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def _point(row: Mapping[str, Any]) -> dict[str, Any] | None:
    if not has_place(row):
        return None
    return {"type": "Point", "coordinates": [round(row["lon_deg"], DECIMALS), round(row["lat_deg"], DECIMALS)]}
