"""Which tracks are one object: seen again on the next transect, minutes later, or in another flight.

Objects at rest come first. Two looks at one place disagree mostly by errors that a whole flight shares (its position,
its height, a camera not mounted square), and those are the same for all objects: before anything is joined they are
estimated from all pairs of tracks that could be one (expectation-maximisation, as in the registration of point sets:
Myronenko and Song, PAMI 2010), starting from what is known of their size. Only then are tracks joined, the likeliest
pair first, where what is left of their difference lies within the gate and one object is a likelier reason for both
than two are. What was estimated serves this choice only; no place is moved by it.

Objects that move come last, and only tracks not explained by something at rest take part: where a track would have gone
with its speed is compared with where a later one begins, its speed too where that is known. The longer ago, the less
that proves, and the more other moving objects there are the less likely it is the same: then they stay two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, QhullError

from mapping.ground.tracks import (
    GATE,
    LOG_CHANCE,
    MAX_GATE_M,
    Floats,
    Ints,
    Looks,
    Tracks,
    best_links,
    fit,
    follow,
    inverse,
    log_density,
    near_pairs,
    products,
    reach_m,
)

MOVING = 13.8
"""The chi-square (of two, 99.9 %) from which a track counts as that of a moving object."""
LEAST_SPEED_M_S = 0.4
MAY_MOVE = 9.2  # 99 %
_SETTLED = 3  # so many looks that one place explains are something at rest
_FAST_M_S = {"person": 1.2, "bicycle": 4.0, "vehicle": 8.0}
_TOP_M_S = {"person": 4.0, "bicycle": 12.0, "vehicle": 30.0}
_TURNING = 0.15  # how far, of the way since, a moving object may be off its straight course
_LONGEST_S = 300.0
_DRIFT_M, _DRIFT_S = 0.5, 300.0
"""How far a satellite position wanders within a flight, and how long it takes (Gauss-Markov)."""
_HEATS = (30.0, 12.0, 5.0, 2.5, 1.4, 1.0, 1.0, 1.0)
"""How much larger the noise is taken round by round: first what all agree on roughly, then the rest."""
_HOPEFUL = 4.0  # pairs this many gates apart are looked at again when their tracks have grown
_CAUTION = 2.0  # by how much the spread of the estimated common errors is taken larger


@dataclass(frozen=True, eq=False)
class _Pairs:
    """(P,) pairs of tracks, how far apart they are, what of that single looks explain, and how one sigma of each
    flight-wide error of every flight would part them (P, 2, flights x B)."""

    first: Ints
    second: Ints
    apart: Floats
    noise: Floats
    unlike: Floats


@dataclass(frozen=True, eq=False)
class _Common:
    """What is known of the flight-wide errors of all flights: their values in sigmas, and their covariance."""

    value: Floats
    covariance: Floats


def is_moving(tracks: Tracks) -> npt.NDArray[np.bool_]:
    """(G,) True for the tracks of something that certainly moved."""
    return np.asarray((tracks.motion > MOVING) & (np.linalg.norm(tracks.velocity, axis=1) > LEAST_SPEED_M_S))


def join(looks: Looks, views: npt.NDArray[np.object_] | None = None) -> Ints:
    """(N,) the number of each look's object. `views` (F,) are the polygons of ground in the frames that `looks.frame`
    counts, None for a frame without one."""
    if not len(looks):
        return np.empty(0, dtype=np.intp)
    label = _at_rest(looks)
    tracks = fit(looks, label)
    several = (tracks.count >= _SETTLED) | ((tracks.count > 1) & (tracks.last_s - tracks.first_s > _LONGEST_LOOSE_S))
    loose = (~several | _restless(tracks)) & np.isfinite(tracks.first_s)
    mine = np.flatnonzero(loose[label])
    if not len(mine):
        return label
    free = looks.take(mine)
    courses = follow(free, walking=True)
    area_m2 = _area_m2(looks.place)
    while pairs := _travelling(free, courses, views, area_m2):
        courses = _merged(int(courses.max()) + 1, pairs)[courses]
    label[mine] = int(label.max()) + 1 + courses
    return _renumbered(label)


def _at_rest(looks: Looks) -> Ints:
    """(N,) the number of each look's object if nothing moved: what follows each other in place, and its tracks joined.
    Tracks whose looks no single place explains are taken apart before."""
    label = follow(looks)
    tracks = fit(looks, label)
    apart = np.flatnonzero(_restless(tracks)[label])
    label[apart] = len(tracks) + np.arange(len(apart))
    label = _renumbered(label)
    classes = class_of_tracks(looks, label)
    tracks = fit(looks, label, motion=False)
    first, second = _candidates(tracks, classes)
    common = _agreed(_compared(tracks, first, second), len(tracks))
    while len(first):
        tracks = fit(looks, label, motion=False)
        score, squared = _likeness(_compared(tracks, first, second), common, _CAUTION)
        hopeful = squared <= _HOPEFUL * GATE
        good = np.flatnonzero((score > 0.0) & (squared <= GATE))
        chosen = _best(looks, label, first[good], second[good], score[good])
        if not chosen:
            break
        now = _merged(len(tracks), chosen)
        label = now[label]
        first, second = _met(now[first[hopeful]], now[second[hopeful]])
    return label


def _met(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """The pairs without those of a track with itself, each once."""
    pairs = np.unique(np.stack([np.minimum(one, other), np.maximum(one, other)], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return pairs[:, 0], pairs[:, 1]


def _merged(count: int, pairs: list[tuple[int, int]]) -> Ints:
    """(count,) the new number of each track when these pairs are made one, without gaps."""
    one, other = np.array(pairs, dtype=np.intp).T
    graph = coo_array((np.ones(len(pairs)), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def _renumbered(label: Ints) -> Ints:
    return np.asarray(np.unique(label, return_inverse=True)[1], dtype=np.intp)


def _restless(tracks: Tracks) -> npt.NDArray[np.bool_]:
    """(G,) True for the tracks of something that may have moved."""
    return np.asarray((tracks.motion > MAY_MOVE) & (np.linalg.norm(tracks.velocity, axis=1) > LEAST_SPEED_M_S))


def class_of_tracks(looks: Looks, label: Ints) -> npt.NDArray[np.str_]:
    classes = np.empty(int(label.max()) + 1, dtype=looks.class_name.dtype)
    classes[label] = looks.class_name
    return classes


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
    if flights == 1:
        return _Pairs(i, j, apart, noise, tracks.factors[j] - tracks.factors[i])
    unlike = np.zeros((len(i), 2, flights, wide))
    row = np.arange(len(i))
    unlike[row, :, tracks.flight[j]] += tracks.factors[j]
    unlike[row, :, tracks.flight[i]] -= tracks.factors[i]
    return _Pairs(i, j, apart, noise, unlike.reshape(len(i), 2, flights * wide))


def _agreed(pairs: _Pairs, count: int) -> _Common:
    """The flight-wide errors that make these pairs of `count` tracks agree best."""
    wide = pairs.unlike.shape[2]
    common = _Common(np.zeros(wide), np.eye(wide))
    if not len(pairs.first):
        return common
    for heat in _HEATS:
        heated = replace(pairs, noise=heat * pairs.noise)
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
    return density - LOG_CHANCE, squared


def _best(looks: Looks, label: Ints, first: Ints, second: Ints, score: Floats) -> list[tuple[int, int]]:
    """The pairs of highest score, none with a track in common and none of two tracks in one frame."""
    frames = _frames(looks, label, np.unique(np.concatenate([first, second])))
    taken: set[int] = set()
    chosen = []
    for number in np.lexsort((second, first, -score)).tolist():
        one, other = int(first[number]), int(second[number])
        if one not in taken and other not in taken and frames[one].isdisjoint(frames[other]):
            taken |= {one, other}
            chosen.append((one, other))
    return chosen


def _frames(looks: Looks, label: Ints, wanted: Ints) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {int(one): set() for one in wanted}
    mine = np.flatnonzero(np.isin(label, wanted))
    for track, frame in zip(label[mine].tolist(), looks.frame[mine].tolist(), strict=True):
        found[track].add(frame)
    return found


def _travelling(
    looks: Looks, label: Ints, views: npt.NDArray[np.object_] | None, area_m2: float
) -> list[tuple[int, int]]:
    """Pairs of tracks of moving objects, or of what may be one, that are one object: each has at most one that it goes
    on as, and one that it goes on from."""
    tracks = fit(looks, label)
    classes = class_of_tracks(looks, label)
    sure = is_moving(tracks)
    absent = _absent(looks, label, np.flatnonzero(~sure), views)
    firsts, seconds, scores = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)], [np.empty(0)]
    for name in np.unique(classes):
        mine = np.flatnonzero(classes == name)
        fast, top = _FAST_M_S.get(str(name), 0.0), _TOP_M_S.get(str(name), 0.0)
        if fast and len(mine) > 1:
            i, j, score = _courses(tracks, mine, sure, fast, top, np.log(len(mine) / area_m2), absent)
            firsts.append(i)
            seconds.append(j)
            scores.append(score)
    links = best_links(np.concatenate(firsts), np.concatenate(seconds), np.concatenate(scores), len(tracks))
    return [(int(one), int(other)) for one, other in zip(*links, strict=True)]


def _courses(
    tracks: Tracks,
    mine: Ints,
    sure: npt.NDArray[np.bool_],
    fast_m_s: float,
    top_m_s: float,
    log_chance: float,
    absent: tuple[Floats, Floats],
) -> tuple[Ints, Ints, Floats]:
    """Pairs of these tracks, the earlier one first, of which one may go on as the other, and what speaks for it: the
    place and the speed fit, and neither was seen where it would have been at rest (`absent` before and after)."""
    certain = mine[sure[mine]]
    found = [
        _after(tracks, mine, mine, 2.0 * _LONGEST_LOOSE_S),
        _after(tracks, certain, mine, _LONGEST_S),
        _after(tracks, mine, certain, _LONGEST_S),
    ]
    i, j = np.divmod(np.unique(np.concatenate([one * len(tracks) + other for one, other in found])), len(tracks))
    apart = tracks.place[j] - tracks.place[i]
    since = tracks.middle_s[j] - tracks.middle_s[i]
    near = np.linalg.norm(apart, axis=1) <= top_m_s * since
    i, j, apart, since = i[near], j[near], apart[near], since[near]
    velocity, spread = _believed(tracks, fast_m_s)
    turn = (_TURNING * np.linalg.norm(velocity[i], axis=1))[:, None, None] ** 2 * np.eye(2)
    news, both = tracks.velocity[j] - velocity[i], spread[i] + tracks.velocity_covariance[j] + turn
    gain = spread[i] @ inverse(both)
    alike, squared_alike = log_density(news, both)
    usual, _ = log_density(tracks.velocity[j], tracks.velocity_covariance[j] + fast_m_s**2 * np.eye(2))
    course = velocity[i] + (gain @ news[:, :, None])[:, :, 0]
    noise = tracks.noise[i] + tracks.noise[j] + products(tracks.factors[i] - tracks.factors[j])
    covariance = noise + (spread[i] - gain @ spread[i] + turn) * (since**2)[:, None, None]
    density, squared = log_density(apart - course * since[:, None], covariance)
    gone = np.where(sure[i], 0.0, absent[1][i] + _LOG_RESTS) + np.where(sure[j], 0.0, absent[0][j] + _LOG_RESTS)
    score = density - log_chance + alike - usual + gone
    possible = np.flatnonzero((squared <= GATE) & (squared_alike <= GATE))
    i, j, score = i[possible], j[possible], score[possible]
    score = score + _third(tracks, (i, j), apart[possible], since[possible], noise[possible], fast_m_s)
    good = score > _CERTAIN
    return i[good], j[good], score[good]


def _after(tracks: Tracks, first: Ints, second: Ints, longest_s: float) -> Ints:
    """(2, P) pairs of which the other begins after the one has ended, at most so long after."""
    order = second[np.argsort(tracks.first_s[second], kind="stable")]
    start, end = tracks.first_s[order], tracks.last_s[first]
    low, high = np.searchsorted(start, end, side="right"), np.searchsorted(start, end + longest_s, side="right")
    spans = [np.empty(0, dtype=np.intp), *(np.arange(a, b) for a, b in zip(low, high, strict=True))]
    return np.stack([np.repeat(first, high - low), order[np.concatenate(spans)]])


def _third(
    tracks: Tracks, pairs: tuple[Ints, Ints], apart: Floats, since: Floats, noise: Floats, fast_m_s: float
) -> Floats:
    """(P,) what speaks for each pair because a third look lies on its course, in line and in time: how much likelier
    the two steps' velocities agree as they do if one object made both. Only pairs of looks whose speed is guessed."""
    bonus = np.zeros(len(since))
    single = (tracks.count[pairs[0]] == 1) & (tracks.count[pairs[1]] == 1) & (since <= _LONGEST_LOOSE_S)
    short = np.flatnonzero(single)
    if not len(short):
        return bonus
    i, j = pairs[0][short], pairs[1][short]
    velocity, spread = apart[short] / since[short, None], noise[short] / (since[short] ** 2)[:, None, None]
    order = np.argsort(i, kind="stable")
    low, high = np.searchsorted(i[order], j, side="left"), np.searchsorted(i[order], j, side="right")
    one = np.repeat(np.arange(len(j)), high - low)
    if not len(one):
        return bonus
    other = order[np.concatenate([np.arange(a, b) for a, b in zip(low, high, strict=True)])]
    bend, doubt = velocity[other] - velocity[one], spread[other] + spread[one]
    doubt = doubt + ((_TURNING * np.linalg.norm(velocity[one], axis=1)) ** 2)[:, None, None] * np.eye(2)
    agree, squared = log_density(bend, doubt)
    chance, _ = log_density(bend, doubt + 2.0 * fast_m_s**2 * np.eye(2))
    gained = np.where(squared <= GATE, np.maximum(agree - chance, 0.0), 0.0)
    best = np.zeros(len(short))
    np.maximum.at(best, one, gained)
    np.maximum.at(best, other, gained)
    bonus[short] = best
    return bonus


_CERTAIN = 1.0
_LOG_RESTS = -0.7  # half of what was seen too shortly to tell is at rest
_LOG_MISSED = 1.9  # a detector misses what it should see about once in seven times
_LOOKS_AROUND = 3
_EDGE_M = 1.0
_LONGEST_LOOSE_S = 4.0  # two single looks are linked by a guessed speed over so little time only


def _absent(looks: Looks, label: Ints, wanted: Ints, views: npt.NDArray[np.object_] | None) -> tuple[Floats, Floats]:
    """(G,) how strongly the frames just before and just after each of the tracks `wanted` speak against something at
    rest, because they show its place without it: in logarithms."""
    count = int(label.max()) + 1
    before, after = np.zeros(count), np.zeros(count)
    if views is None or not len(wanted):
        return before, after
    order = np.lexsort((looks.frame, label))
    bounds = np.searchsorted(label[order], np.arange(count + 1))
    inner = shapely.buffer(views, -_EDGE_M)
    for sum_, ends, sign in ((before, order[bounds[:-1]], -1), (after, order[bounds[1:] - 1], 1)):
        east, north = looks.place[ends[wanted]].T
        for step in range(1, _LOOKS_AROUND + 1):
            frame = looks.frame[ends[wanted]] + sign * step
            there = (frame >= 0) & (frame < len(inner))
            shown = shapely.contains_xy(inner[np.clip(frame, 0, len(inner) - 1)], east, north)
            sum_[wanted] += _LOG_MISSED * (there & shown)
    return before, after


def _believed(tracks: Tracks, fast_m_s: float) -> tuple[Floats, Floats]:
    """Velocities and their covariances with the prior that objects of the class move at about `fast_m_s`."""
    prior = fast_m_s**2 * np.eye(2)
    gain = prior @ np.linalg.inv(tracks.velocity_covariance + prior)
    return (gain @ tracks.velocity[:, :, None])[:, :, 0], prior - gain @ prior


def _area_m2(place: Floats) -> float:
    """The area of the ground on which anything was found, at least a hectare."""
    try:
        return max(1e4, float(ConvexHull(place).volume)) if len(place) > 3 else 1e4
    except QhullError:
        return 1e4
