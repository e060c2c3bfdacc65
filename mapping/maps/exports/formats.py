"""The formats sightings can be exported in: the ending of each one's files and the function that writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from mapping.maps.exports.coco import write_coco
from mapping.maps.exports.content import ExportContent
from mapping.maps.exports.cursor_on_target import write_cot
from mapping.maps.exports.geojson import write_geojson
from mapping.maps.exports.geopackage import write_geopackage
from mapping.maps.exports.geoparquet import write_geoparquet
from mapping.maps.exports.keyhole import write_kml, write_kmz
from mapping.maps.exports.spreadsheet import write_csv


@dataclass(frozen=True)
class ExportFormat:
    """The name of its file where none is given, the function that writes it, whether it is about sightings (else about
    boxes) and whether it takes pictures with it."""

    file: str
    write: Callable[[ExportContent, Path], None]
    of_sightings: bool = True
    with_pictures: bool = False


FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {
        "gpkg": ExportFormat("sightings.gpkg", write_geopackage),
        "geojson": ExportFormat("sightings.geojson", write_geojson),
        "geoparquet": ExportFormat("sightings.geo.parquet", write_geoparquet),
        "kml": ExportFormat("sightings.kml", write_kml),
        "kmz": ExportFormat("sightings.kmz", write_kmz, with_pictures=True),
        "csv": ExportFormat("sightings.csv", write_csv),
        "cot": ExportFormat("sightings.cot", write_cot),
        "coco": ExportFormat("boxes.coco.json", write_coco, of_sightings=False),
    }
)
"""By the name that `--format` takes."""
