"""Coordinates as people's files hold them become shapes in longitude and latitude: every number checked, what is
certainly meant mended and noted, everything else refused with its place. Knows no file format and no role."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from mapping.ground.frame import longitudes_near
from missions.plan import Position
from vision.errors import InputError

Projection = Callable[[float, float], tuple[float, float]]
POLYGONS = ("Polygon", "MultiPolygon")
KINDS = ("Point", "MultiPoint", "LineString", "MultiLineString", *POLYGONS)

_FLAT = 1e-10
_CERTAIN = 0.001
"""A mend that changes no more than this share of a polygon's ground is what was meant; a larger one is a guess."""


class Shapes:
    """Reads the coordinates of one file. `project` turns its coordinates into longitude and latitude (None: they are
    that already); `notes` gathers what was mended."""

    def __init__(self, path: Path, project: Projection | None = None) -> None:
        """`path` is the file, for messages."""
        self.path = path
        self.project = project
        self.notes: list[str] = []

    def error(self, place: str, problem: str) -> InputError:
        """Bad input at a place of this file."""
        return InputError(self.path, problem, place)

    def position(self, value: Any, place: str) -> tuple[float, float]:
        """(longitude, latitude) of [x, y, ...]; heights are left aside. Raises InputError where it is no place."""
        if not isinstance(value, (list, tuple)) or len(value) < 2:
            raise self.error(place, f"{shown(value)} is no position; write [longitude, latitude]")
        for number in value[:2]:
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise self.error(place, f"{shown(number)} is not a number; write [longitude, latitude] in degrees")
        try:
            lon, lat = float(value[0]), float(value[1])
        except OverflowError:
            lon = lat = math.inf
        if not (math.isfinite(lon) and math.isfinite(lat)):
            raise self.error(place, f"{shown(value[:2])} is not a place; write [longitude, latitude] in degrees")
        if self.project is not None:
            lon, lat = self.project(lon, lat)
            if not (math.isfinite(lon) and math.isfinite(lat)):
                raise self.error(
                    place, f"{shown(value[:2])} lies outside the file's reference system; export in WGS 84"
                )
        if abs(lat) > 90 and abs(lon) <= 90:
            raise self.error(
                place, f"latitude {lat:g} is beyond 90 degrees; GeoJSON wants [longitude, latitude]: swap them"
            )
        if abs(lat) > 90 or abs(lon) > 360:
            raise self.error(place, f"[{lon:g}, {lat:g}] is no longitude and latitude in degrees; export in WGS 84")
        return lon, lat

    def points(self, kind: str, coordinates: Any, place: str) -> list[Position]:
        """The positions of a Point or MultiPoint."""
        values = [coordinates] if kind == "Point" else self._parts(kind, coordinates, place)
        found = [self.position(value, place) for value in values]
        return [Position(lat, float(longitudes_near(lon, 0.0))) for lon, lat in found]

    def lines(self, kind: str, coordinates: Any, place: str) -> list[LineString]:
        """The lines of a LineString or MultiLineString, or the outlines of polygons."""
        if kind in POLYGONS:
            return [LineString(polygon.exterior.coords) for polygon in self.polygons(kind, coordinates, place)]
        parts = [coordinates] if kind == "LineString" else self._parts(kind, coordinates, place)
        lines = [self._positions(part, place) for part in parts]
        for line in lines:
            if len(set(line)) < 2:
                raise self.error(place, "a line needs two different positions; draw it again")
        return [LineString(line) for line in lines]

    def polygons(self, kind: str, coordinates: Any, place: str) -> list[Polygon]:
        """The valid polygons of a Polygon or MultiPolygon, mended where that is certain."""
        if kind == "Polygon":
            return self._polygon(coordinates, place)
        parts = self._parts(kind, coordinates, place)
        return [
            polygon
            for index, part in enumerate(parts, 1)
            for polygon in self._polygon(part, f"{place}, polygon {index}" if len(parts) > 1 else place)
        ]

    def _parts(self, kind: str, coordinates: Any, place: str) -> Sequence[Any]:
        if not isinstance(coordinates, (list, tuple)) or not coordinates:
            raise self.error(place, f"the {kind} is empty; draw it or delete the feature")
        return coordinates

    def _positions(self, value: Any, place: str) -> list[tuple[float, float]]:
        """Positions of a line, going on beyond 180 degrees where it crosses that meridian: no one draws a line round
        the Earth."""
        if not isinstance(value, (list, tuple)):
            raise self.error(place, f"{shown(value)} is no list of positions; write [[longitude, latitude], ...]")
        points = [self.position(item, f"{place}, position {index}") for index, item in enumerate(value, 1)]
        if points and max(abs(b[0] - a[0]) for a, b in zip(points, points[1:] + points[:1], strict=True)) > 180.0:
            lon = np.rad2deg(np.unwrap(np.deg2rad([point[0] for point in points])))
            # Back onto the digits that were written: unwrapping goes through radians.
            points = [
                (point[0] + 360.0 * round((turned - point[0]) / 360.0), point[1])
                for point, turned in zip(points, lon.tolist(), strict=True)
            ]
        return points

    def _ring(self, value: Any, place: str) -> list[tuple[float, float]]:
        """A closed ring; one that is not closed is closed, with a note."""
        points = self._positions(value, place)
        if len(set(points)) < 3:
            raise self.error(place, f"{len(set(points))} different positions enclose nothing; draw at least 3 corners")
        if points[0] != points[-1]:
            if abs(points[0][0] - points[-1][0]) > 180.0:
                raise self.error(place, "the ring goes round a pole; check its longitudes")
            self.notes.append(
                f"{self.path.name}, {place}: the ring was not closed; its last position was joined to its first"
            )
            points.append(points[0])
        return points

    def _polygon(self, value: Any, place: str) -> list[Polygon]:
        if not isinstance(value, (list, tuple)) or not value:
            raise self.error(place, "the polygon has no ring; write [[[longitude, latitude], ...]]")
        rings = [self._ring(ring, f"{place}, ring {index}") for index, ring in enumerate(value, 1)]
        middle = rings[0][0][0]
        shell, *holes = [
            [(float(longitudes_near(lon, middle)) if index else lon, lat) for lon, lat in ring]
            for index, ring in enumerate(rings)
        ]
        polygon = Polygon(shell, holes)
        if shapely.convex_hull(polygon).area <= _FLAT * polygon.length**2:
            raise self.error(
                place, "its corners lie on one line and enclose no ground (zero size); draw a larger polygon"
            )
        if polygon.is_valid:
            return [polygon]
        reason = _invalidity(polygon)
        mended = _mended(polygon)
        if mended is None:
            raise self.error(place, f"{reason}; redraw it there")
        self.notes.append(f"{self.path.name}, {place}: {reason}; what is meant is certain, so it was mended")
        return mended


def united(polygons: Sequence[Polygon], around_deg: float) -> MultiPolygon:
    """Polygons as one valid MultiPolygon: brought to the same turn of longitude as `around_deg`, those that overlap or
    touch made one (also the halves of one that a file cuts at 180 degrees)."""
    union = shapely.union_all([turned_near(polygon, around_deg) for polygon in polygons])
    return MultiPolygon([part for part in shapely.get_parts(union) if isinstance(part, Polygon) and not part.is_empty])


def turned_near(shape: BaseGeometry, around_deg: float) -> BaseGeometry:
    """The shape moved by whole turns of longitude so that its middle is within 180 degrees of `around_deg`."""
    west, _, east, _ = shape.bounds
    middle = (west + east) / 2
    turn = float(longitudes_near(middle, around_deg)) - middle
    return shape if turn == 0.0 else shapely.transform(shape, lambda xy: xy + np.array([turn, 0.0]))


def shown(value: Any) -> str:
    """A value of a file as JSON, shortened for a message."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _mended(polygon: Polygon) -> list[Polygon] | None:
    """Valid polygons with the ground that `polygon` certainly means; None where that is a guess.

    A ring is certain where the ground it encloses is the ground it goes round (shoelace formula): so with repeated
    corners, spikes, outlines that touch themselves and crossings by a slip of the hand. A bow tie goes round its halves
    in opposite directions. Holes may overlap or stick out; one that lies outside was meant for something else.
    """
    certain = [_enclosed(ring) for ring in (polygon.exterior, *polygon.interiors)]
    shell, *holes = [ground for ground in certain if ground is not None] or [Polygon()]
    if len(holes) + 1 < len(certain) or shell.is_empty:
        return None
    if any(hole.intersection(shell).area <= _CERTAIN * hole.area for hole in holes):
        return None
    ground = shell.difference(shapely.union_all(holes)) if holes else shell
    parts = [part for part in shapely.get_parts(ground) if isinstance(part, Polygon)]
    return [part for part in parts if part.area > _CERTAIN * ground.area] or None


def _enclosed(ring: shapely.LinearRing) -> BaseGeometry | None:
    """The ground inside a ring; None where it is not the ground the ring goes round."""
    enclosed = shapely.make_valid(Polygon(ring), method="structure", keep_collapsed=False)
    xy = shapely.get_coordinates(ring) - shapely.get_coordinates(ring)[0]
    round_it = abs(float(np.sum(xy[:-1, 0] * xy[1:, 1] - xy[1:, 0] * xy[:-1, 1]))) / 2.0
    return enclosed if enclosed.area > 0.0 and abs(enclosed.area - round_it) <= _CERTAIN * enclosed.area else None


def _invalidity(polygon: Polygon) -> str:
    """Why GEOS calls a polygon invalid, with the place as latitude and longitude."""
    with np.errstate(all="ignore"):  # GEOS divides by nothing where corners all but coincide
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
    return f"{what}{where}"
