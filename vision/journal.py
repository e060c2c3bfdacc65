"""What a search has found so far, kept frame by frame so that one that was cut off goes on where it stopped. The file
belongs to one run: same frames, weights and options. The finished table is `batch`'s subject.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from vision.detector import Boxes
from vision.errors import InputError, VisionError


def run_key(frames: Sequence[tuple[str, Path]], options: Mapping[str, Any]) -> str:
    """What tells one run from another: the frames' ids, files, sizes and times of change, and the options, which must
    be plain values. Hexadecimal."""
    listed = []
    for frame_id, path in frames:
        try:
            told = path.stat()
            listed.append([frame_id, str(path), told.st_size, told.st_mtime_ns])
        except OSError:
            listed.append([frame_id, str(path), None, None])
    return hashlib.sha256(json.dumps([listed, options], sort_keys=True).encode()).hexdigest()


class Journal:
    """A file of one line a frame, the first being the run's key. Lines are added as frames are done and are in the
    system's hands at once, so a killed process loses none; a line cut short by a failing machine, and what follows it,
    counts as not there."""

    def __init__(self, path: Path, key: str) -> None:
        """Open the journal of the run `key`; what is there of another run goes. Raises VisionError where it cannot be
        written."""
        self.path = path
        self.found: list[Boxes | InputError] = []
        """What the lines there say of the run's first frames, in order."""
        sound = self._read(key)
        try:
            self._stream: TextIO = path.open("r+" if sound else "w", encoding="utf-8", newline="")
            if sound:
                self._stream.seek(sound)
                self._stream.truncate()
            else:
                self._write({"key": key})
        except OSError as error:
            raise VisionError(f"{path}: cannot be written ({error.strerror or error})") from error

    def _read(self, key: str) -> int:
        """Take in what is there of this run; returns how many bytes of the file are sound."""
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except OSError:
            return 0
        sound = 0
        for number, line in enumerate(lines):
            try:
                known = json.loads(line) if line.endswith(b"\n") else None
                if number == 0:
                    if known is None or known["key"] != key:
                        return 0
                else:
                    self.found.append(_result(known))
            except (ValueError, KeyError, TypeError):
                break
            sound += len(line)
        return sound

    def add(self, found: Boxes | InputError) -> None:
        """Keep what the next frame showed, or why it could not be searched."""
        if isinstance(found, InputError):
            self._write({"source": found.source, "problem": found.problem, "place": found.place})
        else:
            columns = {"xyxy": found.xyxy.tolist(), "confidence": found.confidence.tolist()}
            self._write({**columns, "label": found.label, "classes": found.classes})

    def _write(self, line: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the file for a later run."""
        self._stream.close()

    def done(self) -> None:
        """The run's table is written: the file goes."""
        self.close()
        self.path.unlink(missing_ok=True)


def _result(known: Any) -> Boxes | InputError:
    if "problem" in known:
        return InputError(known["source"], known["problem"], known["place"])
    return Boxes(
        xyxy=np.array(known["xyxy"], dtype=np.float32).reshape(-1, 4),
        confidence=np.array(known["confidence"], dtype=np.float32),
        label=tuple(known["label"]),
        classes=tuple(known["classes"]),
    )
