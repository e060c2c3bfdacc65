"""`picket fly`: sorties of a mission are flown and recorded, by one vehicle or several, in the air or for practice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from missions.errors import StoppedError
from missions.flying.flight import FlightOutcome
from missions.flying.preflight import Check
from missions.flying.signing import load_signing
from picket.campaigns import Fly, Results, fly_all, may_be_in_the_air
from picket.fleets import fly_together
from picket.flights import NotFlown, PracticeWorld, check_sortie, fly_practice, fly_vehicle, plan_to_fly
from picket.folder import Flight, Mission, open_mission
from picket.options import JsonOption, MissionArgument, SeedOption, SpeedupOption
from picket.orders import Orders
from picket.output import EXIT_INTERRUPTED, say, summarise
from picket.pilot import ask, ask_take_off, show_checks, tell_flown
from sim.sitl.autopilot import check_binary
from vision.errors import InputError

SIMULATED_PERSONS = 24
SIMULATED_VEHICLES = 10
MOST_SIMULATED = 10_000
"""Of each: a world of more takes minutes to draw and has no room left for them."""


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
    orders: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of who orders what, a line of JSON each, for the flight's record."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fly sorties of MISSION and record them under its flights."""
    if [sim, sitl is not None, connect is not None, bool(drone)].count(True) != 1:
        raise InputError("picket fly", "give one of --connect URL, --drone ID=URL, --sim and --sitl BINARY")
    if signing_key is not None and (sim or sitl):
        raise InputError("--signing-key", "is for --connect and --drone; a vehicle of our own needs none")
    if orders is not None and drone:
        raise InputError("--orders", "is for flights of one vehicle; leave it out")
    if sitl is not None:
        check_binary(sitl)
    opened = open_mission(mission)
    plan = plan_to_fly(opened)
    every = sortie == "all"
    number = 1 if every else _number(sortie)
    check_sortie(plan, number)
    signing = None if signing_key is None else load_signing(signing_key)
    if drone:
        results = fly_together(
            opened,
            plan,
            [_address(text) for text in drone],
            None if every else number,
            ask=not yes,
            signing=signing,
            new_battery=_no_question if yes else _battery,
        )
        _finish(results, as_json=as_json, several=True)
        return
    one: Fly
    ordered = Orders(orders)
    if connect is not None:
        confirm = _show_and_go if yes else ask_take_off
        in_the_air = may_be_in_the_air(opened, plan)
        one = lambda plan, number, facts: fly_vehicle(  # noqa: E731
            *(opened, plan, number, connect),
            confirm=confirm,
            signing=signing,
            in_the_air=in_the_air,
            orders=ordered,
            **facts,
        )
    else:
        world = PracticeWorld(speedup, seed, persons, vehicles, sitl)
        numbers = [item.number for item in plan.sorties] if every else [number]
        scene = world.scene(plan, numbers)
        one = lambda plan, number, facts: fly_practice(  # noqa: E731
            opened, plan, number, world, scene, confirm=_show_and_go, orders=ordered, **facts
        )
    if not every:
        flight, outcome = one(plan, number, {})
        tell_flown(outcome, str(flight.root))
        _finish([(flight, outcome)], as_json=as_json, several=False)
        return
    practice = connect is None
    results = fly_all(opened, plan, one, practice=practice, new_battery=_no_question if practice or yes else _battery)
    _finish(results, as_json=as_json, several=True)


def fly_simulated(mission: Mission, *, sortie: int, speedup: float, seed: int) -> tuple[Flight, FlightOutcome]:
    """Fly a sortie in the simulator, over a world of people and vehicles with known truth on the ground it images.
    Returns the flight and how it ended. Raises VehicleError or SimulationError where it cannot be flown."""
    plan = plan_to_fly(mission)
    check_sortie(plan, sortie)
    world = PracticeWorld(speedup, seed, SIMULATED_PERSONS, SIMULATED_VEHICLES)
    flight, outcome = fly_practice(mission, plan, sortie, world, world.scene(plan, [sortie]), confirm=_all_well)
    if isinstance(outcome, NotFlown):
        raise outcome
    tell_flown(outcome, str(flight.root))
    return flight, outcome


def _battery(what: str) -> bool:
    try:
        return ask(f"Fresh battery in, and everybody clear, for {what}?")
    except KeyboardInterrupt:
        say("")
        return False


def _no_question(_what: str) -> bool:
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


def _address(text: str) -> tuple[int, str]:
    system, equals, url = text.partition("=")
    if not equals or not system.isascii() or not system.isdigit() or not url:
        raise InputError("--drone", f"{text!r} is not ID=URL such as 2=udp:0.0.0.0:14550")
    return int(system), url


def _finish(results: Results, *, as_json: bool, several: bool) -> None:
    """Print the summary, and exit with 1 where a flight did not end as it should, with 130 where nothing flew because
    a person stopped it."""
    said = [_summary(flight, outcome) for flight, outcome in results]
    summarise({"flights": said} if several else said[0], as_json=as_json)
    outcomes = [outcome for _, outcome in results]
    if any(isinstance(outcome, StoppedError) for outcome in outcomes) and not any(one["flown"] for one in said):
        raise typer.Exit(EXIT_INTERRUPTED)
    if any(isinstance(outcome, NotFlown) or outcome.ended != "landed" for outcome in outcomes):
        raise typer.Exit(1)


def _summary(flight: Flight, outcome: FlightOutcome | NotFlown) -> dict[str, Any]:
    """A flight's part of the JSON summary."""
    facts = flight.facts()
    about = {"flight": str(flight.root), "sortie": facts.get("sortie"), "flown": flight.left_the_ground()}
    if isinstance(outcome, FlightOutcome):
        return about | asdict(outcome)
    reason = " ".join(str(outcome).split())
    reasons = facts.get("no_go") or [reason]
    return about | {
        "ended": facts.get("ended") or "failed",
        "reason": reason,
        "reasons": reasons,
    }
