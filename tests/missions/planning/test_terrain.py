"""Sorties over hills: the height above the ground holds its tolerance and the ceiling, whatever the ground does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine
from shapely.geometry import MultiPolygon, box

from mapping.ground.camera import load_camera
from mapping.ground.terrain import ElevationModel, FlatGround, read_terrain
from missions.areas.area import Area
from missions.drones import load_drone
from missions.errors import NotFlyableError
from missions.flying.parameters import settings
from missions.plan import Plan, Position
from missions.planning.local import frame_of
from missions.planning.planner import make_plan
from missions.planning.returning import with_way_home
from missions.planning.terrain import (
    Relief,
    climbing_cost,
    follow,
    ground_home_m,
    heights_above_ground,
    least_climb_deg,
    way_over_ground,
)

WEST, SOUTH, STEP = 8.0, 46.99, 0.0002
AREA = Area("hills", MultiPolygon([box(8.010, 47.000, 8.015, 47.004)]), home=Position(47.002, 8.0095))


def model(tmp_path: Path, height_of) -> ElevationModel:  # type: ignore[no-untyped-def]
    columns, rows = np.meshgrid(np.arange(150), np.arange(150))
    lon, lat = WEST + (columns + 0.5) * STEP, SOUTH + (150 - rows - 0.5) * STEP
    path = tmp_path / "hills.tif"
    transform = Affine(STEP, 0.0, WEST, 0.0, -STEP, SOUTH + 150 * STEP)
    options = {"driver": "GTiff", "height": 150, "width": 150, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", transform=transform, nodata=-9999.0, **options) as target:
        target.write(height_of(lon, lat).astype(np.float32), 1)
    return read_terrain(path)


def hills(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    return 600.0 + 30.0 * np.sin((lon - WEST) * 2500.0) * np.cos((lat - SOUTH) * 2000.0)


@pytest.fixture(scope="module")
def level() -> Plan:
    return make_plan(AREA, load_drone("x500"), load_camera("boson640-14"), height_m=60.0)


def test_lines_along_the_hills_climb_least(tmp_path: Path) -> None:
    def ridges(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return 600.0 + 30.0 * np.sin(4e3 * (lon - WEST)) + 0.0 * lat

    def across(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return 600.0 + 30.0 * np.sin(4e3 * (lat - SOUTH)) + 0.0 * lon

    assert least_climb_deg(AREA, Relief(model(tmp_path, ridges), 5.0, 120.0)) == 0.0
    assert least_climb_deg(AREA, Relief(model(tmp_path, across), 5.0, 120.0)) == 90.0
    assert least_climb_deg(AREA, Relief(model(tmp_path, across), 20.0, 120.0)) is None
    assert least_climb_deg(AREA, Relief(FlatGround(), 5.0, 120.0)) is None


def test_every_sample_keeps_the_tolerance_and_the_ceiling(level: Plan, tmp_path: Path) -> None:
    terrain = model(tmp_path, hills)
    drone = load_drone("x500")
    relief = Relief(terrain, 5.0, 120.0)
    plan = with_way_home(follow(level, drone, relief), relief)
    lowest, highest = heights_above_ground(plan, terrain)
    assert 54.9 <= lowest <= highest <= 120.0
    before = heights_above_ground(level, terrain)
    assert before[1] - before[0] > 2 * (highest - lowest)
    for old, new in zip(level.sorties, plan.sorties, strict=True):
        assert [w.position for w in new.waypoints if w.camera] == [w.position for w in old.waypoints if w.camera]
        assert new.photos == old.photos
        assert new.battery_used_pct > old.battery_used_pct
        assert new.waypoints[0].position == plan.home
        assert len(new.waypoints) < len(way_over_ground(plan, new, terrain).distance_m)
    assert plan.fence.alt_max_home_m > max(plan.way_home_m, *(w.alt_home_m for s in plan.sorties for w in s.waypoints))


def test_level_ground_changes_nothing_but_the_start(level: Plan) -> None:
    plan = follow(level, load_drone("x500"), Relief(FlatGround(), 5.0, 120.0))
    assert [s.waypoints[1:] for s in plan.sorties] == [s.waypoints for s in level.sorties]
    assert [s.flight_time_s for s in plan.sorties] == [s.flight_time_s for s in level.sorties]
    assert heights_above_ground(plan, FlatGround()) == (60.0, 60.0)


def test_a_home_on_a_hill_counts_heights_from_there(level: Plan, tmp_path: Path) -> None:
    terrain = model(tmp_path, lambda lon, lat: np.where(lon < 8.0098, 650.0, 600.0))
    plan = follow(level, load_drone("x500"), Relief(terrain, 5.0, 120.0))
    over_area = [w.alt_home_m for s in plan.sorties for w in s.waypoints if w.camera and w.lon_deg > 8.0105]
    assert over_area == pytest.approx([10.0] * len(over_area), abs=5.1)


def sampled_ways_home(plan: Plan, terrain: ElevationModel) -> tuple[float, float]:
    """The least and the greatest height above the ground on straight lines from every waypoint to home."""
    frame, above = frame_of(plan.home), []
    for sortie in plan.sorties:
        for waypoint in sortie.waypoints:
            east, north = frame.to_local(waypoint.lat_deg, waypoint.lon_deg)
            share = np.linspace(0.0, 1.0, 200)
            ground = ground_home_m(plan, terrain, *frame.to_geodetic(share * float(east), share * float(north)))
            above.append(max(plan.way_home_m, waypoint.alt_home_m) - ground)
    return float(np.min(above)), float(np.max(above))


@pytest.mark.parametrize("ceiling_m", [75.0, 110.0])
def test_the_way_home_clears_hills_and_holds_the_ceiling(level: Plan, tmp_path: Path, ceiling_m: float) -> None:
    terrain, drone = model(tmp_path, lambda lon, lat: 600.0 - 1e3 * (lon - 8.010)), load_drone("x500")
    relief = Relief(terrain, 5.0, ceiling_m)
    plan = with_way_home(follow(level, drone, relief), relief)
    lowest, highest = sampled_ways_home(plan, terrain)
    assert lowest >= 54.0
    assert highest <= ceiling_m + 0.5
    assert {s.name: s.value for s in settings(plan, plan.sorties[0], drone)}["RTL_ALT"] == round(100 * plan.way_home_m)


def test_where_not_all_hills_can_be_cleared_under_the_ceiling_those_on_the_way_are(level: Plan, tmp_path: Path) -> None:
    # A hill inside the fence beside home, behind which nothing is flown.
    terrain = model(tmp_path, lambda lon, lat: 600.0 + 22.0 * (lon < 8.0094) - 1e3 * np.maximum(lon - 8.0094, 0.0))
    relief = Relief(terrain, 5.0, 72.0)
    plan = with_way_home(follow(level, load_drone("x500"), relief), relief)
    assert any("not all hills inside the fence" in note for note in plan.notes)
    lowest, highest = sampled_ways_home(plan, terrain)
    assert lowest >= 50.0
    assert highest <= 72.5


def test_a_way_home_over_the_ceiling_above_a_valley_is_refused(level: Plan, tmp_path: Path) -> None:
    relief = Relief(model(tmp_path, lambda lon, lat: 600.0 - 8e3 * (lon - 8.010)), 5.0, 75.0)
    with pytest.raises(
        NotFlyableError, match=r"from 4\d\.\d+, 8\.\d+ the way home .* over the ceiling of 75 m; draw a rally"
    ):
        with_way_home(follow(level, load_drone("x500"), relief), relief)


def test_where_nothing_is_known_nothing_is_planned(level: Plan, tmp_path: Path) -> None:
    terrain = model(tmp_path, lambda lon, lat: np.where(lon > 8.0121, -9999.0, 600.0))
    with pytest.raises(NotFlyableError, match=r"no height at 47\.00\d+, 8\.01\d+; give one that covers"):
        follow(level, load_drone("x500"), Relief(terrain, 5.0, 120.0))


def test_a_cliff_is_refused_and_a_lower_ceiling_too(level: Plan, tmp_path: Path) -> None:
    terrain = model(tmp_path, lambda lon, lat: np.where(lon > 8.0121, 900.0, 600.0))
    with pytest.raises(NotFlyableError, match="rises too steeply"):
        follow(level, load_drone("x500"), Relief(terrain, 5.0, 120.0))


def test_climbing_costs_time_only_where_it_is_steep() -> None:
    drone = replace(load_drone("x500"), climb_rate_m_s=2.0, descent_rate_m_s=1.0, climb_power_ratio=1.5)
    easy = climbing_cost(drone, np.array([100.0]), np.array([10.0]), 5.0)
    assert (easy.time_s, easy.battery_s) == (0.0, pytest.approx(5.0 * (1.5 * drone.hover_power_ratio - 1.0)))
    assert climbing_cost(drone, np.array([10.0]), np.array([10.0]), 5.0).time_s == pytest.approx(3.0)
    assert climbing_cost(drone, np.array([10.0]), np.array([-10.0]), 5.0).time_s == pytest.approx(8.0)
