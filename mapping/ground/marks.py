"""Objects that a person marked in pictures by hand: a CSV file becomes rows of the detections table.

Columns: file, x_px, y_px, object, and optionally class. `file` is the picture's name, `object` the name of the thing
marked: all marks of one name are one object. A mark becomes a box of no size with model `marked`, confidence 1 and the
object's name as its label; its class is `object` (something a person named, whatever it is) unless the file gives one
of Picket's classes. A mark's id comes from its picture and name: it stays when the mark is moved, and when other marks
are added, removed or put in another order. Where marks lie on the ground is `mapping.ground.locate`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import PurePosixPath

import pyarrow as pa

from mapping.ground.camera import Camera
from mapping.rows import read_rows
from vision.classes import CLASSES
from vision.errors import InputError
from vision.table import DETECTIONS

MARKED = "marked"
"""The `model` of detections that a person made."""
OBJECT_CLASS = "object"
"""The class of what a person marked without giving a class."""

MOST_PIXELS = 1_000_000  # a side, where the pictures' size is not known

_DIGITS = 12  # of 16 values each: of a thousand marks in one picture two would share an id once in 500 million

_PIXELS = ("x_px", "y_px")
_NEEDED = ("file", *_PIXELS, "object")


@dataclass(frozen=True)
class _Mark:
    line: int
    frame_id: str
    x_px: float
    y_px: float
    name: str
    class_name: str


def read_marks(path: str | PathLike[str], frames: pa.Table, camera: Camera | None = None) -> pa.Table:
    """The marks in the CSV file at `path` as a DETECTIONS table, in the order of frames and then of lines.

    `frames` is the flight's FRAMES table; pictures are found by their path in it or by their name alone. Raises
    InputError naming the line and column at fault: a column missing, a number that is none, a pixel outside `camera`'s
    pictures, a picture that is not in the flight, an object marked twice in one picture.
    """
    size = (camera.width_px, camera.height_px) if camera is not None else (MOST_PIXELS, MOST_PIXELS)
    by_name = _frames_by_name(frames)
    written = read_rows(path, _NEEDED, "marks", ",".join(_NEEDED))
    marks = [_mark(path, line, row, by_name, size) for line, row in written]
    seen: dict[tuple[str, str], int] = {}
    for mark in marks:
        earlier = seen.setdefault((mark.frame_id, mark.name), mark.line)
        if earlier != mark.line:
            problem = f"{mark.name!r} is marked in this picture on line {earlier} already; give the second another name"
            raise InputError(path, problem, f"line {mark.line}, object")
    order = {frame_id: place for place, frame_id in enumerate(frames["frame_id"].to_pylist())}
    return DETECTIONS.from_rows(
        {
            "detection_id": _detection_id(mark),
            "frame_id": mark.frame_id,
            "class": mark.class_name,
            "label": mark.name,
            "confidence": 1.0,
            "x1_px": mark.x_px,
            "y1_px": mark.y_px,
            "x2_px": mark.x_px,
            "y2_px": mark.y_px,
            "model": MARKED,
        }
        for mark in sorted(marks, key=lambda mark: (order[mark.frame_id], mark.line))
    )


def _detection_id(mark: _Mark) -> str:
    """From picture and name, which no two marks share, and not from the line: a number would pass to the next mark, and
    an officer's verdict with it, as soon as a line before it is taken out."""
    digest = hashlib.sha256(mark.name.encode()).hexdigest()
    return f"{mark.frame_id}-mark-{digest[:_DIGITS]}"


def _frames_by_name(frames: pa.Table) -> dict[str, set[str]]:
    """Frame ids by the path of their picture, and by its bare name."""
    found: dict[str, set[str]] = {}
    for frame_id, file in zip(frames["frame_id"].to_pylist(), frames["file"].to_pylist(), strict=True):
        for name in {file, PurePosixPath(file).name} if file else ():
            found.setdefault(name, set()).add(frame_id)
    return found


def _mark(
    path: str | PathLike[str],
    line: int,
    values: Mapping[str, str],
    frames: Mapping[str, set[str]],
    size: tuple[int, int],
) -> _Mark:
    matching = frames.get(values["file"], set())
    if len(matching) != 1:
        many = f"{values['file']!r} is the name of {len(matching)} pictures of this flight; give its path in the flight"
        none = f"{values['file']!r} is no picture of this flight; give the name of one that is"
        raise InputError(path, many if matching else none, f"line {line}, file")
    class_name = values.get("class", "")
    if class_name and class_name not in CLASSES:
        problem = f"{class_name!r} is no class; give one of {', '.join(CLASSES)} or leave it empty"
        raise InputError(path, problem, f"line {line}, class")
    (frame_id,) = matching
    x_px, y_px = (_pixel(path, line, name, values[name], most) for name, most in zip(_PIXELS, size, strict=True))
    return _Mark(line, frame_id, x_px, y_px, values["object"], class_name or OBJECT_CLASS)


def _pixel(path: str | PathLike[str], line: int, name: str, text: str, most: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= most:
        across = "across" if name == "x_px" else "down"
        problem = f"{text!r} is no pixel of the picture, which has {most} {across}; count from its top-left corner"
        raise InputError(path, problem, f"line {line}, {name}")
    return value
