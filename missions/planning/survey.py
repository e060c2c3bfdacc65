"""Parallel transects over a polygon: where the lines lie, how far each reaches, and in which cells they are flown.

Pure geometry in local metres. Directions are clockwise from north. Which part of an area gets which direction is
`decompose`'s, the order of the cells `order`'s, connecting them inside a fence `routing`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon, box

from missions.planning.local import Point

END_SLACK_M = 1.0
"""How far before the end of a transect the autopilot may count it as flown."""
_ROUNDING_M = 0.1
"""Positions are rounded to 1e-7 degrees: a line must not lose its last photo to that."""
_ROUNDING_LINES = 0.05
"""A width is not worth another line for less than this share of a spacing."""


@dataclass(frozen=True)
class Transect:
    """A straight line along which photos are taken, in local metres; it may be flown either way."""

    start: Point
    end: Point

    @property
    def length_m(self) -> float:
        """Its length."""
        return math.dist(self.start, self.end)

    def turned(self) -> Transect:
        """The same line flown the other way."""
        return Transect(self.end, self.start)


Cell = tuple[Transect, ...]
"""Neighbouring transects side by side, in the order of the sweep, all in the same direction."""

_Piece = tuple[float, float, float]
"""A stretch of a line in the turned frame: x, low y, high y."""


def photo_count(length_m: float, trigger_distance_m: float) -> int:
    """Photos along a transect: one at its start, then one after every trigger distance. One that would be due just
    where the line ends is not counted: the autopilot stops the camera a little before."""
    return 1 + math.floor(max(0.0, length_m - END_SLACK_M) / trigger_distance_m + 1e-6)


def line_offsets(width_m: float, spacing_m: float) -> list[float]:
    """Where the lines lie across a strip of `width_m`, from its left border: evenly, at most `spacing_m` apart, the
    outermost half a spacing from the border (a 20th of a spacing more is let pass: 100 m with 49 m between lines have
    2, as QGroundControl has it)."""
    count = max(1, math.ceil(width_m / spacing_m - _ROUNDING_LINES))
    between = min(spacing_m, width_m / count)
    return [(width_m - (count - 1) * between) / 2.0 + number * between for number in range(count)]


def survey_cells(
    region: MultiPolygon | Polygon,
    angle_deg: float,
    spacing_m: float,
    trigger_distance_m: float,
    longest_m: float = math.inf,
) -> list[Cell]:
    """Transects in direction `angle_deg` that photograph all of `region`, grouped into cells.

    Each line answers for the strip of ground nearer to it than to its neighbours, and reaches just as far as that
    strip holds ground of the region: every point of the region lies within half a line spacing and half a trigger
    distance of a photo, so that pictures overlap as asked right up to its edge. Where the region ends aslant a line
    may therefore run up to half a spacing beside it. A cell ends where lines begin, end, split or join (boustrophedon
    decomposition, Choset and Pignon 1997), so that going to and fro inside one meets no hole or notch. Lines longer
    than `longest_m` are cut into bands, one of whose borders runs through the origin, which is home.
    """
    # In the turned frame the lines run along y and the sweep along x.
    turned = affinity.rotate(region, angle_deg, origin=(0.0, 0.0))
    cells: list[Cell] = []
    for part in shapely.get_parts(turned):
        if not isinstance(part, Polygon) or part.is_empty:
            continue
        west, _, east, _ = part.bounds
        xs = [west + offset for offset in line_offsets(east - west, spacing_m)]
        for band in _bands(part, longest_m):
            columns = _columns(band, xs, trigger_distance_m)
            cells += [tuple(_turn_back(line, angle_deg) for line in cell) for cell in _cells_of(columns)]
    return cells


def _bands(part: Polygon, longest_m: float) -> list[Polygon | MultiPolygon]:
    """The polygon cut across its lines into bands of at most `longest_m`, with a cut through the origin."""
    west, south, east, north = part.bounds
    if north - south <= longest_m:
        return [part]
    cuts = [south, north]
    if south < 0.0 < north:
        cuts = [south, 0.0, north]
    edges: list[float] = []
    for low, high in pairwise(cuts):
        edges += list(np.linspace(low, high, max(1, math.ceil((high - low) / longest_m)) + 1)[:-1])
    edges.append(north)
    return [part.intersection(box(west, low, east, high)) for low, high in pairwise(edges)]


def _columns(region: Polygon | MultiPolygon, xs: Sequence[float], trigger_m: float) -> list[list[_Piece]]:
    """For every line, the pieces to be flown so that its strip of the region is photographed, from south to north."""
    west, south, east, north = region.bounds
    edges = [min(west, xs[0]) - 1.0, *((a + b) / 2.0 for a, b in pairwise(xs)), max(east, xs[-1]) + 1.0]
    columns: list[list[_Piece]] = []
    for x, (low_x, high_x) in zip(xs, pairwise(edges), strict=True):
        strip = shapely.clip_by_rect(region, low_x, south - 1.0, high_x, north + 1.0)
        bounds = shapely.bounds(shapely.get_parts(strip))
        spans = sorted((float(low), float(high)) for _, low, _, high in bounds if np.isfinite(low))
        columns.append([_photographed(x, low, high, trigger_m) for low, high in _merged(spans, 2.0 * trigger_m)])
    return columns


def _merged(spans: Iterable[tuple[float, float]], gap_m: float) -> list[tuple[float, float]]:
    """Sorted spans, those closer than `gap_m` made one: the line goes on anyway."""
    merged: list[tuple[float, float]] = []
    for low, high in spans:
        if merged and low - merged[-1][1] < gap_m:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _photographed(x: float, low: float, high: float, trigger_m: float) -> _Piece:
    """The line whose photos stand for the ground from `low` to `high`: whole trigger distances and the end's slack."""
    photos = max(1, math.ceil((high - low) / trigger_m - 1e-9))
    half = ((photos - 1) * trigger_m + END_SLACK_M + _ROUNDING_M) / 2.0
    middle = (low + high) / 2.0
    return x, middle - half, middle + half


def _cells_of(columns: Iterable[list[_Piece]]) -> list[list[_Piece]]:
    """Pieces grouped into cells: a piece continues the cell of the one piece before it that it alone overlaps."""
    finished: list[list[_Piece]] = []
    open_cells: list[list[_Piece]] = []
    for column in columns:
        overlaps = [
            [index for index, piece in enumerate(column) if piece[1] < cell[-1][2] and cell[-1][1] < piece[2]]
            for cell in open_cells
        ]
        continued: list[list[_Piece]] = []
        taken: set[int] = set()
        for cell, matches in zip(open_cells, overlaps, strict=True):
            shared = len(matches) == 1 and sum(matches[0] in others for others in overlaps) == 1
            if shared:
                taken.add(matches[0])
                cell.append(column[matches[0]])
                continued.append(cell)
            else:
                finished.append(cell)
        continued += [[piece] for index, piece in enumerate(column) if index not in taken]
        open_cells = continued
    return finished + open_cells


def _turn_back(piece: _Piece, angle_deg: float) -> Transect:
    x, low, high = piece
    angle = math.radians(angle_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    # The inverse of affinity.rotate by angle_deg counter-clockwise.
    start, end = ((x * cos + y * sin, -x * sin + y * cos) for y in (low, high))
    return Transect(start, end)
