"""What things at rest say of the errors of single frames: places relative to each other, better than each by itself.

A frame whose attitude is off by half a degree shifts all its detections alike, and the flight-wide errors shift those
of all frames. What stays where it is shows both: it should be found at one place every time. So for every flight the
flight-wide errors, and then for every frame errors of the same kinds, are estimated from the objects at rest by least
squares, with their sigmas as prior (variance components by expectation-maximisation: Dempster, Laird and Rubin 1977).
What is left of a moving object's place is mostly the pixel's own error, and its speed over two frames is known several
times better. Which detections are one object is chosen with these places; where objects are put is not: the errors
taken out are those relative to the objects at rest, not the truth's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mapping.ground.planar import Floats, Ints, inverse, summed
from mapping.ground.standing import about_mean, stands
from mapping.ground.tracks import Looks

_ROUNDS = 8
_DOUBT = 2.0  # looks of one frame err alike: as witnesses of flight-wide errors they count for half
_USUAL_OWN, _WORTH = 0.8, 10.0
"""The share of a look's variance that is its own before anything is known, and how many residuals that is worth."""
_SETTLED = 0.003  # so small a change of that share ends the rounds
_LEAST_OWN = 0.02  # the share of a look's variance that is certainly its own


def steadied(looks: Looks, label: Ints, resting: Ints) -> Looks:
    """The looks with what is known of the errors of flights and frames taken out of their places, and with the noise
    and factors that are left.

    `label` (N,) numbers the objects, `resting` are the indices of the looks at what is certainly at rest.
    """
    if not len(resting):
        return looks
    _, group = np.unique(np.stack([label[resting], looks.flight[resting]]), axis=1, return_inverse=True)
    resting, group = _repeated(resting, group.ravel())
    fine = stands(looks.take(resting), group)[group]
    resting, group = _repeated(resting[fine], group[fine])
    if not len(resting):
        return looks
    return _frames_steadied(_flights_steadied(looks, resting, group), looks.factors, resting, group)


def _repeated(index: Ints, group: Ints) -> tuple[Ints, Ints]:
    """Those of groups of at least two, and the groups numbered anew."""
    several = np.bincount(group)[group] > 1
    return index[several], np.asarray(np.unique(group[several], return_inverse=True)[1], dtype=np.intp)


def _flights_steadied(looks: Looks, resting: Ints, group: Ints) -> Looks:
    """The looks with the flight-wide errors of each flight taken out as far as the repeated looks show them."""
    mine = looks.take(resting)
    wide = looks.factors.shape[2]
    weight = inverse(_DOUBT * mine.noise)
    both = about_mean(mine, group, weight)
    weighted = weight @ both
    place, factors = looks.place.copy(), looks.factors.copy()
    for one in np.unique(mine.flight):
        chosen = mine.flight == one
        rows, heavy = both[chosen].reshape(-1, wide + 1), weighted[chosen].reshape(-1, wide + 1)
        normal = rows[:, :wide].T @ heavy
        spread = np.linalg.inv(np.eye(wide) + normal[:, :wide])
        own = looks.flight == one
        place[own] -= looks.factors[own] @ (spread @ normal[:, wide])
        factors[own] = looks.factors[own] @ np.linalg.cholesky(spread)
    return replace(looks, place=place, factors=factors)


def _frames_steadied(looks: Looks, kinds: Floats, resting: Ints, group: Ints) -> Looks:
    """The looks with the errors of single frames taken out: shifts, and errors of the `kinds` (N, 2, B) of factors."""
    frames, frame = np.unique(looks.frame, return_inverse=True)
    size = np.sqrt(np.trace(looks.noise[resting], axis1=1, axis2=2).mean() / 2.0)
    design = np.concatenate([np.broadcast_to(size * np.eye(2), (len(looks), 2, 2)), kinds], axis=2)
    mine, seen, noise = design[resting], frame[resting], looks.noise[resting]
    used, inner = np.unique(seen, return_inverse=True)
    own = _USUAL_OWN
    strength = np.mean(mine**2, axis=(0, 1))
    variance = (1.0 - own) * size**2 / np.maximum(strength, 1e-9) / np.count_nonzero(strength > 1e-9)
    weight, count = inverse(noise), int(group.max()) + 1
    mean = inverse(summed(weight, group, count))
    turned = mine.transpose(0, 2, 1) @ weight
    normal = summed(turned @ mine, inner, len(used))
    found = np.zeros((len(used), mine.shape[2]))
    place = looks.place[resting]
    degrees = 2.0 * (len(resting) - count)
    for _ in range(_ROUNDS):
        spread = np.linalg.inv(normal / own + np.diag(1.0 / variance))
        for _ in range(2):
            left = place - (mine @ found[inner][:, :, None])[:, :, 0]
            left = place - (mean @ summed((weight @ left[:, :, None]), group, count))[group][:, :, 0]
            right = summed((turned @ left[:, :, None])[:, :, 0], inner, len(used)) / own
            found = (spread @ right[:, :, None])[:, :, 0]
        left = left - (mine @ found[inner][:, :, None])[:, :, 0]
        taken = spread.shape[1] * len(used) - np.einsum("fkk,k->", spread, 1.0 / variance)
        squared = np.einsum("ni,nij,nj->", left, weight, left)
        before = own
        own = float((squared + _USUAL_OWN * _WORTH) / (max(0.0, degrees - taken) + _WORTH))
        own = min(max(own, _LEAST_OWN), 1.0)
        variance = np.maximum((found**2 + np.einsum("fkk->fk", spread)).mean(axis=0), 1e-9)
        if abs(own - before) < _SETTLED * own:
            break
    error, doubt = np.zeros((len(frames), len(variance))), np.tile(np.diag(variance), (len(frames), 1, 1))
    error[used], doubt[used] = found, spread
    return replace(
        looks,
        place=looks.place - (design @ error[frame][:, :, None])[:, :, 0],
        noise=design @ doubt[frame] @ design.transpose(0, 2, 1) + own * looks.noise,
    )
