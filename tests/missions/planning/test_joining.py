"""More no-fly zones than an autopilot's fence holds: joined outward, never cut."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiLineString, MultiPolygon, Point, box

from missions.errors import TooManyCornersError
from missions.planning.fence import CLEARANCE_M, MAX_VERTICES, enclose, survey_ground
from missions.planning.joining import joined_zones


@given(seed=st.integers(0, 10_000), count=st.integers(1, 30))
@settings(max_examples=12)
def test_joined_zones_hold_all_zones_and_have_few_corners(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    places = random.uniform(-500, 500, (count, 2))
    zones = [Point(x, y).buffer(random.uniform(2, 30)) for x, y in places if np.hypot(x, y) > 80]
    joined = joined_zones(zones, Point(0, 0), 20.0)
    assert joined.buffer(1e-6).covers(shapely.union_all(zones))
    assert joined.distance(Point(0, 0)) >= 20.0 or not zones
    corners = sum(len(zone.exterior.coords) - 1 for zone in joined.geoms)
    assert corners <= 40


def test_a_fence_holds_twenty_five_zones_once_they_are_joined() -> None:
    zones = [box(x, y, x + 12, y + 12) for x in range(60, 560, 100) for y in range(60, 460, 80)]
    patrol, no_fly, home = MultiPolygon([box(0, 0, 600, 460)]), MultiPolygon(zones), Point(0, 0)
    assert len(zones) == 25
    apart = survey_ground(patrol, no_fly, MultiLineString(), home, CLEARANCE_M)
    with pytest.raises(TooManyCornersError, match="too many corners"):
        enclose(apart, MultiLineString(), home, ())
    ground = survey_ground(patrol, no_fly, MultiLineString(), home, CLEARANCE_M, join_zones=True)
    assert any("25 no-fly zones" in note and "joined outward" in note for note in ground.notes)
    enclosure = enclose(ground, MultiLineString(), home, ())
    assert enclosure is not None
    polygons = (enclosure.inclusion, *enclosure.exclusions)
    assert sum(len(polygon.exterior.coords) - 1 for polygon in polygons) <= MAX_VERTICES
    assert shapely.union_all(enclosure.exclusions).buffer(0.05).covers(no_fly)
    assert not enclosure.flyable.intersects(no_fly)
