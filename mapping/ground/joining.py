"""Which tracks are one object: seen again on the next transect, minutes later, or in another flight.

Objects at rest come first. Two looks at one place disagree mostly by errors that a whole flight shares (its position,
its height, a camera not mounted square), and those are the same for all objects: before anything is joined they are
estimated from all pairs of tracks that could be one (expectation-maximisation, as in the registration of point sets:
Myronenko and Song, PAMI 2010), starting from what is known of their size. Only then are tracks joined, the likeliest
pair first, where what is left of their difference lies within the gate and one object is a likelier reason for both
than two are. What was estimated serves this choice only; no place is moved by it.

What certainly moved while it was in sight takes no part in this. What nothing at rest explains is left to
`mapping.ground.courses`, with the errors of single frames taken out as far as what is at rest shows them
(`mapping.ground.steadying`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mapping.ground.courses import LONGEST_LOOSE_S, follow_movers
from mapping.ground.steadying import steadied
from mapping.ground.tracks import (
    GATE,
    LOG_DENSEST,
    MAX_GATE_M,
    Floats,
    Ints,
    Looks,
    Tracks,
    class_of_tracks,
    disjoint_pairs,
    fit,
    follow,
    inverse,
    is_moving,
    log_density,
    merged,
    near_pairs,
    products,
    reach_m,
    renumbered,
    restless,
)

_SETTLED = 3  # so many looks that one place explains are something at rest
_DRIFT_M, _DRIFT_S = 0.5, 300.0
"""How far a satellite position wanders within a flight, and how long it takes (Gauss-Markov)."""
_HEATS = (30.0, 12.0, 5.0, 2.5, 1.4, 1.0, 1.0, 1.0)
"""How much larger the noise is taken round by round: first what all agree on roughly, then the rest."""
_PAIRS_ENOUGH = 40_000  # to agree on flight-wide errors
_HOPEFUL = 4.0  # pairs this many gates apart are looked at again when their tracks have grown
_CAUTION = 2.0  # by how much the spread of the estimated common errors is taken larger


@dataclass(frozen=True, eq=False)
class _Pairs:
    """(P,) pairs of tracks, how far apart they are, what of that single looks explain, and how one sigma of each
    flight-wide error of every flight would part them (P, 2, flights x B). `chance` is the log density of another
    object there."""

    first: Ints
    second: Ints
    apart: Floats
    noise: Floats
    unlike: Floats
    chance: Floats


@dataclass(frozen=True, eq=False)
class _Common:
    """What is known of the flight-wide errors of all flights: their values in sigmas, and their covariance."""

    value: Floats
    covariance: Floats


def join(looks: Looks, views: npt.NDArray[np.object_] | None = None) -> Ints:
    """(N,) the number of each look's object. `views` (F,) are the polygons of ground in the frames that `looks.frame`
    counts, None for a frame without one."""
    if not len(looks):
        return np.empty(0, dtype=np.intp)
    first = follow(looks)
    tracks = fit(looks, first)
    steady = steadied(looks, first, np.flatnonzero((~restless(tracks) & (tracks.count > 1))[first]))
    first = follow(steady)
    tracks = fit(steady, first)
    moving = _on_their_way(steady, first, tracks)
    apart = np.flatnonzero(restless(tracks)[first])
    first[apart] = len(tracks) + np.arange(len(apart))
    standing = np.flatnonzero(~moving)
    label = np.zeros(len(looks), dtype=np.intp)
    label[standing] = _at_rest(looks.take(standing), renumbered(first[standing]))
    tracks = fit(looks.take(standing), label[standing])
    several = (tracks.count >= _SETTLED) | ((tracks.count > 1) & (tracks.last_s - tracks.first_s > LONGEST_LOOSE_S))
    loose = (~several | restless(tracks)) & np.isfinite(tracks.first_s)
    moving[standing] = loose[label[standing]]
    free = np.flatnonzero(moving)
    if len(free):
        steady = steadied(looks, label, np.flatnonzero(~moving))
        label[free] = len(tracks) + follow_movers(steady.take(free), views)
    return renumbered(label)


def _on_their_way(looks: Looks, label: Ints, tracks: Tracks) -> npt.NDArray[np.bool_]:
    """(N,) True for looks at what certainly moved while it was in sight, so that no two of them make a thing at rest.
    `label` and `tracks` are what follows each other in place."""
    moving = np.zeros(len(looks), dtype=np.bool_)
    settled = ~restless(tracks) & (tracks.count >= _SETTLED)
    free = np.flatnonzero(np.isfinite(looks.time_s) & ~settled[label])
    if len(free):
        course = follow(looks.take(free), walking=True)
        walked = fit(looks.take(free), course)
        moving[free] = ((walked.count >= _SETTLED) & is_moving(walked))[course]
    return moving


def _at_rest(looks: Looks, label: Ints) -> Ints:
    """(N,) the number of each look's object if nothing moved: tracks of what follows each other in place (`label`),
    joined."""
    if not len(looks):
        return label
    classes = class_of_tracks(looks, label)
    tracks = fit(looks, label, motion=False)
    first, second = _candidates(tracks, classes)
    some = _enough(tracks, first)
    common = _agreed(_compared(tracks, first[some], second[some]), len(tracks))
    while len(first):
        tracks = fit(looks, label, motion=False)
        score, squared = _likeness(_compared(tracks, first, second), common, _CAUTION)
        hopeful = squared <= _HOPEFUL * GATE
        good = np.flatnonzero((score > 0.0) & (squared <= GATE))
        chosen = disjoint_pairs(looks, label, first[good], second[good], score[good])
        if not chosen:
            break
        now = merged(len(tracks), chosen)
        label = now[label]
        first, second = _met(now[first[hopeful]], now[second[hopeful]])
    return label


def _met(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """The pairs without those of a track with itself, each once."""
    pairs = np.unique(np.stack([np.minimum(one, other), np.maximum(one, other)], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return pairs[:, 0], pairs[:, 1]


def _candidates(tracks: Tracks, classes: npt.NDArray[np.str_]) -> tuple[Ints, Ints]:
    """Pairs of tracks of one class near enough to be one object at rest."""
    spread = tracks.noise + products(tracks.factors) + _DRIFT_M**2 * np.eye(2)
    firsts, seconds = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)]
    for name in np.unique(classes):
        mine = np.flatnonzero(classes == name)
        i, j = near_pairs(tracks.place[mine], reach_m(spread[mine]))
        firsts.append(mine[i])
        seconds.append(mine[j])
    i, j = np.concatenate(firsts), np.concatenate(seconds)
    apart = tracks.place[j] - tracks.place[i]
    near = (np.einsum("pi,pi->p", apart, apart) <= MAX_GATE_M**2) & ~_together(tracks, i, j)
    return i[near], j[near]


def _together(tracks: Tracks, i: Ints, j: Ints) -> npt.NDArray[np.bool_]:
    """True for pairs of single looks of one flight at one moment: they are in one frame."""
    return np.asarray((tracks.count[i] + tracks.count[j] == 2) & (tracks.middle_s[i] == tracks.middle_s[j]))


def _compared(tracks: Tracks, i: Ints, j: Ints) -> _Pairs:
    """What parts the tracks of each pair."""
    flights, wide = int(tracks.flight.max(initial=0)) + 1, tracks.factors.shape[2]
    apart = tracks.place[j] - tracks.place[i]
    gap = np.maximum(tracks.first_s[i], tracks.first_s[j]) - np.minimum(tracks.last_s[i], tracks.last_s[j])
    drift = 2.0 * _DRIFT_M**2 * (1.0 - np.exp(-np.clip(np.nan_to_num(gap), 0.0, None) / _DRIFT_S))
    noise = tracks.noise[i] + tracks.noise[j] + drift[:, None, None] * np.eye(2)
    chance = np.maximum(tracks.chance[i], tracks.chance[j])
    if flights == 1:
        return _Pairs(i, j, apart, noise, tracks.factors[j] - tracks.factors[i], chance)
    unlike = np.zeros((len(i), 2, flights, wide))
    row = np.arange(len(i))
    unlike[row, :, tracks.flight[j]] += tracks.factors[j]
    unlike[row, :, tracks.flight[i]] -= tracks.factors[i]
    return _Pairs(i, j, apart, noise, unlike.reshape(len(i), 2, flights * wide), chance)


def _enough(tracks: Tracks, first: Ints) -> Ints:
    """The indices of enough pairs to agree on flight-wide errors, given the first track of each: those of some parts of
    the ground, spread over all of it."""
    if len(first) <= _PAIRS_ENOUGH:
        return np.arange(len(first))
    cell = np.floor(tracks.place[first] / (4.0 * MAX_GATE_M)).astype(np.int64)
    _, part = np.unique(cell @ [1 << 20, 1], return_inverse=True)
    order = np.random.default_rng(0).permutation(int(part.max()) + 1)
    total = np.cumsum(np.bincount(part)[order])
    return np.flatnonzero(np.isin(part, order[: int(np.searchsorted(total, _PAIRS_ENOUGH)) + 1]))


def _agreed(pairs: _Pairs, count: int) -> _Common:
    """The flight-wide errors that make these pairs of `count` tracks agree best."""
    wide = pairs.unlike.shape[2]
    common = _Common(np.zeros(wide), np.eye(wide))
    if not len(pairs.first):
        return common
    for heat in _HEATS:
        heated = replace(pairs, noise=heat * pairs.noise, chance=np.full(len(pairs.first), LOG_DENSEST))
        weight = inverse(heated.noise)
        score, squared = _likeness(heated, common, 1.0)
        likely = np.where(squared <= GATE, np.exp(score), 0.0)
        rivals = sum(np.bincount(end, likely, minlength=count)[end] for end in (pairs.first, pairs.second))
        trust = likely / (1.0 + rivals - likely)
        weighted = (trust[:, None, None] * weight) @ pairs.unlike
        rows = pairs.unlike.reshape(-1, wide)
        covariance = np.asarray(np.linalg.inv(np.eye(wide) + rows.T @ weighted.reshape(-1, wide)), dtype=np.float64)
        common = _Common(covariance @ (weighted.reshape(-1, wide).T @ pairs.apart.reshape(-1)), covariance)
    return common


def _likeness(pairs: _Pairs, common: _Common, caution: float) -> tuple[Floats, Floats]:
    """What speaks for each pair being one object (in logarithms), and the squared Mahalanobis distance of what the
    common errors leave of its difference."""
    count, _, wide = pairs.unlike.shape
    rows = pairs.unlike.reshape(-1, wide)
    root = np.linalg.cholesky(caution * common.covariance)
    shifts = (rows @ root).reshape(count, 2, wide)
    left = pairs.apart - (rows @ common.value).reshape(count, 2)
    density, squared = log_density(left, pairs.noise + products(shifts))
    return density - pairs.chance, squared
