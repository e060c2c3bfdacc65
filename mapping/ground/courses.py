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

from mapping.ground.following import against_rivals
from mapping.ground.overlooked import Pictures
from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, inverse, log_density, products
from mapping.ground.reaching import reachable
from mapping.ground.speeds import TURNING, believed, rests, speeds_m_s, turning_m_s
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

_SHORT_S, _LONGEST_S = 8.0, 300.0  # for how long after a track another is looked for, at least and at most
_HARDLY = 2.0  # log-odds that one of a pair at the horizon loses to all others there
_CERTAIN = (6.0, 3.0, 1.5, 0.5, 0.25)
"""Log-odds that pairs have to reach, step by step."""


def follow_movers(looks: Looks, label: Ints, shown: Pictures) -> Ints:
    """(N,) the number of each look's object, of looks that may be at something that moves. `label` (N,) numbers the
    tracks they make while in sight, `shown` is the ground in the frames that `looks.frame` counts."""
    tracks = fit(looks, label)
    classes = class_of_tracks(looks, label)
    chance = {name: np.log(shown.crowd_m2(looks.frame[looks.class_name == name])) for name in np.unique(classes)}
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
            now = merged(len(changed), *np.array(pairs, dtype=np.intp).T)
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
        speeds = speeds_m_s(str(name))
        if speeds is not None and len(mine) > 1:
            usual, resting = believed(tracks, speeds[0]), rests(tracks, speeds[0], misses)
            horizon = _horizon_s(tracks, usual, resting, speeds[0], chance[name])
            pairs = reachable(tracks, mine, changed, usual, horizon, speeds[1])
            found.append(_courses(tracks, pairs, usual, resting, speeds, chance[name]))
    i, j, score = (np.concatenate(one) for one in zip(*found, strict=True))
    return i, j, score


def _horizon_s(
    tracks: Tracks, usual: tuple[Floats, Floats], resting: Floats, fast_m_s: float, log_chance: float
) -> Floats:
    """(G,) for how long after a track its speed says where to look, before others are likelier there."""
    velocity, spread = usual
    bend = (TURNING * np.linalg.norm(velocity, axis=1)) ** 2
    variance = np.sqrt(np.linalg.det(spread + bend[:, None, None] * np.eye(2)))
    gained = np.maximum(np.log(fast_m_s**2 / variance), 0.0) - resting - _HARDLY
    reach = np.sqrt(np.exp(np.minimum(gained - log_chance, 50.0)) / (2.0 * np.pi * variance))
    return np.where(tracks.count > 1, np.clip(reach, _SHORT_S, _LONGEST_S), _SHORT_S)


def _courses(
    tracks: Tracks,
    pairs: tuple[Ints, Ints],
    usual: tuple[Floats, Floats],
    resting: Floats,
    speeds: tuple[float, float],
    log_chance: float,
) -> _Links:
    """Those of these pairs of tracks, the one that begins earlier first, of which the one may go on as the other, and
    what speaks for it: the place and the speed fit, and neither is at rest. `speeds` are how fast the class mostly
    goes (one sigma of either component) and at most."""
    i, j = pairs
    known = (tracks.count[i] > 1) | (tracks.count[j] > 1)
    i, j = i[known], j[known]
    (fast_m_s, top_m_s), (velocity, spread) = speeds, usual
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
    turn = turning_m_s(np.linalg.norm(velocity[i], axis=1), alone) * np.sqrt(alone / (alone + steady))
    turn = (turn**2)[:, None, None] * np.eye(2)
    news, both = tracks.velocity[j] - velocity[i], spread[i] + tracks.velocity_covariance[j] + turn
    gain = spread[i] @ inverse(both)
    alike, squared_alike = log_density(news, both)
    anyhow, _ = log_density(tracks.velocity[j], tracks.velocity_covariance[j] + fast_m_s**2 * np.eye(2))
    course = velocity[i] + (gain @ news[:, :, None])[:, :, 0]
    noise = tracks.noise[i] + tracks.noise[j] + products(tracks.factors[i] - tracks.factors[j])
    covariance = noise + (spread[i] - gain @ spread[i]) * (since**2)[:, None, None] + turn * (alone**2)[:, None, None]
    density, squared = log_density(apart - course * since[:, None], covariance)
    score = density - log_chance + alike - anyhow - resting[i] - resting[j] + np.log(MOVES)
    good = (squared <= GATE) & (squared_alike <= GATE) & (score > 0.0)
    return i[good], j[good], score[good]
