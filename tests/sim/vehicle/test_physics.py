"""The body, its navigation and its errors, without a socket."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.autopilot import STEP_S, SimulatedVehicle
from sim.vehicle.fence import FenceShapes, local_fence, outside_m
from sim.vehicle.mission import State
from sim.vehicle.noise import SensorErrors
from sim.vehicle.physics import Body, Command, Wind, capacity_for_mah
from sim.vehicle.returning import return_height_m
from sim.vehicle.storage import Circle, Item, Polygon
from sim.vehicle.trigger import CameraTrigger
from sim.vehicle.values import Mode, TangentFrame, Trigger, VehicleSettings

EXACT = {"gps_bias_horizontal_m": 0.0, "gps_bias_vertical_m": 0.0, "attitude_sigma_deg": 0.0}
Place = tuple[float, float, float, float]


def vehicle_with(points: list[tuple[float, float]], height_m: float, **changes: float) -> SimulatedVehicle:
    """An armed vehicle in AUTO with a mission through `points` (north, east), without errors of its sensors."""
    vehicle = SimulatedVehicle(VehicleSettings(23.0, 88.9, 10.0, **{**EXACT, **changes}))  # type: ignore[arg-type]
    vehicle.params.put("AUTO_OPTIONS", 3)
    vehicle.params.put("WPNAV_SPEED", 800)
    items = [Item(3, mavlink.MAV_CMD_NAV_TAKEOFF, z=height_m)]
    for north, east in points:
        lat, lon = vehicle.frame.to_geodetic(north, east)
        items.append(Item(3, mavlink.MAV_CMD_NAV_WAYPOINT, x=round(lat * 1e7), y=round(lon * 1e7), z=height_m))
    items.append(Item(0, mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH))
    vehicle.store.put_mission([vehicle.store.mission[0], *items])
    while not vehicle.ready:
        vehicle.step()
    assert vehicle.set_mode(Mode.AUTO)
    assert vehicle.arm()
    return vehicle


def flown(vehicle: SimulatedVehicle, limit_s: float = 1500.0) -> list[Place]:
    """(north, east, up, time) of every step until it is disarmed."""
    track = []
    while vehicle.armed:
        vehicle.step()
        track.append((vehicle.body.north_m, vehicle.body.east_m, vehicle.body.up_m, vehicle.time_s))
        assert vehicle.time_s < limit_s
    return track


def test_a_sharp_turn_stays_near_its_waypoint_and_within_its_limits() -> None:
    vehicle = vehicle_with([(0, 0), (150, 0), (150, 30), (0, 30)], 40.0)
    speeds, lifts = [], []
    track = []
    while vehicle.armed:
        vehicle.step()
        body = vehicle.body
        speeds.append(math.hypot(body.v_north_m_s, body.v_east_m_s))
        lifts.append(body.v_up_m_s)
        track.append((body.north_m, body.east_m))
    assert max(speeds) == pytest.approx(8.0, abs=0.2)
    assert max(lifts) < 2.7
    assert min(lifts) > -1.7
    for corner in ((150, 0), (150, 30), (0, 30)):
        # WPNAV_RADIUS holds for where it should be, two metres; it follows a little behind
        assert min(math.dist(corner, point) for point in track) < 2.2
    assert max(north for north, _ in track) < 152.5
    assert track[-1] == (pytest.approx(0.0, abs=0.5), pytest.approx(0.0, abs=0.5))


def test_it_stops_at_a_waypoint_without_running_past_it() -> None:
    for speed in (300, 800, 1500):
        vehicle = vehicle_with([(200, 0)], 20.0)
        vehicle.params.put("WPNAV_SPEED", speed)
        assert max(north for north, *_ in flown(vehicle)) < 201.0


def test_accelerations_have_no_jumps() -> None:
    vehicle = vehicle_with([(80, 0), (80, 60), (0, 0)], 20.0)
    speeds = []
    while vehicle.armed:
        vehicle.step()
        if vehicle.body.up_m > 1.0:
            speeds.append((vehicle.body.v_north_m_s, vehicle.body.v_east_m_s))
    accelerations = [((c - a) / STEP_S, (d - b) / STEP_S) for (a, b), (c, d) in pairwise(speeds)]
    assert max(math.dist(a, b) for a, b in pairwise(accelerations)) <= 5.0 * STEP_S
    # twice WPNAV_ACCEL in corners
    assert max(math.hypot(*a) for a in accelerations) < 5.0


def test_drag_learnt_on_a_line_carries_it_wide_in_the_corner() -> None:
    def farthest_m(drag_per_s: float) -> float:
        vehicle = vehicle_with([(150, 0), (150, 60)], 20.0)
        vehicle.body.drag_per_s = drag_per_s
        return max(north for north, *_ in flown(vehicle))

    assert farthest_m(0.0) + 0.1 < farthest_m(0.2) < 151.0


def test_hovering_in_wind_leans_into_it() -> None:
    vehicle = vehicle_with([(0, 0)], 20.0, wind_speed_m_s=8.0, wind_from_deg=0.0)
    while vehicle.run.index < 2:
        vehicle.step()
    for _ in range(250):
        vehicle.step()
    # nose to the north, wind from the north: nose down by the drag of 8 m/s, place held
    assert math.degrees(vehicle.body.pitch_rad) == pytest.approx(-math.degrees(math.atan(0.138 * 8 / 9.80665)), abs=0.5)
    assert math.hypot(vehicle.body.north_m, vehicle.body.east_m) < 1.0


@settings(max_examples=40)
@given(
    forward=st.floats(-8, 8),
    right=st.floats(-8, 8),
    yaw=st.floats(0, 6.28),
)
def test_tilt_points_the_thrust_where_it_accelerates(forward: float, right: float, yaw: float) -> None:
    """Whatever the heading, the attitude's thrust direction is that of acceleration plus drag against gravity."""
    body = Body(up_m=50.0, yaw_rad=yaw, on_ground=False)
    north = forward * math.cos(yaw) - right * math.sin(yaw)
    east = forward * math.sin(yaw) + right * math.cos(yaw)
    # a steady wind held still against: only drag tilts
    wind = Wind(-north, -east, 0.0, -north, -east)
    for _ in range(200):
        body.step(Command(yaw_rad=yaw), wind, STEP_S, math.radians(60))
    r, p, y = body.roll_rad, body.pitch_rad, body.yaw_rad
    # third column of R = Rz(y) Ry(p) Rx(r), negated: the thrust in north, east, down
    thrust_n = -(math.cos(y) * math.sin(p) * math.cos(r) + math.sin(y) * math.sin(r))
    thrust_e = -(math.sin(y) * math.sin(p) * math.cos(r) - math.cos(y) * math.sin(r))
    thrust_d = -math.cos(p) * math.cos(r)
    assert thrust_n / -thrust_d == pytest.approx(0.138 * north / 9.80665, abs=0.01)
    assert thrust_e / -thrust_d == pytest.approx(0.138 * east / 9.80665, abs=0.01)


def test_an_empty_battery_ends_the_flight_on_the_ground() -> None:
    vehicle = vehicle_with([(500, 0), (0, 0), (500, 0)], 60.0, battery_capacity_mah=400.0)
    track = flown(vehicle)
    assert vehicle.battery.remaining == 0.0
    assert track[-1][2] == 0.0
    assert track[-1][0] > 5.0, "it did not come home"


def test_endurance_is_about_that_of_an_x500() -> None:
    vehicle = vehicle_with([(600, 0), (0, 0)] * 3, 60.0)
    flown(vehicle)
    flight_s = vehicle.time_s - 2.0
    assert flight_s / (1.0 - vehicle.battery.remaining) == pytest.approx(1000.0, rel=0.2)


@pytest.mark.parametrize("endurance_s", [960.0, 1500.0])
def test_a_flight_takes_its_share_of_the_endurance_asked_for(endurance_s: float) -> None:
    points = [(0.0, 0.0), (900.0, 0.0), (900.0, 40.0), (0.0, 40.0), (0.0, 80.0), (900.0, 80.0), (0.0, 120.0)]
    vehicle = vehicle_with(points, 60.0, battery_capacity_mah=capacity_for_mah(endurance_s, 250.0))
    flight_s = flown(vehicle)[-1][3]
    assert 1.0 - vehicle.battery.remaining == pytest.approx(flight_s / endurance_s, abs=0.05)


def test_rtl_goes_to_the_nearest_rally_point() -> None:
    vehicle = vehicle_with([(200, 0), (200, 300)], 30.0)
    lat, lon = vehicle.frame.to_geodetic(200.0, 60.0)
    vehicle.store.put_rally([Item(3, mavlink.MAV_CMD_NAV_RALLY_POINT, x=round(lat * 1e7), y=round(lon * 1e7), z=20.0)])
    while vehicle.body.north_m < 190.0:
        vehicle.step()
    assert vehicle.set_mode(Mode.RTL)
    track = flown(vehicle)
    assert track[-1][:2] == (pytest.approx(200.0, abs=0.6), pytest.approx(60.0, abs=0.6))


@pytest.mark.parametrize(
    ("asked", "cone", "height", "distance", "expected"),
    [
        (15.0, 3.0, 5.0, 100.0, 15.0),
        (15.0, 3.0, 40.0, 100.0, 40.0),
        (15.0, 3.0, 2.5, 1.0, 3.0),
        (15.0, 0.0, 2.5, 1.0, 15.0),
    ],
)
def test_return_height(asked: float, cone: float, height: float, distance: float, expected: float) -> None:
    assert return_height_m(asked, 0.0, cone, height, distance) == expected


def test_auto_is_taken_up_where_it_was_left() -> None:
    vehicle = vehicle_with([(100, 0), (100, 100), (0, 100)], 20.0)
    while vehicle.run.index < 3:
        vehicle.step()
    assert vehicle.set_mode(Mode.LOITER)
    assert vehicle.run.state == State.PAUSED
    for _ in range(200):
        vehicle.step()
    assert vehicle.set_mode(Mode.AUTO)
    assert vehicle.run.index == 3
    assert flown(vehicle)[-1][0] == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize(("home_deg", "east_m"), [(179.999, 300.0), (-179.999, -300.0), (149.1, 300.0)])
def test_metres_and_degrees_agree_across_180_degrees(home_deg: float, east_m: float) -> None:
    frame = TangentFrame(-17.0, home_deg)
    lat, lon = frame.to_geodetic(-50.0, east_m)
    assert abs(lon) <= 180.0
    assert frame.to_local(lat, lon) == pytest.approx((-50.0, east_m), abs=1e-4)


def test_fence_distances() -> None:
    frame = TangentFrame(23.0, 88.9)

    def ring(inclusion: bool, *points: tuple[float, float]) -> Polygon:
        return Polygon(inclusion, tuple(frame.to_geodetic(*point) for point in points))

    outer = ring(True, (-100, -100), (100, -100), (100, 100), (-100, 100))
    hole = ring(False, (10, 10), (30, 10), (30, 30), (10, 30))
    lat, lon = frame.to_geodetic(-50.0, -50.0)
    fence = local_fence(FenceShapes((outer, hole), (Circle(False, lat, lon, 10.0),)), frame)
    for place, outside in (((0, 0), -10 * math.sqrt(2)), ((20, 20), 10.0), ((-50, -45), 5.0), ((130, 0), 30.0)):
        assert outside_m(fence, (*place, 0.0)) == pytest.approx(outside, abs=0.01)
    second = ring(True, (90, -100), (300, -100), (300, 100), (90, 100))
    both = local_fence(FenceShapes((outer, second)), frame)
    assert outside_m(both, (200.0, 0.0, 0.0)) == pytest.approx(100.0, abs=0.1), "inclusions must all hold"
    assert outside_m(both, (200.0, 0.0, 0.0), union=True) == pytest.approx(-100.0, abs=0.1)


def test_the_trigger_heeds_auto_only_and_the_shortest_interval() -> None:
    vehicle = SimulatedVehicle(VehicleSettings(23.0, 88.9))
    params = vehicle.params
    trigger = CameraTrigger()
    trigger.every(10.0, at_once=True)
    assert trigger.due((0, 0, 0), 0.0, True, 0.0, params)
    assert not trigger.due((9.9, 0, 0), 0.0, True, 1.0, params)
    assert trigger.due((10.1, 0, 0), 0.0, True, 2.0, params)
    params.put("CAM_AUTO_ONLY", 1)
    assert not trigger.due((30, 0, 0), 0.0, False, 3.0, params)
    params.put("CAM1_INTRVAL_MIN", 5.0)
    assert not trigger.due((30, 0, 0), 0.0, True, 4.0, params)
    assert trigger.due((30, 0, 0), 0.0, True, 8.0, params)
    trigger.every(0.0, at_once=False)
    assert not trigger.due((90, 0, 0), 0.0, True, 90.0, params)
    assert trigger.index == 3


def test_errors_have_the_sizes_they_are_said_to_have() -> None:
    made = [SensorErrors(seed, 0.6, 0.8, 0.3) for seed in range(1000)]
    parts = (
        ([errors.bias_north_m for errors in made], 0.6),
        ([errors.bias_east_m for errors in made], 0.6),
        ([errors.bias_up_m for errors in made], 0.8),
        ([math.degrees(errors.pitch_rad) for errors in made], 0.3),
    )
    for values, sigma in parts:
        assert math.sqrt(sum(value**2 for value in values) / len(values)) == pytest.approx(sigma, rel=0.1)


def test_the_bias_stays_and_the_rest_wanders_a_little() -> None:
    moved = []
    for seed in range(20):
        errors = SensorErrors(seed, 0.6, 0.8, 0.3)
        bias = errors.bias_north_m
        for _ in range(600):
            errors.update(0.1)
        moved.append(abs(errors.north_m - bias))
        assert errors.bias_north_m == bias
    assert 0.02 < sum(moved) / len(moved) < 0.3


def test_the_truth_does_not_depend_on_who_listens() -> None:
    """The same seed gives the same photographs, wherever and however often the telemetry is read."""
    runs: list[list[Trigger]] = []
    for pause in (0, 37):
        triggers: list[Trigger] = []
        vehicle = SimulatedVehicle(VehicleSettings(23.0, 88.9, seed=5, gust_m_s=1.0), triggers.append)
        vehicle.params.put("AUTO_OPTIONS", 3)
        lat, lon = vehicle.frame.to_geodetic(80.0, 0.0)
        items = [
            Item(3, mavlink.MAV_CMD_NAV_TAKEOFF, z=20.0),
            Item(0, mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST, 8.0, 0.0, 1.0),
            Item(3, mavlink.MAV_CMD_NAV_WAYPOINT, x=round(lat * 1e7), y=round(lon * 1e7), z=20.0),
            Item(0, mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH),
        ]
        vehicle.store.put_mission([vehicle.store.mission[0], *items])
        for _ in range(150 + pause):
            vehicle.step()
        assert vehicle.set_mode(Mode.AUTO)
        assert vehicle.arm()
        flown(vehicle)
        runs.append(triggers)
    assert len(runs[0]) >= 10
    assert [(t.lat_deg, t.lon_deg, t.pitch_deg) for t in runs[0]] == [
        (t.lat_deg, t.lon_deg, t.pitch_deg) for t in runs[1]
    ]
