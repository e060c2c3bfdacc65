"""From an area, a drone and a camera to a plan that holds its proof.

Puts the parts of this package together: the ground and what is kept out of, layouts of transects, the sorties and the
fence of the best of them, the heights over hills, and the proof of all of it. A plan that fails the proof is not
returned. What this leaves to others: flying it and writing it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from shapely.geometry import LineString

from mapping.ground.camera import Camera
from missions.areas.area import Area
from missions.drones import Drone
from missions.errors import NoFenceError, NotFlyableError
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
from missions.planning.pictures_over_hills import Sight
from missions.planning.proof import proven
from missions.planning.returning import with_way_home
from missions.planning.revisit import repeated, revisit_note
from missions.planning.setting import Setting, set_out
from missions.planning.solution import Progress, Solution, best_solution, check_fence, unheard
from missions.planning.sorties import Draft, Planner
from missions.planning.survey import photo_count
from missions.planning.terrain import Relief, follow, heights_above_ground, least_climb_deg, most_battery_pct
from missions.planning.turning import point_of_no_return
from vision.errors import InputError

_ATTEMPTS = 6
_LEAST_STEP = 0.02
_ZONE_CORNERS = (58, 48, 38, 28)
"""What no-fly zones that no fence holds may have together once they are joined: as many as leave room for the fence
round the area, then fewer."""
_ENOUGH_SHOWN = 0.995
_TURNED_DEG = 15.0
"""From so far on lines along the hills are flown on paper beside those that are best on level ground."""
_LEVEL = "No elevation model: the ground counts as level with take-off; over hills give one (--terrain)."

_Planned = Callable[[Drone, float | None], tuple[Plan, tuple[LineString, ...]]]
"""The plan over level ground for a drone, its lines in a direction, and the lanes of a corridor."""


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
    progress: Progress = unheard,
) -> Plan:
    """The plan that photographs the patrol area in the least time.

    `height_m`, `gsd_cm`, `see` and `ceiling_m` are those of `imaging.plan_imaging`. `angle_deg` (clockwise from north)
    sets the direction of the lines; None tries those worth trying. `home` replaces the area's. `lanes_m` asks for a
    corridor instead: lanes at these distances from the border (empty: two that lie side by side). `drones` share the
    sorties evenly (None: one). With `revisit_s` the sorties are flown over and over, and no point may stay unseen
    longer. With `relief` heights are above the ground of an elevation model; without it the ground counts as level with
    take-off. Holes of the patrol area are not photographed on purpose but may be flown over: only no-fly zones keep the
    drone away. `progress` hears how far it is. Raises InputError for options that mean nothing, NotFlyableError, in one
    sentence, where no plan holds its proof.
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

    def planned(carrier: Drone, direction_deg: float | None) -> tuple[Plan, tuple[LineString, ...]]:
        return _level(
            area,
            carrier,
            camera,
            imaging,
            overlaps=(sidelap, frontlap),
            angle_deg=direction_deg,
            home=home,
            wind=wind,
            drones=drones,
            lanes_m=lanes_m,
            revisit_s=revisit_s,
            progress=progress,
        )

    if relief is None:
        plan, lanes = planned(drone, angle_deg)
        share = covered_share(plan, lanes)
        return proven(replace(plan, coverage=share, notes=(*plan.notes, _LEVEL), return_most_home_m=ceiling_m))
    along_deg = least_climb_deg(area, relief) if angle_deg is None and lanes_m is None else None
    plan, lanes = _best_over_hills(planned, drone, relief, angle_deg, along_deg)
    share = covered_share(plan, lanes, Sight(camera, relief.terrain))
    notes = plan.notes if share >= _ENOUGH_SHOWN else (*plan.notes, _shown_note(share))
    return proven(replace(plan, coverage=share, notes=notes))


def _best_over_hills(
    planned: _Planned, drone: Drone, relief: Relief, angle_deg: float | None, along_deg: float | None
) -> tuple[Plan, tuple[LineString, ...]]:
    """The plan over the ground of `relief` with the lines in the direction asked or, where they may also lie along the
    hills, in the better of the two. Raises the first one's NotFlyableError where neither can be flown."""
    try:
        plan, lanes = _over_hills(planned, drone, relief, angle_deg)
    except NotFlyableError:
        if along_deg is None:
            raise
        with contextlib.suppress(NotFlyableError):
            return _over_hills(planned, drone, relief, along_deg)
        raise
    if along_deg is not None and _turned_deg(along_deg, plan.angle_deg) >= _TURNED_DEG:
        with contextlib.suppress(NotFlyableError):
            other, _ = _over_hills(planned, drone, relief, along_deg)
            plan = min(plan, other, key=lambda one: sum(sortie.flight_time_s for sortie in one.sorties))
    return plan, lanes


def _turned_deg(first_deg: float, second_deg: float) -> float:
    """The angle between two directions of lines."""
    between = abs(first_deg - second_deg) % 180.0
    return min(between, 180.0 - between)


def _over_hills(
    planned: _Planned, drone: Drone, relief: Relief, angle_deg: float | None
) -> tuple[Plan, tuple[LineString, ...]]:
    """The plan over the ground of `relief`, with sorties short enough that the climbing leaves the reserve, and the
    lanes of a corridor."""
    carrier = drone
    for _ in range(_ATTEMPTS):
        level, lanes = planned(carrier, angle_deg)
        plan = with_way_home(follow(level, drone, relief), relief)
        used, allowed = most_battery_pct(plan.sorties) / 100.0, 1.0 - drone.reserve
        if used <= allowed:
            lowest, highest = heights_above_ground(plan, relief.terrain)
            note = (
                f"By the elevation model the drone flies {lowest:.0f} to {highest:.0f} m above the ground; its way "
                f"home (RTL) is {plan.way_home_m:.0f} m above take-off, and nowhere over the ceiling."
            )
            return replace(plan, notes=(*plan.notes, note)), lanes
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
    progress: Progress,
) -> tuple[Plan, tuple[LineString, ...]]:
    """The plan over level ground, neither proven yet nor its coverage known, and the lanes of a corridor; `overlaps`
    are sidelap and frontlap."""
    if angle_deg is not None and not math.isfinite(angle_deg):
        raise InputError("--angle", f"{angle_deg} is not a direction; give degrees from north or auto")
    setting, solution = _solved(area, drone, imaging, angle_deg, progress, home=home, wind=wind, lanes_m=lanes_m)
    site, origin, notes = setting.site, setting.origin, list(setting.notes)
    notes += solution.enclosure.notes
    if solution.added:
        notes.append(_added_note(len(solution.added), len(solution.enclosure.rally)))
    duties = _duties(solution, drones or 1)
    if revisit_s is not None:
        duties, seen_again_s = repeated(duties, solution.planner, revisit_s, lambda count: _duties(solution, count))
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
    return plan, setting.lanes


def _solved(
    area: Area, drone: Drone, imaging: Imaging, angle_deg: float | None, progress: Progress, **wanted: Any
) -> tuple[Setting, Solution]:
    """The setting and the best solution in it. Where no fence holds all no-fly zones they are joined to fewer and
    fewer; where that does not help, the error says why the zones as drawn cannot be held."""
    refusal: NoFenceError | None = None
    for corners in (None, *(() if area.no_fly.is_empty else _ZONE_CORNERS)):
        try:
            setting = set_out(area, drone, imaging, zone_corners=corners, **wanted)
            check_fence(setting.site)
            progress(0, 1, "laying lines in every direction")
            region = setting.region
            groups = [[setting.corridor]] if region is None else layouts(setting.site, region, angle_deg)
            return setting, best_solution(setting.site, groups, progress)
        except NoFenceError as error:
            refusal = refusal or error
        except NotFlyableError:
            # What zones joined outward leave may be out of reach though that of the zones drawn is not.
            if refusal is None:
                raise
    assert refusal is not None
    raise refusal


def _shown_note(share: float) -> str:
    return (
        f"By the elevation model the pictures show {100.0 * share:.1f} % of what is to be watched: where the ground "
        "rises beside a line they show less than on level ground; more --sidelap and --frontlap mend that."
    )


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
