"""A small practice world for the tests of its parts."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from shapely.geometry import Polygon

from mapping.ground.camera import Camera, load_camera
from sim.world.scene import Scene, populate

LAT, LON = 23.0412, 88.8958


@dataclass(frozen=True)
class Shutter:
    """A trigger as the simulated vehicle fires it."""

    index: int = 1
    time_utc_s: float = 1.8e9
    lat_deg: float = LAT
    lon_deg: float = LON
    alt_amsl_m: float = 68.0
    alt_home_m: float = 60.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0


def square(side_deg: float = 0.0016) -> Polygon:
    """A square of longitudes and latitudes, about 170 m a side as given."""
    half = side_deg / 2
    return Polygon(
        [(LON - half, LAT - half), (LON + half, LAT - half), (LON + half, LAT + half), (LON - half, LAT + half)]
    )


@pytest.fixture(scope="session")
def area() -> Polygon:
    return square()


@pytest.fixture(scope="session")
def scene(area: Polygon) -> Scene:
    return populate(area, seed=5)


@pytest.fixture(scope="session")
def camera() -> Camera:
    return load_camera("boson640-14")


@pytest.fixture
def shutter() -> type[Shutter]:
    return Shutter
