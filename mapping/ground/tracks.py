"""Detections of one object as a track: what it says of where the object was and whether it moved.

Which detections are one object is `mapping.ground.following` where they follow each other, `mapping.ground.joining`
where the object was lost from sight between them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from mapping.ground.planar import (
    Floats,
    Ints,
    inverse,
    products,
    summed,
)

_AROUND_M = 15.0
_LONE = 0.25  # how many others are taken to be near where none is seen
_BOTH_MISSED = 0.025
"""The chance that of two objects the one is missed now and the other then: of each one look in six or seven."""
LOG_LONE, LOG_DENSEST = float(np.log(1e-4)), float(np.log(1e-3))
"""Log densities, per square metre, that chances are kept between: of a person with nobody in sight, to whom strays and
false alarms may still come near, and of objects 5 m apart on all sides (what is nearer is mostly seen twice)."""

MOVING = 13.8
"""The chi-square (of two, 99.9 %) from which a track counts as that of a moving object."""
LEAST_SPEED_M_S = 0.4
MAY_MOVE = 9.2  # 99 %

MOVES = 0.3
"""The share of objects that move, among those that may."""
WELL_KNOWN = 3
"""So many looks make an object whose place or course others may be found to be of."""
PASS_S = 10.0
"""What is seen again later than this was flown over again."""

_LOOSE_M_S = 30.0  # what is known of a velocity before anything is measured


@dataclass(frozen=True, eq=False)
class Looks:
    """(N,) located detections: the place of their frame in the order of time, its time (NaN if unknown), flight and
    class, places (N, 2) in metres, their noise (N, 2, 2) and flight-wide factors (N, 2, B). `chance` is the log
    density, per square metre, of another object at a place where one is looked for."""

    frame: Ints
    time_s: Floats
    flight: Ints
    class_name: npt.NDArray[np.str_]
    place: Floats
    noise: Floats
    factors: Floats
    chance: Floats

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, index: npt.NDArray[np.intp]) -> Looks:
        """The detections at these indices."""
        return Looks(**{one.name: getattr(self, one.name)[index] for one in fields(self)})


@dataclass(frozen=True, eq=False)
class Tracks:
    """(G,) tracks of looks: how many, from when to when, and the mean place, weighted by the inverse of the
    covariances, with what the weights make of noise (G, 2, 2) and flight-wide factors (G, 2, B); `middle_s` is the mean
    time with these weights. `velocity` (G, 2) in m/s, 0 with its prior's covariance where one look is all there is;
    `motion` is how much better a moving object explains the looks than one at rest (chi-square of two); `chance` is
    that of the look with most others about."""

    count: Ints
    first_s: Floats
    last_s: Floats
    middle_s: Floats
    flight: Ints
    place: Floats
    noise: Floats
    factors: Floats
    velocity: Floats
    velocity_covariance: Floats
    motion: Floats
    chance: Floats

    def __len__(self) -> int:
        return len(self.count)

    def take(self, index: npt.NDArray[np.intp]) -> Tracks:
        """The tracks at these indices."""
        return Tracks(**{one.name: getattr(self, one.name)[index] for one in fields(self)})


def log_chances(place: Floats, frame: Ints, class_name: npt.NDArray[np.str_]) -> Floats:
    """(N,) log density, per square metre, of another object of the class at a place where one is looked for, seen when
    that one is not: from how many others of its frame stand about each detection. A lone person found again with a
    large error is hardly another; one of a crowd may be."""
    group = np.unique(np.stack([frame, np.unique(class_name, return_inverse=True)[1]]), axis=1, return_inverse=True)[1]
    if not len(place):
        return np.empty(0)
    tree = cKDTree(np.column_stack([place, 4.0 * _AROUND_M * group.ravel()]))
    others = tree.query_ball_point(tree.data, _AROUND_M, return_length=True) - 1
    density = (others + _LONE) / (np.pi * _AROUND_M**2)
    return np.clip(np.log(_BOTH_MISSED * density), LOG_LONE, LOG_DENSEST)


def fit(looks: Looks, label: Ints, *, motion: bool = True) -> Tracks:
    """The tracks whose looks are numbered by `label` (N,), every number from 0 on occurring. Without `motion` all
    count as at rest."""
    count = int(label.max()) + 1 if len(label) else 0
    if not count:
        return _none(looks.factors.shape[2])
    weight = inverse(looks.noise + products(looks.factors))
    mean = inverse(summed(weight, label, count))
    share = mean[label] @ weight
    scalar = np.trace(share, axis1=1, axis2=2) / 2.0
    time_s = np.where(np.isfinite(looks.time_s), looks.time_s, np.nan)
    first = np.full(count, np.inf)
    last = np.full(count, -np.inf)
    np.fmin.at(first, label, time_s)
    np.fmax.at(last, label, time_s)
    flight = np.zeros(count, dtype=np.intp)
    flight[label] = looks.flight
    middle = summed(scalar * np.nan_to_num(time_s - _origin(looks)), label, count) + _origin(looks)
    velocity, spread, gain = _motion(looks, label, count, middle) if motion else _at_rest(count)
    return Tracks(
        count=np.bincount(label, minlength=count),
        first_s=np.where(np.isfinite(first), first, np.nan),
        last_s=np.where(np.isfinite(last), last, np.nan),
        middle_s=np.where(np.isfinite(first), middle, np.nan),
        flight=flight,
        place=summed((share @ looks.place[:, :, None])[:, :, 0], label, count),
        noise=summed(share @ looks.noise @ share.transpose(0, 2, 1), label, count),
        factors=summed(share @ looks.factors, label, count),
        velocity=velocity,
        velocity_covariance=spread,
        motion=gain,
        chance=_most(looks.chance, label, count),
    )


def fit_anew(
    looks: Looks, label: Ints, tracks: Tracks, now: Ints, grown: npt.NDArray[np.bool_], *, motion: bool = True
) -> Tracks:
    """As `fit`, when only `grown` (of the new numbers) are not among the `tracks` from before, whose new numbers are
    `now`."""
    numbers = np.flatnonzero(grown)
    mine = np.flatnonzero(grown[label])
    place = np.zeros(len(grown), dtype=np.intp)
    place[numbers] = np.arange(len(numbers))
    news = fit(looks.take(mine), place[label[mine]], motion=motion)
    old = np.zeros(len(grown), dtype=np.intp)
    old[now] = np.arange(len(now))
    columns = {}
    for one in fields(Tracks):
        values = getattr(tracks, one.name)[old]
        values[numbers] = getattr(news, one.name)
        columns[one.name] = values
    return Tracks(**columns)


def _most(values: Floats, label: Ints, count: int) -> Floats:
    """The greatest of the (N,) values with each of `count` labels."""
    most = np.full(count, -np.inf)
    np.maximum.at(most, label, values)
    return most


def _origin(looks: Looks) -> float:
    known = looks.time_s[np.isfinite(looks.time_s)]
    return float(known.min()) if len(known) else 0.0


def _none(wide: int) -> Tracks:
    empty, whole = np.empty(0), np.empty(0, dtype=np.intp)
    matrix = np.empty((0, 2, 2))
    return Tracks(
        *(whole, empty, empty, empty, whole, np.empty((0, 2)), matrix, np.empty((0, 2, wide))),
        *(np.empty((0, 2)), matrix, empty, empty),
    )


def _motion(looks: Looks, label: Ints, count: int, middle: Floats) -> tuple[Floats, Floats, Floats]:
    """Velocity, its covariance, and the chi-square gained by it: least squares for place, velocity and the flight-wide
    errors together, these with the prior that their sigma states, so that an error that grows along the flight line is
    not taken for motion."""
    velocity, spread, motion = _at_rest(count)
    several = (np.bincount(label, minlength=count) > 1)[label] & np.isfinite(looks.time_s)
    if not several.any():
        return velocity, spread, motion
    chosen = looks.take(np.flatnonzero(several))
    groups, inner = np.unique(label[several], return_inverse=True)
    since = chosen.time_s - middle[label[several]]
    wide = looks.factors.shape[2]
    design = np.concatenate(
        [np.broadcast_to(np.eye(2), (len(chosen), 2, 2)), since[:, None, None] * np.eye(2), chosen.factors], axis=2
    )
    weighted = design.transpose(0, 2, 1) @ inverse(chosen.noise)
    place = chosen.place - _mean_place(chosen.place, inner, len(groups))[inner]
    normal = summed(weighted @ design, inner, len(groups))
    normal[:, range(4, 4 + wide), range(4, 4 + wide)] += 1.0
    normal[:, [2, 3], [2, 3]] += _LOOSE_M_S**-2
    asked = np.zeros((len(groups), 4 + wide, 3))  # the looks' own side, and unit vectors for the velocity's covariance
    asked[:, :, 0] = summed((weighted @ place[:, :, None])[:, :, 0], inner, len(groups))
    asked[:, [2, 3], [1, 2]] = 1.0
    solved = np.linalg.solve(normal, asked)[:, 2:4]
    found, spread[groups] = solved[:, :, 0], solved[:, :, 1:]
    velocity[groups] = found
    motion[groups] = np.einsum("gi,gij,gj->g", found, inverse(spread[groups]), found)
    return velocity, spread, motion


def _at_rest(count: int) -> tuple[Floats, Floats, Floats]:
    """What is known of the motion of tracks that say nothing of it."""
    return np.zeros((count, 2)), np.tile(_LOOSE_M_S**2 * np.eye(2), (count, 1, 1)), np.zeros(count)


def _mean_place(place: Floats, label: Ints, count: int) -> Floats:
    return summed(place, label, count) / np.bincount(label, minlength=count)[:, None]


def is_moving(tracks: Tracks) -> npt.NDArray[np.bool_]:
    """(G,) True for the tracks of something that certainly moved."""
    return np.asarray((tracks.motion > MOVING) & (np.linalg.norm(tracks.velocity, axis=1) > LEAST_SPEED_M_S))


def restless(tracks: Tracks) -> npt.NDArray[np.bool_]:
    """(G,) True for the tracks of something that may have moved."""
    return np.asarray((tracks.motion > MAY_MOVE) & (np.linalg.norm(tracks.velocity, axis=1) > LEAST_SPEED_M_S))


def class_of_tracks(looks: Looks, label: Ints) -> npt.NDArray[np.str_]:
    classes = np.empty(int(label.max(initial=-1)) + 1, dtype=looks.class_name.dtype)
    classes[label] = looks.class_name
    return classes


def merged(count: int, one: Ints, other: Ints) -> Ints:
    """(count,) the new number of each of as many when the (P,) pairs of `one` and `other` are made one, without
    gaps."""
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def renumbered(label: Ints) -> Ints:
    return np.asarray(np.unique(label, return_inverse=True)[1], dtype=np.intp)


def disjoint_pairs(looks: Looks, label: Ints, first: Ints, second: Ints, score: Floats) -> list[tuple[int, int]]:
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
