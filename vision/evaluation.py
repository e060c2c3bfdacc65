"""How good detections are against boxes that people drew: precision, recall and average precision by class. Finding
boxes is `batch`'s work, printing what is measured here `bench`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from vision.boxes import iou
from vision.classes import CLASSES
from vision.errors import InputError
from vision.images import IMAGE_SUFFIXES, read_image

SAME_IOU = 0.5
"""A detection and a drawn box that overlap at least this much (intersection over union) are the same object."""

WHOLE_CURVE = 0.001
"""Least confidence of detections whose average precision is measured: all of the curve counts."""


@dataclass(frozen=True)
class Truth:
    """What people drew in one frame: `xyxy` (N, 4) in pixels of the frame, and the class of each."""

    xyxy: np.ndarray
    classes: tuple[str, ...]


@dataclass(frozen=True)
class SizeScore:
    """How often things of one size were found: `truths` boxes drawn from `least_px` up to the next size, `found` of
    them. The size of a box is the side of the square with its area."""

    least_px: float
    truths: int
    found: int


@dataclass(frozen=True)
class ClassScore:
    """How one class was found: `truths` boxes drawn, `detections` made, `hits` of them right; `average_precision` is
    the area under precision over recall, NaN without truths."""

    name: str
    truths: int
    detections: int
    hits: int
    average_precision: float

    @property
    def precision(self) -> float:
        """The share of detections that are right; NaN where there is none."""
        return self.hits / self.detections if self.detections else float("nan")

    @property
    def recall(self) -> float:
        """The share of drawn boxes that were found; NaN where there is none."""
        return self.hits / self.truths if self.truths else float("nan")


def f1(scores: Sequence[ClassScore]) -> float:
    """F1 over all classes together; NaN where nothing was drawn or detected."""
    hits = sum(score.hits for score in scores)
    total = sum(score.truths + score.detections for score in scores)
    return 2 * hits / total if total else float("nan")


def read_split(data: Path, split: str = "val") -> tuple[list[tuple[str, Path]], dict[str, Truth]]:
    """The frames of a split of `data` (`images/val` and `labels/val` in YOLO's layout, classes numbered as in
    `CLASSES`), in order: frame_id and picture, and by frame_id what is drawn. Empty where there are none. Raises
    InputError where a picture or its labels cannot be read."""
    images = sorted(path for path in (data / "images" / split).glob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    truths = {}
    for path in images:
        height, width = read_image(path).shape[:2]
        truths[path.stem] = read_yolo_labels(data / "labels" / split / f"{path.stem}.txt", width, height, CLASSES)
    return [(path.stem, path) for path in images], truths


def read_yolo_labels(path: Path, width_px: int, height_px: int, names: Sequence[str]) -> Truth:
    """The boxes in a YOLO label file (class number, centre x, centre y, width, height; fractions of the picture) for a
    picture of the given size. Raises InputError naming the line that is not so."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"not a label file that can be read ({error})") from error
    rows: list[list[float]] = []
    classes: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            which, *numbers = line.split()
            x, y, width, height = (float(text) for text in numbers)
            classes.append(names[int(which)])
        except (ValueError, IndexError) as error:
            problem = "not a class number and the centre and size of a box, five numbers"
            raise InputError(path, problem, place=f"line {number}") from error
        rows.append([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    size = np.array([width_px, height_px] * 2, dtype=np.float64)
    return Truth(xyxy=np.array(rows, dtype=np.float64).reshape(-1, 4) * size, classes=tuple(classes))


def _matches(boxes: np.ndarray, confidence: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Which drawn box each detection of one class in one frame is, (N,) int, -1 where none: by descending confidence
    each takes the drawn box it overlaps most of those not yet taken."""
    matched = np.full(len(boxes), -1)
    overlap = iou(boxes, truth)
    for k in np.argsort(-confidence, kind="stable"):
        if overlap.shape[1] and overlap[k].max() >= SAME_IOU:
            matched[k] = overlap[k].argmax()
            overlap[:, matched[k]] = -1.0
    return matched


def average_precision(confidence: np.ndarray, right: np.ndarray, truths: int) -> float:
    """The area under the precision-recall curve, precision made to fall only (Pascal VOC 2010, all points)."""
    if truths == 0:
        return float("nan")
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, len(order) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(falling[right[order]]) / truths)


def evaluate(
    detections: pa.Table,
    truths: Mapping[str, Truth],
    classes: Sequence[str],
    *,
    confidence: float = 0.0,
) -> tuple[ClassScore, ...]:
    """One score for each of `classes`, over the frames in `truths` (by frame_id; detections elsewhere do not count).

    `detections` is a `vision.table.DETECTIONS`. `detections`, `hits` and what follows from them count boxes of at
    least `confidence` only; average precision takes all, so give a table made with a low confidence.
    """
    scores = []
    for name in classes:
        right, found, drawn = _judged(detections, truths, name)
        enough = found >= confidence
        scores.append(
            ClassScore(
                name=name,
                truths=drawn,
                detections=int(enough.sum()),
                hits=int(right[enough].sum()),
                average_precision=average_precision(found, right, drawn),
            )
        )
    return tuple(scores)


def recall_at_precision(
    detections: pa.Table, truths: Mapping[str, Truth], name: str, precision: float
) -> tuple[float, float]:
    """The greatest recall of the class `name` at which at least `precision` of its detections are right, and the
    confidence from which that is so; 0 and 1 where no confidence gives such precision."""
    right, found, drawn = _judged(detections, truths, name)
    order = np.argsort(-found, kind="stable")
    hits = np.cumsum(right[order])
    enough = np.flatnonzero(hits >= precision * np.arange(1, len(order) + 1))
    if not len(enough) or not drawn:
        return 0.0, 1.0
    last = enough[-1]
    return float(hits[last] / drawn), float(found[order[last]])


def recall_by_size(
    detections: pa.Table, truths: Mapping[str, Truth], name: str, steps_px: Sequence[float], *, confidence: float = 0.0
) -> tuple[SizeScore, ...]:
    """How often drawn boxes of the class `name` were found, by their size: one score for each of the rising
    `steps_px`, boxes below the first left out. Counts detections of at least `confidence`."""
    sizes: list[np.ndarray] = []
    founds: list[np.ndarray] = []
    for of_class, boxes, sure in _by_frame(detections, truths, name):
        sides = of_class[:, 2:] - of_class[:, :2]
        sizes.append(np.sqrt(sides[:, 0] * sides[:, 1]))
        matched = _matches(boxes[sure >= confidence], sure[sure >= confidence], of_class)
        founds.append(np.isin(np.arange(len(of_class)), matched))
    step = np.digitize(np.concatenate(sizes), steps_px) - 1
    found = np.concatenate(founds)
    return tuple(
        SizeScore(float(least_px), int((step == number).sum()), int(found[step == number].sum()))
        for number, least_px in enumerate(steps_px)
    )


def _judged(detections: pa.Table, truths: Mapping[str, Truth], name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Of each detection of a class whether it is right, and its confidence; how many boxes of it are drawn."""
    rights: list[np.ndarray] = []
    confidences: list[np.ndarray] = []
    drawn = 0
    for of_class, boxes, found in _by_frame(detections, truths, name):
        drawn += len(of_class)
        rights.append(_matches(boxes, found, of_class) >= 0)
        confidences.append(found)
    return np.concatenate(rights), np.concatenate(confidences), drawn


def _by_frame(
    detections: pa.Table, truths: Mapping[str, Truth], name: str
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each frame in `truths` the drawn boxes of the class, the boxes detected as it, and their confidence."""
    columns = {column: np.asarray(detections[column].to_pylist()) for column in ("frame_id", "class", "confidence")}
    corners = ("x1_px", "y1_px", "x2_px", "y2_px")
    boxes = np.stack([detections[corner].to_numpy() for corner in corners], axis=1).astype(np.float64)
    for frame_id, truth in truths.items():
        of_class = truth.xyxy[[k for k, other in enumerate(truth.classes) if other == name]]
        members = np.flatnonzero((columns["frame_id"] == frame_id) & (columns["class"] == name))
        yield of_class, boxes[members], columns["confidence"][members].astype(np.float64)
