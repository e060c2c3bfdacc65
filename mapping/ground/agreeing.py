"""The flight-wide errors on which tracks agree: what makes most of them lie in pairs at one place.

Two looks at one place disagree mostly by errors that a whole flight shares (its position, its height, a camera not
mounted square), and those are the same for all objects. They are estimated from all pairs of tracks that could be one
object (expectation-maximisation, as in the registration of point sets: Myronenko and Song, PAMI 2010), starting from
what is known of their size; where they may be larger than objects stand apart also from values drawn at random, of
which the likeliest in the end is kept. Which tracks are joined then is `mapping.ground.joining`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, inverse, log_density, products
from mapping.ground.tracks import LOG_DENSEST, Tracks

DRIFT_M = 0.5
"""How far a satellite position wanders within a flight (Gauss-Markov)."""
_DRIFT_S = 300.0  # and how long it takes
_HEATS = (30.0, 12.0, 5.0, 2.5, 1.4, 1.0, 1.0, 1.0)
"""How much larger the noise is taken round by round: first what all agree on roughly, then the rest."""
_PAIRS_ENOUGH, _PAIRS_TRIED = 40_000, 3_000
_TRIES, _TRIED_WIDE, _TRIED_SHARE = 16, 1.3, 0.3
"""So many other beginnings, drawn by so much wider than the errors are, each taken to be known to this share of the
variance."""
_AMONG_OTHERS_M = 4.0  # errors that part looks farther than this may lay them on a neighbour


@dataclass(frozen=True, eq=False)
class Pairs:
    """(P,) pairs of tracks, how far apart they are, what of that single looks explain, and how one sigma of each
    flight-wide error of every flight would part them (P, 2, flights x B). `chance` is the log density of another
    object there."""

    first: Ints
    second: Ints
    apart: Floats
    noise: Floats
    unlike: Floats
    chance: Floats

    def take(self, index: Ints) -> Pairs:
        """The pairs at these indices."""
        return Pairs(**{one.name: getattr(self, one.name)[index] for one in fields(self)})


@dataclass(frozen=True, eq=False)
class Common:
    """What is known of the flight-wide errors of all flights: their values in sigmas, and their covariance."""

    value: Floats
    covariance: Floats

    def taken_out(self, tracks: Tracks, caution: float) -> tuple[Floats, Floats]:
        """The places (G, 2) of tracks without these errors, and the covariance (G, 2, 2) of what is left of them,
        `caution` times the known one."""
        wide = tracks.factors.shape[2]
        mine = (tracks.flight[:, None] * wide + np.arange(wide))[:, :, None]
        place = tracks.place - (tracks.factors @ self.value[mine])[:, :, 0]
        root = np.linalg.cholesky(caution * self.covariance)
        if len(root) == wide:
            return place, products((tracks.factors.reshape(-1, wide) @ root).reshape(len(tracks), 2, wide))
        return place, products(tracks.factors @ root[mine[:, :, 0]])


def compared(tracks: Tracks, i: Ints, j: Ints, flights: int) -> Pairs:
    """What parts the tracks of each pair, which are of so many flights."""
    wide = tracks.factors.shape[2]
    apart = tracks.place[j] - tracks.place[i]
    gap = np.maximum(tracks.first_s[i], tracks.first_s[j]) - np.minimum(tracks.last_s[i], tracks.last_s[j])
    drift = 2.0 * DRIFT_M**2 * (1.0 - np.exp(-np.clip(np.nan_to_num(gap), 0.0, None) / _DRIFT_S))
    noise = tracks.noise[i] + tracks.noise[j] + drift[:, None, None] * np.eye(2)
    chance = np.maximum(tracks.chance[i], tracks.chance[j])
    if flights == 1:
        return Pairs(i, j, apart, noise, tracks.factors[j] - tracks.factors[i], chance)
    unlike = np.zeros((len(i), 2, flights, wide))
    row = np.arange(len(i))
    unlike[row, :, tracks.flight[j]] += tracks.factors[j]
    unlike[row, :, tracks.flight[i]] -= tracks.factors[i]
    return Pairs(i, j, apart, noise, unlike.reshape(len(i), 2, flights * wide), chance)


def likeness(pairs: Pairs, common: Common, caution: float) -> tuple[Floats, Floats]:
    """What speaks for each pair being one object (in logarithms), and the squared Mahalanobis distance of what the
    common errors leave of its difference."""
    count, _, wide = pairs.unlike.shape
    rows = pairs.unlike.reshape(-1, wide)
    root = np.linalg.cholesky(caution * common.covariance)
    shifts = (rows @ root).reshape(count, 2, wide)
    left = pairs.apart - (rows @ common.value).reshape(count, 2)
    density, squared = log_density(left, pairs.noise + products(shifts))
    return density - pairs.chance, squared


def agreed(tracks: Tracks, i: Ints, j: Ints, flights: int) -> Common:
    """The flight-wide errors of so many flights that make these pairs of tracks agree best."""
    wide = tracks.factors.shape[2]
    usual = Common(np.zeros(flights * wide), np.eye(flights * wide))
    if not len(i):
        return usual
    some = _enough(tracks, i, _PAIRS_ENOUGH)
    pairs = compared(tracks, i[some], j[some], flights)
    found = _annealed(pairs, len(tracks), usual, _HEATS)
    parted = np.sqrt((pairs.unlike**2).sum(axis=(1, 2)))
    if not np.quantile(parted, 0.9) > _AMONG_OTHERS_M:
        return found
    few = pairs.take(_enough(tracks, pairs.first, _PAIRS_TRIED))
    best, most = None, _likelihood(few, len(tracks), found) + 1.0  # what is found from the usual size goes first
    rng = np.random.default_rng(0)
    for _ in range(_TRIES):
        begin = Common(_TRIED_WIDE * rng.normal(size=len(usual.value)), _TRIED_SHARE * usual.covariance)
        other = _annealed(few, len(tracks), begin, _HEATS[1:-2])
        likelihood = _likelihood(few, len(tracks), other)
        if likelihood > most:
            best, most = other, likelihood
    return found if best is None else _annealed(pairs, len(tracks), best, _HEATS[-4:])


def _enough(tracks: Tracks, first: Ints, most: int) -> Ints:
    """The indices of about so many pairs, given the first track of each: those of some parts of the ground, spread
    over all of it."""
    if len(first) <= most:
        return np.arange(len(first))
    cell = np.floor(tracks.place[first] / (4.0 * MAX_GATE_M)).astype(np.int64)
    _, part = np.unique(cell @ [1 << 20, 1], return_inverse=True)
    order = np.random.default_rng(0).permutation(int(part.max()) + 1)
    total = np.cumsum(np.bincount(part)[order])
    return np.flatnonzero(np.isin(part, order[: int(np.searchsorted(total, most)) + 1]))


def _annealed(pairs: Pairs, count: int, common: Common, heats: tuple[float, ...]) -> Common:
    """The errors that these pairs of `count` tracks come to agree on from `common`."""
    wide = pairs.unlike.shape[2]
    rows = pairs.unlike.reshape(-1, wide)
    for heat in heats:
        heated = replace(pairs, noise=heat * pairs.noise, chance=np.full(len(pairs.first), LOG_DENSEST))
        weight = inverse(heated.noise)
        score, squared = likeness(heated, common, 1.0)
        likely = np.where(squared <= GATE, np.exp(score), 0.0)
        rivals = sum(np.bincount(end, likely, minlength=count)[end] for end in (pairs.first, pairs.second))
        trust = likely / (1.0 + rivals - likely)
        weighted = (trust[:, None, None] * weight) @ pairs.unlike
        covariance = np.asarray(np.linalg.inv(np.eye(wide) + rows.T @ weighted.reshape(-1, wide)), dtype=np.float64)
        common = Common(covariance @ (weighted.reshape(-1, wide).T @ pairs.apart.reshape(-1)), covariance)
    return common


def _likelihood(pairs: Pairs, count: int, common: Common) -> float:
    """How likely these errors are, in logarithms, if every track is alone or one with another."""
    density, _ = log_density(pairs.apart - pairs.unlike @ common.value, pairs.noise)
    likely = np.exp(density - LOG_DENSEST)
    total = sum(np.bincount(end, likely, minlength=count) for end in (pairs.first, pairs.second))
    return float(0.5 * np.log1p(total).sum() - 0.5 * common.value @ common.value)
