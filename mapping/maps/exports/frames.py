"""What an export holds as geopandas frames: the common ground of GeoPackage and GeoParquet."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas
import pandas
import pyarrow as pa
import shapely
from shapely.geometry.base import BaseGeometry

from mapping.ground.searched import CoveragePiece
from mapping.maps.exports.content import (
    ExportContent,
    ellipse_polygon,
    has_place,
    sighting_rows,
    sightings_table,
    track_lines,
)

CRS = "EPSG:4326"


def sightings_frame(content: ExportContent) -> geopandas.GeoDataFrame:
    """One row per sighting with every column of the table and its point; no geometry where it has no place."""
    table = sightings_table(content)
    points = [
        shapely.Point(row["lon_deg"], row["lat_deg"]) if has_place(row) else None for row in sighting_rows(content)
    ]
    return _frame(table.to_pandas(), points)


def ellipses_frame(content: ExportContent) -> geopandas.GeoDataFrame:
    """The 95 % ellipses of the sightings that have one, with what tells them apart."""
    kept = [(row, shape) for row in sighting_rows(content) if (shape := ellipse_polygon(row)) is not None]
    names = ("sighting_id", "class", "object", "confidence", "ce90_m", "verdict", "reviewed_by", "reviewed_utc")
    columns = {name: [row[name] for row, _ in kept] for name in names}
    schema = sightings_table(content).schema
    table = pa.table({name: pa.array(values, schema.field(name).type) for name, values in columns.items()})
    return _frame(table.to_pandas(), [shape for _, shape in kept])


def ground_frame(pieces: Sequence[CoveragePiece]) -> geopandas.GeoDataFrame:
    """Polygons of ground with their properties as columns; those that end in `_utc` are times."""
    data = pandas.DataFrame([piece.properties for piece in pieces])
    for name in data.columns:
        if name.endswith("_utc"):
            data[name] = pandas.to_datetime(data[name], utc=True, format="ISO8601")
    return _frame(data, [piece.geometry for piece in pieces])


def tracks_frame(content: ExportContent) -> geopandas.GeoDataFrame:
    """The flown tracks as one line each, with heights above mean sea level where all are known."""
    lines = track_lines(content)
    return _frame(pandas.DataFrame({"flight": list(lines)}), [shapely.LineString(points) for points in lines.values()])


def frames_frame(content: ExportContent) -> geopandas.GeoDataFrame:
    """Where each frame was taken, with its pose; without geometry where that is unknown."""
    if content.frames is None:
        return _frame(pandas.DataFrame({"frame_id": []}), [])
    lon, lat = content.frames["lon_deg"].to_pylist(), content.frames["lat_deg"].to_pylist()
    points = [None if pandas.isna(x) or pandas.isna(y) else shapely.Point(x, y) for x, y in zip(lon, lat, strict=True)]
    return _frame(content.frames.to_pandas(), points)


def _frame(data: pandas.DataFrame, geometry: Sequence[BaseGeometry | None]) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(data, geometry=geopandas.GeoSeries(list(geometry), index=data.index, crs=CRS))
