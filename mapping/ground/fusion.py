"""From many detections to one object each: the detections of one object in several frames become one sighting.

Frame by frame in the order of time, each frame's detections are assigned to the objects known so far (Hungarian
method) where class and place agree; what is left over begins new objects. So two detections of one frame are never one
object. A second pass joins objects that began twice. Places agree when the squared Mahalanobis distance of their
difference is below the 99.9 % gate; its covariance takes what the two do not have in common, so flight-wide errors
widen the gate only as far as they differ between the frames. Things that a person named are one object per name,
wherever they are. Objects that move farther than the gate between frames become several sightings.

How a pixel gets its place is `mapping.ground.georeference`; which frames and detections take part is
`mapping.ground.locate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.stats import chi2

from mapping.ground.georeference import GroundPoints

Floats = npt.NDArray[np.float64]

GATE = float(chi2.ppf(0.999, df=2))
MAX_GATE_M = 30.0  # however uncertain, places farther apart are never taken for one object
_LEAST_VARIANCE_M2 = 1e-6  # a millimetre: keeps places without any stated error apart from singular matrices
_FORBIDDEN = 1e9


@dataclass(frozen=True)
class Observation:
    """What fusion needs to know of a located detection beside its place: the frame's place in the order of time, the
    class, and the name a person gave (None for what a detector found)."""

    frame: int
    class_name: str
    named: str | None = None


@dataclass(frozen=True, eq=False)
class FusedObject:
    """One object: the indices of its detections in ascending order, its place in the local frame, and the covariance
    (2, 2) of that place with noise averaged and flight-wide errors kept whole."""

    members: tuple[int, ...]
    east_m: float
    north_m: float
    covariance: Floats


@dataclass
class _Cluster:
    """Sums over the detections of one object; adding two clusters adds the sums."""

    members: list[int]
    frames: set[int]
    weight: Floats
    weighted_place: Floats
    weighted_factors: Floats
    weighted_noise: Floats
    place: Floats = field(init=False)
    noise: Floats = field(init=False)
    factors: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._settle()

    def _settle(self) -> None:
        mean = np.linalg.inv(self.weight)
        self.place = mean @ self.weighted_place
        self.factors = mean @ self.weighted_factors
        self.noise = mean @ self.weighted_noise @ mean

    def absorb(self, other: _Cluster) -> None:
        self.members += other.members
        self.frames |= other.frames
        self.weight = self.weight + other.weight
        self.weighted_place = self.weighted_place + other.weighted_place
        self.weighted_factors = self.weighted_factors + other.weighted_factors
        self.weighted_noise = self.weighted_noise + other.weighted_noise
        self._settle()

    def distance(self, other: _Cluster) -> float:
        """The squared Mahalanobis distance of the two places."""
        apart = self.place - other.place
        if apart @ apart > MAX_GATE_M**2:
            return np.inf
        unlike = self.factors - other.factors
        (a, b), (_, d) = self.noise + other.noise + unlike @ unlike.T
        return float((d * apart[0] ** 2 - 2.0 * b * apart[0] * apart[1] + a * apart[1] ** 2) / (a * d - b * b))


def fuse(observations: Sequence[Observation], points: GroundPoints) -> list[FusedObject]:
    """The objects behind (N,) located detections, in the order of their first detection; every point must be a hit.

    A place is the mean of its detections', weighted by the inverse of their covariances; whatever the weights, its
    covariance is what they make of noise and flight-wide errors. The same input gives the same objects.
    """
    if len(observations) != len(points) or not bool(points.hit.all()):
        raise ValueError("every observation needs one place")
    singles = _singles(observations, points)
    groups: dict[tuple[bool, str], list[int]] = {}
    for index, observation in enumerate(observations):
        key = (True, observation.named) if observation.named is not None else (False, observation.class_name)
        groups.setdefault(key, []).append(index)
    clusters: list[_Cluster] = []
    for (is_named, _), members in sorted(groups.items()):
        mine = [singles[index] for index in members]
        clusters += _joined(mine) if is_named else _rejoined(_tracked(mine, _reach(points, members)))
    fused = [
        FusedObject(tuple(sorted(one.members)), float(one.place[0]), float(one.place[1]), _covariance(one))
        for one in clusters
    ]
    return sorted(fused, key=lambda item: item.members)


def _singles(observations: Sequence[Observation], points: GroundPoints) -> list[_Cluster]:
    """A cluster of each detection alone."""
    noise = points.noise + _LEAST_VARIANCE_M2 * np.eye(2)
    weight = np.linalg.inv(noise + points.bias)
    place = np.stack([points.east_m, points.north_m], axis=1)
    weighted_place = (weight @ place[:, :, None])[:, :, 0]
    weighted_factors, weighted_noise = weight @ points.factors, weight @ noise @ weight
    return [
        _Cluster([i], {one.frame}, weight[i], weighted_place[i], weighted_factors[i], weighted_noise[i])
        for i, one in enumerate(observations)
    ]


def _covariance(cluster: _Cluster) -> Floats:
    return np.asarray(cluster.noise + cluster.factors @ cluster.factors.T)


def _joined(singles: list[_Cluster]) -> list[_Cluster]:
    first, *others = singles
    for other in others:
        first.absorb(other)
    return [first]


def _reach(points: GroundPoints, members: list[int]) -> Floats:
    """How far from each place the gate can reach at most: half of it is the other's share."""
    trace = np.trace(points.covariance[members], axis1=1, axis2=2)
    return np.minimum(np.sqrt(GATE * (trace + _LEAST_VARIANCE_M2)), MAX_GATE_M)


def _tracked(singles: list[_Cluster], reach: Floats) -> list[_Cluster]:
    """First pass: each frame's detections assigned to the clusters that their neighbours belong to already."""
    places = np.array([single.place for single in singles])
    near = cKDTree(places).query_ball_point(places, np.minimum(reach + reach.max(), MAX_GATE_M))
    by_frame: dict[int, list[int]] = {}
    for index, single in enumerate(singles):
        by_frame.setdefault(next(iter(single.frames)), []).append(index)
    clusters: list[_Cluster] = []
    cluster_of: dict[int, int] = {}
    for frame in sorted(by_frame):
        new = by_frame[frame]
        known = sorted({cluster_of[j] for index in new for j in near[index] if j in cluster_of})
        for index, chosen in zip(new, _assigned([singles[i] for i in new], [clusters[k] for k in known]), strict=True):
            if chosen is None:
                cluster_of[index] = len(clusters)
                clusters.append(singles[index])
            else:
                cluster_of[index] = known[chosen]
                clusters[known[chosen]].absorb(singles[index])
    return clusters


def _assigned(new: list[_Cluster], known: list[_Cluster]) -> list[int | None]:
    """For each new detection the index of its cluster or None, least total cost; to stay alone costs one gate."""
    if not known:
        return [None] * len(new)
    cost = np.full((len(new), len(known) + len(new)), _FORBIDDEN)
    cost[:, : len(known)] = [[one.distance(other) for other in known] for one in new]
    cost[cost > GATE] = _FORBIDDEN
    cost[np.arange(len(new)), len(known) + np.arange(len(new))] = GATE
    _, columns = linear_sum_assignment(cost)
    return [int(column) if column < len(known) else None for column in columns]


def _rejoined(clusters: list[_Cluster]) -> list[_Cluster]:
    """Second pass: clusters whose settled places agree and that share no frame are one, nearest pair first."""
    while True:
        pairs = _agreeing(clusters)
        taken: set[int] = set()
        for _, i, j in pairs:
            if i not in taken and j not in taken:
                clusters[i].absorb(clusters[j])
                taken |= {i, j}
                clusters[j].members = []
        if not taken:
            return clusters
        clusters = [cluster for cluster in clusters if cluster.members]


def _agreeing(clusters: list[_Cluster]) -> list[tuple[float, int, int]]:
    places = np.array([cluster.place for cluster in clusters])
    spread = np.array([np.trace(_covariance(cluster)) for cluster in clusters])
    reach = np.minimum(np.sqrt(GATE * spread), MAX_GATE_M)
    near = cKDTree(places).query_ball_point(places, np.minimum(reach + reach.max(), MAX_GATE_M))
    pairs = [
        (clusters[i].distance(clusters[j]), i, j)
        for i in range(len(clusters))
        for j in near[i]
        if i < j and not clusters[i].frames & clusters[j].frames
    ]
    return sorted(pair for pair in pairs if pair[0] <= GATE)
