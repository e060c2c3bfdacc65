"""Scores agree with cases counted by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vision.errors import InputError
from vision.evaluation import (
    SizeScore,
    Truth,
    average_precision,
    evaluate,
    read_yolo_labels,
    recall_at_precision,
    recall_by_size,
)
from vision.table import DETECTIONS


def _table(*rows: tuple[str, str, float, tuple[float, float, float, float]]) -> pa.Table:
    names = ("x1_px", "y1_px", "x2_px", "y2_px")
    return DETECTIONS.from_rows(
        {
            "detection_id": str(k),
            "frame_id": frame,
            "class": name,
            "label": name,
            "confidence": confidence,
            "model": "test",
            **dict(zip(names, box, strict=True)),
        }
        for k, (frame, name, confidence, box) in enumerate(rows)
    )


def test_two_found_of_three_with_one_false_and_one_double() -> None:
    truths = {
        "a": Truth(np.array([[0, 0, 10, 10], [20, 0, 30, 10]]), ("person", "person")),
        "b": Truth(np.array([[0, 0, 10, 10]]), ("person",)),
    }
    table = _table(
        ("a", "person", 0.9, (0, 0, 10, 10)),
        ("a", "person", 0.8, (0, 0, 10, 9)),  # the same person twice: the second is false
        ("a", "vehicle", 0.7, (20, 0, 30, 10)),  # the wrong class finds nobody
        ("b", "person", 0.6, (0, 0, 10, 11)),
        ("b", "person", 0.1, (50, 50, 60, 60)),
        ("elsewhere", "person", 0.9, (0, 0, 10, 10)),
    )
    person, vehicle = evaluate(table, truths, ("person", "vehicle"), confidence=0.5)
    assert (person.truths, person.detections, person.hits) == (3, 3, 2)
    assert person.precision == pytest.approx(2 / 3)
    assert person.recall == pytest.approx(2 / 3)
    assert person.average_precision == pytest.approx((1 + 2 / 3) / 3)
    assert (vehicle.truths, vehicle.detections, vehicle.hits) == (0, 1, 0)
    assert math.isnan(vehicle.recall)


def test_recall_at_a_precision_is_the_greatest_there_is() -> None:
    truths = {
        "a": Truth(np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]]), ("person",) * 4)
    }
    table = _table(
        ("a", "person", 0.9, (80, 80, 90, 90)),
        ("a", "person", 0.8, (0, 0, 10, 10)),
        ("a", "person", 0.7, (20, 0, 30, 10)),
        ("a", "person", 0.6, (40, 0, 50, 10)),
        ("a", "person", 0.5, (90, 0, 99, 10)),
    )
    assert recall_at_precision(table, truths, "person", 0.75) == pytest.approx((0.75, 0.6))
    assert recall_at_precision(table, truths, "person", 0.6) == pytest.approx((0.75, 0.5))
    assert recall_at_precision(table, truths, "person", 0.9) == (0.0, 1.0)
    assert recall_at_precision(table, truths, "vehicle", 0.5) == (0.0, 1.0)


def test_recall_by_size_counts_each_drawn_box_once() -> None:
    truths = {"a": Truth(np.array([[0, 0, 9, 16], [20, 0, 30, 10], [40, 0, 43, 3], [50, 0, 80, 30]]), ("person",) * 4)}
    table = _table(
        ("a", "person", 0.9, (0, 0, 9, 16)),
        ("a", "person", 0.8, (0, 0, 9, 15)),
        ("a", "person", 0.2, (20, 0, 30, 10)),
        ("a", "vehicle", 0.9, (50, 0, 80, 30)),
    )
    scores = recall_by_size(table, truths, "person", (5, 10, 12, 20), confidence=0.5)
    assert scores == (SizeScore(5, 0, 0), SizeScore(10, 1, 0), SizeScore(12, 1, 1), SizeScore(20, 1, 0))


def test_average_precision_of_perfect_and_of_nothing() -> None:
    assert average_precision(np.array([0.9, 0.8]), np.array([True, True]), 2) == 1.0
    assert average_precision(np.empty(0), np.empty(0, dtype=bool), 2) == 0.0
    assert math.isnan(average_precision(np.empty(0), np.empty(0, dtype=bool), 0))


def test_no_detections_at_all() -> None:
    (person,) = evaluate(_table(), {"a": Truth(np.array([[0, 0, 1, 1]]), ("person",))}, ("person",))
    assert person.recall == 0.0
    assert math.isnan(person.precision)


def test_labels_are_read_in_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1 0.5 0.5 0.5 0.25\n\n")
    truth = read_yolo_labels(path, 100, 80, ("person", "vehicle"))
    assert truth.classes == ("vehicle",)
    assert truth.xyxy.tolist() == [[25, 30, 75, 50]]


@pytest.mark.parametrize("line", ["7 0.5 0.5 0.5 0.5", "0 0.5 0.5", "person 1 2 3 4", "-x"])
def test_a_label_line_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"0 0.1 0.1 0.1 0.1\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        read_yolo_labels(path, 100, 80, ("person", "vehicle"))
