"""Heights over uneven ground: within the band, under the ceiling, no steeper than need be, with few corners."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.errors import NotFlyableError
from missions.planning.profile import HeightBand, height_profile

BAND = HeightBand(wanted_m=60.0, lowest_m=55.0, highest_m=65.0, ceiling_m=120.0)
WAY = np.arange(0.0, 2000.1, 5.0)


def test_level_ground_is_one_line_at_the_height_wanted() -> None:
    profile = height_profile(WAY, np.full_like(WAY, 12.0), BAND, 0.3)
    assert profile.at.tolist() == [0, len(WAY) - 1]
    assert profile.height_m == pytest.approx([72.0, 72.0])


def test_a_plain_slope_is_one_line_too() -> None:
    profile = height_profile(WAY, 0.1 * WAY, BAND, 0.3)
    assert len(profile.at) == 2
    assert (profile.lowest_agl_m, profile.highest_agl_m) == pytest.approx((60.0, 60.0))
    assert profile.steepest == pytest.approx(0.1)


def test_corners_get_a_height_of_their_own() -> None:
    profile = height_profile(WAY, 0.1 * WAY, BAND, 0.3, corners=[100, 250])
    assert profile.at.tolist() == [0, 100, 250, len(WAY) - 1]


def test_a_ridge_makes_the_way_steeper_until_the_band_holds() -> None:
    """A ridge 30 m high with flanks of 20 %, and a drone that climbs 5 % without slowing down."""
    ground = np.interp(WAY, [800.0, 950.0, 1050.0, 1200.0], [0.0, 30.0, 30.0, 0.0])
    profile = height_profile(WAY, ground, BAND, 0.05)
    assert 55.0 - 1e-6 <= profile.lowest_agl_m <= profile.highest_agl_m <= 65.0 + 1e-6
    assert 0.1 < profile.steepest <= 0.2 + 1e-9


def test_a_wall_is_climbed_early_and_left_late() -> None:
    ground = np.where((WAY > 900) & (WAY < 1000), 40.0, 0.0)
    profile = height_profile(WAY, ground, BAND, 0.1)
    assert profile.lowest_agl_m == pytest.approx(55.0, abs=1e-6)
    assert 65.0 < profile.highest_agl_m <= 120.0
    assert profile.steepest <= 2.0 + 1e-9


def test_a_cliff_higher_than_the_ceiling_cannot_be_flown() -> None:
    with pytest.raises(NotFlyableError, match=r"too steeply 10[01][05] m along the way: 55 m"):
        height_profile(WAY, np.where(WAY > 1000, 200.0, 0.0), BAND, 0.3)


@given(
    st.lists(st.floats(0, 80), min_size=2, max_size=12),
    st.floats(0.05, 0.6),
    st.lists(st.integers(1, 399), max_size=5),
    st.floats(1.0, 10.0),
)
def test_any_hills_are_kept_clear_of_and_under_the_ceiling(
    hills: list[float], slope: float, corners: list[int], tolerance: float
) -> None:
    ground = np.interp(WAY, np.linspace(0.0, 2000.0, len(hills)), hills)
    band = HeightBand(60.0, 60.0 - tolerance, 60.0 + tolerance, 120.0)
    profile = height_profile(WAY, ground, band, slope, corners)
    flown = np.interp(WAY, WAY[profile.at], profile.height_m)
    assert np.all(flown - ground >= band.lowest_m - 1e-5)
    assert np.all(flown - ground <= 120.0 + 1e-5)
    assert set(corners) <= set(profile.at.tolist())
    assert np.all(flown - ground <= band.highest_m + 1e-5)
    if slope >= np.abs(np.diff(ground) / np.diff(WAY)).max():
        assert profile.steepest <= slope + 1e-6
