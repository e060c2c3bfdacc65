"""The fence the autopilot enforces: which of its parts the vehicle is outside of, and by how much.

ArduPilot's rules: FENCE_TYPE chooses the parts (1 ceiling, 2 circle round home, 4 polygons and circles of the list, 8
floor); several inclusions must all hold unless FENCE_OPTIONS bit 1 asks for their union; a breach is being outside by
nothing, FENCE_MARGIN only warns. Backing away before a breach (avoidance) is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.vehicle.navigation import Point
from sim.vehicle.parameters import Parameters
from sim.vehicle.storage import FenceShapes
from sim.vehicle.values import TangentFrame

CEILING, CIRCLE, POLYGON, FLOOR = 1, 2, 4, 8
FAR_M = 100.0
"""Further outside than this the vehicle lands where it is, whatever FENCE_ACTION says."""
NAMES = ((CEILING, "Max Alt"), (CIRCLE, "Circle"), (POLYGON, "Polygon"), (FLOOR, "Min Alt"))


@dataclass(frozen=True)
class _Ring:
    inclusion: bool
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class LocalFence:
    """The fence list in metres of the vehicle's frame."""

    rings: tuple[_Ring, ...]
    circles: tuple[tuple[bool, float, float, float], ...]


def local_fence(shapes: FenceShapes, frame: TangentFrame) -> LocalFence:
    """`shapes` carried into `frame`."""
    rings = tuple(_Ring(p.inclusion, tuple(frame.to_local(*v) for v in p.vertices)) for p in shapes.polygons)
    circles = tuple((c.inclusion, *frame.to_local(c.lat_deg, c.lon_deg), c.radius_m) for c in shapes.circles)
    return LocalFence(rings, circles)


def fence_present(params: Parameters, shapes: FenceShapes) -> bool:
    """True where FENCE_TYPE asks for a part that there is: a ceiling, circle or floor always, polygons where stored."""
    asked = int(params["FENCE_TYPE"])
    return bool(asked & (CEILING | CIRCLE | FLOOR)) or bool(asked & POLYGON and shapes)


def breaches(fence: LocalFence, params: Parameters, here: Point, home: Point) -> tuple[int, float]:
    """(bits of FENCE_TYPE that are breached, metres by which the worst is)."""
    asked = int(params["FENCE_TYPE"])
    height = here[2] - home[2]
    found, worst = 0, 0.0
    parts = (
        (CEILING, height - params["FENCE_ALT_MAX"]),
        (FLOOR, params["FENCE_ALT_MIN"] - height),
        (CIRCLE, math.hypot(here[0] - home[0], here[1] - home[1]) - params["FENCE_RADIUS"]),
    )
    for bit, outside in parts:
        if asked & bit and outside > 0.0:
            found |= bit
            worst = max(worst, outside)
    if asked & POLYGON:
        outside = outside_m(fence, here, union=bool(int(params["FENCE_OPTIONS"]) & 2))
        if outside > 0.0:
            found |= POLYGON
            worst = max(worst, outside)
    return found, worst


def outside_m(fence: LocalFence, here: Point, union: bool = False) -> float:
    """Metres by which `here` breaks the polygons and circles of the list; 0 or less where it breaks none."""
    inclusions: list[float] = []
    exclusions: list[float] = []
    for ring in fence.rings:
        signed = -_inside_m(ring.points, here[0], here[1])
        (inclusions if ring.inclusion else exclusions).append(signed if ring.inclusion else -signed)
    for inclusion, north, east, radius in fence.circles:
        signed = math.hypot(here[0] - north, here[1] - east) - radius
        (inclusions if inclusion else exclusions).append(signed if inclusion else -signed)
    parts = list(exclusions)
    if inclusions:
        parts.append(min(inclusions) if union else max(inclusions))
    return max(parts, default=0.0)


def _inside_m(points: tuple[tuple[float, float], ...], x: float, y: float) -> float:
    """Distance to the ring's edge, positive inside (even-odd rule), negative outside."""
    inside = False
    nearest = math.inf
    x1, y1 = points[-1]
    for x2, y2 in points:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        dx, dy = x2 - x1, y2 - y1
        size = dx * dx + dy * dy
        share = max(0.0, min(1.0, ((x - x1) * dx + (y - y1) * dy) / size)) if size > 0.0 else 0.0
        nearest = min(nearest, math.hypot(x1 + share * dx - x, y1 + share * dy - y))
        x1, y1 = x2, y2
    return nearest if inside else -nearest


def named(bits: int) -> str:
    """The parts of a fence in words, as STATUSTEXT has them."""
    return ", ".join(name for bit, name in NAMES if bits & bit)
