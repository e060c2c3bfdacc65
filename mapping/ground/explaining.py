"""Looks that a better known object explains: those at its place, or on its course at their time, in frames where it was
not seen itself.

Whoever was seen once or twice beside a thing that stands there all the time, or on the way of somebody who walks, is
mostly that thing or that person. Which looks are asked about is chosen by `mapping.ground.joining`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from mapping.ground.agreeing import DRIFT_M
from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, log_density, products, reach_m
from mapping.ground.tracks import WELL_KNOWN, Looks, Tracks, class_of_tracks, fit, is_moving

_BEYOND_S = 5.0  # how long before its first and after its last look a course is gone on with


def given(looks: Looks, label: Ints, asked: npt.NDArray[np.bool_], *, whole: bool) -> Ints:
    """(N,) the numbers of the looks' objects (`label`, every number from 0 on occurring) with the `asked` looks given
    to the well known objects that explain them, the likeliest first and never two of one frame. Objects of asked looks
    are given nothing. If `whole` an object's looks are given away only where all of them can be."""
    tracks = fit(looks, label)
    firm = tracks.count >= WELL_KNOWN
    firm[label[asked]] = False
    if not asked.any() or not firm.any():
        return label
    look, track, density = _explained(looks, label, np.flatnonzero(asked), tracks, np.flatnonzero(firm))
    wide = int(looks.frame.max()) + 1
    taken = set((label * wide + looks.frame).tolist())
    now = label.copy()
    for number in np.lexsort((track, look, -density)).tolist():
        one, other = int(look[number]), int(track[number])
        place = other * wide + int(looks.frame[one])
        if now[one] == label[one] and place not in taken:
            taken.add(place)
            now[one] = other
    if whole:
        kept = np.bincount(label, now == label, minlength=len(tracks)) > 0
        now = np.where(kept[label], label, now)
    return now


def _explained(looks: Looks, label: Ints, asked: Ints, tracks: Tracks, firm: Ints) -> tuple[Ints, Ints, Floats]:
    """Pairs of asked looks and firm tracks of their class at whose place they are, with the log density there."""
    moving = is_moving(tracks)
    look, track = _near(looks, asked, tracks, firm, moving)
    classes = class_of_tracks(looks, label)
    same = classes[track] == looks.class_name[look]
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
    for one in firm[moving[firm]].tolist():
        around = (tracks.first_s[one] - _BEYOND_S, tracks.last_s[one] + _BEYOND_S)
        low, high = np.searchsorted(looks.time_s[order], around)
        look.append(order[low:high])
        track.append(np.full(high - low, one))
    return np.concatenate(look), np.concatenate(track)
