"""A stranger's ground station flies the vehicle over a real socket."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.values import TangentFrame


def kind(messages: list[Any], name: str) -> list[Any]:
    return [message for message in messages if message.get_type() == name]


def texts(messages: list[Any]) -> str:
    return "\n".join(message.text for message in kind(messages, "STATUSTEXT"))


def test_a_square_is_flown_photographed_and_landed(place: Any, ground: Any, make_square: Callable[..., Any]) -> None:
    rows = make_square(size_m=100.0, height_m=30.0, photo_m=10.0)
    ground.take_off_in_auto(rows)
    heard = ground.until_disarmed()

    positions = kind(heard, "GLOBAL_POSITION_INT")
    assert max(message.relative_alt for message in positions) == pytest.approx(30_000, abs=800)
    assert [m.seq for m in kind(heard, "MISSION_ITEM_REACHED")] == [1, 3, 4, 5, 6, 8, 9]
    assert "Disarming motors" in texts(heard)

    feedback = kind(heard, "CAMERA_FEEDBACK")
    assert [message.img_idx for message in feedback] == list(range(1, len(feedback) + 1))
    assert len(feedback) == pytest.approx(40, abs=3)
    assert [trigger.index for trigger in place.triggers] == [message.img_idx for message in feedback]

    # it lands where it took off, on level ground
    assert positions[-1].lat == pytest.approx(positions[0].lat, abs=20)
    assert abs(positions[-1].relative_alt) < 1000


def test_photographs_are_as_far_apart_as_asked(place: Any, ground: Any, make_square: Callable[..., Any]) -> None:
    ground.take_off_in_auto(make_square(size_m=120.0, photo_m=15.0))
    ground.until_disarmed()
    frame = TangentFrame(place.triggers[0].lat_deg, place.triggers[0].lon_deg)
    points = [frame.to_local(trigger.lat_deg, trigger.lon_deg) for trigger in place.triggers]
    spacing = [math.dist(a, b) for a, b in pairwise(points)]
    # one step of 0.02 s at 5 m/s, and the wander of the position estimate between two shots
    assert min(spacing) > 14.7
    assert max(spacing) < 15.6


def test_feedback_is_near_the_truth_and_not_it(place: Any, ground: Any, make_square: Callable[..., Any]) -> None:
    ground.take_off_in_auto(make_square())
    feedback = kind(ground.until_disarmed(), "CAMERA_FEEDBACK")
    assert len(feedback) > 30
    for message, truth in zip(feedback, place.triggers, strict=True):
        frame = TangentFrame(truth.lat_deg, truth.lon_deg)
        north, east = frame.to_local(message.lat * 1e-7, message.lng * 1e-7)
        assert 0.0 < math.hypot(north, east) < 3.5
        assert abs(message.alt_msl - truth.alt_amsl_m) < 4.5
        assert abs(message.alt_rel - truth.alt_home_m) < 1.5
        assert abs(message.pitch - truth.pitch_deg) < 1.5
        assert abs(message.roll - truth.roll_deg) < 1.5
        assert abs((message.yaw - truth.yaw_deg + 180.0) % 360.0 - 180.0) < 1.5
        assert 0.0 <= message.yaw < 360.0
        assert message.time_usec == pytest.approx(truth.time_utc_s * 1e6, abs=1)
        assert message.foc_len == 0.0


def test_the_nose_is_down_while_cruising(place: Any, ground: Any, make_square: Callable[..., Any]) -> None:
    ground.take_off_in_auto(make_square(size_m=200.0), WPNAV_SPEED=800)
    ground.until_disarmed()
    cruising = [trigger.pitch_deg for trigger in place.triggers[4:15]]
    assert max(cruising) < -3.0
    assert min(cruising) > -12.0
    assert place.triggers[8].yaw_deg % 360.0 == pytest.approx(0.0, abs=1.0) or place.triggers[8].yaw_deg > 359.0


def test_same_seed_same_flight(serve: Callable[..., Any], make_square: Callable[..., Any]) -> None:
    def flown(seed: int, pause_s: float) -> list[tuple[int, int, float]]:
        with serve(seed=seed, gust_m_s=0.5) as place:
            ground = place.ground()
            time.sleep(pause_s)
            ground.take_off_in_auto(make_square())
            feedback = kind(ground.until_disarmed(), "CAMERA_FEEDBACK")
            return [(m.lat, m.lng, m.pitch) for m in feedback]

    first = flown(3, 0.0)
    assert first == flown(3, 0.13), "a flight must not depend on how long the ground took"
    assert first != flown(4, 0.0)


def test_the_flight_goes_on_when_the_ground_station_goes(
    place: Any, ground: Any, make_square: Callable[..., Any]
) -> None:
    ground.take_off_in_auto(make_square())
    ground.next("MISSION_ITEM_REACHED", seq=1)
    ground.close()
    other = place.ground()
    assert "Disarming motors" in texts(other.until_disarmed())
    assert len(place.triggers) == pytest.approx(40, abs=3)


def test_two_ground_stations_hear_the_same_flight(place: Any, make_square: Callable[..., Any]) -> None:
    first, second = place.ground(255), place.ground(254)
    first.take_off_in_auto(make_square(size_m=60.0))
    with ThreadPoolExecutor() as both:  # who reads nothing for ten seconds is hung up on
        counts = [
            len(kind(heard, "CAMERA_FEEDBACK"))
            for heard in both.map(lambda ground: ground.until_disarmed(), (first, second))
        ]
    assert counts[0] == counts[1] == len(place.triggers)


def test_leaving_the_fence_brings_it_home(ground: Any, make_row: Callable[..., Any]) -> None:
    frame = TangentFrame(23.04, 88.9)
    north = frame.to_geodetic(200.0, 0.0)
    ring = [frame.to_geodetic(*corner) for corner in ((-50, -50), (80, -50), (80, 50), (-50, 50))]
    fence = [make_row(mavlink.MAV_CMD_NAV_FENCE_POLYGON_VERTEX_INCLUSION, 4, lat=a, lon=b, frame=0) for a, b in ring]
    assert ground.upload(fence, 1) == mavlink.MAV_MISSION_ACCEPTED
    ground.set("FENCE_TYPE", 4)
    assert ground.set("FENCE_ENABLE", 1) == 1
    ground.take_off_in_auto(
        [
            make_row(mavlink.MAV_CMD_NAV_WAYPOINT, frame=0),
            make_row(mavlink.MAV_CMD_NAV_TAKEOFF, alt=20.0),
            make_row(mavlink.MAV_CMD_NAV_WAYPOINT, lat=north[0], lon=north[1], alt=20.0),
            make_row(mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH),
        ]
    )
    heard = ground.until_disarmed()
    assert "Polygon fence breached" in texts(heard)
    assert any(m.breach_status and m.breach_type == mavlink.FENCE_BREACH_BOUNDARY for m in kind(heard, "FENCE_STATUS"))
    assert kind(heard, "HEARTBEAT")[-1].custom_mode == 6
    farthest = max(frame.to_local(m.lat * 1e-7, m.lon * 1e-7)[0] for m in kind(heard, "GLOBAL_POSITION_INT") if m.lat)
    assert 80.0 < farthest < 95.0


def test_a_low_battery_brings_it_home(serve: Callable[..., Any], make_square: Callable[..., Any]) -> None:
    with serve(battery_capacity_mah=1000.0) as place:
        ground = place.ground()
        ground.set("BATT_LOW_MAH", 500)
        ground.set("BATT_FS_LOW_ACT", 2)
        ground.take_off_in_auto(make_square(size_m=300.0))
        heard = ground.until_disarmed()
        assert "Battery Failsafe" in texts(heard)
        assert kind(heard, "HEARTBEAT")[-1].custom_mode == 6
        assert kind(heard, "SYS_STATUS")[-1].battery_remaining < 50


def test_guided_take_off_and_landing(ground: Any) -> None:
    ground.ready()
    assert ground.mode(4) == mavlink.MAV_RESULT_ACCEPTED
    assert ground.arm() == mavlink.MAV_RESULT_ACCEPTED
    assert ground.command(mavlink.MAV_CMD_NAV_TAKEOFF, 0, 0, 0, 0, 0, 0, 15.0) == mavlink.MAV_RESULT_ACCEPTED
    while ground.next("GLOBAL_POSITION_INT").relative_alt < 14_000:
        pass
    assert ground.command(mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 0) == mavlink.MAV_RESULT_FAILED, "it is flying"
    assert ground.command(mavlink.MAV_CMD_NAV_LAND) == mavlink.MAV_RESULT_ACCEPTED
    heard = ground.until_disarmed()
    assert abs(kind(heard, "GLOBAL_POSITION_INT")[-1].relative_alt) < 1000


def test_commands_on_the_way(ground: Any, make_row: Callable[..., Any]) -> None:
    """DO_JUMP, DO_CHANGE_SPEED, a delay, one single photograph and a landing elsewhere."""
    frame = TangentFrame(23.04, 88.9)
    there, beside = frame.to_geodetic(40.0, 0.0), frame.to_geodetic(40.0, 20.0)
    ground.take_off_in_auto(
        [
            make_row(mavlink.MAV_CMD_NAV_WAYPOINT, frame=0),
            make_row(mavlink.MAV_CMD_NAV_TAKEOFF, alt=10.0),
            make_row(mavlink.MAV_CMD_DO_CHANGE_SPEED, 1, 3.0),
            make_row(mavlink.MAV_CMD_NAV_WAYPOINT, 5.0, lat=there[0], lon=there[1], alt=10.0),
            make_row(mavlink.MAV_CMD_DO_DIGICAM_CONTROL),
            make_row(mavlink.MAV_CMD_NAV_WAYPOINT, lat=beside[0], lon=beside[1], alt=10.0),
            make_row(mavlink.MAV_CMD_DO_JUMP, 3, 2),
            make_row(mavlink.MAV_CMD_NAV_LAND, lat=beside[0], lon=beside[1]),
        ]
    )
    heard = ground.until_disarmed()
    # the place (3) and the photograph on reaching it (4) may be told as one
    assert [m.seq for m in kind(heard, "MISSION_ITEM_REACHED") if m.seq != 3] == [2, 4, 5, 4, 5, 4, 5, 7]
    assert len(kind(heard, "CAMERA_FEEDBACK")) == 3
    assert max(m.groundspeed for m in kind(heard, "VFR_HUD")) < 3.3
    last = kind(heard, "GLOBAL_POSITION_INT")[-1]
    north, east = frame.to_local(last.lat * 1e-7, last.lon * 1e-7)
    assert (north, east) == (pytest.approx(40.0, abs=1.5), pytest.approx(20.0, abs=1.5))
