"""Sightings as GeoParquet, for geopandas, DuckDB and whatever else reads columns."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.parquet as pq

from mapping.maps.exports.content import ExportContent
from mapping.maps.exports.frames import sightings_frame
from mapping.maps.wording import REPORT_STATEMENT
from vision.files import whole_file


def write_geoparquet(content: ExportContent, path: Path) -> None:
    """Write the sightings as GeoParquet 1.1: all columns, points as WKB, and under the metadata key `picket` what made
    them and what they are worth. Raises VisionError where the file cannot be written."""
    stream = io.BytesIO()
    sightings_frame(content).to_parquet(stream, index=False, schema_version="1.1.0")
    table = pq.read_table(io.BytesIO(stream.getvalue()))
    said = json.dumps({"software": content.software, "statement": REPORT_STATEMENT, "notes": list(content.notes)})
    with whole_file(path) as beside:
        pq.write_table(
            table.replace_schema_metadata({**(table.schema.metadata or {}), b"picket": said.encode()}),
            beside,
            compression="zstd",
        )
