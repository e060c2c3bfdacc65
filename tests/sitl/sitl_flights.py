"""Flights on a real SITL that the tests watch, and a second ground station that lets things go wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from mapping.ground.camera import load_camera
from missions.drones import Drone, load_drone
from missions.flying.flight import FlightOutcome, fly
from missions.flying.interrupts import Interrupts
from missions.flying.recorder import Recorder
from missions.plan import Plan
from picket.simulator import Practice, practice_vehicle

SPEEDUP = 25.0
HOME = (23.0352, 88.8955)
M_PER_DEG = 111_319.5


class Saboteur:
    """A second ground station on the same vehicle, with an id of its own; a thread reads what it is told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._link = mavutil.mavlink_connection(url, source_system=254, dialect="ardupilotmega")
        self.mav = self._link.mav
        self.mav.heartbeat_send(mavlink.MAV_TYPE_GCS, mavlink.MAV_AUTOPILOT_INVALID, 0, 0, 0)
        self._parameters: dict[str, float] = {}
        self._open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self._open:
            heard = self._link.recv_match(type="PARAM_VALUE", blocking=True, timeout=0.2)
            if heard is not None:
                self._parameters[heard.param_id] = heard.param_value

    def set(self, name: str, value: float) -> None:
        """Set a parameter and hear it back."""
        for _ in range(40):
            self.mav.param_set_send(1, 1, name.encode(), value, mavlink.MAV_PARAM_TYPE_REAL32)
            until_s = time.monotonic() + 0.5
            while time.monotonic() < until_s:
                if self._parameters.get(name) == pytest.approx(value, rel=1e-5):
                    return
                time.sleep(0.02)
        raise AssertionError(f"the vehicle does not take {name}: it has {self._parameters.get(name)}")

    def close(self) -> None:
        """Hang up."""
        self._open = False
        self._reader.join()
        self._link.close()


@dataclass
class Run:
    """A flight under way in a thread, and what has come of it."""

    folder: Path
    url: str
    interrupts: Interrupts = field(default_factory=Interrupts)
    outcome: FlightOutcome | None = None
    error: BaseException | None = None

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        lines = (self.folder / "events.jsonl").read_text().splitlines()
        found = [json.loads(line) for line in lines]
        return [event for event in found if kind in (None, event["event"])]

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / "flight.json").read_text())
        return facts

    def texts(self) -> str:
        return "\n".join(event["text"] for event in self.events("text"))

    def modes(self) -> list[str]:
        return [event["mode"] for event in self.events("mode")]


FlyWith = Callable[..., Run]


@contextmanager
def under_way(sitl: Path, plan: Plan, folder: Path, *parameters: str, drone: Drone | None = None) -> Iterator[Run]:
    """A flight in a thread, to its end."""
    more = tuple(part for text in parameters for part in ("--parameter", text))
    practice = Practice(plan.home, 10.0, SPEEDUP, load_drone("x500").endurance_s, sitl=sitl, more=more)
    with practice_vehicle(practice) as url:
        run = Run(folder, url)
        with Recorder(folder, load_camera("boson640-14"), {}) as recorder:

            def work() -> None:
                try:
                    run.outcome = fly(
                        plan,
                        1,
                        url,
                        recorder,
                        confirm=lambda checks: True,
                        progress=lambda status: None,
                        interrupts=run.interrupts,
                        drone=drone,
                        lost_after_s=20.0,
                    )
                except BaseException as error:
                    run.error = error

            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            yield run
            thread.join(120)
            assert not thread.is_alive(), "the flight has no end"


def wait_for(run: Run, condition: Callable[[], bool], timeout_s: float = 90.0) -> None:
    """Wait until something is so; fails with the flight's own error where that ends first."""
    until_s = time.monotonic() + timeout_s
    while not condition():
        assert run.error is None, run.error
        assert time.monotonic() < until_s, f"not within {timeout_s} s; events: {run.events()[-5:]}"
        time.sleep(0.02)
