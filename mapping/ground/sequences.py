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

from mapping.ground.following import follow, longest_step_s, ranges
from mapping.ground.links import likely_links
from mapping.ground.overlooked import Pictures
from mapping.ground.planar import GATE, Floats, Ints, inverse, log_density, products, reach_m
from mapping.ground.speeds import believed, either, moving_resting, speeds_m_s, turning_m_s, unseen
from mapping.ground.tracks import MOVES, Looks, Tracks, class_of_tracks, fit, merged

_UNMISTAKABLE = 5.5  # log-odds from which two looks are one whatever else there is
_LIKELY = (0.9, 0.55)  # the probabilities from which two are linked: the sure ones first, which then know more
_HOPELESS = -4.0  # against what so much speaks is not thought of
_MOST = 30  # nor of more looks than these before any one
_BLOCK = 200_000  # so many sequences are gone on with at a time


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
    def likely(self) -> tuple[Floats, Floats]:
        """(G,), (G,) how likely each one's velocity is if it moves, and if it rests, in logarithms."""
        return moving_resting(self.tracks, self.fast_m_s)

    @cached_property
    def alone(self) -> Floats:
        """(G,) how likely each is by itself, in logarithms."""
        return either(*self.likely, self.misses)


@dataclass(frozen=True, eq=False)
class _Sequences:
    """(H,) sequences of something that moves, or that is at rest: `nodes` (H, L) in the order of time, the `state` of
    the last with its covariance (place and velocity (H, 4), or the place (H, 2)), and how likely it is, in
    logarithms."""

    nodes: Ints
    state: Floats
    spread: Floats
    likely: Floats

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def moving(self) -> bool:
        return self.state.shape[1] > 2

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
        label = merged(len(tracks), np.concatenate(one), np.concatenate(other))[label]
    return label


def _linked(nodes: _Nodes, lapse_s: float, least: float) -> tuple[Ints, Ints]:
    """Pairs of nodes, so much time apart at most, of which the second goes on the first at least so likely."""
    near = _next(nodes, lapse_s)
    moving, resting = _chances(nodes, _moving(nodes), *near), _chances(nodes, _resting(nodes), *near)
    pairs, score, one, other, further = (np.concatenate(both) for both in zip(moving, resting, strict=True))
    one[len(moving[2]) :] += len(moving[0])
    other[len(moving[3]) :] += len(moving[0])
    likely = likely_links(pairs, score, one, other, further)
    steps, which = np.unique(pairs @ [len(nodes.tracks), 1], return_inverse=True)
    i, j = np.divmod(steps[np.bincount(which, likely, minlength=len(steps)) > least], len(nodes.tracks))
    return i, j


def _chances(nodes: _Nodes, begun: _Sequences, first: Ints, second: Ints) -> tuple[Ints, Floats, Ints, Ints, Floats]:
    """What `likely_links` asks of pairs of nodes that are near each other: those (P, 2) that may be one object that
    moves, or that rests, and its log-odds, and what goes on what, how likely."""
    _, pairs, score = _longer(nodes, begun, first, second)
    best = _best(pairs.nodes[:, 1], score)
    pairs, score = pairs.take(best), score[best]
    begin = np.searchsorted(pairs.nodes[:, 0], np.arange(len(nodes.tracks) + 1))
    low, high = begin[pairs.nodes[:, 1]], begin[pairs.nodes[:, 1] + 1]
    one, other = np.repeat(np.arange(len(pairs)), high - low), ranges(low, high)
    which, _, both = _longer(nodes, pairs, one, pairs.nodes[other, 1])
    one, other = one[which], other[which]
    return pairs.nodes, score, one, other, both - score[one]


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


def _moving(nodes: _Nodes) -> _Sequences:
    """The sequences of one node each, of what moves."""
    tracks = nodes.tracks
    velocity, spread = believed(tracks, nodes.fast_m_s)
    both = np.zeros((len(tracks), 4, 4))
    both[:, :2, :2], both[:, 2:, 2:] = tracks.noise, spread
    state = np.concatenate([tracks.place, velocity], axis=1)
    return _Sequences(np.arange(len(tracks))[:, None], state, both, np.log(MOVES) + nodes.likely[0])


def _resting(nodes: _Nodes) -> _Sequences:
    """The sequences of one node each, of what is at rest."""
    tracks = nodes.tracks
    return _Sequences(np.arange(len(tracks))[:, None], tracks.place, tracks.noise, np.log1p(-MOVES) + nodes.likely[1])


def _longer(nodes: _Nodes, some: _Sequences, index: Ints, new: Ints) -> tuple[Ints, _Sequences, Floats]:
    """The sequences numbered by `index` (H,) with a new node each, as far as that is to be thought of: which of these
    they are, what they become, and the log-odds of one object against as many as there are nodes."""
    parts = [
        _weighed(nodes, some, index, new, slice(begin, begin + _BLOCK)) for begin in range(0, len(index) or 1, _BLOCK)
    ]
    which, longer, score = zip(*parts, strict=True)
    columns = {one.name: np.concatenate([getattr(part, one.name) for part in longer]) for one in fields(_Sequences)}
    return np.concatenate(which), _Sequences(**columns), np.concatenate(score)


def _weighed(nodes: _Nodes, some: _Sequences, index: Ints, new: Ints, block: slice) -> tuple[Ints, _Sequences, Floats]:
    """`_longer` for a block of them."""
    which, some = _extended(nodes, some.take(index[block]), new[block])
    further = some.nodes.shape[1] - 1
    score = some.likely - nodes.alone[some.nodes].sum(axis=1) - further * nodes.log_chance
    if some.moving:
        good = (score > _HOPELESS) & (np.linalg.norm(some.state[:, 2:], axis=1) <= nodes.top_m_s)
    else:
        score = score + unseen(nodes.misses[some.nodes].max(axis=1, initial=0.0) - further)
        good = score > _HOPELESS
    return block.start + which[good], some.take(np.flatnonzero(good)), score[good]


def _extended(nodes: _Nodes, some: _Sequences, new: Ints) -> tuple[Ints, _Sequences]:
    """The sequences with a new node (H,) each, but for those that it does not fit, and which they are."""
    tracks = nodes.tracks
    noise = tracks.noise[new] + products(tracks.factors[new] - tracks.factors[some.nodes[:, 0]])
    lapse_s = tracks.middle_s[new] - tracks.middle_s[some.nodes[:, -1]]
    place, doubt = _expected(some, lapse_s)
    _, squared = log_density(tracks.place[new] - place, doubt + noise)
    fits = np.flatnonzero(squared <= GATE)
    some, new, noise = some.take(fits), new[fits], noise[fits]
    if some.moving:
        some = _gone_on(some, lapse_s[fits])
    state, spread, likely = _updated(some.state, some.spread, 0, tracks.place[new], noise)
    if some.moving:
        state, spread, alike = _updated(state, spread, 2, tracks.velocity[new], tracks.velocity_covariance[new])
    else:
        alike = nodes.likely[1][new]
    return fits, _Sequences(np.column_stack([some.nodes, new]), state, spread, some.likely + likely + alike)


def _expected(some: _Sequences, lapse_s: Floats) -> tuple[Floats, Floats]:
    """Where each is some time later (H, 2), and the covariance of that: the part of `_gone_on` that tells which are to
    be gone on with."""
    if not some.moving:
        return some.state, some.spread
    lapse = lapse_s[:, None, None]
    turned = turning_m_s(np.linalg.norm(some.state[:, 2:], axis=1), lapse_s)[:, None, None] ** 2 * np.eye(2)
    across = some.spread[:, :2, 2:]
    doubt = some.spread[:, :2, :2] + lapse * (across + across.transpose(0, 2, 1))
    doubt = doubt + lapse**2 * (some.spread[:, 2:, 2:] + turned)
    return some.state[:, :2] + lapse_s[:, None] * some.state[:, 2:], doubt


def _gone_on(some: _Sequences, lapse_s: Floats) -> _Sequences:
    """The sequences of what moves some time later, with what turning and slowing add to the covariance."""
    onward = np.tile(np.eye(4), (len(some), 1, 1))
    onward[:, [0, 1], [2, 3]] = lapse_s[:, None]
    spread = some.spread.copy()
    spread[:, [2, 3], [2, 3]] += turning_m_s(np.linalg.norm(some.state[:, 2:], axis=1), lapse_s)[:, None] ** 2
    state = (onward @ some.state[:, :, None])[:, :, 0]
    return replace(some, state=state, spread=onward @ spread @ onward.transpose(0, 2, 1))


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
