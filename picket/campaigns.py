"""A plan flown sortie after sortie: what its records leave to be flown, the battery asked for between, what is left
when it ends. With one vehicle here, with several in `picket.fleets`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from missions.errors import MissionError
from missions.flying.campaign import ToFly, after_flight, goes_on, to_fly
from missions.flying.flight import FlightOutcome
from missions.plan import Plan
from picket.flights import plan_sha256
from picket.folder import Flight, Mission
from picket.output import say
from picket.pilot import tell_outcome

Fly = Callable[[Plan, int, dict[str, Any]], tuple[Flight, FlightOutcome]]
Results = list[tuple[Flight, FlightOutcome | MissionError]]


def left_to_fly(mission: Mission, plan: Plan, *, practice: bool) -> list[ToFly]:
    """What the mission's flights, real ones or practice, have left of the plan; says what was flown before."""
    records = [
        flight.facts()
        for flight in mission.flights()
        if flight.left_the_ground() and bool(flight.facts().get("simulated")) is practice
    ]
    left = to_fly(plan, plan_sha256(mission), records)
    done = [item.number for item in plan.sorties if item.number not in {task.sortie.number for task in left}]
    if done:
        say(f"flown before: sortie {', '.join(map(str, done))}")
    return left


def with_task(plan: Plan, task: ToFly) -> Plan:
    """The plan with this sortie in the place of the one of its number."""
    sorties = tuple(task.sortie if item.number == task.sortie.number else item for item in plan.sorties)
    return replace(plan, sorties=sorties)


def facts_of_task(task: ToFly) -> dict[str, str]:
    """What the record says of a sortie that is gone on with; says so."""
    if not task.resumes:
        return {}
    say(
        f"sortie {task.sortie.number} goes on where it stopped ({task.resumes}): {task.sortie.photos} photos to go",
    )
    return {"resumes": task.resumes}


def tell_left(left: Iterable[ToFly], *, flown: bool) -> None:
    """Say what is left of the plan; `flown`: whether something was flown just now."""
    left = list(left)
    if left:
        whole = ", ".join(str(task.sortie.number) for task in left if not task.resumes)
        parts = ", ".join(str(task.sortie.number) for task in left if task.resumes)
        say("; ".join(filter(None, [parts and f"left of sortie: {parts}", whole and f"not flown yet: {whole}"])))
        say("the same command goes on from here")
    elif not flown:
        say("every sortie of this plan has been flown")


def fly_all(mission: Mission, plan: Plan, one: Fly, *, practice: bool, new_battery: Callable[[str], bool]) -> Results:
    """Fly what the mission's flights have left of the plan, sortie after sortie, each on a fresh battery. A sortie that
    the vehicle broke off is gone on with where it stopped; where that brings no photo more, or a person ended it, or
    nobody has a fresh battery, it ends here."""
    left = left_to_fly(mission, plan, practice=practice)
    results: Results = []
    while left:
        task = left.pop(0)
        number = task.sortie.number
        if results and not new_battery(f"sortie {number}"):
            left.insert(0, task)
            break
        flown = with_task(plan, task)
        flight, outcome = one(flown, number, facts_of_task(task))
        tell_outcome(outcome, str(flight.root))
        results.append((flight, outcome))
        rest = after_flight(flown, task.sortie, flight.facts())
        if rest is not None:
            left.insert(0, rest)
            if not goes_on(outcome):
                break
    tell_left(left, flown=bool(results))
    return results
