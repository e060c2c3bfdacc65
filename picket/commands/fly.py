"""`picket fly`: sorties of a mission are flown and recorded, by one vehicle or several, in the air or for practice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from missions.errors import MissionError
from missions.flying.campaign import ToFly, after_flight, to_fly
from missions.flying.fleet import Member
from missions.flying.flight import FlightOutcome
from missions.flying.preflight import Check
from missions.flying.signing import load_signing
from missions.plan import Plan
from picket.fleets import fly_together
from picket.flights import PracticeWorld, check_sortie, fly_practice, fly_vehicle, plan_sha256, plan_to_fly
from picket.folder import Flight, Mission, open_mission
from picket.options import JsonOption, MissionArgument, SeedOption, SpeedupOption
from picket.output import say, summarise
from picket.pilot import ask, ask_take_off, show_checks, tell_outcome
from sim.sitl.autopilot import check_binary
from vision.errors import InputError

SIMULATED_PERSONS = 24
SIMULATED_VEHICLES = 10
MOST_SIMULATED = 10_000
"""Of each: a world of more takes minutes to draw and has no room left for them."""

Fly = Callable[[Plan, int, dict[str, Any]], tuple[Flight, FlightOutcome]]


def fly(
    mission: MissionArgument,
    sortie: Annotated[str, typer.Option(metavar="N|all", help="Number of the sortie, or all that are left.")] = "1",
    connect: Annotated[
        str | None, typer.Option(metavar="URL", help="MAVLink address: tcp:HOST:PORT, udp:HOST:PORT, /dev/tty...,BAUD.")
    ] = None,
    drone: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=URL", help="A drone by MAVLink system id and address; repeat it for several at once."),
    ] = None,
    sim: Annotated[bool, typer.Option("--sim", help="Fly a simulated vehicle on this machine.")] = False,
    sitl: Annotated[
        Path | None, typer.Option(metavar="BINARY", help="Fly ArduPilot's SITL: the arducopter program of your build.")
    ] = None,
    speedup: SpeedupOption = 20.0,
    seed: SeedOption = 0,
    persons: Annotated[
        int, typer.Option(min=0, max=MOST_SIMULATED, help="With --sim or --sitl: people in the simulated world.")
    ] = SIMULATED_PERSONS,
    vehicles: Annotated[
        int, typer.Option(min=0, max=MOST_SIMULATED, help="With --sim or --sitl: vehicles in the simulated world.")
    ] = SIMULATED_VEHICLES,
    signing_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Key to sign MAVLink with: 32 bytes, or a line of words.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before arming; the checks must still pass.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fly sorties of MISSION and record them under its flights."""
    if [sim, sitl is not None, connect is not None, bool(drone)].count(True) != 1:
        raise InputError("picket fly", "give one of --connect URL, --drone ID=URL, --sim and --sitl BINARY")
    if signing_key is not None and (sim or sitl):
        raise InputError("--signing-key", "is for --connect and --drone; a vehicle of our own needs none")
    if sitl is not None:
        check_binary(sitl)
    opened = open_mission(mission)
    plan = plan_to_fly(opened)
    every = sortie == "all"
    number = 1 if every else _number(sortie)
    check_sortie(plan, number)
    signing = None if signing_key is None else load_signing(signing_key)
    if drone:
        members = [_member(text) for text in drone]
        results = fly_together(opened, plan, members, None if every else number, ask=not yes, signing=signing)
        _finish(results, as_json=as_json, several=True)
        return
    one: Fly
    if connect is not None:
        confirm = _show_and_go if yes else ask_take_off
        one = lambda plan, number, facts: fly_vehicle(  # noqa: E731
            opened, plan, number, connect, confirm=confirm, signing=signing, **facts
        )
    else:
        world = PracticeWorld(speedup, seed, persons, vehicles, sitl)
        numbers = [item.number for item in plan.sorties] if every else [number]
        scene = world.scene(plan, numbers)
        one = lambda plan, number, facts: fly_practice(  # noqa: E731
            opened, plan, number, world, scene, confirm=_show_and_go, **facts
        )
    if not every:
        flight, outcome = one(plan, number, {})
        tell_outcome(outcome, str(flight.root))
        _finish([(flight, outcome)], as_json=as_json, several=False)
        return
    practice = connect is None
    results = _fly_all(opened, plan, one, practice=practice, new_battery=_no_question if practice or yes else _battery)
    _finish(results, as_json=as_json, several=True)


def fly_simulated(mission: Mission, *, sortie: int, speedup: float, seed: int) -> tuple[Flight, FlightOutcome]:
    """Fly a sortie in the simulator, over a world of people and vehicles with known truth on the ground it images.
    Returns the flight and how it ended. Raises VehicleError or SimulationError where it cannot be flown."""
    plan = plan_to_fly(mission)
    check_sortie(plan, sortie)
    world = PracticeWorld(speedup, seed, SIMULATED_PERSONS, SIMULATED_VEHICLES)
    flight, outcome = fly_practice(mission, plan, sortie, world, world.scene(plan, [sortie]), confirm=_all_well)
    tell_outcome(outcome, str(flight.root))
    return flight, outcome


def _fly_all(
    mission: Mission, plan: Plan, one: Fly, *, practice: bool, new_battery: Callable[[int], bool]
) -> list[tuple[Flight, FlightOutcome | MissionError]]:
    """Fly what the mission's flights have left of the plan, sortie after sortie, each on a fresh battery. A sortie that
    the vehicle broke off is gone on with where it stopped; where that brings no photo more, or a person ended it, or
    nobody has a fresh battery, it ends here."""
    records = [
        flight.facts()
        for flight in mission.flights()
        if flight.left_the_ground() and bool(flight.facts().get("simulated")) is practice
    ]
    left = to_fly(plan, plan_sha256(mission), records)
    done = [item.number for item in plan.sorties if item.number not in {task.sortie.number for task in left}]
    if done:
        say(f"flown before: sortie {', '.join(map(str, done))}")
    results: list[tuple[Flight, FlightOutcome | MissionError]] = []
    while left:
        task = left.pop(0)
        number = task.sortie.number
        if results and not new_battery(number):
            left.insert(0, task)
            break
        if task.resumes:
            say(f"sortie {number} goes on where it stopped ({task.resumes}): {task.sortie.photos} photos to go")
        flown = _with(plan, task)
        flight, outcome = one(flown, number, {"resumes": task.resumes} if task.resumes else {})
        tell_outcome(outcome, str(flight.root))
        results.append((flight, outcome))
        rest = after_flight(flown, task.sortie, flight.facts())
        if rest is not None:
            left.insert(0, rest)
            if outcome.ended != "aborted" or outcome.photos_taken == 0 or "by the pilot" in outcome.reason:
                break
    if left:
        whole = ", ".join(str(task.sortie.number) for task in left if not task.resumes)
        parts = ", ".join(str(task.sortie.number) for task in left if task.resumes)
        say("; ".join(filter(None, [parts and f"left of sortie: {parts}", whole and f"not flown yet: {whole}"])))
        say("the same command goes on from here")
    elif not results:
        say("every sortie of this plan has been flown")
    return results


def _with(plan: Plan, task: ToFly) -> Plan:
    """The plan with this sortie in the place of the one of its number."""
    sorties = tuple(task.sortie if item.number == task.sortie.number else item for item in plan.sorties)
    return replace(plan, sorties=sorties)


def _battery(number: int) -> bool:
    return ask(f"Fresh battery in, and everybody clear, for sortie {number}?")


def _no_question(_number: int) -> bool:
    return True


def _all_well(checks: Sequence[Check]) -> bool:
    """The demo's simulator needs no one's word: nothing can fall on anyone."""
    return all(check.ok for check in checks)


def _show_and_go(checks: Sequence[Check]) -> bool:
    return show_checks(checks)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise InputError("--sortie", f"{text!r} is neither the number of a sortie nor all")
    return int(text)


def _member(text: str) -> Member:
    system, equals, url = text.partition("=")
    if not equals or not system.isascii() or not system.isdigit() or not url:
        raise InputError("--drone", f"{text!r} is not ID=URL such as 2=udp:0.0.0.0:14550")
    return Member(int(system), url, sortie=0)


def _finish(results: Sequence[tuple[Flight, FlightOutcome | MissionError]], *, as_json: bool, several: bool) -> None:
    """Print the summary, and exit with 1 where a flight did not end as it should."""
    said = [
        {"flight": str(flight.root)}
        | ({"ended": "refused", "reason": str(outcome)} if isinstance(outcome, MissionError) else asdict(outcome))
        for flight, outcome in results
    ]
    summarise({"flights": said} if several else said[0], as_json=as_json)
    if any(isinstance(outcome, MissionError) or outcome.ended != "landed" for _, outcome in results):
        raise typer.Exit(1)
