"""Which of a model's labels mean which of our classes."""

from __future__ import annotations

import pytest

from vision.classes import CLASSES, class_of


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("person", "person"),
        ("pedestrian", "person"),
        ("People", "person"),
        ("car", "vehicle"),
        ("Awning-tricycle", "vehicle"),
        ("awning_tricycle", "vehicle"),
        ("OtherVehicle", "vehicle"),
        ("bicycle", "bicycle"),
        ("dog", None),
        ("DontCare", None),
        ("", None),
    ],
)
def test_labels_of_the_common_data_sets(label: str, expected: str | None) -> None:
    assert class_of(label) == expected


def test_our_own_names_mean_themselves() -> None:
    assert [class_of(name) for name in CLASSES] == list(CLASSES)
