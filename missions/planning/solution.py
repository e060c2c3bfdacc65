"""Of several layouts of transects, the one whose sorties take least time, with its fence and its ways home.

A layout is cells of transects; where they come from is `survey`'s and `corridor`'s. This closes the circle: the fence
depends on what is flown, what may be flown on the fence, the order on both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely.geometry import MultiLineString, MultiPolygon, Point, Polygon

from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.planning.energy import Wind
from missions.planning.fence import Enclosure, Ground, enclose
from missions.planning.imaging import Imaging
from missions.planning.order import improved, lines_of, ordered
from missions.planning.refuges import added_refuges
from missions.planning.routing import Router
from missions.planning.sorties import Draft, Planner, Tour
from missions.planning.survey import Cell, Transect

HOME = Point(0.0, 0.0)
_SHORTEST_M = 1.0
_SLACK_M = 0.02
_LOST = 0.0005
"""Lines may lose so much of their length to a fence that an autopilot can hold."""
_WIDENINGS = range(7)
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


def best_solution(site: Site, groups: Sequence[Sequence[Layout]]) -> Solution:
    """The solution of least time among those that lose least to their fence. Layouts of one group cut the same lines
    differently and share a fence.

    Raises NotFlyableError where none can be flown, with the reason of the last.
    """
    best: Solution | None = None
    best_rank = (math.inf, math.inf)
    refusal = NotFlyableError("the patrol area is too small for a single transect; draw it larger")
    for group in groups:
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
    better = _flown(site, best.layout, best.enclosure, thorough=True)
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
        raise NotFlyableError(_NO_WAY_HOME)
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
    """The solution with rally points, or else a wider fence, such that every straight way home stays inside."""
    for widening in _WIDENINGS:
        if widening:
            try:
                enclosure = _enclosed(site, solution.layout, widening)
                solution = _flown(site, solution.layout, enclosure)
            except NotFlyableError:
                continue
        added = _added(site, solution)
        if added is not None:
            return (
                _in_better_order(site, replace(solution, added=added)) if widening else replace(solution, added=added)
            )
    raise NotFlyableError(_NO_WAY_HOME)


def _in_better_order(site: Site, found: Solution) -> Solution:
    """The solution in the order that a thorough search finds, where its ways home can be kept inside as well."""
    better = _flown(site, found.layout, found.enclosure, thorough=True)
    added = _added(site, better) if better.time_s < found.time_s else None
    return found if added is None else replace(better, added=added)


def _added(site: Site, solution: Solution) -> tuple[Point, ...] | None:
    legs = np.array(
        [[a, b] for draft in solution.drafts for a, b in zip(draft.points[:-1], draft.points[1:], strict=True)]
    )
    refuges = np.array([(0.0, 0.0), *((point.x, point.y) for point in solution.enclosure.rally)])
    region = solution.enclosure.flyable.buffer(_SLACK_M, join_style="mitre")
    ground = site.ground.patrol.intersection(solution.enclosure.flyable.buffer(-5.0))
    shapely.prepare(ground)
    points = added_refuges(legs, refuges, region, ground)
    return None if points is None else tuple(Point(x, y) for x, y in points)


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
