"""Which zones are in the way of a flight: by their ground, their heights and their times. Where a height cannot be
known it counts against the flight. Going round what is in the way is `missions.planning`'s part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

import shapely
from shapely.geometry import GeometryCollection, MultiPolygon, Point

from mapping.ground.geoid import undulation_m
from missions.areas.area import Area
from missions.areas.shapes import turned_near, united
from missions.errors import NotFlyableError
from missions.plan import AirZone, Position, ZoneWay
from missions.planning.local import rings_of
from missions.zones.schedule import Window, ended_before, in_force
from missions.zones.zone import Limit, Restriction, Zone

_CLOSED = (Restriction.PROHIBITED, Restriction.AUTHORISATION)
_REACH_DEG, _NEAR_DEG = 0.3, 0.02
"""Zones farther than the first from the patrol area (some 30 km) touch no flight; those within the second are told of
even where they are open."""


@dataclass(frozen=True)
class Band:
    """The heights above ground a flight is made at, away from take-off and landing, and how high the ground itself
    lies above mean sea level, from and to (None where that is not known)."""

    lowest_agl_m: float
    highest_agl_m: float
    ground_amsl_m: tuple[float, float] | None = None


class Way(Enum):
    """What a zone means for a flight."""

    OPEN = "open"
    BENEATH = "beneath"
    CLOSED = "closed"


_SHOWN: dict[Way, ZoneWay] = {Way.OPEN: "open", Way.BENEATH: "beneath", Way.CLOSED: "closed"}


@dataclass(frozen=True)
class Finding:
    """A zone near the flight: whether it is closed to it, only lies `BENEATH` it (no take-off or landing there), or is
    open; and why, in words."""

    zone: Zone
    way: Way
    why: str


def findings(
    zones: Sequence[Zone],
    area: Area,
    band: Band,
    window: Window | None,
    *,
    allowed: Collection[str] = (),
    now: datetime | None = None,
) -> tuple[Finding, ...]:
    """What each zone near the patrol area means for a flight at the heights of `band` within `window`.

    Without a window every zone counts that is in force at some time after `now`. `allowed` are identifiers of zones
    for which somebody holds the authorisation; they are open.
    """
    around = area.patrol.bounds[0]
    near = area.patrol.envelope.buffer(_REACH_DEG)
    found = []
    for zone in zones:
        placed = replace(zone, polygon=turned_near(zone.polygon, around))
        if placed.polygon.intersects(near):
            found.append(Finding(placed, *_judged(placed, band, window, allowed, now or datetime.now(UTC))))
    return tuple(found)


def closed_ground(found: Sequence[Finding], *ways: Way) -> MultiPolygon:
    """The ground of the zones judged one of `ways`, in longitude and latitude."""
    polygons = [one.zone.polygon for one in found if one.way in ways]
    return united(polygons, polygons[0].bounds[0]) if polygons else MultiPolygon()


def keep_out(area: Area, found: Sequence[Finding], home: Position | None) -> Area:
    """The area with the closed zones among its no-fly zones, without the rally points that lie in a zone, and with a
    note for each. Raises NotFlyableError naming the zones where they hold home or all of the patrol area."""
    barred = [one for one in found if one.way is not Way.OPEN]
    home = home or area.home
    if home is not None:
        _refuse_home(home, barred)
    closed = closed_ground(found, Way.CLOSED)
    if not closed.is_empty and area.patrol.difference(closed).area < 1e-6 * area.patrol.area:
        cause = "; ".join(
            said(one) for one in barred if one.way is Way.CLOSED and one.zone.polygon.intersects(area.patrol)
        )
        raise NotFlyableError(f"all of the patrol area is closed: {cause}")
    rally = [place for place in area.rally if not _inside(place, barred)]
    notes = [_noted(one, area) for one in nearby(found, area, home)]
    if len(rally) < len(area.rally):
        lost = len(area.rally) - len(rally)
        notes.append(f"{lost} rally point{'s lie' if lost > 1 else ' lies'} in a zone and cannot be used.")
    no_fly = [*area.no_fly.geoms, *closed.geoms]
    return replace(
        area,
        no_fly=united(no_fly, area.patrol.bounds[0]) if no_fly else area.no_fly,
        rally=tuple(rally),
        notes=(*area.notes, *notes),
    )


def nearby(found: Sequence[Finding], area: Area, home: Position | None) -> tuple[Finding, ...]:
    """The zones so near the patrol area or the way to it from home that they are told of even where they are open."""
    home = home or area.home
    ground = [area.patrol]
    if home is not None:
        ground.append(turned_near(Point(home.lon_deg, home.lat_deg), area.patrol.bounds[0]))
    near = shapely.envelope(GeometryCollection(ground)).buffer(_NEAR_DEG)
    return tuple(one for one in found if one.zone.polygon.intersects(near))


def shown(one: Finding) -> AirZone:
    """A zone as a plan shows it."""
    zone = one.zone
    return AirZone(zone.title, rings_of(zone.polygon), zone.restriction.value, zone.heights, _SHOWN[one.way], one.why)


def _judged(zone: Zone, band: Band, window: Window | None, allowed: Collection[str], now: datetime) -> tuple[Way, str]:
    if zone.restriction not in _CLOSED:
        return Way.OPEN, zone.restriction.value
    if zone.identifier in allowed:
        return Way.OPEN, "you say that you hold the authorisation"
    middle = zone.polygon.representative_point()
    if window is None:
        if ended_before(zone.periods, now):
            return Way.OPEN, "its time is over"
    elif not in_force(zone.periods, window, middle.y, middle.x):
        return Way.OPEN, "it is not in force at the planned time"
    lowest, highest = _lowest_agl_m(zone.lower, band, middle), _highest_agl_m(zone.upper, band, middle)
    flown_m = band.highest_agl_m
    if band.ground_amsl_m is not None and zone.lower is not None and zone.lower.reference == "AGL":
        # The way home (RTL) keeps over the valleys the height that clears the hills.
        flown_m += band.ground_amsl_m[1] - band.ground_amsl_m[0]
    if lowest > flown_m:
        return Way.OPEN, f"the flight stays below it, at most {flown_m:.0f} m above ground"
    if highest < band.lowest_agl_m:
        return Way.BENEATH, f"the flight stays above it, at least {band.lowest_agl_m:.0f} m above ground"
    by_sea_level = any(limit is not None and limit.reference != "AGL" for limit in (zone.lower, zone.upper))
    if by_sea_level and band.ground_amsl_m is None:
        return (
            Way.CLOSED,
            "its heights are not above the ground: give --terrain, and they are compared with the flight's",
        )
    return Way.CLOSED, ""


def _lowest_agl_m(limit: Limit | None, band: Band, middle: Point) -> float:
    """How far above the ground the zone begins where it begins lowest."""
    if limit is None:
        return 0.0
    if limit.reference == "AGL":
        return limit.height_m
    return -float("inf") if band.ground_amsl_m is None else _amsl_m(limit, middle) - band.ground_amsl_m[1]


def _highest_agl_m(limit: Limit | None, band: Band, middle: Point) -> float:
    """How far above the ground the zone ends where it ends highest."""
    if limit is None:
        return float("inf")
    if limit.reference == "AGL":
        return limit.height_m
    return float("inf") if band.ground_amsl_m is None else _amsl_m(limit, middle) - band.ground_amsl_m[0]


def _amsl_m(limit: Limit, middle: Point) -> float:
    if limit.reference == "AMSL":
        return limit.height_m
    return limit.height_m - float(undulation_m(middle.y, middle.x))


def _inside(place: Position, barred: Sequence[Finding]) -> list[Finding]:
    """The zones in which a position lies."""
    return [
        one
        for one in barred
        if one.zone.polygon.intersects(turned_near(Point(place.lon_deg, place.lat_deg), one.zone.polygon.bounds[0]))
    ]


def _refuse_home(home: Position, barred: Sequence[Finding]) -> None:
    holding = _inside(home, barred)
    if holding:
        raise NotFlyableError(
            f"home lies in the zone {'; '.join(said(one) for one in holding)}: take off elsewhere (--home), or get "
            "the authorisation and say --allow-zone"
        )


def said(one: Finding) -> str:
    """A zone that is in the way, in words."""
    zone = one.zone
    message = f' ("{zone.message[:160]}")' if zone.message else ""
    return f"{zone.title}: {zone.restriction.value} {zone.heights}{message}"


def _noted(one: Finding, area: Area) -> str:
    zone = one.zone
    if one.way is Way.CLOSED:
        touched = zone.polygon.intersects(area.patrol)
        share = zone.polygon.intersection(area.patrol).area / area.patrol.area if touched else 0.0
        part = f"; it takes {100.0 * share:.1f} % of the patrol area" if share > 0 else ""
        hint = f"; {one.why}" if one.why else ""
        return f"The flight keeps out of the zone {said(one)}{part}{hint}."
    if one.way is Way.BENEATH:
        return f"The zone {zone.title}, {zone.heights}, lies beneath: {one.why}."
    message = f' ("{zone.message[:160]}")' if zone.message and zone.restriction is not Restriction.NONE else ""
    return f"The zone {zone.title}, {zone.heights}, is open to this flight: {one.why}{message}."
