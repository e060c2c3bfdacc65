"""The quick look at a plan: near enough to the plan, and quick for what it leaves out."""

from __future__ import annotations

import pytest
import shapely
from shapely.geometry import Point, Polygon, box

from mapping.ground.camera import load_camera
from missions.areas.area import Area
from missions.drones import load_drone
from missions.plan import Position
from missions.planning.local import to_local, to_lonlat
from missions.planning.planner import make_plan
from missions.planning.preview import preview
from vision.errors import InputError

ORIGIN = Position(23.04, 88.89)
DRONE, CAMERA = load_drone("x500"), load_camera("boson640-14")


def _area(patrol: Polygon, **others: object) -> Area:
    return Area("field", to_lonlat(shapely.MultiPolygon([patrol]), ORIGIN), **others)  # type: ignore[arg-type]


def test_a_preview_is_near_the_plan() -> None:
    area = _area(Polygon([(0, 0), (700, 60), (640, 500), (80, 420)]))
    quick, plan = preview(area, DRONE, CAMERA), make_plan(area, DRONE, CAMERA)
    assert quick.flyable
    assert quick.problems == ()
    assert quick.home == plan.home
    assert quick.batteries == len(quick.ways.geoms)
    assert quick.gsd_cm == pytest.approx(plan.gsd_cm)
    assert quick.area_m2 == pytest.approx(plan.area_m2)
    assert quick.flight_time_s == pytest.approx(sum(sortie.flight_time_s for sortie in plan.sorties), rel=0.15)
    assert quick.photos == pytest.approx(sum(sortie.photos for sortie in plan.sorties), rel=0.15)


def test_its_strips_show_the_area_and_lie_along_its_transects() -> None:
    quick = preview(_area(box(0, 0, 500, 300)), DRONE, CAMERA)
    assert quick.home is not None
    shown = shapely.union_all(to_local(quick.strips, quick.home).geoms)
    assert shapely.area(to_local(_area(box(0, 0, 500, 300)).patrol, quick.home).difference(shown)) < 1.0
    assert len(quick.strips.geoms) == len(quick.transects.geoms)
    for strip, line in zip(quick.strips.geoms, quick.transects.geoms, strict=True):
        assert strip.covers(line.interpolate(0.4, normalized=True))


def test_what_cannot_be_flown_says_so_and_still_shows_the_lines() -> None:
    far = preview(_area(box(0, 0, 300, 300)), DRONE, CAMERA, home=Position(23.09, 88.89))
    assert not far.flyable
    assert "too little to reach" in far.problems[0]
    assert len(far.transects.geoms) > 5
    closed = to_lonlat(shapely.MultiPolygon([Point(150, 150).buffer(400)]), ORIGIN)
    blocked = preview(_area(box(0, 0, 300, 300), no_fly=closed), DRONE, CAMERA, home=Position(23.05, 88.89))
    assert not blocked.flyable
    assert "leave nothing" in blocked.problems[0]


def test_zones_are_left_out_of_the_strips_middle_lines() -> None:
    closed = to_lonlat(shapely.MultiPolygon([box(180, 100, 260, 180)]), ORIGIN)
    quick = preview(_area(box(0, 0, 500, 300), no_fly=closed, home=Position(23.0403, 88.8905)), DRONE, CAMERA)
    assert quick.flyable
    assert not quick.transects.intersects(closed)


def test_options_that_mean_nothing_are_bad_input() -> None:
    with pytest.raises(InputError, match="gsd"):
        preview(_area(box(0, 0, 500, 300)), DRONE, CAMERA, gsd_cm=-1.0)
