"""The proof that a plan stays inside its fence, computed afresh from the plan's own positions.

Every leg of every sortie, home and the rally points against every polygon, the height against the ceiling, and every
straight line an RTL would fly. Nothing of how the plan was made is used here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPolygon, Polygon

from missions.errors import NotFlyableError
from missions.plan import Plan, Position, legs
from missions.planning.fence import MAX_VERTICES
from missions.planning.local import frame_of, polygon_of, positions_of
from missions.planning.refuges import unsafe_returns

Floats = npt.NDArray[np.float64]

_PROOF_SLACK_M = 0.1
"""What rounding to 1e-7 degrees, on legs and on fence, may take from the clearance."""


@dataclass(frozen=True)
class Proof:
    """The smallest distance in metres of anything flown from the edge of the fence, and where that is."""

    clearance_m: float
    at: Position
    what: str


@dataclass(frozen=True)
class _Flown:
    """What a plan flies, in local metres: lines (N, 2, 2), a name for each, and the sortie's number (0: none)."""

    lines: Floats
    names: list[str]


def prove(plan: Plan) -> Proof:
    """The smallest clearance of everything flown.

    Raises NotFlyableError, naming the first fault, where anything leaves the fence or comes closer to it than the
    fence's `clearance_m`, where a height exceeds the ceiling, or where the fence is none an autopilot can hold.
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
    for sortie in plan.sorties:
        if any(waypoint.alt_home_m > plan.fence.alt_max_home_m for waypoint in sortie.waypoints):
            raise NotFlyableError(f"sortie {sortie.number} climbs above the fence's ceiling")
    flown = _flown(plan)
    lines = shapely.linestrings(flown.lines)
    clearance = np.full(len(lines), np.inf)
    for polygon in inclusions:
        shapely.prepare(polygon)
        edge = polygon.boundary
        clearance = np.minimum(clearance, np.where(shapely.covers(polygon, lines), shapely.distance(edge, lines), -1.0))
    for polygon in exclusions:
        away = shapely.distance(polygon, lines)
        clearance = np.minimum(clearance, np.where(away > 0.0, away, -1.0))
    faults = np.flatnonzero(clearance < plan.fence.clearance_m - _PROOF_SLACK_M)
    if len(faults):
        first = int(faults[0])
        how = "leaves the fence" if clearance[first] < 0 else f"comes within {clearance[first]:.1f} m of the fence"
        raise NotFlyableError(f"{flown.names[first]} {how}; move home or draw the area and its no-fly zones simpler")
    least = int(clearance.argmin())
    edges = [polygon.boundary for polygon in (*inclusions, *exclusions)]
    nearest = min((shapely.shortest_line(lines[least], edge) for edge in edges), key=lambda line: line.length)
    at = positions_of([nearest.coords[0]], origin)[0]
    return Proof(float(clearance[least]), at, flown.names[least])


def prove_returns(plan: Plan) -> None:
    """Raise NotFlyableError where the straight line that an RTL flies, from anywhere on a sortie to home or to the
    rally point the autopilot would choose, leaves the fence."""
    origin = plan.home
    allowed: Polygon | MultiPolygon = shapely.intersection_all(
        [polygon_of(ring, origin) for ring in plan.fence.inclusion]
    )
    allowed = allowed.difference(shapely.union_all([polygon_of(ring, origin) for ring in plan.fence.exclusion]))
    kept = allowed.buffer(-(plan.fence.clearance_m - 2.0 * _PROOF_SLACK_M), join_style="mitre")
    refuges = np.array([[0.0, 0.0], *_local(plan.rally, origin)])
    unsafe = unsafe_returns(_flown(plan).lines, refuges, kept)
    if len(unsafe):
        place = positions_of([unsafe[0].mean(axis=0)], origin)[0]
        raise NotFlyableError(
            f"from {place.lat_deg:.5f}, {place.lon_deg:.5f} the straight line home, as RTL flies it, leaves the fence; "
            "add a rally point near there, or move home"
        )


def proven(plan: Plan) -> Plan:
    """The plan with its smallest clearance; raises NotFlyableError where a leg or a way home leaves the fence."""
    proof = prove(plan)
    prove_returns(plan)
    return replace(plan, fence=replace(plan.fence, min_clearance_m=proof.clearance_m, min_clearance_at=proof.at))


def _flown(plan: Plan) -> _Flown:
    places: list[Position] = [plan.home, plan.home]
    names = ["home"]
    for number, rally in enumerate(plan.rally, 1):
        places += [rally, rally]
        names.append(f"rally point {number}")
    for sortie in plan.sorties:
        for number, leg in enumerate(legs(plan, sortie), 1):
            places += [leg.start, leg.end]
            names.append(f"leg {number} of sortie {sortie.number}")
    return _Flown(_local(places, plan.home).reshape(-1, 2, 2), names)


def _local(places: list[Position] | tuple[Position, ...], origin: Position) -> Floats:
    east, north = frame_of(origin).to_local([p.lat_deg for p in places], [p.lon_deg for p in places])
    return np.column_stack([east, north])
