"""Windows of a frame, and the boxes found in them as boxes of the frame."""

from __future__ import annotations

import numpy as np

from vision.detector import Boxes
from vision.frame import join_windows, windows_of


def _boxes(*rows: tuple[float, float, float, float, float, str]) -> Boxes:
    xyxy = np.array([row[:4] for row in rows], dtype=np.float32).reshape(-1, 4)
    confidence = np.array([row[4] for row in rows], dtype=np.float32)
    return Boxes(xyxy=xyxy, confidence=confidence, label=tuple(row[5] for row in rows))


def test_a_thermal_frame_is_searched_whole() -> None:
    assert windows_of(640, 512, None, 0.2).tolist() == [[0, 0, 640, 512]]


def test_a_large_frame_is_cut_and_searched_whole_besides() -> None:
    windows = windows_of(4000, 2250, None, 0.2)
    assert len(windows) == 41
    assert windows[-1].tolist() == [0, 0, 4000, 2250]


def test_zero_never_cuts_and_a_size_cuts_small_frames_too() -> None:
    assert len(windows_of(4000, 2250, 0, 0.2)) == 1
    assert len(windows_of(640, 512, 320, 0.2)) == 7


def test_boxes_come_back_in_pixels_of_the_frame_once() -> None:
    windows = np.array([[0, 0, 100, 100], [60, 0, 160, 100], [0, 0, 160, 100]])
    found = [
        _boxes((70, 20, 90, 40, 0.6, "car")),
        _boxes((10, 20, 30, 40, 0.7, "truck"), (50, 50, 55, 60, 0.4, "person")),
        _boxes(),
    ]
    joined = join_windows(windows, found)
    assert joined.label == ("truck", "person")
    assert joined.xyxy.tolist() == [[70, 20, 90, 40], [110, 50, 115, 60]]


def test_a_box_at_the_edge_of_the_frame_is_not_cut() -> None:
    windows = np.array([[0, 0, 100, 100], [60, 0, 160, 100], [0, 0, 160, 100]])
    # the second tile's view is cut by its left edge, the first's ends with the frame's top edge only
    found = [_boxes((50, 0, 90, 20, 0.3, "car")), _boxes((0, 0, 30, 20, 0.9, "car")), _boxes()]
    joined = join_windows(windows, found)
    assert joined.xyxy.tolist() == [[50, 0, 90, 20]]


def test_nothing_anywhere() -> None:
    assert len(join_windows(np.array([[0, 0, 10, 10]]), [_boxes()])) == 0
