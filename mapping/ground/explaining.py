"""Whose look is whose among objects that are known from other looks: those at rest, and those on a course.

Whoever was seen once or twice where something stands all the time, or on the way of somebody who walks, is mostly that
thing or that person. Who walks past one who stands may have been given a look of the other; and a frame whose attitude
is far off shows a row of parked cars shifted by one, where no look can go back to a place that its neighbour holds. So
a look's own object is asked what it says of the look without it, others what they say, and all looks of a frame are
dealt out together, one to each object, so that they fit best (an assignment problem). Which looks are asked about is
chosen by `mapping.ground.joining`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from mapping.ground.agreeing import DRIFT_M
from mapping.ground.following import ranges
from mapping.ground.links import best_links
from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, inverse, log_density, products, reach_m
from mapping.ground.tracks import WELL_KNOWN, Looks, Tracks, class_of_tracks, fit, is_moving

_BEYOND_S = 5.0  # how long before its first and after its last look a course is gone on with
_USUAL_M_S = 2.0  # one sigma of either component of a velocity of which hardly anything is known
_CLEARLY = 1.0  # by so much, in logarithms, another explanation has to be better
_LEAST = 1e-3  # what a look gains where it is at least: none is left alone for another's small gain
_NOBODY = -1


def given(
    looks: Looks,
    label: Ints,
    tracks: Tracks,
    of_rest: npt.NDArray[np.bool_],
    of_course: npt.NDArray[np.bool_],
    *,
    clearly: float = _CLEARLY,
) -> Ints:
    """(N,) the numbers of the looks' objects (`label`, and what it makes, `tracks`) with those of the looks changed
    that another well known object explains better than the other looks of their own do, where all looks of the frame
    fit better so, `clearly` (in logarithms) for each that changes. A look whose object another took, and that fits
    nothing else, is alone. Looks may be `of_rest` what is at rest, and `of_course` what moves, where (N,) True.

    Looks are compared with those of their own flight only, whose errors are theirs.
    """
    flights = int(looks.flight.max(initial=0)) + 1
    if flights == 1:
        return _dealt_out(looks, label, tracks, of_rest, of_course, clearly)
    numbers, part = np.unique(label * flights + looks.flight, return_inverse=True)
    now = _dealt_out(looks, part, fit(looks, part), of_rest, of_course, clearly)
    alone = now >= len(numbers)
    whole = numbers[np.where(alone, 0, now)] // flights
    return np.where(alone, len(tracks) + now - len(numbers), whole)


def _dealt_out(
    looks: Looks,
    label: Ints,
    tracks: Tracks,
    of_rest: npt.NDArray[np.bool_],
    of_course: npt.NDArray[np.bool_],
    clearly: float,
) -> Ints:
    """`given`, where every track is of one flight."""
    firm = tracks.count >= WELL_KNOWN
    asked = of_rest | of_course
    if not asked.any() or not firm.any():
        return label
    look, track, density = _explained(looks, label, of_rest, of_course, tracks, np.flatnonzero(firm))
    holder = _holders(looks, label, look, track)
    good = (density > looks.chance[look]) & ((holder == _NOBODY) | asked[holder])
    look, track, gain = look[good], track[good], (density - looks.chance[look])[good]
    mine = np.setdiff1d(np.append(look, holder[good]), [_NOBODY])
    kept = np.maximum(_by_its_own(looks, label, mine)[mine] - looks.chance[mine] + clearly, _LEAST)
    look, track, gain = np.append(look, mine), np.append(track, label[mine]), np.append(gain, kept)
    some = np.flatnonzero(gain > 0.0)
    spot = np.unique(track[some] * (int(looks.frame.max()) + 1) + looks.frame[look[some]], return_inverse=True)[1]
    chosen = some[best_links(look[some], spot, gain[some], max(len(looks), len(some)))]
    now = label.copy()
    now[mine] = len(tracks) + np.arange(len(mine))
    now[look[chosen]] = track[chosen]
    return now


def _holders(looks: Looks, label: Ints, look: Ints, track: Ints) -> Ints:
    """(P,) the track's own look in the look's frame."""
    wide = int(looks.frame.max()) + 1
    order = np.argsort(label * wide + looks.frame, kind="stable")
    known, wanted = (label * wide + looks.frame)[order], track * wide + looks.frame[look]
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, order[at], _NOBODY)


def _by_its_own(looks: Looks, label: Ints, asked: Ints) -> Floats:
    """(N,) log density of the asked looks by what the other looks of their objects say of where they should be; of a
    lone look that of another object there. Infinite for looks that are not asked."""
    own = np.full(len(looks), np.inf)
    own[asked] = looks.chance[asked]
    order = np.argsort(label, kind="stable")
    low, high = (np.searchsorted(label[order], label[asked], side=side) for side in ("left", "right"))
    which, member = np.repeat(np.arange(len(asked)), high - low), order[ranges(low, high)]
    other = member != asked[which]
    if not other.any():
        return own
    numbers, which = np.unique(which[other], return_inverse=True)
    look = asked[numbers]
    rest = fit(looks.take(member[other]), which)
    since = np.where(np.isfinite(rest.middle_s), looks.time_s[look] - rest.middle_s, 0.0)
    prior = np.broadcast_to(_USUAL_M_S**2 * np.eye(2), (len(look), 2, 2))
    gain = prior @ inverse(rest.velocity_covariance + prior)
    apart = looks.place[look] - rest.place - since[:, None] * (gain @ rest.velocity[:, :, None])[:, :, 0]
    spread = looks.noise[look] + rest.noise + products(looks.factors[look] - rest.factors)
    spread = spread + (since**2)[:, None, None] * (prior - gain @ prior) + DRIFT_M**2 * np.eye(2)
    own[look] = np.maximum(own[look], log_density(apart, spread)[0])
    return own


def _explained(
    looks: Looks,
    label: Ints,
    of_rest: npt.NDArray[np.bool_],
    of_course: npt.NDArray[np.bool_],
    tracks: Tracks,
    firm: Ints,
) -> tuple[Ints, Ints, Floats]:
    """Pairs of looks and firm tracks of their class at whose place they are, with the log density there."""
    moving = is_moving(tracks)
    near = _at_place(looks, np.flatnonzero(of_rest), tracks, firm[~moving[firm]])
    due = _in_time(looks, np.flatnonzero(of_course), tracks, firm[moving[firm]])
    look, track = (np.concatenate(both) for both in zip(near, due, strict=True))
    classes = class_of_tracks(looks, label)
    same = (classes[track] == looks.class_name[look]) & (track != label[look])
    same &= tracks.flight[track] == looks.flight[look]
    look, track = look[same], track[same]
    since = np.where(moving[track], looks.time_s[look] - tracks.middle_s[track], 0.0)
    apart = looks.place[look] - tracks.place[track] - since[:, None] * tracks.velocity[track]
    near_by = np.linalg.norm(apart, axis=1) <= MAX_GATE_M
    look, track, since, apart = look[near_by], track[near_by], since[near_by], apart[near_by]
    spread = looks.noise[look] + tracks.noise[track] + products(looks.factors[look] - tracks.factors[track])
    spread += (since**2)[:, None, None] * tracks.velocity_covariance[track] + DRIFT_M**2 * np.eye(2)
    density, squared = log_density(apart, spread)
    good = squared <= GATE
    return look[good], track[good], density[good]


def _at_place(looks: Looks, asked: Ints, tracks: Tracks, standing: Ints) -> tuple[Ints, Ints]:
    """Pairs of a look and a track at rest that are near each other."""
    reach = float(reach_m(looks.noise[asked] + products(looks.factors[asked])).max(initial=DRIFT_M)) + DRIFT_M
    trees = [cKDTree(looks.place[asked]), cKDTree(tracks.place[standing])]
    met = trees[0].sparse_distance_matrix(trees[1], min(reach, MAX_GATE_M), output_type="ndarray")
    return asked[met["i"]], standing[met["j"]]


def _in_time(looks: Looks, asked: Ints, tracks: Tracks, going: Ints) -> tuple[Ints, Ints]:
    """Pairs of a look and a moving track that was, or may have been, in sight then."""
    order = asked[np.argsort(looks.time_s[asked], kind="stable")]
    low = np.searchsorted(looks.time_s[order], tracks.first_s[going] - _BEYOND_S)
    high = np.searchsorted(looks.time_s[order], tracks.last_s[going] + _BEYOND_S)
    return order[ranges(low, high)], np.repeat(going, high - low)
