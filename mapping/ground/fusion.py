"""From many detections to one object each: the detections of one object in several frames become one sighting.

Three steps. Detections in frames shortly after each other become tracks (`mapping.ground.following`,
`mapping.ground.sequences`). Tracks of one object seen again later, or in another flight, are joined
(`mapping.ground.joining`, `mapping.ground.courses`). Then each object gets its place: at rest the mean of its
detections, weighted by the inverse of their covariances; moving, the place where it was last seen, with speed and
heading, by least squares with the same weights. Whatever the weights, the covariance is what they make of noise and
flight-wide errors. Two detections of one frame are never one object. Things that a person named are one object per
name, wherever they are, and an unnamed object of the same class at the same place, or on the same way, joins them.

How a pixel gets its place is `mapping.ground.georeference`; which frames and detections take part is
`mapping.ground.locate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapping.ground.contradicting import contradictions
from mapping.ground.errors import FLIGHT_WIDE
from mapping.ground.georeference import GroundPoints
from mapping.ground.joining import join
from mapping.ground.planar import GATE, MAX_GATE_M, Floats, Ints, inverse, log_density, products, summed
from mapping.ground.speeds import TURNING, speeds_m_s
from mapping.ground.tracks import Looks, Tracks, fit, is_moving, log_chances, renumbered

_LEAST_VARIANCE_M2 = 1e-6  # a millimetre: keeps places without any stated error apart from singular matrices
_OWN = ("position east", "position north", "clock")
"""The flight-wide errors that are new in every flight. The others (mounting, height of the ground) may be the same in
flights of one drone over one place: they count as common where flights are averaged. Of what a calibration left
unknown only the height of the ground does."""
ANYTHING = "object"
"""The class of what a person named without saying what it is."""


@dataclass(frozen=True)
class Observation:
    """What fusion needs to know of a located detection beside its place: the frame's place in the order of time, the
    class, the name a person gave (None for what a detector found), the frame's time in seconds (NaN: unknown; what
    moves is then several objects) and the number of its flight, from 0."""

    frame: int
    class_name: str
    named: str | None = None
    time_s: float = float("nan")
    flight: int = 0


@dataclass(frozen=True, eq=False)
class FusedObject:
    """One object: the indices of its detections in ascending order, its place in the local frame, and the covariance
    (2, 2) of that place with noise averaged and flight-wide errors kept whole. `velocity` (east, north, in m/s) is
    None for what is not known to have moved; the place is then that of all detections, else that of the last.
    `contradicts` is True for what a person named where nothing at rest or on one course would be seen so: the
    covariance then is that of its looks about it as well."""

    members: tuple[int, ...]
    east_m: float
    north_m: float
    covariance: Floats
    velocity: tuple[float, float] | None = None
    contradicts: bool = False


def fuse(
    observations: Sequence[Observation], points: GroundPoints, views: npt.NDArray[np.object_] | None = None
) -> list[FusedObject]:
    """The objects behind (N,) located detections, in the order of their first detection; every point must be a hit.

    `views` (F,) are the polygons of ground, in the points' local frame, that the frames counted by
    `Observation.frame` show (None for a frame without one): they tell what left its place from what was overlooked.
    The same input gives the same objects. Time grows a little faster than the number of detections.
    """
    if len(observations) != len(points) or not bool(points.hit.all()):
        raise ValueError("every observation needs one place")
    if not observations:
        return []
    looks = _looks(observations, points)
    named = np.array([one.named is not None for one in observations], dtype=np.bool_)
    label = np.empty(len(looks), dtype=np.intp)
    free = np.flatnonzero(~named)
    found = looks.take(free)
    label[free] = join(found, views)
    count = int(label[free].max()) + 1 if len(free) else 0
    names = sorted({one.named for one in observations if one.named is not None})
    number = {name: count + place for place, name in enumerate(names)}
    for index in np.flatnonzero(named).tolist():
        label[index] = number[str(observations[index].named)]
    if names:
        label = _claimed(looks, label, count)
    return _objects(looks, renumbered(label), named)


def _looks(observations: Sequence[Observation], points: GroundPoints) -> Looks:
    frame = np.array([one.frame for one in observations], dtype=np.intp)
    class_name = np.array([one.class_name for one in observations], dtype=np.str_)
    place = np.stack([points.east_m, points.north_m], axis=1)
    return Looks(
        frame=frame,
        time_s=np.array([one.time_s for one in observations], dtype=np.float64),
        flight=np.array([one.flight for one in observations], dtype=np.intp),
        class_name=class_name,
        place=place,
        noise=points.noise + _LEAST_VARIANCE_M2 * np.eye(2),
        factors=points.factors,
        chance=log_chances(place, frame, class_name),
    )


def _claimed(looks: Looks, label: Ints, count: int) -> Ints:
    """The labels with unnamed objects (below `count`) given to the named ones at whose place and of whose class they
    are, nearest first; what a person named without a class takes anything. What moves is looked for where it was when
    the other was seen, where that is not far."""
    label = renumbered(label)
    tracks = fit(looks, label)
    moving = is_moving(tracks)
    classes = np.empty(len(tracks), dtype=looks.class_name.dtype)
    classes[label] = looks.class_name
    pairs = []
    for name in range(count, len(tracks)):
        unlike = tracks.factors[:count] - tracks.factors[name]
        way, strays = _way(tracks, moving, name, count)
        apart = tracks.place[:count] + way - tracks.place[name]
        own = tracks.flight[:count] == tracks.flight[name]
        bias = np.where(own[:, None, None], products(unlike), _both(tracks.factors, name, count))
        _, squared = log_density(apart, tracks.noise[:count] + tracks.noise[name] + strays + bias)
        fits = (squared <= GATE) & (np.linalg.norm(way, axis=1) <= MAX_GATE_M)
        fits &= (classes[:count] == classes[name]) | (classes[name] == ANYTHING)
        if moving[name]:
            unlike_m_s = tracks.velocity[:count] - tracks.velocity[name]
            both = tracks.velocity_covariance[:count] + tracks.velocity_covariance[name]
            fits &= log_density(unlike_m_s, both)[1] <= GATE
        pairs += [(float(squared[one]), one, name) for one in np.flatnonzero(fits).tolist()]
    taken: set[int] = set()
    for _, one, name in sorted(pairs):
        if not taken & {one, name}:
            taken |= {one, name}
            label[label == one] = name
    return label


def _way(tracks: Tracks, moving: npt.NDArray[np.bool_], name: int, count: int) -> tuple[Floats, Floats]:
    """The way (count, 2) of each unnamed object from when it was seen to when the named one was, as far as either is
    known to move, and the covariance (count, 2, 2) of that."""
    own = moving[:count, None]
    velocity = np.where(own, tracks.velocity[:count], moving[name] * tracks.velocity[name])
    spread = np.where(own[:, None], tracks.velocity_covariance[:count], tracks.velocity_covariance[name])
    lapse_s = np.where(own[:, 0] | moving[name], tracks.middle_s[name] - tracks.middle_s[:count], 0.0)
    lapse_s = np.nan_to_num(lapse_s)[:, None]
    way = velocity * lapse_s
    turned = (TURNING * np.linalg.norm(way, axis=1))[:, None, None] ** 2 * np.eye(2)
    return way, spread * lapse_s[:, None] ** 2 + turned


def _both(factors: Floats, name: int, count: int) -> Floats:
    return products(factors[:count]) + factors[name] @ factors[name].T


def _objects(looks: Looks, label: Ints, named: npt.NDArray[np.bool_]) -> list[FusedObject]:
    """The objects of these labels. What a person named is one object whatever its looks say: it is taken to move only
    where one of them is of a class that moves as fast."""
    tracks = fit(looks, label)
    moving = is_moving(tracks) & ~_too_fast(looks, label, named, np.linalg.norm(tracks.velocity, axis=1))
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    single = len(np.unique(looks.flight)) == 1
    covariance = tracks.noise + products(tracks.factors)
    where, spreads, speed = _courses(looks, label, moving)
    torn, scatter = contradictions(looks, label, named, np.where(moving[:, None], where, tracks.place), speed)
    found = []
    for number, group in enumerate(groups):
        members = tuple(sorted(group.tolist()))
        place, spread, velocity = tracks.place[number], covariance[number], None
        if moving[number]:
            place, spread = where[number], spreads[number]
            velocity = (float(speed[number, 0]), float(speed[number, 1]))
        elif not single and len(np.unique(looks.flight[group])) > 1:
            spread = _across_flights(looks.take(group), tracks.noise[number])
        spread = np.asarray(spread + scatter[number])
        found.append(FusedObject(members, float(place[0]), float(place[1]), spread, velocity, bool(torn[number])))
    return sorted(found, key=lambda item: item.members)


def _too_fast(looks: Looks, label: Ints, named: npt.NDArray[np.bool_], speed_m_s: Floats) -> npt.NDArray[np.bool_]:
    """(G,) True for the named ones of G objects that would go faster than any class of their looks can."""
    tops = {name: (speeds_m_s(name) or (0.0, 0.0))[1] for name in np.unique(looks.class_name).tolist()}
    top_m_s = np.full(len(speed_m_s), np.inf)
    top_m_s[label[named]] = 0.0
    np.maximum.at(top_m_s, label, [tops[name] for name in looks.class_name.tolist()])
    return np.asarray(speed_m_s > top_m_s)


def _courses(looks: Looks, label: Ints, moving: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Places (G, 2) where the moving ones of G objects were last seen, their covariances (G, 2, 2) and the velocities
    (G, 2): straight lines at even speed by least squares, weighted by the inverse of the covariances."""
    count = len(moving)
    state, spread = np.zeros((count, 4)), np.zeros((count, 4, 4))
    mine = np.flatnonzero(moving[label])
    if len(mine):
        looks, (numbers, inner) = looks.take(mine), np.unique(label[mine], return_inverse=True)
        last = np.full(len(numbers), -np.inf)
        np.maximum.at(last, inner, looks.time_s)
        ahead = (looks.time_s - last[inner])[:, None, None] * np.eye(2)
        design = np.concatenate([np.broadcast_to(np.eye(2), (len(looks), 2, 2)), ahead], axis=2)
        weighted = design.transpose(0, 2, 1) @ inverse(looks.noise + products(looks.factors))
        gain = np.linalg.inv(summed(weighted @ design, inner, len(numbers)))[inner] @ weighted
        state[numbers] = summed((gain @ looks.place[:, :, None])[:, :, 0], inner, len(numbers))
        shifts = gain @ looks.factors
        common = summed(shifts, inner, len(numbers))
        spread[numbers] = common @ common.transpose(0, 2, 1)
        lowest, highest = looks.flight.max() * np.ones(len(numbers)), np.zeros(len(numbers))
        np.minimum.at(lowest, inner, looks.flight)
        np.maximum.at(highest, inner, looks.flight)
        for one in np.flatnonzero(lowest < highest).tolist():
            spread[numbers[one]] = _common(shifts[inner == one], looks.flight[inner == one])
        spread[numbers] += summed(gain @ looks.noise @ gain.transpose(0, 2, 1), inner, len(numbers))
    return state[:, :2], spread[:, :2, :2], state[:, 2:]


def _across_flights(looks: Looks, noise: Floats) -> Floats:
    """The covariance of a mean over several flights."""
    weight = inverse(looks.noise + products(looks.factors))
    share = np.linalg.inv(weight.sum(axis=0)) @ weight
    return np.asarray(noise + _common(share @ looks.factors, looks.flight))


def _common(shifts: Floats, flight: Ints) -> Floats:
    """The covariance that (N, K, B) weighted shifts by flight-wide errors add up to: within a flight they are one and
    the same, between flights those of `_OWN` are independent and the others count as the same."""
    wide = shifts.shape[2]
    names = [*FLIGHT_WIDE, ""] if wide == len(FLIGHT_WIDE) + 1 else [_OWN[0]] * (wide - 1) + [""]
    own = np.array([name in _OWN for name in names], dtype=np.bool_)
    same = shifts[:, :, ~own].sum(axis=0)
    spread = same @ same.T
    for one in np.unique(flight):
        mine = shifts[flight == one][:, :, own].sum(axis=0)
        spread = spread + mine @ mine.T
    return np.asarray(spread)
