"""Reading and checking an area: GeoJSON in, polygons and points with their roles out, or one line that says the mend.

Checks what can be judged on the area alone. Whether it can be flown, and how, is left to `planner`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Polygon
from shapely.validation import explain_validity

from missions.plan import Position
from missions.planning.local import to_local
from vision.errors import InputError
from vision.files import read_json

ROLES = ("patrol", "border", "no_fly", "home", "rally")
MAX_EXTENT_M = 60_000.0
MAX_HOME_DISTANCE_M = 20_000.0
_MIN_AREA_M2 = 1.0
_FLAT = 1e-10
_LON_LAT_NAMES = ("CRS84", "EPSG::4326", "EPSG:4326", "EPSG::4979", "EPSG:4979")
_POLYGONS = ("Polygon", "MultiPolygon")
_KINDS = {
    "patrol": _POLYGONS,
    "no_fly": _POLYGONS,
    "border": ("LineString", "MultiLineString", *_POLYGONS),
    "home": ("Point",),
    "rally": ("Point", "MultiPoint"),
}


@dataclass(frozen=True)
class Area:
    """What an officer wants watched, in longitude and latitude (WGS 84).

    `patrol` is what to photograph; its holes need no photographs but may be flown over. `no_fly` is never flown over,
    at any height. `border` are the lines of the border. `notes` tell what was mended while reading.
    """

    name: str
    patrol: MultiPolygon
    border: MultiLineString = field(default_factory=MultiLineString)
    no_fly: MultiPolygon = field(default_factory=MultiPolygon)
    home: Position | None = None
    rally: tuple[Position, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Feature:
    """One geometry with where it stands in the file."""

    place: str
    role: str | None
    kind: str
    coordinates: Any


class _Reader:
    """The file being read: its name for messages, its reference system, and the notes gathered on the way."""

    def __init__(self, path: Path, project: Callable[[float, float], tuple[float, float]] | None) -> None:
        self.path = path
        self.project = project
        self.notes: list[str] = []

    def error(self, place: str, problem: str) -> InputError:
        return InputError(self.path, problem, place)

    def position(self, value: Any, place: str) -> tuple[float, float]:
        """(longitude, latitude) of a GeoJSON position; heights are left aside."""
        if not isinstance(value, list) or len(value) < 2:
            raise self.error(place, f"{_shown(value)} is no position; write [longitude, latitude]")
        for number in value[:2]:
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise self.error(place, f"{_shown(number)} is not a number; write [longitude, latitude] in degrees")
        try:
            lon, lat = float(value[0]), float(value[1])
        except OverflowError:
            lon = lat = math.inf
        if not (math.isfinite(lon) and math.isfinite(lat)):
            raise self.error(place, f"{_shown(value[:2])} is not a place; write [longitude, latitude] in degrees")
        if self.project is not None:
            lon, lat = self.project(lon, lat)
            if not (math.isfinite(lon) and math.isfinite(lat)):
                raise self.error(
                    place, f"{_shown(value[:2])} lies outside the file's reference system; export in WGS 84"
                )
        if abs(lat) > 90 and abs(lon) <= 90:
            raise self.error(
                place, f"latitude {lat:g} is beyond 90 degrees; GeoJSON wants [longitude, latitude]: swap them"
            )
        if abs(lat) > 90 or abs(lon) > 180:
            raise self.error(place, f"[{lon:g}, {lat:g}] is no longitude and latitude in degrees; export in WGS 84")
        return lon, lat

    def positions(self, value: Any, place: str) -> list[tuple[float, float]]:
        if not isinstance(value, list):
            raise self.error(place, f"{_shown(value)} is no list of positions; write [[longitude, latitude], ...]")
        return [self.position(item, f"{place}, position {index}") for index, item in enumerate(value, 1)]

    def ring(self, value: Any, place: str) -> list[tuple[float, float]]:
        """A closed ring; one that is not closed is closed, with a note."""
        points = self.positions(value, place)
        if len(set(points)) < 3:
            raise self.error(place, f"{len(set(points))} different positions enclose nothing; draw at least 3 corners")
        if points[0] != points[-1]:
            self.notes.append(
                f"{self.path.name}, {place}: the ring was not closed; its last position was joined to its first"
            )
            points.append(points[0])
        return points

    def polygon(self, value: Any, place: str) -> Polygon:
        if not isinstance(value, list) or not value:
            raise self.error(place, "the polygon has no ring; write [[[longitude, latitude], ...]]")
        rings = [self.ring(ring, f"{place}, ring {index}") for index, ring in enumerate(value, 1)]
        polygon = Polygon(rings[0], rings[1:])
        if shapely.convex_hull(polygon).area <= _FLAT * polygon.length**2:
            raise self.error(
                place, "its corners lie on one line and enclose no ground (zero size); draw a larger polygon"
            )
        if not polygon.is_valid:
            raise self.error(place, _invalidity(polygon))
        return polygon

    def polygons(self, feature: _Feature) -> list[Polygon]:
        if feature.kind == "Polygon":
            return [self.polygon(feature.coordinates, feature.place)]
        parts = self._parts(feature)
        return [self.polygon(part, f"{feature.place}, polygon {index}") for index, part in enumerate(parts, 1)]

    def lines(self, feature: _Feature) -> list[LineString]:
        if feature.kind in _POLYGONS:
            return [LineString(polygon.exterior.coords) for polygon in self.polygons(feature)]
        parts = [feature.coordinates] if feature.kind == "LineString" else self._parts(feature)
        lines = [self.positions(part, feature.place) for part in parts]
        for line in lines:
            if len(set(line)) < 2:
                raise self.error(feature.place, "a line needs two different positions; draw it again")
        return [LineString(line) for line in lines]

    def points(self, feature: _Feature) -> list[Position]:
        values = [feature.coordinates] if feature.kind == "Point" else self._parts(feature)
        found = [self.position(value, feature.place) for value in values]
        return [Position(lat, lon) for lon, lat in found]

    def _parts(self, feature: _Feature) -> list[Any]:
        if not isinstance(feature.coordinates, list) or not feature.coordinates:
            raise self.error(feature.place, f"the {feature.kind} is empty; draw it or delete the feature")
        return feature.coordinates


def read_area(path: str | Path) -> Area:
    """The area in a GeoJSON file: a FeatureCollection, a Feature or a bare geometry.

    Each feature's property `role` is one of ROLES; polygons without a role are the patrol area where no feature has
    that role. Positions are WGS 84; a `crs` member that names another system is obeyed. Raises InputError, naming the
    feature, for anything that cannot be an area.
    """
    path = Path(path)
    content = _load(path)
    reader = _Reader(path, _projection(path, content))
    features = _with_patrol(reader, list(_features(reader, content)))
    by_role = {role: [feature for feature in features if feature.role == role] for role in ROLES}
    for feature in features:
        kinds = _KINDS[str(feature.role)]
        if feature.kind not in kinds:
            raise reader.error(
                feature.place, f"a {feature.role} cannot be a {feature.kind}; draw a {' or '.join(kinds)}"
            )
    patrol = _united(polygon for feature in by_role["patrol"] for polygon in reader.polygons(feature))
    no_fly = _united(polygon for feature in by_role["no_fly"] for polygon in reader.polygons(feature))
    border = MultiLineString([line for feature in by_role["border"] for line in reader.lines(feature)])
    homes = [point for feature in by_role["home"] for point in reader.points(feature)]
    if len(homes) > 1:
        raise reader.error(by_role["home"][1].place, "a second home; keep one and make the others rally points")
    rally = tuple(point for feature in by_role["rally"] for point in reader.points(feature))
    name = _name(content, path)
    area = Area(name, patrol, border, no_fly, homes[0] if homes else None, rally, tuple(reader.notes))
    _check_size(reader, area, by_role["patrol"][0].place)
    return area


def check_home(source: str | Path, area: Area, home: Position) -> None:
    """Raise InputError where `home` is too far from the patrol area to be meant."""
    local = to_local(area.patrol, home)
    distance_m = local.distance(shapely.Point(0.0, 0.0))
    if not distance_m <= MAX_HOME_DISTANCE_M:
        raise InputError(
            source,
            f"home at {home.lat_deg:.5f}, {home.lon_deg:.5f} is {distance_m / 1000:.0f} km from the patrol area; "
            "put it near the area, longitude and latitude in the right order",
            "home",
        )


def _load(path: Path) -> dict[str, Any]:
    content = read_json(path, "a GeoJSON file with the area")
    if not isinstance(content.get("type"), str):
        raise InputError(path, "JSON, but not GeoJSON (no `type` at its top); export the area as GeoJSON")
    return content


def _projection(path: Path, content: dict[str, Any]) -> Callable[[float, float], tuple[float, float]] | None:
    """How to turn the file's coordinates into longitude and latitude; None where they are that already."""
    crs = content.get("crs")
    if crs is None:
        return None
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str):
        raise InputError(path, "names no reference system that can be read; export in WGS 84 (EPSG:4326)", "crs")
    if name.endswith(_LON_LAT_NAMES):
        return None
    try:
        transformer = Transformer.from_crs(CRS.from_user_input(name), "EPSG:4326", always_xy=True)
    except CRSError as error:
        raise InputError(path, f"{name!r} is no known reference system; export in WGS 84 (EPSG:4326)", "crs") from error

    def project(x: float, y: float) -> tuple[float, float]:
        lon, lat = transformer.transform(x, y)
        return float(lon), float(lat)

    return project


def _features(reader: _Reader, content: dict[str, Any]) -> Iterable[_Feature]:
    kind = content["type"]
    if kind == "FeatureCollection":
        features = content.get("features")
        if not isinstance(features, list) or not features:
            raise reader.error("", "the collection has no features; draw the patrol area as a polygon")
        for index, feature in enumerate(features, 1):
            yield from _feature(reader, feature, f"feature {index}")
    elif kind == "Feature":
        yield from _feature(reader, content, "feature 1")
    else:
        yield from _geometries(reader, content, "geometry", None)


def _feature(reader: _Reader, feature: Any, place: str) -> Iterable[_Feature]:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise reader.error(place, "not a GeoJSON Feature; export the area again")
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise reader.error(
            place, f'its properties are {_shown(properties)}; they must be an object such as {{"role": "patrol"}}'
        )
    if isinstance(properties.get("name"), str) and properties["name"].strip():
        place = f"{place} ({properties['name'].strip()[:40]})"
    role = properties.get("role")
    if role is not None:
        role = role.strip().lower().replace("-", "_").replace(" ", "_") if isinstance(role, str) else role
        if role not in ROLES:
            raise reader.error(place, f"unknown role {_shown(role)}; use one of {', '.join(ROLES)}")
    if feature.get("geometry") is None:
        raise reader.error(place, "it has no geometry; draw it or delete the feature")
    yield from _geometries(reader, feature["geometry"], place, role)


def _geometries(reader: _Reader, geometry: Any, place: str, role: str | None) -> Iterable[_Feature]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list):
        for part in geometry["geometries"]:
            if isinstance(part, dict) and part.get("type") == "GeometryCollection":
                raise reader.error(place, "a GeometryCollection inside another; export it flat")
            yield from _geometries(reader, part, place, role)
        return
    if kind not in {"Point", "MultiPoint", "LineString", "MultiLineString", *_POLYGONS}:
        raise reader.error(place, f"{_shown(kind)} is no GeoJSON geometry; draw a Polygon")
    yield _Feature(place, role, kind, geometry.get("coordinates"))


def _with_patrol(reader: _Reader, features: Sequence[_Feature]) -> list[_Feature]:
    """The features with every role settled: polygons without one are the patrol area where nothing else is."""
    has_patrol = any(feature.role == "patrol" for feature in features)
    settled = []
    for feature in features:
        role = feature.role
        if role is None and not has_patrol and feature.kind in _POLYGONS:
            role = "patrol"
        if role is None:
            raise reader.error(feature.place, f"no role; set the property `role` to one of {', '.join(ROLES)}")
        settled.append(_Feature(feature.place, role, feature.kind, feature.coordinates))
    if not any(feature.role == "patrol" for feature in settled):
        raise reader.error("", 'no patrol area; draw a polygon with the property "role": "patrol"')
    return settled


def _united(polygons: Iterable[Polygon]) -> MultiPolygon:
    """Polygons as one valid MultiPolygon, those that overlap or touch made one."""
    union = shapely.union_all(list(polygons))
    parts = [part for part in shapely.get_parts(union) if isinstance(part, Polygon) and not part.is_empty]
    return MultiPolygon(parts)


def _check_size(reader: _Reader, area: Area, place: str) -> None:
    """Refuse what encloses no ground or stretches so far that its coordinates cannot be meant."""
    west, south, east, north = area.patrol.bounds
    origin = Position((south + north) / 2, (west + east) / 2)
    if east - west > 180.0:
        raise reader.error(place, "the patrol area reaches across 180 degrees of longitude; plan either side by itself")
    limit_deg = MAX_EXTENT_M / 111_000.0
    too_wide = (east - west) * math.cos(math.radians(origin.lat_deg)) > limit_deg or north - south > limit_deg
    if too_wide:
        raise reader.error(
            place,
            f"the patrol area spans {north - south:.2f} by {east - west:.2f} degrees, more than "
            f"{MAX_EXTENT_M / 1000:.0f} km; check its coordinates or split it",
        )
    if abs(origin.lat_deg) > 85:
        raise reader.error(place, "the area lies within 5 degrees of a pole; check that longitude comes first")
    if to_local(area.patrol, origin).area < _MIN_AREA_M2:
        raise reader.error(place, "the patrol area encloses no ground (zero size); draw a larger polygon")
    if area.home is not None:
        check_home(reader.path, area, area.home)


def _invalidity(polygon: Polygon) -> str:
    """Why GEOS calls a polygon invalid, with the place as latitude and longitude."""
    reason, _, place = explain_validity(polygon).rstrip("]").partition("[")
    what = {
        "Self-intersection": "the polygon crosses itself",
        "Ring Self-intersection": "the polygon touches or crosses itself",
        "Hole lies outside shell": "a hole lies outside the polygon",
        "Holes are nested": "a hole lies inside another",
        "Interior is disconnected": "holes cut the polygon in two",
        "Too few points in geometry component": "the polygon encloses no ground (zero size)",
    }.get(reason.strip(), f"the polygon is not valid ({reason.strip().lower()})")
    parts = place.split()
    where = f" at latitude {float(parts[1]):.6f}, longitude {float(parts[0]):.6f}" if len(parts) >= 2 else ""
    return f"{what}{where}; redraw it there"


def _name(content: dict[str, Any], path: Path) -> str:
    properties = content.get("properties")
    candidates = [content.get("name"), properties.get("name") if isinstance(properties, dict) else None]
    for name in candidates:
        if isinstance(name, str) and name.strip():
            return " ".join(name.split())
    return path.stem


def _shown(value: Any) -> str:
    """A value of the file as JSON, shortened for a message."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
