"""What a ground station asks of the vehicle and is told: identity, parameters, lists, refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.parameters import DEFAULTS

ACCEPTED = mavlink.MAV_MISSION_ACCEPTED


def test_it_introduces_itself_as_a_copter(ground: Any) -> None:
    beat = ground.next("HEARTBEAT")
    assert (beat.get_srcSystem(), beat.get_srcComponent()) == (1, 1)
    assert beat.type == mavlink.MAV_TYPE_QUADROTOR
    assert beat.autopilot == mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA
    assert not beat.base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED
    assert ground.command(mavlink.MAV_CMD_REQUEST_AUTOPILOT_CAPABILITIES, 1) == mavlink.MAV_RESULT_ACCEPTED


def test_its_version_and_home_come_on_request(ground: Any) -> None:
    ground.ready()
    ground.mav.command_long_send(1, 1, mavlink.MAV_CMD_REQUEST_MESSAGE, 0, 148, 0, 0, 0, 0, 0, 0)
    version = ground.next("AUTOPILOT_VERSION")
    assert (version.flight_sw_version >> 24, version.flight_sw_version >> 16 & 255) == (4, 5)
    assert version.capabilities & mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_FENCE
    ground.mav.command_long_send(1, 1, mavlink.MAV_CMD_GET_HOME_POSITION, 0, 0, 0, 0, 0, 0, 0, 0)
    home = ground.next("HOME_POSITION")
    assert home.latitude == pytest.approx(230_400_000, abs=400)
    assert home.altitude == pytest.approx(12_000, abs=5_000)


def test_time_is_plausible_utc_once_it_has_a_fix(ground: Any) -> None:
    ground.ready()
    times = [ground.next("SYSTEM_TIME") for _ in range(3)]
    offsets = {round(message.time_unix_usec / 1e6 - message.time_boot_ms / 1e3, 2) for message in times}
    assert offsets == {1_795_370_400.0}


def test_all_parameters_are_listed_once(ground: Any) -> None:
    ground.mav.param_request_list_send(1, 1)
    heard = {}
    while len(heard) < len(DEFAULTS):
        message = ground.next("PARAM_VALUE")
        heard[message.param_index] = message
        assert message.param_count == len(DEFAULTS)
    assert [heard[index].param_id for index in range(len(DEFAULTS))] == [name for name, _, _ in DEFAULTS]
    assert [heard[index].param_type for index in range(len(DEFAULTS))] == [kind for _, kind, _ in DEFAULTS]


def test_parameters_are_set_read_and_kept_to_their_type(ground: Any) -> None:
    assert ground.set("WPNAV_SPEED", 512.5) == pytest.approx(512.5)
    assert ground.set("RTL_ALT", 3000.4) == 3000
    assert ground.set("FENCE_ACTION", 1000) == 127
    assert ground.set("MIS_TOTAL", 5) == 1, "read-only"
    ground.mav.param_request_read_send(1, 1, b"RTL_ALT", -1)
    assert ground.next("PARAM_VALUE", param_id="RTL_ALT").param_value == 3000


def test_an_unknown_parameter_is_ignored(ground: Any) -> None:
    ground.mav.param_set_send(1, 1, b"NO_SUCH_PARAM", 1.0, mavlink.MAV_PARAM_TYPE_REAL32)
    ground.mav.param_request_read_send(1, 1, b"NO_SUCH_PARAM", -1)
    ground.mav.param_request_read_send(1, 1, b"SYSID_THISMAV", -1)
    assert ground.next("PARAM_VALUE").param_id == "SYSID_THISMAV"


@pytest.mark.parametrize("as_float", [False, True])
def test_a_mission_goes_up_and_comes_down(ground: Any, make_square: Callable[..., Any], as_float: bool) -> None:
    rows = make_square()
    ground.ready()
    assert ground.upload(rows, as_float=as_float) == ACCEPTED
    items = ground.download(as_float=as_float)
    assert [item.command for item in items] == [row[1] for row in rows]
    scale, near = (1.0, 2e-5) if as_float else (1e-7, 1e-7)
    assert items[0].x * scale == pytest.approx(23.04, abs=1e-4), "item 0 is home, whatever was written there"
    for item, (frame, command, params, lat, lon, alt) in zip(items[1:], rows[1:], strict=True):
        assert (item.param1, item.param3) == (params[0], params[2])
        assert item.x * scale == pytest.approx(lat, abs=near)
        assert item.y * scale == pytest.approx(lon, abs=near)
        assert item.z == alt
        located = command in (mavlink.MAV_CMD_NAV_WAYPOINT, mavlink.MAV_CMD_NAV_TAKEOFF)
        assert item.frame == (frame if located else mavlink.MAV_FRAME_GLOBAL)


def test_fence_and_rally_go_up_and_come_down(ground: Any, make_row: Callable[..., Any]) -> None:
    def vertices(command: int, count: int, shift: float) -> list[Any]:
        ring = [(23.0 + shift, 88.9), (23.1 + shift, 88.9), (23.1 + shift, 89.0), (23.0 + shift, 89.0)][:count]
        return [make_row(command, count, lat=lat, lon=lon, frame=0) for lat, lon in ring]

    inclusion, exclusion = 5001, 5002
    # two exclusions of one size side by side can only be told apart by their count
    fence = [*vertices(inclusion, 4, 0.0), *vertices(exclusion, 3, 0.01), *vertices(exclusion, 3, 0.02)]
    fence.append(make_row(5003, 500.0, lat=23.04, lon=88.9, frame=0))
    assert ground.upload(fence, 1) == ACCEPTED
    assert [(i.command, i.param1, i.x, i.y) for i in ground.download(1)] == [
        (row[1], row[2][0], round(row[3] * 1e7), round(row[4] * 1e7)) for row in fence
    ]
    rally = [make_row(mavlink.MAV_CMD_NAV_RALLY_POINT, lat=23.05, lon=88.9 + k / 100, alt=20.0) for k in range(3)]
    assert ground.upload(rally, 2) == ACCEPTED
    assert [i.y for i in ground.download(2)] == [889_000_000, 889_100_000, 889_200_000]
    assert len(ground.download(0)) == 1, "the mission is none of it"
    ground.mav.mission_clear_all_send(1, 1, 1)
    ground.next("MISSION_ACK", mission_type=1, type=ACCEPTED)
    assert ground.download(1) == []
    assert len(ground.download(2)) == 3


def test_a_bad_fence_is_refused_and_the_old_one_stays(ground: Any, make_row: Callable[..., Any]) -> None:
    def ring(count: int, said: float) -> list[Any]:
        return [make_row(5001, said, lat=23.0 + k / 50, lon=88.9 + k % 2 / 50, frame=0) for k in range(count)]

    assert ground.upload(ring(4, 4), 1) == ACCEPTED
    assert ground.upload(ring(4, 5), 1) == mavlink.MAV_MISSION_INVALID, "one vertex short"
    assert ground.upload(ring(3, 2), 1) == mavlink.MAV_MISSION_INVALID_PARAM1, "two are no polygon"
    assert ground.upload([make_row(5003, -1.0, frame=0)], 1) == mavlink.MAV_MISSION_INVALID_PARAM1
    assert len(ground.download(1)) == 4


@pytest.mark.parametrize(
    ("kind", "changes", "result"),
    [
        (0, {"command": 9999}, mavlink.MAV_MISSION_UNSUPPORTED),
        (0, {"frame": 7}, mavlink.MAV_MISSION_UNSUPPORTED_FRAME),
        (0, {"lat": 95.0}, mavlink.MAV_MISSION_INVALID_PARAM5_X),
        (0, {"lon": 190.0}, mavlink.MAV_MISSION_INVALID_PARAM6_Y),
        (0, {"alt": float("nan")}, mavlink.MAV_MISSION_INVALID_PARAM7),
        (0, {"params": (float("nan"), 0.0, 0.0, 0.0)}, mavlink.MAV_MISSION_INVALID_PARAM1),
        (1, {"command": 16}, mavlink.MAV_MISSION_UNSUPPORTED),
        (2, {"command": 16}, mavlink.MAV_MISSION_UNSUPPORTED),
    ],
)
def test_bad_items_are_refused(ground: Any, kind: int, changes: dict[str, Any], result: int) -> None:
    base = {"frame": 3, "command": 16, "params": (0.0, 0.0, 0.0, 0.0), "lat": 23.0, "lon": 88.9, "alt": 10.0, **changes}
    item = tuple(base[name] for name in ("frame", "command", "params", "lat", "lon", "alt"))
    home = (0, 16, (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 0.0)
    assert ground.upload([home, item] if kind == 0 else [item], kind) == result


def test_an_item_out_of_turn_is_refused_and_the_transfer_goes_on(ground: Any, make_square: Callable[..., Any]) -> None:
    rows = make_square()
    ground.mav.mission_count_send(1, 1, len(rows), 0)
    ground.next("MISSION_REQUEST", seq=0)
    ground.mav.mission_item_int_send(1, 1, 5, 3, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    ground.next("MISSION_ACK", type=mavlink.MAV_MISSION_INVALID_SEQUENCE)
    ground.next("MISSION_REQUEST", seq=0)  # asked again after a second
    assert ground.upload(rows) == ACCEPTED


def test_a_second_station_cannot_break_into_an_upload(place: Any, make_square: Callable[..., Any]) -> None:
    first, second = place.ground(255), place.ground(254)
    first.mav.mission_count_send(1, 1, 3, 0)
    first.next("MISSION_REQUEST", seq=0)
    second.mav.mission_count_send(1, 1, 2, 0)
    second.next("MISSION_ACK", type=mavlink.MAV_MISSION_DENIED)
    second.mav.mission_request_list_send(1, 1, 0)
    second.next("MISSION_ACK", type=mavlink.MAV_MISSION_DENIED)
    first.close()
    second.ready()
    assert second.upload(make_square()) == ACCEPTED, "the vanished station's transfer is forgotten"


def test_refused_arming_says_why(ground: Any, make_square: Callable[..., Any], make_row: Callable[..., Any]) -> None:
    def refused() -> str:
        ground.mav.command_long_send(1, 1, mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 0, 1, 0, 0, 0, 0, 0, 0)
        reason, result = None, None
        while reason is None or result is None:
            message = ground.next("STATUSTEXT", "COMMAND_ACK")
            if message.get_type() == "COMMAND_ACK":
                result = message.result
            elif message.text.startswith(("Arm:", "PreArm:")):
                reason = message.text
        assert result == mavlink.MAV_RESULT_FAILED
        return str(reason)

    ground.ready()
    assert ground.mode(3) == mavlink.MAV_RESULT_FAILED, "AUTO without a mission"
    assert ground.upload(make_square()) == ACCEPTED
    assert ground.mode(3) == mavlink.MAV_RESULT_ACCEPTED
    assert refused() == "Arm: AUTO mode not armable"
    ground.set("AUTO_OPTIONS", 3)
    assert ground.upload([row for row in make_square() if row[1] != mavlink.MAV_CMD_NAV_TAKEOFF]) == ACCEPTED
    assert refused() == "Arm: Missing Takeoff Cmd"
    assert ground.mode(4) == mavlink.MAV_RESULT_ACCEPTED
    fence = [make_row(5003, 50.0, lat=23.1, lon=88.9, frame=0)]
    assert ground.upload(fence, 1) == ACCEPTED
    ground.set("FENCE_TYPE", 4)
    ground.set("FENCE_ENABLE", 1)
    assert refused() == "PreArm: vehicle outside fence"
    ground.set("FENCE_TYPE", 0)
    assert refused() == "PreArm: Fences enabled, but none selected"
    ground.set("FENCE_ENABLE", 0)
    assert ground.arm() == mavlink.MAV_RESULT_ACCEPTED


def test_before_it_has_a_fix_it_does_not_arm(serve: Callable[..., Any]) -> None:
    with serve(speedup=1.0) as place:
        ground = place.ground()
        assert ground.next("GPS_RAW_INT").fix_type < 2
        assert ground.next("SYSTEM_TIME").time_unix_usec == 0
        assert ground.arm() == mavlink.MAV_RESULT_FAILED
        ground.next("STATUSTEXT", text="PreArm: Need Position Estimate")


def test_take_off_in_auto_without_the_option_waits_for_mission_start(
    ground: Any, make_square: Callable[..., Any]
) -> None:
    ground.ready()
    ground.set("AUTO_OPTIONS", 1)
    ground.set("DISARM_DELAY", 0)
    assert ground.upload(make_square()) == ACCEPTED
    assert ground.mode(3) == mavlink.MAV_RESULT_ACCEPTED
    assert ground.arm() == mavlink.MAV_RESULT_ACCEPTED
    armed_ms = ground.next("GLOBAL_POSITION_INT").time_boot_ms
    while (message := ground.next("GLOBAL_POSITION_INT")).time_boot_ms < armed_ms + 8000:
        assert message.relative_alt < 1000
    assert ground.command(mavlink.MAV_CMD_MISSION_START) == mavlink.MAV_RESULT_ACCEPTED
    while ground.next("GLOBAL_POSITION_INT").relative_alt < 5000:
        pass
    assert ground.mode(6) == mavlink.MAV_RESULT_ACCEPTED
    ground.until_disarmed()


def test_unknown_commands_and_modes_are_answered(ground: Any) -> None:
    assert ground.command(mavlink.MAV_CMD_DO_PARACHUTE, 1) == mavlink.MAV_RESULT_UNSUPPORTED
    assert ground.mode(99) == mavlink.MAV_RESULT_FAILED
    ground.next("STATUSTEXT", text="No such mode 99")
    assert ground.command(mavlink.MAV_CMD_DO_FENCE_ENABLE, 7) == mavlink.MAV_RESULT_FAILED


def test_message_rates_can_be_asked_for(ground: Any) -> None:
    def seconds_apart(kind: str) -> float:
        times = [ground.next(kind).time_boot_ms for _ in range(6)]
        return float((times[-1] - times[1]) / 4000.0)

    assert seconds_apart("ATTITUDE") == pytest.approx(0.1, abs=0.005)
    assert seconds_apart("GLOBAL_POSITION_INT") == pytest.approx(0.1, abs=0.005)
    assert ground.command(mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, 30, 50_000) == mavlink.MAV_RESULT_ACCEPTED
    ground.mav.request_data_stream_send(1, 1, mavlink.MAV_DATA_STREAM_ALL, 4, 1)
    assert ground.command(mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, 1234, 50_000) == mavlink.MAV_RESULT_FAILED
    assert seconds_apart("ATTITUDE") == pytest.approx(0.05, abs=0.005), "asked for by itself, it keeps its own rate"
    assert seconds_apart("GLOBAL_POSITION_INT") == pytest.approx(0.25, abs=0.015)


def test_messages_for_other_vehicles_are_left_alone(ground: Any) -> None:
    ground.ready()
    ground.mav.command_long_send(7, 1, mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 0, 1, 0, 0, 0, 0, 0, 0)
    assert ground.command(mavlink.MAV_CMD_DO_PARACHUTE) == mavlink.MAV_RESULT_UNSUPPORTED
    for _ in range(3):
        assert not ground.next("HEARTBEAT").base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED
