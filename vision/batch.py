"""Frames in, a detections table out. A frame that cannot be read is skipped and named, and the others go on. Where
the work runs is `engines`' subject, how a frame is searched `frame`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from vision.classes import class_of
from vision.detector import Boxes, Detector
from vision.engines import local
from vision.errors import InputError
from vision.frame import SearchSettings
from vision.table import DETECTIONS

DEFAULT_CONFIDENCE = 0.16
"""Confidence from which a box becomes a detection. Chosen on the HIT-UAV validation frames for the shipped weights:
lower costs precision, higher loses people (`bench/detect_thermal.py` prints both)."""


@dataclass(frozen=True)
class Skipped:
    """A frame that was not searched, and why."""

    frame_id: str
    file: str
    reason: str


@dataclass(frozen=True)
class BatchResult:
    """The detections (`vision.table.DETECTIONS`) and the frames that could not be searched."""

    table: pa.Table
    skipped: tuple[Skipped, ...]


def detect_frames(
    frames: Sequence[tuple[str, Path]],
    detector: Detector,
    *,
    tile_px: int | None = None,
    overlap: float = 0.2,
    confidence: float = DEFAULT_CONFIDENCE,
    progress: Callable[[int, int], None] | None = None,
) -> BatchResult:
    """Search `frames`, pairs of frame_id and picture, and list what was found by frame, then descending confidence.

    `tile_px` cuts frames into tiles of that size (None: by the frame's size, 0: never), neighbours sharing
    `overlap` of a tile. `progress` is called with the frames done and all frames after each. The k-th box of
    a frame has the id `<frame_id>-<k>`; the same input gives the same table. Raises InputError where an option is out
    of range.
    """
    if not 0.0 < confidence < 1.0:
        raise InputError("confidence", f"{confidence} is not between 0 and 1")
    if not 0.0 <= overlap <= 0.9:
        raise InputError("overlap", f"{overlap} is not within 0 and 0.9")
    if tile_px is not None and tile_px != 0 and tile_px < 32:
        raise InputError("tile", f"{tile_px} px is too small to see anything in; give at least 32, or 0 for none")
    settings = SearchSettings(tile_px=tile_px, overlap=overlap, confidence=confidence)
    rows: list[dict[str, Any]] = []
    skipped: list[Skipped] = []
    results = local.search([path for _, path in frames], detector, settings)
    for done, ((frame_id, path), found) in enumerate(zip(frames, results, strict=True), start=1):
        if isinstance(found, InputError):
            skipped.append(Skipped(frame_id=frame_id, file=str(path), reason=found.problem))
        else:
            rows.extend(_rows(frame_id, found, detector.sha256))
        if progress is not None:
            progress(done, len(frames))
    return BatchResult(table=DETECTIONS.from_rows(rows), skipped=tuple(skipped))


def _rows(frame_id: str, boxes: Boxes, model: str) -> list[dict[str, Any]]:
    return [
        {
            "detection_id": f"{frame_id}-{k:03d}",
            "frame_id": frame_id,
            "class": class_of(label),
            "label": label,
            "confidence": float(confidence),
            "x1_px": float(x1),
            "y1_px": float(y1),
            "x2_px": float(x2),
            "y2_px": float(y2),
            "model": model,
        }
        for k, (label, confidence, (x1, y1, x2, y2)) in enumerate(
            zip(boxes.label, boxes.confidence, boxes.xyxy, strict=True)
        )
    ]
