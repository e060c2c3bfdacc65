"""The fraction of a route flown, and which places the fence holds."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import HOME, place, square_plan

from missions.flying.preflight import inside_fence
from missions.flying.progress import RouteProgress, distance_m
from missions.items import mission_items
from missions.plan import Position


def test_progress_is_the_share_of_the_way_flown() -> None:
    plan = square_plan()
    items = mission_items(plan.sortie(1), plan)
    waypoints = [number for number, item in enumerate(items) if item.command == 16 and number]
    route = RouteProgress(plan.home, items)
    total_m = 10 + 100 + 100 + 100 + (100**2 + 10**2) ** 0.5
    assert route.fraction(1, HOME) == pytest.approx(0.0, abs=1e-6)
    assert route.fraction(waypoints[1], place(60, 0)) == pytest.approx(60 / total_m, abs=0.002)
    assert route.fraction(waypoints[1], place(30, 0)) == pytest.approx(60 / total_m, abs=0.002)
    assert route.fraction(waypoints[3], place(10, 100)) == pytest.approx(310 / total_m, abs=0.002)
    assert route.fraction(0, HOME) == pytest.approx(310 / total_m, abs=0.002)
    assert route.fraction(len(items) - 1, HOME) == pytest.approx(1.0, abs=1e-6)
    assert route.fraction(len(items) - 1, None) == pytest.approx(1.0, abs=1e-6)


def test_distance_is_the_geodesic() -> None:
    assert distance_m(Position(0.0, 0.0), Position(0.0, 1.0)) == pytest.approx(111_319.49, abs=0.01)


@pytest.mark.parametrize(
    ("north_m", "east_m", "inside"), [(0, 0, True), (55, 45, False), (-90, 0, False), (0, 300, False), (100, 100, True)]
)
def test_the_fence_holds_its_inside_without_its_holes(north_m: float, east_m: float, inside: bool) -> None:
    assert inside_fence(place(north_m, east_m), square_plan()) is inside


def test_several_inclusions_mean_their_intersection() -> None:
    plan = square_plan()
    half = (place(-80, -80), place(50, -80), place(50, 250), place(-80, 250))
    both = replace(plan, fence=replace(plan.fence, inclusion=(*plan.fence.inclusion, half)))
    assert inside_fence(place(30, 0), both)
    assert not inside_fence(place(80, 0), both)
