"""Whose look is whose among objects at rest, asked for all looks of a frame together.

A frame whose attitude is far off shows a row of parked cars shifted by one, and joining looks pair by pair leaves it
so: each look's right place is taken by its neighbour. Once the objects are known from their other looks, the looks of
each frame are dealt out anew, one to each object, so that all of them fit best (an assignment problem).
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from mapping.ground.agreeing import DRIFT_M
from mapping.ground.links import best_links
from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, inverse, log_density, products, reach_m, summed
from mapping.ground.tracks import WELL_KNOWN, Looks, Tracks, class_of_tracks, fit, renumbered

_LEAST = 1e-3  # what a look's own object gains at least: none is left alone for another's small gain
_NONE = -1


def rearranged(looks: Looks, label: Ints) -> Ints:
    """(N,) the number of each look's object, of looks at objects at rest that `label` (N,) numbers: looks of objects
    seen three times and more have changed places where all those of a frame fit better so. One whose object another
    took is an object by itself."""
    label = renumbered(label)
    if not len(looks):
        return label
    tracks = fit(looks, label, motion=False)
    look, track = _near(looks, label, tracks)
    its = _of_same_frame(looks, label, look, track)
    place = _elsewhere(looks, label, track, its)
    spread = looks.noise[look] + tracks.noise[track] + products(looks.factors[look] - tracks.factors[track])
    density, squared = log_density(looks.place[look] - place, spread + DRIFT_M**2 * np.eye(2))
    gain = np.where(squared <= GATE, density - looks.chance[look], 0.0)
    own = label[look] == track
    gain = np.where(own, np.maximum(gain, _LEAST), gain)
    some = np.flatnonzero(gain > 0.0)
    spot = np.unique(track[some] * (int(looks.frame.max()) + 1) + looks.frame[look[some]], return_inverse=True)[1]
    chosen = some[best_links(look[some], spot, gain[some], max(len(looks), len(some)))]
    moved = chosen[~own[chosen]]
    now = label.copy()
    now[look[moved]] = track[moved]
    robbed = np.setdiff1d(its[moved], np.append(look[moved], _NONE))
    now[robbed] = len(tracks) + np.arange(len(robbed))
    return now


def _near(looks: Looks, label: Ints, tracks: Tracks) -> tuple[Ints, Ints]:
    """Pairs of a look and a track of its class that it is near to, both of objects well known."""
    firm = np.flatnonzero(tracks.count >= WELL_KNOWN)
    mine = np.flatnonzero(tracks.count[label] >= WELL_KNOWN)
    if not len(mine):
        return mine, mine
    reach = float(reach_m(looks.noise[mine] + products(looks.factors[mine])).max()) + DRIFT_M
    trees = [cKDTree(looks.place[mine]), cKDTree(tracks.place[firm])]
    met = trees[0].sparse_distance_matrix(trees[1], min(reach, MAX_GATE_M), output_type="ndarray")
    look, track = mine[met["i"]], firm[met["j"]]
    same = class_of_tracks(looks, label)[track] == looks.class_name[look]
    return look[same], track[same]


def _of_same_frame(looks: Looks, label: Ints, look: Ints, track: Ints) -> Ints:
    """(P,) the track's own look in the look's frame, -1 where it has none."""
    wide = int(looks.frame.max()) + 1
    order = np.argsort(label * wide + looks.frame, kind="stable")
    known, wanted = (label * wide + looks.frame)[order], track * wide + looks.frame[look]
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, order[at], _NONE)


def _elsewhere(looks: Looks, label: Ints, track: Ints, its: Ints) -> Floats:
    """(P, 2) where each track is by its looks but for the one given (-1: all)."""
    weight = inverse(looks.noise + products(looks.factors))
    weighted = (weight @ looks.place[:, :, None])[:, :, 0]
    count = int(label.max()) + 1
    whole, sums = summed(weight, label, count)[track], summed(weighted, label, count)[track]
    whole = whole - np.where((its != _NONE)[:, None, None], weight[its], 0.0)
    sums = sums - np.where((its != _NONE)[:, None], weighted[its], 0.0)
    return np.asarray((inverse(whole) @ sums[:, :, None])[:, :, 0])
