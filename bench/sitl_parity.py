"""The same five missions on our simulator and on a real ArduPilot SITL: flight time, photo count and photo positions:
`python -m bench.sitl_parity [--sitl BINARY]` (or the environment's PICKET_SITL). Both fly the plan over MAVLink with
the same ground side; what they report is compared, photograph by photograph.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mapping.ground.camera import load_camera
from mapping.ground.telemetry import read_tlog
from missions.areas.read import read_area
from missions.drones import load_drone
from missions.flying.flight import FlightOutcome, fly
from missions.flying.recorder import Recorder
from missions.plan import Plan
from missions.planning.planner import make_plan
from picket.simulator import Practice, practice_vehicle
from tests.drawing import drawn, feature, home, polygon

HOME = (23.0412, 88.8972)
HOME_AMSL_M = 10.0
M_PER_DEG = 111_319.5
CAMERA = "boson640-14"
SPEEDUP = 20.0
TIME_WITHIN, POSITION_WITHIN_M, POSITION_SHARE = 0.05, 3.0, 0.95


@dataclass(frozen=True)
class Mission:
    """One of the five: its polygon, no-fly zones and rally points in metres north and east of home, how it is
    photographed, and the wind (m/s, degrees it comes from)."""

    name: str
    patrol: tuple[tuple[float, float], ...]
    no_fly: tuple[tuple[tuple[float, float], ...], ...] = ()
    rally: tuple[tuple[float, float], ...] = ()
    drone: str = "x500"
    height_m: float = 60.0
    sidelap: float = 0.3
    frontlap: float = 0.5
    angle_deg: float | None = None
    wind: tuple[float, float] = (0.0, 0.0)


def box(north: float, east: float, height: float, width: float) -> tuple[tuple[float, float], ...]:
    """A rectangle from its south-west corner."""
    return ((north, east), (north, east + width), (north + height, east + width), (north + height, east))


MISSIONS = (
    Mission("straight corridor", box(20, -15, 900, 30), drone="hexsoon-td860"),
    Mission("small dense survey", box(30, 20, 90, 90), height_m=30, sidelap=0.6, frontlap=0.7, angle_deg=30),
    Mission("long transit", box(900, 300, 70, 120), height_m=80, frontlap=0.6),
    Mission("short lines", box(20, 20, 45, 320), height_m=40, angle_deg=0, drone="hexsoon-edu450"),
    Mission(
        "concave with a hole, wind",
        ((20, -150), (20, 150), (200, 150), (200, 60), (110, 60), (110, -60), (200, -60), (200, -150)),
        no_fly=(box(50, 85, 20, 20),),
        rally=((60.0, 135.0), (170.0, 100.0), (150.0, -100.0)),
        height_m=50,
        wind=(6.0, 240.0),
    ),
)


def plan_of(mission: Mission, folder: Path) -> Plan:
    """The mission planned at home."""

    def at(north: float, east: float) -> list[float]:
        return [HOME[1] + east / M_PER_DEG / math.cos(math.radians(HOME[0])), HOME[0] + north / M_PER_DEG]

    features = [
        polygon("patrol", itertools.starmap(at, mission.patrol)),
        home(HOME[1], HOME[0]),
        *(polygon("no_fly", itertools.starmap(at, zone)) for zone in mission.no_fly),
        *(feature("rally", "Point", at(*place)) for place in mission.rally),
    ]
    path = folder / f"{mission.name}.geojson"
    path.write_text(json.dumps(drawn(*features)))
    return make_plan(
        read_area(path),
        load_drone(mission.drone),
        load_camera(CAMERA),
        height_m=mission.height_m,
        sidelap=mission.sidelap,
        frontlap=mission.frontlap,
        angle_deg=mission.angle_deg,
    )


@dataclass(frozen=True)
class Flown:
    """How it went and where the photographs were taken: (N, 3) metres north, east, up, in the order taken."""

    outcome: FlightOutcome
    photos: np.ndarray


def fly_on(mission: Mission, plan: Plan, sitl: Path | None, folder: Path) -> Flown:
    """Fly the first sortie on SITL, or on our simulator."""
    practice = Practice(
        plan.home,
        HOME_AMSL_M,
        SPEEDUP,
        load_drone(mission.drone).endurance_s,
        sitl=sitl,
        more=("--wind", f"{mission.wind[0]},{mission.wind[1]}", *(() if sitl else ("--airframe", "sitl"))),
    )
    with Recorder(folder, load_camera(CAMERA), {}) as recorder, practice_vehicle(practice) as url:
        outcome = fly(plan, 1, url, recorder, confirm=lambda checks: True, progress=lambda status: None)
    log = read_tlog(folder / "telemetry.tlog", allow_cut=True)
    east = M_PER_DEG * math.cos(math.radians(plan.home.lat_deg))
    photos = [
        (
            (trigger.lat_deg - plan.home.lat_deg) * M_PER_DEG,
            (trigger.lon_deg - plan.home.lon_deg) * east,
            trigger.alt_home_m,
        )
        for trigger in log.triggers()
    ]
    return Flown(outcome, np.array(photos).reshape(-1, 3))


@dataclass(frozen=True)
class Difference:
    """Our simulator against SITL on one mission."""

    mission: str
    sitl_s: float
    sim_s: float
    sitl_photos: int
    sim_photos: int
    distances_m: np.ndarray

    @property
    def time(self) -> float:
        return self.sim_s / self.sitl_s - 1.0

    @property
    def near(self) -> float:
        """The share of SITL's photographs that have one of ours, of the same number, near enough."""
        return float((self.distances_m <= POSITION_WITHIN_M).mean()) if len(self.distances_m) else 0.0

    @property
    def holds(self) -> bool:
        return abs(self.time) <= TIME_WITHIN and self.sim_photos == self.sitl_photos and self.near >= POSITION_SHARE


def compare(mission: Mission, sitl: Path, folder: Path) -> Difference:
    """Fly one mission on both."""
    plan = plan_of(mission, folder)
    ours = fly_on(mission, plan, None, folder / f"{mission.name} sim")
    theirs = fly_on(mission, plan, sitl, folder / f"{mission.name} sitl")
    for flown in (ours, theirs):
        if flown.outcome.ended != "landed":
            raise RuntimeError(f"{mission.name}: {flown.outcome.ended} ({flown.outcome.reason})")
    both = min(len(ours.photos), len(theirs.photos))
    apart = np.hypot(*(ours.photos[:both, :2] - theirs.photos[:both, :2]).T)
    # a photograph only one of them took is as far off as can be
    apart = np.concatenate([apart, np.full(len(theirs.photos) - both, np.inf)])
    return Difference(
        mission.name,
        theirs.outcome.duration_s,
        ours.outcome.duration_s,
        len(theirs.photos),
        len(ours.photos),
        apart,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line a mission and whether the claim holds."""
    parser = argparse.ArgumentParser(description="Our simulator against ArduPilot's SITL.")
    parser.add_argument("--sitl", type=Path, default=os.environ.get("PICKET_SITL"), help="the arducopter binary")
    parser.add_argument("--keep", type=Path, help="folder to keep the flights in")
    parser.add_argument("--only", type=int, help="only the mission with this number, from 1")
    options = parser.parse_args(arguments)
    if options.sitl is None:
        print("no SITL on this machine (PICKET_SITL names none): not measured")
        return 0
    print(
        f"{'mission':26} {'SITL s':>7} {'ours s':>7} {'time':>7} {'photos':>7} {'ours':>5} "
        f"{'median':>7} {'p95':>6} {'max m':>6} {'<= 3 m':>7}"
    )
    held = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for number, mission in enumerate(MISSIONS, 1):
            if options.only not in (None, number):
                continue
            found = compare(mission, options.sitl, folder)
            held &= found.holds
            apart = found.distances_m
            print(
                f"{mission.name:26} {found.sitl_s:7.1f} {found.sim_s:7.1f} {found.time:+7.1%} {found.sitl_photos:7} "
                f"{found.sim_photos:5} {np.median(apart):7.2f} {np.quantile(apart, 0.95):6.2f} {apart.max():6.2f} "
                f"{found.near:7.1%}{'' if found.holds else '  MISSED'}",
                flush=True,
            )
    print(
        f"\nwithin {TIME_WITHIN:.0%} of flight time, as many photos, {POSITION_SHARE:.0%} of them within "
        f"{POSITION_WITHIN_M:.0f} m: {'holds' if held else 'DOES NOT HOLD'}"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
