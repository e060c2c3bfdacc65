"""Flying a plan over and over: how long a point stays unseen, and how many drones it takes to make that short enough.

One round is all sorties of the plan, each flown once. Drones that share a round evenly, each beginning its sorties anew
when the round is over, see every point once a round: a point then stays unseen for as long as a round takes. Where one
battery holds several rounds, they are flown as a loop without landing in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from missions.errors import NotFlyableError
from missions.planning.fleet import SWAP_S, Duty
from missions.planning.sorties import Draft, Planner

MOST_DRONES = 20
"""As many as `picket plan` takes."""


def repeated(
    duties: Sequence[Duty], planner: Planner, revisit_s: float, shared: Callable[[int], Sequence[Duty]]
) -> tuple[list[Duty], float]:
    """The duties of one round, looped where a battery holds more than one, and how long a point stays unseen.

    Raises NotFlyableError, saying how many drones it takes, where that is longer than `revisit_s`; `shared` are the
    duties of so many drones.
    """
    round_s = _round_s(duties, planner)
    if round_s > revisit_s:
        flown = max(duty.drone for duty in duties)
        raise NotFlyableError(
            f"a round with {flown} drone{'s' if flown > 1 else ''} takes {round_s / 60:.0f} min, changes of battery "
            f"counted, so points stay unseen for longer than {revisit_s / 60:.0f} min; "
            + _mend(duties, planner, revisit_s, shared)
        )
    if len(duties) == 1:
        looped = _looped(duties[0].draft, planner)
        return [replace(duties[0], draft=looped)], round_s
    return list(duties), round_s


def _round_s(duties: Sequence[Duty], planner: Planner) -> float:
    """From a drone's first take-off until it is ready for the next round, waits to keep apart counted; the longest."""
    begun = {duty.drone: duty.start_s for duty in reversed(duties)}
    return max(duty.start_s + planner.cost(duty.draft).time_s + SWAP_S - begun[duty.drone] for duty in duties)


def _mend(duties: Sequence[Duty], planner: Planner, revisit_s: float, shared: Callable[[int], Sequence[Duty]]) -> str:
    """What the person who asked can do: the least number of drones that do it, where there is one."""
    whole_s = sum(planner.cost(duty.draft).time_s + SWAP_S for duty in duties)
    fewest = max(max(duty.drone for duty in duties) + 1, math.ceil(whole_s / revisit_s))
    for count in range(fewest, MOST_DRONES + 1):
        if _round_s(shared(count), planner) <= revisit_s:
            return f"it takes {count} drones: give --drones {count}"
    return f"{MOST_DRONES} drones do not do it either: ask for more time, or for a smaller area"


def revisit_note(duties: Sequence[Duty], seen_again_s: float) -> str:
    """A sentence for the person who asked."""
    drones = max(duty.drone for duty in duties)
    who = "each drone begins its" if drones > 1 else "begin the"
    return (
        f"Flown over and over, no point stays unseen for longer than {seen_again_s / 60:.0f} min: {who} sorties again "
        f"when the round is over; {SWAP_S / 60:.0f} min are counted for each change of battery."
    )


def _looped(draft: Draft, planner: Planner) -> Draft:
    """The sortie with as many rounds of its transects as the battery holds."""
    first, last = min(draft.imaging), max(draft.imaging) + 1
    best = draft
    while True:
        # Back from the end of the last transect to the beginning of the first, and the round once more.
        end = len(best.points) - (len(draft.points) - last)
        way = planner.router.way(best.points[end], draft.points[first])
        if way is None:
            return best
        points = (*best.points[: end + 1], *way[1:], *draft.points[first + 1 :])
        begin = end + len(way) - 1
        imaging = best.imaging | {leg - first + begin for leg in draft.imaging}
        looped = Draft(points, frozenset(imaging))
        if planner.cost(looped).battery_s > planner.battery_s:
            return best
        best = looped
