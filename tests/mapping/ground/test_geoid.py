from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.ground.geoid import amsl_from_hae, hae_from_amsl, undulation_m

# The agency's own test places and answers for its 15' grid, longitudes east of Greenwich.
PUBLISHED = [
    (38.6281550, 269.7791550, -31.628),
    (-14.6212170, 305.0211140, -2.969),
    (46.8743190, 102.4487290, -43.575),
    (-23.6174460, 133.8747120, 15.871),
    (38.6254730, 359.9995000, 50.066),
    (-0.4667440, 0.0023000, 17.329),
]


@pytest.mark.parametrize(("lat_deg", "lon_deg", "undulation"), PUBLISHED)
def test_published_answers(lat_deg: float, lon_deg: float, undulation: float) -> None:
    assert undulation_m(lat_deg, lon_deg) == pytest.approx(undulation, abs=0.01)
    assert undulation_m(lat_deg, lon_deg - 360.0) == pytest.approx(undulation, abs=0.01)


def test_a_gps_height_in_benapole_is_lower_over_the_ellipsoid_than_over_the_sea() -> None:
    # Bengal lies in the geoid's low: mean sea level is some 55 m below the ellipsoid there, in Munich 45 m above it.
    assert hae_from_amsl(10.0, 23.04, 88.9) == pytest.approx(-45.0, abs=3.0)
    assert hae_from_amsl(520.0, 48.14, 11.58) == pytest.approx(565.5, abs=0.5)


def test_poles_have_one_value_and_the_date_line_none_of_its_own() -> None:
    longitudes = np.linspace(-180.0, 180.0, 37)
    np.testing.assert_allclose(undulation_m(90.0, longitudes), 13.61, atol=0.02)
    np.testing.assert_allclose(undulation_m(-90.0, longitudes), -29.53, atol=0.02)
    east, west = undulation_m(-17.0, [180.0 - 1e-9, -180.0 + 1e-9])
    assert east == pytest.approx(west, abs=1e-6)


def test_unknown_stays_unknown_and_shapes_are_kept() -> None:
    assert np.isnan(undulation_m([np.nan, 91.0, 0.0], [0.0, 0.0, np.nan])).all()
    assert undulation_m(1.0, 2.0).shape == ()
    assert undulation_m(np.zeros((0,)), 2.0).shape == (0,)
    assert undulation_m(np.zeros((3, 1)), np.zeros(2)).shape == (3, 2)


@given(st.floats(-90, 90), st.floats(-720, 720), st.floats(-500, 9000))
def test_there_and_back(lat_deg: float, lon_deg: float, height_m: float) -> None:
    there = hae_from_amsl(height_m, lat_deg, lon_deg)
    assert amsl_from_hae(there, lat_deg, lon_deg) == pytest.approx(height_m, abs=1e-9)
    assert -110.0 < there - height_m < 90.0
