"""The classes Picket looks for, and which of a model's own labels mean which. Weights trained on COCO, VisDrone or
HIT-UAV name the same things differently, and a user's mapping file says what other names mean; everything after
`vision` sees only the names in `CLASSES`. The model's own label is kept beside them in the detections table.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from pathlib import Path

from vision.errors import InputError
from vision.files import read_text

CLASSES: tuple[str, ...] = ("person", "vehicle", "bicycle")

NONE = "none"
"""What a mapping file says of a label that is to be left out."""

_LABELS: dict[str, tuple[str, ...]] = {
    "person": ("person", "pedestrian", "people"),
    "vehicle": (
        *("vehicle", "car", "van", "truck", "bus", "tricycle", "awning tricycle"),
        *("motor", "motorcycle", "motorbike", "other vehicle", "othervehicle"),
    ),
    "bicycle": ("bicycle", "bike"),
}

_CLASS_OF_LABEL = {label: name for name, labels in _LABELS.items() for label in labels}


def _plain(label: str) -> str:
    return " ".join(label.lower().replace("-", " ").replace("_", " ").split())


def class_of(label: str) -> str | None:
    """The class in `CLASSES` a model's own label means, None where it is none of ours. Case, hyphens and underscores
    do not matter (`Awning-tricycle` is a vehicle)."""
    return _CLASS_OF_LABEL.get(_plain(label))


def classes_of(names: Mapping[int, str], mapping: Mapping[str, str]) -> dict[int, str]:
    """Which of a network's labels, by number, means which class; labels that are none of ours are not in it.
    `mapping`, as `read_mapping` gives it, goes before what the names themselves say."""
    told = {_plain(label): name for label, name in mapping.items()}
    meant = {number: told.get(_plain(label)) or class_of(label) for number, label in names.items()}
    return {number: name for number, name in meant.items() if name in CLASSES}


def read_mapping(path: Path) -> dict[str, str]:
    """What a user's file says the labels of a model mean, `{label: class}`: TOML (`label = "class"`) or CSV
    (`label,class`, with or without that head), the class one of `CLASSES`, or `NONE`.

    Raises InputError naming file and line, or label, where it is neither or a class is none of ours.
    """
    text = read_text(path, 'lines such as `pickup = "vehicle"` (TOML) or `pickup,vehicle` (CSV)')
    found: dict[str, str] = {}
    places: dict[str, str] = {}
    if path.suffix.lower() == ".toml":
        try:
            known = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InputError(path, f'not TOML ({error}); write lines such as pickup = "vehicle"') from error
        for label, name in known.items():
            found[label], places[label] = str(name), label
    else:
        for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and [_plain(cell) for cell in cells] == ["label", "class"]):
                continue
            if len(cells) != 2:
                raise InputError(path, "not a label and a class, such as pickup,vehicle", f"line {number}")
            found[cells[0]], places[cells[0]] = cells[1], f"line {number}"
    for label, name in found.items():
        if name.lower() not in (*CLASSES, NONE):
            raise InputError(path, f"{name!r} is none of {', '.join(CLASSES)}, {NONE}", places[label])
    return {label: name.lower() for label, name in found.items()}
