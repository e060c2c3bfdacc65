"""The formats sightings can be exported in: what each is called, its file, and the function that writes it, loaded when
something is written, because some bring half the scientific stack with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from mapping.maps.exports.content import ExportContent


@dataclass(frozen=True)
class ExportFormat:
    """A format in words for people, the name of its file where none is given, its module in this room and the function
    there that writes it, whether it is about sightings (else about boxes) and whether it takes pictures with it."""

    title: str
    file: str
    module: str
    function: str
    of_sightings: bool = True
    with_pictures: bool = False

    def write(self, content: ExportContent, path: Path) -> None:
        """Write the file. Raises VisionError where it cannot be written, and what its function says."""
        function: Callable[[ExportContent, Path], None] = getattr(
            import_module(f"mapping.maps.exports.{self.module}"), self.function
        )
        function(content, path)


FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {
        "gpkg": ExportFormat("GeoPackage (QGIS, ArcGIS)", "sightings.gpkg", "geopackage", "write_geopackage"),
        "geojson": ExportFormat("GeoJSON", "sightings.geojson", "geojson", "write_geojson"),
        "geoparquet": ExportFormat("GeoParquet", "sightings.geo.parquet", "geoparquet", "write_geoparquet"),
        "kml": ExportFormat("KML (Google Earth)", "sightings.kml", "keyhole", "write_kml"),
        "kmz": ExportFormat("KMZ with pictures", "sightings.kmz", "keyhole", "write_kmz", with_pictures=True),
        "csv": ExportFormat("Table (CSV)", "sightings.csv", "spreadsheet", "write_csv"),
        "cot": ExportFormat("Cursor on Target (ATAK)", "sightings.cot", "cursor_on_target", "write_cot"),
        "coco": ExportFormat("Boxes in the frames (COCO)", "boxes.coco.json", "coco", "write_coco", of_sightings=False),
    }
)
"""By the name that `--format` takes."""
