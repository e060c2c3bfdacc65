"""What goes wrong on a real ArduPilot: its own answer, what Picket makes of it, and what the record says at the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from sitl_flights import HOME, FlyWith, Run, Saboteur

from mapping.ground.telemetry import read_tlog
from missions.drones import load_drone
from missions.flying import following
from missions.flying.link import connect
from missions.flying.protocol import MissionType
from missions.items import fence_items, rally_items
from missions.plan import Plan, Position
from picket.cli import main
from picket.simulator import Practice, practice_vehicle

GUIDED = 4
VELOCITY_ONLY = 0b110111000111


def assert_came_down(flight: Run) -> None:
    """On the ground, disarmed, with a whole record that says so."""
    assert flight.outcome is not None
    facts = flight.facts()
    assert (facts["ended"], facts["complete"]) == ("aborted", True)
    assert facts["photos_taken"] == len({event["index"] for event in flight.events("photo")})
    assert 0 < facts["photos_taken"] < facts["photos_expected"]
    assert flight.events("disarmed")
    assert flight.events("parameter_restored"), "what was changed is put back"
    assert len(read_tlog(flight.folder / "telemetry.tlog").triggers()) == facts["photos_taken"]


def test_an_empty_battery_brings_it_home(fly_with: FlyWith) -> None:
    flight = fly_with(
        lambda saboteur: saboteur.set("SIM_BATT_VOLTAGE", 10.0), "BATT_FS_LOW_ACT=2", "BATT_LOW_VOLT=10.5"
    )
    assert_came_down(flight)
    assert "RTL" in flight.modes()
    assert "battery" in flight.texts().lower()
    assert "battery" in flight.facts()["reason"].lower()


def test_without_satellites_it_lands_where_it_is(fly_with: FlyWith) -> None:
    flight = fly_with(lambda saboteur: saboteur.set("SIM_GPS_DISABLE", 1))
    assert_came_down(flight)
    assert "LAND" in flight.modes()
    assert flight.events("gps_lost")


def test_more_wind_than_the_drone_holds_calls_it_home(fly_with: FlyWith) -> None:
    weak = replace(load_drone("x500"), max_airspeed_m_s=9.0)
    flight = fly_with(lambda saboteur: saboteur.set("SIM_WIND_SPD", 8.0), drone=weak)
    assert_came_down(flight)
    (over,) = flight.events("wind_over_limit")
    assert over["wind_m_s"] > over["limit_m_s"]
    assert "RTL" in flight.modes()
    assert "wind" in flight.facts()["reason"]


def test_outside_the_fence_it_turns_back(fly_with: FlyWith) -> None:
    def lead_away(saboteur: Saboteur) -> None:
        """Somebody else takes the vehicle and drives it south until it no longer obeys."""
        mav = saboteur.mav
        mav.command_long_send(1, 1, mavlink.MAV_CMD_DO_SET_MODE, 0, 1, GUIDED, 0, 0, 0, 0, 0)
        until_s = time.monotonic() + 6.0
        while time.monotonic() < until_s:
            mav.set_position_target_local_ned_send(
                *(0, 1, 1, mavlink.MAV_FRAME_LOCAL_NED, VELOCITY_ONLY),
                *(0.0, 0.0, 0.0),
                *(-10.0, 0.0, 0.0),
                *(0.0,) * 5,
            )
            time.sleep(0.05)

    flight = fly_with(lead_away, "AVOID_ENABLE=0", "GUID_TIMEOUT=10")
    assert_came_down(flight)
    assert flight.events("fence_breached")
    assert {"GUIDED", "RTL"} <= set(flight.modes())


def test_what_another_station_replaces_without_a_word_is_found(
    fly_with: FlyWith, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ArduPilot tells nobody of new rally points or of another fence."""
    monkeypatch.setattr(following, "ASK_S", 0.02)
    north_deg = max(item.lat_deg for item in fence_items(plan))
    wider = [
        replace(item, lat_deg=item.lat_deg + (0.001 if item.lat_deg == north_deg else 0.0))
        for item in fence_items(plan)
    ]
    more = rally_items(replace(plan, rally=(*plan.rally, plan.home)))

    def interfere(saboteur: Saboteur) -> None:
        other = connect(saboteur.url, lambda _: None, lambda _: None)
        try:
            other.store(more, MissionType.RALLY)
            other.store(wider, MissionType.FENCE)
        finally:
            other.close()

    flight = fly_with(interfere)
    assert_came_down(flight)
    assert flight.events("rally_changed")
    assert flight.events("fence_changed")
    assert flight.facts()["reason"] == "called home: somebody else changed the fence"


def test_without_its_transmitter_it_comes_home(fly_with: FlyWith) -> None:
    flight = fly_with(lambda saboteur: saboteur.set("SIM_RC_FAIL", 1), "FS_THR_ENABLE=1")
    assert_came_down(flight)
    assert "RTL" in flight.modes()
    assert "radio failsafe" in flight.texts().lower()


def test_without_a_ground_station_it_comes_home(sitl: Path, area_file: Path, tmp_path: Path) -> None:
    """`picket fly` is stopped in its tracks, goes on later, and finds the vehicle on its way home."""
    mission = tmp_path / "mission"
    assert main(["plan", str(area_file), "-o", str(mission)]) == 0
    parameters = ("--parameter", "FS_GCS_ENABLE=1", "--parameter", "FS_GCS_TIMEOUT=10")
    with practice_vehicle(Practice(Position(*HOME), 10.0, 5.0, 960.0, sitl=sitl, more=parameters)) as url:
        command = [sys.executable, "-m", "picket", "fly", str(mission), "--connect", url, "--yes", "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            flight = Run(_flight_under_way(mission, process), url)
            process.send_signal(signal.SIGSTOP)
            time.sleep(4.0)
            process.send_signal(signal.SIGCONT)
            said, _ = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 1, said
    assert "RTL" in flight.modes()
    assert "gcs failsafe" in flight.texts().lower()
    assert (flight.facts()["ended"], flight.facts()["complete"]) == ("aborted", True)


def _flight_under_way(mission: Path, process: subprocess.Popen[str]) -> Path:
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        for events in mission.glob("flights/*/events.jsonl"):
            if '"reached"' in events.read_text():
                return events.parent
        time.sleep(0.05)
    pytest.fail("the vehicle did not take off")
