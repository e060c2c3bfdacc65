"""How near simultaneous sorties come, and the take-off times that keep them apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.separation import (
    HORIZONTAL_M,
    STEP_S,
    VERTICAL_M,
    Floats,
    least_distance_m,
    nearest_m,
    starts_apart,
    track_of,
)


def out_and_back(east_m: float, north_m: float, height_m: float = 60.0, speed_m_s: float = 10.0) -> Floats:
    """Up at home, out, back and down."""
    way_s = math.hypot(east_m, north_m) / speed_m_s
    places = [(0, 0, 0), (0, 0, height_m), (east_m, north_m, height_m), (0, 0, height_m), (0, 0, 0)]
    return track_of(np.cumsum([0.0, 24.0, way_s, way_s, 40.0]), np.array(places, dtype=float))


def test_what_is_flown_at_once_from_one_home_is_not_apart() -> None:
    assert nearest_m(out_and_back(300, 0), out_and_back(0, 300), 0.0) == 0.0


def test_side_by_side_and_above_each_other() -> None:
    east = out_and_back(400, 0)
    assert nearest_m(east, east + np.array([50.0, 0.0, 0.0]), 0.0) < 50.0, "one may be early, the other late"
    assert nearest_m(east, east + np.array([0.0, 50.0, 0.0]), 0.0) == pytest.approx(50.0)
    high = east + np.array([0.0, 0.0, 100.0])
    assert nearest_m(east, high, 0.0) == math.inf


def test_a_crossing_counts_where_one_may_be_late() -> None:
    """Both pass one place, the second 16 s later: near enough for a drone that is 10 s late, no more."""
    line = track_of(np.array([0.0, 100.0]), np.array([[-500.0, 0.0, 60.0], [500.0, 0.0, 60.0]]))
    across = track_of(np.array([0.0, 100.0]), np.array([[0.0, -500.0, 60.0], [0.0, 500.0, 60.0]]))
    assert nearest_m(line, across, 0.0) == 0.0
    assert 0.0 < nearest_m(line, across, 16.0) < 60.0
    assert nearest_m(line, across, 40.0) > 100.0


@given(
    st.lists(st.tuples(st.floats(-800, 800), st.floats(-800, 800)), min_size=2, max_size=4),
    st.lists(st.floats(0, 300), min_size=4, max_size=4),
)
def test_take_offs_are_put_off_until_all_keep_apart(far: list[tuple[float, float]], wished: list[float]) -> None:
    tracks = [out_and_back(*place) for place in far]
    starts_s = starts_apart(tracks, wished[: len(tracks)])
    assert starts_s[0] == wished[0]
    assert all(start_s >= wish_s for start_s, wish_s in zip(starts_s, wished, strict=False))
    assert least_distance_m(tracks, starts_s) >= HORIZONTAL_M
    # said again, as the plan has it
    for later in range(len(tracks)):
        for earlier in range(later):
            for now_s in np.arange(0.0, 600.0, STEP_S):
                here, there = (
                    track[round((now_s - starts_s[which]) / STEP_S)]
                    if 0 <= round((now_s - starts_s[which]) / STEP_S) < len(track)
                    else None
                    for which, track in ((later, tracks[later]), (earlier, tracks[earlier]))
                )
                if here is None or there is None or min(here[2], there[2]) <= 1.0:
                    continue
                assert math.dist(here[:2], there[:2]) >= HORIZONTAL_M or abs(here[2] - there[2]) >= VERTICAL_M
