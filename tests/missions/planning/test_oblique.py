"""Cameras that look down and ahead: what a picture shows, and plans that fly behind it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from mapping.ground.camera import load_camera, project
from missions.areas.area import Area
from missions.drones import load_drone
from missions.errors import NotFlyableError
from missions.formats import plan_geojson
from missions.items import DO_MOUNT_CONTROL, NAV_TAKEOFF, mission_items
from missions.plan import Footprint, Plan, Position, legs
from missions.planning.imaging import imaging_over_hills, plan_imaging, view_of
from missions.planning.local import frame_of, line_of, to_local, to_lonlat
from missions.planning.pictures import photo_places, pictures, strips
from missions.planning.planner import make_plan
from vision.errors import InputError
from vision.visibility import FROM_ABOVE_M, coarsest_gsd_m

DRONE, CAMERA = load_drone("x500"), load_camera("h20t-thermal")
TILTED = replace(CAMERA, mount_pitch_deg=-60.0)
ORIGIN = Position(23.04, 88.89)


@pytest.fixture(scope="module")
def plan() -> Plan:
    patrol = shapely.MultiPolygon([Polygon([(20, 20), (190, 40), (170, 150), (30, 130)])])
    return make_plan(Area("field", to_lonlat(patrol, ORIGIN), home=ORIGIN), DRONE, TILTED)


@given(pitch=st.floats(-85.0, -35.0))
@settings(max_examples=30)
def test_the_footprint_is_what_the_camera_projects_back_into_its_corners(pitch: float) -> None:
    shown = view_of(replace(CAMERA, mount_pitch_deg=pitch)).footprint
    assert shown is not None
    slope = math.radians(-pitch)
    rays = [
        # Right, down in the picture, and out of the lens, of a place so far ahead and to the right, one metre below.
        (right, math.cos(slope) - ahead * math.sin(slope), ahead * math.cos(slope) + math.sin(slope))
        for ahead, right in shown.corners
    ]
    width, height = CAMERA.width_px, CAMERA.height_px
    assert project(CAMERA, rays) == pytest.approx(
        np.array([(0, height), (0, 0), (width, 0), (width, height)]), abs=1e-6
    )


@given(st.floats(-10, 40), st.floats(1, 60), st.floats(1, 60), st.floats(0, 60))
def test_the_rectangle_lies_in_the_footprint_and_is_no_smaller_than_others(
    near: float, length: float, width: float, opening: float
) -> None:
    shown = Footprint(near, near + length, width, width + opening)
    across, along = shown.rectangle_m
    rectangle = box(shown.far_m - along, -across / 2, shown.far_m, across / 2)
    assert Polygon(shown.corners).buffer(1e-6).covers(rectangle)
    for cut in np.linspace(0.0, 0.95, 20):
        assert across * along >= (width + opening * cut) * length * (1.0 - cut) - 1e-6


def test_gsd_and_sight_hold_at_the_far_edge() -> None:
    imaging = plan_imaging(DRONE, TILTED, gsd_cm=5.0)
    top = math.radians(60.0) - math.atan(CAMERA.cy_px / CAMERA.fy_px)
    slant = imaging.height_home_m / math.sin(top)
    ray = slant * math.cos(math.atan(CAMERA.cy_px / CAMERA.fy_px))
    assert ray / CAMERA.fx_px / math.sin(top) * math.cos(math.atan(CAMERA.cy_px / CAMERA.fy_px)) == pytest.approx(0.05)
    seeing = plan_imaging(DRONE, TILTED, see="person")
    far_gsd = seeing.height_home_m * view_of(TILTED).aside_gsd
    assert far_gsd <= coarsest_gsd_m("person")
    assert FROM_ABOVE_M["person"] / far_gsd < 1.1 * FROM_ABOVE_M["person"] / coarsest_gsd_m("person")
    assert any("far edge" in note for note in seeing.notes)
    assert seeing.height_home_m < plan_imaging(DRONE, CAMERA, see="person").height_home_m


def test_over_hills_what_is_certain_from_all_heights_counts() -> None:
    level = plan_imaging(DRONE, TILTED, height_m=60.0)
    hilly = imaging_over_hills(level, DRONE, TILTED, 5.0, 0.3, 0.5, 120.0)
    lowest, highest = (view_of(TILTED).footprint.scaled(height) for height in (50.0, 60.0))  # type: ignore[union-attr]
    assert hilly.footprint.near_m == pytest.approx(highest.near_m)
    assert hilly.footprint.far_m == pytest.approx(lowest.far_m)
    assert hilly.trigger_distance_m < plan_imaging(DRONE, TILTED, height_m=50.0).trigger_distance_m
    with pytest.raises(InputError, match="tolerance"):
        imaging_over_hills(plan_imaging(DRONE, TILTED, height_m=100.0), DRONE, TILTED, 40.0, 0.3, 0.5, 120.0)


def test_a_camera_that_sees_the_horizon_is_refused_with_the_pitch_that_does() -> None:
    with pytest.raises(NotFlyableError, match="tilt it to -29 degrees"):
        view_of(replace(CAMERA, mount_pitch_deg=-10.0))
    assert view_of(replace(CAMERA, mount_pitch_deg=-29.0)).footprint is not None
    with pytest.raises(NotFlyableError, match="horizon"):
        view_of(replace(CAMERA, mount_pitch_deg=-28.0))


def test_the_plan_shows_the_area_with_true_quadrilaterals(plan: Plan) -> None:
    assert plan.coverage > 0.999
    assert plan.footprint is not None
    frame = frame_of(plan.home)
    quads = []
    for sortie in plan.sorties:
        for leg in (leg for leg in legs(plan, sortie) if leg.imaging):
            start, end = np.asarray(line_of([leg.start, leg.end], plan.home).coords)
            places = photo_places(start, end, sortie.trigger_distance_m)
            ahead = np.broadcast_to((end - start) / np.hypot(*(end - start)), places.shape)
            quads += list(pictures(places, ahead, plan.footprint))
    patrol = to_local(Polygon([(p.lon_deg, p.lat_deg) for p in plan.patrol[0][0]]), plan.home)
    assert patrol.difference(shapely.union_all(quads)).area < 1e-3 * patrol.area
    assert frame.to_local(plan.home.lat_deg, plan.home.lon_deg)[0] == pytest.approx(0.0, abs=1e-6)


def test_the_mission_turns_the_gimbal_before_the_first_line(plan: Plan) -> None:
    commands = [item.command for item in mission_items(plan.sorties[0], plan)]
    assert commands.index(NAV_TAKEOFF) < commands.index(DO_MOUNT_CONTROL) < commands.index(206)
    item = mission_items(plan.sorties[0], plan)[commands.index(DO_MOUNT_CONTROL)]
    assert (item.params[0], item.alt_m) == (-60.0, 2.0)
    assert any("gimbal" in note for note in plan.notes)


def test_it_reads_back_as_written(plan: Plan, tmp_path: object) -> None:
    path = f"{tmp_path}/plan.geojson"
    plan_geojson.write_plan(plan, path)
    assert plan_geojson.read_plan(path) == plan


def test_strips_of_quadrilaterals_lie_ahead() -> None:
    shown = strips(np.array([[[0.0, 0.0], [0.0, 40.0]]]), 10.0, Footprint(5.0, 25.0, 10.0, 20.0))[0]
    assert shown.bounds == pytest.approx((-10.0, 5.0, 10.0, 55.0), abs=11.0)
    assert not shown.covers(shapely.Point(0.0, 0.0))
    assert shown.covers(shapely.Point(0.0, 30.0))
