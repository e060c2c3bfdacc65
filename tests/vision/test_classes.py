"""Which of a model's labels mean which of our classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from vision.classes import CLASSES, class_of, classes_of, read_mapping
from vision.errors import InputError


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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.csv", "label,class\nPick-up,vehicle\n\nsheep , None\n"),
        ("m.txt", "Pick-up,vehicle\nsheep,none\n"),
        ("m.toml", '"Pick-up" = "vehicle"\nsheep = "none"\n'),
    ],
)
def test_a_mapping_file_goes_before_names(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    mapping = read_mapping(tmp_path / name)
    assert mapping == {"Pick-up": "vehicle", "sheep": "none"}
    assert classes_of({0: "pick_up", 1: "sheep", 2: "pedestrian", 3: "tree"}, mapping) == {0: "vehicle", 2: "person"}
    assert classes_of({0: "person"}, {"person": "none"}) == {}


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("m.csv", "a,vehicle\nb,lorry\n", "line 2"),
        ("m.csv", "a,vehicle,9\n", "line 1"),
        ("m.toml", 'a = "lorry"', "a"),
        ("m.toml", "a = ", "m.toml"),
        ("m.toml", "", "empty"),
    ],
)
def test_a_mapping_file_that_says_something_else_is_named(tmp_path: Path, name: str, text: str, place: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=place):
        read_mapping(tmp_path / name)
