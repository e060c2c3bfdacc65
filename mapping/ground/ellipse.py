"""What a 2 x 2 covariance says in words an officer can use: the 95 % ellipse and the radius that holds 90 %."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import erf

Floats = npt.NDArray[np.float64]

CHI_95 = math.sqrt(-2.0 * math.log(0.05))
"""Chi-square of two degrees of freedom is an exponential distribution: its quantile at p is -2 ln(1 - p)."""
_RATIOS = np.linspace(0.0, 1.0, 101)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)


@dataclass(frozen=True, eq=False)
class Ellipses:
    """(N,) semi-axes in m of 95 % ellipses, bearing of the major axis from north in [0, 180) degrees, and `ce90_m`, the
    radius round the place that holds the object with a probability of 90 %."""

    major_m: Floats
    minor_m: Floats
    bearing_deg: Floats
    ce90_m: Floats


def ellipses(covariance: npt.ArrayLike) -> Ellipses:
    """The ellipses of (N, 2, 2) covariances (east, north; m^2) of a normal distribution; NaN in, NaN out."""
    matrices = np.asarray(covariance, dtype=np.float64).reshape(-1, 2, 2)
    known = np.asarray(np.isfinite(matrices).all(axis=(1, 2)))
    variance, axes = np.linalg.eigh(np.where(known[:, None, None], matrices, np.eye(2)))
    sigma = np.sqrt(np.clip(variance, 0.0, None))
    minor, major = sigma[:, 0], sigma[:, 1]
    bearing = np.degrees(np.arctan2(axes[:, 0, 1], axes[:, 1, 1])) % 180.0
    bearing = np.where(bearing >= 180.0, 0.0, bearing)  # the modulo of a hair below zero
    ratio = np.divide(minor, major, out=np.ones_like(major), where=major > 0.0)
    radius = np.interp(ratio, _RATIOS, _radii_90()) * major
    nowhere = np.where(known, 0.0, np.nan)
    return Ellipses(CHI_95 * major + nowhere, CHI_95 * minor + nowhere, bearing + nowhere, radius + nowhere)


@lru_cache(maxsize=1)
def _radii_90() -> Floats:
    """Radii holding 90 % of normal distributions of sigmas 1 and each of `_RATIOS`."""
    return np.array([brentq(lambda radius, k=k: _held(radius, k) - 0.9, 1.0, 3.0) for k in _RATIOS])


def _held(radius: float, ratio: float) -> float:
    """The share of a normal distribution of sigmas 1 and `ratio` within `radius`: the integral over the longer axis,
    x = radius sin(angle), of its density times the share of the other axis within the circle there."""
    angle = 0.5 * np.pi * _NODES
    x, y = radius * np.sin(angle), radius * np.cos(angle)
    across = erf(y / (ratio * np.sqrt(2.0))) if ratio > 0.0 else np.ones_like(y)
    density = np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)
    return float(np.sum(_WEIGHTS * density * across * y) * 0.5 * np.pi)
