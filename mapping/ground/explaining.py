"""Looks that a better known object explains: those at its place, or on its course at their time, in frames where it was
not seen itself.

Whoever was seen once or twice where something stands all the time, or on the way of somebody who walks, is mostly that
thing or that person; and a course through looks at two who stand fits each of its looks worse than they do. A look's
own object is asked what it says of the look without it. Which looks are asked about is chosen by
`mapping.ground.joining`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from mapping.ground.agreeing import DRIFT_M
from mapping.ground.following import ranges
from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, inverse, log_density, products, reach_m
from mapping.ground.tracks import WELL_KNOWN, Looks, Tracks, class_of_tracks, fit, is_moving

_BEYOND_S = 5.0  # how long before its first and after its last look a course is gone on with
_USUAL_M_S = 2.0  # one sigma of either component of a velocity of which hardly anything is known
_CLEARLY = 1.0  # by so much, in logarithms, another explanation has to be better


def given(looks: Looks, label: Ints, tracks: Tracks, asked: npt.NDArray[np.bool_]) -> Ints:
    """(N,) the numbers of the looks' objects (`label`, and what it makes, `tracks`) with those of the `asked` looks
    changed that another well known object explains clearly better than the other looks of their own do: the clearest
    first, and never two of one frame to one object."""
    firm = tracks.count >= WELL_KNOWN
    if not asked.any() or not firm.any():
        return label
    look, track, density = _explained(looks, label, np.flatnonzero(asked), tracks, np.flatnonzero(firm))
    gain = density - _by_its_own(looks, label, np.unique(look))[look] - _CLEARLY
    look, track, gain = look[gain > 0.0], track[gain > 0.0], gain[gain > 0.0]
    wide = int(looks.frame.max()) + 1
    taken = set((label * wide + looks.frame).tolist())
    now = label.copy()
    for number in np.lexsort((track, look, -gain)).tolist():
        one, other = int(look[number]), int(track[number])
        place = other * wide + int(looks.frame[one])
        if now[one] == label[one] and place not in taken:
            taken.add(place)
            now[one] = other
    return now


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


def _explained(looks: Looks, label: Ints, asked: Ints, tracks: Tracks, firm: Ints) -> tuple[Ints, Ints, Floats]:
    """Pairs of asked looks and firm tracks of their class at whose place they are, with the log density there."""
    moving = is_moving(tracks)
    look, track = _near(looks, asked, tracks, firm, moving)
    classes = class_of_tracks(looks, label)
    same = (classes[track] == looks.class_name[look]) & (track != label[look])
    look, track = look[same], track[same]
    since = np.where(moving[track], looks.time_s[look] - tracks.middle_s[track], 0.0)
    apart = looks.place[look] - tracks.place[track] - since[:, None] * tracks.velocity[track]
    spread = looks.noise[look] + tracks.noise[track] + products(looks.factors[look] - tracks.factors[track])
    spread += (since**2)[:, None, None] * tracks.velocity_covariance[track] + DRIFT_M**2 * np.eye(2)
    density, squared = log_density(apart, spread)
    good = squared <= GATE
    return look[good], track[good], density[good]


def _near(looks: Looks, asked: Ints, tracks: Tracks, firm: Ints, moving: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Pairs of looks and tracks near each other: in place, or in time where the track moves."""
    standing = firm[~moving[firm]]
    reach = float(reach_m(looks.noise[asked] + products(looks.factors[asked])).max(initial=DRIFT_M)) + DRIFT_M
    trees = [cKDTree(looks.place[asked]), cKDTree(tracks.place[standing])]
    met = trees[0].sparse_distance_matrix(trees[1], min(reach, MAX_GATE_M), output_type="ndarray")
    look, track = [asked[met["i"]]], [standing[met["j"]]]
    order = asked[np.argsort(looks.time_s[asked], kind="stable")]
    going = firm[moving[firm]]
    low = np.searchsorted(looks.time_s[order], tracks.first_s[going] - _BEYOND_S)
    high = np.searchsorted(looks.time_s[order], tracks.last_s[going] + _BEYOND_S)
    look.append(order[ranges(low, high)])
    track.append(np.repeat(going, high - low))
    return np.concatenate(look), np.concatenate(track)
