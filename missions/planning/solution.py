"""Of several layouts of transects, the one whose sorties take least time, with its fence and its ways home.

A layout is cells of transects; where they come from is `survey`'s and `corridor`'s. This closes the circle: the fence
depends on what is flown, what may be flown on the fence, the order on both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiLineString, MultiPolygon, Point, Polygon

from missions.drones import Drone
from missions.errors import NoFenceError, NotFlyableError
from missions.planning.energy import Wind
from missions.planning.fence import Enclosure, Ground, enclose
from missions.planning.imaging import Imaging
from missions.planning.order import improved, lines_of, ordered
from missions.planning.refuges import added_refuges, unsafe_returns
from missions.planning.routing import Router
from missions.planning.sorties import Draft, Planner, Tour
from missions.planning.survey import Cell, Transect

Floats = npt.NDArray[np.float64]
Progress = Callable[[int, int, str], None]
"""Called with the steps done, of how many, and what comes next in words."""

HOME = Point(0.0, 0.0)
_SHORTEST_M = 1.0
_SLACK_M = 0.02
_LOST = 0.0005
"""Lines may lose so much of their length to a fence that an autopilot can hold."""
_WIDENINGS = range(7)
_WIDENINGS_AMONG_ZONES = 1
_TIMES_ROUND, _ROUND_M, _MOST_LEFT_OUT = 6, 12.0, 0.1
"""How often, and by how much, flying round places without a way home is tried, and what of the lines that may cost."""
_MOST_LOOKS, _PIECES_LOOKED_AT = 120, 30_000
"""Orders that are cut into sorties while a better one is looked for, and pieces of lines in all of them."""


_NOTHING_LEFT = "the no-fly zones and the border leave nothing of the patrol area that can be reached from home"
_NO_WAY_HOME = (
    "the straight ways home, as RTL flies them, cannot be kept inside a fence; add rally points, move home, or draw "
    "the area and its no-fly zones simpler"
)


@dataclass(frozen=True)
class Site:
    """What every layout of one plan shares; geometry in metres round home."""

    drone: Drone
    imaging: Imaging
    wind: Wind
    ground: Ground
    rally: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """Cells of transects and the direction of most of them; `in_order`: they are flown as they come."""

    angle_deg: float
    cells: tuple[Cell, ...]
    in_order: bool = False


@dataclass(frozen=True)
class Solution:
    """A layout flown: its sorties, its fence, and rally points that were added for the straight way home."""

    layout: Layout
    transects: tuple[Transect, ...]
    drafts: tuple[Draft, ...]
    tour: Tour
    planner: Planner
    enclosure: Enclosure
    added: tuple[Point, ...]
    time_s: float


def unheard(done: int, total: int, detail: str) -> None:
    """Progress that nobody asks about."""


def check_fence(site: Site) -> None:
    """Raise NoFenceError where not even the area without lines has a fence: found out before lines are laid."""
    enclose(site.ground, MultiLineString(), HOME, site.rally)


def best_solution(site: Site, groups: Sequence[Sequence[Layout]], progress: Progress = unheard) -> Solution:
    """The solution of least time among those that lose least to their fence. Layouts of one group cut the same lines
    differently and share a fence. `progress` hears how far it is.

    Raises NotFlyableError where none can be flown, with the reason of the last.
    """
    best: Solution | None = None
    best_rank = (math.inf, math.inf)
    refusal = NotFlyableError("the patrol area is too small for a single transect; draw it larger")
    steps = 3 + sum(map(len, groups))
    for number, group in enumerate(groups):
        done = 1 + sum(map(len, groups[:number]))
        progress(done, steps, "flying each layout of lines on paper")
        try:
            enclosure = _enclosed(site, group[0], 0)
        except NotFlyableError as error:
            refusal = error
            continue
        seen: set[int] = set()
        for layout in group:
            if len(layout.cells) in seen:
                continue
            seen.add(len(layout.cells))
            try:
                solution = _flown(site, layout, _fitting(site, layout, enclosure))
            except NotFlyableError as error:
                refusal = error
                continue
            lost = 1.0 - _length_m([solution.transects]) / _length_m(_clipped(layout.cells, None, site.ground))
            rank = (0.0 if lost <= _LOST else lost, solution.time_s)
            if best is None or rank < best_rank:
                best, best_rank = solution, rank
    if best is None:
        raise refusal
    progress(steps - 2, steps, "finding the best order")
    better = _flown(site, best.layout, best.enclosure, thorough=True)
    progress(steps - 1, steps, "looking at every way home")
    best = min(best, better, key=lambda solution: solution.time_s)
    return _with_safe_returns(site, best)


def _enclosed(site: Site, layout: Layout, widening: int) -> Enclosure:
    # A camera that looks ahead is flown behind what it shows, whichever way a line is flown.
    reach_m = site.imaging.ahead_m
    cells = (
        [tuple(line.moved(-reach_m, reach_m) for line in cell) for cell in layout.cells] if reach_m else layout.cells
    )
    lines = MultiLineString([[line.start, line.end] for cell in _clipped(cells, None, site.ground) for line in cell])
    enclosure = enclose(site.ground, lines, HOME, site.rally, widening)
    if enclosure is None:
        raise NoFenceError(_NO_WAY_HOME)
    return enclosure


def _fitting(site: Site, layout: Layout, shared: Enclosure) -> Enclosure:
    """The first fence that holds all lines of a layout: the one shared with others, its own, or a wider one; where none
    does, the one that holds most."""
    wanted_m = (1.0 - _LOST) * _length_m(_clipped(layout.cells, None, site.ground))
    best, most_m = shared, _length_m(_clipped(layout.cells, shared.flyable, site.ground))
    for widening in _WIDENINGS:
        if most_m >= wanted_m:
            break
        try:
            own = _enclosed(site, layout, widening)
        except NotFlyableError:
            break
        held_m = _length_m(_clipped(layout.cells, own.flyable, site.ground))
        if held_m > most_m:
            best, most_m = own, held_m
    return best


def _length_m(cells: Sequence[Cell]) -> float:
    return sum(line.length_m for cell in cells for line in cell)


def _flown(site: Site, layout: Layout, enclosure: Enclosure, *, thorough: bool = False) -> Solution:
    """The sorties of a layout inside a fence; `thorough`: in the best order that is found in reasonable time."""
    cells = _clipped(layout.cells, enclosure.flyable, site.ground)
    if not cells:
        raise NotFlyableError(_NOTHING_LEFT)
    router = Router(enclosure.flyable)
    planner = Planner(site.drone, site.imaging, router, (0.0, 0.0), site.wind)
    transects = [line for cell in cells for line in cell] if layout.in_order else _best_order(cells, planner, thorough)
    if site.imaging.ahead_m:
        behind = [(line.moved(-site.imaging.ahead_m, -site.imaging.ahead_m),) for line in transects]
        transects = [line for cell in _clipped(behind, enclosure.flyable, site.ground) for line in cell]
    if not transects:
        raise NotFlyableError(_NOTHING_LEFT)
    tour = planner.tour(transects)
    drafts = planner.sorties(tour)
    time_s = sum(planner.cost(draft).time_s for draft in drafts)
    return Solution(layout, tuple(transects), tuple(drafts), tour, planner, enclosure, (), time_s)


def _best_order(cells: Sequence[Cell], planner: Planner, thorough: bool) -> list[Transect]:
    """The lines in the order in which their sorties take least time: the better of two shortest tours, improved."""
    pieces = sum(line.length_m for cell in cells for line in cell) / planner.piece_m + sum(map(len, cells))
    looks = min(_MOST_LOOKS, int(_PIECES_LOOKED_AT / pieces)) if thorough else 0

    def cost(transects: list[Transect]) -> float:
        return planner.least_s(planner.tour(transects))

    short = sum(line.length_m for cell in cells for line in cell) / planner.imaging.speed_m_s < planner.battery_s
    if not looks:
        return lines_of(cells, ordered(cells, planner.router, planner.home, round_trip=short))
    tours = [ordered(cells, planner.router, planner.home, round_trip=both) for both in (False, True)]
    return lines_of(cells, improved(cells, min(tours, key=lambda visits: cost(lines_of(cells, visits))), cost, looks))


def _with_safe_returns(site: Site, solution: Solution) -> Solution:
    """The solution with rally points, or else a wider fence, such that every straight way home stays inside. Among
    no-fly zones, which no wider fence takes away, rather without the few stretches from which it does not."""
    for widening in _WIDENINGS:
        if widening:
            try:
                enclosure = _enclosed(site, solution.layout, widening)
                solution = _flown(site, solution.layout, enclosure)
            except NotFlyableError:
                continue
        found, unsafe = _with_refuges(site, solution)
        if not len(unsafe):
            return _in_better_order(site, found) if widening else found
        if found.enclosure.exclusions:
            without = _without(site, found, unsafe)
            if without is not None:
                return without
            if widening == _WIDENINGS_AMONG_ZONES:
                break
    raise NoFenceError(_NO_WAY_HOME)


def _in_better_order(site: Site, found: Solution) -> Solution:
    """The solution in the order that a thorough search finds, where its ways home can be kept inside as well."""
    better = _flown(site, found.layout, found.enclosure, thorough=True)
    if better.time_s >= found.time_s:
        return found
    better, unsafe = _with_refuges(site, better)
    return found if len(unsafe) else better


def _with_refuges(site: Site, solution: Solution) -> tuple[Solution, Floats]:
    """The solution with rally points added, and (N, 2, 2) the stretches from which no straight way home stays inside
    even so."""
    region = solution.enclosure.flyable.buffer(_SLACK_M, join_style="mitre")
    ground = site.ground.patrol.intersection(solution.enclosure.flyable.buffer(-5.0))
    shapely.prepare(ground)
    points, unsafe = added_refuges(_legs(solution), _refuges(solution), region, ground)
    return replace(solution, added=tuple(Point(x, y) for x, y in points)), unsafe


def _without(site: Site, found: Solution, unsafe: Floats) -> Solution | None:
    """The solution flown round the places from which no straight way home stays inside; None where these are many, or
    others come in their stead."""
    flyable, whole_m = found.enclosure.flyable, _length_m([found.transects])
    region, open_ground, solution = flyable.buffer(_SLACK_M, join_style="mitre"), flyable, found
    for _ in range(_TIMES_ROUND):
        # With few corners: every way bends round them.
        round_m = shapely.union_all(shapely.linestrings(unsafe)).buffer(_ROUND_M, quad_segs=1).simplify(_ROUND_M / 6.0)
        open_ground = open_ground.difference(round_m)
        own = [part for part in shapely.get_parts(open_ground) if part.distance(HOME) == 0.0]
        if not own:
            return None
        try:
            solution = _flown(site, found.layout, replace(found.enclosure, flyable=own[0]))
        except NotFlyableError:
            return None
        if _length_m([solution.transects]) < (1.0 - _MOST_LEFT_OUT) * whole_m:
            return None
        solution = replace(solution, added=found.added)
        unsafe = unsafe_returns(_legs(solution), _refuges(solution), region)
        if not len(unsafe):
            left_out = 1.0 - _length_m([solution.transects]) / whole_m
            note = (
                f"{100.0 * left_out:.1f} % of the lines lie between no-fly zones where no straight way home, as RTL "
                "flies it, stays inside the fence: they are left out."
            )
            notes = (*found.enclosure.notes, *([note] if left_out > _LOST else []))
            return replace(solution, enclosure=replace(solution.enclosure, notes=notes))
    return None


def _legs(solution: Solution) -> Floats:
    """(N, 2, 2) every leg of every sortie."""
    return np.array([leg for draft in solution.drafts for leg in pairwise(draft.points)])


def _refuges(solution: Solution) -> Floats:
    """(N, 2) home and the rally points, those added too."""
    places = (*solution.enclosure.rally, *solution.added)
    return np.array([(0.0, 0.0), *((point.x, point.y) for point in places)])


def _clipped(cells: Sequence[Cell], flyable: Polygon | MultiPolygon | None, ground: Ground) -> list[Cell]:
    """The parts of all transects outside what is kept out of, or inside the flyable region."""
    if flyable is None and ground.keep_out.is_empty:
        return list(cells)
    lines = shapely.linestrings([[line.start, line.end] for cell in cells for line in cell])
    owner = [number for number, cell in enumerate(cells) for _ in cell]
    if flyable is None:
        shapely.prepare(ground.keep_out)
        whole = ~shapely.intersects(ground.keep_out, lines)
    else:
        test = flyable.buffer(_SLACK_M, join_style="mitre")
        shapely.prepare(test)
        whole = shapely.covers(test, lines)
    clipped: list[list[Transect]] = [[] for _ in cells]
    for number, line, kept in zip(owner, lines, whole, strict=True):
        inside = (
            line if kept else line.intersection(flyable) if flyable is not None else line.difference(ground.keep_out)
        )
        for piece in shapely.get_parts(inside):
            if piece.geom_type == "LineString" and (kept or piece.length >= _SHORTEST_M):
                (x1, y1), (x2, y2) = piece.coords[0], piece.coords[-1]
                clipped[number].append(Transect((x1, y1), (x2, y2)))
    return [tuple(cell) for cell in clipped if cell]
