"""One box per object, where the same object was seen in two overlapping windows or under two of the model's labels;
and less confidence in what may be one object twice; pure numpy. Boxes are chosen, never averaged or joined: a person
beside a car stays a person beside a car.
"""

from __future__ import annotations

import numpy as np

from vision.boxes import areas, overlapping_pairs, shared_area_of_pairs

SAME_IOU = 0.5
"""Two boxes of one class that overlap by more than this (intersection over union) are one object."""

SAME_CONTAINED = 0.6
"""Of two boxes from different windows, the lesser is a part of the greater where this share of the smaller one lies
inside the other: half a lorry seen at the edge of a tile is not a second lorry."""

DOUBT_IOU, DOUBT_CONTAINED = 0.4, 0.8
"""Within one picture a box that overlaps a better one of its class by more than the first, or lies inside it (or around
it) by more than the second (share of the smaller), may be the same object once more."""

DOUBT = 0.7
"""What is left of such a box's confidence. Chosen on frames of HIT-UAV's training split: to leave such boxes out costs
people who stand close, to keep them as they are puts false ones before true ones."""


def merge(
    boxes: np.ndarray,
    scores: np.ndarray,
    classes: np.ndarray,
    *,
    window: np.ndarray | None = None,
    cut: np.ndarray | None = None,
) -> np.ndarray:
    """Indices of the boxes to keep, by descending score (equal scores in the order given), int (K,).

    `boxes` (N, 4) are x1, y1, x2, y2 in pixels of the frame, `scores` (N,), `classes` (N,) any comparable numbers. Only
    boxes of one class compete. `window` (N,) says in which window each was found: containment (see
    `SAME_CONTAINED`) is judged only between different windows, because within one the detector has told neighbours
    apart already. `cut` (N,) bool marks boxes cut off by the edge of their window: a whole box is preferred to a cut
    one whatever their scores. Time and memory grow with N and the number of
    boxes that overlap, not with the square of N.
    """
    count = len(boxes)
    if count == 0:
        return np.empty(0, dtype=np.int64)
    boxes = np.asarray(boxes, dtype=np.float64)
    window = np.zeros(count, dtype=np.int64) if window is None else np.asarray(window)
    cut = np.zeros(count, dtype=bool) if cut is None else np.asarray(cut, dtype=bool)
    rank = np.empty(count, dtype=np.int64)
    rank[np.lexsort((np.arange(count), -np.asarray(scores), cut))] = np.arange(count)
    alive = np.ones(count, dtype=bool)
    # In the order of the better of the two: when a pair's turn comes, nothing can lose its better box any more.
    better, lesser = _same(boxes, np.asarray(classes), window, rank)
    for winner, loser in zip(better.tolist(), lesser.tolist(), strict=True):
        if alive[winner]:
            alive[loser] = False
    found = np.flatnonzero(alive)
    return found[np.lexsort((found, -np.asarray(scores)[found]))]


def doubted(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The scores (N,) of the boxes (N, 4) found in one picture, lowered to `DOUBT` where a box of the same class with a
    higher score (of equal ones, the earlier) may show the same object (see `DOUBT_IOU`). As the soft suppression of
    Bodla et al. 2017, "Soft-NMS", with one step for the slope."""
    boxes = np.asarray(boxes, dtype=np.float64)
    one, other = overlapping_pairs(boxes)
    alike = classes[one] == classes[other]
    one, other = one[alike], other[alike]
    area, shared = areas(boxes), shared_area_of_pairs(boxes, one, other)
    doubt = shared > DOUBT_IOU * (area[one] + area[other] - shared)
    doubt |= shared > DOUBT_CONTAINED * np.minimum(area[one], area[other])
    one, other = np.minimum(one[doubt], other[doubt]), np.maximum(one[doubt], other[doubt])
    lowered = np.array(scores)
    lowered[np.unique(np.where(scores[other] > scores[one], one, other))] *= DOUBT
    return lowered


def _same(
    boxes: np.ndarray, classes: np.ndarray, window: np.ndarray, rank: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of boxes that show one object: the better of each (by `rank`) and the other, best first."""
    one, other = overlapping_pairs(boxes)
    alike = classes[one] == classes[other]
    one, other = one[alike], other[alike]
    area, shared = areas(boxes), shared_area_of_pairs(boxes, one, other)
    same = shared > SAME_IOU * (area[one] + area[other] - shared)
    same |= (window[one] != window[other]) & (shared > SAME_CONTAINED * np.minimum(area[one], area[other]))
    one, other = one[same], other[same]
    swapped = rank[other] < rank[one]
    better, lesser = np.where(swapped, other, one), np.where(swapped, one, other)
    order = np.argsort(rank[better], kind="stable")
    return better[order], lesser[order]
