"""Frames in, a detections table out. A frame that cannot be read is skipped and named, and the others go on; what a run
that was cut off had found is taken from its `journal`. Where the work runs is `engines`' subject, how a frame is
searched `frame`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from vision.detector import Boxes, Detector
from vision.engines import local
from vision.errors import InputError
from vision.frame import LEAST_PX, SearchSettings
from vision.journal import Journal, run_key
from vision.table import DETECTIONS

DEFAULT_CONFIDENCE = 0.3
"""Confidence from which a box becomes a detection. Chosen on the HIT-UAV validation frames for the shipped weights:
lower costs precision, higher loses people (`bench/detect_thermal.py` prints both)."""

_ROWS_TOGETHER = 500  # rows become columns, which take a tenth of the memory, so many at a time

Engine = Callable[[Sequence[Path], Detector, Sequence[SearchSettings]], Iterator[Boxes | InputError]]
"""What searches pictures in order, each by its own settings, as `engines.local.search` does."""


@dataclass(frozen=True)
class Skipped:
    """A frame that was not searched, and why."""

    frame_id: str
    file: str
    reason: str


@dataclass(frozen=True)
class BatchResult:
    """The detections (`vision.table.DETECTIONS`), the frames that could not be searched, and how many frames an
    earlier run had searched already."""

    table: pa.Table
    skipped: tuple[Skipped, ...]
    taken_up: int = 0


def search_settings(
    *,
    tile_px: int | None = None,
    overlap: float = 0.2,
    confidence: float = DEFAULT_CONFIDENCE,
    gsd_m: float | None = None,
    least_px: float = LEAST_PX,
) -> SearchSettings:
    """How frames are searched; raises InputError where an option is out of range."""
    if not 0.0 < confidence < 1.0:
        raise InputError("confidence", f"{confidence} is not between 0 and 1")
    if not 0.0 <= overlap <= 0.9:
        raise InputError("overlap", f"{overlap} is not within 0 and 0.9")
    if tile_px is not None and tile_px != 0 and tile_px < 32:
        raise InputError("tile", f"{tile_px} px is too small to see anything in; give at least 32, or 0 for none")
    if gsd_m is not None and not 0.0005 <= gsd_m <= 10.0:
        raise InputError(
            "gsd", f"{gsd_m} m a pixel is not within 0.0005 and 10; it is the size of a pixel on the ground"
        )
    if gsd_m is not None and tile_px is not None:
        raise InputError("gsd", "says how large tiles are, and so does --tile; give one of them")
    if not 1.0 <= least_px <= 200.0:
        raise InputError("least-px", f"{least_px} is not within 1 and 200 pixels")
    return SearchSettings(tile_px=tile_px, overlap=overlap, confidence=confidence, gsd_m=gsd_m, least_px=least_px)


def detect_frames(
    frames: Sequence[tuple[str, Path]],
    detector: Detector,
    settings: SearchSettings | Sequence[SearchSettings] | None = None,
    *,
    journal: Path | None = None,
    engine: Engine = local.search,
    progress: Callable[[int, int], None] | None = None,
) -> BatchResult:
    """Search `frames`, pairs of frame_id and picture, and list what was found by frame, then descending confidence.
    `settings` are for all frames or one for each.

    The k-th box of a frame has the id `<frame_id>-<k>`; the same input gives the same table, whatever the engine.
    `journal` is a file that keeps what was found so far; a run of the same frames, weights and settings goes on from
    it. It is there until the caller, who has written the table, removes it. `progress` is called with the frames done
    and all frames after each. Raises VisionError where the journal cannot be written.
    """
    if settings is None or isinstance(settings, SearchSettings):
        settings = [settings or search_settings()] * len(frames)
    paths = [path for _, path in frames]
    if journal is None:
        return _table(frames, engine(paths, detector, settings), detector.sha256, progress)
    told = {"model": detector.sha256, "runs": detector.runs, "settings": [asdict(each) for each in settings]}
    with closing(Journal(journal, run_key(frames, told))) as kept:
        known = len(kept.found)
        rest = engine(paths[known:], detector, settings[known:])
        result = _table(frames, chain(kept.found, _noted(rest, kept)), detector.sha256, progress)
        return BatchResult(result.table, result.skipped, taken_up=known)


def _noted(results: Iterator[Boxes | InputError], journal: Journal) -> Iterator[Boxes | InputError]:
    for found in results:
        journal.add(found)
        yield found


def _table(
    frames: Sequence[tuple[str, Path]],
    results: Iterator[Boxes | InputError],
    model: str,
    progress: Callable[[int, int], None] | None,
) -> BatchResult:
    rows: list[dict[str, Any]] = []
    parts: list[pa.Table] = []
    skipped: list[Skipped] = []
    for done, ((frame_id, path), found) in enumerate(zip(frames, results, strict=True), start=1):
        if isinstance(found, InputError):
            skipped.append(Skipped(frame_id=frame_id, file=str(path), reason=found.problem))
        else:
            rows.extend(_rows(frame_id, found, model))
        if len(rows) >= _ROWS_TOGETHER:
            parts.append(DETECTIONS.from_rows(rows))
            rows.clear()
        if progress is not None:
            progress(done, len(frames))
    whole = pa.concat_tables([*parts, DETECTIONS.from_rows(rows)]).combine_chunks()
    return BatchResult(table=whole, skipped=tuple(skipped))


def _rows(frame_id: str, boxes: Boxes, model: str) -> list[dict[str, Any]]:
    return [
        {
            "detection_id": f"{frame_id}-{k:03d}",
            "frame_id": frame_id,
            "class": name,
            "label": label,
            "confidence": float(confidence),
            "x1_px": float(x1),
            "y1_px": float(y1),
            "x2_px": float(x2),
            "y2_px": float(y2),
            "model": model,
        }
        for k, (name, label, confidence, (x1, y1, x2, y2)) in enumerate(
            zip(boxes.classes, boxes.label, boxes.confidence, boxes.xyxy, strict=True)
        )
    ]
