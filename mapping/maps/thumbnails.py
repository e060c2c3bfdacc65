"""Small pictures of sightings: the frame round the most confident detection, with its box drawn.

Pictures are made for the most confident sightings first until the budget is used up, and no frame is read for those
that would no longer fit; a sighting whose frame cannot be read gets none, and the report says how many have none.
Reading a frame is `vision.images`' subject.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from vision.errors import InputError
from vision.images import read_image

SIDE_PX = 160
LEAST_CROP_PX = 64
BOX_SHARE = 0.35
LEAST_BOX_PX = 16
PAGE_BYTES = 14_500_000
"""What a whole page may weigh, so that it can be sent by mail and opens at once."""
REST_BYTES = 700_000
ROW_BYTES = 95
"""What a page weighs without sightings, and what each of them adds."""
LEAST_PICTURES_BYTES = 500_000
BUDGET_BYTES = 6_000_000
TYPICAL_BYTES = 6_000
JPEG_QUALITY = 80
BOX_BGR = (0, 215, 255)


def picture_budget(sightings: int, background_bytes: int = 0) -> int:
    """How many bytes of JPEG a report of so many sightings may hold: what is left of `PAGE_BYTES` beside its table and
    its background. In the page they are base64, a third more."""
    return max(LEAST_PICTURES_BYTES, (PAGE_BYTES - REST_BYTES - ROW_BYTES * sightings) * 3 // 4 - background_bytes)


def thumbnails(
    sightings: pa.Table,
    detections: pa.Table,
    frames: pa.Table,
    images_root: Path,
    *,
    budget_bytes: int = BUDGET_BYTES,
) -> dict[str, bytes]:
    """JPEGs of `SIDE_PX` pixels square by sighting id, at most `budget_bytes` in all.

    `frames.file` is relative to `images_root`. Frames are read a batch of sightings at a time, each once in a batch."""
    by_id = {row["detection_id"]: row for row in detections.to_pylist()}
    files = dict(zip(frames.column("frame_id").to_pylist(), frames.column("file").to_pylist(), strict=True))
    wanted = []
    for row in sorted(sightings.select(["sighting_id", "confidence", "detection_ids"]).to_pylist(), key=_by_confidence):
        own = [by_id[name] for name in row["detection_ids"] or [] if name in by_id]
        if own:
            wanted.append((row["sighting_id"], _best(own)))
    kept: dict[str, bytes] = {}
    left, done, typical, least = budget_bytes, 0, TYPICAL_BYTES, 1
    while done < len(wanted) and left >= least:
        batch = wanted[done : done + max(1, left // typical)]
        done += len(batch)
        made = _pictures_of(batch, files, images_root)
        for sighting_id, _ in batch:
            if sighting_id in made and len(made[sighting_id]) <= left:
                kept[sighting_id] = made[sighting_id]
                left -= len(made[sighting_id])
        sizes = [len(picture) for picture in made.values()]
        if sizes:
            typical, least = max(1, sum(sizes) // len(sizes)), min(sizes)
    return kept


def _pictures_of(
    batch: Sequence[tuple[str, Mapping[str, Any]]], files: Mapping[str, str], images_root: Path
) -> dict[str, bytes]:
    """The pictures of these sightings and boxes, as far as their frames can be read; each frame is read once."""
    by_frame: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for sighting_id, box in batch:
        by_frame.setdefault(box["frame_id"], []).append((sighting_id, box))
    made = {}
    for frame_id, boxes in by_frame.items():
        try:
            image = read_image(images_root / files[frame_id])
        except (InputError, KeyError):
            continue
        for sighting_id, box in boxes:
            made[sighting_id] = thumbnail(image, (box["x1_px"], box["y1_px"], box["x2_px"], box["y2_px"]))
    return made


def box_thumbnails(
    boxes: pa.Table, frames: pa.Table, images_root: Path, *, budget_bytes: int = BUDGET_BYTES
) -> dict[str, bytes]:
    """The same of single boxes, by detection id."""
    names = boxes["detection_id"].to_pylist()
    each = pa.table(
        {"sighting_id": names, "confidence": boxes["confidence"], "detection_ids": [[name] for name in names]}
    )
    return thumbnails(each, boxes, frames, images_root, budget_bytes=budget_bytes)


def thumbnail(image: np.ndarray, box: tuple[float, float, float, float], side_px: int = SIDE_PX) -> bytes:
    """A JPEG of `side_px` pixels square: the image (H, W, 3; BGR, uint8) round `box` (x1, y1, x2, y2 in pixels), moved
    inside the image, with the box drawn. Where the image is smaller than the crop the rest is black."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    side = round(max(LEAST_CROP_PX, max(x2 - x1, y2 - y1) / BOX_SHARE))
    left = int(np.clip(round((x1 + x2) / 2 - side / 2), 0, max(0, width - side)))
    top = int(np.clip(round((y1 + y2) / 2 - side / 2), 0, max(0, height - side)))
    crop = np.zeros((side, side, 3), np.uint8)
    part = image[top : top + side, left : left + side]
    crop[: part.shape[0], : part.shape[1]] = part
    scale = side_px / side
    picture = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    centre = np.array([(x1 + x2) / 2 - left, (y1 + y2) / 2 - top]) * scale
    half = np.maximum(np.array([x2 - x1, y2 - y1]) * scale / 2 + 2, LEAST_BOX_PX / 2)
    first, second = (np.rint(corner).astype(int).tolist() for corner in (centre - half, centre + half))
    cv2.rectangle(picture, first, second, BOX_BGR, max(1, side_px // (2 * SIDE_PX)))
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


def _best(boxes: list[dict[str, Any]]) -> dict[str, Any]:
    """The most confident box; of several alike (marks all are) the middle one, for it is least likely to lie at the
    edge of its frame."""
    highest = max(box["confidence"] or 0.0 for box in boxes)
    alike = sorted((box for box in boxes if (box["confidence"] or 0.0) == highest), key=lambda box: box["detection_id"])
    return alike[len(alike) // 2]


def _by_confidence(row: Mapping[str, Any]) -> tuple[float, str]:
    return -(row["confidence"] or 0.0), row["sighting_id"]
