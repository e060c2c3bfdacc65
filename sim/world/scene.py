"""Who is where in the practice world: people and vehicles with their true places, put down at random but plausibly, and
the truth file that holds them. What they look like is `shapes`' subject, the ground under them `ground`'s.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon

from mapping.ground.frame import LocalFrame, geometry_near, longitudes_near
from sim.errors import SimulationError
from sim.world.ground import Ground
from sim.world.shapes import PERSON_KINDS, SIZES_M, VEHICLE_KINDS
from vision.errors import InputError
from vision.files import read_json, write_whole

APART_M = 6.0
"""Least distance between the centres of two objects, so that no fair fusion takes them for one."""
INWARD_M = 4.0
"""Objects stand at least this far inside the edge of the area, where it is wide enough."""
_TRIES = 4000


@dataclass(frozen=True)
class Object:
    """One person or vehicle: its centre on the ground, the way it faces (degrees from true north), its kind and size.
    `warmth` 0..1 is how warm a vehicle's engine is; people are warm anyway."""

    id: str
    object_class: str
    kind: str
    lat_deg: float
    lon_deg: float
    heading_deg: float
    length_m: float
    width_m: float
    height_m: float
    warmth: float


@dataclass(frozen=True)
class Scene:
    """A practice world: its objects, the seed of its ground, and the origin of its metres. The ground is flat."""

    objects: tuple[Object, ...]
    seed: int
    lat0_deg: float
    lon0_deg: float

    @cached_property
    def frame(self) -> LocalFrame:
        """The scene's metres."""
        return LocalFrame(self.lat0_deg, self.lon0_deg)


def populate(polygon_lonlat: Polygon | MultiPolygon, seed: int, persons: int = 24, vehicles: int = 10) -> Scene:
    """A scene with that many people and vehicles inside a polygon of longitudes and latitudes; the same arguments give
    the same scene.

    Vehicles stand on or beside roads as long as the area has any, people on roads and in the fields, nothing under a
    tree, in water or on a hut. Where the area has no room for so many there are as many as were found room for, of
    both in the proportion asked for as far as that goes. Raises SimulationError where there is no room for anyone.
    """
    whole = shapely.union_all(geometry_near(polygon_lonlat, polygon_lonlat.bounds[0]))  # over the 180th meridian too
    middle = whole.centroid
    frame = LocalFrame(round(float(middle.y), 6), round(float(longitudes_near(middle.x, 0.0)), 6))
    area = shapely.transform(whole, lambda lonlat: np.stack(frame.to_local(lonlat[:, 1], lonlat[:, 0]), axis=1))
    room = next((smaller for inward in (INWARD_M, 2.0, 0.5) if not (smaller := area.buffer(-inward)).is_empty), None)
    if room is None:
        raise SimulationError("the area is too small to have room for anyone; draw it larger")
    placing = _Placing(room, seed)
    places = placing.all(["vehicle"] * vehicles + ["person"] * persons)
    if len(places) < vehicles + persons:
        # What stands first takes the room: let them come mixed, so that both find some.
        queue = [((k + 0.5) / vehicles, "vehicle") for k in range(vehicles)]
        queue += [((k + 0.5) / persons, "person") for k in range(persons)]
        placing = _Placing(room, seed)
        places = sorted(placing.all([name for _, name in sorted(queue)]), key=lambda place: place[0] == "person")
        if not places:
            raise SimulationError("the area has no room for anyone; draw it larger")
    objects = []
    for number, (object_class, east, north, heading_rad) in enumerate(places, start=1):
        lat, lon = frame.to_geodetic(east, north)
        objects.append(
            _dressed(f"{object_class}-{number:03d}", object_class, float(lat), float(lon), heading_rad, placing.draw)
        )
    return Scene(tuple(objects), seed, frame.lat0_deg, frame.lon0_deg)


def _dressed(
    name: str, object_class: str, lat: float, lon: float, heading_rad: float, draw: np.random.Generator
) -> Object:
    if object_class == "person":
        kind = str(draw.choice(PERSON_KINDS, p=[0.3, 0.45, 0.08, 0.17]))
        warmth = 1.0
    else:
        kind = str(draw.choice(VEHICLE_KINDS, p=[0.6, 0.15, 0.15, 0.1]))
        warmth = 0.0 if draw.random() < 0.55 else float(draw.uniform(0.4, 1.0))
    length, width, height = (round(float(side * draw.uniform(0.95, 1.05)), 3) for side in SIZES_M[kind])
    return Object(
        id=name,
        object_class=object_class,
        kind=kind,
        lat_deg=round(lat, 8),
        lon_deg=round(lon, 8),
        heading_deg=round((90.0 - math.degrees(heading_rad)) % 360.0, 2) % 360.0,
        length_m=length,
        width_m=width,
        height_m=height,
        warmth=round(warmth, 3),
    )


class _Placing:
    """Finds places one after the other: inside the room, in the open, apart from what stands already."""

    def __init__(self, room: Polygon | MultiPolygon, seed: int) -> None:
        self.room, self.ground = room, Ground(seed)
        self.draw = np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, 0x5CE])
        self.taken: list[tuple[float, float, float]] = []
        shapely.prepare(room)

    def all(self, queue: Sequence[str]) -> list[tuple[str, float, float, float]]:
        """Class, east, north and heading of those in the queue there is room for; a class that has once found none is
        not tried again."""
        places: list[tuple[str, float, float, float]] = []
        full: set[str] = set()
        for object_class in queue:
            if object_class in full:
                continue
            place = self.vehicle() if object_class == "vehicle" else self.person()
            if place is None:
                full.add(object_class)
            else:
                places.append((object_class, *place))
        return places

    def vehicle(self) -> tuple[float, float, float] | None:
        """(east, north, heading in radians from east) on or beside a road, in a field only where no road has room;
        None where there is no room."""
        for attempt in range(_TRIES):
            place = self._on_road(vehicle=True) if attempt < _TRIES // 2 else self._anywhere()
            if place is not None and self._free(place, own_m=3.5):
                return place
        return None

    def person(self) -> tuple[float, float, float] | None:
        """(east, north, heading in radians from east): two in five on a road or its edge, the others in the fields;
        None where there is no room."""
        by_road = self.draw.random() < 0.4
        for attempt in range(_TRIES):
            place = self._on_road(vehicle=False) if by_road and attempt < _TRIES // 4 else self._anywhere()
            if place is not None and self._free(place, own_m=0.8):
                return place
        return None

    def _anywhere(self) -> tuple[float, float, float]:
        west, south, east, north = self.room.bounds
        return (
            float(self.draw.uniform(west, east)),
            float(self.draw.uniform(south, north)),
            float(self.draw.uniform(-math.pi, math.pi)),
        )

    def _on_road(self, vehicle: bool) -> tuple[float, float, float] | None:
        """A point on the road nearest to a random point, if that is within reach of it."""
        east, north, _ = self._anywhere()
        family = int(self.draw.integers(0, 2))
        numbers, _, along = self.ground.road_offset(family, np.array([east]), np.array([north]))
        road = self.ground.road(family, int(numbers[0]))
        side = float(self.draw.choice([-1.0, 1.0]))
        if not vehicle:
            offset = side * float(self.draw.uniform(0.0, road.half_width_m + 1.0))
        elif road.paved and self.draw.random() < 0.6:
            offset = side * road.half_width_m * 0.5
        else:
            offset = side * (road.half_width_m + 1.6) if self.draw.random() < 0.4 else 0.0
        east, north, bearing = self.ground.road_point(road, float(along[0]), offset)
        turn = math.pi if self.draw.random() < 0.5 else 0.0
        return east, north, bearing + turn + float(self.draw.normal(0, 0.05 if vehicle else 0.4))

    def _free(self, place: tuple[float, float, float], own_m: float) -> bool:
        east, north, _ = place
        if not shapely.contains_properly(self.room, Point(east, north)):
            return False
        if any(math.dist((east, north), other[:2]) < max(APART_M, own_m + other[2] + 2.0) for other in self.taken):
            return False
        if not self.ground.open_at(east, north, own_m + 1.0):
            return False
        self.taken.append((east, north, own_m))
        return True


def scene_to_geojson(scene: Scene, path: Path) -> None:
    """Write the truth file: a GeoJSON FeatureCollection of points, with the scene's seed and origin beside them.
    Written whole or not at all."""
    features = []
    for item in scene.objects:
        properties = {key: value for key, value in asdict(item).items() if key not in ("id", "lat_deg", "lon_deg")}
        properties["class"] = properties.pop("object_class")
        point = {"type": "Point", "coordinates": [item.lon_deg, item.lat_deg]}
        features.append({"type": "Feature", "id": item.id, "geometry": point, "properties": properties})
    content = {
        "type": "FeatureCollection",
        "scene": {"seed": scene.seed, "lat0_deg": scene.lat0_deg, "lon0_deg": scene.lon0_deg},
        "features": features,
    }
    write_whole(path, json.dumps(content, indent=1) + "\n")


def scene_from_geojson(path: Path) -> Scene:
    """The scene of a truth file. Raises InputError where there is none, or it is no such file, naming the place."""
    content = read_json(path, "a truth file")
    if not isinstance(content.get("features"), list):
        raise InputError(path, "not a truth file: it has no list of features; give a scene written by Picket")
    header = content.get("scene")
    if not isinstance(header, dict):
        raise InputError(path, "not a truth file: it has no scene with seed and origin; give a scene written by Picket")
    lat0, lon0 = (_number(path, "scene", header, key) for key in ("lat0_deg", "lon0_deg"))
    if not isinstance(header.get("seed"), int):
        raise InputError(path, "seed must be a whole number", "scene")
    objects = tuple(_object(path, number, feature) for number, feature in enumerate(content["features"], start=1))
    if len({item.id for item in objects}) != len(objects):
        raise InputError(path, "two features have the same id; give each its own")
    return Scene(objects, header["seed"], lat0, lon0)


def _number(path: Path, place: str, table: Mapping[str, Any], key: str) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(path, f"{key} must be a number", place)
    return float(value)


def _object(path: Path, number: int, feature: Any) -> Object:
    place = f"feature {number}"
    try:
        name, properties = feature["id"], feature["properties"]
        lon, lat = feature["geometry"]["coordinates"][:2]
        object_class, kind = properties["class"], properties["kind"]
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(path, "needs an id, a point, and the properties class and kind", place) from error
    known = {"person": PERSON_KINDS, "vehicle": VEHICLE_KINDS}
    if object_class not in known:
        raise InputError(path, f"class must be person or vehicle, not {object_class!r}", place)
    if kind not in known[object_class]:
        raise InputError(path, f"kind of a {object_class} must be one of {', '.join(known[object_class])}", place)
    if not isinstance(name, str) or not name:
        raise InputError(path, "id must be a text", place)
    point = {"lat_deg": lat, "lon_deg": lon}
    lat, lon = _number(path, place, point, "lat_deg"), _number(path, place, point, "lon_deg")
    if abs(lat) > 90 or abs(lon) > 180:
        raise InputError(path, "coordinates must be longitude, then latitude, in degrees", place)
    measured = {
        field.name: _number(path, place, properties, field.name)
        for field in fields(Object)
        if field.name in ("heading_deg", "length_m", "width_m", "height_m", "warmth")
    }
    if min(measured["length_m"], measured["width_m"], measured["height_m"]) <= 0:
        raise InputError(path, "length_m, width_m and height_m must be positive", place)
    return Object(id=name, object_class=object_class, kind=kind, lat_deg=lat, lon_deg=lon, **measured)
