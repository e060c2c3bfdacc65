"""The classes Picket looks for, and which of a model's own labels mean which. Weights trained on COCO, VisDrone or
HIT-UAV name the same things differently; everything after `vision` sees only the names in `CLASSES`. The model's own
label is kept beside them in the detections table.
"""

from __future__ import annotations

CLASSES: tuple[str, ...] = ("person", "vehicle", "bicycle")

_LABELS: dict[str, tuple[str, ...]] = {
    "person": ("person", "pedestrian", "people"),
    "vehicle": (
        *("vehicle", "car", "van", "truck", "bus", "tricycle", "awning tricycle"),
        *("motor", "motorcycle", "motorbike", "other vehicle", "othervehicle"),
    ),
    "bicycle": ("bicycle", "bike"),
}

_CLASS_OF_LABEL = {label: name for name, labels in _LABELS.items() for label in labels}


def class_of(label: str) -> str | None:
    """The class in `CLASSES` a model's own label means, None where it is none of ours. Case, hyphens and underscores
    do not matter (`Awning-tricycle` is a vehicle)."""
    return _CLASS_OF_LABEL.get(" ".join(label.lower().replace("-", " ").replace("_", " ").split()))
