"""The area a QGroundControl `.plan` was made for: the polygons of its surveys, the lines of its corridors, its fence's
exclusions, its home and rally points. The route in it is left to `missions.formats.qgc`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mapping.ground.frame import LocalFrame
from missions.areas.features import Content, Feature
from vision.errors import InputError

_CIRCLE_CORNERS = 48


def read_qgroundcontrol(path: Path, content: dict[str, Any]) -> Content:
    """The features of a parsed `.plan`. A plan without a survey is watched inside its inclusion fence; one with
    neither is a route and no area (InputError)."""
    mission = content.get("mission")
    if content.get("fileType") != "Plan" or not isinstance(mission, dict):
        raise InputError(path, "JSON, but no plan of QGroundControl (fileType is not Plan)")
    fence, rally = (_object(content.get(name)) for name in ("geoFence", "rallyPoints"))
    drawn = list(_patterns(path, mission.get("items")))
    fenced = [*_polygons(path, fence.get("polygons")), *_circles(path, fence.get("circles"))]
    notes = []
    if not any(feature.role == "patrol" for feature in drawn):
        inside = [feature for feature in fenced if feature.role is None]
        if not inside:
            raise InputError(
                path, "holds a route and no area: neither a survey nor an inclusion fence; draw one of them"
            )
        drawn += [Feature(one.place, "patrol", one.kind, one.coordinates) for one in inside]
        notes.append(f"{path.name}: it holds no survey, so what its inclusion fence encloses is watched")
    features = [*drawn, *(feature for feature in fenced if feature.role is not None)]
    home = mission.get("plannedHomePosition")
    if isinstance(home, list) and len(home) >= 2:
        features.append(Feature("mission, plannedHomePosition", "home", "Point", _swapped(path, home, "home")))
    for number, point in enumerate(_list(path, rally.get("points"), "rallyPoints"), 1):
        place = f"rallyPoints, point {number}"
        features.append(Feature(place, "rally", "Point", _swapped(path, point, place)))
    return Content(None, tuple(features), tuple(notes))


def _patterns(path: Path, items: Any) -> Iterator[Feature]:
    for number, item in enumerate(_list(path, items, "mission, items"), 1):
        kind = item.get("complexItemType") if isinstance(item, dict) else None
        place = f"mission item {number}"
        if kind == "survey":
            ring = [_swapped(path, vertex, place) for vertex in _list(path, item.get("polygon"), place)]
            yield Feature(place, "patrol", "Polygon", [_closed(ring)])
        elif kind == "CorridorScan":
            line = [_swapped(path, vertex, place) for vertex in _list(path, item.get("polyline"), place)]
            yield Feature(place, "border", "LineString", line)


def _polygons(path: Path, polygons: Any) -> Iterator[Feature]:
    for number, described in enumerate(_list(path, polygons, "geoFence, polygons"), 1):
        place = f"geoFence, polygon {number}"
        polygon = _object(described)
        ring = [_swapped(path, vertex, place) for vertex in _list(path, polygon.get("polygon"), place)]
        yield Feature(place, None if polygon.get("inclusion", True) else "no_fly", "Polygon", [_closed(ring)])


def _circles(path: Path, circles: Any) -> Iterator[Feature]:
    for number, described in enumerate(_list(path, circles, "geoFence, circles"), 1):
        place = f"geoFence, circle {number}"
        circle = _object(_object(described).get("circle"))
        radius_m = circle.get("radius")
        if isinstance(radius_m, bool) or not isinstance(radius_m, (int, float)) or not 0 < radius_m < 1e5:
            raise InputError(path, "not a circle with a radius in metres; save it again in QGroundControl", place)
        centre = _swapped(path, circle.get("center"), place)
        inclusion = bool(_object(described).get("inclusion", True))
        yield Feature(
            place, None if inclusion else "no_fly", "Polygon", [circle_ring(centre, radius_m, outside=not inclusion)]
        )


def circle_ring(centre: list[float], radius_m: float, *, outside: bool) -> list[list[float]]:
    """A closed ring of [longitude, latitude] round `centre` that holds the circle (`outside`) or lies in it."""
    frame = LocalFrame(centre[1], centre[0])
    radius_m *= 1.0 / math.cos(math.pi / _CIRCLE_CORNERS) if outside else 1.0
    angles = [2.0 * math.pi * corner / _CIRCLE_CORNERS for corner in range(_CIRCLE_CORNERS)]
    lat, lon = frame.to_geodetic(
        [radius_m * math.sin(angle) for angle in angles], [radius_m * math.cos(angle) for angle in angles]
    )
    return _closed([[float(x), float(y)] for x, y in zip(lon, lat, strict=True)])


def _closed(ring: list[Any]) -> list[Any]:
    """QGroundControl does not repeat the first corner."""
    return ring if not ring or ring[0] == ring[-1] else [*ring, ring[0]]


def _object(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def _swapped(path: Path, vertex: Any, place: str) -> list[Any]:
    """[longitude, latitude] of QGroundControl's [latitude, longitude, ...]."""
    if not isinstance(vertex, list) or len(vertex) < 2:
        raise InputError(path, "a position is missing; save it again in QGroundControl", place)
    return [vertex[1], vertex[0]]


def _list(path: Path, value: Any, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(path, "has to be a list; save it again in QGroundControl", place)
    return value
