"""From an area, a drone and a camera to a plan that holds its proof.

Puts the parts of this package together: the fence round the area, the transects in the direction that takes least
time, sorties on one battery each, and the proof of all of it against the fence. A plan that fails the proof is not
returned. What this leaves to others: flying it, writing it, and terrain (heights are above take-off, ground level).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import shapely
from shapely.geometry import MultiPolygon, Point, Polygon

from mapping.ground.camera import Camera
from missions.areas.area import Area, check_home
from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.plan import CameraChange, Fence, Plan, Position, Sortie, Waypoint
from missions.planning.coverage import covered_share, photo_count
from missions.planning.energy import usable_battery_s
from missions.planning.fence import CEILING_MARGIN_M, Enclosure, enclose, prove, straight_home_share
from missions.planning.imaging import DEFAULT_FRONTLAP, DEFAULT_SIDELAP, Imaging, plan_imaging
from missions.planning.local import positions_of, rings_of, to_local
from missions.planning.routing import Router
from missions.planning.sorties import Draft, Planner
from missions.planning.survey import Cell, candidate_angles, survey_cells
from vision.errors import InputError

MAX_SORTIES = 99
_ANGLES_TRIED_IN_FULL = 4
_BANDS_TRIED = (math.inf, 0.5, 0.25, 0.125)
"""Longest lines tried, as shares of what one battery flies at survey speed: short lines keep sorties compact, long
ones save turns, and which takes less time depends on the shape of the area and on where home is."""


def make_plan(
    area: Area,
    drone: Drone,
    camera: Camera,
    *,
    height_m: float | None = None,
    gsd_cm: float | None = None,
    sidelap: float = DEFAULT_SIDELAP,
    frontlap: float = DEFAULT_FRONTLAP,
    angle_deg: float | None = None,
    home: Position | None = None,
) -> Plan:
    """The plan that photographs the patrol area in the least time.

    `angle_deg` (clockwise from north) sets the direction of the lines; None tries those worth trying. `home` replaces
    the area's. Holes of the patrol area are not photographed on purpose but may be flown over: only no-fly zones keep
    the drone away. Raises InputError for options that mean nothing, NotFlyableError, in one sentence, where no plan
    holds its proof.
    """
    imaging = plan_imaging(drone, camera, height_m=height_m, gsd_cm=gsd_cm, sidelap=sidelap, frontlap=frontlap)
    if angle_deg is not None and not math.isfinite(angle_deg):
        raise InputError("--angle", f"{angle_deg} is not a direction; give degrees from north or auto")
    notes = [*area.notes, *imaging.notes]
    origin = _home(area, home, notes)
    patrol = to_local(area.patrol, origin)
    rally = [Point(shapely.get_coordinates(to_local(Point(p.lon_deg, p.lat_deg), origin))[0]) for p in area.rally]
    enclosure = enclose(patrol, to_local(area.no_fly, origin), to_local(area.border, origin), Point(0.0, 0.0), rally)
    notes += enclosure.notes
    router = Router(enclosure.flyable)
    region = _photographed(patrol, enclosure, notes)
    _check_scale(region, drone, imaging)
    angle, drafts, planner = _least_time(region, drone, imaging, router, angle_deg)
    sorties = tuple(_sortie(number, draft, planner, origin) for number, draft in enumerate(drafts, 1))
    plan = Plan(
        name=area.name,
        home=origin,
        rally=positions_of([(point.x, point.y) for point in enclosure.rally], origin),
        sorties=sorties,
        fence=Fence(
            inclusion=(positions_of(list(enclosure.inclusion.exterior.coords)[:-1], origin),),
            exclusion=tuple(positions_of(list(p.exterior.coords)[:-1], origin) for p in enclosure.exclusions),
            alt_max_home_m=imaging.height_home_m + CEILING_MARGIN_M,
            min_clearance_m=0.0,
        ),
        drone=drone.name,
        camera=camera.name,
        height_home_m=imaging.height_home_m,
        gsd_cm=100.0 * imaging.gsd_m,
        sidelap=sidelap,
        frontlap=frontlap,
        angle_deg=angle,
        line_spacing_m=imaging.line_spacing_m,
        trigger_distance_m=imaging.trigger_distance_m,
        footprint_across_m=imaging.across_m,
        footprint_along_m=imaging.along_m,
        speed_m_s=imaging.speed_m_s,
        area_m2=float(patrol.area),
        coverage=0.0,
        patrol=tuple(rings_of(polygon) for polygon in area.patrol.geoms),
        border=tuple(tuple(Position(y, x) for x, y in line.coords) for line in area.border.geoms),
        no_fly=tuple(rings_of(polygon) for polygon in area.no_fly.geoms),
    )
    plan = replace(plan, fence=replace(plan.fence, min_clearance_m=prove(plan)), coverage=covered_share(plan))
    share = straight_home_share(plan)
    if share < 1.0:
        notes.append(
            f"From {100.0 * (1.0 - share):.0f} % of the way the straight line to the nearest of home and the rally "
            "points crosses the fence: RTL flies straight, so add rally points or let the vehicle route round it "
            "(OA_TYPE=2)."
        )
    return replace(plan, notes=tuple(notes))


def _home(area: Area, home: Position | None, notes: list[str]) -> Position:
    """Home as asked, as drawn, or a place inside the patrol area; rounded to what an autopilot stores."""
    if home is not None:
        if not (math.isfinite(home.lat_deg) and math.isfinite(home.lon_deg)):
            raise InputError("--home", "not a place; give LAT,LON in degrees")
        check_home("--home", area, home)
    elif area.home is not None:
        home = area.home
    else:
        inside = area.patrol.difference(area.no_fly)
        point = (area.patrol if inside.is_empty else inside).representative_point()
        home = Position(point.y, point.x)
        notes.append(
            f"The area names no home: planned from its middle, {home.lat_deg:.6f}, {home.lon_deg:.6f}; draw a point "
            "with the role home, or give --home."
        )
    return Position(round(home.lat_deg, 7), round(home.lon_deg, 7))


def _photographed(patrol: MultiPolygon, enclosure: Enclosure, notes: list[str]) -> Polygon | MultiPolygon:
    """The part of the patrol area over which the drone may fly."""
    region = patrol.intersection(enclosure.flyable)
    region = MultiPolygon([part for part in shapely.get_parts(region) if isinstance(part, Polygon)])
    if region.area <= 0.0:
        raise NotFlyableError(
            "the no-fly zones and the border leave nothing of the patrol area that can be reached from home"
        )
    lost = 1.0 - region.area / patrol.area
    if lost > 0.0005:
        notes.append(f"{100.0 * lost:.1f} % of the patrol area lies in or beside a no-fly zone and is not flown over.")
    return region


def _check_scale(region: Polygon | MultiPolygon, drone: Drone, imaging: Imaging) -> None:
    """Refuse early what would take more sorties than anybody flies."""
    flying_s = region.area / imaging.line_spacing_m / imaging.speed_m_s
    sorties = flying_s / usable_battery_s(drone)
    if sorties > MAX_SORTIES:
        raise NotFlyableError(
            f"{region.area / 1e6:.0f} km² at {100 * imaging.gsd_m:.1f} cm per pixel takes more than {sorties:.0f} "
            f"sorties of a {drone.name}; split the area or ask for a coarser resolution"
        )


def _least_time(
    region: Polygon | MultiPolygon, drone: Drone, imaging: Imaging, router: Router, angle_deg: float | None
) -> tuple[float, list[Draft], Planner]:
    """The direction and the sorties that take the least time in the air altogether.

    All candidate directions are compared by the time of their lines and turns; for the best of them the sorties are
    made in full, with lines of different greatest length.
    """
    angles = candidate_angles(region) if angle_deg is None else [angle_deg % 180.0]
    spacing, across = imaging.line_spacing_m, imaging.across_m

    def lines_time_s(cells: Sequence[Cell]) -> float:
        turn_s = 2.0 * imaging.speed_m_s / drone.acceleration_m_s2 + spacing / imaging.speed_m_s
        return sum(line.length_m / imaging.speed_m_s + turn_s for cell in cells for line in cell)

    by_time = sorted(angles, key=lambda angle: lines_time_s(survey_cells(region, angle, spacing, across)))
    planner = Planner(drone, imaging, router, (0.0, 0.0))
    reach_m = planner.battery_s * imaging.speed_m_s
    best: tuple[float, float, list[Draft]] | None = None
    refusal = NotFlyableError("the patrol area is too small for a single transect; draw it larger")
    for angle in by_time[:_ANGLES_TRIED_IN_FULL]:
        tried: set[int] = set()
        for share in _BANDS_TRIED:
            cells = survey_cells(region, angle, spacing, across, longest_m=share * reach_m)
            if not cells or len(cells) in tried:
                continue
            tried.add(len(cells))
            try:
                drafts = _drafts(planner, cells, best[0] if best else math.inf)
            except NotFlyableError as error:
                refusal = error
                continue
            if drafts is not None:
                best = sum(planner.cost(draft).time_s for draft in drafts), angle, drafts
    if best is None:
        raise refusal
    return best[1], best[2], planner


def _drafts(planner: Planner, cells: Sequence[Cell], limit_s: float) -> list[Draft] | None:
    """The sorties over these cells; None as soon as they take as long as what is known already."""
    drafts: list[Draft] = []
    time_s = 0.0
    for draft in planner.sorties(cells):
        drafts.append(draft)
        time_s += planner.cost(draft).time_s
        if time_s >= limit_s:
            return None
    return drafts


def _sortie(number: int, draft: Draft, planner: Planner, origin: Position) -> Sortie:
    """A draft as a sortie with waypoints in degrees and its figures."""
    imaging, cost = planner.imaging, planner.cost(draft)
    places = positions_of(draft.points, origin)
    waypoints = []
    for index, place in enumerate(places[1:], 1):
        camera: CameraChange | None = "on" if index in draft.imaging else "off" if index - 1 in draft.imaging else None
        waypoints.append(Waypoint(place.lat_deg, place.lon_deg, imaging.height_home_m, camera))
    lengths = [math.dist(draft.points[index], draft.points[index + 1]) for index in draft.imaging]
    return Sortie(
        number=number,
        waypoints=tuple(waypoints),
        speed_m_s=imaging.speed_m_s,
        trigger_distance_m=imaging.trigger_distance_m,
        distance_m=draft.distance_m,
        flight_time_s=cost.time_s,
        photos=sum(photo_count(length, imaging.trigger_distance_m) for length in lengths),
        battery_used_pct=100.0 * cost.battery_s / planner.drone.endurance_s,
        transit_speed_m_s=planner.drone.cruise_speed_m_s,
    )
