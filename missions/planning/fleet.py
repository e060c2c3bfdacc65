"""One plan for several drones: the work shared evenly in time, each drone in a stretch of its own, kept apart.

All drones take off from home, each from a pad of its own. Sorties follow each other along the tour, so that a drone
that gets a run of them stays in its part of the area; what is left to see to is that no two are near each other on the
ways out and home. That is done by when they may take off, as `missions.separation` finds it, here and before flying.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from missions.planning.sorties import Draft, Planner
from missions.separation import flown_track, start_apart_s

Floats = npt.NDArray[np.float64]

SWAP_S = 180.0
"""Between two sorties of one drone: landing checked, battery changed, armed again."""
_BISECTIONS = 7


@dataclass(frozen=True)
class Duty:
    """A sortie with the drone that flies it and when it may take off, seconds after the first of all."""

    draft: Draft
    drone: int
    start_s: float


def shared_out(split: Callable[[float], list[Draft]], planner: Planner, drones: int) -> list[Duty]:
    """Sorties for `drones` drones that are done about together.

    `split(longest_s)` cuts the tour into sorties none of which takes longer, or into none at all where it cannot. The
    shortest such time that still gives every drone the same number of sorties (or one less) is looked for.
    """
    whole = split(math.inf)
    if drones == 1:
        lasting_s = [planner.cost(draft).time_s + SWAP_S for draft in whole]
        return [Duty(draft, 1, sum(lasting_s[:number])) for number, draft in enumerate(whole)]
    best: tuple[float, list[list[Draft]]] | None = None
    rounds = max(1, math.ceil(len(whole) / drones))
    for each in (rounds, rounds + 1):
        drafts = _evened(split, planner, each * drones)
        for candidate in (drafts, whole):
            runs = _runs(candidate, planner, drones)
            time_s = max(_duration_s(run, planner) for run in runs if run)
            if best is None or time_s < best[0] - 1.0:
                best = time_s, runs
    assert best is not None
    return timed(best[1], planner)


def _evened(split: Callable[[float], list[Draft]], planner: Planner, count: int) -> list[Draft]:
    """The tour cut into at most `count` sorties of which the longest is as short as can be."""
    drafts = split(math.inf)
    if len(drafts) > count:
        return drafts
    high = max(planner.cost(draft).time_s for draft in drafts)
    low = high / count
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        found = split(middle)
        if found and len(found) <= count:
            drafts, high = found, middle
        else:
            low = middle
    return drafts


def _runs(drafts: Sequence[Draft], planner: Planner, drones: int) -> list[list[Draft]]:
    """Consecutive sorties shared out so that the longest run takes the least time (linear partition)."""
    times = [planner.cost(draft).time_s + SWAP_S for draft in drafts]
    low, high = max(times), sum(times)
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (low, middle) if len(_filled(times, middle)) <= drones else (middle, high)
    runs, place = [], 0
    for count in _filled(times, high):
        runs.append(list(drafts[place : place + count]))
        place += count
    return runs + [[] for _ in range(drones - len(runs))]


def _filled(times: Sequence[float], limit_s: float) -> list[int]:
    counts, used = [0], 0.0
    for time_s in times:
        if used + time_s > limit_s + 1e-6 and counts[-1]:
            counts.append(0)
            used = 0.0
        counts[-1] += 1
        used += time_s
    return counts


def _duration_s(run: Sequence[Draft], planner: Planner) -> float:
    return sum(planner.cost(draft).time_s for draft in run) + SWAP_S * (len(run) - 1)


def timed(runs: Sequence[Sequence[Draft]], planner: Planner) -> list[Duty]:
    """Take-off times: each drone's sorties one after the other, later where two drones would come too near each
    other."""
    duties: list[Duty] = []
    flown: list[tuple[float, Floats]] = []
    for drone, run in enumerate(runs, 1):
        ready_s = 0.0
        own: list[tuple[float, Floats]] = []
        for draft in run:
            track, cost = _track(draft, planner), planner.cost(draft)
            # Sorties of one drone cannot meet; only those of earlier drones are looked at.
            start_s = start_apart_s(track, ready_s, flown)
            own.append((start_s, track))
            duties.append(Duty(draft, drone, start_s))
            ready_s = start_s + cost.time_s + SWAP_S
        flown += own
    return sorted(duties, key=lambda duty: (duty.start_s, duty.drone))


def _track(draft: Draft, planner: Planner) -> Floats:
    """The track of a sortie, from take-off to landing."""
    points = np.array(draft.points)
    corners = np.column_stack([points, np.full(len(points), planner.imaging.height_home_m)])
    return flown_track(corners, planner.speeds(draft), planner.drone, planner.cost(draft).time_s)
