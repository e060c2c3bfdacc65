"""Frames that show a place without what was seen there."""

from __future__ import annotations

import numpy as np
import shapely

from mapping.ground.overlooked import pictures
from mapping.ground.tracks import Looks, fit

SQUARE = shapely.box(-20.0, -20.0, 20.0, 20.0)
ELSEWHERE = shapely.box(100.0, 100.0, 140.0, 140.0)


def looks(frames: list[int], step_s: float = 2.0) -> Looks:
    """One person at the origin in each of these frames."""
    count = len(frames)
    frame = np.array(frames, dtype=np.intp)
    return Looks(
        frame=frame,
        time_s=1e9 + step_s * frame.astype(np.float64),
        flight=np.zeros(count, dtype=np.intp),
        class_name=np.full(count, "person"),
        place=np.zeros((count, 2)),
        noise=np.tile(0.1 * np.eye(2), (count, 1, 1)),
        factors=np.zeros((count, 2, 1)),
        chance=np.full(count, -9.0),
    )


def test_frames_that_show_the_place_without_it_are_counted_also_those_that_show_nothing_at_all() -> None:
    seen = looks([0, 4])
    shown = pictures(seen, np.array([SQUARE, SQUARE, ELSEWHERE, None, SQUARE], dtype=np.object_))
    assert shown.misses(fit(seen, np.zeros(2, dtype=np.intp))).tolist() == [1.0]
    assert not shown.none
    assert shown.area_m2 == 4 * 38.0**2


def test_frames_long_before_and_after_say_nothing_of_it() -> None:
    seen = looks([0, 1, 2, 200])
    shown = pictures(seen, np.array([SQUARE] * 201, dtype=np.object_))
    tracks = fit(seen, np.array([0, 0, 0, 1], dtype=np.intp))
    assert shown.misses(tracks).tolist() == [60.0, 60.0]
    assert shown.misses(tracks, np.array([False, True])).tolist() == [0.0, 60.0]


def test_where_no_ground_is_known_nothing_counts_as_missed() -> None:
    seen = looks([0, 1])
    for views in (None, np.array([None, None], dtype=np.object_)):
        shown = pictures(seen, views)
        assert shown.none
        assert shown.area_m2 == 0.0
        assert shown.misses(fit(seen, np.zeros(2, dtype=np.intp))).tolist() == [0.0]
