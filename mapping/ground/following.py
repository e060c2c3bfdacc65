"""Which detection follows which: detections of one flight in frames shortly after each other become tracks.

Two detections may belong together when their places agree within their noise, an object at a walk allowed for. Each
has at most one predecessor and one successor, and of all ways to link them the one of greatest likelihood together is
taken (an assignment problem: network-flow tracking, Zhang, Li and Nevatia, CVPR 2008, without costs of entry and exit).
So a track never holds two detections of one frame, whatever crosses its way. Joining tracks of one object that was
lost from sight for longer is `mapping.ground.joining`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapping.ground.links import best_links
from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, log_density, near_pairs, products, reach_m
from mapping.ground.tracks import MOVES, PASS_S, WELL_KNOWN, Looks, Tracks, is_moving, merged

_WALK_M_S = {"person": 1.0}  # one sigma of either component of the velocity
_SLOW_M_S = 0.3
_SURE = 6.0  # more log-odds than this outweigh no more
_DOUBTFUL = 1.0
_STEPS = 2.6  # a link spans at most this many of a flight's usual intervals between frames
_LONGEST_STEP_S = 4.0


def follow(looks: Looks, *, walking: bool = False, least: float = _DOUBTFUL) -> Ints:
    """(N,) the number of each detection's track, counted from 0 in the order of their first detections. Objects are
    taken to be at rest, or where `walking` to move as people do; then two detections are linked for which at least
    these log-odds speak, against all others."""
    before, after, gain = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)], [np.empty(0)]
    for flight in np.unique(looks.flight):
        for name in np.unique(looks.class_name[looks.flight == flight]):
            mine = np.flatnonzero((looks.flight == flight) & (looks.class_name == name))
            i, j, score = _links(looks.take(mine), _WALK_M_S.get(str(name), _SLOW_M_S) if walking else 0.0)
            before.append(mine[i])
            after.append(mine[j])
            gain.append(score)
    i, j, score = np.concatenate(before), np.concatenate(after), np.concatenate(gain)
    chosen = best_links(i, j, score, len(looks))
    if walking:
        chosen = chosen[against_rivals(i, j, score)[chosen] > least]
    return _in_order(merged(len(looks), i[chosen], j[chosen]))


def _in_order(labels: npt.NDArray[np.integer]) -> Ints:
    """The labels renumbered in the order of their first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return np.asarray(rank[inverse], dtype=np.intp)


def longest_step_s(time_s: Floats) -> float:
    """How long, in seconds, may be between two detections of one object in sight, in a flight with detections at these
    times."""
    return _STEPS * min(_usual_step(time_s), _LONGEST_STEP_S)


def _usual_step(clock: Floats) -> float:
    ticks = np.unique(clock)
    return float(np.median(np.diff(ticks))) if len(ticks) > 1 else 1.0


def _links(looks: Looks, walk_m_s: float) -> tuple[Ints, Ints, Floats]:
    """Pairs of detections of one flight and class, the earlier one first, and the log-likelihood gained by linking."""
    timed = bool(np.isfinite(looks.time_s).all())
    clock = looks.time_s if timed else looks.frame.astype(np.float64)
    lapse = longest_step_s(clock) if timed else _STEPS * _usual_step(clock)
    own = looks.noise + 0.05 * (products(looks.factors))
    stride = 2.5 * walk_m_s * lapse if timed else 0.0
    i, j = near_pairs(looks.place, np.minimum(reach_m(own) + stride, MAX_GATE_M), clock, lapse)
    i, j = np.where(looks.frame[i] <= looks.frame[j], i, j), np.where(looks.frame[i] <= looks.frame[j], j, i)
    passed = clock[j] - clock[i]
    keep = (looks.frame[i] < looks.frame[j]) & (passed <= lapse)
    i, j, passed = i[keep], j[keep], passed[keep]
    unlike = looks.factors[i] - looks.factors[j]
    covariance = looks.noise[i] + looks.noise[j] + products(unlike)
    apart = looks.place[j] - looks.place[i]
    density, squared = log_density(apart, covariance)
    if timed and walk_m_s:
        walked = ((walk_m_s * passed) ** 2)[:, None, None] * np.eye(2)
        walking, squared = log_density(apart, covariance + walked)
        density = np.logaddexp(density + np.log1p(-MOVES), walking + np.log(MOVES))
    score = density - np.maximum(looks.chance[i], looks.chance[j])
    good = (score > 0.0) & (squared <= GATE) & (np.hypot(apart[:, 0], apart[:, 1]) <= MAX_GATE_M)
    return i[good], j[good], score[good]


def against_rivals(i: Ints, j: Ints, score: Floats, tracks: Tracks | None = None) -> Floats:
    """Log-odds of the pairs when the other pairs of either track are possible too, but for those of tracks that fit the
    one as well as the other: they may all be one object. So may, of the `tracks` that these pairs number, two that a
    well known moving one is paired with at different times."""
    if not len(i):
        return score
    count = int(max(i.max(), j.max())) + 1
    odds = np.tile(np.exp(np.minimum(score, _SURE)), 2)
    one, other = np.concatenate([i, j]), np.concatenate([j, i])
    order = np.argsort(one, kind="stable")
    low, high = np.searchsorted(one[order], one, side="left"), np.searchsorted(one[order], one, side="right")
    pair, rival = np.repeat(np.arange(len(one)), high - low), order[ranges(low, high)]
    a, b = other[pair], other[rival]
    known = np.unique(np.minimum(i, j) * count + np.maximum(i, j))
    wanted = np.minimum(a, b) * count + np.maximum(a, b)
    fitting = known[np.minimum(np.searchsorted(known, wanted), len(known) - 1)] == wanted
    against = (a != b) & ~fitting
    if tracks is not None:
        lapse = np.maximum(tracks.first_s[a], tracks.first_s[b]) - np.minimum(tracks.last_s[a], tracks.last_s[b])
        against &= ~((is_moving(tracks) & (tracks.count >= WELL_KNOWN))[one[pair]] & (lapse > PASS_S))
    others = np.bincount(pair[against], odds[rival[against]], minlength=len(one))
    return np.asarray(score - np.log1p(others[: len(i)] + others[len(i) :]))


def ranges(low: Ints, high: Ints) -> Ints:
    """The numbers from each low up to its high, one range after the other."""
    length = high - low
    return np.asarray(np.arange(length.sum()) + np.repeat(low - np.cumsum(length) + length, length), dtype=np.intp)
