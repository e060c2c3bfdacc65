"""Two practice vehicles that report to one UDP port: each flown by itself, neither ever taken for the other."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from pymavlink import mavutil

sys.path.insert(0, str(Path(__file__).resolve().parent))
from practice import events, place, practice_vehicle, square_plan

from mapping.ground.camera import load_camera
from mapping.tables import TRACK
from missions.errors import MissionError, VehicleError
from missions.flying.fleet import Member, fly_fleet
from missions.flying.flight import FlightOutcome
from missions.flying.link import Link, connect
from missions.flying.preflight import Check
from missions.flying.progress import FlightStatus
from missions.flying.recorder import Recorder
from missions.flying.sharing import shared_line
from missions.plan import Plan
from vision.errors import InputError

EAST_M = 40.0


def plan_for_two() -> Plan:
    """The square, and the same beside it for the second drone."""
    plan = square_plan(60.0)
    first = plan.sorties[0]
    shifted = []
    for waypoint in first.waypoints:
        there = place(
            (waypoint.lat_deg - plan.home.lat_deg) * 110_754.0,
            (waypoint.lon_deg - plan.home.lon_deg) * 102_000.0 + EAST_M,
        )
        shifted.append(replace(waypoint, lat_deg=there.lat_deg, lon_deg=there.lon_deg))
    shifted[-1] = first.waypoints[-1]
    fence = replace(plan.fence, exclusion=())
    return replace(plan, fence=fence, rally=(), sorties=(first, replace(first, number=2, waypoints=tuple(shifted))))


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def one_port() -> Iterator[str]:
    """The address two vehicles, with system ids 1 and 2, report to."""
    port = free_udp_port()
    with ExitStack() as stack:
        for system in ("1", "2"):
            stack.enter_context(practice_vehicle(20.0, "--system", system, "--udp", f"127.0.0.1:{port}"))
        yield f"udp:127.0.0.1:{port}"


def fly_two(
    url: str,
    tmp_path: Path,
    *,
    yes: bool = True,
    systems: tuple[int, int] = (1, 2),
    interrupt: bool = False,
    answer_s: float = 30.0,
) -> tuple[dict[int, FlightOutcome | MissionError], dict[int, list[Check]]]:
    """Both flown at once; how they ended, and what the person was shown."""
    shown: dict[int, list[Check]] = {}
    flying: set[int] = set()
    pressed: list[bool] = []

    def confirm(checks: Mapping[int, list[Check]]) -> bool:
        shown.update(checks)
        return yes

    def progress(system: int, status: FlightStatus) -> None:
        if status.height_home_m is not None and status.height_home_m > 10 and status.mode == "AUTO":
            flying.add(system)
        if interrupt and flying == set(systems) and not pressed:
            pressed.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    members = [Member(system, url, sortie) for sortie, system in enumerate(systems, 1)]
    with ExitStack() as stack:
        recorders = {
            system: stack.enter_context(Recorder(tmp_path / str(system), load_camera("boson640-14"), {}))
            for system in systems
        }
        results = fly_fleet(
            dict.fromkeys(systems, plan_for_two()),
            members,
            recorders,
            confirm=confirm,
            progress=progress,
            tell=lambda system, line: None,
            lost_after_s=20.0,
            answer_s=answer_s,
        )
    return results, shown


def test_each_flies_its_own_sortie_and_keeps_its_own_record(one_port: str, tmp_path: Path) -> None:
    results, shown = fly_two(one_port, tmp_path)
    assert {system: getattr(outcome, "ended", outcome) for system, outcome in results.items()} == {
        1: "landed",
        2: "landed",
    }
    assert set(shown) == {1, 2}
    plan = plan_for_two()
    for system in (1, 2):
        log = mavutil.mavlink_connection(str(tmp_path / str(system) / "telemetry.tlog"))
        heard = set()
        while (message := log.recv_match()) is not None:
            if message.get_srcSystem() != 255:
                heard.add(message.get_srcSystem())
            else:
                assert getattr(message, "target_system", system) in (0, system)
        log.close()
        assert heard == {system}
        east = max(TRACK.read(tmp_path / str(system) / "track.parquet")["lon_deg"].to_pylist())
        planned = max(waypoint.lon_deg for waypoint in plan.sortie(system).waypoints)
        assert east == pytest.approx(planned, abs=5e-5)


def test_what_one_is_told_does_not_move_the_other(one_port: str) -> None:
    with shared_line(one_port, [1, 2]) as urls:
        first, second = (_linked(urls[system], system) for system in (1, 2))
        try:
            before = second.parameter("RTL_ALT")
            first.set_parameter("RTL_ALT", 4242)
            assert first.wait(lambda: bool(first.vehicle.is_armable), 20)
            assert first.set_mode("GUIDED")
            assert first.command(400, 1) == 0
            assert first.wait(lambda: bool(first.vehicle.armed), 5)
            assert first.command(22, 0, 0, 0, 0, 0, 0, 15) == 0
            assert first.wait(lambda: (first.vehicle.location.global_relative_frame.alt or 0) > 12, 20)
            assert second.vehicle.mode.name == "STABILIZE"
            assert not second.vehicle.armed
            assert abs(second.vehicle.location.global_relative_frame.alt) < 2
            assert second.parameter("RTL_ALT") == before
            assert (first.system, second.system) == (1, 2)
        finally:
            first.close()
            second.close()


def _linked(url: str, system: int) -> Link:
    return connect(url, lambda message: None, lambda message: None, timeout_s=15, system=system)


def test_one_interrupt_calls_both_home(one_port: str, tmp_path: Path) -> None:
    results, _ = fly_two(one_port, tmp_path, interrupt=True)
    for system, outcome in results.items():
        assert isinstance(outcome, FlightOutcome)
        assert (outcome.ended, outcome.reason) == ("aborted", "called home by the pilot")
        assert [event for event in events(tmp_path / str(system)) if event["event"] == "called_home"]


def test_a_no_is_a_no_for_both(one_port: str, tmp_path: Path) -> None:
    results, shown = fly_two(one_port, tmp_path, yes=False)
    assert set(shown) == {1, 2}
    assert all(isinstance(outcome, VehicleError) and "nobody confirmed" in str(outcome) for outcome in results.values())
    assert not any(event["event"] == "armed" for system in "12" for event in events(tmp_path / system))


def test_where_one_is_not_to_be_had_the_other_stays_down(tmp_path: Path) -> None:
    with practice_vehicle(20.0) as vehicle:
        results, shown = fly_two(vehicle.url, tmp_path, systems=(1, 7), answer_s=5.0)
    assert shown == {}
    assert "drone 7" in str(results[1])
    assert "1" in str(results[7])
    assert not any(event["event"] == "armed" for event in events(tmp_path / "1"))


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ([Member(1, "udp:127.0.0.1:9", 1), Member(1, "udp:127.0.0.1:10", 2)], "system id 1"),
        ([Member(1, "udp:127.0.0.1:9", 1), Member(2, "udp:127.0.0.1:10", 1)], "sortie 1"),
        ([Member(255, "udp:127.0.0.1:9", 1)], "255"),
        ([Member(1, "nowhere", 1)], "nowhere"),
    ],
)
def test_drones_that_cannot_be_told_apart(members: list[Member], named: str) -> None:
    with pytest.raises(InputError, match=named):
        fly_fleet(
            {},
            members,
            {},
            confirm=lambda checks: True,
            progress=lambda system, status: None,
            tell=lambda system, line: None,
        )
