"""Which tracks are near enough, in place and time, that one object may have gone from the one to the other.

Every track is looked for ahead of where it ends and back from where it begins, for as long as its speed says where to
look, in a box of space and time that grows with what is not known of its speed. Which of these pairs are one object is
`mapping.ground.courses`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from mapping.ground.planar import Floats, Ints, products, reach_m
from mapping.ground.speeds import TURNING
from mapping.ground.tracks import Tracks

_SIGMAS = 4.0


def reachable(
    tracks: Tracks,
    mine: Ints,
    changed: npt.NDArray[np.bool_],
    believed: tuple[Floats, Floats],
    horizon_s: Floats,
    top_m_s: float,
) -> tuple[Ints, Ints]:
    """Pairs (P,), (P,) of the tracks `mine`, one of them `changed` (G,): the other begins after the one has begun, and
    at most the longer `horizon_s` (G,) of the two after it has ended. `believed` are velocities (G, 2) and their
    covariances (G, 2, 2), `top_m_s` is as fast as anything goes. A few pairs out of reach may be among them."""
    slack = reach_m(tracks.noise + products(tracks.factors))
    found = []
    for sense in (1.0, -1.0):
        one, other = _ahead(tracks, mine, changed, believed, horizon_s, top_m_s, slack, sense)
        found.append(one * len(tracks) + other if sense > 0.0 else other * len(tracks) + one)
    key = np.sort(np.concatenate(found))
    i, j = np.divmod(key[np.diff(key, prepend=-1) > 0], len(tracks))
    later = tracks.first_s[j] > tracks.first_s[i]
    return i[later], j[later]


def _ahead(
    tracks: Tracks,
    mine: Ints,
    changed: npt.NDArray[np.bool_],
    believed: tuple[Floats, Floats],
    horizon_s: Floats,
    top_m_s: float,
    slack: Floats,
    sense: float,
) -> npt.NDArray[np.intp]:
    """(2, P) pairs of tracks of which the other begins where the one may be, as time runs (`sense` 1) or backwards
    (-1). `slack` is how far each place (G,) may be off."""
    first, last = (tracks.first_s, tracks.last_s) if sense > 0.0 else (-tracks.last_s, -tracks.first_s)
    middle, velocity = sense * tracks.middle_s, sense * believed[0]
    speed, doubt = np.linalg.norm(velocity, axis=1), np.sqrt(np.trace(believed[1], axis1=1, axis2=2))
    begin = tracks.place + velocity * (first - middle)[:, None]
    half = 0.5 * (last - first + horizon_s)
    at_s = first + half
    centre = tracks.place + velocity * (at_s - middle)[:, None]
    on = last + horizon_s - middle
    reach = np.minimum(speed * half + _SIGMAS * doubt * on, (top_m_s + speed) * on) + slack + slack[mine].max()
    level = np.floor(np.log2(reach / np.maximum(half, 0.1)))
    found = [np.empty((2, 0), dtype=np.intp)]
    for one, other in ((mine[changed[mine]], mine), (mine[~changed[mine]], mine[changed[mine]])):
        for high in np.unique(level[one]):
            asked = one[level[one] == high]
            if not len(other):
                continue
            pace = 2.0**high
            tree = cKDTree(np.column_stack([begin[other], pace * first[other]]))
            boxes = np.column_stack([centre[asked], pace * at_s[asked]])
            met = tree.query_ball_point(boxes, reach[asked], p=np.inf)
            count = np.array([len(these) for these in met], dtype=np.intp)
            if count.any():
                found.append(np.stack([np.repeat(asked, count), other[np.concatenate(met).astype(np.intp)]]))
    i, j = np.concatenate(found, axis=1)
    due = (first[j] > first[i]) & (first[j] - last[i] <= horizon_s[i])
    i, j = i[due], j[due]
    lapse = first[j] - middle[i]
    miss = np.linalg.norm(begin[j] - tracks.place[i] - velocity[i] * lapse[:, None], axis=1)
    wide = np.minimum(_SIGMAS * (doubt + TURNING * speed), top_m_s + speed)[i] * np.abs(lapse)
    near = miss <= wide + slack[i] + slack[j]
    return np.stack([i[near], j[near]])
