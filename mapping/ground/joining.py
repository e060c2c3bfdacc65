"""Which tracks are one object: seen again on the next transect, minutes later, or in another flight.

Objects at rest come first. Before anything is joined the flight-wide errors on which most pairs of tracks agree are
estimated (`mapping.ground.agreeing`). Only then are tracks joined, the likeliest pair first, where what is left of
their difference lies within the gate and one object is a likelier reason for both than two are. All that is done
twice: the second time with the errors of flights and of single frames taken out that the objects of the first time
show. What was estimated serves this choice only; no place is moved by it.

What certainly moved while it was in sight takes no part in this, nor what was seen on one pass only: whoever walks
slowly looks then like somebody who stands. It is left to `mapping.ground.sequences`, while it is in sight, and
`mapping.ground.courses`, with the errors of single frames taken out as far as what is at rest shows them
(`mapping.ground.steadying`), and joined as a thing at rest where no course takes it. Before and after, looks are given
to what is better known and explains them (`mapping.ground.explaining`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from mapping.ground.agreeing import DRIFT_M, agreed, compared, likeness
from mapping.ground.courses import follow_movers
from mapping.ground.explaining import given
from mapping.ground.following import follow
from mapping.ground.overlooked import Pictures, pictures
from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, near_pairs, products, reach_m
from mapping.ground.sequences import in_sequence
from mapping.ground.speeds import rests, speeds_m_s
from mapping.ground.standing import stands
from mapping.ground.steadying import steadied
from mapping.ground.tracks import (
    MOVES,
    PASS_S,
    WELL_KNOWN,
    Looks,
    Tracks,
    class_of_tracks,
    disjoint_pairs,
    fit,
    fit_anew,
    is_moving,
    merged,
    renumbered,
    restless,
)

_SETTLED = 3  # so many looks that one place explains are something at rest
_STAYED_S = 4.0  # who is still there after so long stands, where nothing else is known
_HARDLY = 0.03  # who moves so unlikely stands, though one pass saw it only
_FEW_MISSES = 2  # who was seen twice at one place and missed there more often may be two who passed
_REARRANGED, _FEW = 2, 1e-3  # so often at most, and not again for so small a share of looks
_AMONG_EQUALS = 0.3  # by so much, in logarithms, another thing at rest has to explain a look better than its own
_FAR_M = 60.0  # as far as flight-wide errors may part looks at one place, where it is not crowded
_CROWDED = 20.0  # so many others that a track may be one with
_HOPEFUL = 4.0  # pairs this many gates apart are looked at again when their tracks have grown
_CAUTION = 2.0  # by how much the spread of the estimated common errors is taken larger


def join(looks: Looks, views: npt.NDArray[np.object_] | None = None) -> Ints:
    """(N,) the number of each look's object. `views` (F,) are the polygons of ground in the frames that `looks.frame`
    counts, None for a frame without one."""
    if not len(looks):
        return np.empty(0, dtype=np.intp)
    first = follow(looks)
    tracks = fit(looks, first)
    steady = steadied(looks, first, np.flatnonzero((~restless(tracks) & (tracks.count > 1))[first]))
    shown = pictures(looks, views)
    label, moving = _sorted_out(looks, steady, follow(steady), shown)
    # what is at one place from all sides tells the errors of flights and frames far better than what follows each other
    steady = steadied(looks, label, np.flatnonzero(~moving))
    label, moving = _sorted_out(steady, steady, follow(steady), shown)
    resting = np.flatnonzero(~moving)
    steady, label = _rearranged(looks, label, resting)
    moving[resting[np.bincount(label[resting])[label[resting]] == 1]] = True
    moving &= np.isfinite(looks.time_s)  # without a time nothing is known of motion
    return _with_movers(steady, label, moving, shown)


def _rearranged(looks: Looks, label: Ints, resting: Ints) -> tuple[Looks, Ints]:
    """The looks with the errors taken out that objects at rest show, and the numbers (N,) of their objects, when looks
    of one frame have changed places as these errors make it likelier. `resting` are the indices of their looks."""
    for _ in range(_REARRANGED):
        steady = steadied(looks, label, resting)
        mine, own = steady.take(resting), renumbered(label[resting])
        every = np.ones(len(own), dtype=np.bool_)
        now = renumbered(given(mine, own, fit(mine, own, motion=False), every, ~every, clearly=_AMONG_EQUALS))
        label = label.copy()
        label[resting] = now
        if np.count_nonzero(now != own) <= _FEW * len(own):
            return steady, label
    return steadied(looks, label, resting), label


def _with_movers(looks: Looks, label: Ints, moving: npt.NDArray[np.bool_], shown: Pictures) -> Ints:
    """(N,) the number of each look's object, `label` being that of what is at rest and `moving` the other looks."""
    free = loose = np.flatnonzero(moving)
    if not len(free):
        return renumbered(label)
    label = label.copy()
    label[free] = len(looks) + in_sequence(looks.take(free), shown)
    label = renumbered(label)
    tracks = fit(looks, label)
    asked = moving & _passing(tracks)[label]
    label = given(looks, label, tracks, asked, asked)
    free = free[~np.isin(label[free], label[~moving])]
    if not len(free):
        return renumbered(label)
    mine = looks.take(free)
    found = follow_movers(mine, renumbered(label[free]), shown)
    label[free] = len(looks) + found
    label = renumbered(label)
    tracks = fit(looks, label)
    label = given(looks, label, tracks, _passing(tracks)[label], np.ones(len(looks), dtype=np.bool_))
    return _joined_at_rest(looks, renumbered(label), loose)


def _passing(tracks: Tracks) -> npt.NDArray[np.bool_]:
    """(G,) True for what moves or was hardly seen, whose looks others may explain."""
    return np.asarray(is_moving(tracks) | (tracks.count < WELL_KNOWN))


def _joined_at_rest(looks: Looks, label: Ints, loose: Ints) -> Ints:
    """(N,) the number of each look's object: what does not move though some of its looks are `loose`, which something
    moving could have explained, is joined with what is at rest at its place."""
    tracks = fit(looks, label)
    still = ~is_moving(tracks)
    asked = np.unique(label[loose])
    asked = asked[still[asked]]
    if not len(asked):
        return label
    reach = float(reach_m(tracks.noise[asked] + products(tracks.factors[asked])).max())
    apart, _ = cKDTree(tracks.place[asked]).query(tracks.place, distance_upper_bound=reach)
    left = np.flatnonzero((still & np.isfinite(apart))[label])
    label = label.copy()
    label[left] = len(looks) + _at_rest(looks.take(left), renumbered(label[left]))
    return renumbered(label)


def _sorted_out(looks: Looks, steady: Looks, label: Ints, shown: Pictures) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """(N,) the number of each look's object at rest, joined by the places in `looks`, and True for the looks that
    nothing at rest explains. `label` is what follows each other in place in `steady`."""
    tracks = fit(steady, label)
    moving = _on_their_way(steady, label, tracks)
    apart = np.flatnonzero((restless(tracks) | ~stands(steady, label))[label])
    label[apart] = len(tracks) + np.arange(len(apart))
    standing = np.flatnonzero(~moving)
    mine = looks.take(standing)
    found = np.zeros(len(looks), dtype=np.intp)
    found[standing] = _at_rest(mine, renumbered(label[standing]))
    tracks = fit(mine, found[standing])
    classes = class_of_tracks(mine, found[standing])
    fixed = _settled(tracks, classes, shown) & ~restless(tracks) & stands(mine, found[standing])
    loose = ~fixed & np.isfinite(tracks.first_s)
    moving[standing] = loose[found[standing]]
    return found, moving


def _settled(tracks: Tracks, classes: npt.NDArray[np.str_], shown: Pictures) -> npt.NDArray[np.bool_]:
    """(G,) True for what was seen so often at one place that it must stand there."""
    lapse_s = tracks.last_s - tracks.first_s
    if shown.none:
        return np.asarray((tracks.count >= _SETTLED) | ((tracks.count > 1) & (lapse_s > _STAYED_S)))
    misses = shown.misses(tracks)
    often = (tracks.count >= _SETTLED) | ((tracks.count > 1) & (misses <= _FEW_MISSES))
    return np.asarray(
        (often & (lapse_s > PASS_S)) | ((tracks.count >= _SETTLED) & _hardly_moves(tracks, classes, misses))
    )


def _hardly_moves(tracks: Tracks, classes: npt.NDArray[np.str_], misses: Floats) -> npt.NDArray[np.bool_]:
    """(G,) True for what moves so unlikely, by its velocity and by where it was missed."""
    found = np.zeros(len(tracks), dtype=np.bool_)
    for name in np.unique(classes):
        speeds = speeds_m_s(str(name))
        if speeds is not None:
            found |= (classes == name) & (rests(tracks, speeds[0], misses) > np.log(MOVES / _HARDLY))
    return found


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
    flights = int(looks.flight.max()) + 1
    common = agreed(tracks, *_candidates_at_large(tracks, classes), flights)
    place, spread = common.taken_out(tracks, _CAUTION)
    first, second = _candidates(tracks, classes, place, spread, MAX_GATE_M)
    score, squared = likeness(compared(tracks, first, second, flights), common, _CAUTION)
    while len(first):
        good = np.flatnonzero((score > 0.0) & (squared <= GATE))
        chosen = disjoint_pairs(looks, label, first[good], second[good], score[good])
        if not chosen:
            break
        now = merged(len(tracks), *np.array(chosen, dtype=np.intp).T)
        grown = np.zeros(int(now.max()) + 1, dtype=np.bool_)
        grown[now[np.array(chosen).ravel()]] = True
        label = now[label]
        tracks = fit_anew(looks, label, tracks, now, grown, motion=False)
        hopeful = squared <= _HOPEFUL * GATE
        first, second, score, squared = now[first[hopeful]], now[second[hopeful]], score[hopeful], squared[hopeful]
        changed = grown[first] | grown[second]
        same = ~changed
        i, j = _met(first[changed], second[changed])
        new_score, new_squared = likeness(compared(tracks, i, j, flights), common, _CAUTION)
        first, second = np.concatenate([first[same], i]), np.concatenate([second[same], j])
        score, squared = np.concatenate([score[same], new_score]), np.concatenate([squared[same], new_squared])
    return label


def _met(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """The pairs without those of a track with itself, each once."""
    pairs = np.unique(np.stack([np.minimum(one, other), np.maximum(one, other)], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return pairs[:, 0], pairs[:, 1]


def _candidates_at_large(tracks: Tracks, classes: npt.NDArray[np.str_]) -> tuple[Ints, Ints]:
    """Pairs of tracks of one class that may be one object at rest, with all the errors of their flights."""
    spread = products(tracks.factors)
    pairs = _candidates(tracks, classes, tracks.place, spread, MAX_GATE_M)
    if len(pairs[0]) > _CROWDED * len(tracks):
        return pairs
    return _candidates(tracks, classes, tracks.place, spread, _FAR_M)


def _candidates(
    tracks: Tracks, classes: npt.NDArray[np.str_], place: Floats, wide: Floats, most_m: float
) -> tuple[Ints, Ints]:
    """Pairs of tracks of one class near enough to be one object at rest, at these places (G, 2) with errors of the
    covariances `wide` (G, 2, 2) beside their noise."""
    spread = tracks.noise + wide + DRIFT_M**2 * np.eye(2)
    firsts, seconds = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)]
    for name in np.unique(classes):
        mine = np.flatnonzero(classes == name)
        i, j = near_pairs(place[mine], reach_m(spread[mine], most_m))
        firsts.append(mine[i])
        seconds.append(mine[j])
    i, j = np.concatenate(firsts), np.concatenate(seconds)
    apart = place[j] - place[i]
    near = (np.einsum("pi,pi->p", apart, apart) <= most_m**2) & ~_together(tracks, i, j)
    return i[near], j[near]


def _together(tracks: Tracks, i: Ints, j: Ints) -> npt.NDArray[np.bool_]:
    """True for pairs of single looks of one flight at one moment: they are in one frame."""
    return np.asarray((tracks.count[i] + tracks.count[j] == 2) & (tracks.middle_s[i] == tracks.middle_s[j]))
