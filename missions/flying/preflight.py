"""What is checked before take-off: the vehicle, its place, its battery and what it has been given to fly.

Each check is a value with a sentence for the pilot. Whether to fly is decided by a person, and never against a failed
check: that is `missions.flying.flight`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shapely.geometry import Point

from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.flying.faults import FIX_3D, wind_limit_m_s
from missions.flying.link import Link
from missions.flying.progress import distance_m
from missions.flying.recorder import Recorder
from missions.flying.watch import Watch
from missions.plan import Plan, Position, Sortie
from missions.planning.local import polygon_of
from missions.planning.proof import prove

SATELLITES = 6
HOME_DISTANCE_M = 50.0
ROUNDING_PCT = 0.5
"""Vehicles say how full a battery is in whole per cent."""

CALM_M_S = 0.5
CLOCK_EARLIEST = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Check:
    """One thing looked at before take-off, whether it is as it must be, and what was found."""

    name: str
    ok: bool
    detail: str


def preflight_checks(
    link: Link,
    plan: Plan,
    sortie: Sortie,
    *,
    drone: Drone,
    recorder: Recorder,
    watch: Watch,
    stored: Sequence[str],
    fence_enabled: bool,
) -> list[Check]:
    """Every check for this sortie. `stored` names the lists that were stored on the vehicle and read back alike."""
    return [
        _vehicle(link),
        _arming(watch),
        _position(link),
        _estimate(link),
        *_home(link, plan, sortie),
        _battery(watch.battery_pct, sortie, 100.0 * drone.reserve),
        Check("mission", "mission" in stored, f"{len(sortie.waypoints)} waypoints stored and read back"),
        Check(
            "fence",
            fence_enabled and "fence" in stored,
            f"{plan.fence.vertex_count} vertices, ceiling {plan.fence.alt_max_home_m:.0f} m"
            + (", stored, read back and on" if fence_enabled else ", not on"),
        ),
        Check("rally points", "rally points" in stored, f"{len(plan.rally)} stored and read back"),
        _camera(link, sortie),
        _wind(watch.wind_m_s, drone, sortie),
        _clock(watch.vehicle_utc_s),
        _storage(recorder, sortie),
    ]


def _arming(watch: Watch) -> Check:
    if watch.arming_ok is None:
        return Check("arming checks", True, "the vehicle does not say; it shows when it is to arm")
    said = watch.arming_text or "it does not say which"
    return Check("arming checks", watch.arming_ok, "the vehicle's own hold" if watch.arming_ok else f"not held: {said}")


def several_heard(link: Link) -> str:
    """Why it would be chance which vehicle flies; empty where only one Copter is heard."""
    if not link.vehicle.other_copters:
        return ""
    heard = ", ".join(map(str, sorted({link.system, *link.vehicle.other_copters})))
    return f"several vehicles are heard here, systems {heard}: name the one to fly, --drone ID=URL"


def _vehicle(link: Link) -> Check:
    if several := several_heard(link):
        return Check("vehicle", False, several)
    armed = bool(link.vehicle.armed)
    return Check("vehicle", not armed, f"{link.firmware}, {'already armed' if armed else 'disarmed'}")


def _position(link: Link) -> Check:
    gps = link.vehicle.gps_0
    fix, satellites = gps.fix_type or 0, gps.satellites_visible or 0
    ok = fix >= FIX_3D and satellites >= SATELLITES
    return Check("position", ok, f"{'3D fix' if fix >= FIX_3D else 'no 3D fix'}, {satellites} satellites")


def _estimate(link: Link) -> Check:
    ok = bool(link.vehicle.ekf_ok)
    return Check("estimator", ok, "sound" if ok else "the vehicle does not trust its position yet; wait, or move it")


def _home(link: Link, plan: Plan, sortie: Sortie) -> list[Check]:
    heard = link.vehicle.home_location
    if heard is None:
        return [Check("home", False, "the vehicle has not set its home; wait for its position")]
    home = Position(heard.lat, heard.lon)
    away_m = distance_m(home, plan.home)
    near = Check("home", away_m <= HOME_DISTANCE_M, f"{away_m:.1f} m from the plan's (at most {HOME_DISTANCE_M:.0f})")
    if not near.ok:
        return [near]
    inside = inside_fence(home, plan)
    return [
        near,
        Check("home in the fence", inside, "inside" if inside else "outside: the fence would stop the take-off"),
        _ways(home, plan, sortie),
    ]


def _ways(home: Position, plan: Plan, sortie: Sortie) -> Check:
    """The proof the plan was written with, made again from where the vehicle really stands, with its way back there."""
    back = [replace(last, lat_deg=home.lat_deg, lon_deg=home.lon_deg, camera=None) for last in sortie.waypoints[-1:]]
    flown = replace(sortie, waypoints=(*sortie.waypoints, *back))
    try:
        clearance_m = prove(replace(plan, home=home, sorties=(flown,))).clearance_m
    except NotFlyableError as error:
        return Check("ways in the fence", False, f"from this home: {error}")
    return Check("ways in the fence", True, f"from this home everything flown keeps {clearance_m:.0f} m from its edge")


def inside_fence(position: Position, plan: Plan) -> bool:
    """Whether a place lies inside every inclusion and outside every exclusion of the plan's fence."""
    here = Point(0.0, 0.0)
    return all(polygon_of(ring, position).contains(here) for ring in plan.fence.inclusion) and not any(
        polygon_of(ring, position).intersects(here) for ring in plan.fence.exclusion
    )


def _battery(level: int | None, sortie: Sortie, reserve_pct: float) -> Check:
    if level is None:
        return Check("battery", False, "the vehicle does not say how full its battery is (BATT_MONITOR)")
    detail = f"{level} %; the sortie takes {sortie.battery_used_pct:.0f} %"
    if level >= sortie.battery_used_pct + reserve_pct - ROUNDING_PCT:
        return Check("battery", True, f"{detail}, at least {reserve_pct:.0f} % stay in reserve")
    left_pct = level - sortie.battery_used_pct
    kept = f"{left_pct:.0f} % would be left" if left_pct >= 0 else "that is not enough"
    return Check("battery", False, f"{detail}: {kept}, and {reserve_pct:.0f} % must stay in reserve")


def _camera(link: Link, sortie: Sortie) -> Check:
    if sortie.photos == 0:
        return Check("camera", True, "no photos planned")
    kind = link.parameter("CAM1_TYPE")
    if kind is None:
        return Check("camera", True, "the vehicle has no CAM1_TYPE; whether it has a camera shows in flight")
    detail = f"CAM1_TYPE {kind:.0f}, {sortie.photos} photos planned"
    return Check("camera", kind > 0, detail if kind > 0 else "CAM1_TYPE is 0 (none): set it and restart the vehicle")


def _clock(vehicle_utc_s: float | None) -> Check:
    if vehicle_utc_s is None or vehicle_utc_s < CLOCK_EARLIEST.timestamp():
        return Check("clock", False, "the vehicle does not know the time yet; it gets it from its satellites")
    return Check("clock", True, f"{datetime.fromtimestamp(vehicle_utc_s, UTC):%Y-%m-%d %H:%M:%S} UTC")


def _wind(wind_m_s: float | None, drone: Drone, sortie: Sortie) -> Check:
    limit_m_s = wind_limit_m_s(drone, sortie)
    if wind_m_s is None:
        return Check("wind", True, f"the vehicle says none; in flight, if it does, at most {limit_m_s:.0f} m/s")
    if wind_m_s < CALM_M_S:
        return Check("wind", True, f"calm, or not estimated on the ground; in flight at most {limit_m_s:.0f} m/s")
    return Check("wind", wind_m_s <= limit_m_s, f"{wind_m_s:.0f} m/s (at most {limit_m_s:.0f} m/s)")


def _storage(recorder: Recorder, sortie: Sortie) -> Check:
    needed, free = recorder.room(sortie.photos, sortie.flight_time_s)
    detail = f"{free / 1e9:.1f} GB free for the record, {needed / 1e9:.1f} GB needed"
    return Check("storage", free >= needed, detail)
