"""Reading zones from a file: ED-269, ED-318 or plain GeoJSON, told apart by what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from missions.areas.geojson import projection
from missions.areas.shapes import Shapes
from missions.zones.ed269 import is_ed269, read_ed269
from missions.zones.ed318 import is_ed318, read_ed318
from missions.zones.plain import read_plain
from missions.zones.zone import Zone
from vision.errors import InputError
from vision.files import read_json


@dataclass(frozen=True)
class ZoneFile:
    """The zones of a file, the format they came in, and what was mended in reading them."""

    path: Path
    format: str
    zones: tuple[Zone, ...]
    notes: tuple[str, ...]


def read_zones(path: str | Path) -> ZoneFile:
    """The zones of a file. Raises InputError, naming the zone and the field, for what cannot be read: a zone left out
    in silence would be flown through."""
    path = Path(path)
    content = read_json(path, "a file of zones: ED-269, ED-318 or GeoJSON")
    shapes = Shapes(path)
    if is_ed269(content):
        name, zones = "ED-269", tuple(read_ed269(shapes, content))
    elif is_ed318(content):
        name, zones = "ED-318", tuple(read_ed318(shapes, content))
    elif isinstance(content.get("type"), str):
        shapes.project = projection(path, content)
        name, zones = "GeoJSON", tuple(read_plain(shapes, content))
    else:
        raise InputError(path, "neither ED-269 nor ED-318 nor GeoJSON; give one of these")
    return ZoneFile(path, name, zones, tuple(shapes.notes))
