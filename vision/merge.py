"""One box per object, where the same object was seen in two overlapping windows or under two of the model's labels;
pure numpy. Boxes are chosen, never averaged or joined: a person beside a car stays a person beside a car.
"""

from __future__ import annotations

import numpy as np

from vision.boxes import areas, iou, shared_areas

SAME_IOU = 0.5
"""Two boxes of one class that overlap by more than this (intersection over union) are one object."""

SAME_CONTAINED = 0.6
"""Of two boxes from different windows, the lesser is a part of the greater where this share of the smaller one lies
inside the other: half a lorry seen at the edge of a tile is not a second lorry."""


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
    one whatever their scores. Memory grows with N, not with its square.
    """
    count = len(boxes)
    if count == 0:
        return np.empty(0, dtype=np.int64)
    boxes = np.asarray(boxes, dtype=np.float64)
    window = np.zeros(count, dtype=np.int64) if window is None else np.asarray(window)
    cut = np.zeros(count, dtype=bool) if cut is None else np.asarray(cut, dtype=bool)
    area = areas(boxes)
    kept: list[int] = []
    for name in np.unique(classes):
        members = np.flatnonzero(np.asarray(classes) == name)
        waiting = members[np.lexsort((members, -np.asarray(scores)[members], cut[members]))]
        while len(waiting):
            best, waiting = int(waiting[0]), waiting[1:]
            kept.append(best)
            here = boxes[best][None]
            smaller = np.minimum(area[waiting], area[best])
            same = iou(here, boxes[waiting])[0] > SAME_IOU
            contained = shared_areas(here, boxes[waiting])[0] > SAME_CONTAINED * smaller
            same |= (window[waiting] != window[best]) & contained
            waiting = waiting[~same]
    found = np.array(kept, dtype=np.int64)
    return found[np.lexsort((found, -np.asarray(scores)[found]))]
