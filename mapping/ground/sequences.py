"""Which looks of one pass are one object: looks in frames shortly after each other, weighed all against all.

Two looks may be one object at rest or at even speed, a third tells whether the speed was even: what speaks for each
pair, and for each third after a pair, is the likelihood of one object against that of several (triples of looks as in
Butt and Collins, CVPR 2013). How likely each pair follows each other, all others considered, is
`mapping.ground.links`' subject. What is lost from sight for longer is left to `mapping.ground.courses`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mapping.ground.following import follow, longest_step_s, ranges
from mapping.ground.links import likely_links
from mapping.ground.overlooked import Pictures
from mapping.ground.planar import GATE, Floats, Ints, inverse, log_density, products, reach_m
from mapping.ground.speeds import believed, either, speeds_m_s, turning_m_s
from mapping.ground.tracks import Looks, Tracks, class_of_tracks, fit

_UNMISTAKABLE = 5.5  # log-odds from which two looks are one whatever else there is
_LIKELY = (0.9, 0.55)  # the probabilities from which two are linked: the sure ones first, which then know more
_HOPELESS = -4.0  # against what so much speaks is not thought of
_MOST = 30  # nor of more looks than these before any one


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Tracks (G,), surely of one object each, of one flight and of a class that goes about and at most so fast; how
    often each was missed, and the log density of others about them per square metre."""

    tracks: Tracks
    misses: Floats
    fast_m_s: float
    top_m_s: float
    log_chance: float

    @cached_property
    def moving(self) -> Floats:
        """(G,) how likely each one's velocity is if it moves, in logarithms."""
        spread = self.tracks.velocity_covariance + self.fast_m_s**2 * np.eye(2)
        return log_density(self.tracks.velocity, spread)[0]

    @cached_property
    def resting(self) -> Floats:
        """(G,) how likely each one's velocity is if it rests, in logarithms."""
        return log_density(self.tracks.velocity, self.tracks.velocity_covariance)[0]

    @cached_property
    def alone(self) -> Floats:
        """(G,) how likely each is by itself, in logarithms."""
        return either(self.moving, self.resting, self.misses)


@dataclass(frozen=True, eq=False)
class _Sequences:
    """(H,) sequences: `nodes` (H, L) in the order of time, place and velocity of the last (H, 4) with their covariance
    if it moves, the place (H, 2) if it rests, and how likely it is to do either, in logarithms."""

    nodes: Ints
    course: Floats
    course_spread: Floats
    place: Floats
    place_spread: Floats
    moving: Floats
    resting: Floats

    def __len__(self) -> int:
        return len(self.nodes)

    def take(self, index: Ints) -> _Sequences:
        """The sequences at these indices."""
        return _Sequences(**{one.name: getattr(self, one.name)[index] for one in fields(self)})


def in_sequence(looks: Looks, shown: Pictures) -> Ints:
    """(N,) the numbers of the tracks that looks make while their objects are in sight, of looks that may be at
    something that moves. `shown` is the ground in the frames that `looks.frame` counts."""
    label = follow(looks, walking=True, least=_UNMISTAKABLE)
    for least in _LIKELY:
        tracks, classes = fit(looks, label), class_of_tracks(looks, label)
        misses = shown.misses(tracks)
        one, other = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)]
        for flight in np.unique(tracks.flight):
            lapse_s = longest_step_s(looks.time_s[looks.flight == flight])
            for name in np.unique(classes[tracks.flight == flight]):
                mine = np.flatnonzero((tracks.flight == flight) & (classes == name) & np.isfinite(tracks.first_s))
                speeds = speeds_m_s(str(name))
                if speeds is None or len(mine) < 2:
                    continue
                crowd_m2 = shown.crowd_m2(looks.frame[(looks.flight == flight) & (looks.class_name == name)])
                nodes = _Nodes(tracks.take(mine), misses[mine], *speeds, np.log(crowd_m2))
                i, j = _linked(nodes, lapse_s, least)
                one.append(mine[i])
                other.append(mine[j])
        i, j = np.concatenate(one), np.concatenate(other)
        graph = coo_array((np.ones(len(i)), (i, j)), shape=(len(tracks), len(tracks)))
        label = connected_components(graph, directed=False)[1].astype(np.intp)[label]
    return label


def _linked(nodes: _Nodes, lapse_s: float, least: float) -> tuple[Ints, Ints]:
    """Pairs of nodes, so much time apart at most, of which the second goes on the first at least so likely."""
    first, second = _next(nodes, lapse_s)
    _, pairs, score = _longer(nodes, _begun(nodes).take(first), second)
    best = _best(pairs.nodes[:, 1], score)
    pairs, score = pairs.take(best), score[best]
    begin = np.searchsorted(pairs.nodes[:, 0], np.arange(len(nodes.tracks) + 1))
    low, high = begin[pairs.nodes[:, 1]], begin[pairs.nodes[:, 1] + 1]
    one, other = np.repeat(np.arange(len(pairs)), high - low), ranges(low, high)
    which, _, both = _longer(nodes, pairs.take(one), pairs.nodes[other, 1])
    one, other = one[which], other[which]
    i, j = pairs.nodes[likely_links(pairs.nodes, score, one, other, both - score[one]) > least].T
    return i, j


def _next(nodes: _Nodes, lapse_s: float) -> tuple[Ints, Ints]:
    """Pairs of nodes of which the second is near enough to go on the first, in the order of the first."""
    tracks = nodes.tracks
    order = np.argsort(tracks.first_s, kind="stable")
    low = np.searchsorted(tracks.first_s[order], tracks.last_s, side="right")
    high = np.searchsorted(tracks.first_s[order], tracks.last_s + lapse_s, side="right")
    i, j = np.repeat(np.arange(len(tracks)), high - low), order[ranges(low, high)]
    slack = reach_m(tracks.noise + products(tracks.factors))
    far = nodes.top_m_s * (tracks.middle_s[j] - tracks.middle_s[i]) + slack[i] + slack[j]
    near = np.linalg.norm(tracks.place[j] - tracks.place[i], axis=1) <= far
    return i[near], j[near]


def _begun(nodes: _Nodes) -> _Sequences:
    """The sequences of one node each."""
    tracks = nodes.tracks
    velocity, spread = believed(tracks, nodes.fast_m_s)
    both = np.zeros((len(tracks), 4, 4))
    both[:, :2, :2], both[:, 2:, 2:] = tracks.noise, spread
    course = np.concatenate([tracks.place, velocity], axis=1)
    alone = np.arange(len(tracks))[:, None]
    return _Sequences(alone, course, both, tracks.place, tracks.noise, nodes.moving, nodes.resting)


def _longer(nodes: _Nodes, some: _Sequences, new: Ints) -> tuple[Ints, _Sequences, Floats]:
    """The sequences with a new node (H,) each, as far as that is to be thought of: which they are, what they become,
    and the log-odds of one object against as many as there are nodes."""
    which, some = _extended(nodes.tracks, some, new)
    some = replace(some, resting=some.resting + nodes.resting[some.nodes[:, -1]])
    further = some.nodes.shape[1] - 1
    missed = nodes.misses[some.nodes].max(axis=1, initial=0.0) - further
    alone = nodes.alone[some.nodes].sum(axis=1) + further * nodes.log_chance
    score = either(some.moving, some.resting, missed) - alone
    good = np.flatnonzero((score > _HOPELESS) & (np.linalg.norm(some.course[:, 2:], axis=1) <= nodes.top_m_s))
    return which[good], some.take(good), score[good]


def _extended(tracks: Tracks, some: _Sequences, new: Ints) -> tuple[Ints, _Sequences]:
    """The sequences with a new node (H,) each, but for those that it fits neither moving nor at rest, and which they
    are; at rest only the places are weighed."""
    lapse = tracks.middle_s[new] - tracks.middle_s[some.nodes[:, -1]]
    noise = tracks.noise[new] + products(tracks.factors[new] - tracks.factors[some.nodes[:, 0]])
    course, spread = _gone_on(some.course, some.course_spread, lapse)
    _, far = log_density(tracks.place[new] - course[:, :2], spread[:, :2, :2] + noise)
    _, still_far = log_density(tracks.place[new] - some.place, some.place_spread + noise)
    fits = np.flatnonzero((far <= GATE) | (still_far <= GATE))
    some, new, noise = some.take(fits), new[fits], noise[fits]
    course, spread, where = _updated(course[fits], spread[fits], 0, tracks.place[new], noise)
    course, spread, how_fast = _updated(course, spread, 2, tracks.velocity[new], tracks.velocity_covariance[new])
    place, still, resting = _updated(some.place, some.place_spread, 0, tracks.place[new], noise)
    moving = some.moving + where + how_fast
    return fits, _Sequences(
        np.column_stack([some.nodes, new]), course, spread, place, still, moving, some.resting + resting
    )


def _gone_on(course: Floats, spread: Floats, lapse_s: Floats) -> tuple[Floats, Floats]:
    """Places and velocities (H, 4) after some time, with what turning and slowing add to their covariance."""
    onward = np.tile(np.eye(4), (len(course), 1, 1))
    onward[:, [0, 1], [2, 3]] = lapse_s[:, None]
    spread = spread.copy()
    spread[:, [2, 3], [2, 3]] += turning_m_s(np.linalg.norm(course[:, 2:], axis=1), lapse_s)[:, None] ** 2
    return (onward @ course[:, :, None])[:, :, 0], onward @ spread @ onward.transpose(0, 2, 1)


def _updated(state: Floats, spread: Floats, first: int, value: Floats, noise: Floats) -> tuple[Floats, Floats, Floats]:
    """States (H, K), their covariances and the log density of measured values (H, 2) of the two components from
    `first` on (Kalman's update)."""
    part = slice(first, first + 2)
    rows = spread[:, part, :]
    expected = rows[:, :, part] + noise
    gain = rows.transpose(0, 2, 1) @ inverse(expected)
    left = value - state[:, part]
    density, _ = log_density(left, expected)
    return state + (gain @ left[:, :, None])[:, :, 0], spread - gain @ rows, density


def _best(last: Ints, score: Floats) -> Ints:
    """The indices, in order, of the sequences of highest score of those with the same last node."""
    order = np.lexsort((-score, last))
    start = np.flatnonzero(np.diff(last[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    return np.sort(order[rank < _MOST])
