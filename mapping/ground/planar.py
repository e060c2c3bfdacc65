"""Arithmetic of many uncertain places in the plane at once: their covariances, how likely two are one, which are near
each other, and sums by label. What the places are of is left to those who reckon with them.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

GATE = -2.0 * math.log(0.001)
"""Chi-square of two degrees of freedom at 99.9 %, as `mapping.ground.ellipse` reckons it."""
MAX_GATE_M = 30.0  # however uncertain, places farther apart are never taken for one object at rest


def near_pairs(place: Floats, reach: Floats, time_s: Floats | None = None, lapse_s: float = 1.0) -> tuple[Ints, Ints]:
    """All pairs i < j of (N, 2) places nearer than the root of two times the larger `reach` of the two (N,), and where
    times are given nearer in time than `lapse_s`; a few more may be among them.

    Points go into trees by the power of two of their reach, so that one place of great uncertainty does not make all
    others look far.
    """
    if not len(place):
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    level = np.ceil(np.log2(np.maximum(reach, 0.5))).astype(np.intp)
    found: list[Ints] = []
    for high in np.unique(level):
        radius = np.sqrt(2.0) * 2.0**high
        lift = [] if time_s is None else [time_s[:, None] * (radius / lapse_s)]
        points = np.hstack([place, *lift])
        radius *= 1.0 if time_s is None else np.sqrt(2.0)
        mine = np.flatnonzero(level == high)
        tree = cKDTree(points[mine])
        found.append(mine[tree.query_pairs(radius, output_type="ndarray")].reshape(-1, 2))
        for low in np.unique(level[level < high]):
            others = np.flatnonzero(level == low)
            met = tree.sparse_distance_matrix(cKDTree(points[others]), radius, output_type="ndarray")
            found.append(np.stack([mine[met["i"]], others[met["j"]]], axis=1))
    pairs = np.concatenate(found).astype(np.intp)
    return pairs.min(axis=1), pairs.max(axis=1)


def log_density(apart: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """(P,) log of the normal density of (P, 2) differences, and their squared Mahalanobis distances."""
    a, b, d = covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]
    determinant = a * d - b * b
    squared = (d * apart[:, 0] ** 2 - 2.0 * b * apart[:, 0] * apart[:, 1] + a * apart[:, 1] ** 2) / determinant
    return -0.5 * squared - np.log(2.0 * np.pi) - 0.5 * np.log(determinant), squared


def products(shifts: Floats) -> Floats:
    """(N, 2, 2) covariances that (N, 2, B) shifts of one sigma each add up to."""
    east, north = shifts[:, 0], shifts[:, 1]
    across = np.einsum("nk,nk->n", east, north)
    rows = [np.einsum("nk,nk->n", east, east), across, across, np.einsum("nk,nk->n", north, north)]
    return np.stack(rows, axis=1).reshape(-1, 2, 2)


def inverse(matrices: Floats) -> Floats:
    """The inverses of (N, 2, 2) symmetric matrices, written out: numpy's own take ten times as long."""
    a, b, d = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 1]
    adjugate = np.stack([d, -b, -b, a], axis=1).reshape(-1, 2, 2)
    return np.asarray(adjugate / (a * d - b * b)[:, None, None])


def reach_m(covariance: Floats, most_m: float = MAX_GATE_M) -> Floats:
    """(N,) how far from each place the gate can reach at most, half of it being the other's share."""
    return np.minimum(np.sqrt(GATE * np.trace(covariance, axis1=1, axis2=2)), most_m)


def summed(values: Floats, label: Ints, count: int) -> Floats:
    """(count, ...) sums of (N, ...) values by label."""
    chosen = csc_array((np.ones(len(label)), label, np.arange(len(label) + 1)), shape=(count, len(label)))
    flat = values.reshape(len(label), math.prod(values.shape[1:]))
    return np.asarray(chosen @ flat).reshape(count, *values.shape[1:])
