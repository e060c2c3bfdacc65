"""In which order the cells of a survey are flown, and at which corner each is entered.

A tour over cells with four ways through each (from the first or the last line, from either end), the way home between.
The best ways for a given order are found exactly by dynamic programming over the corners; the order itself by insertion
and then by moving and reversing stretches of it for as long as that shortens the tour (Lin 1965; Or 1976).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from missions.planning.local import Point
from missions.planning.routing import Router
from missions.planning.survey import Cell, Transect

Floats = npt.NDArray[np.float64]
Visit = tuple[int, int]
"""A cell's number and the way through it, 0 to 3 as `flown_through` has them."""

_WAYS = 4
_LONGEST_STRETCH = 3
_EVALUATIONS, _FEW_EVALUATIONS = 40_000, 3_000
"""How much searching is done: cells looked at while judging changed orders."""
_EXACT_CELLS = 30
"""Up to so many cells distances are those of ways inside the fence; beyond, straight ones."""


def flown_through(cell: Cell, way: int) -> list[Transect]:
    """The lines of a cell in the order and direction flown: `way` 0 begins at the start of the first line, 1 at its
    end, 2 and 3 likewise at the last line."""
    lines = list(cell) if way < 2 else list(reversed(cell))
    return [line if (number + way) % 2 == 0 else line.turned() for number, line in enumerate(lines)]


def lines_of(cells: Sequence[Cell], visits: Sequence[Visit]) -> list[Transect]:
    """Every transect in the order and direction flown."""
    return [line for cell, way in visits for line in flown_through(cells[cell], way)]


def ordered(
    cells: Sequence[Cell], router: Router, home: Point, *, round_trip: bool, thorough: bool = True
) -> list[Visit]:
    """The cells in the order in which they are flown, each with the way through it.

    With `round_trip` the way from home and back to it counts, as for one sortie; without, only ways between cells, as
    where batteries end somewhere on the way. Not `thorough`: found quickly, straight distances counted.
    """
    if not cells:
        return []
    starts, ends = _corners(cells)
    between, first, last = _distances(starts, ends, router, home, exact=thorough and len(cells) <= _EXACT_CELLS)
    if not round_trip:
        last = 0.01 * last
        first = 0.1 * first
    tour = _Tour(between, first, last)
    order = tour.improved(tour.inserted(), _EVALUATIONS if thorough else _FEW_EVALUATIONS)
    _, ways = tour.cost(order)
    return list(zip(order, ways, strict=True))


def improved(
    cells: Sequence[Cell], visits: list[Visit], cost: Callable[[list[Transect]], float], looks: int
) -> list[Visit]:
    """The visits after every change of a way, of a place in the order or of a stretch's sense that lowers the `cost` of
    the lines flown, as far as so many `looks` go."""
    best, done = cost(lines_of(cells, visits)), 0
    found = True
    while found:
        found = False
        for candidate in _changes(cells, visits):
            if done >= looks:
                return visits
            done += 1
            value = cost(lines_of(cells, candidate))
            if value < best - 0.1:
                visits, best, found = candidate, value, True
    return visits


def _changes(cells: Sequence[Cell], visits: list[Visit]) -> Iterator[list[Visit]]:
    """Visits that differ by the way through one cell, by one stretch flown backwards, or by one cell's place."""
    count = len(visits)
    for place, (cell, own) in enumerate(visits):
        for way in range(_WAYS):
            if way != own:
                yield [*visits[:place], (cell, way), *visits[place + 1 :]]
    for begin in range(count - 1):
        for end in range(begin + 2, count + 1):
            backwards = [(cell, _backwards(cells[cell], way)) for cell, way in reversed(visits[begin:end])]
            yield [*visits[:begin], *backwards, *visits[end:]]
    for begin in range(count):
        rest = visits[:begin] + visits[begin + 1 :]
        for place in range(count):
            if place != begin:
                yield [*rest[:place], visits[begin], *rest[place:]]


def _backwards(cell: Cell, way: int) -> int:
    """The way through a cell that flies another in the other sense: from the other end of the cell's lines, from where
    the last of them was left."""
    return (2 if way < 2 else 0) + (len(cell) + way) % 2


def _corners(cells: Sequence[Cell]) -> tuple[Floats, Floats]:
    """(N, 4, 2) where each way through each cell begins, and where it ends."""
    starts, ends = np.zeros((len(cells), _WAYS, 2)), np.zeros((len(cells), _WAYS, 2))
    for number, cell in enumerate(cells):
        for way in range(_WAYS):
            lines = flown_through(cell, way)
            starts[number, way], ends[number, way] = lines[0].start, lines[-1].end
    return starts, ends


def _distances(
    starts: Floats, ends: Floats, router: Router, home: Point, *, exact: bool
) -> tuple[Floats, Floats, Floats]:
    """(N, 4, N, 4) from ends to starts, (N, 4) from home to starts and from ends to home."""
    count = len(starts)
    base = np.array([home])
    if not exact:
        flat_starts, flat_ends = starts.reshape(-1, 2), ends.reshape(-1, 2)
        between = np.hypot(*(flat_ends[:, None, :] - flat_starts[None, :, :]).transpose(2, 0, 1))
        first, last = np.hypot(*(starts - home).T).T, np.hypot(*(ends - home).T).T
    else:
        # The four corners of a cell are the same places whichever way it is flown.
        flat_starts, flat_ends = starts.reshape(-1, 2), ends.reshape(-1, 2)
        between = router.distances(flat_ends, flat_starts)
        first = router.distances(base, flat_starts)[0].reshape(count, _WAYS)
        last = router.distances(flat_ends, base)[:, 0].reshape(count, _WAYS)
    return between.reshape(count, _WAYS, count, _WAYS), first, last


class _Tour:
    """What orders of cells cost."""

    def __init__(self, between: Floats, first: Floats, last: Floats) -> None:
        self.between = between.transpose(0, 2, 1, 3).copy()
        """(N, N, 4, 4): from cell, to cell, way through the one, way through the other."""
        self.first, self.last = first, last
        self.count = len(first)

    def length(self, order: Sequence[int]) -> float:
        """The shortest length of a tour in this order, over all ways through the cells."""
        total = self.first[order[0]]
        for before, after in pairwise(order):
            total = (total[:, None] + self.between[before, after]).min(axis=0)
        return float((total + self.last[order[-1]]).min())

    def cost(self, order: Sequence[int]) -> tuple[float, list[int]]:
        """The shortest length in this order, and the way through each cell that gives it."""
        total, choices = self.first[order[0]], []
        for before, after in pairwise(order):
            options = total[:, None] + self.between[before, after]
            choices.append(options.argmin(axis=0))
            total = options.min(axis=0)
        total = total + self.last[order[-1]]
        ways = [int(total.argmin())]
        for choice in reversed(choices):
            ways.append(int(choice[ways[-1]]))
        return float(total.min()), ways[::-1]

    def inserted(self) -> list[int]:
        """An order to begin with: the nearest next cell, from home on."""
        left = set(range(self.count))
        order = [min(left, key=lambda cell: float(self.first[cell].min()))]
        left.discard(order[0])
        nearest = self.between.min(axis=(2, 3))
        while left:
            candidates = np.fromiter(left, dtype=np.int64)
            order.append(int(candidates[nearest[order[-1], candidates].argmin()]))
            left.discard(order[-1])
        return order

    def improved(self, order: list[int], budget: int) -> list[int]:
        """The order after every reversal and move of a short stretch that shortens it, as far as the budget goes."""
        best = self.length(order)
        found = True
        while found and budget > 0:
            found = False
            for candidate in _neighbours(order):
                budget -= self.count
                if budget < 0:
                    break
                length = self.length(candidate)
                if length < best - 1e-6:
                    order, best, found = candidate, length, True
                    break
        return order


def _neighbours(order: list[int]) -> Iterator[list[int]]:
    """Orders that differ by one stretch moved elsewhere, or by one stretch reversed."""
    count = len(order)
    for size in range(1, min(_LONGEST_STRETCH, count - 1) + 1):
        for begin in range(count - size + 1):
            stretch, rest = order[begin : begin + size], order[:begin] + order[begin + size :]
            for place in range(len(rest) + 1):
                if place != begin:
                    yield rest[:place] + stretch + rest[place:]
    for begin in range(count - 1):
        for end in range(begin + 2, count + 1):
            yield order[:begin] + order[begin:end][::-1] + order[end:]
