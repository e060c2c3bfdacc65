from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mapping.maps.exports.coco import write_coco
from mapping.maps.exports.content import ExportContent
from vision.errors import InputError

Make = Callable[..., ExportContent]


def test_boxes_with_their_images_and_sightings(content: Make, tmp_path: Path) -> None:
    write_coco(content({"detection_ids": ["IMG_2-000"]}), tmp_path / "out.json")
    made = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert [(image["id"], image["file_name"], image["width"], image["height"]) for image in made["images"]] == [
        (1, "images/IMG_1.jpg", 64, 48),
        (2, "images/IMG_2.jpg", 64, 48),
    ]
    first, second = made["annotations"]
    assert first["bbox"] == [4.0, 5.0, 6.0, 15.0]
    assert (first["area"], first["iscrowd"], first["score"]) == (90.0, 0, pytest.approx(0.8, abs=1e-6))
    assert (first["sighting_id"], second["sighting_id"]) == (None, "S-1")
    names = {category["id"]: category["name"] for category in made["categories"]}
    assert names[first["category_id"]] == "person"


def test_ids_are_whole_and_point_at_one_another(content: Make, tmp_path: Path) -> None:
    """What pycocotools builds its index from: unique ids, and annotations of images and categories that are there."""
    write_coco(content({}), tmp_path / "out.json")
    made = json.loads((tmp_path / "out.json").read_text("utf-8"))
    ids = {key: [item["id"] for item in made[key]] for key in ("images", "annotations", "categories")}
    assert all(len(set(values)) == len(values) for values in ids.values())
    for annotation in made["annotations"]:
        assert annotation["image_id"] in ids["images"]
        assert annotation["category_id"] in ids["categories"]


def test_a_picture_that_is_gone(content: Make, tmp_path: Path) -> None:
    made = content({})
    (tmp_path / "flight/images/IMG_2.jpg").unlink()
    with pytest.raises(InputError, match=r"IMG_2\.jpg"):
        write_coco(made, tmp_path / "out.json")


def test_no_boxes_at_all(content: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="picket detect"):
        write_coco(content({}, detections=None), tmp_path / "out.json")
