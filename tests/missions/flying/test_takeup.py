"""A flight that is in the air already, because the program that flew it was killed, is taken up where it can be."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import Practice, await_event, events, flying_process, forget, practice_vehicle, square_plan

from mapping.ground.camera import Camera, load_camera
from missions.errors import VehicleError
from missions.flying.flight import fly
from missions.flying.interrupts import Interrupts
from missions.flying.link import connect
from missions.flying.preflight import Check
from missions.flying.progress import FlightStatus
from missions.flying.recorder import Recorder
from missions.plan import Sortie


@pytest.fixture(scope="module")
def camera() -> Camera:
    return load_camera("boson640-14")


@contextmanager
def abandoned(folder: Path, speedup: float) -> Iterator[Practice]:
    """A vehicle in the air with the square's mission, whose ground station was killed after its second photo."""
    with practice_vehicle(speedup) as vehicle:
        with flying_process(vehicle.url, folder) as process:
            await_event(folder, "photo", 2)
            process.kill()
            process.communicate()
        yield vehicle


def never(_: list[Check]) -> bool:
    raise AssertionError("nobody is asked about a vehicle that is in the air")


def test_it_is_watched_to_its_end_and_put_back_as_it_was(tmp_path: Path, camera: Camera) -> None:
    with abandoned(tmp_path / "1", 20.0) as vehicle:
        before = {event["name"]: event["was"] for event in events(tmp_path / "1") if event["event"] == "parameter"}
        assert before["FENCE_ENABLE"] == 0
        told: list[str] = []
        other = Sortie(**{**vars(square_plan(40.0).sorties[0]), "number": 2})
        with Recorder(tmp_path / "2", camera, {}) as recorder:
            outcome = fly(
                square_plan(),
                *(1, vehicle.url, recorder),
                confirm=never,
                progress=forget,
                tell=told.append,
                in_the_air=[other],
            )
        assert (outcome.ended, outcome.reason) == ("landed", "the whole route was flown")
        assert any("taken up" in line for line in told)
        link = connect(vehicle.url, forget, forget)
        try:
            assert {name: link.parameter(name) for name in before} == pytest.approx(before)
        finally:
            link.close()
    facts = json.loads((tmp_path / "2" / "flight.json").read_text())
    assert (facts["takes_up"], facts["route_done"], facts["sortie"]) == (True, True, 1)
    assert facts["took_off_utc"]
    kinds = [event["event"] for event in events(tmp_path / "2")]
    assert "taken_up" in kinds
    assert not {"parameter", "check", "confirmed"} & set(kinds), "nothing is set, nobody is asked"


def test_ctrl_c_calls_it_home(tmp_path: Path, camera: Camera) -> None:
    with abandoned(tmp_path / "1", 20.0) as vehicle, Recorder(tmp_path / "2", camera, {}) as recorder:
        pressed = Interrupts()

        def progress(status: FlightStatus) -> None:
            if status.armed and not pressed.count:
                pressed.press()

        outcome = fly(
            square_plan(),
            *(1, vehicle.url, recorder),
            confirm=never,
            progress=progress,
            interrupts=pressed,
            in_the_air=(),
        )
    assert (outcome.ended, outcome.reason) == ("aborted", "called home by the pilot")
    assert "RTL" in [event.get("mode") for event in events(tmp_path / "2")]


def test_another_mission_in_the_air_is_refused_with_what_to_do(tmp_path: Path, camera: Camera) -> None:
    with abandoned(tmp_path / "1", 8.0) as vehicle:
        for number, (plan, in_the_air) in enumerate(((square_plan(40.0), ()), (square_plan(), None))):
            with (
                Recorder(tmp_path / f"other{number}", camera, {}) as recorder,
                pytest.raises(VehicleError, match=r"remote control.*RTL"),
            ):
                fly(plan, 1, vehicle.url, recorder, confirm=never, progress=forget, in_the_air=in_the_air)
            facts = json.loads((tmp_path / f"other{number}" / "flight.json").read_text())
            assert (facts["ended"], facts["took_off_utc"]) == ("refused", None)
        link = connect(vehicle.url, forget, forget)
        try:
            assert link.vehicle.armed, "it is left alone"
            assert link.vehicle.mode.name == "AUTO"
        finally:
            link.close()


def test_an_armed_vehicle_on_the_ground_is_not_taken_up(tmp_path: Path, camera: Camera) -> None:
    with practice_vehicle(5.0) as vehicle:
        link = connect(vehicle.url, forget, forget)
        try:
            assert link.wait(lambda: bool(link.vehicle.is_armable and link.vehicle.ekf_ok), 20.0)
            assert link.set_mode("LOITER")
            assert link.command(400, 1) == 0
            with (
                Recorder(tmp_path / "flight", camera, {}) as recorder,
                pytest.raises(VehicleError, match="armed already and on the ground: disarm it"),
            ):
                fly(square_plan(), 1, vehicle.url, recorder, confirm=never, progress=forget, in_the_air=())
        finally:
            link.close()
