"""Everything of a flight as one GeoPackage: layers that QGIS opens with their colours, by pyogrio.

A GeoPackage notes when it was last changed; here that is the time of the last frame, so that the same flight gives the
same file. How the layers look is `styles.py`'s subject.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import geopandas
import pandas
import pyogrio

from mapping.maps.exports.content import ExportContent
from mapping.maps.exports.frames import (
    ellipses_frame,
    frames_frame,
    ground_frame,
    sightings_frame,
    tracks_frame,
)
from mapping.maps.exports.styles import layer_styles
from mapping.maps.wording import REPORT_STATEMENT
from vision.files import whole_file

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_geopackage(content: ExportContent, path: Path) -> None:
    """Write the layers `sightings` and `ellipses`, `coverage` and `gaps`, `track` and `frames` (the last four where
    there is anything to put in them), the table `about` with what made the file and what it is worth, and the styles.
    Times are UTC; detection ids are separated by spaces. Raises VisionError where the file cannot be written."""
    sightings = sightings_frame(content)
    sightings["detection_ids"] = [" ".join(names if names is not None else []) for names in sightings["detection_ids"]]
    layers: dict[str, tuple[geopandas.GeoDataFrame, str | None]] = {
        "coverage": (ground_frame([*content.coverage.of("searched"), *content.coverage.of("imaged")]), None),
        "gaps": (ground_frame(content.coverage.of("gap")), None),
        "track": (tracks_frame(content), None),
        "frames": (frames_frame(content), "Point"),
        "ellipses": (ellipses_frame(content), "Polygon"),
        "sightings": (sightings, "Point"),
    }
    kept = {name: layer for name, layer in layers.items() if name in ("sightings", "ellipses") or len(layer[0])}
    last = _last_moment(content)
    with tempfile.TemporaryDirectory() as folder, _dated(last):
        made = Path(folder) / "made.gpkg"  # GDAL complains of any other ending, such as that of a file not yet whole
        for name, (frame, geometry_type) in kept.items():
            pyogrio.write_dataframe(
                frame,
                made,
                layer=name,
                geometry_type=geometry_type,
                promote_to_multi=False if geometry_type else None,
                layer_metadata={"software": content.software, "statement": REPORT_STATEMENT},
                DESCRIPTION=REPORT_STATEMENT,
            )
        for name, table in (("about", _about(content)), ("layer_styles", layer_styles(list(kept), last))):
            pyogrio.write_dataframe(table, made, layer=name, FID="id")
        with whole_file(path) as beside:
            shutil.copyfile(made, beside)


def _about(content: ExportContent) -> pandas.DataFrame:
    said = [
        ("source", content.source),
        ("software", content.software),
        ("statement", REPORT_STATEMENT),
        ("heights", "alt_amsl_m is above mean sea level (EGM96)"),
        *(("note", note) for note in content.notes),
    ]
    return pandas.DataFrame(said, columns=["what", "text"])


def _last_moment(content: ExportContent) -> datetime:
    """The time of the last frame (or sighting), the epoch where no time is known."""
    tables = [(content.sightings, "last_seen_utc")] + ([(content.frames, "time_utc")] if content.frames else [])
    times = [moment for table, name in tables for moment in table[name].to_pylist() if moment is not None]
    return max(times, default=_EPOCH)


@contextmanager
def _dated(moment: datetime) -> Iterator[None]:
    """GDAL takes this moment for now."""
    option = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(option)
    pyogrio.set_gdal_config_options({option: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({option: before})
