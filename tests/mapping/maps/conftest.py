"""Small tables for the tests of maps and exports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from mapping.tables import SIGHTINGS


@pytest.fixture
def sightings() -> Callable[..., pa.Table]:
    """Makes a sightings table; each argument is what differs from a common row."""
    seen = datetime(2026, 11, 22, 18, 16, 5, 123456, tzinfo=UTC)

    def make(*changes: dict[str, Any]) -> pa.Table:
        common = {
            "class": "person",
            "object": None,
            "lat_deg": 23.04,
            "lon_deg": 88.895,
            "alt_amsl_m": 11.0,
            "ellipse_major_m": 2.0,
            "ellipse_minor_m": 1.0,
            "ellipse_bearing_deg": 30.0,
            "ce90_m": 1.6,
            "confidence": 0.8,
            "first_seen_utc": seen,
            "last_seen_utc": seen,
            "n_frames": 2,
            "speed_m_s": None,
            "heading_deg": None,
            "detection_ids": ["IMG_1-000", "IMG_2-000"],
        }
        return SIGHTINGS.from_rows(
            {"sighting_id": f"S-{number}", **common, **change} for number, change in enumerate(changes, 1)
        )

    return make
