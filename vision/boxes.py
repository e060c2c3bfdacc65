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
