"""A short plan, and a practice vehicle for the tests of flying: `python -m sim` over MAVLink, in its own process."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from missions.plan import Fence, Plan, Position, Sortie, Waypoint

ROOT = Path(__file__).resolve().parents[3]
HOME = Position(23.0412, 88.8972)
HEIGHT_M = 40.0
SPACING_M = 20.0
_HOLE = ((0.4, 0.4), (0.5, 0.4), (0.5, 0.5), (0.4, 0.5))


def place(north_m: float, east_m: float) -> Position:
    """So many metres from home."""
    lat_m = 110_754.0
    return Position(HOME.lat_deg + north_m / lat_m, HOME.lon_deg + east_m / lat_m / math.cos(math.radians(23.04)))


def square_plan(side_m: float = 100.0) -> Plan:
    """Two sides of a square are imaged; around it a fence with a hole in it, and one rally point."""

    def waypoint(north_m: float, east_m: float, camera: str | None = None) -> Waypoint:
        there = place(north_m, east_m)
        return Waypoint(there.lat_deg, there.lon_deg, HEIGHT_M, camera)  # type: ignore[arg-type]

    far_m = 10 + side_m
    sortie = Sortie(
        number=1,
        waypoints=(
            waypoint(10, 0, "on"),
            waypoint(far_m, 0, "off"),
            waypoint(far_m, side_m, "on"),
            waypoint(10, side_m, "off"),
            waypoint(0, 0),
        ),
        speed_m_s=6.0,
        trigger_distance_m=SPACING_M,
        distance_m=4 * side_m,
        flight_time_s=60 + 4 * side_m / 6,
        photos=2 * int(side_m / SPACING_M),
        battery_used_pct=15.0,
    )
    fence = Fence(
        inclusion=(
            (place(-80, -80), place(far_m + 140, -80), place(far_m + 140, far_m + 140), place(-80, far_m + 140)),
        ),
        exclusion=(tuple(place(10 + north * side_m, east * side_m) for north, east in _HOLE),),
        alt_max_home_m=80.0,
        min_clearance_m=20.0,
    )
    return Plan(
        name="square",
        home=HOME,
        rally=(place(0, 20),),
        sorties=(sortie,),
        fence=fence,
        drone="x500",
        camera="boson640-14",
        height_home_m=HEIGHT_M,
        gsd_cm=3.4,
        sidelap=0.3,
        frontlap=0.5,
        angle_deg=0.0,
        line_spacing_m=side_m,
        trigger_distance_m=SPACING_M,
        footprint_across_m=22.0,
        footprint_along_m=17.5,
        speed_m_s=6.0,
        area_m2=side_m * side_m,
        coverage=1.0,
        patrol=((tuple(place(n, e) for n, e in ((0, 0), (side_m, 0), (side_m, side_m))),),),
    )


def forget(_: Any) -> None:
    """A listener for what nobody needs."""


def events(folder: Path) -> list[dict[str, Any]]:
    path = folder / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def await_event(folder: Path, kind: str, count: int = 1, timeout_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while sum(event["event"] == kind for event in events(folder)) < count:
        assert time.monotonic() < deadline_s, f"no {kind} in {events(folder)[-5:]}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Practice:
    """A running practice vehicle."""

    url: str
    process: subprocess.Popen[str]


@contextlib.contextmanager
def practice_vehicle(speedup: float, *more: str) -> Iterator[Practice]:
    """A vehicle at home; ended when the block ends."""
    command = [sys.executable, "-m", "sim", "--home", f"{HOME.lat_deg},{HOME.lon_deg},10", "--port", "0", "--seed", "1"]
    with subprocess.Popen(
        [*command, "--speedup", str(speedup), *more], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            port = json.loads(process.stdout.readline())["port"]
            yield Practice(f"tcp:127.0.0.1:{port}", process)
        finally:
            process.terminate()


FLYING_SCRIPT = """
import json, sys, time
from dataclasses import asdict
from pathlib import Path
sys.path[:0] = {path!r}
from practice import square_plan
from mapping.ground.camera import load_camera
from missions.flying.flight import fly
from missions.flying.recorder import Recorder

with Recorder(Path({folder!r}), load_camera("boson640-14"), {{}}) as recorder:
    outcome = fly(square_plan(), 1, {url!r}, recorder, confirm={confirm}, progress=lambda status: None)
print(json.dumps(asdict(outcome)))
"""


def flying_process(url: str, folder: Path, confirm: str = "lambda checks: True") -> subprocess.Popen[str]:
    """A process that flies the square and prints the outcome; `confirm` is its source."""
    path = [str(Path(__file__).resolve().parent), str(ROOT)]
    script = FLYING_SCRIPT.format(path=path, folder=str(folder), url=url, confirm=confirm)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
