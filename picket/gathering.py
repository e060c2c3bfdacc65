"""The pictures somebody brings: a picture, a video, or a folder of both of any depth, as a list of pictures that can be
read. Where they were taken is `mapping`'s subject, putting them into a flight `commands.ingest`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mapping.ground.frames import in_order
from picket.output import notes, progress_bar
from vision.errors import InputError, VisionError
from vision.images import IMAGE_SUFFIXES, read_image
from vision.video import VIDEO_SUFFIXES, extract_frames

EVERY_S = 1.0
"""Seconds between the frames taken from a video."""


@dataclass(frozen=True)
class Gathered:
    """The pictures in order, where each is to lie in the flight's folder of images, and what was left out: file and
    reason."""

    pictures: tuple[Path, ...]
    places: Mapping[Path, Path]
    left_out: Mapping[str, str]


def gather(
    source: Path, aside: Path, *, every_s: float = EVERY_S, start: datetime | None = None, skip_unreadable: bool = False
) -> Gathered:
    """The pictures at `source`, those of videos written into the folder `aside` first, one every `every_s` seconds
    (the first at `start`, where it is known).

    Raises InputError where there are none, or one cannot be read, unless `skip_unreadable`: those are named and left
    out, and VisionError is raised where not one is left.
    """
    if not every_s > 0:
        raise InputError("--every", f"{every_s} is no time step; give seconds above 0")
    files = _files(source)
    top = source if source.is_dir() else source.parent
    places: dict[Path, Path] = {}
    left_out: dict[str, str] = {}
    with progress_bar("reading images") as progress:
        for number, path in enumerate(files, start=1):
            try:
                if path.suffix.lower() in VIDEO_SUFFIXES:
                    place = path.relative_to(top).with_suffix("")
                    made = extract_frames(path, aside / str(number), every_s, start=start)
                    places.update({file: place / file.name for file in made.files})
                    if made.note:
                        notes([f"{path}: {made.note}; what can be read is used"])
                else:
                    read_image(path)
                    places[path] = path.relative_to(top)
            except InputError as error:
                if not skip_unreadable:
                    raise InputError(path, f"{error.problem}; take it out, or say --skip-unreadable") from error
                notes([f"{error}; left out"])
                left_out[str(path)] = error.problem
            progress(number, len(files))
    if not places:
        raise VisionError(f"{source}: not one of {len(files)} files could be read")
    return Gathered(tuple(in_order(list(places))), places, left_out)


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise InputError(source, "no such file or folder")
    wanted = IMAGE_SUFFIXES | VIDEO_SUFFIXES
    found = sorted(
        path
        for path in source.rglob("*")
        if path.suffix.lower() in wanted and not path.name.startswith(".") and path.is_file()
    )
    if not found:
        raise InputError(source, f"holds no images and no videos ({', '.join(sorted(wanted))})")
    return found
