"""A plan over hills: every sortie at its height above the ground below instead of above take-off, and what that costs.

Takes a plan made for level ground, keeps where it goes and when its camera triggers, and sets the heights. Which
heights are best along a way is `profile`'s subject, that of the way home `returning`'s, the ground
itself that of `mapping.ground.terrain`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely

from mapping.ground.terrain import Terrain
from missions.areas.area import Area
from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.plan import Plan, Position, Sortie, Waypoint
from missions.planning.energy import Cost
from missions.planning.local import frame_of, polygon_of
from missions.planning.profile import HeightBand, height_profile

Floats = npt.NDArray[np.float64]

STEP_M = 10.0
"""Distance of the samples of the ground along a way; public elevation models know it every 30 m or so."""

DEFAULT_TOLERANCE_M = 5.0
_GRID_CELLS, _SLOPE_CELLS = 40_000, 4_000


@dataclass(frozen=True)
class Relief:
    """The ground to follow: `tolerance_m` above and below the height wanted is allowed, `ceiling_m` above the ground
    never exceeded."""

    terrain: Terrain
    tolerance_m: float
    ceiling_m: float


@dataclass(frozen=True, eq=False)
class Way:
    """A sortie over the ground: samples (N,) of the distance along it in metres, of the ground and of the flight, both
    in metres above take-off, and the positions (N, 2) east and north of home. `corners` are the samples at home and at
    the waypoints."""

    distance_m: Floats
    ground_home_m: Floats
    flight_home_m: Floats
    place_m: Floats
    corners: tuple[int, ...]


def follow(plan: Plan, drone: Drone, relief: Relief) -> Plan:
    """The plan with heights that follow the ground, within the tolerance of `plan.height_home_m` above it.

    Waypoints are added where the climb changes; flight time and battery count the climbing. The height of the way home
    is `returning`'s. Raises NotFlyableError where the elevation model has no heights, or where the ground is too steep
    for the ceiling.
    """
    sorties = tuple(_followed(plan, sortie, drone, relief) for sortie in plan.sorties)
    return replace(plan, sorties=sorties)


def ground_home_m(plan: Plan, terrain: Terrain, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Floats:
    """Heights of the ground above that at home, both of one model, so that most of its bias cancels. Raises
    NotFlyableError, naming the place, where the model has none."""
    lat, lon = (
        np.atleast_1d(np.asarray(lat_deg, dtype=np.float64)),
        np.atleast_1d(np.asarray(lon_deg, dtype=np.float64)),
    )
    home = terrain.own_height_m(np.array([plan.home.lat_deg]), np.array([plan.home.lon_deg]))
    heights = np.asarray(terrain.own_height_m(lat, lon) - home[0], dtype=np.float64)
    unknown = np.flatnonzero(np.isnan(heights))
    if len(unknown):
        where = plan.home if np.isnan(home[0]) else Position(float(lat[unknown[0]]), float(lon[unknown[0]]))
        raise NotFlyableError(
            f"the elevation model has no height at {where.lat_deg:.5f}, {where.lon_deg:.5f}; give one that covers the "
            "area and the way to it"
        )
    return heights


def way_over_ground(plan: Plan, sortie: Sortie, terrain: Terrain) -> Way:
    """The sortie from above home through every waypoint, sampled at least every `STEP_M`. Raises NotFlyableError where
    the elevation model has no heights."""
    frame = frame_of(plan.home)
    east, north = frame.to_local(
        [plan.home.lat_deg, *(waypoint.lat_deg for waypoint in sortie.waypoints)],
        [plan.home.lon_deg, *(waypoint.lon_deg for waypoint in sortie.waypoints)],
    )
    corners_m = np.column_stack([east, north])
    first_m = sortie.waypoints[0].alt_home_m if sortie.waypoints else plan.height_home_m
    heights_m = np.array([first_m, *(waypoint.alt_home_m for waypoint in sortie.waypoints)])
    lengths = np.hypot(*np.diff(corners_m, axis=0).T)
    counts = np.maximum(np.ceil(lengths / STEP_M).astype(int), 1)
    corners = np.concatenate([[0], np.cumsum(counts)])
    at = np.arange(corners[-1] + 1)
    leg = np.clip(np.searchsorted(corners, at, side="right") - 1, 0, len(lengths) - 1) if len(lengths) else at
    share = (at - corners[leg]) / counts[leg] if len(lengths) else np.zeros(1)
    step = np.diff(corners_m, axis=0)
    place = corners_m[leg] + share[:, None] * step[leg] if len(lengths) else corners_m
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    distance = along[leg] + share * lengths[leg] if len(lengths) else np.zeros(1)
    flight = np.interp(at, corners, heights_m)
    lat, lon = frame.to_geodetic(place[:, 0], place[:, 1])
    return Way(distance, ground_home_m(plan, terrain, lat, lon), flight, place, tuple(corners.tolist()))


def ground_span_m(plan: Plan, terrain: Terrain) -> tuple[float, float]:
    """The lowest and the highest ground inside the fence, above that at home, home counted. Raises NotFlyableError
    where there are no heights."""
    inclusion = shapely.union_all([polygon_of(ring, plan.home) for ring in plan.fence.inclusion])
    west, south, east, north = inclusion.bounds
    step = max(STEP_M, math.sqrt((east - west) * (north - south) / _GRID_CELLS))
    x, y = np.meshgrid(np.arange(west, east + step, step), np.arange(south, north + step, step))
    inside = shapely.contains_xy(inclusion, x.ravel(), y.ravel())
    lat, lon = frame_of(plan.home).to_geodetic(x.ravel()[inside], y.ravel()[inside])
    heights = ground_home_m(plan, terrain, lat, lon)
    return float(heights.min(initial=0.0)), float(heights.max(initial=0.0))


def ground_amsl_m(area: Area, terrain: Terrain) -> tuple[float, float] | None:
    """The lowest and the highest ground of the patrol area's surroundings above mean sea level; None where the model
    knows nothing of them."""
    west, south, east, north = area.patrol.bounds
    lat, lon = np.meshgrid(np.linspace(south, north, 100), np.linspace(west, east, 100))
    heights = terrain.own_height_m(lat.ravel(), lon.ravel())
    return None if np.isnan(heights).all() else (float(np.nanmin(heights)), float(np.nanmax(heights)))


def least_climb_deg(area: Area, relief: Relief) -> float | None:
    """The direction, clockwise from north, in which the ground of the patrol area rises and falls least along a line;
    None where it is so even that the tolerance takes most of it, or not known."""
    west, south, east, north = area.patrol.bounds
    frame = frame_of(Position((south + north) / 2.0, (west + east) / 2.0))
    (x0, x1), (y0, y1) = frame.to_local([south, north], [west, east])
    step = max(2.0 * STEP_M, math.sqrt((x1 - x0) * (y1 - y0) / _SLOPE_CELLS))
    x, y = np.meshgrid(np.arange(x0, x1 + step, step), np.arange(y0, y1 + step, step))
    if min(x.shape) < 2:
        return None
    heights = relief.terrain.own_height_m(*frame.to_geodetic(x, y))
    if np.isnan(heights).any() or np.ptp(heights) < 4.0 * relief.tolerance_m:
        return None
    north_rise, east_rise = np.gradient(heights, step)
    angles = np.radians(np.arange(0.0, 180.0, 5.0))
    climb = [np.abs(east_rise * math.sin(angle) + north_rise * math.cos(angle)).mean() for angle in angles]
    return float(np.degrees(angles[int(np.argmin(climb))]))


def heights_above_ground(plan: Plan, terrain: Terrain) -> tuple[float, float]:
    """The least and the greatest height above the ground of all sorties, take-off and landing aside."""
    above = [way.flight_home_m - way.ground_home_m for way in _ways(plan, terrain)]
    return float(min(one.min() for one in above)), float(max(one.max() for one in above))


def _ways(plan: Plan, terrain: Terrain) -> list[Way]:
    return [way_over_ground(plan, sortie, terrain) for sortie in plan.sorties if sortie.waypoints]


def _followed(plan: Plan, sortie: Sortie, drone: Drone, relief: Relief) -> Sortie:
    if not sortie.waypoints:
        return sortie
    way = way_over_ground(plan, sortie, relief.terrain)
    height, tolerance = plan.height_home_m, relief.tolerance_m
    band = HeightBand(height, height - tolerance, min(height + tolerance, relief.ceiling_m), relief.ceiling_m)
    fastest = max(sortie.speed_m_s, sortie.transit_speed_m_s or 0.0)
    slope = min(drone.climb_rate_m_s, drone.descent_rate_m_s) / fastest
    profile = height_profile(way.distance_m, way.ground_home_m, band, slope, way.corners)
    lat, lon = frame_of(plan.home).to_geodetic(way.place_m[profile.at, 0], way.place_m[profile.at, 1])
    waypoint_at = dict(zip(way.corners[1:], sortie.waypoints, strict=True))
    # Straight up at home to the height of the way there, which the first waypoint need not have.
    waypoints = [Waypoint(plan.home.lat_deg, plan.home.lon_deg, round(float(profile.height_m[0]), 2))]
    for number in range(1, len(profile.at)):
        own = waypoint_at.get(int(profile.at[number]))
        height_m = round(float(profile.height_m[number]), 2)
        waypoints.append(
            replace(own, alt_home_m=height_m)
            if own is not None
            else Waypoint(round(float(lat[number]), 7), round(float(lon[number]), 7), height_m)
        )
    run, rise = np.diff(way.distance_m[profile.at]), np.diff(profile.height_m)
    added = climbing_cost(drone, run, rise, sortie.speed_m_s)
    return replace(
        sortie,
        waypoints=tuple(waypoints),
        flight_time_s=sortie.flight_time_s + added.time_s,
        battery_used_pct=sortie.battery_used_pct + 100.0 * added.battery_s / drone.endurance_s,
    )


def climbing_cost(drone: Drone, run_m: Floats, rise_m: Floats, speed_m_s: float) -> Cost:
    """What climbing and descending on the way adds to flying level: time where a piece is too steep for its speed, and
    the power of climbing over that of cruising."""
    rate = np.where(rise_m > 0, drone.climb_rate_m_s, drone.descent_rate_m_s)
    steep_s = np.maximum(np.abs(rise_m) / rate - run_m / speed_m_s, 0.0)
    climbing_s = np.maximum(rise_m, 0.0) / drone.climb_rate_m_s
    harder = max(drone.climb_power_ratio * drone.hover_power_ratio - 1.0, 0.0)
    time_s = float(steep_s.sum())
    return Cost(time_s, time_s * max(1.0, drone.hover_power_ratio) + float(climbing_s.sum()) * harder)


def most_battery_pct(sorties: Sequence[Sortie]) -> float:
    """The largest share of a battery that one of the sorties uses, in per cent."""
    return max((sortie.battery_used_pct for sortie in sorties), default=0.0)
