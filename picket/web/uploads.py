"""Files dropped on the app: taken in under a name of our own, read by the same readers as the commands' files, and kept
only where those found them sound. Sizes are limited by the guard before a byte comes here."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import shapely
from fastapi import UploadFile

from mapping.ground.terrain import check_model
from missions.areas.layers import SUFFIXES
from missions.areas.read import read_area
from missions.formats import area_geojson
from missions.zones.read import read_zones
from picket.web.bodies import problem_of_value
from picket.web.places import checked_name
from vision.errors import InputError

AREA_SUFFIXES = (*SUFFIXES, ".geojson", ".json", ".plan")
ZONE_SUFFIXES = (".geojson", ".json")
TERRAIN_SUFFIXES = (".tif", ".tiff")
MOST_UNPACKED = 64 * 1024 * 1024
MOST_TEXT = 16 * 1024 * 1024
TEXTS = (".kml", ".geojson", ".json", ".plan")
"""Reading these takes some forty times their size in memory."""
WAIT_S = 20.0
_READING = threading.Lock()
MOST_MEMBERS = 1000
Result = TypeVar("Result")


@contextmanager
def taken_in(upload: UploadFile, suffixes: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """The file on the disk, in a folder that is gone afterwards, and the name it may be kept under. Raises InputError
    for a kind of file that is not wanted, and for an archive that unpacks to more than fits."""
    called = _name_of(upload.filename or "")
    suffix = Path(called).suffix.lower()
    if suffix not in suffixes:
        raise InputError(called, f"is none of {', '.join(suffixes)}; give one of these")
    with tempfile.TemporaryDirectory(prefix="picket-upload-") as folder:
        path = Path(folder) / f"file{suffix}"
        with path.open("wb") as stream:
            shutil.copyfileobj(upload.file, stream)
        if suffix in TEXTS and path.stat().st_size > MOST_TEXT:
            raise _too_large(called, MOST_TEXT)
        if zipfile.is_zipfile(path):
            _check_archive(path, called)
        yield path, called


def area_of(upload: UploadFile) -> dict[str, Any]:
    """The area in an uploaded file, as GeoJSON, and what was mended in reading it (`notes`). Raises InputError."""
    with taken_in(upload, AREA_SUFFIXES) as (path, called):
        area = _said_of(called, path, lambda: read_area(path))
    return _sound(called, {"area": json.loads(area_geojson.text_of(area)), "notes": list(area.notes)})


def zones_of(path: Path, called: str) -> list[dict[str, Any]]:
    """The zones in a file, for the map: title, what they ask, heights in words, ring of [longitude, latitude]. Raises
    InputError."""
    found = _said_of(called, path, lambda: read_zones(path))
    shown = [
        {
            "id": zone.identifier,
            "title": zone.title,
            "asks": zone.restriction.value,
            "heights": zone.heights,
            "ring": shapely.get_coordinates(zone.polygon.exterior).round(6).tolist(),
        }
        for zone in found.zones
    ]
    return _sound(called, shown)


def check_terrain(path: Path, called: str) -> None:
    """Raise InputError where a file is no elevation model."""
    _said_of(called, path, lambda: check_model(path))


def _sound(called: str, found: Result) -> Result:
    """`found`, where a browser and the drawing's file can hold it. Raises InputError."""
    problem = problem_of_value(found)
    if problem is not None:
        raise InputError(called, f"{problem}; export it again")
    return found


def _said_of(called: str, path: Path, read: Callable[[], Result]) -> Result:
    """What `read` finds; its complaints name the file as the person knows it, and whatever a hostile file makes a
    library raise is one of them. One file is read at a time, so that what they take of the memory does not add up."""
    if not _READING.acquire(timeout=WAIT_S):
        raise InputError(called, "other files are being read; send it again in a minute")
    try:
        return read()
    except InputError as error:
        raise InputError(called, error.problem.replace(str(path), called), error.place) from error
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RuntimeError, MemoryError) as error:
        raise InputError(called, "cannot be read; export it again") from error
    finally:
        _READING.release()


def _check_archive(path: Path, called: str) -> None:
    try:
        members = zipfile.ZipFile(path).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(called, "is a damaged archive; export it again") from error
    texts = [member.file_size for member in members if Path(member.filename).suffix.lower() in TEXTS]
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_UNPACKED:
        raise _too_large(called, MOST_UNPACKED)
    if sum(texts) > MOST_TEXT:
        raise _too_large(called, MOST_TEXT)


def _too_large(called: str, most: int) -> InputError:
    return InputError(called, f"holds more than {most // 1024 // 1024} MB, unpacked; send only the area")


def _name_of(given: str) -> str:
    """The last part of a file name a browser sent, as a name that may be kept."""
    last = given.replace("\\", "/").rpartition("/")[2]
    try:
        return checked_name(last)
    except InputError:
        return f"file{Path(last[-20:]).suffix}" if Path(last[-20:]).suffix.isascii() else "file"
