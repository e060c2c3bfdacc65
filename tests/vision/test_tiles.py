"""Windows cover the frame, lie inside it, and are never slivers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.tiles import tile_windows

SIDES = st.integers(1, 120)


@given(width=SIDES, height=SIDES, tile=st.integers(1, 60), overlap=st.floats(0.0, 0.9))
def test_every_pixel_is_covered_and_no_window_is_a_sliver(width: int, height: int, tile: int, overlap: float) -> None:
    windows = tile_windows(width, height, tile, overlap)
    columns, rows = ({tuple(pair) for pair in windows[:, side].tolist()} for side in ([0, 2], [1, 3]))
    assert {x for start, end in columns for x in range(start, end)} == set(range(width))
    assert {y for start, end in rows for y in range(start, end)} == set(range(height))
    assert len(windows) == len(columns) * len(rows) == len(np.unique(windows, axis=0))  # the full grid, none twice
    assert windows.min() >= 0
    assert (windows[:, 2:] <= (width, height)).all()
    assert (windows[:, 2] - windows[:, 0] == min(tile, width)).all()
    assert (windows[:, 3] - windows[:, 1] == min(tile, height)).all()


@given(width=SIDES, tile=st.integers(10, 200), overlap=st.floats(0.0, 0.9))
def test_neighbours_overlap_as_asked(width: int, tile: int, overlap: float) -> None:
    windows = tile_windows(width, tile, tile, overlap)
    shared = windows[:-1, 2] - windows[1:, 0]
    assert (shared >= overlap * tile - 1.0).all()


def test_a_frame_of_twelve_megapixels() -> None:
    assert len(tile_windows(4000, 2250, 640, 0.2)) == 40


def test_a_small_frame_is_one_window() -> None:
    assert tile_windows(640, 512, 640, 0.2).tolist() == [[0, 0, 640, 512]]


@pytest.mark.parametrize("values", [(0, 10, 10, 0.2), (10, 10, 0, 0.2), (10, 10, 10, 1.0), (10, 10, 10, -0.1)])
def test_senseless_sizes_are_refused(values: tuple[int, int, int, float]) -> None:
    with pytest.raises(ValueError, match=r"overlap|cut"):
        tile_windows(*values)
