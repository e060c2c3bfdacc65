"""MAVSDK's Python package, by its own calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from mavsdk import Autopilot, ComponentType, Configuration, Mavsdk, Vehicle
from mavsdk.plugins.action.action import Action
from mavsdk.plugins.info.info import Info
from mavsdk.plugins.mission_raw.mission_raw import MissionItem, MissionRaw
from mavsdk.plugins.param.param import Param
from mavsdk.plugins.telemetry.telemetry import FlightMode, LandedState, Telemetry

from sim.vehicle.values import TangentFrame

ANSWER_S = 60.0
HOME = (23.04, 88.9)


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something to become true."""
    until_s = time.monotonic() + ANSWER_S
    while time.monotonic() < until_s:
        if true():
            return
        time.sleep(0.02)
    raise AssertionError(f"never {what}")


def items(rows: Sequence[Any], kind: int = 0) -> list[MissionItem]:
    """The rows as MAVSDK has them."""
    return [
        MissionItem(
            seq=number,
            frame=row.frame,
            command=row.command,
            current=int(number == 0),
            autocontinue=1,
            param1=row.param1,
            x=round(row.lat_deg * 1e7),
            y=round(row.lon_deg * 1e7),
            z=row.alt_m,
            mission_type=kind,
        )
        for number, row in enumerate(rows)
    ]


def places(got: Sequence[MissionItem]) -> list[tuple[int, float, int, int]]:
    """What must come down as it went up."""
    return [(item.command, item.param1, item.x, item.y) for item in got]


def test_it_fetches_uploads_downloads_flies_returns_and_lands(port: int, lists: Any) -> None:
    with Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION)) as station:
        station.add_any_connection(f"tcpout://127.0.0.1:{port}")
        vehicle = station.first_autopilot(ANSWER_S)
        assert vehicle is not None
        assert (vehicle.autopilot_type(), vehicle.vehicle_type()) == (Autopilot.ARDUPILOT, Vehicle.MULTICOPTER)
        telemetry, action = Telemetry(vehicle), Action(vehicle)
        mission, parameters = MissionRaw(vehicle), Param(vehicle)
        until(lambda: telemetry.health().is_armable and telemetry.health().is_global_position_ok, "armable")
        until(lambda: telemetry.health().is_home_position_ok, "at home")
        until(lambda: telemetry.gps_info().num_satellites > 6, "with satellites")

        everything = parameters.get_all_params()
        names = {parameter.name for parameter in (*everything.int_params, *everything.float_params)}
        assert {"WPNAV_SPEED", "RTL_ALT", "FENCE_ACTION", "SYSID_THISMAV"} <= names
        parameters.set_param_int("RTL_ALT", 2000)
        parameters.set_param_float("WPNAV_SPEED", 600.0)
        # a pilot's ten seconds on the ground are one here
        parameters.set_param_int("DISARM_DELAY", 0)
        assert parameters.get_param_int("RTL_ALT") == 2000
        assert parameters.get_param_float("WPNAV_SPEED") == 600.0
        version = Info(vehicle).get_version()
        assert (version.flight_sw_major, version.flight_sw_minor) == (4, 5)

        mission.upload_mission(items(lists.mission))
        mission.upload_geofence(items(lists.fence, 1))
        mission.upload_rally_points(items(lists.rally, 2))
        # item 0 is home, and the vehicle's own
        assert places(mission.download_mission())[1:] == places(items(lists.mission))[1:]
        assert places(mission.download_geofence()) == places(items(lists.fence, 1))
        assert places(mission.download_rallypoints()) == places(items(lists.rally, 2))

        action.set_takeoff_altitude(12.0)
        action.arm()
        action.takeoff()
        until(lambda: telemetry.position().relative_altitude_m > 11.0, "up")
        until(lambda: telemetry.landed_state() == LandedState.IN_AIR, "in the air")
        lat_deg, lon_deg = TangentFrame(*HOME).to_geodetic(30.0, 10.0)
        action.goto_location(lat_deg, lon_deg, 27.0, 0.0)
        until(lambda: telemetry.position().latitude_deg == pytest.approx(lat_deg, abs=2e-5), "there")
        mission.start_mission()
        until(lambda: telemetry.flight_mode() == FlightMode.MISSION, "in AUTO")
        until(lambda: mission.mission_progress().current >= 3, "at its last waypoint")
        action.hold()
        until(lambda: telemetry.flight_mode() == FlightMode.HOLD, "holding")
        action.return_to_launch()
        home_deg = telemetry.home().latitude_deg
        until(lambda: telemetry.position().latitude_deg == pytest.approx(home_deg, abs=1e-4), "on its way back")
        action.land()
        until(lambda: telemetry.landed_state() == LandedState.LANDING, "landing")
        until(lambda: not telemetry.armed(), "landed")
        until(lambda: telemetry.landed_state() == LandedState.ON_GROUND, "on the ground")
        assert telemetry.position().latitude_deg == pytest.approx(home_deg, abs=1e-4)
