"""Files of places that others hand in - areas, elevation models, aerial images - opened so that they lead nowhere else.
GDAL, which reads them, knows formats whose files only name other files or addresses, and finds out the format from the
content, whatever the file is called. Here it keeps to the formats that Picket takes and to this machine. What is in the
files is their readers' subject.
"""

from __future__ import annotations

import os
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import IO

import rasterio

from vision.errors import InputError, VisionError

VECTOR_DRIVERS = frozenset({"ESRI Shapefile", "FlatGeobuf", "GPKG", "KML", "LIBKML", "MEM"})
"""The only ones that reading and writing layers may use."""
OFFLINE = {
    "GDAL_HTTP_PROXY": "http://127.0.0.1:9",  # nothing listens there, so that whatever is asked for never leaves
    "GDAL_HTTPS_PROXY": "http://127.0.0.1:9",
    "GDAL_HTTP_CONNECTTIMEOUT": "1",
    "GDAL_HTTP_TIMEOUT": "1",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
    "PROJ_NETWORK": "OFF",
}
"""GDAL and PROJ read these from the environment whenever they would go to the network."""
_BEGINS = {".gpkg": b"SQLite format 3\0", ".fgb": b"fgb", ".shp": b"\x00\x00\x27\x0a"}
_HEAD_BYTES = 4096
_ARCHIVES = (".zip", ".kmz")
_LOCK = threading.Lock()

os.environ.update(OFFLINE)


def vector_library() -> ModuleType:
    """The module `pyogrio`, with all its formats but `VECTOR_DRIVERS` gone for the whole process."""
    import pyogrio  # loading it takes most of a second, which plans from GeoJSON need not pay
    from pyogrio._ogr import _register_drivers  # it has no public way to do without a format

    with _LOCK:
        unwanted = set(pyogrio.list_drivers()) - VECTOR_DRIVERS
        if unwanted:
            pyogrio.set_gdal_config_options({"GDAL_SKIP": ",".join(sorted(unwanted))})
            _register_drivers()
        left = set(pyogrio.list_drivers()) - VECTOR_DRIVERS
    if left:
        raise VisionError(
            f"GDAL still has {', '.join(sorted(left))}, which may lead elsewhere; install the pinned pyogrio"
        )
    return pyogrio


def check_layers(path: Path) -> None:
    """Raise InputError where a file of layers is not what its name says, in an archive too."""
    suffix = path.suffix.lower()
    if suffix not in _ARCHIVES:
        with path.open("rb") as stream:
            _check_begin(path, path.name, stream)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as stream:
                    _check_begin(path, member.filename, stream)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as error:
        raise InputError(
            path, f"cannot be read as {path.suffix[1:].upper()} (a damaged or locked archive); export it again"
        ) from error


def _check_begin(path: Path, name: str, stream: IO[bytes]) -> None:
    suffix = Path(name).suffix.lower()
    begins = stream.read(_HEAD_BYTES)
    if suffix in _BEGINS:
        well = begins.startswith(_BEGINS[suffix])
    elif suffix == ".kml":
        text = (
            begins.decode("utf-16", "replace") if begins[:2] in (b"\xff\xfe", b"\xfe\xff") else begins.decode("latin-1")
        )
        well = "<kml" in text.lower() or ":kml" in text.lower()
    else:
        return
    if not well:
        which = "it" if name == path.name else f"{name[-60:]!r} in it"
        raise InputError(path, f"cannot be read as {suffix[1:].upper()} ({which} only bears its name); export it again")


@contextmanager
def open_geotiff(path: str | PathLike[str]) -> Iterator[rasterio.DatasetReader]:
    """The GeoTIFF at `path`. Raises InputError where it names another file as its smaller picture, RasterioError where
    it is none."""
    with rasterio.open(path, driver="GTiff") as dataset:
        if dataset.tags(ns="OVERVIEWS"):
            raise InputError(path, "refers to another file; export it as a GeoTIFF that stands alone")
        yield dataset
