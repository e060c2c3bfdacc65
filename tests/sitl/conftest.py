"""A real ArduPilot SITL (the environment's PICKET_SITL names its binary; without it these tests skip and say so) and
a small mission at its home."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sitl_flights import HOME, M_PER_DEG, FlyWith, Run, Saboteur, under_way, wait_for

from mapping.ground.camera import load_camera
from missions.areas.read import read_area
from missions.drones import Drone, load_drone
from missions.plan import Plan
from missions.planning.planner import make_plan

PHOTOS_BEFORE = 3


@pytest.fixture(scope="session")
def sitl() -> Path:
    """The binary of ArduPilot's SITL."""
    named = os.environ.get("PICKET_SITL")
    if not named:
        pytest.skip("no ArduPilot SITL: set PICKET_SITL to the arducopter program of a SITL build")
    path = Path(named)
    assert path.is_file(), f"PICKET_SITL names {path}, which is no file"
    return path


@pytest.fixture(scope="session")
def area_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A field of 160 by 120 m beside its home."""

    def at(north_m: float, east_m: float) -> list[float]:
        return [
            HOME[1] + east_m / M_PER_DEG / math.cos(math.radians(HOME[0])),
            HOME[0] + north_m / M_PER_DEG,
        ]

    corners = [at(20, -60), at(20, 60), at(180, 60), at(180, -60), at(20, -60)]
    shapes = [("patrol", "Polygon", [corners]), ("home", "Point", at(0, 0))]
    features = [
        {"type": "Feature", "properties": {"role": role}, "geometry": {"type": kind, "coordinates": places}}
        for role, kind, places in shapes
    ]
    path = tmp_path_factory.mktemp("sitl") / "field.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture(scope="session")
def plan(area_file: Path) -> Plan:
    """The field planned: one sortie of a few minutes."""
    return make_plan(read_area(area_file), load_drone("x500"), load_camera("boson640-14"))


@pytest.fixture
def fly_with(sitl: Path, plan: Plan, tmp_path: Path) -> FlyWith:
    """Flies the field on SITL, lets `fault(saboteur)` happen once so many photos were taken, and waits for the end."""

    def run(fault: Callable[[Saboteur], None], *parameters: str, drone: Drone | None = None) -> Run:
        with under_way(sitl, plan, tmp_path / "flight", *parameters, drone=drone) as flight:
            saboteur = Saboteur(flight.url)
            wait_for(flight, lambda: len(flight.events("photo")) >= PHOTOS_BEFORE)
            fault(saboteur)
            wait_for(flight, lambda: flight.outcome is not None)
            saboteur.close()
        return flight

    return run
