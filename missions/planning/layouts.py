"""Which layouts of transects are worth a fence: many are made and flown roughly, the best of them handed on.

A layout is a division of the area into parts with a direction each, and a longest line. Roughly means: in open country,
in an order found quickly. What the chosen ones really take is `solution`'s to find.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

from missions.errors import NotFlyableError
from missions.planning.decompose import Sweep, best_directions, decompose
from missions.planning.energy import in_wind, usable_battery_s, vertical_cost
from missions.planning.imaging import Imaging
from missions.planning.order import lines_of, ordered
from missions.planning.pictures import strips
from missions.planning.routing import Router
from missions.planning.solution import HOME, Layout, Site
from missions.planning.sorties import Planner
from missions.planning.survey import Cell, Spacing, survey_cells

_DIRECTIONS = 16
_APART_DEG = 3.0
_MOST_LINES = 8_000
"""In all layouts that are flown roughly: beyond, fewer of them are looked at."""
_ENOUGH = 0.998
"""The least share of the region in the pictures of a layout that is handed on."""
_KEPT, _KEPT_CUTS = 4, 2
"""Divisions handed on, and ways to cut their lines of each."""
_MANY_LINES = 1_000
"""Beyond so many lines one direction and two cuts are looked at: the differences are small, the work is not."""
_LONGEST_LINES = (math.inf, 0.5, 0.35, 0.25, 0.18, 0.125)
"""Longest lines tried, in parts of what one battery flies: short lines keep sorties compact, long ones save turns."""
_QUICK_CUT = 0.35

_Division = list[tuple[Polygon | MultiPolygon, float]]


def layouts(site: Site, region: Polygon | MultiPolygon, angle_deg: float | None) -> list[list[Layout]]:
    """Groups of layouts worth trying, best first: one group a division, cut into lines of different length."""
    imaging = site.imaging
    spacing = imaging.spacing
    reach_m = usable_battery_s(site.drone) * imaging.speed_m_s
    many = region.area / spacing.between_m > _MANY_LINES * _LONGEST_LINES[-1] * reach_m
    cuts = [
        part * reach_m
        for part in ((_LONGEST_LINES[1], _LONGEST_LINES[3], _LONGEST_LINES[5]) if many else _LONGEST_LINES)
    ]
    divisions = _divisions(site, region, angle_deg, many)
    if many:
        groups = [[_layout(division, spacing, longest) for longest in cuts] for division in divisions]
        return [[layout for layout in group if layout.cells] for group in groups]
    simple = _simple(region)
    west, south, east, north = shapely.total_bounds([region, HOME])
    free = Router(shapely.box(west - 1_000.0, south - 1_000.0, east + 1_000.0, north + 1_000.0))
    planner = Planner(site.drone, imaging, free, (0.0, 0.0), site.wind)
    found: list[tuple[float, int, float]] = []
    lines = 0
    for number, division in enumerate(divisions):
        rough = [(simple.intersection(part) if part is not region else simple, angle) for part, angle in division]
        counts: set[int] = set()
        for longest in cuts:
            cells = _layout(rough, spacing, longest).cells
            if not cells or len(cells) in counts:
                continue
            counts.add(len(cells))
            lines += sum(map(len, cells))
            found.append((_rough_s(planner, cells), number, longest))
        if lines > _MOST_LINES:
            break
    return _best_of(region, found, divisions, imaging)


def quick_layout(site: Site, region: Polygon | MultiPolygon, angle_deg: float | None) -> Layout:
    """One layout found at once: the whole region in the direction of least estimated time, its lines cut to a third of
    a battery. What it has no cells for is too small."""
    imaging = site.imaging
    if angle_deg is None:
        angle_deg = best_directions(_outline(site, region), sweep_of(site), 1)[0]
    return _layout(
        [(region, angle_deg % 180.0)], imaging.spacing, _QUICK_CUT * usable_battery_s(site.drone) * imaging.speed_m_s
    )


def _best_of(
    region: Polygon | MultiPolygon, found: list[tuple[float, int, float]], divisions: list[_Division], imaging: Imaging
) -> list[list[Layout]]:
    """The layouts of least rough time that show the region, those of one division together; where none does, the one
    that shows most."""
    fullest: list[list[Layout]] = []
    most = 0.0
    kept: dict[int, list[Layout]] = {}
    for _, number, longest in sorted(found):
        if not kept.get(number) and sum(map(bool, kept.values())) == _KEPT:
            continue
        group = kept.setdefault(number, [])
        if len(group) < _KEPT_CUTS:
            layout = _layout(divisions[number], imaging.spacing, longest)
            share = _shown(region, layout, imaging) if layout.cells else 0.0
            if share >= _ENOUGH:
                group.append(layout)
            elif share > most:
                fullest, most = [[layout]], share
    return [group for group in kept.values() if group] or fullest


def _shown(region: Polygon | MultiPolygon, layout: Layout, imaging: Imaging) -> float:
    """The share of the region in the pictures of a layout's lines."""
    lines = np.array([[line.start, line.end] for cell in layout.cells for line in cell])
    shown = shapely.union_all(strips(lines, imaging.trigger_distance_m, imaging.footprint))
    return float(region.intersection(shown).area / region.area)


def _divisions(site: Site, region: Polygon | MultiPolygon, angle_deg: float | None, many: bool) -> list[_Division]:
    """Cut at notches with a direction for each part, and the whole in one direction."""
    if angle_deg is not None:
        return [[(region, angle_deg % 180.0)]]
    sweep = sweep_of(site)
    parts = decompose(region, sweep)
    divisions: list[_Division] = []
    if len(parts) > 1:
        divisions.append([(part.region, part.angle_deg) for part in parts])
    outline = _outline(site, region)
    angles = best_directions(outline, sweep, 1) if many else best_directions(outline, sweep, _DIRECTIONS, _APART_DEG)
    return divisions + [[(region, angle)] for angle in angles]


def _outline(site: Site, region: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    """The region without what lines at this spacing do not notice."""
    simple = region.simplify(site.imaging.line_spacing_m / 2.0)
    return simple if simple.area > 0 else region


def _layout(division: _Division, spacing: Spacing, longest_m: float) -> Layout:
    cells = [cell for part, angle in division for cell in survey_cells(part, angle, spacing, longest_m)]
    return Layout(max(division, key=lambda part: part[0].area)[1], tuple(cells))


def _simple(region: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    simple = shapely.make_valid(region.simplify(1.0))
    parts = [part for part in shapely.get_parts(simple) if isinstance(part, Polygon) and part.area > 0.0]
    return MultiPolygon(parts) if parts else region


def _rough_s(planner: Planner, cells: tuple[Cell, ...]) -> float:
    """What the cells' sorties take in open country; infinite where the battery does not do."""
    try:
        visits = ordered(cells, planner.router, planner.home, round_trip=False, thorough=False)
        return planner.least_s(planner.tour(lines_of(cells, visits)))
    except NotFlyableError:
        return math.inf


def sweep_of(site: Site) -> Sweep:
    """What lines cost in every direction: their time there and back, and what their battery costs in more sorties."""
    imaging, drone = site.imaging, site.drone
    angles = np.radians(np.arange(180.0))
    ahead = np.column_stack([np.sin(angles), np.cos(angles)])
    battery_s = usable_battery_s(drone)
    # Each second of battery brings a share of the climbing and the way out of another sortie.
    reach_m = math.sqrt(site.ground.patrol.area) + site.ground.patrol.distance(HOME)
    overhead_s = vertical_cost(drone, imaging.height_home_m).time_s + reach_m / drone.cruise_speed_m_s
    rate = np.zeros(len(angles))
    for way in (ahead, -ahead):
        ground, power = in_wind(drone, way, imaging.speed_m_s, site.wind)
        rate += 0.5 * (1.0 + power * overhead_s / battery_s) / ground
    turn_s = 2.0 * imaging.speed_m_s / drone.acceleration_m_s2 + imaging.line_spacing_m / imaging.speed_m_s
    link_s = turn_s + 3.0 * imaging.line_spacing_m / imaging.speed_m_s
    return Sweep(rate, turn_s * (1.0 + overhead_s / battery_s), imaging.line_spacing_m, link_s)
