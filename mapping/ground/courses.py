"""Which tracks are one moving object: lost from sight and seen again, seconds or minutes later.

Where a track would have gone with its speed is compared with where another begins, its speed too where that is known,
an object's turning and slowing allowed for the more the longer it was out of sight. What may as well be at rest has to
be missed where it should stand (`mapping.ground.overlooked`) to count as moving. Against it stand all others: the more
objects there are that move or were hardly seen, and the more other tracks would fit as well, the less likely two
are one. The surest pairs are joined first, because what is joined knows its course much better; a look that fits in
the middle of a course is put there. What stays doubtful stays apart: who stops or turns while out of sight is two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from mapping.ground.following import against_rivals, ranges
from mapping.ground.overlooked import Pictures
from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, inverse, log_density, products
from mapping.ground.reaching import TURNING, reachable
from mapping.ground.tracks import (
    MOVES,
    Looks,
    Tracks,
    class_of_tracks,
    disjoint_pairs,
    fit,
    fit_anew,
    is_moving,
    merged,
)

LONGEST_LOOSE_S = 4.0
"""Two single looks are linked by a guessed speed over so little time only."""
_FAST_M_S = {"person": 1.2, "bicycle": 4.0, "vehicle": 8.0}
_TOP_M_S = {"person": 4.0, "bicycle": 12.0, "vehicle": 30.0}
_TURNING_S = 8.0  # over what time a course comes to be as far off a straight line as it may be
_SHORT_S, _LONGEST_S = 2.0 * LONGEST_LOOSE_S, 300.0
_HARDLY = 2.0  # log-odds that one of a pair at the horizon loses to all others there
_CERTAIN = (6.0, 3.0, 1.5, 0.5, 0.25)
"""Log-odds that pairs have to reach, step by step."""
_LOG_MISSED, _MOST_MISSED = 1.9, 3.0
"""A detector misses what it should see about once in seven times; what it misses once it misses again, so that many
times say little more than three."""


def follow_movers(looks: Looks, label: Ints, shown: Pictures) -> Ints:
    """(N,) the number of each look's object, of looks that may be at something that moves. `label` (N,) numbers the
    tracks they make while in sight, `shown` is the ground in the frames that `looks.frame` counts."""
    tracks = fit(looks, label)
    classes = class_of_tracks(looks, label)
    area_m2 = shown.area_m2 or _area_m2(looks)
    chance = {name: np.log(np.count_nonzero(classes == name) / area_m2) for name in np.unique(classes)}
    changed = np.ones(len(tracks), dtype=np.bool_)
    misses = shown.misses(tracks)
    links = (np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0))
    for least in _CERTAIN:
        while True:
            if changed.any():
                links = _with_changed(links, tracks, class_of_tracks(looks, label), changed, misses, chance)
                changed[:] = False
            i, j, score = links
            score = against_rivals(i, j, score, tracks)
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
            before, misses = misses, np.zeros(len(changed))
            misses[now] = before
            misses = np.where(changed, shown.misses(tracks, changed), misses)
    return label


_Links = tuple[Ints, Ints, Floats]


def _with_changed(
    links: _Links,
    tracks: Tracks,
    classes: npt.NDArray[np.str_],
    changed: npt.NDArray[np.bool_],
    misses: Floats,
    chance: dict[str, float],
) -> _Links:
    """The links between tracks, and what speaks for each, with those of the tracks that have `changed` added."""
    found = [links]
    for name in np.unique(classes):
        mine = np.flatnonzero(classes == name)
        fast, top = _FAST_M_S.get(str(name), 0.0), _TOP_M_S.get(str(name), 0.0)
        if fast and len(mine) > 1:
            believed = _believed(tracks, fast)
            rests = _rests(tracks, fast, misses)
            horizon = _horizon_s(tracks, believed, rests, fast, chance[name])
            pairs = reachable(tracks, mine, changed, believed, horizon, top)
            found.append(_courses(tracks, pairs, believed, rests, (fast, top), chance[name]))
    i, j, score = (np.concatenate(one) for one in zip(*found, strict=True))
    return i, j, score


def _rests(tracks: Tracks, fast_m_s: float, misses: Floats) -> Floats:
    """(G,) how much likelier each track is of anything, at rest or moving, than of something that moves as its class
    does, in logarithms: little for what moved in sight, or was missed where it should stand."""
    rest, _ = log_density(tracks.velocity, tracks.velocity_covariance)
    moves, _ = log_density(tracks.velocity, tracks.velocity_covariance + fast_m_s**2 * np.eye(2))
    gone = _LOG_MISSED * np.minimum(misses, _MOST_MISSED)
    return np.asarray(np.logaddexp(np.log(MOVES), np.log1p(-MOVES) + rest - moves - gone))


def _horizon_s(
    tracks: Tracks, believed: tuple[Floats, Floats], rests: Floats, fast_m_s: float, log_chance: float
) -> Floats:
    """(G,) for how long after a track its speed says where to look, before others are likelier there."""
    velocity, spread = believed
    bend = (TURNING * np.linalg.norm(velocity, axis=1)) ** 2
    variance = np.sqrt(np.linalg.det(spread + bend[:, None, None] * np.eye(2)))
    gained = np.maximum(np.log(fast_m_s**2 / variance), 0.0) - rests - _HARDLY
    reach = np.sqrt(np.exp(np.minimum(gained - log_chance, 50.0)) / (2.0 * np.pi * variance))
    return np.where(tracks.count > 1, np.clip(reach, _SHORT_S, _LONGEST_S), _SHORT_S)


def _courses(
    tracks: Tracks,
    pairs: tuple[Ints, Ints],
    believed: tuple[Floats, Floats],
    rests: Floats,
    speeds_m_s: tuple[float, float],
    log_chance: float,
) -> _Links:
    """Those of these pairs of tracks, the one that begins earlier first, of which the one may go on as the other, and
    what speaks for it: the place and the speed fit, and neither is at rest. `speeds_m_s` are how fast the class mostly
    goes (one sigma of either component) and at most."""
    i, j = pairs
    (fast_m_s, top_m_s), (velocity, spread) = speeds_m_s, believed
    sure = is_moving(tracks)
    apart = tracks.place[j] - tracks.place[i]
    since = tracks.middle_s[j] - tracks.middle_s[i]
    within = tracks.first_s[j] <= tracks.last_s[i]
    near = np.where(within, sure[i], np.linalg.norm(apart, axis=1) <= top_m_s * np.abs(since))
    i, j, apart, since, within = i[near], j[near], apart[near], since[near], within[near]
    miss = np.linalg.norm(apart - velocity[i] * since[:, None], axis=1)
    wide = np.sqrt(np.trace(spread, axis1=1, axis2=2))[i] + TURNING * np.linalg.norm(velocity[i], axis=1)
    near = ~sure[i] | (miss <= 5.0 * wide * np.abs(since) + MAX_GATE_M)
    i, j, apart, since, within = i[near], j[near], apart[near], since[near], within[near]
    inside = np.minimum(tracks.first_s[j] - tracks.first_s[i], np.abs(tracks.last_s[i] - tracks.last_s[j]))
    alone = np.where(within, inside, tracks.first_s[j] - tracks.last_s[i])
    steady = tracks.last_s[i] - tracks.first_s[i] + tracks.last_s[j] - tracks.first_s[j]
    turn = TURNING * (1.0 - np.exp(-alone / _TURNING_S)) * np.linalg.norm(velocity[i], axis=1)
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
    score = density - log_chance + alike - usual - rests[i] - rests[j] + np.log(MOVES)
    possible = np.flatnonzero((squared <= GATE) & (squared_alike <= GATE))
    i, j, score = i[possible], j[possible], score[possible]
    score = score + _third(tracks, (i, j), apart[possible], since[possible], noise[possible], fast_m_s)
    good = score > 0.0
    return i[good], j[good], score[good]


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
    other = order[ranges(low, high)]
    bend, doubt = velocity[other] - velocity[one], spread[other] + spread[one]
    turn = TURNING * (1.0 - np.exp(-since[short][one] / _TURNING_S)) * np.linalg.norm(velocity[one], axis=1)
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


def _area_m2(looks: Looks) -> float:
    """The area on which anything was found, at least a hectare."""
    try:
        return max(1e4, float(ConvexHull(looks.place).volume)) if len(looks) > 3 else 1e4
    except QhullError:
        return 1e4
