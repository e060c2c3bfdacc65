"""What a YOLO network puts out, as boxes: the two layouts that ultralytics' detection heads have. Running the network
is `networks`' subject, fitting pictures to it `letterbox`'s.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from vision.merge import doubted, merge

MOST_BOXES = 1000
"""Of one picture."""

_MOST_CANDIDATES = 30_000
_WHOLE_ROWS = 6  # of a head that suppresses by itself: x1, y1, x2, y2, confidence, label


def layout_fits(channels: int, labels: int) -> bool:
    """Whether an output of so many values a box is one of those known here, for a network of so many labels."""
    return channels in (4 + labels, _WHOLE_ROWS)


def decode(output: np.ndarray, confidence: float, wanted: Collection[int]) -> np.ndarray:
    """The boxes in one picture's output, (N, 6) float32 by descending confidence: x1, y1, x2, y2 in pixels of the
    network's input, confidence, label number. Only labels `wanted` and confidences above `confidence`.

    `output` is (4 + labels, A): centre, size and one confidence for each label, of which boxes of one label that
    overlap are made one (or, where that is less sure, lose confidence); or (A, 6): boxes that the network itself made
    one per object.
    """
    if output.shape[1] == _WHOLE_ROWS:
        rows = output[output[:, 4] > confidence]
        rows = rows[np.isin(rows[:, 5], list(wanted))]
        return np.asarray(rows[np.argsort(-rows[:, 4], kind="stable")][:MOST_BOXES], dtype=np.float32)
    best = output[4:].max(axis=0)
    sure = np.flatnonzero(best > confidence)
    number = output[4:, sure].argmax(axis=0)
    mine = np.isin(number, list(wanted))
    sure, number = sure[mine], number[mine]
    score = best[sure]
    if len(sure) > _MOST_CANDIDATES:
        order = np.argsort(-score, kind="stable")[:_MOST_CANDIDATES]
        sure, number, score = sure[order], number[order], score[order]
    middle, half = output[:2, sure].T, output[2:4, sure].T / 2
    xyxy = np.concatenate([middle - half, middle + half], axis=1)
    kept = merge(xyxy, score, number)
    xyxy, number, score = xyxy[kept], number[kept], doubted(xyxy[kept], score[kept], number[kept])
    order = np.argsort(-score, kind="stable")[:MOST_BOXES]
    order = order[score[order] > confidence]
    return np.concatenate([xyxy[order], score[order, None], number[order, None]], axis=1, dtype=np.float32)
