"""What is wrong with a data set is named before anything is trained on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.vision.yolo_data import NAMES, write_data
from vision.dataset import label_file, read_dataset, read_pictures
from vision.errors import InputError


def test_reads_pictures_and_their_boxes(tmp_path: Path) -> None:
    dataset = read_dataset(write_data(tmp_path))
    pictures = read_pictures(dataset)
    assert dataset.names == NAMES
    assert [len(picture.classes) for picture in pictures] == [3] * 4
    for picture in pictures:
        pixels = picture.pixels()
        assert pixels.shape == (256, 320)
        for x1, y1, x2, y2 in np.round(picture.xyxy).astype(int):
            assert pixels[y1:y2, x1:x2].min() == 220


def test_names_by_number_and_a_list_of_pictures(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    (tmp_path / "train.txt").write_text("images/train/0.png\nimages/train/3.png\n")
    data.write_text("names: {0: person, 1: car, 2: bike}\ntrain: [train.txt]\n")
    dataset = read_dataset(data)
    assert dataset.names == ("person", "car", "bike")
    assert [path.name for path in dataset.pictures] == ["0.png", "3.png"]
    assert not dataset.measured


def test_pictures_there_is_no_room_for_are_read_again(tmp_path: Path) -> None:
    dataset = read_dataset(write_data(tmp_path))
    roomy, cramped = read_pictures(dataset), read_pictures(dataset, hold_bytes=2 * 320 * 256)
    assert [picture.held is None for picture in cramped] == [False, False, True, True]
    for one, other in zip(roomy, cramped, strict=True):
        assert np.array_equal(one.pixels(), other.pixels())


def test_the_last_folder_called_images_becomes_labels() -> None:
    assert label_file(Path("images/a/images/val/x.jpg")) == Path("images/a/labels/val/x.txt")
    assert label_file(Path("pictures/x.jpg")) == Path("pictures/x.txt")


@pytest.mark.parametrize(
    ("spoil", "place", "problem"),
    [
        (lambda root: (root / "labels/train/2.txt").unlink(), "2.txt", "no such label file"),
        (lambda root: (root / "labels/train/1.txt").write_text("7 .5 .5 .1 .1\n"), "1.txt: line 1", "class number"),
        (lambda root: (root / "labels/train/1.txt").write_text("0 .5 .5 .1 .1\n0 .5 .5\n"), "line 2", "five numbers"),
        (lambda root: (root / "labels/train/1.txt").write_text("0 160 120 20 20\n"), "1.txt", "outside the picture"),
        (lambda root: (root / "labels/train/1.txt").write_text("0 nan .5 .1 .1\n"), "1.txt", "outside the picture"),
        (lambda root: (root / "images/train/3.png").write_bytes(b"none"), "3.png", "not a picture"),
        (lambda root: (root / "data.yaml").write_text("names: [a\n"), "data.yaml", "not YAML"),
        (lambda root: (root / "data.yaml").write_text("- a\n"), "data.yaml", "no table"),
        (lambda root: (root / "data.yaml").write_text("train: images/train\n"), "'names'", "names no classes"),
        (lambda root: (root / "data.yaml").write_text("names: [a, a]\ntrain: x\n"), "'names'", "twice"),
        (lambda root: (root / "data.yaml").write_text("names: [a]\n"), "'train'", "names no folder"),
        (lambda root: (root / "data.yaml").write_text("names: [a]\ntrain: nowhere\n"), "'train'", "neither a folder"),
        (lambda root: (root / "data.yaml").write_text("names: [a]\ntrain: labels\n"), "'train'", "no pictures"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, spoil: Callable[[Path], object], place: str, problem: str) -> None:
    data = write_data(tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError) as refused:
        read_pictures(read_dataset(data))
    text = str(refused.value)
    assert place in text
    assert problem in text
    assert "\n" not in text
