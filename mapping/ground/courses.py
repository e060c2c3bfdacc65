"""Which tracks are one moving object: lost from sight and seen again, seconds or minutes later.

Where a track would have gone with its speed is compared with where another begins, its speed too where that is known,
an object's turning and slowing allowed for the more the longer it was out of sight. Against it stand all others: the
more objects there are that move or were hardly seen, and the more other tracks would fit as well, the less likely two
are one. The surest pairs are joined first, because what is joined knows its course much better; a look that fits in
the middle of a course is put there. What stays doubtful stays apart: who stops or turns while out of sight is two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import ConvexHull, QhullError

from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, inverse, log_density, products
from mapping.ground.tracks import (
    Looks,
    Tracks,
    against_rivals,
    class_of_tracks,
    disjoint_pairs,
    fit,
    fit_anew,
    follow,
    is_moving,
    merged,
)

LONGEST_LOOSE_S = 4.0
"""Two single looks are linked by a guessed speed over so little time only."""
_FAST_M_S = {"person": 1.2, "bicycle": 4.0, "vehicle": 8.0}
_TOP_M_S = {"person": 4.0, "bicycle": 12.0, "vehicle": 30.0}
_TURNING, _TURNING_S = 0.15, 8.0
"""How far, of the way since, a moving object may be off its straight course; and over what time that comes about."""
_LONGEST_S = 300.0
_CERTAIN = (6.0, 3.0, 1.5, 0.5, 0.25)
"""Log-odds that pairs have to reach, step by step."""
_LOG_RESTS = -0.7  # half of what was seen too shortly to tell is at rest
_LOG_MISSED = 1.9  # a detector misses what it should see about once in seven times
_MOST_MISSED = 0.5
_LOOKS_AROUND = 3
_EDGE_M = 1.0


def follow_movers(looks: Looks, views: npt.NDArray[np.object_] | None = None) -> Ints:
    """(N,) the number of each look's object, of looks that nothing at rest explains. `views` as in
    `mapping.ground.joining.join`."""
    label = follow(looks, walking=True)
    area_m2 = _area_m2(looks, views)
    empty = _emptiness(looks, views)
    classes = class_of_tracks(looks, label)
    chance = {name: np.log(np.count_nonzero(classes == name) / area_m2) for name in np.unique(classes)}
    tracks = fit(looks, label)
    changed = np.ones(len(classes), dtype=np.bool_)
    links = (np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0))
    for least in _CERTAIN:
        while True:
            if changed.any():
                links = _with_changed(links, looks, label, tracks, changed, empty, chance)
                changed[:] = False
            i, j, score = links
            score = against_rivals(i, j, score, len(changed))
            good = score > least
            pairs = disjoint_pairs(looks, label, i[good], j[good], score[good])
            if not pairs:
                break
            grown = np.zeros(len(changed), dtype=np.bool_)
            grown[np.array(pairs).ravel()] = True
            now = merged(len(changed), pairs)
            kept = ~(grown[i] | grown[j])
            links = (now[i[kept]], now[j[kept]], links[2][kept])
            label = now[label]
            changed = np.zeros(int(now.max()) + 1, dtype=np.bool_)
            changed[now[grown]] = True
            tracks = fit_anew(looks, label, tracks, now, changed)
    return label


_Links = tuple[Ints, Ints, Floats]


def _with_changed(
    links: _Links,
    looks: Looks,
    label: Ints,
    tracks: Tracks,
    changed: npt.NDArray[np.bool_],
    empty: Floats,
    chance: dict[str, float],
) -> _Links:
    """The links between tracks, and what speaks for each, with those of the tracks that have `changed` added."""
    classes = class_of_tracks(looks, label)
    sure = is_moving(tracks)
    gone = _gone(looks, label, sure, empty)
    found = [links]
    for name in np.unique(classes):
        mine = np.flatnonzero(classes == name)
        fast, top = _FAST_M_S.get(str(name), 0.0), _TOP_M_S.get(str(name), 0.0)
        if fast and len(mine) > 1:
            pairs = _possible(tracks, mine, sure, changed, fast, chance[name])
            found.append(_courses(tracks, pairs, sure, fast, top, chance[name], gone))
    i, j, score = (np.concatenate(one) for one in zip(*found, strict=True))
    return i, j, score


def _possible(
    tracks: Tracks,
    mine: Ints,
    sure: npt.NDArray[np.bool_],
    changed: npt.NDArray[np.bool_],
    fast_m_s: float,
    log_chance: float,
) -> tuple[Ints, Ints]:
    """Pairs of these tracks, one of them changed, near enough in time that the one's speed says where the other is:
    beyond that, others are likelier there."""
    variance = np.sqrt(np.linalg.det(tracks.velocity_covariance[mine]))
    gained = np.maximum(np.log(fast_m_s**2 / variance), 0.0)
    reach = np.sqrt(np.exp(np.minimum(gained - log_chance + 1.0, 50.0)) / (2.0 * np.pi * variance))
    horizon = np.zeros(len(tracks))
    horizon[mine] = np.where(sure[mine], np.minimum(reach, _LONGEST_S), 0.0)
    found = []
    for new, old in ((True, True), (True, False), (False, True)):
        one, other = mine[changed[mine] == new], mine[changed[mine] == old]
        found.append(_after(tracks, one, other, np.maximum(horizon[one], 2.0 * LONGEST_LOOSE_S)))
        certain = other[sure[other]]
        i, j = _after(tracks, one, certain, np.full(len(one), horizon.max()))
        since = tracks.first_s[j] - tracks.last_s[i]
        extra = (since <= horizon[j]) & (since > np.maximum(horizon[i], 2.0 * LONGEST_LOOSE_S))
        found.append(np.stack([i[extra], j[extra]]))
    i, j = np.concatenate(found, axis=1)
    return i, j


def _courses(
    tracks: Tracks,
    pairs: tuple[Ints, Ints],
    sure: npt.NDArray[np.bool_],
    fast_m_s: float,
    top_m_s: float,
    log_chance: float,
    gone: tuple[Floats, Floats],
) -> _Links:
    """Those of these pairs of tracks, the one that begins earlier first, of which the one may go on as the other, and
    what speaks for it: the place and the speed fit, and neither is at rest (`gone` after the one, before the other)."""
    i, j = pairs
    apart = tracks.place[j] - tracks.place[i]
    since = tracks.middle_s[j] - tracks.middle_s[i]
    within = tracks.first_s[j] <= tracks.last_s[i]
    near = (np.linalg.norm(apart, axis=1) <= top_m_s * np.abs(since)) & (~within | sure[i])
    i, j, apart, since, within = i[near], j[near], apart[near], since[near], within[near]
    velocity, spread = _believed(tracks, fast_m_s)
    miss = np.linalg.norm(apart - velocity[i] * since[:, None], axis=1)
    wide = np.sqrt(np.trace(spread, axis1=1, axis2=2))[i] + _TURNING * np.linalg.norm(velocity[i], axis=1)
    near = ~sure[i] | (miss <= 5.0 * wide * np.abs(since) + MAX_GATE_M)
    i, j, apart, since, within = i[near], j[near], apart[near], since[near], within[near]
    inside = np.minimum(tracks.first_s[j] - tracks.first_s[i], np.abs(tracks.last_s[i] - tracks.last_s[j]))
    alone = np.where(within, inside, tracks.first_s[j] - tracks.last_s[i])
    steady = tracks.last_s[i] - tracks.first_s[i] + tracks.last_s[j] - tracks.first_s[j]
    turn = _TURNING * (1.0 - np.exp(-alone / _TURNING_S)) * np.linalg.norm(velocity[i], axis=1)
    turn *= np.sqrt(alone / (alone + steady))
    turn = (turn**2)[:, None, None] * np.eye(2)
    news, both = tracks.velocity[j] - velocity[i], spread[i] + tracks.velocity_covariance[j] + turn
    gain = spread[i] @ inverse(both)
    alike, squared_alike = log_density(news, both)
    usual, _ = log_density(tracks.velocity[j], tracks.velocity_covariance[j] + fast_m_s**2 * np.eye(2))
    course = velocity[i] + (gain @ news[:, :, None])[:, :, 0]
    noise = tracks.noise[i] + tracks.noise[j] + products(tracks.factors[i] - tracks.factors[j])
    covariance = noise + (spread[i] - gain @ spread[i]) * (since**2)[:, None, None] + turn * (alone**2)[:, None, None]
    density, squared = log_density(apart - course * since[:, None], covariance)
    score = density - log_chance + alike - usual + gone[1][i] + gone[0][j]
    possible = np.flatnonzero((squared <= GATE) & (squared_alike <= GATE))
    i, j, score = i[possible], j[possible], score[possible]
    score = score + _third(tracks, (i, j), apart[possible], since[possible], noise[possible], fast_m_s)
    good = score > 0.0
    return i[good], j[good], score[good]


def _after(tracks: Tracks, first: Ints, second: Ints, longest_s: Floats) -> Ints:
    """(2, P) pairs of which the other begins after the one has begun, and at most so long after it has ended."""
    order = second[np.argsort(tracks.first_s[second], kind="stable")]
    start = tracks.first_s[order]
    low = np.searchsorted(start, tracks.first_s[first], side="right")
    high = np.searchsorted(start, tracks.last_s[first] + longest_s, side="right")
    return np.stack([np.repeat(first, high - low), order[_ranges(low, high)]])


def _ranges(low: Ints, high: Ints) -> Ints:
    """The numbers from each low up to its high, one range after the other."""
    length = high - low
    return np.asarray(np.arange(length.sum()) + np.repeat(low - np.cumsum(length) + length, length), dtype=np.intp)


def _emptiness(looks: Looks, views: npt.NDArray[np.object_] | None) -> Floats:
    """(3, N) how strongly frames that show a look's place without it speak against something at rest there, in
    logarithms: those just before, those just after, and those of other times."""
    empty = np.zeros((3, len(looks)))
    if views is None or not len(looks):
        return empty
    inner = shapely.buffer(views, -_EDGE_M)
    points = shapely.points(looks.place)
    look, frame = shapely.STRtree(inner).query(points, predicate="within")
    later = frame - looks.frame[look]
    for row, chosen in enumerate(((later < 0) & (later >= -_LOOKS_AROUND), (later > 0) & (later <= _LOOKS_AROUND))):
        empty[row] = np.bincount(look[chosen], minlength=len(looks))
    empty[2] = np.bincount(look[np.abs(later) > _LOOKS_AROUND], minlength=len(looks))
    return _LOG_MISSED * np.minimum(empty, _MOST_MISSED)


def _gone(looks: Looks, label: Ints, sure: npt.NDArray[np.bool_], empty: Floats) -> tuple[Floats, Floats]:
    """(G,) what speaks for each track's having moved, of the frames before it and of those after it."""
    order = np.lexsort((looks.frame, label))
    bounds = np.searchsorted(label[order], np.arange(len(sure) + 1))
    first, last = order[bounds[:-1]], order[bounds[1:] - 1]
    before = np.minimum(empty[0, first] + empty[2, first], _LOG_MISSED * _MOST_MISSED)
    after = np.minimum(empty[1, last] + empty[2, last], _LOG_MISSED * _MOST_MISSED)
    return np.where(sure, 0.0, before + _LOG_RESTS), np.where(sure, 0.0, after + _LOG_RESTS)


def _third(
    tracks: Tracks, pairs: tuple[Ints, Ints], apart: Floats, since: Floats, noise: Floats, fast_m_s: float
) -> Floats:
    """(P,) what speaks for each pair because a third look lies on its course, in line and in time: how much likelier
    the two steps' velocities agree as they do if one object made both. Only pairs of looks whose speed is guessed."""
    bonus = np.zeros(len(since))
    single = (tracks.count[pairs[0]] == 1) & (tracks.count[pairs[1]] == 1) & (since <= LONGEST_LOOSE_S)
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
    other = order[_ranges(low, high)]
    bend, doubt = velocity[other] - velocity[one], spread[other] + spread[one]
    turn = _TURNING * (1.0 - np.exp(-since[short][one] / _TURNING_S)) * np.linalg.norm(velocity[one], axis=1)
    doubt = doubt + (turn**2)[:, None, None] * np.eye(2)
    agree, squared = log_density(bend, doubt)
    chance, _ = log_density(bend, doubt + 2.0 * fast_m_s**2 * np.eye(2))
    gained = np.where(squared <= GATE, np.maximum(agree - chance, 0.0), 0.0)
    best = np.zeros(len(short))
    np.maximum.at(best, one, gained)
    np.maximum.at(best, other, gained)
    bonus[short] = best
    return bonus


def _believed(tracks: Tracks, fast_m_s: float) -> tuple[Floats, Floats]:
    """Velocities and their covariances with the prior that objects of the class move at about `fast_m_s`."""
    prior = fast_m_s**2 * np.eye(2)
    gain = prior @ np.linalg.inv(tracks.velocity_covariance + prior)
    return (gain @ tracks.velocity[:, :, None])[:, :, 0], prior - gain @ prior


def _area_m2(looks: Looks, views: npt.NDArray[np.object_] | None) -> float:
    """The area of ground that was looked at, in all frames together: what is in sight of two counts twice. Where that
    is unknown the area on which anything was found, at least a hectare."""
    if views is not None:
        seen = float(np.sum(shapely.area(views), where=~shapely.is_missing(views)))
        if seen > 0.0:
            return seen
    try:
        return max(1e4, float(ConvexHull(looks.place).volume)) if len(looks) > 3 else 1e4
    except QhullError:
        return 1e4
