"""The area as a value, the roles its parts can play, and the checks that can be made on the area alone.

Reading one from a file is `missions.areas.read`; whether it can be flown, and how, is `missions.planning`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from shapely.geometry import MultiLineString, MultiPolygon, Point

from mapping.ground.frame import LocalFrame
from missions.plan import Position
from vision.errors import InputError

ROLES = ("patrol", "border", "no_fly", "home", "rally")
MAX_EXTENT_M = 60_000.0
MAX_HOME_DISTANCE_M = 20_000.0
_MIN_AREA_M2 = 1.0
_NAMED = {
    "patrol": ("patrol area", "area", "area of interest", "aoi"),
    "border": ("border line", "borders", "frontier", "boundary"),
    "no_fly": ("no fly zone", "no fly zones", "nofly", "nfz", "exclusion"),
    "home": ("take off", "takeoff", "launch", "home point"),
    "rally": ("rally point", "rally points", "rallypoint"),
}
_ROLE_OF = {name: role for role, names in _NAMED.items() for name in (role.replace("_", " "), *names)}


@dataclass(frozen=True)
class Area:
    """What an officer wants watched, in longitude and latitude (WGS 84).

    `patrol` is what to photograph; its holes need no photographs but may be flown over. `no_fly` is never flown over,
    at any height. `border` are the lines of the border. Shapes across the 180th meridian go on beyond 180 degrees;
    positions never do. `notes` tell what was mended while reading.
    """

    name: str
    patrol: MultiPolygon
    border: MultiLineString = field(default_factory=MultiLineString)
    no_fly: MultiPolygon = field(default_factory=MultiPolygon)
    home: Position | None = None
    rally: tuple[Position, ...] = ()
    notes: tuple[str, ...] = ()


def role_named(text: str) -> str | None:
    """The role that the name of a layer or of a feature stands for ("No-fly zones", "rally 2"); None where none."""
    words = " ".join(re.sub(r"[\W_]+", " ", text.lower()).split())
    return _ROLE_OF.get(words) or _ROLE_OF.get(re.sub(r" \d+$", "", words))


def check_area(source: str | Path, area: Area, place: str) -> None:
    """Raise InputError where the patrol area encloses no ground, or stretches so far, or lies so near a pole, that its
    coordinates cannot be meant; or where home is far from it. `place` is the patrol area's in the file."""
    west, south, east, north = area.patrol.bounds
    middle = LocalFrame((south + north) / 2, (west + east) / 2)
    limit_deg = MAX_EXTENT_M / 111_000.0
    if (east - west) * math.cos(math.radians(middle.lat0_deg)) > limit_deg or north - south > limit_deg:
        raise InputError(
            source,
            f"the patrol area spans {north - south:.2f} by {east - west:.2f} degrees, more than "
            f"{MAX_EXTENT_M / 1000:.0f} km; check its coordinates or split it",
            place,
        )
    if abs(middle.lat0_deg) > 85:
        raise InputError(source, "the area lies within 5 degrees of a pole; check that longitude comes first", place)
    if middle.geometry_to_local(area.patrol).area < _MIN_AREA_M2:
        raise InputError(source, "the patrol area encloses no ground (zero size); draw a larger polygon", place)
    if area.home is not None:
        check_home(source, area, area.home)


def check_home(source: str | Path, area: Area, home: Position) -> None:
    """Raise InputError where `home` is too far from the patrol area to be meant."""
    local = LocalFrame(home.lat_deg, home.lon_deg).geometry_to_local(area.patrol)
    distance_m = local.distance(Point(0.0, 0.0))
    if not distance_m <= MAX_HOME_DISTANCE_M:
        raise InputError(
            source,
            f"home at {home.lat_deg:.5f}, {home.lon_deg:.5f} is {distance_m / 1000:.0f} km from the patrol area; "
            "put it near the area, longitude and latitude in the right order",
            "home",
        )
