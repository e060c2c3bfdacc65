"""Marks made with the mouse: the flight's `marks.csv`, as `picket locate --marks` takes it.

A marks file replaces all marks given before, so the file begins with those the flight already has. What marks become
on the ground is locating's subject.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path

from mapping.ground.marks import OBJECT_CLASS, read_marks
from mapping.tables import FRAMES
from picket.folder import Flight
from vision.classes import CLASSES
from vision.errors import InputError
from vision.files import write_whole
from vision.table import DETECTIONS

COLUMNS = ("file", "x_px", "y_px", "object", "class")
LONGEST_OBJECT = 60


def marks_file(flight: Flight) -> Path:
    """Where the app keeps the marks of a flight."""
    return flight.root / "marks.csv"


def add_mark(flight: Flight, file: str, x_px: float, y_px: float, name: str, class_name: str) -> int:
    """Put a mark into the flight's marks file, whole or not at all. `file` is the frame's, relative to the flight;
    `class_name` may be empty. Returns how many marks there are now. Raises InputError where it is none that
    `picket locate` would take."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name or len(name) > LONGEST_OBJECT or any(unicodedata.category(letter)[0] == "C" for letter in name):
        raise InputError("the object's name", f"must be one line of at most {LONGEST_OBJECT} characters")
    if class_name and class_name not in CLASSES:
        raise InputError("the class", f"{class_name!r:.30} is none of {', '.join(CLASSES)}")
    rows = [*_rows(flight), [file, f"{x_px:.1f}", f"{y_px:.1f}", name, class_name]]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    target = marks_file(flight)
    tried = target.with_name(".marks.new.csv")
    try:
        write_whole(tried, text.getvalue())
        known = flight.camera() if flight.facts().get("camera") else None
        try:
            read_marks(tried, FRAMES.read(flight.frames), known)
        except InputError as error:
            raise InputError("the mark", error.problem) from error
        tried.replace(target)
    finally:
        tried.unlink(missing_ok=True)
    return len(rows)


def _rows(flight: Flight) -> list[list[str]]:
    """The marks so far: those of the marks file, else those the flight was located with."""
    target = marks_file(flight)
    if target.is_file():
        with target.open(encoding="utf-8", newline="") as stream:
            listed = list(csv.DictReader(stream))
        return [[(row.get(name) or "") for name in COLUMNS] for row in listed]
    if not flight.marks.exists():
        return []
    frames = FRAMES.read(flight.frames)
    files = dict(zip(frames["frame_id"].to_pylist(), frames["file"].to_pylist(), strict=True))
    return [
        [
            files[row["frame_id"]],
            f"{row['x1_px']:.1f}",
            f"{row['y1_px']:.1f}",
            row["label"],
            "" if row["class"] == OBJECT_CLASS else row["class"],
        ]
        for row in DETECTIONS.read(flight.marks).to_pylist()
    ]
