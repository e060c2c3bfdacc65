"""The ellipse and the 90 % radius against what is known of the normal distribution."""

from __future__ import annotations

import numpy as np
import pytest

from mapping.ground.ellipse import CHI_95, ellipses


def test_axes_and_bearing() -> None:
    """Three metres along a bearing of 30 degrees, one across it."""
    bearing = np.radians(30.0)
    along, across = np.array([np.sin(bearing), np.cos(bearing)]), np.array([np.cos(bearing), -np.sin(bearing)])
    found = ellipses(
        [9.0 * np.outer(along, along) + np.outer(across, across), np.diag([4.0, 1.0]), np.diag([1.0, 4.0])]
    )
    assert pytest.approx(2.4477, abs=1e-4) == CHI_95
    assert found.major_m == pytest.approx([3.0 * CHI_95, 2.0 * CHI_95, 2.0 * CHI_95])
    assert found.minor_m == pytest.approx([CHI_95] * 3)
    assert found.bearing_deg == pytest.approx([30.0, 90.0, 0.0])


def test_the_radius_that_holds_ninety_per_cent() -> None:
    """A circle has 2.1460 sigma, a line 1.6449 sigma; in between it is counted."""
    found = ellipses([np.eye(2), np.diag([1.0, 0.0]), np.diag([4.0, 1.0]), np.zeros((2, 2))])
    assert found.ce90_m[0] == pytest.approx(2.1460, abs=1e-3)
    assert found.ce90_m[1] == pytest.approx(1.6449, abs=1e-3)
    sample = np.random.default_rng(5).normal(size=(400_000, 2)) * [2.0, 1.0]
    assert np.mean(np.hypot(*sample.T) <= found.ce90_m[2]) == pytest.approx(0.9, abs=0.002)
    assert found.ce90_m[3] == 0.0


def test_the_unknown_stays_unknown() -> None:
    found = ellipses(np.full((1, 2, 2), np.nan))
    assert np.isnan([found.major_m, found.minor_m, found.bearing_deg, found.ce90_m]).all()
    assert len(ellipses(np.empty((0, 2, 2))).ce90_m) == 0
