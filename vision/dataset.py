"""A YOLO data set as people lay it out: a YAML file that names the classes and the folders of pictures, and one text
file of boxes for each picture. Checked before anything is trained on it: whatever is wrong is named with file and
place. How the pictures are cut up for training is `mosaic`'s subject.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from vision.errors import InputError
from vision.evaluation import read_yolo_labels
from vision.files import read_text
from vision.images import IMAGE_SUFFIXES, read_image

HOLD_BYTES = 3 << 30
"""Room for pictures in memory; those beyond are read again whenever they are needed."""

LEAST_SIDE_PX = 1.0
"""A drawn box narrower than this in its picture shows nothing and is left out."""


@dataclass(frozen=True)
class Dataset:
    """The pictures of one split with the names of their classes, in the order of their numbers. `measured` says that
    the file names a split to measure on as well (`val`)."""

    source: Path
    names: tuple[str, ...]
    pictures: tuple[Path, ...]
    measured: bool


@dataclass(frozen=True)
class LabelledPicture:
    """A picture of (width, height) `size_px` with its boxes `xyxy` (N, 4) float32 in its pixels and their `classes`
    (N,) int. `held` are its pixels where there is room for them in memory."""

    path: Path
    size_px: tuple[int, int]
    xyxy: np.ndarray
    classes: np.ndarray
    held: np.ndarray | None = None

    def pixels(self) -> np.ndarray:
        """Its pixels, uint8, (H, W) where it is grey, else (H, W, 3) blue, green, red. Raises InputError where the file
        is not what it was."""
        pixels = _pixels(self.path) if self.held is None else self.held
        if pixels.shape[1::-1] != self.size_px:
            raise InputError(self.path, "has become another picture since training began; begin anew")
        return pixels


def read_dataset(path: Path, split: str = "train") -> Dataset:
    """The data set in a YAML file of ultralytics' form: `names` (a list, or a table by number), `path` (the folder the
    others start from; the file's own by default) and, for the split, a folder, a text file of pictures, or a list of
    either. Raises InputError where any of it is missing or wrong."""
    try:
        content = yaml.safe_load(read_text(path, "the YAML file of a YOLO data set"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else ""
        raise InputError(path, "not YAML; give the YAML file of a YOLO data set", place) from error
    if not isinstance(content, dict):
        raise InputError(path, "no table of names and folders; give the YAML file of a YOLO data set")
    names = _names(path, content.get("names"))
    root = path.parent / str(content.get("path") or ".")
    entries = content.get(split)
    entries = [entries] if isinstance(entries, str) else entries
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, str) for entry in entries):
        raise InputError(path, f"names no folder of pictures to {split} on", f"key {split!r}")
    pictures = [picture for entry in entries for picture in _pictures(path, root / entry, split)]
    if not pictures:
        raise InputError(path, f"there are no pictures in {', '.join(entries)}", f"key {split!r}")
    return Dataset(source=path, names=names, pictures=tuple(pictures), measured=bool(content.get("val")))


def _names(path: Path, names: Any) -> tuple[str, ...]:
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise InputError(path, "names no classes; list them in the order of their numbers, from 0 on", "key 'names'")
    if len(set(names)) < len(names):
        raise InputError(path, "names a class twice", "key 'names'")
    return tuple(names)


def _pictures(source: Path, entry: Path, split: str) -> list[Path]:
    if entry.is_dir():
        return sorted(each for each in entry.rglob("*") if each.suffix.lower() in IMAGE_SUFFIXES and each.is_file())
    if entry.suffix == ".txt" and entry.is_file():
        lines = read_text(entry, "a list of pictures, one a line").splitlines()
        return [entry.parent / line.strip() for line in lines if line.strip()]
    raise InputError(source, f"{entry} is neither a folder of pictures nor a list of them", f"key {split!r}")


def label_file(picture: Path) -> Path:
    """The file of boxes that belongs to a picture: the last folder called `images` in its path becomes `labels`."""
    parts = list(picture.with_suffix(".txt").parts)
    for k in range(len(parts) - 2, -1, -1):
        if parts[k] == "images":
            parts[k] = "labels"
            break
    return Path(*parts)


def read_pictures(
    dataset: Dataset, *, hold_bytes: int = HOLD_BYTES, progress: Callable[[int, int], None] | None = None
) -> list[LabelledPicture]:
    """All pictures of a data set, each looked at once, with their boxes, cut at the pictures' edges. The first are kept
    in memory, up to `hold_bytes`. `progress` is called with those read and all. Raises InputError where a picture
    cannot be read, its label file is missing, or a line of it is no box of a class that is named."""
    pictures, held = [], 0
    for number, path in enumerate(dataset.pictures, start=1):
        pixels = _pixels(path)
        picture = _labelled(path, pixels, len(dataset.names))
        if held + pixels.nbytes <= hold_bytes:
            held += pixels.nbytes
            picture = replace(picture, held=pixels)
        pictures.append(picture)
        if progress is not None:
            progress(number, len(dataset.pictures))
    return pictures


def _pixels(path: Path) -> np.ndarray:
    pixels = read_image(path)
    if (pixels != pixels[:, :, :1]).any():
        return pixels
    return np.ascontiguousarray(pixels[:, :, 0])  # a third of the memory


def _labelled(path: Path, pixels: np.ndarray, classes: int) -> LabelledPicture:
    labels = label_file(path)
    if not labels.is_file():
        raise InputError(labels, f"no such label file; draw the boxes of {path.name}, or leave it empty for none")
    height, width = pixels.shape[:2]
    truth = read_yolo_labels(labels, width, height, [str(number) for number in range(classes)])
    limit = np.array([width, height, width, height], dtype=np.float64)
    if not np.isfinite(truth.xyxy).all() or (truth.xyxy < -0.5 * limit).any() or (truth.xyxy > 1.5 * limit).any():
        raise InputError(labels, "boxes lie outside the picture; YOLO's numbers are fractions of it, from 0 to 1")
    xyxy = np.clip(truth.xyxy, 0.0, limit)
    enough = np.asarray((xyxy[:, 2:] - xyxy[:, :2] >= LEAST_SIDE_PX).all(axis=1))
    numbers = np.array([int(name) for name in truth.classes], dtype=np.int64)
    return LabelledPicture(path, (width, height), xyxy[enough].astype(np.float32), numbers[enough])


def as_colour(pixels: np.ndarray) -> np.ndarray:
    """A picture as (H, W, 3), grey or not."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)) if pixels.ndim == 2 else pixels
