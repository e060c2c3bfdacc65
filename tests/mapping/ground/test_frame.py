from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from mapping.ground.frame import LocalFrame


@given(
    lat=st.floats(-80.0, 80.0),
    lon=st.floats(-180.0, 180.0),
    bearing=st.floats(0.0, 360.0),
    distance=st.floats(1.0, 5000.0),
)
def test_distances_and_bearings_are_the_geodesics(lat: float, lon: float, bearing: float, distance: float) -> None:
    other_lon, other_lat, _ = Geod(ellps="WGS84").fwd(lon, lat, bearing, distance)
    east, north = LocalFrame(lat, lon).to_local(other_lat, other_lon)
    assert float(np.hypot(east, north)) == pytest.approx(distance, rel=1e-6, abs=1e-3)
    np.testing.assert_allclose(
        [east, north], distance * np.array([np.sin(np.radians(bearing)), np.cos(np.radians(bearing))]), atol=0.05
    )
    back_lat, back_lon = LocalFrame(lat, lon).to_geodetic(east, north)
    assert float(back_lat) == pytest.approx(other_lat, abs=1e-9)
    assert (float(back_lon) - other_lon + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-8)


def test_unknown_stays_unknown_and_shape_is_kept() -> None:
    frame = LocalFrame(23.0, 88.9)
    east, north = frame.to_local([[23.0, np.nan], [23.001, 23.002]], [[88.9, 88.9], [88.9, np.nan]])
    assert east.shape == north.shape == (2, 2)
    np.testing.assert_array_equal(np.isnan(east), [[False, True], [False, True]])
    assert north[1, 0] == pytest.approx(110.76, abs=0.05)


def test_a_geometry_across_180_degrees_stays_in_one_piece() -> None:
    for lon0 in (179.9999, -179.9999):
        frame = LocalFrame(-17.3, lon0)
        square = frame.geometry_to_lonlat(shapely.box(-50.0, -50.0, 50.0, 50.0))
        west, _, east, _ = square.bounds
        assert west < lon0 < east
        assert east - west == pytest.approx(100.0 / 106_300.0, rel=0.01)
        np.testing.assert_allclose(frame.geometry_to_local(square).bounds, [-50.0, -50.0, 50.0, 50.0], atol=1e-3)
