"""The fence an autopilot enforces round a plan, and the proof that a plan stays inside it.

Geometry in local metres until the fence is put into positions. The inclusion is the patrol area widened by a margin,
joined to home and the rally points by corridors of the same half width, and cut back from the border line; exclusions
are the no-fly zones, widened. An autopilot holds few vertices: the inclusion is simplified inward and the exclusions
outward, so that the fence never allows more than what it was made from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from missions.errors import NotFlyableError
from missions.plan import Plan, legs
from missions.planning.local import line_of, polygon_of
from missions.planning.routing import Router

MAX_VERTICES = 69
"""Pixhawk-class boards hold about 70 fence points, one of which may be the return point."""

MARGIN_M = 25.0
"""How far the fence lies outside the patrol area and beside the corridors: twice what must be kept clear, and a
little more, so that simplifying has room."""

CLEARANCE_M = 8.0
"""What every leg keeps from the fence: GPS error and overshoot of a turn, with the autopilot's own 2 m FENCE_MARGIN."""

ZONE_MARGIN_M = 5.0
"""How far exclusions are wider than the no-fly zones themselves."""

RALLY_REACH_M = 300.0
"""Rally points further from the patrol area are left out: ArduPilot ignores them beyond RALLY_LIMIT_KM, 0.3 km."""

CEILING_MARGIN_M = 10.0
"""The fence's ceiling above the height flown: less than this would end flights on barometer drift."""

_TOLERANCES_M = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_ZONE_TOLERANCE_M = 2.0
_PROOF_SLACK_M = 0.1


@dataclass(frozen=True)
class Enclosure:
    """A fence in local metres: what is allowed, what is excluded, and `flyable`, where legs may be flown."""

    inclusion: Polygon
    exclusions: tuple[Polygon, ...]
    flyable: Polygon | MultiPolygon
    rally: tuple[Point, ...]
    notes: tuple[str, ...]


def enclose(
    patrol: MultiPolygon, no_fly: MultiPolygon, border: MultiLineString, home: Point, rally: Sequence[Point]
) -> Enclosure:
    """The fence of an area. Raises NotFlyableError where home lies in or beside a no-fly zone, where no way leads from
    home to the patrol area, or where the outline has too many corners for an autopilot."""
    notes: list[str] = []
    keep_out = no_fly.buffer(ZONE_MARGIN_M + CLEARANCE_M + 1.0)
    if no_fly.distance(home) < ZONE_MARGIN_M + CLEARANCE_M + 1.0:
        where = "inside" if no_fly.covers(home) else f"{no_fly.distance(home):.0f} m from"
        raise NotFlyableError(f"home lies {where} a no-fly zone; move it at least 15 m outside")
    solid = shapely.union_all([Polygon(part.exterior) for part in shapely.get_parts(patrol)])
    keep_out = shapely.union_all([keep_out, _border_strip(solid, border, notes)])
    if keep_out.distance(home) == 0.0:
        raise NotFlyableError("home lies on the border line; move it at least 35 m inside")
    world = shapely.box(*shapely.total_bounds([solid, home, *rally])).buffer(2_000.0).difference(keep_out)
    router = Router(world)
    targets = [part.difference(keep_out) for part in shapely.get_parts(solid)]
    corridors = _corridors(router, [part for part in targets if not part.is_empty], home)
    reachable: list[Point] = []
    for number, point in enumerate(rally, 1):
        way = None
        if keep_out.distance(point) == 0.0:
            notes.append(f"Rally point {number} lies in or beside a no-fly zone or the border and was left out.")
            continue
        target = nearest_points(shapely.union_all([solid.difference(keep_out), *corridors]), point)[0]
        if target.distance(point) <= RALLY_REACH_M:
            way = router.way((point.x, point.y), (target.x, target.y))
        if way is None or LineString(way).length > RALLY_REACH_M:
            notes.append(
                f"Rally point {number} is more than {RALLY_REACH_M:.0f} m from the patrol area and was left out."
            )
            continue
        corridors.append(LineString(way))
        reachable.append(point)
    flown = shapely.union_all([solid, home, *reachable, *corridors])
    for margin_m in (MARGIN_M, 2 * MARGIN_M, 4 * MARGIN_M):
        enclosure = _drawn(flown, no_fly, _border_strip(solid, border, []), margin_m, home)
        if enclosure is not None:
            if margin_m > MARGIN_M:
                notes.append(
                    f"The fence lies up to {margin_m:.0f} m outside the patrol area: its outline has too many corners "
                    "for the autopilot to follow it more closely."
                )
            inclusion, exclusions, flyable = enclosure
            return Enclosure(inclusion, exclusions, flyable, tuple(reachable), tuple(notes))
    raise NotFlyableError(
        f"the area and its no-fly zones have too many corners for a fence of {MAX_VERTICES} vertices; draw them simpler"
    )


def _border_strip(solid: BaseGeometry, border: MultiLineString, notes: list[str]) -> BaseGeometry:
    """What the fence keeps off the border: the line widened by the fence's margin, as far as the patrol area allows."""
    if border.is_empty:
        return Polygon()
    gap_m = border.distance(solid)
    if gap_m < 2.0 * CLEARANCE_M:
        notes.append(
            "The border line runs through or right beside the patrol area, so the fence does not keep the drone on "
            "one side of it."
        )
        return Polygon()
    return border.buffer(max(1.0, min(MARGIN_M, gap_m - 2.0 * CLEARANCE_M)))


def _corridors(router: Router, parts: Sequence[BaseGeometry], home: Point) -> list[LineString]:
    """Ways that join every part of the patrol area to home, nearest part first."""
    joined: BaseGeometry = home
    corridors: list[LineString] = []
    remaining = list(parts)
    while remaining:
        remaining.sort(key=lambda part: part.distance(joined))
        part = remaining.pop(0)
        start, end = nearest_points(joined, part)
        # The straight line's far end may lie behind a zone, so a few more places of the part are tried.
        ends = [
            end,
            part.representative_point(),
            *(
                Point(xy)
                for xy in list(shapely.get_coordinates(part))[:: max(1, len(shapely.get_coordinates(part)) // 8)]
            ),
        ]
        ways = [way for end in ends if (way := router.way((start.x, start.y), (end.x, end.y))) is not None]
        if not ways:
            raise NotFlyableError(
                "no way leads from home to the patrol area between the no-fly zones and the border; move home or split "
                "the area"
            )
        corridor = min((LineString(way) for way in ways), key=lambda line: line.length)
        corridors.append(corridor)
        joined = shapely.union_all([joined, part, corridor])
    return corridors


def _drawn(
    flown: BaseGeometry, no_fly: MultiPolygon, strip: BaseGeometry, margin_m: float, home: Point
) -> tuple[Polygon, tuple[Polygon, ...], Polygon | MultiPolygon] | None:
    """Inclusion, exclusions and flyable region with few enough vertices; None where no tolerance gives them."""
    true_inclusion = flown.buffer(margin_m, quad_segs=2).difference(strip)
    true_inclusion = Polygon(_part_with(true_inclusion, home).exterior)
    near = [part for part in shapely.get_parts(no_fly) if part.buffer(ZONE_MARGIN_M).intersects(true_inclusion)]
    for tolerance_m in _TOLERANCES_M:
        if tolerance_m * 2.0 > margin_m - CLEARANCE_M:
            break
        inclusion = _part_with(
            true_inclusion.buffer(-tolerance_m, join_style="mitre").simplify(0.98 * tolerance_m), home
        )
        inclusion = Polygon(inclusion.exterior)
        exclusions = _outward(near, max(tolerance_m, _ZONE_TOLERANCE_M))
        count = sum(len(polygon.exterior.coords) - 1 for polygon in (inclusion, *exclusions))
        if count > MAX_VERTICES or not true_inclusion.buffer(0.01).covers(inclusion):
            continue
        keep_out = shapely.union_all([polygon.buffer(CLEARANCE_M + 0.2, join_style="mitre") for polygon in exclusions])
        flyable = inclusion.buffer(-CLEARANCE_M - 0.2, join_style="mitre").difference(keep_out)
        if flyable.distance(home) > 0.0:
            continue
        return inclusion, exclusions, _part_with(flyable, home)
    return None


def _outward(zones: Sequence[BaseGeometry], tolerance_m: float) -> tuple[Polygon, ...]:
    """Polygons with few corners that contain every zone and its margin; zones that then overlap are made one."""
    widened = [zone.buffer(ZONE_MARGIN_M, join_style="mitre", mitre_limit=2.0) for zone in zones]
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


def prove(plan: Plan) -> float:
    """The smallest distance in metres of anything flown from the edge of the plan's fence.

    Computed afresh from the plan's own positions, as an autopilot will get them: every leg of every sortie (transit,
    transect, turn, way home), home and the rally points, against every inclusion and exclusion polygon, and the height
    against the ceiling. Raises NotFlyableError, naming the first fault, where anything leaves the fence or comes closer
    to it than CLEARANCE_M.
    """
    origin = plan.home
    inclusions = [polygon_of(ring, origin) for ring in plan.fence.inclusion]
    exclusions = [polygon_of(ring, origin) for ring in plan.fence.exclusion]
    if not inclusions or plan.fence.vertex_count > MAX_VERTICES:
        raise NotFlyableError(
            f"the fence has {plan.fence.vertex_count} vertices, and an autopilot holds 3 to {MAX_VERTICES}"
        )
    for polygon in (*inclusions, *exclusions):
        if not polygon.is_valid:
            raise NotFlyableError("a fence polygon crosses itself; draw the area with simpler outlines")
    flown: list[tuple[str, BaseGeometry]] = [("home", Point(0.0, 0.0))]
    for number, position in enumerate(plan.rally, 1):
        flown.append((f"rally point {number}", Point(line_of([position, position], origin).coords[0])))
    for sortie in plan.sorties:
        for number, leg in enumerate(legs(plan, sortie), 1):
            flown.append((f"leg {number} of sortie {sortie.number}", line_of([leg.start, leg.end], origin)))
        if any(waypoint.alt_home_m > plan.fence.alt_max_home_m for waypoint in sortie.waypoints):
            raise NotFlyableError(f"sortie {sortie.number} climbs above the fence's ceiling")
    smallest = math.inf
    for what, geometry in flown:
        clearance = min(
            *(polygon.boundary.distance(geometry) if polygon.covers(geometry) else -1.0 for polygon in inclusions),
            *(polygon.distance(geometry) or -1.0 for polygon in exclusions),
            math.inf,
        )
        if clearance < CLEARANCE_M - _PROOF_SLACK_M:
            how = "leaves the fence" if clearance < 0 else f"comes within {clearance:.1f} m of the fence"
            raise NotFlyableError(f"{what} {how}; move home or draw the area and its no-fly zones simpler")
        smallest = min(smallest, clearance)
    return smallest


def straight_home_share(plan: Plan, step_m: float = 25.0) -> float:
    """The share of the flown ways from which the straight line to the nearest of home and the rally points stays
    inside the fence: RTL flies that line, whatever lies below it."""
    origin = plan.home
    allowed = shapely.intersection_all([polygon_of(ring, origin) for ring in plan.fence.inclusion])
    allowed = allowed.difference(shapely.union_all([polygon_of(ring, origin) for ring in plan.fence.exclusion]))
    refuges = [Point(line_of([place, place], origin).coords[0]) for place in (plan.home, *plan.rally)]
    places = []
    for sortie in plan.sorties:
        for leg in legs(plan, sortie):
            line = line_of([leg.start, leg.end], origin)
            places += [line.interpolate(step_m * k) for k in range(int(line.length / step_m) + 1)]
    if not places:
        return 1.0
    distances = [shapely.distance(refuge, places) for refuge in refuges]
    nearest = [min(range(len(refuges)), key=lambda index: distances[index][k]) for k in range(len(places))]
    lines = [LineString([place, refuges[index]]) for place, index in zip(places, nearest, strict=True)]
    shapely.prepare(allowed)
    return float(shapely.covers(allowed, lines).mean())
