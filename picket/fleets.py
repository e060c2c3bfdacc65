"""Several drones at once from the front door: who flies which sortie and when, how they keep out of each other's way,
one question for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from missions.flying.campaign import ToFly, after_flight, deal, goes_on
from missions.flying.fleet import Member, check_members, fly_fleet
from missions.flying.recorder import Recorder
from missions.flying.signing import Signing
from missions.plan import Plan
from missions.separation import HORIZONTAL_M, VERTICAL_M, least_distance_m, sortie_track, starts_apart
from picket.campaigns import Results, facts_of_task, left_to_fly, tell_done, tell_left, with_task
from picket.flights import NotFlown, facts_of, new_flight
from picket.folder import Mission
from picket.output import say
from picket.pilot import ask_fleet, show_fleet, tell_flown, watching
from vision.errors import InputError

UNDER_CEILING_M = 3.0
"""How far below the fence's ceiling a way home stays: its margin and a little."""


def fly_together(
    mission: Mission,
    plan: Plan,
    addresses: Sequence[tuple[int, str]],
    first: int | None,
    *,
    ask: bool,
    signing: Signing | None,
    new_battery: Callable[[str], bool],
) -> Results:
    """Fly with several drones, given as (system id, URL), at once: one round of the sorties from `first` on, or, where
    that is None, round after round what the mission's flights have left of the plan.

    Returns each flight and how it ended, or why it was not flown. Raises InputError where two drones cannot be told
    apart or the plan has too few sorties for them.
    """
    count = len(addresses)
    check_members([Member(system, url, number) for number, (system, url) in enumerate(addresses)])
    if first is None:
        tasks = left_to_fly(mission, plan, practice=False)
        tell_done(plan, tasks)
        if not tasks:
            tell_left(tasks, flown=False)
            return []
        queues = deal(tasks, count, plan.drones)
    else:
        tasks = [ToFly(item) for item in plan.sorties if item.number >= first]
        queues = [queue[:1] for queue in deal(tasks, count, plan.drones)]
        if not all(queues):
            raise InputError(
                "--drone", f"{count} drones and {sum(map(len, queues))} sorties to fly; leave one drone out"
            )
    results: Results = []
    while any(queues):
        if results and not new_battery(
            "sorties " + ", ".join(str(queue[0].sortie.number) for queue in queues if queue)
        ):
            break
        flying = [(number, queue.pop(0)) for number, queue in enumerate(queues) if queue]
        round_ = _fly_round(
            mission, plan, [(*addresses[number], task) for number, task in flying], ask=ask, signing=signing
        )
        results += round_
        stopped = False
        for (number, task), (flight, outcome) in zip(flying, round_, strict=True):
            rest: ToFly | None = task
            if flight.left_the_ground():
                rest = after_flight(with_task(plan, task), task.sortie, flight.facts())
            stopped |= isinstance(outcome, NotFlown) or (rest is not None and not goes_on(outcome))
            if rest is not None and first is None:
                queues[number].insert(0, rest)
        if stopped:
            break
    if first is None:
        tell_left(sorted((task for queue in queues for task in queue), key=lambda task: task.sortie.number), flown=True)
    return results


def _fly_round(
    mission: Mission,
    plan: Plan,
    flying: Sequence[tuple[int, str, ToFly]],
    *,
    ask: bool,
    signing: Signing | None,
) -> Results:
    """One sortie with each of these drones at once, in the order given."""
    starts_s = _starts(mission, plan, [(system, task) for system, _, task in flying])
    members = [
        Member(system, url, task.sortie.number, start_s)
        for (system, url, task), start_s in zip(flying, starts_s, strict=True)
    ]
    plans = {
        system: own_ways_home(with_task(plan, task), number, len(flying))
        for number, (system, _, task) in enumerate(flying)
    }
    flights = {member.system: new_flight(mission, member.sortie) for member in members}
    titles = {member.system: f"drone {member.system}, sortie {member.sortie}" for member in members}
    with ExitStack() as stack:
        recorders = {
            system: stack.enter_context(
                Recorder(
                    flights[system].root,
                    mission.camera(),
                    facts_of(mission, system=system, **facts_of_task(task)),
                )
            )
            for system, _, task in flying
        }
        show = stack.enter_context(watching(titles))
        outcomes = fly_fleet(
            plans,
            members,
            recorders,
            confirm=ask_fleet if ask else show_fleet,
            progress=show,
            tell=lambda system, line: say(f"drone {system}: {line}"),
            drone=mission.drone(),
            signing=signing,
        )
    for system, outcome in outcomes.items():
        tell_flown(outcome, str(flights[system].root), drone=system)
    return [(flights[system], outcomes[system]) for system, _, _ in flying]


def _starts(mission: Mission, plan: Plan, flying: Sequence[tuple[int, ToFly]]) -> list[float]:
    """When each takes off, in seconds after the first, so that they keep apart; says so, before anybody is asked."""
    planned_s = [task.sortie.start_s if plan.drones == len(flying) else 0.0 for _, task in flying]
    tracks = [sortie_track(plan, task.sortie, mission.drone()) for _, task in flying]
    starts_s = starts_apart(tracks, [start_s - min(planned_s) for start_s in planned_s])
    for (system, task), start_s in zip(flying, starts_s, strict=True):
        say(
            f"drone {system}: sortie {task.sortie.number}, "
            + (f"takes off {start_s:.0f} s after the first" if start_s > 0.0 else "takes off at once")
        )
    if len(flying) > 1:
        least_m = least_distance_m(tracks, starts_s)
        say(
            f"by the plan, drones less than {VERTICAL_M:.0f} m apart in height stay "
            + ("out of each other's air" if math.isinf(least_m) else f"{least_m:.0f} m apart or more beside each other")
            + f"; {HORIZONTAL_M:.0f} m is the least"
        )
    return starts_s


def own_ways_home(plan: Plan, number: int, count: int) -> Plan:
    """The plan as drone `number` (from 0) of `count` holds it: every drone comes home at a height of its own, as far
    apart as the fence and the plan's ceiling leave room for, and rally points are one drone's each, so that no two that
    are called home at once go to the same."""
    if count == 1:
        return plan
    highest_m = max(plan.way_home_m, *(waypoint.alt_home_m for item in plan.sorties for waypoint in item.waypoints))
    most_m = plan.fence.alt_max_home_m - UNDER_CEILING_M
    if plan.return_most_home_m is not None:
        most_m = min(most_m, plan.return_most_home_m)
    room_m = max(0.0, most_m - highest_m)
    return replace(
        plan,
        rally=plan.rally[number::count],
        return_height_home_m=plan.way_home_m + room_m * number / (count - 1),
    )
