"""The line to a vehicle: addresses nobody answers at, refusals, and who is heard."""

from __future__ import annotations

import contextlib
import math
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import forget, practice_vehicle, square_plan

from missions.drones import load_drone
from missions.errors import VehicleError
from missions.flying import vehicle
from missions.flying.dronekit_compat import mavlink
from missions.flying.link import Link, connect
from missions.flying.parameters import Parameters, Setting, settings
from missions.flying.protocol import MissionType
from missions.items import FRAME_GLOBAL, FRAME_RELATIVE, NAV_WAYPOINT, MissionItem, fence_items
from vision.errors import InputError


def links_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "mavlink_thread" in thread.name]


@pytest.mark.parametrize(
    "url", ["", "here", "tcp:127.0.0.1", "tcp:127.0.0.1:port", "http://127.0.0.1:80", "/dev/null,x"]
)
def test_what_is_no_address_is_bad_input(url: str) -> None:
    with pytest.raises(InputError, match="--connect"):
        connect(url, forget, forget)


def test_a_closed_port_is_said_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"tcp:127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(VehicleError) as caught:
            connect(url, forget, forget)
    assert str(caught.value) == f"{url}: cannot connect (Connection refused)"
    assert capfd.readouterr() == ("", "")
    assert links_threads() == []


def test_silence_is_said_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"tcp:127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(VehicleError, match=f"{url}: no vehicle answered within 1 s"):
            connect(url, forget, forget, timeout_s=1.0)
    assert capfd.readouterr() == ("", "")
    assert links_threads() == []


def test_a_closed_connection_is_noticed_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closer = threading.Thread(target=lambda: server.accept()[0].close())
        closer.start()
        with pytest.raises(VehicleError, match="closed before the vehicle said anything"):
            connect(f"tcp:127.0.0.1:{server.getsockname()[1]}", forget, forget)
        closer.join()
    assert capfd.readouterr() == ("", "")
    assert links_threads() == []


@contextlib.contextmanager
def talker(*messages: Any, every_s: float = 0.05) -> Iterator[str]:
    """A port that says these packed messages over and over."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                while not ended.wait(every_s):
                    connection.sendall(b"".join(messages))

        thread = threading.Thread(target=talk)
        thread.start()
        try:
            yield f"tcp:127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def heartbeat(system: int, component: int, kind: int, autopilot: int, base_mode: int = 81, mode: int = 0) -> bytes:
    line = mavlink.MAVLink(None, srcSystem=system, srcComponent=component)
    packed: bytes = mavlink.MAVLink_heartbeat_message(kind, autopilot, base_mode, mode, 4, 3).pack(line)
    return packed


@pytest.mark.parametrize(
    ("kind", "autopilot", "words"),
    [
        (mavlink.MAV_TYPE_QUADROTOR, mavlink.MAV_AUTOPILOT_PX4, "quadrotor with PX4"),
        (mavlink.MAV_TYPE_FIXED_WING, mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA, "fixed wing with ArduPilot"),
        (200, 200, "type 200 with autopilot 200"),
    ],
)
def test_what_is_no_copter_is_refused_at_once(
    kind: int, autopilot: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vehicle, "OTHERS_S", 0.3)
    with (
        talker(heartbeat(7, 1, kind, autopilot)) as url,
        pytest.raises(VehicleError, match=rf"{words} \(system 7\); Picket flies ArduPilot Copter"),
    ):
        connect(url, forget, forget)


def test_only_the_autopilot_is_believed() -> None:
    """A gimbal's heartbeat, an antenna tracker's and a second vehicle's neither arm nor disarm this one."""
    tracker = heartbeat(9, 1, mavlink.MAV_TYPE_ANTENNA_TRACKER, mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA, 81, 5)
    gimbal = heartbeat(1, 154, mavlink.MAV_TYPE_GIMBAL, mavlink.MAV_AUTOPILOT_INVALID, 0, 0)
    copter = heartbeat(1, 1, mavlink.MAV_TYPE_QUADROTOR, mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA, 209, 3)
    another = heartbeat(2, 1, mavlink.MAV_TYPE_QUADROTOR, mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA, 81, 5)
    heard: list[tuple[int, int]] = []
    told: list[tuple[bool, str]] = []
    with talker(tracker, gimbal, copter, another) as url:
        link = connect(url, lambda m: heard.append((m.get_srcSystem(), m.get_srcComponent())), forget)
        try:
            assert (link.system, link.component) == (1, 1)
            assert link.wait(lambda: link.vehicle.other_copters == {2}, 2.0)
            for _ in range(20):
                told.append((link.vehicle.armed, link.vehicle.mode.name))
                time.sleep(0.02)
        finally:
            link.close()
    assert set(told) == {(True, "AUTO")}
    assert set(heard) == {(9, 1), (1, 154), (1, 1), (2, 1)}
    assert links_threads() == []


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    with practice_vehicle(10.0) as vehicle:
        connected = connect(vehicle.url, forget, forget)
        yield connected
        connected.close()


def test_parameters_are_read_and_set(link: Link) -> None:
    assert link.wait_for_parameters()
    assert link.parameter("FENCE_TYPE") == 7
    link.set_parameter("FENCE_TYPE", 5)
    assert link.parameter("FENCE_TYPE") == 5
    link.set_parameter("FENCE_TYPE", 7)
    assert link.parameter("NO_SUCH_THING") is None


def test_a_refused_parameter_is_said(link: Link) -> None:
    with pytest.raises(VehicleError, match="did not take parameter FENCE_TYPE = 1e"):
        link.set_parameter("FENCE_TYPE", 1e9)
    assert link.parameter("FENCE_TYPE") == 127
    link.set_parameter("FENCE_TYPE", 7)


def test_unknown_parameters_are_noted_unless_the_fence_needs_them(link: Link) -> None:
    link.wait_for_parameters()
    notes: list[tuple[str, dict[str, Any]]] = []
    parameters = Parameters(link, lambda kind, **values: notes.append((kind, values)))
    parameters.set(Setting("NO_SUCH_THING", 1))
    assert notes == [("parameter_unknown", {"name": "NO_SUCH_THING"})]
    with pytest.raises(VehicleError, match="NO_SUCH_FENCE"):
        parameters.set(Setting("NO_SUCH_FENCE", 1, needed=True))
    parameters.set(Setting("RTL_ALT", 4321))
    parameters.set(Setting("RTL_ALT", 4322))
    assert parameters.before == {"RTL_ALT": 1500}
    assert parameters.put_back() == []
    assert link.parameter("RTL_ALT") == 1500


def test_a_refused_list_is_said_with_its_place(link: Link) -> None:
    unknown = MissionItem(FRAME_RELATIVE, 31_000, lat_deg=23.0, lon_deg=88.0, alt_m=40.0)
    home = MissionItem(FRAME_GLOBAL, NAV_WAYPOINT)
    with pytest.raises(VehicleError, match=r"refused the mission at item 1 of 2: command not supported"):
        link.store([home, unknown], MissionType.MISSION)
    vertex = fence_items(square_plan())[0]
    with pytest.raises(VehicleError, match="the vehicle refused the fence"):
        link.store([vertex], MissionType.FENCE)
    assert link.read(MissionType.RALLY) == ()


def test_lists_of_every_kind_and_none_are_stored(link: Link) -> None:
    for items in (fence_items(square_plan()), []):
        waited_for: list[str] = []
        link.store(items, MissionType.FENCE, waited_for.append)
        assert set(waited_for) == {f"the vehicle to store and give back fence: {len(items)} items"}
        assert len(link.read(MissionType.FENCE)) == len(items)


def test_commands_are_acknowledged(link: Link) -> None:
    request_message = 512
    assert link.command(request_message, mavlink.MAVLINK_MSG_ID_AUTOPILOT_VERSION) == 0
    assert link.command(31_000) == mavlink.MAV_RESULT_UNSUPPORTED


def test_a_mode_that_is_refused_is_false(link: Link) -> None:
    assert link.set_mode("GUIDED")
    assert link.vehicle.mode.name == "GUIDED"
    assert link.set_mode("STABILIZE")


def test_settings_hold_no_circle_and_return_at_the_height_flown() -> None:
    plan = square_plan()
    wanted = {setting.name: setting.value for setting in settings(plan, plan.sortie(1), load_drone("x500"))}
    assert wanted["FENCE_TYPE"] == 5
    assert wanted["FENCE_ALT_MAX"] == 80
    assert wanted["RTL_ALT"] == 4000
    assert wanted["WPNAV_SPEED"] == 600
    assert wanted["AUTO_OPTIONS"] == 3
    assert wanted["CAM_AUTO_ONLY"] == 1
    assert wanted["RALLY_LIMIT_KM"] == 0.3
    assert "FENCE_TOTAL" not in wanted
    assert "FENCE_ENABLE" not in wanted


def test_rally_points_stay_in_reach_on_a_long_sortie() -> None:
    plan = square_plan(1000.0)
    wanted = {setting.name: setting.value for setting in settings(plan, plan.sortie(1), load_drone("x500"))}
    assert wanted["RALLY_LIMIT_KM"] == pytest.approx(1.1 * math.hypot(0.99, 1.0), rel=0.01)
