"""`picket fly`: one sortie of a mission is flown and recorded, on a vehicle or in the simulator."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from missions.flying.flight import FlightOutcome
from missions.flying.flight import fly as fly_sortie
from missions.flying.preflight import Check
from missions.flying.progress import FlightStatus
from missions.flying.recorder import Recorder
from missions.formats.plan_geojson import read_plan
from missions.plan import Plan
from missions.planning.coverage import imaged_polygon
from missions.planning.proof import prove
from picket.folder import Flight, Mission, described, open_mission
from picket.options import JsonOption, MissionArgument, SeedOption, SpeedupOption
from picket.output import console, progress_bar, say, summarise
from picket.simulator import simulator
from sim.world.scene import populate, scene_to_geojson
from vision.errors import InputError

SIMULATED_PERSONS = 24
SIMULATED_VEHICLES = 10
SIMULATED_HOME_AMSL_M = 10.0


def fly(
    mission: MissionArgument,
    sortie: Annotated[int, typer.Option(min=1, metavar="N", help="Number of the sortie.")] = 1,
    connect: Annotated[
        str | None, typer.Option(metavar="URL", help="MAVLink address: tcp:HOST:PORT, udp:HOST:PORT, /dev/tty...,BAUD.")
    ] = None,
    sim: Annotated[bool, typer.Option("--sim", help="Fly a simulated vehicle on this machine.")] = False,
    speedup: SpeedupOption = 20.0,
    seed: SeedOption = 0,
    persons: Annotated[int, typer.Option(min=0, help="With --sim: people in the simulated world.")] = SIMULATED_PERSONS,
    vehicles: Annotated[
        int, typer.Option(min=0, help="With --sim: vehicles in the simulated world.")
    ] = SIMULATED_VEHICLES,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before arming; the checks must still pass.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fly one sortie of MISSION and record it under its flights."""
    if sim == (connect is not None):
        raise InputError("picket fly", "give either --connect URL for a vehicle or --sim for the simulator")
    opened = open_mission(mission)
    if sim:
        flight, outcome = fly_simulated(
            opened, sortie=sortie, speedup=speedup, seed=seed, persons=persons, vehicles=vehicles
        )
    else:
        flight, outcome = _fly_vehicle(opened, sortie, str(connect), ask=not yes)
    summarise({"flight": str(flight.root), **asdict(outcome)}, as_json=as_json)
    if outcome.ended != "landed":
        raise typer.Exit(1)


def fly_simulated(
    mission: Mission,
    *,
    sortie: int,
    speedup: float,
    seed: int,
    persons: int = SIMULATED_PERSONS,
    vehicles: int = SIMULATED_VEHICLES,
) -> tuple[Flight, FlightOutcome]:
    """Fly a sortie in the simulator, over a world of people and vehicles with known truth on the ground it images.
    Returns the flight and how it ended. Raises VehicleError or SimulationError where it cannot be flown."""
    plan, camera = _plan_of(mission, sortie), mission.camera()
    scene = populate(imaged_polygon(plan, sortie), seed, persons, vehicles)
    flight = _new_flight(mission, sortie)
    scene_to_geojson(scene, flight.truth)
    with ExitStack() as stack:
        card = Path(tempfile.mkdtemp(prefix="picket-card-"))
        stack.callback(shutil.rmtree, card, ignore_errors=True)
        recorder = stack.enter_context(
            Recorder(flight.root, camera, _facts(mission, simulated=True, seed=seed), images_source=card)
        )
        url = stack.enter_context(
            simulator(
                plan.home,
                home_amsl_m=SIMULATED_HOME_AMSL_M,
                endurance_s=mission.drone().endurance_s,
                camera=described(mission.root, mission.settings(), "camera"),
                speedup=speedup,
                seed=seed,
                scene=flight.truth,
                images=card,
            )
        )
        outcome = _watch(plan, sortie, url, recorder, confirm=_all_well)
    _tell(flight, outcome)
    return flight, outcome


def _fly_vehicle(mission: Mission, sortie: int, url: str, *, ask: bool) -> tuple[Flight, FlightOutcome]:
    plan, camera = _plan_of(mission, sortie), mission.camera()
    flight = _new_flight(mission, sortie)
    try:
        with Recorder(flight.root, camera, _facts(mission)) as recorder:
            outcome = _watch(plan, sortie, url, recorder, confirm=_ask_person if ask else _show_and_go)
    except InputError:
        shutil.rmtree(flight.root)  # the address was none, so nothing has happened
        raise
    _tell(flight, outcome)
    return flight, outcome


def _watch(
    plan: Plan, sortie: int, url: str, recorder: Recorder, confirm: Callable[[Sequence[Check]], bool]
) -> FlightOutcome:
    with progress_bar(f"flying sortie {sortie}") as bar:

        def progress(status: FlightStatus) -> None:
            battery = "" if status.battery_pct is None else f", battery {status.battery_pct} %"
            photos = f"{status.photos_taken}/{status.photos_expected} photos"
            bar(round(status.progress * 100), 100, f"{status.mode}, {photos}{battery}")

        return fly_sortie(plan, sortie, url, recorder, confirm=confirm, progress=progress)


def _all_well(checks: Sequence[Check]) -> bool:
    """The simulator needs no one's word: nothing can fall on anyone."""
    return all(check.ok for check in checks)


def _show_and_go(checks: Sequence[Check]) -> bool:
    _show(checks)
    return all(check.ok for check in checks)


def _ask_person(checks: Sequence[Check]) -> bool:
    _show(checks)
    return all(check.ok for check in checks) and typer.confirm("Arm and take off?", default=False, err=True)


def _show(checks: Sequence[Check]) -> None:
    for check in checks:
        mark = "[green]go   [/green]" if check.ok else "[red]NO GO[/red]"
        console.print(f"{mark} {escape(check.name)}: {escape(check.detail)}", soft_wrap=True)


def _plan_of(mission: Mission, sortie: int) -> Plan:
    plan = read_plan(mission.plan)
    prove(plan)
    if sortie not in {item.number for item in plan.sorties}:
        raise InputError("--sortie", f"there is no sortie {sortie}: this plan has 1 to {len(plan.sorties)}")
    return plan


def _new_flight(mission: Mission, sortie: int) -> Flight:
    """A new flight folder, with the file that describes the camera if the mission has one."""
    flight = Flight(mission.root / "flights" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{sortie:02d}")
    flight.root.mkdir(parents=True)
    camera_file = mission.settings().get("camera_file")
    if camera_file:
        shutil.copyfile(mission.root / camera_file, flight.root / camera_file)
    return flight


def _facts(mission: Mission, **more: Any) -> dict[str, Any]:
    """What flight.json says beside what flying and recording write there themselves."""
    settings = mission.settings()
    return {"camera": settings.get("camera"), "camera_file": settings.get("camera_file"), **more}


def _tell(flight: Flight, outcome: FlightOutcome) -> None:
    say(
        f"{outcome.ended}: {outcome.photos_taken} of {outcome.photos_expected} photos in "
        f"{outcome.duration_s / 60:.1f} min of flight; record: {flight.root}"
    )
    if outcome.reason:
        say(outcome.reason)
