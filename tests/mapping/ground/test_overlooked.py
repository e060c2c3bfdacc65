"""Frames that show a place without what was seen there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import shapely

from mapping.ground.overlooked import pictures
from mapping.ground.tracks import Looks, fit

SQUARE = shapely.box(-20.0, -20.0, 20.0, 20.0)
ELSEWHERE = shapely.box(100.0, 100.0, 140.0, 140.0)


def looks(frames: list[int], step_s: float = 2.0, place: npt.NDArray[np.float64] | None = None) -> Looks:
    """A person in each of these frames, at the origin where no other `place` is given."""
    count = len(frames)
    frame = np.array(frames, dtype=np.intp)
    return Looks(
        frame=frame,
        time_s=1e9 + step_s * frame.astype(np.float64),
        flight=np.zeros(count, dtype=np.intp),
        class_name=np.full(count, "person"),
        place=np.zeros((count, 2)) if place is None else place,
        noise=np.tile(0.1 * np.eye(2), (count, 1, 1)),
        factors=np.zeros((count, 2, 1)),
        chance=np.full(count, -9.0),
    )


def test_frames_that_show_the_place_without_it_are_counted_also_those_that_show_nothing_at_all() -> None:
    seen = looks([0, 4])
    shown = pictures(seen, np.array([SQUARE, SQUARE, ELSEWHERE, None, SQUARE], dtype=np.object_))
    assert shown.misses(fit(seen, np.zeros(2, dtype=np.intp))).tolist() == [1.0]
    assert not shown.none
    assert shown.all_m2 == 4 * 40.0**2


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
        assert shown.all_m2 == 2 * 1e4
        assert shown.misses(fit(seen, np.zeros(2, dtype=np.intp))).tolist() == [0.0]


def test_a_crowd_in_one_picture_is_denser_than_their_number_over_all_ground() -> None:
    views = np.array([SQUARE] * 10, dtype=np.object_)
    scattered, together = [0, 1, 2, 3, 4], [3, 3, 3, 3, 3]
    all_m2 = 10 * 40.0**2
    assert pictures(looks(scattered), views).crowd_m2(np.array(scattered)) == pytest.approx(5 / all_m2)
    assert pictures(looks(together), views).crowd_m2(np.array(together)) == pytest.approx(4 / 40.0**2)
    views[3] = None  # of a picture whose ground is not known nothing follows
    assert pictures(looks(together), views).crowd_m2(np.array(together)) == pytest.approx(5 / (9 * 40.0**2))


def test_the_area_of_pictures_is_guessed_from_how_far_apart_their_detections_are() -> None:
    rng = np.random.default_rng(3)
    frames = np.repeat(np.arange(60), 5).tolist()
    shown = pictures(looks(frames, place=rng.uniform(0.0, [60.0, 30.0], (300, 2))), None)
    assert shown.none
    assert shown.all_m2 == pytest.approx(60 * 60.0 * 30.0, rel=0.15)
    in_a_row = pictures(looks([0, 0, 0], place=np.array([[0.0, 0.0], [5.0, 0.0], [10.0, 0.0]])), None)
    assert in_a_row.all_m2 > 0.0
