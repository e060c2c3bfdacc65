"""Where a plan takes place: its home, the ground the drone may fly over, and what of it is to be photographed.

What every layout and every sortie of a plan starts from; the layouts themselves are `layouts`' and `corridor`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from missions.areas.area import Area, check_home
from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.plan import Position
from missions.planning.corridor import check_offsets, corridor_lanes, default_lanes, lanes_beside
from missions.planning.energy import Wind, usable_battery_s
from missions.planning.fence import clearance_m, survey_ground
from missions.planning.imaging import Imaging
from missions.planning.local import positions_of, to_local
from missions.planning.solution import HOME, Layout, Site
from missions.planning.takeoff import middle_of
from vision.errors import InputError

MAX_SORTIES = 2_000


@dataclass(frozen=True)
class Setting:
    """`origin` is home; the rest is in metres round it: the `patrol` area, the `site` that all layouts share, and what
    is photographed: a `region`, or along the `lanes` beside the border, which are also a layout."""

    origin: Position
    patrol: MultiPolygon
    site: Site
    region: Polygon | MultiPolygon | None
    lanes: tuple[LineString, ...]
    notes: tuple[str, ...]

    @property
    def corridor(self) -> Layout:
        """The lanes as a layout, flown as they come."""
        return Layout(0.0, tuple(corridor_lanes(self.lanes, HOME)), in_order=True)


def set_out(
    area: Area,
    drone: Drone,
    imaging: Imaging,
    *,
    home: Position | None,
    wind: Wind,
    lanes_m: Sequence[float] | None,
    zone_corners: int | None = None,
) -> Setting:
    """The setting of a survey, or with `lanes_m` of a corridor (`planner.make_plan` says what they mean); with
    `zone_corners` no-fly zones are joined to so few corners (`fence.survey_ground`). Raises
    InputError for options that mean nothing, NotFlyableError where nothing of the area can be photographed."""
    notes = [*area.notes, *imaging.notes]
    origin = home_of(area, home, notes)
    patrol, border = to_local(area.patrol, origin), to_local(area.border, origin)
    clearance = clearance_m(drone, max(imaging.speed_m_s, drone.cruise_speed_m_s))
    offsets = [] if lanes_m is None else sorted(lanes_m) or default_lanes(clearance, imaging)
    check_offsets(offsets, clearance)
    nearest_m = min(offsets, default=math.inf)
    no_fly = to_local(area.no_fly, origin)
    ground = survey_ground(patrol, no_fly, border, HOME, clearance, nearest_m, zone_corners=zone_corners)
    notes += ground.notes
    rally = tuple(to_local(Point(p.lon_deg, p.lat_deg), origin) for p in area.rally)
    site = Site(drone, imaging, wind, ground, rally)
    if lanes_m is not None:
        return Setting(origin, patrol, site, None, tuple(lanes_beside(border, patrol, offsets)), tuple(notes))
    region = photographed(patrol, ground.keep_out, notes)
    check_scale(region, drone, imaging)
    return Setting(origin, patrol, site, region, (), tuple(notes))


def home_of(area: Area, home: Position | None, notes: list[str]) -> Position:
    """Home as asked, as drawn, or a place inside the patrol area; rounded to what an autopilot stores."""
    if home is not None:
        if not (math.isfinite(home.lat_deg) and math.isfinite(home.lon_deg)):
            raise InputError("--home", "not a place; give LAT,LON in degrees")
        check_home("--home", area, home)
    elif area.home is not None:
        home = area.home
    else:
        inside = area.patrol.difference(area.no_fly)
        region = area.patrol if inside.is_empty else inside
        near = region.representative_point()
        centre = Position(near.y, (near.x + 180.0) % 360.0 - 180.0)
        home = positions_of([middle_of(to_local(region, centre))], centre)[0]
        notes.append(
            f"The area names no home: planned from its middle, {home.lat_deg:.6f}, {home.lon_deg:.6f}; draw a point "
            "with the role home, or give --home."
        )
    return Position(round(home.lat_deg, 7), round(home.lon_deg, 7))


def photographed(patrol: MultiPolygon, keep_out: shapely.Geometry, notes: list[str]) -> Polygon | MultiPolygon:
    """The part of the patrol area over which the drone may fly. Raises NotFlyableError where that is none of it."""
    if not patrol.intersects(keep_out):
        return patrol
    region = patrol.difference(keep_out)
    region = MultiPolygon([part for part in shapely.get_parts(region) if isinstance(part, Polygon)])
    if region.area <= 0.0:
        raise NotFlyableError(
            "the no-fly zones and the border leave nothing of the patrol area that can be reached from home"
        )
    lost = 1.0 - region.area / patrol.area
    if lost > 0.0005:
        notes.append(f"{100.0 * lost:.1f} % of the patrol area lies in or beside a no-fly zone and is not flown over.")
    return region


def check_scale(region: Polygon | MultiPolygon, drone: Drone, imaging: Imaging) -> None:
    """Refuse early, with NotFlyableError, what would take more sorties than anybody flies."""
    flying_s = region.area / imaging.line_spacing_m / imaging.speed_m_s
    sorties = flying_s / usable_battery_s(drone)
    if sorties > MAX_SORTIES:
        raise NotFlyableError(
            f"{region.area / 1e6:.0f} km² at {100 * imaging.gsd_m:.1f} cm per pixel takes more than {sorties:.0f} "
            f"sorties of a {drone.name}; split the area or ask for a coarser resolution"
        )
