from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas
import pyarrow.parquet as pq

from mapping.maps.exports.content import ExportContent
from mapping.maps.exports.geoparquet import write_geoparquet
from mapping.maps.wording import REPORT_STATEMENT

Make = Callable[..., ExportContent]


def test_it_reads_back_with_its_metadata(content: Make, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    write_geoparquet(content({}, {"lat_deg": None}), path)
    metadata = pq.read_schema(path).metadata
    assert json.loads(metadata[b"geo"])["version"] == "1.1.0"
    assert json.loads(metadata[b"picket"]) == {
        "software": "Picket 9.9",
        "statement": REPORT_STATEMENT,
        "notes": ["The ground counts as level."],
    }
    frame = geopandas.read_parquet(path)
    assert frame.crs.to_epsg() == 4326
    assert (frame.geometry[0].x, frame.geometry[0].y) == (88.895, 23.04)
    assert frame.geometry[1] is None
    assert list(frame["detection_ids"][0]) == ["IMG_1-000", "IMG_2-000"]
    assert str(frame["first_seen_utc"].dt.tz) == "UTC"
