"""What a plan must hold after it was read from a file that people can edit: places on Earth, heights and speeds that a
drone can fly, a fence that is one. Whether it is safe to fly is proven afterwards, by `missions.planning.proof`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shapely.geometry import Polygon

from missions.drones import catalogue
from missions.plan import Plan, Position, Ring, Sortie
from vision.errors import InputError

LEAST_HEIGHT_M = 5.0
"""Above home: below that a copter meets people, vehicles and its own downwash; no survey is flown there."""
GREATEST_HEIGHT_M = 3000.0
"""Above home: far over every ceiling there is, so that only nonsense is refused here."""
GREATEST_SPEED_M_S = 40.0
"""Of a drone that is not in the catalogue: what the catalogue admits at most."""


def check_plan(plan: Plan, source: Path) -> None:
    """Raises InputError naming the value of the plan that no plan can have, as `picket.plan.…` in `source`."""
    for place, where in _positions(plan):
        _within(source, f"{place}.lat_deg", where.lat_deg, -90.0, 90.0, "degrees")
        _within(source, f"{place}.lon_deg", where.lon_deg, -180.0, 180.0, "degrees")
    _within(source, "fence.alt_max_home_m", plan.fence.alt_max_home_m, LEAST_HEIGHT_M, GREATEST_HEIGHT_M, "m")
    if not plan.fence.inclusion:
        raise InputError(
            source, "holds no polygon, so nothing would keep the drone in; plan again", _at("fence.inclusion")
        )
    for name, rings in (("inclusion", plan.fence.inclusion), ("exclusion", plan.fence.exclusion)):
        for number, ring in enumerate(rings):
            _check_ring(source, f"fence.{name}.{number}", ring, plan.home)
    if not plan.sorties:
        raise InputError(source, "holds no sortie; plan again", _at("sorties"))
    numbers = [sortie.number for sortie in plan.sorties]
    if len(set(numbers)) < len(numbers):
        raise InputError(source, "have a number twice; plan again", _at("sorties"))
    for number, sortie in enumerate(plan.sorties):
        _check_sortie(source, f"sorties.{number}", sortie, plan)


def _check_sortie(source: Path, place: str, sortie: Sortie, plan: Plan) -> None:
    known = catalogue().get(plan.drone)
    fastest = known.max_airspeed_m_s if known else GREATEST_SPEED_M_S
    _within(source, f"{place}.number", sortie.number, 1, 10_000, "")
    _within(source, f"{place}.speed_m_s", sortie.speed_m_s, 0.1, fastest, "m/s")
    if sortie.transit_speed_m_s is not None:
        _within(source, f"{place}.transit_speed_m_s", sortie.transit_speed_m_s, 0.1, fastest, "m/s")
    _within(source, f"{place}.trigger_distance_m", sortie.trigger_distance_m, 0.01, 10_000.0, "m")
    _within(source, f"{place}.flight_time_s", sortie.flight_time_s, 0.0, 86_400.0, "s")
    _within(source, f"{place}.photos", sortie.photos, 0, 1_000_000, "")
    _within(source, f"{place}.battery_used_pct", sortie.battery_used_pct, 0.0, 100.0, "%")
    if len(sortie.waypoints) < 2:
        raise InputError(source, "holds fewer than two waypoints; plan again", _at(f"{place}.waypoints"))
    for number, waypoint in enumerate(sortie.waypoints):
        at = f"{place}.waypoints.{number}.alt_home_m"
        _within(source, at, waypoint.alt_home_m, LEAST_HEIGHT_M, plan.fence.alt_max_home_m, "m")


def _check_ring(source: Path, place: str, ring: Ring, home: Position) -> None:
    if len(ring) < 3:
        raise InputError(source, "holds fewer than three positions; plan again", _at(place))
    corners = [((at.lon_deg - home.lon_deg + 180.0) % 360.0 - 180.0, at.lat_deg) for at in ring]
    if not Polygon(corners).is_valid:
        raise InputError(source, "crosses itself or encloses nothing; plan again", _at(place))


def _positions(plan: Plan) -> Iterator[tuple[str, Position]]:
    yield "home", plan.home
    yield from ((f"rally.{number}", place) for number, place in enumerate(plan.rally))
    for name, rings in (("inclusion", plan.fence.inclusion), ("exclusion", plan.fence.exclusion)):
        for number, ring in enumerate(rings):
            yield from ((f"fence.{name}.{number}.{corner}", place) for corner, place in enumerate(ring))
    for number, sortie in enumerate(plan.sorties):
        for index, waypoint in enumerate(sortie.waypoints):
            yield f"sorties.{number}.waypoints.{index}", waypoint.position


def _within(source: Path, place: str, value: float, least: float, most: float, unit: str) -> None:
    if not least <= value <= most:  # also where it is no number
        said = f"{value} is not between {least:g} and {most:g} {unit}".rstrip()
        raise InputError(source, f"{said}; mend it, or plan again", _at(place))


def _at(place: str) -> str:
    return f"picket.plan.{place}"
