"""What a zone means for a flight: its heights, its time, who holds the authorisation, and where home lies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from shapely.geometry import MultiPolygon, Point, Polygon, box

from missions.areas.area import Area
from missions.errors import NotFlyableError
from missions.plan import Position
from missions.zones.conflict import Band, Way, closed_ground, findings, keep_out
from missions.zones.schedule import Period, Window
from missions.zones.zone import Limit, Restriction, Zone

PATROL = box(8.0, 47.0, 8.02, 47.02)
AREA = Area("strip", MultiPolygon([PATROL]), home=Position(47.001, 8.001), rally=(Position(47.015, 8.015),))
CORNER = box(8.01, 47.01, 8.03, 47.03)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
NIGHT = Window(datetime(2026, 11, 22, 18, tzinfo=UTC), datetime(2026, 11, 22, 19, tzinfo=UTC))
KNOWN = Band(55.0, 70.0, (400.0, 450.0))
UNKNOWN = Band(55.0, 70.0)


def zone(
    shape: Polygon = CORNER,
    lower: Limit | None = None,
    upper: Limit | None = None,
    restriction: Restriction = Restriction.PROHIBITED,
    periods: tuple[Period, ...] = (),
) -> Zone:
    return Zone("Z1", "Airfield", restriction, shape, lower, upper, periods, "ask the tower")


def way(one: Zone, band: Band = KNOWN, window: Window | None = NIGHT, allowed: tuple[str, ...] = ()) -> Way:
    return findings([one], AREA, band, window, allowed=allowed, now=NOW)[0].way


@pytest.mark.parametrize(
    ("lower", "upper", "known", "unknown"),
    [
        (None, None, Way.CLOSED, Way.CLOSED),
        (Limit(60, "AGL"), None, Way.CLOSED, Way.CLOSED),
        (Limit(71, "AGL"), None, Way.CLOSED, Way.OPEN),  # RTL is 120 m above ground that lies 50 m lower
        (Limit(121, "AGL"), None, Way.OPEN, Way.OPEN),
        (None, Limit(54, "AGL"), Way.BENEATH, Way.BENEATH),
        (Limit(525, "AMSL"), None, Way.OPEN, Way.CLOSED),  # over the highest ground it begins 75 m above it
        (Limit(515, "AMSL"), None, Way.CLOSED, Way.CLOSED),  # over the highest ground only 65 m
        (None, Limit(450, "AMSL"), Way.BENEATH, Way.CLOSED),
        (None, Limit(456, "AMSL"), Way.CLOSED, Way.CLOSED),
        # The geoid lies 47 to 48 m above the ellipsoid here.
        (Limit(575, "HAE"), None, Way.OPEN, Way.CLOSED),
        (Limit(525, "HAE"), None, Way.CLOSED, Way.CLOSED),
    ],
)
def test_heights_decide_and_unknown_heights_count_against_the_flight(
    lower: Limit | None, upper: Limit | None, known: Way, unknown: Way
) -> None:
    assert (way(zone(lower=lower, upper=upper)), way(zone(lower=lower, upper=upper), UNKNOWN)) == (known, unknown)


def test_times_restrictions_and_authorisations() -> None:
    day = Period(datetime(2026, 11, 22, 8, tzinfo=UTC), datetime(2026, 11, 22, 16, tzinfo=UTC))
    past = Period(None, datetime(2025, 1, 1, tzinfo=UTC))
    assert way(zone(periods=(day,))) is Way.OPEN
    assert way(zone(periods=(day,)), window=None) is Way.CLOSED
    assert way(zone(periods=(past,)), window=None) is Way.OPEN
    assert way(zone(restriction=Restriction.AUTHORISATION)) is Way.CLOSED
    assert way(zone(), allowed=("Z1",)) is Way.OPEN
    for open_one in (Restriction.CONDITIONAL, Restriction.U_SPACE, Restriction.NONE):
        assert way(zone(restriction=open_one)) is Way.OPEN


def test_zones_far_away_are_not_spoken_of() -> None:
    assert findings([zone(box(9, 48, 9.1, 48.1))], AREA, KNOWN, NIGHT) == ()
    wrapped = zone(box(368.01, 47.01, 368.03, 47.03))
    assert findings([wrapped], AREA, KNOWN, NIGHT)[0].zone.polygon.bounds[0] == pytest.approx(8.01)


def test_the_area_keeps_out_and_says_why() -> None:
    found = findings([zone()], AREA, KNOWN, NIGHT)
    kept = keep_out(AREA, found, None)
    assert kept.no_fly.area == pytest.approx(4e-4)
    assert kept.rally == ()
    assert 'Z1 (Airfield): flying is prohibited from the ground up ("ask the tower"); it takes 25.0 %' in kept.notes[0]
    assert "rally point lies in a zone" in kept.notes[1]


def test_holes_of_a_zone_are_open() -> None:
    ring = Polygon(box(7.9, 46.9, 8.1, 47.1).exterior, [PATROL.buffer(0.01).exterior])
    found = findings([zone(ring)], AREA, KNOWN, NIGHT)
    kept = keep_out(AREA, found, None)
    assert not kept.no_fly.intersects(PATROL)
    assert kept.rally == AREA.rally
    assert not closed_ground(found, Way.CLOSED).contains(Point(8.01, 47.01))


def test_a_blocked_plan_names_the_zone_and_the_reason() -> None:
    with pytest.raises(NotFlyableError, match=r"home lies in the zone Z1 \(Airfield\): flying is prohibited from the"):
        keep_out(AREA, findings([zone(box(7.99, 46.99, 8.002, 47.002))], AREA, KNOWN, NIGHT), None)
    beneath = zone(box(7.99, 46.99, 8.002, 47.002), upper=Limit(30, "AGL"))
    with pytest.raises(NotFlyableError, match="home lies in the zone Z1"):
        keep_out(AREA, findings([beneath], AREA, KNOWN, NIGHT), None)
    everything = zone(box(7.0, 46.0, 9.0, 48.0))
    with pytest.raises(NotFlyableError, match=r"all of the patrol area is closed: Z1.*ask the tower"):
        keep_out(AREA, findings([everything], AREA, KNOWN, NIGHT), Position(45.9, 8.0))
