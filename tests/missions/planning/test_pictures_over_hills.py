"""What pictures show over hills: quadrilaterals whose corners the camera projects back into the picture's corners."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pyproj
import pytest
import shapely
from shapely.geometry import box

from mapping.ground.camera import load_camera, project
from mapping.ground.elevation import ElevationModel
from mapping.ground.terrain import FlatGround
from missions.areas.area import Area
from missions.drones import load_drone
from missions.plan import Plan, Position, legs
from missions.planning.coverage import covered_share, imaged_polygon
from missions.planning.local import frame_of, to_lonlat
from missions.planning.pictures_over_hills import Sight, shown_over_hills
from missions.planning.planner import make_plan

ORIGIN = Position(46.5, 9.0)
TILTED = replace(load_camera("h20t-thermal"), mount_pitch_deg=-60.0)
DOWN = load_camera("boson640-14")


def plan_with(camera) -> Plan:  # type: ignore[no-untyped-def]
    patrol = shapely.MultiPolygon([box(20, 20, 220, 160)])
    return make_plan(Area("field", to_lonlat(patrol, ORIGIN), home=ORIGIN), load_drone("x500"), camera, height_m=60.0)


@pytest.fixture(scope="module")
def tilted() -> Plan:
    return plan_with(TILTED)


def slope(rise: float) -> ElevationModel:
    """A hillside in UTM that rises to the east, 500 m high at the origin, every 10 m."""
    crs = pyproj.CRS(32632)
    east, north = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(ORIGIN.lon_deg, ORIGIN.lat_deg)
    west, top, cell = east - 1_000.0, north + 1_000.0, 10.0
    columns = (np.arange(200) + 0.5) * cell + west - east
    heights = np.broadcast_to(500.0 + rise * columns, (200, 200)).astype(np.float32)
    # column = (x - west) / cell, row = (top - y) / cell
    return ElevationModel("hillside", heights, (1 / cell, 0.0, -west / cell, 0.0, -1 / cell, top / cell), crs, cell)


@pytest.mark.parametrize("camera", [TILTED, DOWN])
def test_on_level_ground_they_show_what_is_planned_with(camera) -> None:  # type: ignore[no-untyped-def]
    plan = plan_with(camera)
    level, seen = imaged_polygon(plan, 1), imaged_polygon(plan, 1, Sight(camera, FlatGround()))
    assert seen.symmetric_difference(level).area < 0.01 * level.area
    assert covered_share(plan, hills=Sight(camera, FlatGround())) == pytest.approx(covered_share(plan), abs=1e-3)


def test_corners_lie_on_the_hillside_where_the_camera_sees_its_corners(tilted: Plan) -> None:
    ground = slope(0.3)
    frame = frame_of(tilted.home)
    shown = shown_over_hills(tilted, tilted.sorties[0], Sight(TILTED, ground))
    assert len(shown) > 5
    line = next(leg for leg in legs(tilted, tilted.sorties[0]) if leg.imaging)
    places = np.column_stack(
        frame.to_local([line.start.lat_deg, line.end.lat_deg], [line.start.lon_deg, line.end.lon_deg])
    )
    ahead = (places[1] - places[0]) / math.dist(*places)
    home_m = float(ground.own_height_m(np.array([ORIGIN.lat_deg]), np.array([ORIGIN.lon_deg]))[0])
    camera_at = np.array([*places[0], home_m + tilted.height_home_m])
    corners = shapely.get_coordinates(shown[0])[:4]
    lat, lon = frame.to_geodetic(corners[:, 0], corners[:, 1])
    toward = np.column_stack([corners, ground.own_height_m(lat, lon)]) - camera_at
    right = np.array([ahead[1], -ahead[0], 0.0])
    out = np.array([*(ahead * math.cos(math.radians(-60.0))), math.sin(math.radians(-60.0))])
    pixels = project(TILTED, toward @ np.column_stack([right, np.cross(out, right), out]))
    width, height = TILTED.width_px, TILTED.height_px
    assert pixels == pytest.approx(np.array([(0, height), (0, 0), (width, 0), (width, height)]), abs=0.6)


def test_rising_ground_is_shown_less_of() -> None:
    plan = plan_with(DOWN)
    level, steep = (imaged_polygon(plan, 1, Sight(DOWN, slope(rise))).area for rise in (0.0, 0.4))
    assert steep < 0.97 * level
