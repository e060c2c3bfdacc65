"""Several drones at once from the front door: who flies which sortie and when, one question for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from missions.errors import MissionError
from missions.flying.fleet import Member, check_members, fly_fleet
from missions.flying.flight import FlightOutcome
from missions.flying.recorder import Recorder
from missions.flying.signing import Signing
from missions.plan import Plan
from picket.flights import facts_of, new_flight
from picket.folder import Flight, Mission
from picket.output import say
from picket.pilot import ask_fleet, show_fleet, tell_outcome, watching
from vision.errors import InputError


def fly_together(
    mission: Mission,
    plan: Plan,
    members: Sequence[Member],
    first: int | None,
    *,
    ask: bool,
    signing: Signing | None,
) -> list[tuple[Flight, FlightOutcome | MissionError]]:
    """Fly one sortie with each drone at once: the sorties from `first` on (None: from 1) in the plan's order.

    Returns each drone's flight and how it ended, or why it did not fly. Raises InputError where two drones cannot be
    told apart or the plan has too few sorties for them.
    """
    numbers = [item.number for item in plan.sorties if item.number >= (first or 1)]
    if len(numbers) < len(members):
        raise InputError("--drone", f"{len(members)} drones and {len(numbers)} sorties to fly; leave one drone out")
    members = [replace(member, sortie=number) for member, number in zip(members, numbers, strict=False)]
    check_members(members)
    flights = {member.system: new_flight(mission, member.sortie) for member in members}
    titles = {member.system: f"drone {member.system}, sortie {member.sortie}" for member in members}
    with ExitStack() as stack:
        recorders = {
            member.system: stack.enter_context(
                Recorder(flights[member.system].root, mission.camera(), facts_of(mission, system=member.system))
            )
            for member in members
        }
        show = stack.enter_context(watching(titles))
        results = fly_fleet(
            plan,
            members,
            recorders,
            confirm=ask_fleet if ask else show_fleet,
            progress=show,
            tell=lambda system, line: say(f"drone {system}: {line}"),
            drone=mission.drone(),
            signing=signing,
        )
    for system, outcome in results.items():
        _tell(system, outcome, flights)
    return [(flights[system], outcome) for system, outcome in results.items()]


def _tell(system: int, outcome: FlightOutcome | MissionError, flights: Mapping[int, Flight]) -> None:
    if isinstance(outcome, MissionError):
        say(f"drone {system}: {outcome}")
    else:
        say(f"drone {system}:")
        tell_outcome(outcome, str(flights[system].root))
