"""What relief makes of errors: over rough ground a ray that is a little off does not land a little off.

First-order errors take the ground for a plane. Here rays off by what the errors are worth are sent out, after a fixed
rule of weighted rays that stands for a normal distribution, and where they land says how errors really move the place:
on the average by a linear map of the first-order shifts (statistical linearisation), and beyond that by a scatter that
no linear map explains. Ridges count too: a ray that passes over one lands far behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapping.ground.elevation import ElevationModel
from mapping.ground.frame import LocalFrame
from mapping.ground.rays import height_on_ray

Floats = npt.NDArray[np.float64]

_ANGLES = 8
_MOST_LOST = 0.5


def _rule() -> tuple[Floats, Floats]:
    """(2, K) points and their weights, exact for the moments of the plane's normal distribution up to the fifth:
    Gauss and Laguerre's two radii, angles in equal steps (Stroud, Approximate Calculation of Multiple Integrals)."""
    angle = 2.0 * np.pi * np.arange(_ANGLES) / _ANGLES
    points, weights = [], []
    for squared, weight, turn in (
        (2.0 - np.sqrt(2.0), 2.0 + np.sqrt(2.0), 0.0),
        (2.0 + np.sqrt(2.0), 2.0 - np.sqrt(2.0), 0.5),
    ):
        ring = angle + turn * angle[1]
        points.append(np.sqrt(2.0 * squared) * np.stack([np.cos(ring), np.sin(ring)]))
        weights.append(np.full(_ANGLES, weight / 4.0 / _ANGLES))
    return np.concatenate(points, axis=1), np.concatenate(weights)


_POINTS, _WEIGHTS = _rule()


@dataclass(frozen=True, eq=False)
class Bending:
    """What becomes of first-order shifts of (N,) places: `turned` (2, 2, N) maps them to what they are on the average,
    `scatter` (3, N: variance east, covariance, variance north) is what comes on top of that, and `lost` (N,) is True
    where so many of the rays meet no ground that the place is none."""

    turned: Floats
    scatter: Floats
    lost: npt.NDArray[np.bool_]


def bend(
    terrain: ElevationModel, local: LocalFrame, origin: Floats, place: Floats, normal: Floats, covariance: Floats
) -> Bending:
    """How relief bends the first-order errors of (N,) places. `origin` and `place` (3, N) are cameras and places with
    the terrain's heights, `normal` (3, N) that of the ground, `covariance` (3, N) of the errors of first order."""
    count = place.shape[1]
    one = np.sqrt(np.maximum(covariance[0], 1e-12))
    two = covariance[1] / one
    three = np.sqrt(np.maximum(covariance[2] - two * two, 1e-12))
    shift = np.stack([one * _POINTS[0][:, None], two * _POINTS[0][:, None] + three * _POINTS[1][:, None]])  # (2, K, N)
    up = -(normal[0] * shift[0] + normal[1] * shift[1]) / normal[2]
    level = np.hypot(place[0] - origin[0], place[1] - origin[1])
    # the ray is straight where the place, on the round earth, has been bent up to
    straight = place[2] - height_on_ray(np.zeros(count), np.zeros(count), level)
    toward = np.stack([place[0] + shift[0] - origin[0], place[1] + shift[1] - origin[1], straight + up - origin[2]])
    toward /= np.sqrt((toward * toward).sum(axis=0))
    rays = toward.reshape(3, -1)
    cameras = np.broadcast_to(origin[:, None, :], toward.shape).reshape(3, -1)
    hits = terrain.meet(local, cameras.T, rays.T)
    landed = (cameras[:2] + rays[:2] * hits.slant_m).reshape(2, len(_WEIGHTS), count) - place[:2, None, :]
    met = np.isfinite(landed[0])
    weight = np.where(met, _WEIGHTS[:, None], 0.0)
    kept = weight.sum(axis=0)
    weight /= np.maximum(kept, 1e-9)
    landed = np.where(met, landed, 0.0)
    both = np.einsum("kn,ikn,jkn->ijn", weight, landed, landed)
    with_first = np.einsum("kn,ikn,jkn->ijn", weight, landed, shift)
    first = np.einsum("kn,ikn,jkn->ijn", weight, shift, shift)
    determinant = first[0, 0] * first[1, 1] - first[0, 1] ** 2
    inverse = np.stack([np.stack([first[1, 1], -first[0, 1]]), np.stack([-first[0, 1], first[0, 0]])]) / determinant
    turned = np.einsum("ijn,jkn->ikn", with_first, inverse)
    explained = np.einsum("ijn,kjn->ikn", turned, with_first)
    scatter = np.stack([both[i, j] - explained[i, j] for i, j in ((0, 0), (0, 1), (1, 1))])
    return Bending(turned, scatter, kept < 1.0 - _MOST_LOST)
