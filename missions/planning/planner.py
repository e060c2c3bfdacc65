"""From an area, a drone and a camera to a plan that holds its proof.

Puts the parts of this package together: the ground and what is kept out of, layouts of transects, the sorties and the
fence of the best of them, the heights over hills, and the proof of all of it. A plan that fails the proof is not
returned. What this leaves to others: flying it and writing it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mapping.ground.camera import Camera
from missions.areas.area import Area
from missions.drones import Drone
from missions.errors import NotFlyableError, TooManyCornersError
from missions.plan import CameraChange, Fence, Plan, Position, Sortie, Waypoint
from missions.planning.coverage import covered_share
from missions.planning.energy import CALM, Wind
from missions.planning.fence import CEILING_MARGIN_M
from missions.planning.fleet import Duty, shared_out
from missions.planning.imaging import (
    CEILING_M,
    DEFAULT_FRONTLAP,
    DEFAULT_SIDELAP,
    Imaging,
    imaging_over_hills,
    plan_imaging,
)
from missions.planning.layouts import layouts
from missions.planning.local import positions_of, rings_of
from missions.planning.proof import proven
from missions.planning.returning import with_way_home
from missions.planning.revisit import repeated, revisit_note
from missions.planning.setting import Setting, set_out
from missions.planning.solution import Solution, best_solution
from missions.planning.sorties import Draft, Planner
from missions.planning.survey import photo_count
from missions.planning.terrain import Relief, follow, heights_above_ground, most_battery_pct
from missions.planning.turning import point_of_no_return
from vision.errors import InputError

_ATTEMPTS = 6
_LEAST_STEP = 0.02
_LEVEL = "No elevation model: the ground counts as level with take-off; over hills give one (--terrain)."


def make_plan(
    area: Area,
    drone: Drone,
    camera: Camera,
    *,
    height_m: float | None = None,
    gsd_cm: float | None = None,
    see: str | None = None,
    ceiling_m: float = CEILING_M,
    sidelap: float = DEFAULT_SIDELAP,
    frontlap: float = DEFAULT_FRONTLAP,
    angle_deg: float | None = None,
    home: Position | None = None,
    wind: Wind = CALM,
    drones: int | None = None,
    lanes_m: Sequence[float] | None = None,
    revisit_s: float | None = None,
    relief: Relief | None = None,
) -> Plan:
    """The plan that photographs the patrol area in the least time.

    `height_m`, `gsd_cm`, `see` and `ceiling_m` are those of `imaging.plan_imaging`. `angle_deg` (clockwise from north)
    sets the direction of the lines; None tries those worth trying. `home` replaces the area's. `lanes_m` asks for a
    corridor instead: lanes at these distances from the border (empty: two that lie side by side). `drones` share the
    sorties evenly (None: one). With `revisit_s` the sorties are flown over and over, and no point may stay unseen
    longer. With `relief` heights are above the ground of an elevation model; without it the ground counts as level with
    take-off. Holes of the patrol area are not photographed on purpose but may be flown over: only no-fly zones keep the
    drone away. Raises InputError for options that mean nothing, NotFlyableError, in one sentence, where no plan holds
    its proof.
    """
    imaging = plan_imaging(
        drone,
        camera,
        height_m=height_m,
        gsd_cm=gsd_cm,
        see=see,
        sidelap=sidelap,
        frontlap=frontlap,
        ceiling_m=ceiling_m,
    )
    if relief is not None:
        imaging = imaging_over_hills(imaging, drone, camera, relief.tolerance_m, sidelap, frontlap, ceiling_m)

    def planned(carrier: Drone) -> Plan:
        return _level(
            area,
            carrier,
            camera,
            imaging,
            overlaps=(sidelap, frontlap),
            angle_deg=angle_deg,
            home=home,
            wind=wind,
            drones=drones,
            lanes_m=lanes_m,
            revisit_s=revisit_s,
        )

    if relief is None:
        plan = planned(drone)
        return proven(replace(plan, notes=(*plan.notes, _LEVEL)))
    return proven(_over_hills(planned, drone, relief))


def _over_hills(planned: Callable[[Drone], Plan], drone: Drone, relief: Relief) -> Plan:
    """The plan over the ground of `relief`, with sorties short enough that the climbing leaves the reserve."""
    carrier = drone
    for _ in range(_ATTEMPTS):
        plan = with_way_home(follow(planned(carrier), drone, relief), relief)
        used, allowed = most_battery_pct(plan.sorties) / 100.0, 1.0 - drone.reserve
        if used <= allowed:
            lowest, highest = heights_above_ground(plan, relief.terrain)
            note = (
                f"By the elevation model the drone flies {lowest:.0f} to {highest:.0f} m above the ground; its way "
                f"home (RTL) is {plan.way_home_m:.0f} m above take-off, and nowhere over the ceiling."
            )
            return replace(plan, notes=(*plan.notes, note))
        # In steps that are felt: where sorties end hangs on whole lines.
        shorter = min(allowed / used, 1.0 - _LEAST_STEP)
        carrier = replace(carrier, reserve=1.0 - (1.0 - carrier.reserve) * shorter)
        if carrier.reserve >= 0.9:
            break
    raise NotFlyableError(
        f"climbing over these hills takes more than the battery of a {drone.name} holds; take off nearer to the area"
    )


def _level(
    area: Area,
    drone: Drone,
    camera: Camera,
    imaging: Imaging,
    *,
    overlaps: tuple[float, float],
    angle_deg: float | None,
    home: Position | None,
    wind: Wind,
    drones: int | None,
    lanes_m: Sequence[float] | None,
    revisit_s: float | None,
) -> Plan:
    """The plan over level ground, not yet proven; `overlaps` are sidelap and frontlap."""
    if angle_deg is not None and not math.isfinite(angle_deg):
        raise InputError("--angle", f"{angle_deg} is not a direction; give degrees from north or auto")
    try:
        setting, solution = _solved(area, drone, imaging, angle_deg, home=home, wind=wind, lanes_m=lanes_m)
    except TooManyCornersError:
        if area.no_fly.is_empty:
            raise
        setting, solution = _solved(
            area, drone, imaging, angle_deg, home=home, wind=wind, lanes_m=lanes_m, join_zones=True
        )
    site, origin, notes = setting.site, setting.origin, list(setting.notes)
    notes += solution.enclosure.notes
    if solution.added:
        notes.append(_added_note(len(solution.added), len(solution.enclosure.rally)))
    duties = _duties(solution, drones or 1)
    if revisit_s is not None:
        duties, seen_again_s = repeated(duties, solution.planner, revisit_s, drones)
        notes.append(revisit_note(duties, seen_again_s))
    sorties = tuple(_sortie(number, duty, solution.planner, origin) for number, duty in enumerate(duties, 1))
    plan = Plan(
        name=area.name,
        home=origin,
        rally=positions_of([(p.x, p.y) for p in (*solution.enclosure.rally, *solution.added)], origin),
        sorties=sorties,
        fence=_fence(solution, site.ground.clearance_m, origin),
        drone=drone.name,
        camera=camera.name,
        height_home_m=imaging.height_home_m,
        gsd_cm=100.0 * imaging.gsd_m,
        sidelap=overlaps[0],
        frontlap=overlaps[1],
        angle_deg=solution.layout.angle_deg,
        line_spacing_m=imaging.line_spacing_m,
        trigger_distance_m=imaging.trigger_distance_m,
        footprint_across_m=imaging.across_m,
        footprint_along_m=imaging.along_m,
        footprint=imaging.oblique,
        gimbal_pitch_deg=camera.mount_pitch_deg if imaging.oblique and camera.stabilised else None,
        speed_m_s=imaging.speed_m_s,
        area_m2=float(setting.patrol.area),
        coverage=0.0,
        patrol=tuple(rings_of(polygon) for polygon in area.patrol.geoms),
        border=tuple(tuple(Position(y, x) for x, y in line.coords) for line in area.border.geoms),
        no_fly=tuple(rings_of(polygon) for polygon in area.no_fly.geoms),
        wind_speed_m_s=wind.speed_m_s,
        wind_from_deg=wind.from_deg,
        pattern="survey" if lanes_m is None else "corridor",
        drones=max(duty.drone for duty in duties),
        revisit_s=seen_again_s if revisit_s is not None else None,
        notes=tuple(notes),
    )
    return replace(plan, coverage=covered_share(plan, setting.lanes))


def _solved(
    area: Area, drone: Drone, imaging: Imaging, angle_deg: float | None, **wanted: Any
) -> tuple[Setting, Solution]:
    """The setting and the best solution in it."""
    setting = set_out(area, drone, imaging, **wanted)
    region = setting.region
    groups = [[setting.corridor]] if region is None else layouts(setting.site, region, angle_deg)
    return setting, best_solution(setting.site, groups)


def _added_note(added: int, drawn: int) -> str:
    points = "a rally point" if added == 1 else f"{added} rally points"
    return (
        f"RTL flies straight to the nearest of home and the rally points: {points} inside the patrol area "
        f"{'was' if added == 1 else 'were'} added{' to those drawn' if drawn else ''}, so that this never leaves the "
        "fence. The drone would land there: look whether it can, or draw rally points of your own. `picket fly` sets "
        "RALLY_LIMIT_KM to reach them; with another ground station set it larger than the flight is wide."
    )


def _fence(solution: Solution, clearance: float, origin: Position) -> Fence:
    enclosure = solution.enclosure
    return Fence(
        inclusion=(positions_of(list(enclosure.inclusion.exterior.coords)[:-1], origin),),
        exclusion=tuple(positions_of(list(p.exterior.coords)[:-1], origin) for p in enclosure.exclusions),
        alt_max_home_m=solution.planner.imaging.height_home_m + CEILING_MARGIN_M,
        min_clearance_m=0.0,
        clearance_m=clearance,
    )


def _duties(solution: Solution, drones: int) -> list[Duty]:
    """The sorties, each with its drone and when it may take off."""

    def split(longest_s: float) -> list[Draft]:
        return list(solution.drafts) if longest_s == math.inf else solution.planner.sorties(solution.tour, longest_s)

    return shared_out(split, solution.planner, drones)


def _sortie(number: int, duty: Duty, planner: Planner, origin: Position) -> Sortie:
    """A duty as a sortie with waypoints in degrees and its figures."""
    draft = duty.draft
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
        drone=duty.drone,
        start_s=duty.start_s,
        point_of_no_return=point_of_no_return(draft, planner, origin),
    )
