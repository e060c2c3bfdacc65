"""What a search did: with which weights and settings, which frames it looked at, and which it could not. Kept beside
the detections, because a frame without boxes says something only where it was searched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vision.checkpoint import sha256_of
from vision.errors import InputError
from vision.files import read_json, write_whole

RECORD_FILE = "detection.json"


@dataclass(frozen=True)
class SearchRecord:
    """A search: the SHA-256 of the weights, the least confidence kept, of each frame that was asked for None or why it
    was not searched, what was noticed, and which program ran the network."""

    model: str
    confidence: float
    frames: Mapping[str, str | None]
    notes: tuple[str, ...] = ()
    runs: str = ""

    @property
    def searched(self) -> frozenset[str]:
        """The ids of the frames that were searched."""
        return frozenset(name for name, reason in self.frames.items() if reason is None)


def write_record(record: SearchRecord, detections: Path) -> None:
    """Write the record beside the detections table it belongs to, which must be there."""
    content = {
        "model": record.model,
        "backend": record.runs,
        "confidence": record.confidence,
        "detections_sha256": sha256_of(detections),
        "notes": list(record.notes),
        "frames": dict(record.frames),
    }
    write_whole(detections.with_name(RECORD_FILE), json.dumps(content, ensure_ascii=False) + "\n")


def read_record(detections: Path) -> SearchRecord | None:
    """The record of the search that made this detections table; None where there is none, or it tells of another
    search. Raises InputError where it is no such record."""
    path = detections.with_name(RECORD_FILE)
    if not path.exists():
        return None
    known = read_json(path, "what `picket detect` wrote")
    frames, notes = known.get("frames"), known.get("notes", [])
    sound = isinstance(known.get("model"), str) and isinstance(known.get("confidence"), int | float)
    sound = sound and isinstance(notes, list) and all(isinstance(one, str) for one in notes)
    if not isinstance(frames, dict) or not all(one is None or isinstance(one, str) for one in frames.values()):
        sound, frames = False, {}
    if not sound:
        raise InputError(path, "is no record of a search; run `picket detect --force` again")
    if known.get("detections_sha256") != sha256_of(detections):
        return None
    return SearchRecord(known["model"], float(known["confidence"]), frames, tuple(notes), str(known.get("backend", "")))
