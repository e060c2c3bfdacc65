"""The boxes of all frames in COCO's format for object detection, for annotation tools and for training.

The one export that is about pictures: boxes of frames without a place are in it too. Marks, which are boxes of no size,
are left out. Numbers count from 1 in the order of the tables; Picket's own ids stand beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from mapping.ground.marks import MARKED
from mapping.maps.exports.content import ExportContent, sighting_rows, utc_text
from mapping.maps.wording import NOT_REVIEWED, REPORT_STATEMENT
from vision.classes import CLASSES
from vision.errors import InputError
from vision.files import write_whole


def write_coco(content: ExportContent, path: Path) -> None:
    """Write images, categories and annotations, each annotation with its confidence as `score` and, where it is part of
    a sighting, with that one's id and verdict. Raises InputError where there are no boxes or a picture cannot be read,
    VisionError where the file cannot be written."""
    boxes = [] if content.detections is None else content.detections.to_pylist()
    if content.frames is None or not any(_is_box(row) for row in boxes):
        raise InputError(content.source, "holds no boxes; search its frames with `picket detect` first")
    images = list(_images(content))
    numbers = {image["frame_id"]: image["id"] for image in images}
    collection = {
        "info": {
            "description": f"{content.source}: what {content.software} found",
            "version": content.software,
            "contributor": REPORT_STATEMENT,
        },
        "licenses": [],
        "categories": [{"id": number, "name": name} for number, name in enumerate(CLASSES, 1)],
        "images": images,
        "annotations": list(_annotations(content, boxes, numbers)),
    }
    write_whole(path, json.dumps(collection, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def _images(content: ExportContent) -> Iterator[dict[str, Any]]:
    """The frames that have a picture, with its size as it lies on disk (never turned by its EXIF orientation)."""
    root = content.images_root or Path()
    listed = [row for row in content.frames.to_pylist() if row["file"] is not None]  # type: ignore[union-attr]
    for number, row in enumerate(listed, 1):
        width, height = _size_of(root / row["file"])
        taken = {} if row["time_utc"] is None else {"date_captured": utc_text(row["time_utc"])}
        yield {
            "id": number,
            "file_name": row["file"],
            "width": width,
            "height": height,
            **taken,
            "frame_id": row["frame_id"],
        }


def _annotations(
    content: ExportContent, boxes: list[dict[str, Any]], images: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    categories = {name: number for number, name in enumerate(CLASSES, 1)}
    sighting_of = {name: row for row in sighting_rows(content) for name in row["detection_ids"] or []}
    kept = [row for row in boxes if _is_box(row) and row["class"] in categories and row["frame_id"] in images]
    for number, row in enumerate(kept, 1):
        left, top = float(row["x1_px"]), float(row["y1_px"])
        width, height = float(row["x2_px"]) - left, float(row["y2_px"]) - top
        sighting = sighting_of.get(row["detection_id"], {})
        yield {
            "id": number,
            "image_id": images[row["frame_id"]],
            "category_id": categories[row["class"]],
            "bbox": [round(value, 2) for value in (left, top, width, height)],
            "area": round(width * height, 2),
            "iscrowd": 0,
            "segmentation": [],
            "score": round(float(row["confidence"]), 6),
            "detection_id": row["detection_id"],
            "label": row["label"],
            "sighting_id": sighting.get("sighting_id"),
            "verdict": sighting.get("verdict", NOT_REVIEWED),
            "reviewed_by": sighting.get("reviewed_by"),
            "reviewed_utc": None if sighting.get("reviewed_utc") is None else utc_text(sighting["reviewed_utc"]),
            "review_note": sighting.get("review_note"),
        }


def _is_box(row: Mapping[str, Any]) -> bool:
    return row["model"] != MARKED


def _size_of(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except OSError as error:
        raise InputError(path, f"is no picture that can be read ({error}); COCO needs its size") from error
