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

END_SLACK_M = 3.1
"""How much of a transect the autopilot may not photograph: on a real SITL the first photo comes up to 1.6 m behind its
start, and the camera stops up to 1.4 m before its end."""
_LOOKS_LATE_M = 0.1
"""How much further apart photos are than asked: the autopilot looks every 20 ms, so half of what is flown in that."""
_ROUNDING_M = 0.1
"""Positions are rounded to 1e-7 degrees: a line must not lose its last photo to that."""


_ASIDE_M = 0.3
"""What of a picture's width is given up at either side."""


@dataclass(frozen=True)
class Transect:
    """A straight line along which photos are taken, in local metres; it may be flown either way."""

    start: Point
    end: Point

    @property
    def length_m(self) -> float:
        """Its length."""
        return math.dist(self.start, self.end)

    def moved(self, begin_m: float, end_m: float) -> Transect:
        """The line with its start and its end so much further ahead along it (negative: back)."""
        (x1, y1), (x2, y2) = self.start, self.end
        length = self.length_m
        ahead = ((x2 - x1) / length, (y2 - y1) / length) if length else (0.0, 0.0)
        return Transect(
            (x1 + begin_m * ahead[0], y1 + begin_m * ahead[1]), (x2 + end_m * ahead[0], y2 + end_m * ahead[1])
        )

    def turned(self) -> Transect:
        """The same line flown the other way."""
        return Transect(self.end, self.start)


Cell = tuple[Transect, ...]
"""Neighbouring transects side by side, in the order of the sweep, all in the same direction."""

_Piece = tuple[float, float, float]
"""A stretch of a line in the turned frame: x, low y, high y."""

_Span = tuple[float, float]


def photo_count(length_m: float, trigger_distance_m: float) -> int:
    """Photos along a transect: one at its start, then one after every trigger distance. One that would be due just
    where the line ends is not counted: the autopilot stops the camera a little before."""
    return 1 + math.floor(max(0.0, length_m - END_SLACK_M) / (trigger_distance_m + _LOOKS_LATE_M) + 1e-6)


@dataclass(frozen=True)
class Spacing:
    """How lines are laid: at most `between_m` apart, photos `trigger_m` apart, each picture `across_m` wide and
    `along_m` long. What lies within `margin_m` of a picture's end or within `aside_m` of its side is not relied on."""

    between_m: float
    trigger_m: float
    across_m: float
    along_m: float

    @property
    def margin_m(self) -> float:
        """Half of what a line is longer than its photos need (they begin at whichever end is flown first), and a
        little: a photo is not taken just where it is due."""
        return min((END_SLACK_M + _ROUNDING_M) / 2.0 + 0.2, 0.2 * self.along_m, 0.1 * self.across_m)

    @property
    def aside_m(self) -> float:
        """What of a picture's width is not relied upon on either side: a line is flown where it is drawn, so only
        what is rounded."""
        return min(_ASIDE_M, 0.1 * self.across_m)


def line_offsets(width_m: float, spacing: Spacing) -> list[float]:
    """Where the lines lie across a strip of `width_m`, from its left border: evenly, no more than the spacing apart,
    the outermost near enough to the border that its pictures reach it, and not fewer than the width divided by the
    spacing, rounded (100 m with 49 m between lines have 2, as QGroundControl has it)."""
    reach_m = spacing.across_m - 2.0 * spacing.aside_m
    needed = 1 + max(0, math.ceil((width_m - reach_m) / spacing.between_m - 1e-9))
    count = max(1, needed, round(width_m / spacing.between_m))
    between_m = min(spacing.between_m, width_m / count)
    return [(width_m - (count - 1) * between_m) / 2.0 + number * between_m for number in range(count)]


def survey_cells(
    region: MultiPolygon | Polygon, angle_deg: float, spacing: Spacing, longest_m: float = math.inf
) -> list[Cell]:
    """Transects in direction `angle_deg` that photograph all of `region`, grouped into cells.

    Each line reaches just as far as the region has ground that only its own pictures show; ground that two lines'
    pictures show has to be reached by one of them. Where the region ends aslant a line may therefore run a little
    beside it, and where it ends square, stop before its edge. A cell ends where lines begin, end, split or join
    (boustrophedon decomposition, Choset and Pignon 1997), so that going to and fro inside one meets no hole or notch.
    Lines longer than `longest_m` are cut into bands, one of whose borders runs through the origin, which is home.
    """
    # In the turned frame the lines run along y and the sweep along x.
    turned = affinity.rotate(region, angle_deg, origin=(0.0, 0.0))
    cells: list[Cell] = []
    for part in shapely.get_parts(turned):
        if not isinstance(part, Polygon) or part.is_empty:
            continue
        west, _, east, _ = part.bounds
        xs = [west + offset for offset in line_offsets(east - west, spacing)]
        for band in _bands(part, longest_m):
            columns = _columns(band, xs, spacing)
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


def _columns(region: Polygon | MultiPolygon, xs: Sequence[float], spacing: Spacing) -> list[list[_Piece]]:
    """For every line, the pieces to be flown so that the region is photographed, from south to north."""
    west, south, east, north = region.bounds
    between_m = xs[1] - xs[0] if len(xs) > 1 else 0.0
    # Half the width that only one line's pictures show; as wide again lies where two lines' pictures overlap.
    own_m = max(0.05 * between_m, between_m - spacing.across_m / 2.0 + spacing.aside_m)
    own_m = min(own_m, 0.5 * between_m)
    edges = [min(west, xs[0]) - 1.0]
    for before, after in pairwise(xs):
        edges += [before + own_m, after - own_m]
    edges.append(max(east, xs[-1]) + 1.0)
    spans = [_spans(region, low, high, south, north) for low, high in pairwise(edges)]
    gap_m = 2.0 * spacing.trigger_m
    columns = [_merged(own, gap_m) for own in spans[::2]]
    for number, shared in enumerate(spans[1::2]):
        for span in shared:
            _reach(columns[number], columns[number + 1], span, spacing)
    return [
        [_photographed(x, *span, spacing) for span in _merged(sorted(column), gap_m)]
        for x, column in zip(xs, columns, strict=True)
    ]


def _spans(region: Polygon | MultiPolygon, low_x: float, high_x: float, south: float, north: float) -> list[_Span]:
    """From where to where the parts of a strip of the region reach, from south to north."""
    if high_x - low_x < 1e-6:
        return []
    try:
        strip = shapely.clip_by_rect(region, low_x, south - 1.0, high_x, north + 1.0)
    except shapely.errors.GEOSException:
        # The quick way stumbles where an edge only just touches a corner of the strip.
        strip = shapely.intersection(region, box(low_x, south - 1.0, high_x, north + 1.0))
    bounds = shapely.bounds(shapely.get_parts(strip))
    return _merged(sorted((float(low), float(high)) for _, low, _, high in bounds if np.isfinite(low)), 0.0)


def _reach(left: list[_Span], right: list[_Span], span: _Span, spacing: Spacing) -> None:
    """Let the pictures of one of two lines, or of both in turn, show a span that lies between them."""
    for low, high in _gaps(span, [_shown(piece, spacing) for piece in (*left, *right)]):
        longer = [
            (max(0.0, piece[0] - low) + max(0.0, high - piece[1]), side, number)
            for side, pieces in enumerate((left, right))
            for number, piece in enumerate(pieces)
        ]
        if longer and min(longer)[0] <= 2.0 * (high - low) + spacing.along_m:
            _, side, number = min(longer)
            pieces = (left, right)[side]
            pieces[number] = min(pieces[number][0], low), max(pieces[number][1], high)
        else:
            left.append((low, high))


def _gaps(span: _Span, shown: Sequence[_Span]) -> list[_Span]:
    """What of a span lies in none of the others."""
    gaps: list[_Span] = []
    low = span[0]
    for begin, end in sorted(shown):
        if begin > low:
            gaps.append((low, min(begin, span[1])))
        low = max(low, end)
        if low >= span[1]:
            break
    if low < span[1]:
        gaps.append((low, span[1]))
    return [(begin, end) for begin, end in gaps if end - begin > 1e-6]


def _merged(spans: Iterable[_Span], gap_m: float) -> list[_Span]:
    """Sorted spans, those closer than `gap_m` made one: the line goes on anyway."""
    merged: list[_Span] = []
    for low, high in spans:
        if merged and low - merged[-1][1] <= gap_m:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _photos(span: _Span, spacing: Spacing) -> int:
    """How many photos show a span, their pictures reaching beyond the first and the last."""
    beyond_m = spacing.along_m - 2.0 * spacing.margin_m
    return 1 + max(0, math.ceil((span[1] - span[0] - beyond_m) / spacing.trigger_m - 1e-9))


def _shown(span: _Span, spacing: Spacing) -> _Span:
    """What the photos taken for a span show."""
    half = ((_photos(span, spacing) - 1) * spacing.trigger_m + spacing.along_m) / 2.0 - spacing.margin_m
    middle = (span[0] + span[1]) / 2.0
    return middle - half, middle + half


def _photographed(x: float, low: float, high: float, spacing: Spacing) -> _Piece:
    """The line whose photos show the ground from `low` to `high`: whole trigger distances and the end's slack."""
    between_m = (_photos((low, high), spacing) - 1) * (spacing.trigger_m + _LOOKS_LATE_M)
    half = (between_m + END_SLACK_M + _ROUNDING_M) / 2.0
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
