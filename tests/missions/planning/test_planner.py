"""Whole plans: inside their fence, inside their battery, covering what was asked; or a sentence why not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon, box

from mapping.ground.camera import Camera
from missions.areas.area import Area
from missions.areas.read import read_area
from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.plan import Plan, Position, legs
from missions.planning.coverage import imaged_polygon
from missions.planning.fence import CLEARANCE_M, MAX_VERTICES
from missions.planning.local import lonlat_polygon
from missions.planning.planner import make_plan
from missions.planning.proof import prove, prove_returns
from vision.errors import InputError

MakeArea = Callable[..., Area]


def fence_in_degrees(plan: Plan) -> shapely.geometry.base.BaseGeometry:
    inside = shapely.intersection_all([lonlat_polygon((ring,)) for ring in plan.fence.inclusion])
    return inside.difference(shapely.union_all([lonlat_polygon((ring,)) for ring in plan.fence.exclusion]))


def leg_lines(plan: Plan, imaging: bool | None = None) -> list[LineString]:
    return [
        LineString([(leg.start.lon_deg, leg.start.lat_deg), (leg.end.lon_deg, leg.end.lat_deg)])
        for sortie in plan.sorties
        for leg in legs(plan, sortie)
        if imaging is None or leg.imaging == imaging
    ]


def check(plan: Plan, area: Area, drone: Drone) -> None:
    """What every returned plan has to hold, checked without the planner's own proof."""
    allowed = fence_in_degrees(plan)
    lines = leg_lines(plan)
    assert all(allowed.covers(line) for line in lines)
    assert not area.no_fly.intersects(shapely.union_all(lines))
    patrol = area.patrol.buffer((plan.line_spacing_m / 2 + plan.trigger_distance_m) / 100_000)
    assert all(patrol.covers(line) for line in leg_lines(plan, imaging=True))
    assert plan.fence.vertex_count <= MAX_VERTICES
    assert plan.fence.min_clearance_m >= CLEARANCE_M - 0.1
    for sortie in plan.sorties:
        assert sortie.battery_used_pct <= 100 * (1 - drone.reserve) + 1e-6
        assert sortie.waypoints[-1].position == plan.home
        changes = [waypoint.camera for waypoint in sortie.waypoints if waypoint.camera]
        assert changes == ["on", "off"] * (len(changes) // 2)
        assert changes
    assert [sortie.number for sortie in plan.sorties] == list(range(1, len(plan.sorties) + 1))


def test_example_area(shared: Path, x500: Drone, boson: Camera) -> None:
    area = read_area(shared / "data" / "areas" / "benapole.geojson")
    plan = make_plan(area, x500, boson)
    check(plan, area, x500)
    assert plan.height_home_m == 60.0
    assert plan.gsd_cm == pytest.approx(5.14, abs=0.01)
    assert plan.coverage > 0.98
    assert plan.area_m2 == pytest.approx(1.626e6, rel=0.001)
    assert len(plan.sorties) > 5
    assert all(sortie.flight_time_s <= 900 for sortie in plan.sorties)
    assert 100 <= plan.sorties[0].photos <= 300
    assert len(plan.rally) >= 2
    assert area.border.distance(fence_in_degrees(plan)) > 0
    assert make_plan(area, x500, boson) == plan


def test_area_without_home(shared: Path, x500: Drone, boson: Camera) -> None:
    area = read_area(shared / "data" / "areas" / "freetown.geojson")
    plan = make_plan(area, x500, boson, height_m=100.0)
    check(plan, area, x500)
    assert plan.coverage > 0.999
    assert any("names no home" in note for note in plan.notes)
    moved = make_plan(area, x500, boson, height_m=100.0, home=Position(8.4735, -13.2))
    check(moved, area, x500)
    assert moved.home == Position(8.4735, -13.2)


def test_imaged_ground_of_the_sorties_makes_the_coverage(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    area = metric_area(box(0, 0, 900, 700), (450, -40))
    plan = make_plan(area, x500, boson)
    assert len(plan.sorties) > 1
    together = shapely.union_all([imaged_polygon(plan, sortie.number) for sortie in plan.sorties])
    assert together.intersection(area.patrol).area / area.patrol.area == pytest.approx(plan.coverage, abs=1e-4)
    with pytest.raises(KeyError):
        imaged_polygon(plan, 99)


@pytest.mark.parametrize("angle", [0.0, 30.0, 119.0])
def test_angle_is_obeyed(metric_area: MakeArea, x500: Drone, boson: Camera, angle: float) -> None:
    area = metric_area(box(0, 0, 300, 200), (150, 100))
    plan = make_plan(area, x500, boson, angle_deg=angle)
    assert plan.angle_deg == angle
    check(plan, area, x500)


def test_two_parts_and_a_zone_between_home_and_area(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    parts = MultiPolygon([box(0, 0, 200, 200), box(450, 50, 600, 200)])
    area = metric_area(parts, (100, -250), no_fly=(box(-100, -150, 300, -80),), rally=((100, 230), (900, 900)))
    plan = make_plan(area, x500, boson)
    check(plan, area, x500)
    assert plan.coverage > 0.97
    assert any("Rally point 2" in note for note in plan.notes)


def test_fence_keeps_off_the_border(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    border = MultiLineString([[(-30, -500), (-30, 500)]])
    area = metric_area(box(0, 0, 200, 200), (100, 100), border=border)
    plan = make_plan(area, x500, boson)
    assert area.border.distance(fence_in_degrees(plan)) * 111_000 > 10
    with pytest.raises(NotFlyableError, match="no way leads from home"):
        make_plan(
            metric_area(box(0, 0, 200, 200), (-200, 100), border=MultiLineString([[(-30, -9e3), (-30, 9e3)]])),
            x500,
            boson,
        )
    through = metric_area(box(0, 0, 200, 200), (100, 50), border=MultiLineString([[(100, -50), (100, 250)]]))
    assert any("border line runs through" in note for note in make_plan(through, x500, boson).notes)


def test_a_line_longer_than_a_battery_is_cut(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    area = metric_area(box(0, 0, 20, 1_800), (10, -20))
    weak = replace(x500, endurance_s=660.0)
    plan = make_plan(area, weak, boson, angle_deg=0.0)
    check(plan, area, weak)
    assert len(plan.sorties) > 1
    assert plan.coverage > 0.98


@pytest.mark.parametrize(
    ("area", "changes", "text"),
    [
        (
            {"patrol": box(0, 0, 200, 200), "home": (100, 100), "no_fly": (box(90, 90, 110, 110),)},
            {},
            "home lies inside",
        ),
        ({"patrol": box(0, 0, 200, 200), "home": (-20, 100), "no_fly": (box(-9, 90, 5, 110),)}, {}, "m from a no-fly"),
        ({"patrol": box(0, 0, 200, 200), "home": (300, 100), "no_fly": (box(-50, -50, 250, 250),)}, {}, "no-fly zones"),
        ({"patrol": box(0, 0, 200, 200), "home": (5_000, 100)}, {}, "take another drone"),
        ({"patrol": box(0, 0, 29_000, 19_000), "home": (0, 0)}, {}, "sorties"),
        ({"patrol": box(0, 0, 200, 200), "home": (0, 0)}, {"endurance_s": 100.0}, "take another drone"),
    ],
)
def test_what_cannot_be_flown_is_one_sentence(
    metric_area: MakeArea, x500: Drone, boson: Camera, area: dict, changes: dict, text: str
) -> None:
    with pytest.raises(NotFlyableError, match=text) as caught:
        make_plan(metric_area(**area), replace(x500, **changes), boson)
    assert "\n" not in str(caught.value)


def test_camera_that_looks_aside_and_odd_angles(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    area = metric_area(box(0, 0, 200, 200), (0, 0))
    with pytest.raises(NotFlyableError, match="tilt it to -28 degrees"):
        make_plan(area, x500, replace(boson, mount_pitch_deg=-20.0))
    with pytest.raises(InputError, match="--angle"):
        make_plan(area, x500, boson, angle_deg=math.inf)
    with pytest.raises(InputError, match="--home"):
        make_plan(area, x500, boson, home=Position(0.0, 0.0))


def test_the_proof_refuses_a_plan_that_was_tampered_with(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    plan = make_plan(metric_area(box(0, 0, 300, 300), (150, 150), no_fly=(box(400, 400, 420, 420),)), x500, boson)
    assert prove(plan).clearance_m == plan.fence.min_clearance_m
    sortie = plan.sorties[0]
    astray = replace(sortie.waypoints[0], lon_deg=sortie.waypoints[0].lon_deg + 0.01)
    with pytest.raises(NotFlyableError, match="leg 1 of sortie 1 leaves the fence"):
        prove(replace(plan, sorties=(replace(sortie, waypoints=(astray, *sortie.waypoints[1:])), *plan.sorties[1:])))
    high = replace(sortie.waypoints[0], alt_home_m=200.0)
    with pytest.raises(NotFlyableError, match="ceiling"):
        prove(replace(plan, sorties=(replace(sortie, waypoints=(high, *sortie.waypoints[1:])),)))
    with pytest.raises(NotFlyableError, match="home leaves the fence"):
        prove(replace(plan, fence=replace(plan.fence, exclusion=(plan.fence.inclusion[0],))))
    with pytest.raises(NotFlyableError, match="rally point 1"):
        prove(replace(plan, rally=(Position(plan.home.lat_deg + 0.02, plan.home.lon_deg),)))


@st.composite
def odd_patrols(draw: st.DrawFn) -> Polygon:
    """Star-shaped polygons with deep notches, some with a hole."""
    corners = draw(st.integers(3, 24))
    size = draw(st.floats(60.0, 300.0))
    radii = [size * draw(st.floats(0.3, 1.0)) for _ in range(corners)]
    angles = [2 * math.pi * k / corners for k in range(corners)]
    shell = Polygon([(r * math.cos(a), r * math.sin(a)) for r, a in zip(radii, angles, strict=True)])
    if draw(st.booleans()):
        hole = Point(0, 0).buffer(0.4 * min(radii), quad_segs=draw(st.integers(1, 4)))
        return shell.difference(hole)
    return shell


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    patrol=odd_patrols(),
    home=st.tuples(st.floats(-400, 400), st.floats(-400, 400)),
    zone=st.one_of(st.none(), st.tuples(st.floats(-300, 300), st.floats(-300, 300), st.floats(5, 80))),
    height=st.sampled_from([40.0, 60.0, 100.0]),
)
def test_any_area_gives_a_sound_plan_or_a_reason(
    metric_area: MakeArea,
    x500: Drone,
    boson: Camera,
    patrol: Polygon | MultiPolygon,
    home: tuple[float, float],
    zone: tuple[float, float, float] | None,
    height: float,
) -> None:
    no_fly = (Point(zone[:2]).buffer(zone[2], quad_segs=3),) if zone else ()
    area = metric_area(patrol, home, no_fly=no_fly)
    try:
        plan = make_plan(area, x500, boson, height_m=height)
    except NotFlyableError:
        if no_fly:
            return
        raise
    check(plan, area, x500)
    if not no_fly:
        assert plan.coverage >= 0.995


def coast(vertices: int, size_m: float) -> Polygon:
    """An outline that wanders at every scale."""
    angles = np.linspace(0.0, 2.0 * math.pi, vertices, endpoint=False)
    radii = 1.0 + sum(0.3 / f * np.cos(f * angles + 0.7 * f * f) for f in (2, 3, 5, 8, 13, 34, 89))
    radii = radii * (1.0 + 0.004 * np.cos(1_711 * np.arange(vertices)))
    return Polygon(np.column_stack([size_m * radii * np.cos(angles), size_m * radii * np.sin(angles)]))


@pytest.mark.parametrize(
    "patrol",
    [
        coast(5_000, 300.0),
        Polygon([(0, 0), (1_500, 3), (400, 6)]),
        LineString([(0, 0), (300, 40), (500, -20), (900, 80)]).buffer(0.5),
        box(0, 0, 4, 3),
        MultiPolygon([box(0, 0, 60, 60), box(300, 40, 340, 300), coast(200, 40.0).buffer(0)]),
        box(0, 0, 400, 300).difference(box(100, 80, 300, 300)),
    ],
    ids=["coast", "splinter", "ribbon", "tiny", "parts", "bay"],
)
def test_awkward_areas_are_imaged_whole(
    metric_area: MakeArea, x500: Drone, boson: Camera, patrol: Polygon | MultiPolygon
) -> None:
    parts = shapely.union_all(patrol)
    area = replace(metric_area(parts if isinstance(parts, MultiPolygon) else MultiPolygon([parts]), (0, 0)), home=None)
    plan = make_plan(area, x500, boson)
    check(plan, area, x500)
    prove_returns(plan)
    assert plan.coverage >= 0.995


def test_an_area_across_180_degrees_is_planned_like_any_other(x500: Drone, boson: Camera) -> None:
    ring = [(179.998, -17.0), (180.002, -17.0), (180.002, -16.997), (179.998, -16.997)]
    plan = make_plan(Area("taveuni", MultiPolygon([Polygon(ring)])), x500, boson)
    prove(plan)
    prove_returns(plan)
    assert plan.coverage > 0.999
    west = [waypoint.lon_deg for sortie in plan.sorties for waypoint in sortie.waypoints]
    assert min(west) < -179.9
    assert max(west) > 179.9


def test_no_straight_way_home_leaves_the_fence(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    bay = box(0, 0, 500, 500).difference(box(120, 100, 380, 500))
    zone = box(180, 220, 320, 420)
    plan = make_plan(metric_area(bay, (60, 400), no_fly=(zone,)), x500, boson)
    prove_returns(plan)
    assert plan.rally
    assert any("rally point" in note for note in plan.notes)
    with pytest.raises(NotFlyableError, match="straight line home"):
        prove_returns(replace(plan, rally=()))


@pytest.mark.parametrize(
    ("home", "zone"), [((100, 100), box(300, 200, 360, 260)), ((100, 100), box(280, 280, 340, 340))]
)
def test_a_zone_in_the_middle_leaves_straight_ways_home(
    home: tuple[float, float], zone: Polygon, metric_area: MakeArea, x500: Drone, boson: Camera
) -> None:
    area = metric_area([Polygon([(0, 0), (600, 0), (700, 500), (0, 600)])], home, no_fly=(zone,))
    plan = make_plan(area, x500, boson)
    check(plan, area, x500)
