"""Corridors, rounds, several drones, wind, and what the plan says of turning back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from shapely.geometry import MultiLineString, box

from mapping.ground.camera import Camera
from missions.areas.area import Area
from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.plan import Plan, Sortie, legs
from missions.planning.energy import CALM, Wind, in_wind, power_ratio, way_cost
from missions.planning.fence import CLEARANCE_M
from missions.planning.fleet import SWAP_S
from missions.planning.local import frame_of, line_of, to_local
from missions.planning.planner import make_plan
from missions.separation import HORIZONTAL_M
from vision.errors import InputError

MakeArea = Callable[..., Area]
BORDER = MultiLineString([[(-60, -100), (-60, 700), (100, 1200)]])


def strip(metric_area: MakeArea) -> Area:
    return metric_area(box(0, 0, 150, 1_100), (60, 500), border=BORDER)


@pytest.mark.parametrize("backwards", [False, True])
def test_lanes_lie_beside_the_border_on_the_areas_side(
    metric_area: MakeArea, x500: Drone, boson: Camera, backwards: bool
) -> None:
    border = MultiLineString([list(BORDER.geoms[0].coords)[::-1]]) if backwards else BORDER
    area = metric_area(box(0, 0, 150, 1_100), (60, 500), border=border)
    plan = make_plan(area, x500, boson, lanes_m=[50.0, 80.0])
    line = to_local(area.border, plan.home)
    east_of_it = to_local(area.patrol, plan.home).centroid.x
    away = [
        (round(line.distance(part.centroid)), part.centroid.x < east_of_it + 80)
        for sortie in plan.sorties
        for leg in legs(plan, sortie)
        if leg.imaging
        for part in [line_of([leg.start, leg.end], plan.home)]
    ]
    assert {distance for distance, _ in away} <= set(range(49, 82))
    assert {50, 80} <= {distance for distance, _ in away}
    assert all(near for _, near in away)
    assert plan.pattern == "corridor"
    assert plan.coverage > 0.99
    assert plan.fence.min_clearance_m >= CLEARANCE_M - 0.1


def test_a_single_lane_far_from_the_area_is_reached(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    area = metric_area(box(300, 0, 450, 600), (350, 300), border=MultiLineString([[(0, -100), (0, 700)]]))
    plan = make_plan(area, x500, boson, lanes_m=[40.0])
    assert plan.coverage > 0.99
    assert line_of([legs_of(plan)[0].start, legs_of(plan)[0].end], plan.home).length > 100


def legs_of(plan: Plan) -> list:  # type: ignore[type-arg]
    return [leg for sortie in plan.sorties for leg in legs(plan, sortie)]


def test_corridors_that_cannot_be(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    with pytest.raises(NotFlyableError, match="no border line"):
        make_plan(metric_area(box(0, 0, 100, 100), (50, 50)), x500, boson, lanes_m=[])
    with pytest.raises(InputError, match="too near the border"):
        make_plan(strip(metric_area), x500, boson, lanes_m=[10.0])


def test_a_round_that_one_battery_holds_is_flown_as_a_loop(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    area = metric_area(box(0, 0, 120, 120), (60, 60))
    once = make_plan(area, x500, boson)
    plan = make_plan(area, x500, boson, revisit_s=900.0)
    assert len(plan.sorties) == 1
    assert plan.sorties[0].photos >= 2 * once.sorties[0].photos
    assert plan.sorties[0].battery_used_pct <= 80.0
    assert plan.revisit_s == pytest.approx(once.sorties[0].flight_time_s + SWAP_S)
    with pytest.raises(NotFlyableError, match="it takes 2 drones: give --drones 2"):
        make_plan(area, x500, boson, revisit_s=plan.revisit_s - 1.0)
    assert make_plan(area, x500, boson, revisit_s=plan.revisit_s - 1.0, drones=2).revisit_s < plan.revisit_s - 1.0
    with pytest.raises(NotFlyableError, match="20 drones do not do it either"):
        make_plan(area, x500, boson, revisit_s=60.0)


def test_several_drones_keep_apart_and_share_evenly(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    area = metric_area(box(0, 0, 700, 600), (350, -30))
    plan = make_plan(area, x500, boson, drones=3)
    alone = make_plan(area, x500, boson)
    done = [
        max(sortie.start_s + sortie.flight_time_s for sortie in plan.sorties if sortie.drone == drone)
        for drone in (1, 2, 3)
    ]
    working = [sum(s.flight_time_s for s in plan.sorties if s.drone == drone) for drone in (1, 2, 3)]
    assert max(working) < 0.5 * sum(sortie.flight_time_s for sortie in alone.sorties)
    assert max(done) < 0.75 * (alone.sorties[-1].start_s + alone.sorties[-1].flight_time_s)
    assert plan.coverage > 0.999
    for first in plan.sorties:
        for second in plan.sorties:
            if first.drone < second.drone:
                assert nearest_m(plan, first, second, x500) > 0.8 * HORIZONTAL_M
            elif first.drone == second.drone and first.number < second.number:
                assert second.start_s >= first.start_s + first.flight_time_s + SWAP_S - 1.0


def nearest_m(plan: Plan, first: Sortie, second: Sortie, drone: Drone) -> float:
    """The least distance of two sorties while both are at height, flown at even speed."""
    tracks = []
    for sortie in (first, second):
        frame = frame_of(plan.home)
        places = [plan.home, *(waypoint.position for waypoint in sortie.waypoints)]
        points = np.column_stack(frame.to_local([p.lat_deg for p in places], [p.lon_deg for p in places]))
        speeds = [sortie.speed_m_s] * (len(points) - 1)
        on = [k for k, w in enumerate(sortie.waypoints) if w.camera == "on"]
        off = [k for k, w in enumerate(sortie.waypoints) if w.camera == "off"]
        speeds[: on[0] + 1] = [drone.cruise_speed_m_s] * (on[0] + 1)
        speeds[off[-1] + 1 :] = [drone.cruise_speed_m_s] * (len(speeds) - off[-1] - 1)
        legs_s = np.hypot(*np.diff(points, axis=0).T) / np.array(speeds)
        climb_s = plan.height_home_m / drone.climb_rate_m_s
        cruise_s = way_cost(drone, [(x, y) for x, y in points], speeds).time_s
        when = sortie.start_s + climb_s + np.concatenate([[0.0], np.cumsum(legs_s) * cruise_s / legs_s.sum()])
        tracks.append((when, points))
    begin, end = max(tracks[0][0][0], tracks[1][0][0]), min(tracks[0][0][-1], tracks[1][0][-1])
    if end <= begin:
        return math.inf
    when = np.arange(begin, end, 1.0)
    places = [np.column_stack([np.interp(when, t, p[:, 0]), np.interp(when, t, p[:, 1])]) for t, p in tracks]
    return float(np.hypot(*(places[0] - places[1]).T).min())


def test_wind_triangle(x500: Drone) -> None:
    east = np.array([[1.0, 0.0]])
    # 6 m/s from the west pushes a flight to the east: 10 m/s over ground are 4 m/s through the air, and back 16.
    ground, power = in_wind(x500, east, 10.0, Wind(6.0, 270.0))
    assert (ground[0], power[0]) == pytest.approx((10.0, float(power_ratio(x500, 4.0))))
    back, dear = in_wind(x500, -east, 10.0, Wind(6.0, 270.0))
    assert back[0] == pytest.approx(x500.max_airspeed_m_s - 6.0)
    assert dear[0] == pytest.approx(float(power_ratio(x500, x500.max_airspeed_m_s)))
    across, _ = in_wind(x500, np.array([[0.0, 1.0]]), 10.0, Wind(6.0, 270.0))
    assert across[0] == pytest.approx(10.0)
    with pytest.raises(NotFlyableError, match="too much"):
        in_wind(x500, east, 10.0, Wind(14.0, 90.0))
    assert in_wind(x500, east, 10.0, CALM)[1][0] == pytest.approx(1.0)


def test_wind_costs_battery_and_is_kept_in_the_plan(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    area = metric_area(box(0, 0, 250, 200), (125, -400))
    calm, windy = (make_plan(area, x500, boson, wind=wind) for wind in (CALM, Wind(7.0, 0.0)))
    assert (windy.wind_speed_m_s, windy.wind_from_deg) == (7.0, 0.0)
    used = [sum(sortie.battery_used_pct for sortie in plan.sorties) for plan in (calm, windy)]
    assert used[1] > 1.05 * used[0]
    assert windy.coverage > 0.999


def test_point_of_no_return_is_where_least_is_left(metric_area: MakeArea, x500: Drone, boson: Camera) -> None:
    plan = make_plan(metric_area(box(0, 0, 300, 900), (150, -50)), x500, boson)
    for sortie in plan.sorties:
        point = sortie.point_of_no_return
        assert point is not None
        assert 0.0 < point.time_s < sortie.flight_time_s
        assert point.battery_needed_pct > 100.0 * x500.reserve
        assert point.spare_s <= x500.endurance_s * (1 - x500.reserve) - point.time_s
    far = replace(x500, endurance_s=1.5 * x500.endurance_s)
    roomy = make_plan(metric_area(box(0, 0, 120, 120), (60, 60)), far, boson).sorties[0].point_of_no_return
    assert roomy is not None
    assert roomy.spare_s > 300.0


def test_lanes_lost_to_a_zone_are_not_counted_as_photographed(
    metric_area: MakeArea, x500: Drone, boson: Camera
) -> None:
    zone = box(-60, 700, 150, 800)
    area = metric_area(box(0, 0, 150, 1_100), (60, 500), border=BORDER, no_fly=(zone,))
    plan = make_plan(area, x500, boson, lanes_m=[80.0])
    assert 0.5 < plan.coverage < 0.93
