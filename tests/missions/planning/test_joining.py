"""More no-fly zones than an autopilot's fence holds: joined outward, never cut."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiLineString, MultiPolygon, Point, box

from mapping.ground.camera import load_camera
from missions.areas.area import Area
from missions.drones import load_drone
from missions.errors import NoFenceError
from missions.plan import Position, legs
from missions.planning import fence, planner
from missions.planning.fence import CLEARANCE_M, MAX_VERTICES, enclose, survey_ground
from missions.planning.joining import joined_zones
from missions.planning.local import line_of, to_local, to_lonlat


@given(seed=st.integers(0, 10_000), count=st.integers(1, 24))
@settings(max_examples=8, deadline=None)
def test_joined_zones_hold_all_zones_and_have_few_corners(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    places = random.uniform(-500, 500, (count, 2))
    zones = [Point(x, y).buffer(random.uniform(2, 30)) for x, y in places if np.hypot(x, y) > 80]
    joined = joined_zones(zones, Point(0, 0), 20.0, 40)
    assert joined.is_valid
    assert joined.buffer(1e-6).covers(shapely.union_all(zones))
    assert joined.distance(Point(0, 0)) >= 20.0 or not zones
    # Joined ones that overlap are made one, with a corner more wherever their outlines cross.
    corners = sum(len(zone.exterior.coords) - 1 for zone in joined.geoms)
    assert corners <= 60


def test_a_fence_holds_twenty_five_zones_once_they_are_joined() -> None:
    zones = [box(x, y, x + 12, y + 12) for x in range(60, 560, 100) for y in range(60, 460, 80)]
    patrol, no_fly, home = MultiPolygon([box(0, 0, 600, 460)]), MultiPolygon(zones), Point(0, 0)
    assert len(zones) == 25
    apart = survey_ground(patrol, no_fly, MultiLineString(), home, CLEARANCE_M)
    with pytest.raises(NoFenceError, match="too many corners"):
        enclose(apart, MultiLineString(), home, ())
    ground = survey_ground(patrol, no_fly, MultiLineString(), home, CLEARANCE_M, zone_corners=48)
    assert any("25 no-fly zones" in note and "joined outward" in note for note in ground.notes)
    enclosure = enclose(ground, MultiLineString(), home, ())
    assert enclosure is not None
    polygons = (enclosure.inclusion, *enclosure.exclusions)
    assert sum(len(polygon.exterior.coords) - 1 for polygon in polygons) <= MAX_VERTICES
    assert shapely.union_all(enclosure.exclusions).buffer(0.05).covers(no_fly)
    assert not enclosure.flyable.intersects(no_fly)


def test_zones_scattered_over_an_area_leave_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    # An autopilot that holds few vertices, so that few zones are too many.
    monkeypatch.setattr(fence, "MAX_VERTICES", 26)
    monkeypatch.setattr(planner, "_ZONE_CORNERS", (16, 12))
    zones = [Point(x, y).buffer(5.0) for x, y in ((60, 60), (150, 90), (240, 50), (70, 170), (150, 190), (230, 160))]
    origin = Position(23.04, 88.89)
    no_fly, patrol = (to_lonlat(MultiPolygon(shapes), origin) for shapes in (zones, [box(0, 0, 300, 240)]))
    area = Area("orchards", patrol, no_fly=no_fly, home=origin)
    plan = planner.make_plan(area, load_drone("x500"), load_camera("boson640-14"), angle_deg=0.0)
    assert any("The 6 no-fly zones" in note and "joined outward" in note for note in plan.notes)
    assert plan.fence.vertex_count <= 26
    assert plan.coverage > 0.8
    local = to_local(no_fly, plan.home)
    flown = [line_of([leg.start, leg.end], plan.home) for sortie in plan.sorties for leg in legs(plan, sortie)]
    assert min(line.distance(local) for line in flown) > CLEARANCE_M
