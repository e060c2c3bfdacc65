"""What may happen between the checks and the take-off, with the practice vehicle over a loopback socket."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import events, flying_process, forget, practice_vehicle, square_plan

from mapping.ground.camera import Camera, load_camera
from missions.errors import VehicleError
from missions.flying.flight import fly
from missions.flying.link import Link, connect
from missions.flying.preflight import Check
from missions.flying.protocol import MissionType
from missions.flying.recorder import Recorder


@pytest.fixture(scope="module")
def camera() -> Camera:
    return load_camera("boson640-14")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A vehicle on the ground, for what never takes off."""
    with practice_vehicle(10.0) as vehicle:
        yield vehicle.url


@contextlib.contextmanager
def another_station(url: str) -> Iterator[Link]:
    link = connect(url, forget, forget)
    try:
        yield link
    finally:
        link.close()


def meanwhile(url: str, act: Callable[[Link], Any]) -> Callable[[list[Check]], bool]:
    """A person who says yes after somebody else did something to the vehicle."""

    def confirm(checks: list[Check]) -> bool:
        with another_station(url) as link:
            act(link)
        return True

    return confirm


def assert_as_before(url: str, folder: Path) -> None:
    """The vehicle stands disarmed, out of AUTO, with its parameters as they were."""
    before = json.loads((folder / "flight.json").read_text())["parameters_before"]
    assert "FENCE_ENABLE" in before
    with another_station(url) as link:
        assert not link.vehicle.armed
        assert link.vehicle.mode.name != "AUTO"
        assert {name: link.parameter(name) for name in before} == pytest.approx(before)


def test_an_earlier_arming_is_not_taken_for_the_take_off(tmp_path: Path, camera: Camera) -> None:
    def arm_and_disarm(link: Link) -> None:
        assert link.set_mode("GUIDED")
        for number in (1, 0):
            assert link.command(400, number) == 0
            assert link.wait(lambda wanted=bool(number): link.vehicle.armed is wanted, 5.0)  # type: ignore[misc]
            link.wait(lambda: False, 0.1)  # so that the other station hears of it too

    with practice_vehicle(40.0) as vehicle, Recorder(tmp_path / "flight", camera, {}) as recorder:
        confirm = meanwhile(vehicle.url, arm_and_disarm)
        outcome = fly(square_plan(40.0), 1, vehicle.url, recorder, confirm=confirm, progress=forget)
    told = [event["event"] for event in events(tmp_path / "flight")]
    assert told.index("armed") < told.index("confirmed")
    assert (outcome.ended, outcome.photos_taken >= 4) == ("landed", True)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda link: link.set_parameter("FENCE_ENABLE", 0), "FENCE_ENABLE is 0 instead of 1"),
        (lambda link: link.store([], MissionType.RALLY), "the rally points: 1 items sent, 0 stored"),
    ],
)
def test_what_changes_while_a_person_thinks_is_no_go(
    tmp_path: Path, camera: Camera, url: str, act: Callable[[Link], Any], words: str
) -> None:
    with (
        Recorder(tmp_path / "flight", camera, {}) as recorder,
        pytest.raises(VehicleError, match=f"changed since the checks: {words}"),
    ):
        fly(square_plan(), 1, url, recorder, confirm=meanwhile(url, act), progress=forget)
    assert_as_before(url, tmp_path / "flight")


def test_checks_that_no_longer_hold_are_no_go(
    tmp_path: Path, camera: Camera, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def confirm(checks: list[Check]) -> bool:
        monkeypatch.setattr("missions.flying.preflight.SATELLITES", 99)
        return True

    with Recorder(tmp_path / "flight", camera, {}) as recorder, pytest.raises(VehicleError, match="no go: position"):
        fly(square_plan(), 1, url, recorder, confirm=confirm, progress=forget)
    assert_as_before(url, tmp_path / "flight")


@pytest.mark.parametrize("modes", [("AUTO",), ("GUIDED",)])
def test_ctrl_c_before_arming_stands_the_vehicle_down(
    tmp_path: Path, camera: Camera, url: str, monkeypatch: pytest.MonkeyPatch, modes: tuple[str, ...]
) -> None:
    set_mode = Link.set_mode

    def interrupted(link: Link, name: str, patience_s: float = 5.0) -> bool:
        if name in ("AUTO", "GUIDED") and name not in modes:
            return False
        done = set_mode(link, name, patience_s)
        if name in modes:
            os.kill(os.getpid(), signal.SIGINT)
        return done

    monkeypatch.setattr(Link, "set_mode", interrupted)
    with Recorder(tmp_path / "flight", camera, {}) as recorder, pytest.raises(VehicleError, match="stopped before"):
        fly(square_plan(), 1, url, recorder, confirm=lambda checks: True, progress=forget)
    monkeypatch.undo()
    assert "armed" not in [event["event"] for event in events(tmp_path / "flight")]
    assert_as_before(url, tmp_path / "flight")


def test_a_vehicle_that_does_not_arm_in_time_is_disarmed_and_taken_out_of_auto(
    tmp_path: Path, camera: Camera, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It arms, but its word of it comes too late."""
    monkeypatch.setattr("missions.flying.takeoff.ARM_S", 0.0)
    monkeypatch.setattr(
        "missions.flying.takeoff.TakeOff._arm", lambda take_off: late(take_off, take_off._link.command(400, 1))
    )

    def late(take_off: Any, result: int) -> None:
        take_off.asked_to_arm = True
        raise VehicleError("the vehicle does not arm")

    with Recorder(tmp_path / "flight", camera, {}) as recorder, pytest.raises(VehicleError, match="does not arm"):
        fly(square_plan(), 1, url, recorder, confirm=lambda checks: True, progress=forget)
    assert_as_before(url, tmp_path / "flight")


def test_a_line_that_closes_after_the_arming_is_a_lost_flight(
    tmp_path: Path, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    with practice_vehicle(10.0) as vehicle:

        def cut(take_off: Any) -> None:
            take_off.asked_to_arm = True
            vehicle.process.kill()
            take_off._link.wait(lambda: False, 10.0)

        monkeypatch.setattr("missions.flying.takeoff.TakeOff._arm", cut)
        with Recorder(tmp_path / "flight", camera, {}) as recorder:
            outcome = fly(
                square_plan(),
                *(1, vehicle.url, recorder),
                confirm=lambda checks: True,
                progress=forget,
                lost_after_s=3.0,
            )
    assert outcome.ended == "lost"
    assert outcome.reason.startswith("silent for")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_leaves_the_vehicle_as_it_was(tmp_path: Path, url: str, number: signal.Signals) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{number.name} is ignored here, as under nohup")
    folder = tmp_path / "flight"
    with flying_process(url, folder, 'lambda checks: bool(print("asked", flush=True) or time.sleep(60))') as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(number)
        process.communicate(timeout=120)
    facts = json.loads((folder / "flight.json").read_text())
    assert (facts["ended"], facts["reason"]) == ("interrupted", "stopped before the take-off")
    assert_as_before(url, folder)
