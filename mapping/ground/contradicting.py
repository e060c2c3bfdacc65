"""Marks of one name that no one thing explains: looks farther apart than all that is known of their errors.

What a person named is one object whatever its looks say. Where they contradict each other (a slip of the hand, a name
given twice, a picture that is turned or has a wrong position), one of them is wrong and nobody knows which: that has to
be said, and the ellipse has to hold them all.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mapping.ground.planar import Floats, Ints, products, summed
from mapping.ground.standing import stands
from mapping.ground.tracks import Looks, fit


def contradictions(
    looks: Looks, label: Ints, named: npt.NDArray[np.bool_], place: Floats, velocity: Floats
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """(G,) True for those objects with `named` (N,) looks that nothing explains which stands at `place` (G, 2), or goes
    by `velocity` (G, 2; 0 at rest) and was there last; (G, 2, 2) the mean square of how far their looks lie from that,
    0 for all others. Objects are numbered by `label` (N,)."""
    torn, scatter = np.zeros(len(place), dtype=np.bool_), np.zeros((len(place), 2, 2))
    mine = np.flatnonzero(np.isin(label, label[named]))
    if not len(mine):
        return torn, scatter
    numbers, own = np.unique(label[mine], return_inverse=True)
    chosen = looks.take(mine)
    last = np.full(len(numbers), -np.inf)
    np.fmax.at(last, own, chosen.time_s)
    since = np.where(np.isfinite(chosen.time_s), chosen.time_s - last[own], 0.0)
    still = replace(chosen, place=chosen.place - velocity[label[mine]] * since[:, None])
    torn[numbers] = ~_agrees(still, own)
    off = (still.place - place[label[mine]])[:, :, None]
    square = summed(off @ off.transpose(0, 2, 1), own, len(numbers)) / np.bincount(own)[:, None, None]
    scatter[numbers] = np.where(torn[numbers][:, None, None], square, 0.0)
    return torn, scatter


def _agrees(looks: Looks, label: Ints) -> npt.NDArray[np.bool_]:
    """(G,) True where the looks of each flight may be of one thing at rest, and the flights put it at one place."""
    flights = int(looks.flight.max()) + 1
    parts, first, part = np.unique(label * flights + looks.flight, return_index=True, return_inverse=True)
    within = stands(looks, part)
    seen = fit(looks, part, motion=False)
    alone = replace(
        looks.take(first),
        flight=np.zeros_like(seen.flight),
        place=seen.place,
        noise=seen.noise + products(seen.factors),
        factors=0.0 * seen.factors,
    )
    agreed = stands(alone, parts // flights)
    agreed[parts[~within] // flights] = False
    return agreed
