"""Straight ways home: from where an RTL would leave the fence, and rally points from which it would not.

Geometry in local metres. ArduPilot's RTL flies a straight line to the nearest rally point or to home, whichever is
nearer (AP_Rally::calc_best_rally_or_home_location, 4.5), of those within RALLY_LIMIT_KM: a flight with rally points
needs that limit to reach them all, and `missions.flying.parameters` sets it so.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import KDTree
from shapely.geometry import MultiPolygon, Polygon

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

MOST_REFUGES = 40
"""Rally points, those drawn counted, up to which some are added; a Pixhawk-class board holds more."""
_PIECE_M = 12.5
_MOST_PIECES = 40_000
_CANDIDATES = 32
_JUDGED = 1_500
"""Stretches by which a place for a refuge is judged, of the unsafe and of the others."""
_NEAR_M = 300.0
"""How far from unsafe stretches a place for a refuge is looked for at least."""
_APART_M = 1.0
_FEW, _HOPE = 4, 2.0
_ASIDE_M = 25.0 * np.array([(math.sin(k * math.pi / 4.0), math.cos(k * math.pi / 4.0)) for k in range(8)])
"""Where a way bends round a zone, a place a little aside sees both legs of it."""


def unsafe_returns(lines: Floats, refuges: Floats, region: Polygon | MultiPolygon) -> Floats:
    """(N, 2, 2) the stretches of `lines` (M, 2, 2) from which a straight way to the refuge that RTL would choose
    leaves `region`. `refuges` (R, 2) are home and then the rally points.

    A stretch and a refuge span a triangle that holds every way from the one to the other: it is looked at whole. Where
    the choice depends on the place in the stretch, every refuge that may be chosen is looked at.
    """
    hull = shapely.convex_hull(shapely.multipoints(np.concatenate([lines.reshape(-1, 2), refuges])))
    shapely.prepare(region)
    if region.covers(hull):
        return np.zeros((0, 2, 2))
    pieces = _pieces(lines)
    safe = np.ones(len(pieces), dtype=bool)
    chosen = _may_choose(pieces, refuges)
    for number, refuge in enumerate(refuges):
        asked = np.flatnonzero(chosen[:, number] & safe)
        safe[asked] = _sees(region, refuge, pieces[asked])
    return pieces[~safe]


def used_refuges(lines: Floats, refuges: Floats) -> Flags:
    """(R,): whether RTL may choose a refuge from anywhere on the lines (M, 2, 2)."""
    return np.asarray(_may_choose(_pieces(lines), refuges).any(axis=0))


def added_refuges(
    lines: Floats, refuges: Floats, region: Polygon | MultiPolygon, ground: Polygon | MultiPolygon
) -> tuple[Floats, Floats]:
    """(N, 2) rally points with which every return stays inside `region`, and (M, 2, 2) the stretches of lines from
    which it does not even so, where a reasonable number of points does not do. One after the other, each where it
    mends most: inside `ground`, or on the way to it where that mends nothing."""
    if not len(unsafe_returns(lines, refuges, region)):
        return np.zeros((0, 2)), np.zeros((0, 2, 2))
    pieces = _pieces(lines)
    known = refuges
    unsafe_before: list[int] = []
    sees: Flags = np.ones((len(pieces), len(known)), dtype=bool)
    chosen = _may_choose(pieces, known)
    for number, refuge in enumerate(known):
        asked = np.flatnonzero(chosen[:, number])
        sees[asked, number] = _sees(region, refuge, pieces[asked])
    while True:
        unsafe: Flags = np.asarray((chosen & ~sees).any(axis=1))
        unsafe_before.append(int(unsafe.sum()))
        if not unsafe.any() or len(known) > MOST_REFUGES:
            break
        # So many more as the last few mended would not do: later ones mend less.
        if len(unsafe_before) > _FEW:
            mended = (unsafe_before[-1 - _FEW] - unsafe_before[-1]) / _FEW
            if unsafe_before[-1] > _HOPE * mended * (MOST_REFUGES + 1 - len(known)):
                break
        best = _best_refuge(pieces, unsafe, known, sees, region, ground)
        if best is None:
            best = _best_refuge(pieces, unsafe, known, sees, region, region)
        if best is None:
            # What is left lies in corners: a step that leaves more unsafe elsewhere, to be mended by the next.
            best = _best_refuge(pieces, unsafe, known, sees, region, ground, worst=-len(pieces))
        if best is None:
            break
        known = np.concatenate([known, best[None, :]])
        chosen = _may_choose(pieces, known)
        column = np.ones((len(pieces), 1), dtype=bool)
        asked = np.flatnonzero(chosen[:, -1])
        column[asked, 0] = _sees(region, best, pieces[asked])
        sees = np.concatenate([sees, column], axis=1)
    return known[len(refuges) :], pieces[unsafe]


def _best_refuge(
    pieces: Floats,
    unsafe: Flags,
    known: Floats,
    sees: Flags,
    region: Polygon | MultiPolygon,
    ground: Polygon | MultiPolygon,
    worst: int = 0,
) -> Floats | None:
    """The place, of those on and near unsafe stretches, that leaves fewest unsafe; None where none leaves fewer by more
    than `worst`."""
    middles = pieces.mean(axis=1)
    from_unsafe_m, _ = KDTree(middles[unsafe]).query(middles, distance_upper_bound=_NEAR_M)
    near = np.isfinite(from_unsafe_m)
    beside = (_some(middles[unsafe], 8)[:, None, :] + _ASIDE_M).reshape(-1, 2)
    candidates = np.concatenate(
        [
            _some(middles[unsafe]),
            _some(pieces[unsafe].reshape(-1, 2)),
            _some(middles[near & ~unsafe]),
            _some(middles),
            beside,
        ]
    )
    new = shapely.distance(shapely.multipoints(known), shapely.points(candidates)) > _APART_M
    candidates = candidates[new & shapely.covers(ground, shapely.points(candidates))]
    # Judged by a part of all stretches, each for as many as it stands for; `added_refuges` looks at them all.
    judged, stands_for = _judged(unsafe)
    pieces, middles, unsafe, sees = pieces[judged], middles[judged], unsafe[judged], sees[judged]
    # A refuge more only takes choices from those known, so what these see of their stretches is known already. Seeing
    # is the dear part: most promising first, and only for as long as one could still win.
    away, reach = _away(middles, known), _reach(pieces)
    now = int(stands_for @ unsafe)
    at_most = [
        now - int(stands_for @ _left_unsafe(away, _away(middles, candidate[None]), reach, sees))
        for candidate in candidates
    ]
    best, gained = None, worst
    for number in sorted(range(len(candidates)), key=at_most.__getitem__, reverse=True):
        if at_most[number] <= gained:
            break
        candidate = candidates[number]
        own = _away(middles, candidate[None])
        left = _left_unsafe(away, own, reach, sees)
        taken = np.flatnonzero(own[:, 0] <= away.min(axis=1) + reach)
        taken = taken[~left[taken]]
        left[taken] = ~_sees(region, candidate, pieces[taken])
        gain = now - int(stands_for @ left)
        if gain > gained:
            best, gained = candidate, gain
    return best


def _judged(unsafe: Flags) -> tuple[Counts, Counts]:
    """Numbers of about `_JUDGED` stretches, all unsafe ones where these are few, and how many each stands for."""
    every = max(1, math.ceil(len(unsafe) / _JUDGED))
    number, bad = np.arange(len(unsafe)), np.flatnonzero(unsafe)
    every_bad = max(1, math.ceil(len(bad) / _JUDGED))
    good = number[~unsafe][::every]
    judged = np.concatenate([bad[::every_bad], good])
    return judged, np.repeat([every_bad, every], [len(judged) - len(good), len(good)])


def _some(places: Floats, count: int = _CANDIDATES) -> Floats:
    return places[:: max(1, math.ceil(len(places) / count))]


def _pieces(lines: Floats) -> Floats:
    """(N, 2, 2) the lines in short stretches."""
    lengths = np.hypot(*(lines[:, 1] - lines[:, 0]).T)
    piece_m = max(_PIECE_M, float(lengths.sum()) / _MOST_PIECES)
    counts = np.maximum(1, np.ceil(lengths / piece_m)).astype(np.int64)
    owner = np.repeat(np.arange(len(lines)), counts)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    along = lines[owner, 1] - lines[owner, 0]
    begin = lines[owner, 0] + along * (step / counts[owner])[:, None]
    end = lines[owner, 0] + along * ((step + 1) / counts[owner])[:, None]
    return np.stack([begin, end], axis=1)


def _may_choose(pieces: Floats, refuges: Floats) -> Flags:
    """(N, R): whether RTL may choose a refuge from somewhere on a stretch."""
    away = _away(pieces.mean(axis=1), refuges)
    return np.asarray(away <= away.min(axis=1, keepdims=True) + _reach(pieces)[:, None])


def _away(places: Floats, refuges: Floats) -> Floats:
    """(N, R) distances."""
    return np.asarray(np.hypot(*(places[:, None, :] - refuges[None, :, :]).transpose(2, 0, 1)))


def _reach(pieces: Floats) -> Floats:
    """(N,): by how much a refuge may be farther from a stretch's middle than the nearest and yet be chosen."""
    return np.asarray(np.hypot(*(pieces[:, 1] - pieces[:, 0]).T) + 1e-6)


def _left_unsafe(away: Floats, own: Floats, reach: Floats, sees: Flags) -> Flags:
    """(N,): from which stretches RTL may yet choose a known refuge that they do not `see` (N, R), where there is one
    more refuge `own` (N, 1) away."""
    nearest = np.minimum(away.min(axis=1, keepdims=True), own)
    return np.asarray(((away <= nearest + reach[:, None]) & ~sees).any(axis=1))


def _sees(region: Polygon | MultiPolygon, refuge: Floats, pieces: Floats) -> Flags:
    """(N,): whether every straight line from a refuge to a stretch stays inside the region."""
    if not len(pieces):
        return np.zeros(0, dtype=bool)
    corners = np.concatenate([pieces, np.broadcast_to(refuge, (len(pieces), 1, 2))], axis=1)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    flat = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) < 1e-9
    shapes = np.empty(len(pieces), dtype=object)
    shapes[~flat] = shapely.polygons(corners[~flat])
    shapes[flat] = shapely.linestrings(corners[flat])
    seen: Flags = shapely.covers(region, shapes)
    return seen
