"""A flight as the front door makes one: its folder and what its record says at first, and the vehicle it is flown with,
real or for practice. How a sortie is flown is `missions.flying`'s subject, what is asked of a person `picket.pilot`'s.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import shapely

from missions.errors import MissionError, StoppedError
from missions.flying.flight import FlightOutcome, fly
from missions.flying.interrupts import STOPPED, Interrupts
from missions.flying.preflight import Check
from missions.flying.progress import FlightStatus
from missions.flying.recorder import Recorder
from missions.flying.signing import Signing
from missions.flying.transport import address_of
from missions.formats.plan_geojson import read_plan
from missions.plan import Plan, Sortie
from missions.planning.coverage import imaged_polygon
from missions.planning.proof import prove
from picket.filling import fill_from_log
from picket.folder import CARD, Flight, Mission, described
from picket.orders import Orders
from picket.output import say
from picket.pilot import watching
from picket.simulator import Practice, practice_vehicle
from sim.errors import SimulationError
from sim.world.scene import Scene, populate, scene_to_geojson
from vision.errors import InputError, VisionError

PRACTICE_HOME_AMSL_M = 10.0
PRACTICE_LOST_S = 30.0
"""Silence after which a practice vehicle is given up: its process is gone."""

NotFlown = MissionError | SimulationError
Flown = tuple[Flight, FlightOutcome | NotFlown]
"""A flight and how it ended, or why it was not flown (or the practice vehicle ended by itself)."""


@dataclass(frozen=True)
class PracticeWorld:
    """What a practice vehicle flies over and how: people and vehicles, the seed of everything random, how fast time
    runs, and the binary of ArduPilot's SITL (None: our own simulator)."""

    speedup: float
    seed: int
    persons: int
    vehicles: int
    sitl: Path | None = None

    def scene(self, plan: Plan, sorties: Sequence[int]) -> Scene:
        """The world on the ground these sorties image, with known truth."""
        ground = shapely.union_all([imaged_polygon(plan, number) for number in sorties])
        return populate(ground, self.seed, self.persons, self.vehicles)


def plan_to_fly(mission: Mission) -> Plan:
    """The mission's plan, proven again. Raises NotFlyableError where it leaves its fence."""
    plan = read_plan(mission.plan)
    prove(plan)
    return plan


def check_sortie(plan: Plan, number: int) -> None:
    """Raises InputError where the plan has no such sortie."""
    if number not in {item.number for item in plan.sorties}:
        raise InputError("--sortie", f"there is no sortie {number}: this plan has 1 to {len(plan.sorties)}")


def new_flight(mission: Mission, sortie: int) -> Flight:
    """A new flight folder, with the file that describes the camera if the mission has one. What a killed flight's
    practice camera left is cleared away."""
    for card in (mission.root / "flights").glob(f"*/{CARD}"):
        if not Flight(card.parent).is_being_flown():
            shutil.rmtree(card, ignore_errors=True)
    flight = Flight(_free_folder(mission.root / "flights", sortie))
    camera_file = mission.settings().get("camera_file")
    if camera_file:
        shutil.copyfile(mission.root / camera_file, flight.root / camera_file)
    return flight


def _free_folder(flights: Path, sortie: int) -> Path:
    """A folder made for a flight of this sortie, named by the second in which it began. An attempt in the very second
    of another waits for the next, so that each name stays true."""
    while True:
        folder = flights / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{sortie:02d}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            time.sleep(0.05)
        else:
            return folder


def facts_of(mission: Mission, **more: Any) -> dict[str, Any]:
    """What flight.json says beside what flying and recording write there themselves."""
    settings = mission.settings()
    return {
        "camera": settings.get("camera"),
        "camera_file": settings.get("camera_file"),
        "plan_sha256": plan_sha256(mission),
        **more,
    }


def plan_sha256(mission: Mission) -> str:
    """What tells the plan a flight was flown by from a later one of the same mission."""
    return hashlib.sha256(mission.plan.read_bytes()).hexdigest()


def fly_vehicle(
    mission: Mission,
    plan: Plan,
    sortie: int,
    url: str,
    *,
    confirm: Callable[[list[Check]], bool],
    signing: Signing | None = None,
    in_the_air: Sequence[Sortie] = (),
    orders: Orders | None = None,
    **facts: Any,
) -> Flown:
    """Fly a sortie with the vehicle at `url`, or take up what it flies already, where that is this sortie or one of
    `in_the_air`. Who gives which of the `orders` is kept in its events. Raises InputError where `url` is no address
    (and leaves no flight)."""
    address_of(url)
    flight = new_flight(mission, sortie)

    def work(interrupts: Interrupts) -> FlightOutcome:
        with Recorder(flight.root, mission.camera(), facts_of(mission, **facts)) as recorder:
            interrupts.release()
            return _fly(
                *(mission, plan, sortie, url, recorder, confirm, interrupts, orders or Orders()),
                signing=signing,
                in_the_air=in_the_air,
            )

    return _flown(flight, work)


def fly_practice(
    mission: Mission,
    plan: Plan,
    sortie: int,
    world: PracticeWorld,
    scene: Scene,
    *,
    confirm: Callable[[list[Check]], bool],
    orders: Orders | None = None,
    **facts: Any,
) -> Flown:
    """Fly a sortie with a practice vehicle over `scene`; who gives which of the `orders` is kept in its events."""
    flight = new_flight(mission, sortie)
    card = flight.card
    about = facts_of(mission, simulated=True, simulator="sitl" if world.sitl else "sim", seed=world.seed, **facts)

    def work(interrupts: Interrupts) -> FlightOutcome:
        with ExitStack() as stack:
            scene_to_geojson(scene, flight.truth)
            card.mkdir()
            stack.callback(shutil.rmtree, card, ignore_errors=True)
            recorder = stack.enter_context(Recorder(flight.root, mission.camera(), about, images_source=card))
            interrupts.release()
            practice = Practice(
                plan.home,
                PRACTICE_HOME_AMSL_M,
                world.speedup,
                mission.drone().endurance_s,
                camera=described(mission.root, mission.settings(), "camera"),
                scene=flight.truth,
                images=card,
                seed=world.seed,
                sitl=world.sitl,
            )
            url = stack.enter_context(practice_vehicle(practice))
            return _fly(
                *(mission, plan, sortie, url, recorder, confirm, interrupts, orders or Orders()),
                lost_after_s=PRACTICE_LOST_S,
            )

    return _flown(flight, work)


def _flown(flight: Flight, work: Callable[[Interrupts], FlightOutcome]) -> Flown:
    """Do it with Ctrl-C and the like taken over from before the record begins until it is closed."""
    try:
        with Interrupts() as interrupts:
            interrupts.hold()
            outcome = work(interrupts)
    except KeyboardInterrupt:
        return flight, StoppedError(STOPPED)
    except (MissionError, SimulationError) as error:
        return flight, error
    _fill(flight)
    return flight, outcome


def _fill(flight: Flight) -> None:
    """Where the vehicle's own log was fetched, because the link lost some of the flight: fill the gaps from it."""
    if flight.log.is_file():
        try:
            filled = fill_from_log(flight, flight.log)
        except (InputError, VisionError) as error:
            say(f"the gaps of the link stay: {error}")
        else:
            say(f"filled from the vehicle's own log: {len(filled)} photos the link had missed")


def _fly(
    mission: Mission,
    plan: Plan,
    sortie: int,
    url: str,
    recorder: Recorder,
    confirm: Callable[[list[Check]], bool],
    interrupts: Interrupts,
    orders: Orders,
    *,
    signing: Signing | None = None,
    lost_after_s: float | None = None,
    in_the_air: Sequence[Sortie] | None = None,
) -> FlightOutcome:
    def answered(checks: list[Check]) -> bool:
        yes = confirm(checks)
        orders.keep(recorder.event)
        return yes

    with watching({sortie: f"sortie {sortie}"}) as show:

        def progress(status: FlightStatus) -> None:
            orders.keep(recorder.event)
            show(sortie, status)

        orders.keep(recorder.event)
        try:
            return fly(
                plan,
                sortie,
                url,
                recorder,
                confirm=answered,
                progress=progress,
                tell=say,
                drone=mission.drone(),
                signing=signing,
                interrupts=interrupts,
                lost_after_s=lost_after_s,
                in_the_air=in_the_air,
            )
        finally:
            orders.keep(recorder.event)
