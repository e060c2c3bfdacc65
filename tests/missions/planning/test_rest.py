"""What is left of a sortie that ended early: nothing photographed twice but a photo's length, nothing left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from shapely.geometry import LineString, Polygon

from mapping.ground.camera import Camera
from missions.areas.area import Area
from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.items import NAV_WAYPOINT, mission_items
from missions.plan import Plan, Position, Sortie, Waypoint, legs
from missions.planning.local import frame_of, line_of, positions_of
from missions.planning.planner import make_plan
from missions.planning.proof import prove
from missions.planning.rest import plan_of_rest, rest_of_sortie, waypoints_reached


@pytest.fixture(scope="module")
def plan(metric_area: Callable[..., Area], x500: Drone, boson: Camera) -> Plan:
    hole = Polygon([(140, 60), (180, 60), (180, 100), (140, 100)])
    return make_plan(
        metric_area(Polygon([(0, 0), (300, 0), (300, 200), (0, 200)]), (10.0, 10.0), (hole,)), x500, boson, height_m=60
    )


def imaged(plan: Plan, sortie: Sortie) -> list[LineString]:
    return [line_of([leg.start, leg.end], plan.home) for leg in legs(plan, sortie) if leg.imaging]


def item_of(plan: Plan, sortie: Sortie, waypoint: int) -> int:
    """The mission item that is this waypoint of the sortie, counted from 0."""
    items = mission_items(sortie, plan)
    return [number for number, item in enumerate(items) if item.command == NAV_WAYPOINT and number][waypoint]


def test_items_reached_are_waypoints_behind(plan: Plan) -> None:
    sortie = plan.sorties[0]
    for number in range(len(sortie.waypoints)):
        item = item_of(plan, sortie, number)
        assert waypoints_reached(sortie, plan, item) == number + 1
        assert waypoints_reached(sortie, plan, item - 1) == number
    assert waypoints_reached(sortie, plan, 0) == 0


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("line", [0, 1, -1])
def test_on_a_line_it_goes_on_a_photo_before_the_last(plan: Plan, line: int, share: float) -> None:
    sortie = plan.sorties[0]
    starts = [number for number, waypoint in enumerate(sortie.waypoints) if waypoint.camera == "on"]
    start = starts[line]
    places = [waypoint.position for waypoint in sortie.waypoints[start : start + 2]]
    whole = line_of(places, plan.home)
    photo = positions_of([whole.interpolate(share, normalized=True).coords[0]], plan.home)[0]

    rest = rest_of_sortie(plan, sortie, item_of(plan, sortie, start), photo)

    assert rest is not None
    lines = imaged(plan, rest)
    left_m = whole.length * (1.0 - share) + plan.trigger_distance_m
    assert lines[0].length == pytest.approx(min(left_m, whole.length), abs=0.1)
    assert lines[0].coords[-1] == pytest.approx(whole.coords[-1], abs=0.05)
    assert [each.length for each in lines[1:]] == pytest.approx(
        [each.length for each in imaged(plan, sortie)[starts.index(start) + 1 :]], abs=0.01
    )
    prove(Plan(**{**vars(plan), "sorties": (rest,)}))
    assert rest.number == sortie.number
    assert 0 < rest.photos <= sortie.photos
    assert rest.battery_used_pct <= sortie.battery_used_pct
    # no picture on the way there
    first = next(waypoint for waypoint in rest.waypoints if waypoint.camera is not None)
    assert first.camera == "on"


def test_between_two_lines_it_goes_on_with_the_next(plan: Plan) -> None:
    sortie = plan.sorties[0]
    end = next(number for number, waypoint in enumerate(sortie.waypoints) if waypoint.camera == "off")
    rest = rest_of_sortie(plan, sortie, item_of(plan, sortie, end), sortie.waypoints[end].position)
    assert rest is not None
    assert [line.length for line in imaged(plan, rest)] == pytest.approx(
        [line.length for line in imaged(plan, sortie)[1:]], abs=0.01
    )


def test_before_the_first_photo_all_is_left_and_after_the_last_nothing(plan: Plan) -> None:
    sortie = plan.sorties[0]
    rest = rest_of_sortie(plan, sortie, 0, None)
    assert rest is not None
    assert rest.photos == sortie.photos
    last = max(number for number, waypoint in enumerate(sortie.waypoints) if waypoint.camera == "off")
    assert rest_of_sortie(plan, sortie, item_of(plan, sortie, last), sortie.waypoints[last].position) is None


def test_a_photo_of_another_line_is_not_believed(plan: Plan) -> None:
    sortie = plan.sorties[0]
    start = next(number for number, waypoint in enumerate(sortie.waypoints) if waypoint.camera == "on")
    east, north = frame_of(plan.home).to_local(sortie.waypoints[start].lat_deg, sortie.waypoints[start].lon_deg)
    far: Position = positions_of([np.array([float(east), float(north)]) + 500.0], plan.home)[0]
    rest = rest_of_sortie(plan, sortie, item_of(plan, sortie, start), far)
    assert rest is not None
    assert imaged(plan, rest)[0].length == pytest.approx(imaged(plan, sortie)[0].length, abs=0.01)


def test_a_rest_keeps_only_the_rally_points_that_rtl_may_choose(
    metric_area: Callable[..., Area], x500: Drone, boson: Camera
) -> None:
    plan = make_plan(metric_area(Polygon([(0, 0), (300, 0), (300, 200), (0, 200)]), (10.0, 10.0)), x500, boson)
    both = positions_of([(250.0, 100.0), (30.0, 100.0)], plan.home)
    whole = plan_of_rest(replace(plan, rally=both), plan.sorties)
    assert whole.rally == both
    assert whole.coverage == pytest.approx(plan.coverage)

    # a sortie that goes no further than home's own corner of the area
    there = positions_of([(30.0, 30.0)], plan.home)[0]
    near = Waypoint(there.lat_deg, there.lon_deg, plan.height_home_m)
    home = Waypoint(plan.home.lat_deg, plan.home.lon_deg, plan.height_home_m)
    left = plan_of_rest(replace(plan, rally=both), [replace(plan.sorties[0], waypoints=(near, home))])
    assert both[0] not in left.rally


def test_a_rest_whose_way_home_leaves_the_fence_is_refused(
    metric_area: Callable[..., Area], x500: Drone, boson: Camera
) -> None:
    bent = Polygon([(0, 0), (600, 0), (600, 600), (520, 600), (520, 80), (0, 80)])
    made = make_plan(metric_area(bent, (20.0, 20.0)), x500, boson)
    assert made.rally
    assert plan_of_rest(made, made.sorties).rally
    with pytest.raises(NotFlyableError, match="straight line home"):
        plan_of_rest(replace(made, rally=()), made.sorties)
