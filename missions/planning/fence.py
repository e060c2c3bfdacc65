"""The fence an autopilot enforces round a plan.

Geometry in local metres. The inclusion is everything flown and photographed widened by a margin, joined to home and
the rally points by corridors of the same half width, and cut back from the border line; exclusions are the no-fly
zones, widened. An autopilot holds few vertices: the inclusion is simplified inward and the exclusions outward, so that
the fence never allows more than what it was made from. That a plan stays inside is `proof`'s to show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiLineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from missions.drones import Drone
from missions.errors import NoFenceError, NotFlyableError
from missions.planning.energy import overshoot_m
from missions.planning.joining import joined_zones
from missions.planning.routing import Router

MAX_VERTICES = 69
"""Pixhawk-class boards hold about 70 fence points, one of which may be the return point."""

MARGIN_M = 25.0
"""How far the fence lies outside what is flown: twice what must be kept clear, and a little more, so that simplifying
has room."""

CLEARANCE_M = 8.0
"""The least that every leg keeps from the fence."""

_POSITION_ERROR_M = 2.0
_FENCE_MARGIN_M = 2.0
"""ArduPilot's own FENCE_MARGIN: it acts that far before the fence."""

ZONE_MARGIN_M = 5.0
"""How far exclusions are wider than the no-fly zones themselves."""

RALLY_REACH_M = 300.0
"""Rally points further from the patrol area are left out: the fence would have to reach out to them."""

CEILING_MARGIN_M = 10.0
"""The fence's ceiling above the height flown: less than this would end flights on barometer drift."""

_TOLERANCES_M = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_ZONE_TOLERANCES_M = (2.0, 8.0, 25.0)
_WIDENINGS_M = ((25.0, 0.0), (25.0, 20.0), (25.0, 60.0), (50.0, 60.0), (50.0, 150.0), (100.0, 400.0), (100.0, 1_600.0))
"""Margins tried one after the other, with the greatest half width of bays in the outline that are filled."""
_SLACK_M = 0.2
_MOST_CLOSED = 0.5
"""The part of the open ground that joining no-fly zones may close."""
_SHARPEST = 2.5
"""How far, in margins, the corner of a zone's margin may lie from the zone's own."""


@dataclass(frozen=True)
class Ground:
    """Where a plan may go before it has a fence: `keep_out` is what everything flown stays out of, `strip` the part of
    it beside the border, `clearance_m` what every leg keeps from the fence."""

    patrol: MultiPolygon
    no_fly: MultiPolygon
    keep_out: BaseGeometry
    strip: BaseGeometry
    clearance_m: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Enclosure:
    """A fence in local metres: what is allowed, what is excluded, and `flyable`, where legs may be flown."""

    inclusion: Polygon
    exclusions: tuple[Polygon, ...]
    flyable: Polygon
    rally: tuple[Point, ...]
    notes: tuple[str, ...]


def clearance_m(drone: Drone, speed_m_s: float) -> float:
    """What every leg keeps from the fence: error of position, the autopilot's own margin, and overshoot in turns."""
    return max(CLEARANCE_M, _POSITION_ERROR_M + _FENCE_MARGIN_M + overshoot_m(drone, speed_m_s))


def survey_ground(
    patrol: MultiPolygon,
    no_fly: MultiPolygon,
    border: MultiLineString,
    home: Point,
    clearance: float,
    nearest_lane_m: float = math.inf,
    *,
    zone_corners: int | None = None,
) -> Ground:
    """What has to be kept out of; `nearest_lane_m` is how near the border anything is to be flown, where that is known.
    With `zone_corners` no-fly zones are made simpler and fewer, outward, until they have no more than so many together.
    Raises NotFlyableError where home lies in or beside it."""
    notes: list[str] = []
    away_m = ZONE_MARGIN_M + clearance + 1.0
    if no_fly.distance(home) < away_m:
        where = "inside" if no_fly.covers(home) else f"{no_fly.distance(home):.0f} m from"
        raise NotFlyableError(f"home lies {where} a no-fly zone; move it at least {away_m:.0f} m outside")
    if zone_corners is not None:
        no_fly = _joined(no_fly, patrol, home, away_m, zone_corners, notes)
    strip = _border_strip(_solid(patrol), border, clearance, nearest_lane_m, notes)
    if strip.distance(home) <= clearance:
        raise NotFlyableError("home lies on the border line; move it at least 35 m inside")
    keep_out = shapely.union_all([no_fly.buffer(away_m), strip.buffer(clearance + 1.0)])
    if shapely.get_num_coordinates(keep_out) > 200:
        keep_out = keep_out.buffer(1.0).simplify(1.0)
    return Ground(patrol, no_fly, keep_out, strip, clearance, tuple(notes))


def enclose(
    ground: Ground, flown: BaseGeometry, home: Point, rally: Sequence[Point], widening: int = 0
) -> Enclosure | None:
    """The fence round `flown` (transects) and the patrol area, with ways from home and the rally points to it.

    `widening` skips that many of the closer fits; None where there are no more. Raises NotFlyableError where no way
    leads from home to the patrol area, or where the outline has too many corners for an autopilot.
    """
    notes: list[str] = []
    solid = _solid(ground.patrol)
    west, south, east, north = shapely.total_bounds([solid, flown, home, *rally])
    world = shapely.box(west - 2_000.0, south - 2_000.0, east + 2_000.0, north + 2_000.0).difference(ground.keep_out)
    router = _Ways(world)
    lines = shapely.get_parts(flown)
    lanes = shapely.union_all(shapely.buffer(lines[shapely.distance(solid, lines) > MARGIN_M], 1.0))
    targets = [part.difference(ground.keep_out) for part in (*shapely.get_parts(solid), *shapely.get_parts(lanes))]
    corridors = _corridors(router, [part for part in targets if not part.is_empty], home)
    reachable: list[Point] = []
    reach = shapely.union_all([solid.difference(ground.keep_out), *corridors])
    for number, point in enumerate(rally, 1):
        if ground.keep_out.covers(point):
            notes.append(f"Rally point {number} lies in or beside a no-fly zone or the border and was left out.")
            continue
        target = nearest_points(reach, point)[0]
        way = None
        if target.distance(point) <= RALLY_REACH_M:
            way = router.way(point, target)
        if way is None or way.length > RALLY_REACH_M:
            notes.append(
                f"Rally point {number} is more than {RALLY_REACH_M:.0f} m from the patrol area and was left out."
            )
            continue
        corridors.append(way)
        reachable.append(point)
    plain = solid if shapely.get_num_coordinates(solid) < 500 else solid.buffer(1.0).simplify(1.0)
    shapely.prepare(plain)
    everything = GeometryCollection([plain, *lines[~shapely.covers(plain, lines)], home, *reachable, *corridors])
    for margin_m, bay_m in _WIDENINGS_M[widening:]:
        drawn = _drawn(everything, ground, margin_m, bay_m, home)
        if drawn is None:
            continue
        outside_m = float(shapely.distance(shapely.points(drawn[0].exterior.coords), everything).max())
        if outside_m > 2.0 * MARGIN_M:
            notes.append(
                f"The fence lies up to {outside_m:.0f} m outside the patrol area, so that the autopilot can hold it "
                "and the ways home stay inside."
            )
        return Enclosure(*drawn, tuple(reachable), tuple(notes))
    if widening:
        return None
    raise NoFenceError(
        f"the area and its no-fly zones have too many corners for a fence of {MAX_VERTICES} vertices; draw them simpler"
    )


def _joined(
    no_fly: MultiPolygon, patrol: MultiPolygon, home: Point, away_m: float, corners: int, notes: list[str]
) -> MultiPolygon:
    """The no-fly zones, those that the fence has to hold joined outward. Raises NoFenceError where that would
    close most of the ground they leave."""
    near = shapely.union_all([patrol, home]).convex_hull.buffer(3.0 * MARGIN_M)
    zones = list(shapely.get_parts(no_fly))
    held = [zone for zone in zones if zone.intersects(near)]
    joined = joined_zones(held, home, away_m, corners)
    open_m2 = patrol.difference(shapely.union_all(held)).area
    more_m2 = max(0.0, open_m2 - patrol.difference(joined).area)
    if more_m2 > _MOST_CLOSED * open_m2:
        raise NoFenceError(
            f"the {len(held)} no-fly zones have more corners than the {MAX_VERTICES} an autopilot's fence holds, and "
            "joined to fewer they would close most of the area; split the area or draw the zones simpler"
        )
    notes.append(
        f"The {len(held)} no-fly zones have more corners than the {MAX_VERTICES} an autopilot's fence holds: they are "
        f"joined outward to {len(joined.geoms)}, which closes {more_m2 / 1e4:.1f} ha more of the patrol area."
    )
    return MultiPolygon(
        [
            part
            for part in shapely.get_parts(shapely.union_all([*joined.geoms, *(z for z in zones if z not in held)]))
            if isinstance(part, Polygon)
        ]
    )


def _solid(patrol: MultiPolygon) -> BaseGeometry:
    return shapely.union_all([Polygon(part.exterior) for part in shapely.get_parts(patrol)])


def _border_strip(
    solid: BaseGeometry, border: MultiLineString, clearance: float, nearest_lane_m: float, notes: list[str]
) -> BaseGeometry:
    """What the fence keeps off the border: the line widened by the fence's margin, as far as what is flown allows."""
    if border.is_empty:
        return Polygon()
    gap_m = nearest_lane_m if np.isfinite(nearest_lane_m) else border.distance(solid)
    if gap_m < 2.0 * clearance:
        notes.append(
            "The border line runs through or right beside the patrol area, so the fence does not keep the drone on "
            "one side of it."
        )
        return Polygon()
    # Room for simplifying the fence lies between it and what is flown.
    return border.buffer(max(1.0, min(MARGIN_M, gap_m - clearance - 10.0)))


class _Ways:
    """Shortest ways in the open country; the search is only made ready where a straight line does not do."""

    def __init__(self, world: BaseGeometry) -> None:
        self._world = world
        self._router: Router | None = None

    def way(self, start: Point, end: Point) -> LineString | None:
        straight = LineString([start, end])
        if self._world.buffer(0.1).covers(straight):
            return straight
        if self._router is None:
            self._router = Router(self._world)
        way = self._router.way((start.x, start.y), (end.x, end.y))
        return None if way is None else LineString(way)


def _corridors(router: _Ways, parts: Sequence[BaseGeometry], home: Point) -> list[LineString]:
    """Ways that join every part of the patrol area to home, nearest part first."""
    joined: BaseGeometry = home
    corridors: list[LineString] = []
    remaining = list(parts)
    while remaining:
        remaining.sort(key=lambda part: part.distance(joined))
        part = remaining.pop(0)
        start, end = nearest_points(joined, part)
        corridor = router.way(start, end)
        if corridor is None:
            # The straight line's far end may lie behind a zone, so a few more places of the part are tried.
            outline = list(shapely.get_coordinates(part))
            ends = [part.representative_point(), *(Point(xy) for xy in outline[:: max(1, len(outline) // 8)])]
            ways = [way for end in ends if (way := router.way(start, end)) is not None]
            if not ways:
                raise NotFlyableError(
                    "no way leads from home to the patrol area between the no-fly zones and the border; move home or "
                    "split the area"
                )
            corridor = min(ways, key=lambda line: line.length)
        corridors.append(corridor)
        joined = shapely.union_all([joined, part, corridor])
    return corridors


def _drawn(
    everything: BaseGeometry, ground: Ground, margin_m: float, bay_m: float, home: Point
) -> tuple[Polygon, tuple[Polygon, ...], Polygon] | None:
    """Inclusion, exclusions and flyable region with few enough vertices; None where no tolerance gives them."""
    wide = everything.buffer(margin_m + bay_m, quad_segs=2)
    if bay_m:
        wide = Polygon(_part_with(wide, home).exterior).buffer(-bay_m, quad_segs=2)
    outline = _part_with(wide.difference(ground.strip), home)
    if outline.is_empty:
        return None
    outline = Polygon(outline.exterior)
    near = [part for part in shapely.get_parts(ground.no_fly) if part.buffer(ZONE_MARGIN_M).intersects(outline)]
    clear_m = ground.clearance_m + _SLACK_M
    for tolerance_m in _TOLERANCES_M:
        if tolerance_m * 2.0 > margin_m - clear_m:
            break
        shrunk = outline.buffer(-tolerance_m, join_style="mitre").simplify(0.98 * tolerance_m)
        inclusion = Polygon(_part_with(shrunk, home).exterior)
        if inclusion.is_empty or len(inclusion.exterior.coords) - 1 > MAX_VERTICES:
            continue
        if not outline.buffer(0.01).covers(inclusion):
            continue
        for zone_tolerance_m in _ZONE_TOLERANCES_M:
            exclusions = _outward(near, zone_tolerance_m)
            if sum(len(polygon.exterior.coords) - 1 for polygon in (inclusion, *exclusions)) <= MAX_VERTICES:
                break
        else:
            continue
        kept = shapely.union_all([polygon.buffer(clear_m, join_style="mitre") for polygon in exclusions])
        flyable = inclusion.buffer(-clear_m, join_style="mitre").difference(kept)
        if flyable.distance(home) > 0.0:
            continue
        return inclusion, exclusions, _part_with(flyable, home)
    return None


def _outward(zones: Sequence[BaseGeometry], tolerance_m: float) -> tuple[Polygon, ...]:
    """Polygons with few corners that contain every zone and its margin; zones that then overlap are made one."""
    widened = [zone.buffer(ZONE_MARGIN_M, join_style="mitre", mitre_limit=_SHARPEST) for zone in zones]
    polygons: list[Polygon] = []
    for part in shapely.get_parts(shapely.union_all(widened)):
        solid = Polygon(part.exterior)
        simple = solid.simplify(0.0)
        if len(simple.exterior.coords) > 9:
            simple = Polygon(solid.buffer(tolerance_m, join_style="mitre").simplify(0.98 * tolerance_m).exterior)
        polygons.append(simple if simple.buffer(0.01).covers(solid) else shapely.convex_hull(solid))
    return tuple(polygons)


def _part_with(geometry: BaseGeometry, point: Point) -> Polygon:
    """The part of a polygonal geometry that holds (or is nearest to) a point."""
    parts = [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon)]
    return min(parts, key=lambda part: part.distance(point)) if parts else Polygon()
