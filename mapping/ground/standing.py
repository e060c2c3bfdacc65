"""Whether looks lie at one place: how far they are from their mean, all that is known of their errors allowed for.

Two objects whose looks follow each other, and who goes and comes back, may show no even motion; their looks are still
too far from each other for something at rest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from mapping.ground.agreeing import DRIFT_M
from mapping.ground.planar import Floats, Ints, inverse, summed
from mapping.ground.tracks import Looks

_HARDLY = 1e-4  # of objects at rest so many are farther apart


def stands(looks: Looks, label: Ints) -> npt.NDArray[np.bool_]:
    """(G,) True where the looks that are numbered by `label` (N,) may all be of something at rest (chi-square test, the
    flight-wide errors with the prior that their sigma states; each flight by itself, as these are its own)."""
    numbers, part = np.unique(label * (int(looks.flight.max(initial=0)) + 1) + looks.flight, return_inverse=True)
    count, wide = len(numbers), looks.factors.shape[2]
    weight = inverse(looks.noise + DRIFT_M**2 * np.eye(2))
    off = about_mean(looks, part, weight)
    normal = summed(off.transpose(0, 2, 1) @ weight @ off, part, count)
    known, shared = normal[:, :wide, :wide] + np.eye(wide), normal[:, :wide, wide:]
    squared = normal[:, wide, wide] - (shared.transpose(0, 2, 1) @ np.linalg.solve(known, shared))[:, 0, 0]
    free = 2 * (np.bincount(part, minlength=count) - 1)
    apart = (free > 0) & (squared > chi2.isf(_HARDLY, np.maximum(free, 1)))
    found = np.ones(int(label.max(initial=-1)) + 1, dtype=np.bool_)
    found[label[apart[part]]] = False
    return found


def about_mean(looks: Looks, label: Ints, weight: Floats) -> Floats:
    """(N, 2, B + 1) the looks' factors and places less the mean of those with their label, by these weights."""
    count = int(label.max(initial=-1)) + 1
    both = np.concatenate([looks.factors, looks.place[:, :, None]], axis=2)
    mean = inverse(summed(weight, label, count))
    return np.asarray(both - (mean @ summed(weight @ both, label, count))[label])
