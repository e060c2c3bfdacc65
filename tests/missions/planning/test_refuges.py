"""Rally points for straight ways home: with those added every return stays inside, and too many zones are given up."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry import box

from missions.planning import refuges
from missions.planning.refuges import added_refuges, unsafe_returns

HOME = np.array([[0.0, 0.0]])
LINES = np.array([[[x, -950.0], [x, 950.0]] for x in (-900.0, -600.0, -450.0, -200.0, 150.0, 400.0, 600.0, 900.0)])


def open_country(zones: list[shapely.Polygon]) -> shapely.Polygon:
    return box(-1000.0, -1000.0, 1000.0, 1000.0).difference(shapely.union_all(zones))


@pytest.mark.parametrize("judged", [1_500, 100])
def test_with_the_points_added_every_straight_way_home_stays_inside(
    monkeypatch: pytest.MonkeyPatch, judged: int
) -> None:
    monkeypatch.setattr(refuges, "_JUDGED", judged)
    region = open_country([box(200, -50, 300, 50), box(-400, 300, -300, 420), box(-100, -500, 50, -420)])
    assert len(unsafe_returns(LINES, HOME, region))
    added, unsafe = added_refuges(LINES, HOME, region, region.buffer(-5.0))
    assert len(unsafe) == 0
    assert 1 <= len(added) <= 8
    assert len(unsafe_returns(LINES, np.concatenate([HOME, added]), region)) == 0
    assert shapely.covers(region, shapely.points(added)).all()


def test_more_zones_than_rally_points_can_help_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refuges, "MOST_REFUGES", 3)
    zones = [box(x, y, x + 60, y + 60) for x in (-780, -380, 60, 460) for y in (-850, -450, 250, 700)]
    region = open_country(zones)
    added, unsafe = added_refuges(LINES, HOME, region, region.buffer(-5.0))
    assert len(unsafe) > 0
    left = unsafe_returns(LINES, np.concatenate([HOME, added]), region)
    assert np.array_equal(unsafe, left)
