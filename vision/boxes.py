"""How much boxes overlap; pure numpy. Boxes are rows of x1, y1, x2, y2. What follows from an overlap is for `merge` and
`evaluation` to say.
"""

from __future__ import annotations

import numpy as np


def areas(boxes: np.ndarray) -> np.ndarray:
    """The area of every box (N, 4), (N,); 0 where a box is turned inside out."""
    return np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None), axis=1)


def shared_areas(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The area that every box (N, 4) shares with every other (M, 4), (N, M)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.prod(np.clip(high - low, 0.0, None), axis=2)


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of every box (N, 4) with every other (M, 4), (N, M); 0 where both are empty."""
    shared = shared_areas(boxes, others)
    union = areas(boxes)[:, None] + areas(others)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def shared_area_of_pairs(boxes: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The area that box `first[k]` shares with box `second[k]`, (P,)."""
    one, other = boxes[first], boxes[second]
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    return np.prod(np.clip(sides, 0.0, None), axis=1)


def overlapping_pairs(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of boxes (N, 4) that share some area: their two indices, each (P,), every pair once.

    Boxes in the order of their left side meet only those that begin before they end (a sweep along x), so boxes that
    are small beside the frame cost about N log N.
    """
    order = np.argsort(boxes[:, 0], kind="stable")
    left, right = boxes[order, 0], boxes[order, 2]
    begin = np.arange(1, len(order) + 1)
    count = np.maximum(np.searchsorted(left, right, side="left") - begin, 0)
    first = np.repeat(np.arange(len(order)), count)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    one, other = order[first], order[begin[first] + offset]
    top, bottom = boxes[:, 1], boxes[:, 3]
    meet = (top[one] < bottom[other]) & (top[other] < bottom[one])
    return one[meet], other[meet]
