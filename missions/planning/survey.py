"""Parallel transects over a polygon: where the lines lie and in which cells they are flown to and fro.

Pure geometry in local metres. Directions are clockwise from north. Connecting the lines inside a fence is `routing`,
cutting them into sorties `sorties`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, MultiPolygon, Polygon, box

from missions.planning.local import Point

_SHORTEST_M = 1.0
_SAME_ANGLE_DEG = 4.0


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


def line_offsets(width_m: float, spacing_m: float, across_m: float) -> list[float]:
    """Where the lines lie across a strip of `width_m`, from its left border, evenly spaced.

    At most `spacing_m` apart, the outermost near enough to the border that a footprint of `across_m` reaches it, and
    not fewer than the width divided by the spacing, rounded: a 100 m square with 49 m between lines has 2.
    """
    needed = 1 + max(0, math.ceil((width_m - across_m) / spacing_m - 1e-9))
    count = max(1, needed, round(width_m / spacing_m))
    if count == 1:
        return [width_m / 2.0]
    edge = max(min(across_m / 2.0, width_m / (2.0 * count)), (width_m - (count - 1) * spacing_m) / 2.0)
    return [float(offset) for offset in np.linspace(edge, width_m - edge, count)]


def candidate_angles(region: MultiPolygon | Polygon, count: int = 12) -> list[float]:
    """Directions worth trying, 0 to 180: along the smallest rectangle round it, along its longest edges, even steps."""
    corners = np.asarray(shapely.minimum_rotated_rectangle(region).exterior.coords)
    edges = [np.diff(corners, axis=0)[:2]]
    edges += [np.diff(np.asarray(polygon.exterior.coords), axis=0) for polygon in shapely.get_parts(region)]
    vectors = np.concatenate(edges)
    lengths = np.hypot(vectors[:, 0], vectors[:, 1])
    order = [0, 1, *(int(i) for i in np.argsort(-lengths[2:], kind="stable")[:6] + 2)]
    wanted = [math.degrees(math.atan2(vectors[i, 0], vectors[i, 1])) % 180.0 for i in order]
    wanted += [180.0 * step / count for step in range(count)]
    kept: list[float] = []
    for angle in wanted:
        if all(min(abs(angle - other), 180.0 - abs(angle - other)) >= _SAME_ANGLE_DEG for other in kept):
            kept.append(angle)
    return kept


def survey_cells(
    region: MultiPolygon | Polygon,
    angle_deg: float,
    spacing_m: float,
    across_m: float,
    longest_m: float = math.inf,
) -> list[Cell]:
    """Transects in direction `angle_deg` that cover `region` and never leave it, grouped into cells.

    A cell ends where lines begin, end, split or join (boustrophedon decomposition, Choset and Pignon 1997), so that
    going to and fro inside one meets no hole or notch. Lines longer than `longest_m` are cut into bands, one of whose
    borders runs through the origin, which is home.
    """
    # In the turned frame the lines run along y and the sweep along x.
    turned = affinity.rotate(region, angle_deg, origin=(0.0, 0.0))
    cells: list[Cell] = []
    for part in shapely.get_parts(turned):
        west, _, east, _ = part.bounds
        xs = [west + offset for offset in line_offsets(east - west, spacing_m, across_m)]
        for band in _bands(part, longest_m):
            cells += [tuple(_turn_back(line, angle_deg) for line in cell) for cell in _cells_of(_columns(band, xs))]
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


def _columns(region: Polygon | MultiPolygon, xs: Sequence[float]) -> list[list[tuple[float, float, float]]]:
    """For every x, the pieces (x, low y, high y) of its line inside the region, from south to north."""
    _, south, _, north = region.bounds
    lines = [LineString([(x, south - 1.0), (x, north + 1.0)]) for x in xs]
    columns = []
    # A line that runs along an edge of the region comes in pieces that meet: they are one.
    for x, inside in zip(xs, shapely.line_merge(shapely.intersection(lines, region)), strict=True):
        pieces = []
        for piece in shapely.get_parts(inside):
            if piece.length >= _SHORTEST_M:
                _, low, _, high = piece.bounds
                pieces.append((x, low, high))
        columns.append(sorted(pieces))
    return columns


def _cells_of(columns: Iterable[list[tuple[float, float, float]]]) -> list[list[tuple[float, float, float]]]:
    """Pieces grouped into cells: a piece continues the cell of the one piece before it that it alone overlaps."""
    finished: list[list[tuple[float, float, float]]] = []
    open_cells: list[list[tuple[float, float, float]]] = []
    for column in columns:
        overlaps = [
            [index for index, piece in enumerate(column) if piece[1] < cell[-1][2] and cell[-1][1] < piece[2]]
            for cell in open_cells
        ]
        continued: list[list[tuple[float, float, float]]] = []
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


def _turn_back(piece: tuple[float, float, float], angle_deg: float) -> Transect:
    x, low, high = piece
    angle = math.radians(angle_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    # The inverse of affinity.rotate by angle_deg counter-clockwise.
    start, end = ((x * cos + y * sin, -x * sin + y * cos) for y in (low, high))
    return Transect(start, end)
