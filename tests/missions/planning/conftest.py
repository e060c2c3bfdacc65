"""Areas made of metres for planning tests, and the drone and camera of the example."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from shapely.geometry import MultiLineString, MultiPolygon, Point, Polygon

from mapping.ground.camera import Camera, load_camera
from missions.areas.area import Area
from missions.drones import Drone, load_drone
from missions.plan import Position
from missions.planning.local import to_lonlat

ORIGIN = Position(23.04, 88.89)


def place(east_m: float, north_m: float) -> Position:
    point = to_lonlat(Point(east_m, north_m), ORIGIN)
    return Position(point.y, point.x)


def _area(
    patrol: Polygon | MultiPolygon,
    home: tuple[float, float],
    no_fly: tuple[Polygon, ...] = (),
    border: MultiLineString | None = None,
    rally: tuple[tuple[float, float], ...] = (),
) -> Area:
    parts = patrol if isinstance(patrol, MultiPolygon) else MultiPolygon([patrol])
    return Area(
        "test",
        to_lonlat(parts, ORIGIN),
        to_lonlat(border or MultiLineString(), ORIGIN),
        to_lonlat(MultiPolygon(list(no_fly)), ORIGIN),
        place(*home),
        tuple(place(*point) for point in rally),
    )


@pytest.fixture(scope="session")
def metric_area() -> Callable[..., Area]:
    """Builds an area from shapes in metres east and north."""
    return _area


@pytest.fixture(scope="session")
def x500() -> Drone:
    return load_drone("x500")


@pytest.fixture(scope="session")
def boson() -> Camera:
    return load_camera("boson640-14")
