"""Which legs of a sortie are flown at the survey's speed, and which at the drone's own."""

from __future__ import annotations

import pytest

from missions.speeds import FAST_LINK_M, leg_speeds

SURVEY, TRANSIT = 6.0, 10.0


def test_the_camera_sets_the_speed_and_the_ways_out_and_home_do_not() -> None:
    points = [(0.0, 0.0), (0.0, 100.0), (200.0, 100.0), (200.0, 120.0), (0.0, 120.0), (0.0, 0.0)]
    assert leg_speeds(points, {1, 3}, SURVEY, TRANSIT) == [TRANSIT, SURVEY, SURVEY, SURVEY, TRANSIT]
    assert leg_speeds(points, set(), SURVEY, TRANSIT) == [TRANSIT] * 5


@pytest.mark.parametrize(("length", "speed"), [(FAST_LINK_M - 1.0, SURVEY), (FAST_LINK_M + 1.0, TRANSIT)])
def test_a_link_is_fast_where_it_is_long(length: float, speed: float) -> None:
    points = [(0.0, 0.0), (100.0, 0.0), (100.0, length), (0.0, length)]
    assert leg_speeds(points, {0, 2}, SURVEY, TRANSIT) == [SURVEY, speed, SURVEY]


def test_a_link_in_line_with_the_next_transect_stays_slow() -> None:
    points = [(0.0, 0.0), (100.0, 0.0), (300.0, 0.0), (400.0, 0.0)]
    assert leg_speeds(points, {0, 2}, SURVEY, TRANSIT) == [SURVEY] * 3
