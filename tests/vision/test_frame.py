"""Windows of a frame, and the boxes found in them as boxes of the frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vision.classes import class_of
from vision.detector import Boxes
from vision.frame import LARGEST_M, LARGEST_TILE_PX, SearchSettings, Window, join_windows, windows_of

AUTO = SearchSettings(tile_px=None, overlap=0.2, confidence=0.16)


def _boxes(*rows: tuple[float, float, float, float, float, str]) -> Boxes:
    xyxy = np.array([row[:4] for row in rows], dtype=np.float32).reshape(-1, 4)
    confidence = np.array([row[4] for row in rows], dtype=np.float32)
    labels = tuple(row[5] for row in rows)
    return Boxes(xyxy, confidence, labels, tuple(class_of(label) or "" for label in labels))


def _windows(*corners: tuple[int, int, int, int]) -> tuple[Window, ...]:
    return tuple(Window(corner, 100) for corner in corners)


def test_a_thermal_frame_is_searched_whole() -> None:
    for width, height in ((640, 512), (320, 256), (704, 576)):
        assert windows_of(width, height, AUTO) == (Window((0, 0, width, height), 704),)


def test_no_frame_that_need_not_be_cut_is_shrunk() -> None:
    for width, height in ((705, 576), (960, 768), (1280, 1024)):
        assert windows_of(width, height, AUTO) == (Window((0, 0, width, height), width),)
    assert len(windows_of(960, 768, AUTO, fixed=(640, 640))) == 5


def test_a_very_large_frame_as_a_whole_still_shows_what_no_tile_shows_whole() -> None:
    sides = {width: windows_of(width, width * 3 // 4, AUTO)[-1].input_px for width in (2000, 4000, 6000, 8000, 12000)}
    assert sides == {2000: 640, 4000: 640, 6000: 960, 8000: 1280, 12000: LARGEST_TILE_PX}
    assert windows_of(8000, 6000, replace(AUTO, tile_px=640))[-1].input_px == 1280
    assert windows_of(8000, 6000, AUTO, fixed=(640, 640))[-1].input_px == 640


def test_a_large_frame_is_cut_to_fit_and_searched_whole_besides() -> None:
    *tiles, whole = windows_of(4000, 2250, AUTO)
    assert whole == Window((0, 0, 4000, 2250), 640)
    assert len(tiles) == 8
    assert {window.input_px for window in tiles} == {1189}
    assert tiles[0].xyxy == (0, 0, 1096, 1189)
    assert tiles[1].xyxy[0] == 1096 - 128


def test_zero_never_cuts_and_a_size_cuts_small_frames_too() -> None:
    assert len(windows_of(4000, 2250, replace(AUTO, tile_px=0))) == 1
    assert len(windows_of(4000, 2250, replace(AUTO, tile_px=640))) == 41
    cut = windows_of(640, 512, replace(AUTO, tile_px=320))
    assert len(cut) == 7
    assert {window.input_px for window in cut} == {640}


def test_by_the_ground_sample_distance_people_are_blown_up_and_nothing_is_looked_at_twice() -> None:
    fine = windows_of(4000, 2250, replace(AUTO, gsd_m=0.05))
    assert max(window.input_px for window in fine) <= LARGEST_TILE_PX
    assert all(window.xyxy != (0, 0, 4000, 2250) for window in fine)  # the longest lorry is whole in some tile
    across = sorted({(window.xyxy[0], window.xyxy[2]) for window in fine})
    assert all(end - start >= LARGEST_M / 0.05 - 1 for (start, _), (_, end) in zip(across[1:], across, strict=False))
    (coarse,) = windows_of(640, 512, replace(AUTO, gsd_m=0.1))
    assert coarse.input_px == 1280  # a person of 0.6 m covers 6 px, and shall cover 12
    assert replace(AUTO, gsd_m=5.0).scale == 4.0
    assert windows_of(640, 512, replace(AUTO, gsd_m=0.02)) == windows_of(640, 512, AUTO)


def test_a_network_of_one_size_gets_windows_no_larger() -> None:
    *tiles, whole = windows_of(2000, 1000, AUTO, fixed=(640, 480))
    assert all(x2 - x1 <= 640 and y2 - y1 <= 480 for x1, y1, x2, y2 in (tile.xyxy for tile in tiles))
    assert whole.xyxy == (0, 0, 2000, 1000)


@given(
    width=st.integers(1, 9000),
    height=st.integers(1, 9000),
    gsd=st.none() | st.floats(0.005, 3.0),
    overlap=st.floats(0.0, 0.9),
)
def test_every_pixel_of_any_frame_is_looked_at(width: int, height: int, gsd: float | None, overlap: float) -> None:
    windows = windows_of(width, height, replace(AUTO, gsd_m=gsd, overlap=overlap))
    corners = [window.xyxy for window in windows]
    for first, last, side in ((0, 2, width), (1, 3, height)):
        reached = 0
        for start, end in sorted({(corner[first], corner[last]) for corner in corners}):
            assert 0 <= start <= reached
            assert start < end <= side
            reached = max(reached, end)
        assert reached == side
    assert all(0 < window.input_px <= LARGEST_TILE_PX + 2 for window in windows)


def test_boxes_come_back_in_pixels_of_the_frame_once() -> None:
    windows = _windows((0, 0, 100, 100), (60, 0, 160, 100), (0, 0, 160, 100))
    found = [
        _boxes((70, 20, 90, 40, 0.6, "car")),
        _boxes((10, 20, 30, 40, 0.7, "truck"), (50, 50, 55, 60, 0.4, "person")),
        _boxes(),
    ]
    joined = join_windows(windows, found)
    assert joined.label == ("truck", "person")
    assert joined.classes == ("vehicle", "person")
    assert joined.xyxy.tolist() == [[70, 20, 90, 40], [110, 50, 115, 60]]


def test_a_box_at_the_edge_of_the_frame_is_not_cut() -> None:
    windows = _windows((0, 0, 100, 100), (60, 0, 160, 100), (0, 0, 160, 100))
    # the second tile's view is cut by its left edge, the first's ends with the frame's top edge only
    found = [_boxes((50, 0, 90, 20, 0.3, "car")), _boxes((0, 0, 30, 20, 0.9, "car")), _boxes()]
    joined = join_windows(windows, found)
    assert joined.xyxy.tolist() == [[50, 0, 90, 20]]


def test_what_a_tile_shows_closer_is_not_taken_from_the_shrunken_whole_frame() -> None:
    windows = _windows((0, 0, 100, 100), (60, 0, 160, 100), (0, 0, 160, 100))
    small, large = (20, 20, 30, 40, 0.9, "person"), (10, 40, 80, 60, 0.5, "truck")
    across = (50, 70, 110, 90, 0.4, "car")  # lies in no tile
    joined = join_windows(windows, [_boxes(), _boxes(), _boxes(small, large, across)])
    assert joined.label == ("truck", "car")
    as_fine = tuple(Window(window.xyxy, 160) for window in windows)
    assert join_windows(as_fine, [_boxes(), _boxes(), _boxes(small)]).label == ("person",)
    assert join_windows(windows[:2], [_boxes(), _boxes((70, 20, 80, 40, 0.9, "person"))]).label == ("person",)


def test_nothing_anywhere() -> None:
    assert len(join_windows(_windows((0, 0, 10, 10)), [_boxes()])) == 0
