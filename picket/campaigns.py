"""A plan flown sortie after sortie: what its records leave to be flown, the battery asked for between, what is left
when it ends. With one vehicle here, with several in `picket.fleets`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from missions.flying.campaign import ToFly, goes_on, may_be_flying, to_fly
from missions.plan import Plan, Sortie
from picket.flights import Flown, NotFlown, plan_sha256
from picket.folder import Mission
from picket.output import say
from picket.pilot import tell_flown

Fly = Callable[[Plan, int, dict[str, Any]], Flown]
Results = list[Flown]


def records_of(mission: Mission, *, practice: bool) -> list[dict[str, Any]]:
    """What the records of the mission's flights say, real ones or practice, oldest first."""
    flown = [flight.facts() for flight in mission.flights() if flight.left_the_ground()]
    return [facts for facts in flown if bool(facts.get("simulated")) is practice]


def left_to_fly(mission: Mission, plan: Plan, *, practice: bool) -> list[ToFly]:
    """What the mission's flights, real ones or practice, have left of the plan."""
    return to_fly(plan, plan_sha256(mission), records_of(mission, practice=practice))


def may_be_in_the_air(mission: Mission, plan: Plan) -> list[Sortie]:
    """What a vehicle in the air may have been given, by the records of the real flights."""
    return may_be_flying(plan, plan_sha256(mission), records_of(mission, practice=False))


def tell_done(plan: Plan, left: Iterable[ToFly]) -> None:
    """Say which sorties were flown before."""
    numbers = {task.sortie.number for task in left}
    done = [item.number for item in plan.sorties if item.number not in numbers]
    if done:
        say(f"flown before: sortie {', '.join(map(str, done))}")


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
    nobody has a fresh battery, or a sortie is not flown, it ends here."""
    left = left_to_fly(mission, plan, practice=practice)
    tell_done(plan, left)
    results: Results = []
    while left:
        task = left[0]
        number = task.sortie.number
        if results and not new_battery(f"sortie {number}"):
            break
        flight, outcome = one(with_task(plan, task), number, facts_of_task(task))
        tell_flown(outcome, str(flight.root))
        results.append((flight, outcome))
        left = left_to_fly(mission, plan, practice=practice)
        flown = flight.facts().get("sortie", number)  # another one where it was taken up in the air
        unfinished = any(task.sortie.number == flown for task in left)
        if isinstance(outcome, NotFlown) or (unfinished and not goes_on(outcome)):
            break
    tell_left(left, flown=bool(results))
    return results
