"""Which part of an area is flown in which direction: cuts at its notches wherever that saves turns.

Geometry in local metres. Time is estimated in closed form: a line of one direction crosses an outline with edge
vectors e, of width w across the lines, on average as often as the sum of |e across the lines| / w says, and two
crossings make one piece with one turn (Cauchy-Crofton). The lines themselves are `survey`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.ops import split

Floats = npt.NDArray[np.float64]

_STEPS = 180
_NOTCHES = 24
_SMALLEST_SAVING = 0.02
_DEEPEST = 5


@dataclass(frozen=True)
class Sweep:
    """What directions cost: `rate_s_m` (180,) seconds per metre of line flown in each whole degree's direction,
    `turn_s` for a turn into the next line, `spacing_m` between the lines, `link_s` for reaching another part."""

    rate_s_m: Floats
    turn_s: float
    spacing_m: float
    link_s: float


@dataclass(frozen=True)
class Part:
    """A piece of an area with the direction its lines take, clockwise from north, and their estimated time."""

    region: Polygon | MultiPolygon
    angle_deg: float
    time_s: float


def sweep_times_s(outline: Polygon | MultiPolygon, sweep: Sweep, angles_deg: Floats) -> Floats:
    """(N,) estimated seconds to fly lines over `outline` in each direction, turns included."""
    rings = [shapely.get_coordinates(ring) for ring in _rings(outline)]
    vectors = np.concatenate([np.diff(ring, axis=0) for ring in rings])
    angles = np.radians(angles_deg)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    crossed = np.abs(cos * vectors[:, 0] - sin * vectors[:, 1]).sum(axis=1) / 2.0
    corners = np.concatenate(rings)
    width = np.maximum(np.ptp(cos * corners[:, 0] - sin * corners[:, 1], axis=1), 1e-6)
    count = np.maximum(1.0, np.ceil(width / sweep.spacing_m - 0.04))
    lines, length = count * crossed / width, count * outline.area / width
    rate = np.interp(
        angles_deg % 180.0, np.arange(_STEPS + 1) * 180.0 / _STEPS, np.append(sweep.rate_s_m, sweep.rate_s_m[0])
    )
    return np.asarray(length * rate + lines * sweep.turn_s)


def directions(outline: Polygon | MultiPolygon) -> Floats:
    """Directions worth trying in degrees: every other one, and along each long edge of the outline."""
    edges = np.concatenate([np.diff(shapely.get_coordinates(ring), axis=0) for ring in _rings(outline)])
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(outline))
    edges = np.concatenate([edges, np.diff(corners, axis=0)])
    longest = edges[np.argsort(-np.hypot(edges[:, 0], edges[:, 1]), kind="stable")[:16]]
    along = np.degrees(np.arctan2(longest[:, 0], longest[:, 1])) % 180.0
    return np.unique(np.concatenate([along, np.arange(0.0, 180.0, 2.0)]))


def best_directions(outline: Polygon | MultiPolygon, sweep: Sweep, count: int, apart_deg: float = 8.0) -> list[float]:
    """The `count` directions of least estimated time that lie at least `apart_deg` apart, best first."""
    angles = directions(outline)
    kept: list[float] = []
    for index in np.argsort(sweep_times_s(outline, sweep, angles), kind="stable"):
        angle = float(angles[index])
        if all(min(abs(angle - other), 180.0 - abs(angle - other)) >= apart_deg for other in kept):
            kept.append(angle)
        if len(kept) == count:
            break
    return kept


def decompose(region: Polygon | MultiPolygon, sweep: Sweep) -> list[Part]:
    """The parts of a region, each with its own direction, that together take least estimated time.

    Cuts run along the edges that meet in a notch, through the ground on either side; a part is cut on as long as that
    saves time. Together the parts are the region.
    """
    parts: list[Part] = []
    for polygon in shapely.get_parts(region):
        outline = _simple(polygon, sweep.spacing_m)
        found = _cut(outline, sweep, _DEEPEST)
        if len(found) == 1:
            parts.append(Part(polygon, found[0].angle_deg, found[0].time_s))
            continue
        shares = _shared_out(polygon, [part.region for part in found], sweep.spacing_m)
        parts += [
            Part(share, part.angle_deg, part.time_s)
            for share, part in zip(shares, found, strict=True)
            if not share.is_empty
        ]
    return parts


def _simple(polygon: Polygon, spacing_m: float) -> Polygon:
    """An outline without what lines at this spacing do not notice."""
    filled = Polygon(polygon.exterior, [ring for ring in polygon.interiors if Polygon(ring).area > spacing_m**2])
    simple = filled.simplify(spacing_m / 2.0)
    return simple if isinstance(simple, Polygon) and not simple.is_empty and simple.area > 0 else filled


def _best(outline: Polygon, sweep: Sweep) -> Part:
    angles = directions(outline)
    times = sweep_times_s(outline, sweep, angles)
    least = int(np.argmin(times))
    return Part(outline, float(angles[least]), float(times[least]))


def _cut(outline: Polygon, sweep: Sweep, depth: int) -> list[Part]:
    """The outline, or its pieces where cutting it saves time."""
    whole = _best(outline, sweep)
    if depth == 0:
        return [whole]
    best: list[Part] | None = None
    least = whole.time_s * (1.0 - _SMALLEST_SAVING) - sweep.link_s
    for pieces in _cuts(outline):
        found = [_best(piece, sweep) for piece in pieces if piece.area > 1e-6 * outline.area]
        time_s = sum(part.time_s for part in found) + sweep.link_s * (len(found) - 2)
        if len(found) > 1 and time_s < least:
            best, least = found, time_s
    if best is None:
        return [whole]
    return _joined([piece for part in best for piece in _cut(part.region, sweep, depth - 1)], sweep)


def _joined(parts: list[Part], sweep: Sweep) -> list[Part]:
    """Parts, those made one again that share a border and lose nothing by one direction."""
    merged = True
    while merged and len(parts) > 1:
        merged = False
        for first in range(len(parts)):
            for second in range(first + 1, len(parts)):
                union = shapely.union(parts[first].region, parts[second].region)
                if not isinstance(union, Polygon):
                    continue
                one = _best(union, sweep)
                if one.time_s < parts[first].time_s + parts[second].time_s + sweep.link_s:
                    parts = [part for k, part in enumerate(parts) if k not in (first, second)] + [one]
                    merged = True
                    break
            if merged:
                break
    return parts


def _cuts(outline: Polygon) -> list[list[Polygon]]:
    """Ways to cut an outline in pieces: through each of its deepest notches along either edge
    that meets there and along the line between them."""
    west, south, east, north = outline.bounds
    reach = 2.0 * math.hypot(east - west, north - south)
    cuts: list[list[Polygon]] = []
    for corner, headings in _notches(outline):
        for heading in headings:
            aside = reach * heading
            line = LineString([corner - aside, corner + aside])
            chord = [piece for piece in shapely.get_parts(shapely.intersection(line, outline)) if piece.length > 0]
            here = shapely.Point(corner)
            near = [_lengthened(piece) for piece in chord if piece.distance(here) < 1e-6 * reach]
            for cutters in (near, [line]):
                pieces: Sequence[Polygon] = [outline]
                for cutter in cutters:
                    pieces = [part for piece in pieces for part in shapely.get_parts(split(piece, cutter))]
                if len(pieces) > 1:
                    cuts.append(list(pieces))
                    break
    return cuts


def _lengthened(line: LineString, by_m: float = 0.01) -> LineString:
    (x1, y1), (x2, y2) = line.coords[0], line.coords[-1]
    dx, dy = (x2 - x1) / line.length * by_m, (y2 - y1) / line.length * by_m
    return LineString([(x1 - dx, y1 - dy), (x2 + dx, y2 + dy)])


def _notches(outline: Polygon) -> list[tuple[Floats, list[Floats]]]:
    """Corners that bend inward, the deepest first, with the unit directions of the two edges that meet
    there and of the line that halves their angle."""
    found: list[tuple[float, Floats, list[Floats]]] = []
    for ring in _rings(shapely.orient_polygons(outline)):
        points = shapely.get_coordinates(ring)[:-1]
        before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
        lengths = np.hypot(before[:, 0], before[:, 1]), np.hypot(after[:, 0], after[:, 1])
        turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        for k in np.flatnonzero(turn < 0):
            depth = -turn[k] / max(lengths[0][k], lengths[1][k])
            into, onward = before[k] / lengths[0][k], after[k] / lengths[1][k]
            halving = into - onward
            found.append((float(depth), points[k], [into, onward, halving / np.hypot(*halving)]))
    found.sort(key=lambda item: -item[0])
    return [(corner, headings) for _, corner, headings in found[:_NOTCHES]]


def _shared_out(region: Polygon, parts: Sequence[Polygon | MultiPolygon], spacing_m: float) -> list[MultiPolygon]:
    """The exact region shared out among the parts of its simplified outline: what lies in or beside each."""
    left: Polygon | MultiPolygon = region
    shares: list[list[Polygon]] = []
    for part in parts:
        taken = left.intersection(part.buffer(spacing_m / 2.0, join_style="mitre", mitre_limit=2.0))
        shares.append(_polygons(taken))
        left = left.difference(taken)
    for rest in _polygons(left):
        nearest = int(np.argmin(shapely.distance(rest, np.array(parts, dtype=object))))
        shares[nearest].append(rest)
    return [_as_multi(shapely.union_all(share)) for share in shares]


def _polygons(geometry: shapely.Geometry) -> list[Polygon]:
    return [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon) and part.area > 0]


def _as_multi(geometry: shapely.Geometry) -> MultiPolygon:
    return MultiPolygon(_polygons(geometry))


def _rings(outline: Polygon | MultiPolygon) -> list[shapely.LinearRing]:
    return [ring for part in shapely.get_parts(outline) for ring in (part.exterior, *part.interiors)]
