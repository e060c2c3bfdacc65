"""One plan for several drones: the work shared evenly in time, each drone in a stretch of its own, kept apart.

All drones take off from home, each from a pad of its own. Sorties follow each other along the tour, so that a drone
that gets a run of them stays in its part of the area; what is left to see to is that no two are near each other on the
ways out and home. That is done by when they may take off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from missions.errors import NotFlyableError
from missions.planning.sorties import Draft, Planner

Floats = npt.NDArray[np.float64]

SWAP_S = 180.0
"""Between two sorties of one drone: landing checked, battery changed, armed again."""
APART_M = 30.0
_STEP_S = 2.0
_DELAY_S = 20.0
_MOST_DELAYS = 120
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
    """Take-off times: each drone's sorties one after the other, later where two would come closer than APART_M.

    Raises NotFlyableError where no reasonable delay keeps them apart.
    """
    duties: list[Duty] = []
    flown: list[tuple[float, Floats]] = []
    for drone, run in enumerate(runs, 1):
        ready_s = 0.0
        for draft in run:
            track = _track(draft, planner)
            start_s = ready_s
            for _ in range(_MOST_DELAYS):
                if not any(_meet(start_s, track, other_s, other) for other_s, other in flown):
                    break
                start_s += _DELAY_S
            else:
                raise NotFlyableError(
                    f"{len(runs)} drones cannot be kept {APART_M:.0f} m apart on their ways from one home; take fewer"
                )
            duties.append(Duty(draft, drone, start_s))
            # Sorties of one drone cannot meet; only those of earlier drones are looked at.
            ready_s = start_s + planner.cost(draft).time_s + SWAP_S
        flown += [(duty.start_s, _track(duty.draft, planner)) for duty in duties if duty.drone == drone]
    return sorted(duties, key=lambda duty: (duty.start_s, duty.drone))


def _track(draft: Draft, planner: Planner) -> Floats:
    """(N, 3) east, north and height above home of a sortie every `_STEP_S`, take-off to landing."""
    drone, height_m = planner.drone, planner.imaging.height_home_m
    points = np.array(draft.points)
    lengths = np.hypot(*np.diff(points, axis=0).T)
    legs_s = lengths / np.array(planner.speeds(draft))
    # Slowing in corners is spread over the legs.
    cruise_s = planner.cost(draft).time_s - planner.vertical.time_s
    legs_s *= cruise_s / max(legs_s.sum(), 1e-9)
    climb_s = height_m / drone.climb_rate_m_s
    times = np.concatenate([[0.0, climb_s], climb_s + np.cumsum(legs_s), [planner.cost(draft).time_s]])
    places = np.vstack([points[:1], points, points[-1:]])
    heights = np.concatenate([[0.0], np.full(len(points), height_m), [0.0]])
    when = np.arange(0.0, times[-1] + _STEP_S, _STEP_S)
    return np.column_stack([np.interp(when, times, column) for column in (places[:, 0], places[:, 1], heights)])


def _meet(start_s: float, track: Floats, other_s: float, other: Floats) -> bool:
    """Whether two drones come closer than APART_M while both are in the air."""
    shift = round((start_s - other_s) / _STEP_S)
    first, second = (track, other[shift:]) if shift >= 0 else (track[-shift:], other)
    count = min(len(first), len(second))
    if count == 0:
        return False
    first, second = first[:count], second[:count]
    airborne = (first[:, 2] > 1.0) & (second[:, 2] > 1.0)
    near = np.sqrt(((first - second) ** 2).sum(axis=1)) < APART_M
    return bool((airborne & near).any())
