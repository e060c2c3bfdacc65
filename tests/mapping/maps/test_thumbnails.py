from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest

from mapping.maps.thumbnails import SIDE_PX, thumbnail, thumbnails
from mapping.tables import FRAMES
from vision.table import DETECTIONS


def box(detection_id: str, confidence: float, at: tuple[float, float]) -> dict[str, Any]:
    x, y = at
    return {
        "detection_id": detection_id,
        "frame_id": detection_id.split("-")[0],
        "class": "person",
        "label": "person",
        "confidence": confidence,
        "x1_px": x - 4,
        "y1_px": y - 8,
        "x2_px": x + 4,
        "y2_px": y + 8,
        "model": "m",
    }


@pytest.fixture
def frames(tmp_path: Path) -> pa.Table:
    """Two frames on disk: one dark, one bright; a third that is no image and a fourth that is not there."""
    for name, value in (("A", 40), ("B", 200)):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.full((240, 320, 3), value, np.uint8))
    (tmp_path / "C.jpg").write_text("no image")
    empty = dict.fromkeys(FRAMES.columns.names)
    return FRAMES.from_rows({**empty, "frame_id": name, "file": f"{name}.jpg"} for name in "ABCD")


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_the_most_confident_detection_is_shown(
    frames: pa.Table, sightings: Callable[..., pa.Table], tmp_path: Path
) -> None:
    detections = DETECTIONS.from_rows([box("A-000", 0.4, (100, 100)), box("B-000", 0.9, (100, 100))])
    table = sightings({"detection_ids": ["A-000", "B-000"]})
    picture = decoded(thumbnails(table, detections, frames, tmp_path)["S-1"])
    assert picture.shape == (SIDE_PX, SIDE_PX, 3)
    assert picture[5, 5].mean() == pytest.approx(200, abs=4)


def test_what_cannot_be_read_gets_no_picture(
    frames: pa.Table, sightings: Callable[..., pa.Table], tmp_path: Path
) -> None:
    detections = DETECTIONS.from_rows([box(f"{name}-000", 0.5, (100, 100)) for name in "ACDE"])
    changes = [{"detection_ids": [f"{name}-000"]} for name in "ACDEF"] + [{"detection_ids": None}]
    assert list(thumbnails(sightings(*changes), detections, frames, tmp_path)) == ["S-1"]


def test_the_budget_goes_to_the_most_confident(
    frames: pa.Table, sightings: Callable[..., pa.Table], tmp_path: Path
) -> None:
    detections = DETECTIONS.from_rows([box(f"A-{k:03d}", 0.5, (100, 100)) for k in range(4)])
    table = sightings(*({"detection_ids": [f"A-{k:03d}"], "confidence": 0.2 + 0.1 * k} for k in range(4)))
    every = thumbnails(table, detections, frames, tmp_path)
    assert list(every) == ["S-4", "S-3", "S-2", "S-1"]
    some = thumbnails(table, detections, frames, tmp_path, budget_bytes=len(every["S-4"]) + len(every["S-3"]))
    assert list(some) == ["S-4", "S-3"]


@pytest.mark.parametrize("at", [(160.0, 120.0), (2.0, 3.0), (318.0, 238.0)])
def test_the_box_is_drawn_round_its_object(at: tuple[float, float]) -> None:
    image = np.full((240, 320, 3), 60, np.uint8)
    x, y = at
    picture = decoded(thumbnail(image, (x - 4, y - 8, x + 4, y + 8))).astype(int)
    yellow = (picture[:, :, 2] - picture[:, :, 0]) > 80
    assert yellow.any()
    assert yellow.sum() < 400


def test_an_image_smaller_than_the_crop() -> None:
    picture = decoded(thumbnail(np.full((20, 30, 3), 90, np.uint8), (5.0, 5.0, 12.0, 15.0)))
    assert picture.shape == (SIDE_PX, SIDE_PX, 3)
    assert picture[-1, -1].max() < 10
