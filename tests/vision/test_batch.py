"""Real frames in, a table out: with the shipped weights, on real thermal frames where they are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from vision.batch import BatchResult, detect_frames, search_settings
from vision.classes import CLASSES
from vision.detector import Boxes, NetworkDetector, load_detector
from vision.errors import InputError
from vision.evaluation import evaluate, read_yolo_labels
from vision.images import read_image
from vision.table import DETECTIONS

FRAMES = 12


@pytest.fixture(scope="module")
def detector() -> NetworkDetector:
    return load_detector(backend="torch")


@pytest.fixture(scope="module")
def frames(shared: Path) -> list[tuple[str, Path]]:
    """A dozen frames spread over the validation split."""
    images = sorted((shared / "data" / "thermal" / "images" / "val").glob("*.jpg"))
    return [(path.stem, path) for path in images[:: len(images) // FRAMES][:FRAMES]]


@pytest.fixture(scope="module")
def found(frames: list[tuple[str, Path]], detector: NetworkDetector) -> BatchResult:
    return detect_frames(frames, detector)


def test_people_and_vehicles_are_found_on_real_frames(
    shared: Path, frames: list[tuple[str, Path]], found: BatchResult
) -> None:
    labels = shared / "data" / "thermal" / "labels" / "val"
    truths = {name: read_yolo_labels(labels / f"{name}.txt", 640, 512, CLASSES) for name, _ in frames}
    for score in evaluate(found.table, truths, ("person", "vehicle")):
        assert score.truths > 10
        assert score.recall > 0.5, score
        assert score.precision > 0.5, score


def test_the_table_is_in_order_and_complete(
    frames: list[tuple[str, Path]], found: BatchResult, detector: NetworkDetector
) -> None:
    table = found.table
    assert table.schema.equals(DETECTIONS.columns)
    assert found.skipped == ()
    assert set(table["model"].to_pylist()) == {detector.sha256}
    order = [name for name, _ in frames]
    rows = table.to_pylist()
    places = [order.index(row["frame_id"]) for row in rows]
    assert places == sorted(places)
    for name in order:
        mine = [row for row in rows if row["frame_id"] == name]
        assert [row["detection_id"] for row in mine] == [f"{name}-{k:03d}" for k in range(len(mine))]
        confidence = [row["confidence"] for row in mine]
        assert confidence == sorted(confidence, reverse=True)
    for row in rows:
        assert 0 <= row["x1_px"] < row["x2_px"] <= 640
        assert 0 <= row["y1_px"] < row["y2_px"] <= 512


def test_the_same_frames_give_the_same_table(
    frames: list[tuple[str, Path]], found: BatchResult, detector: NetworkDetector
) -> None:
    assert detect_frames(frames, detector).table.equals(found.table)
    alone = detect_frames(frames[3:4], detector).table
    of_that_frame = [row for row in found.table.to_pylist() if row["frame_id"] == frames[3][0]]
    assert alone.to_pylist() == of_that_frame


def test_broken_pictures_are_named_and_the_others_searched(
    tmp_path: Path, frames: list[tuple[str, Path]], found: BatchResult, detector: NetworkDetector
) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(frames[0][1].read_bytes()[:5000])
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    steps: list[tuple[int, int]] = []
    mixed = [("cut", cut), *frames[:2], ("text", text), ("absent", tmp_path / "absent.jpg"), *frames[2:3]]
    result = detect_frames(mixed, detector, progress=lambda done, total: steps.append((done, total)))
    assert [(skipped.frame_id, skipped.file) for skipped in result.skipped] == [
        ("cut", str(cut)),
        ("text", str(text)),
        ("absent", str(tmp_path / "absent.jpg")),
    ]
    assert all(skipped.reason for skipped in result.skipped)
    assert steps == [(k + 1, len(mixed)) for k in range(len(mixed))]
    wanted = {name for name, _ in frames[:3]}
    assert result.table.to_pylist() == [row for row in found.table.to_pylist() if row["frame_id"] in wanted]


def test_small_things_in_a_large_frame_are_found_in_tiles(
    tmp_path: Path, frames: list[tuple[str, Path]], found: BatchResult, detector: NetworkDetector
) -> None:
    mosaic = np.vstack([np.hstack([read_image(path) for _, path in frames[k : k + 3]]) for k in (0, 3, 6)])
    path = tmp_path / "mosaic.png"
    cv2.imwrite(str(path), mosaic)
    alone = sum(row["frame_id"] in {name for name, _ in frames[:9]} for row in found.table.to_pylist())
    tiled = len(detect_frames([("m", path)], detector).table)
    whole = len(detect_frames([("m", path)], detector, search_settings(tile_px=0)).table)
    assert 0.8 * alone < tiled < 1.3 * alone
    assert whole < 0.7 * tiled


def test_grey_and_colour_arrays_give_the_same_boxes(frames: list[tuple[str, Path]], detector: NetworkDetector) -> None:
    colour = read_image(frames[0][1])
    grey, three, flat = detector.detect([colour[:, :, 0], colour, colour[:, :, :1]], 0.16)
    assert grey.xyxy.tolist() == three.xyxy.tolist() == flat.xyxy.tolist()


def test_pictures_of_many_sizes_at_once(detector: NetworkDetector) -> None:
    images = [np.zeros(shape, np.uint8) for shape in ((1, 1, 3), (31, 700, 3), (512, 640), (700, 31, 3))]
    assert [len(boxes) for boxes in detector.detect(images, 0.5)] == [0, 0, 0, 0]
    assert detector.detect([], 0.5) == []


class _Counting:
    """A detector that sees one person in the middle of every picture, and remembers what it was given."""

    sha256 = "0" * 64
    thermal = False
    runs = "none"
    batch = 1
    input_px = 640
    fixed = None

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def detect(self, images: Sequence[np.ndarray], confidence: float, *, input_px: int | None = None) -> list[Boxes]:
        self.shapes.extend(image.shape for image in images)
        return [
            Boxes(
                xyxy=np.array([[w / 2 - 1, h / 2 - 1, w / 2 + 1, h / 2 + 1]], np.float32),
                confidence=np.array([0.9], np.float32),
                label=("pedestrian",),
                classes=("person",),
            )
            for h, w in (image.shape[:2] for image in images)
        ]


def test_any_detector_will_do_and_labels_become_classes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((300, 400, 3), np.uint8))
    counting = _Counting()
    rows = detect_frames([("a", path)], counting, search_settings(tile_px=250)).table.to_pylist()
    assert sorted(counting.shapes) == [(250, 250, 3)] * 4 + [(300, 400, 3)]
    assert {(row["class"], row["label"]) for row in rows} == {("person", "pedestrian")}
    assert sorted((row["x1_px"], row["y1_px"]) for row in rows) == [
        (124.0, 124.0),
        (124.0, 174.0),
        (199.0, 149.0),
        (274.0, 124.0),
        (274.0, 174.0),
    ]


def test_no_frames_give_an_empty_table(detector: NetworkDetector) -> None:
    result = detect_frames([], detector)
    assert len(result.table) == 0
    assert result.table.schema.equals(DETECTIONS.columns)


@pytest.mark.parametrize(
    "options",
    [
        *({"confidence": 0.0}, {"confidence": 1.5}, {"overlap": 1.0}, {"tile_px": 5}),
        *({"gsd_m": 0.0}, {"gsd_m": float("nan")}, {"gsd_m": 0.1, "tile_px": 640}, {"least_px": 0.5}),
    ],
)
def test_options_out_of_range_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options)).split("_")[0]):
        search_settings(**options)


def test_threads_looking_at_pictures_of_different_shape_do_not_disturb_each_other(
    detector: NetworkDetector, frames: list[tuple[str, Path]]
) -> None:
    quick = replace(detector, input_px=160)
    wide = read_image(frames[0][1])[:, :, 0]
    pictures = [wide, np.ascontiguousarray(wide.T)] * 60
    expected = [quick.detect([picture], 0.01)[0].xyxy.tolist() for picture in pictures[:2]] * 60
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda picture: quick.detect([picture], 0.01)[0].xyxy.tolist(), pictures))
    assert found == expected
