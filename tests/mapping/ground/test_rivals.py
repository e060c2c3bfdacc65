"""Boxes of one frame that mean the same thing: the most confident speaks for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from mapping.ground.marks import MARKED
from mapping.ground.rivals import outvoted
from vision.table import DETECTIONS

Row = tuple[int, str, float, tuple[float, float], float]
"""Frame, class, confidence, place east and north (m), diagonal on the ground (m)."""


def lost(rows: list[Row], model: str = "weights") -> list[bool]:
    """Which of the rows are outvoted; their boxes lie far apart in the picture, so that only places speak."""
    boxes = np.array([[100.0 * k, 0.0, 100.0 * k + 50.0, 50.0] for k in range(len(rows))])
    return _outvoted(rows, boxes, model)


def _outvoted(rows: list[Row], boxes: npt.NDArray[np.float64], model: str) -> list[bool]:
    table = DETECTIONS.from_rows(
        {
            "detection_id": f"f{frame}-{k:03d}",
            "frame_id": f"f{frame}",
            "class": name,
            "label": name,
            "confidence": confidence,
            **dict(zip(("x1_px", "y1_px", "x2_px", "y2_px"), boxes[k].tolist(), strict=True)),
            "model": model,
        }
        for k, (frame, name, confidence, _, _) in enumerate(rows)
    )
    index = np.array([row[0] for row in rows])
    places = np.array([row[3] for row in rows])
    return outvoted(table, index, boxes, places, np.array([row[4] for row in rows])).tolist()


def test_the_bonnet_of_a_car_is_no_second_car() -> None:
    car, bonnet = (0, "vehicle", 0.9, (0.0, 0.0), 5.5), (0, "vehicle", 0.4, (1.5, 0.5), 2.5)
    assert lost([car, bonnet]) == [False, True]
    assert lost([bonnet, car]) == [True, False]


def test_two_vehicles_cannot_stand_in_one_place() -> None:
    assert lost([(0, "vehicle", 0.7, (0.0, 0.0), 6.5), (0, "vehicle", 0.2, (0.8, 0.6), 4.4)]) == [False, True]


def test_two_halves_without_a_whole_leave_the_more_confident() -> None:
    assert lost([(0, "vehicle", 0.4, (0.0, 0.0), 3.0), (0, "vehicle", 0.5, (2.2, 0.0), 3.2)]) == [True, False]


@pytest.mark.parametrize(
    "rows",
    [
        [(0, "vehicle", 0.9, (0.0, 0.0), 5.5), (0, "vehicle", 0.4, (2.4, 0.0), 5.4)],  # side by side in a car park
        [(0, "vehicle", 0.9, (0.0, 0.0), 5.5), (0, "vehicle", 0.4, (5.0, 0.0), 2.5)],  # a small thing farther off
        [(0, "vehicle", 0.9, (0.0, 0.0), 5.5), (1, "vehicle", 0.4, (1.5, 0.5), 2.5)],  # another frame
        [(0, "person", 0.9, (0.0, 0.0), 0.9), (0, "person", 0.4, (0.8, 0.0), 0.9)],  # two people together
        [(0, "vehicle", 0.9, (0.0, 0.0), 5.5), (0, "person", 0.4, (1.5, 0.5), 0.9)],  # a person at the car
        [(0, "vehicle", 0.9, (np.nan, np.nan), np.nan), (0, "vehicle", 0.4, (np.nan, np.nan), np.nan)],  # no places
    ],
)
def test_others_stay(rows: list[Row]) -> None:
    assert lost(rows) == [False] * len(rows)


def test_what_a_person_marked_is_never_outvoted() -> None:
    rows: list[Row] = [(0, "vehicle", 1.0, (0.0, 0.0), 0.0), (0, "vehicle", 1.0, (1.0, 0.0), 0.0)]
    assert lost(rows, model=MARKED) == [False, False]


def test_two_classes_on_the_same_pixels() -> None:
    rows: list[Row] = [(0, "bicycle", 0.4, (0.0, 0.0), 1.5), (0, "person", 0.6, (0.1, 0.0), 1.5)]
    assert _outvoted(rows, np.array([[0.0, 0.0, 20.0, 20.0], [1.0, 0.0, 21.0, 21.0]]), "weights") == [True, False]
