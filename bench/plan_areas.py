"""Areas for the planning claims, made of metres: random ones of every kind, and twelve with the shapes of real tasks.
Not a claim by itself: `plan_random` and `plan_peers` use it."""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from missions.areas.area import Area
from missions.plan import Position
from missions.planning.local import to_lonlat

ORIGIN = Position(23.04, 88.89)
KINDS = ("convex", "concave", "holes", "sliver", "crooked", "parts", "comb", "tiny")
_SMALLEST_M2 = 100.0


def area_of(name: str, patrol: Polygon | MultiPolygon, origin: Position = ORIGIN) -> Area:
    """A patrol area of metres east and north of `origin`, without home, border or zones."""
    parts = patrol if isinstance(patrol, MultiPolygon) else MultiPolygon([patrol])
    return Area(name, to_lonlat(parts, origin))


def random_patrol(seed: int) -> tuple[str, Polygon | MultiPolygon]:
    """A kind's name and an area of that kind; the same seed gives the same area."""
    random = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    patrol = _valid(_MAKERS[kind](random))
    return kind, affinity.rotate(patrol, float(random.uniform(0, 360)), origin=(0.0, 0.0))


def _valid(shape: shapely.Geometry) -> Polygon | MultiPolygon:
    parts = [
        p for p in shapely.get_parts(shapely.make_valid(shape)) if isinstance(p, Polygon) and p.area > _SMALLEST_M2
    ]
    parts = [part for whole in parts for part in shapely.get_parts(whole)]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _star(random: np.random.Generator, corners: int, size_m: float, depth: float) -> Polygon:
    angles = np.linspace(0.0, 2.0 * math.pi, corners, endpoint=False)
    radii = size_m * (1.0 - depth * random.uniform(0.0, 1.0, corners))
    return Polygon(np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]))


def _convex(random: np.random.Generator) -> Polygon:
    points = random.normal(0.0, random.uniform(60.0, 350.0), (int(random.integers(3, 40)), 2))
    return shapely.convex_hull(shapely.multipoints(points))


def _concave(random: np.random.Generator) -> Polygon:
    return _star(random, int(random.integers(5, 60)), random.uniform(100.0, 700.0), random.uniform(0.3, 0.9))


def _holes(random: np.random.Generator) -> shapely.Geometry:
    shell = _star(random, int(random.integers(4, 30)), random.uniform(200.0, 700.0), random.uniform(0.0, 0.6))
    holes = []
    for _ in range(int(random.integers(1, 7))):
        x, y = random.uniform(-300.0, 300.0, 2)
        holes.append(affinity.translate(_star(random, int(random.integers(3, 12)), random.uniform(10, 120), 0.5), x, y))
    return shell.difference(shapely.union_all(holes))


def _sliver(random: np.random.Generator) -> shapely.Geometry:
    length, width = random.uniform(200.0, 2_500.0), random.uniform(0.5, 30.0)
    if random.uniform() < 0.5:
        return Polygon([(0, 0), (length, random.uniform(-width, width)), (length * random.uniform(), width)])
    knots = int(random.integers(3, 9))
    x = np.linspace(0.0, length, knots)
    return LineString(np.column_stack([x, random.uniform(-0.08, 0.08, knots) * length])).buffer(width / 2.0)


def _crooked(random: np.random.Generator) -> shapely.Geometry:
    """A coast: a blob whose outline wanders at every scale, with up to 5,000 vertices."""
    corners = int(random.choice([300, 1_000, 2_500, 5_000]))
    angles = np.linspace(0.0, 2.0 * math.pi, corners, endpoint=False)
    radii = np.ones(corners)
    for frequency in (2, 3, 5, 9, 17, 33, 65, 130):
        if 4 * frequency < corners:
            radii += 0.35 / frequency**0.8 * random.normal() * np.cos(frequency * angles + random.uniform(0, 7))
    radii = random.uniform(200.0, 800.0) * np.maximum(radii, 0.15) * random.uniform(0.995, 1.005, corners)
    return Polygon(np.column_stack([radii * np.cos(angles), random.uniform(0.4, 1.0) * radii * np.sin(angles)]))


def _parts(random: np.random.Generator) -> shapely.Geometry:
    pieces = []
    for _ in range(int(random.integers(2, 6))):
        piece = _star(random, int(random.integers(3, 15)), random.uniform(40.0, 200.0), random.uniform(0.0, 0.7))
        pieces.append(affinity.translate(piece, *random.uniform(-600.0, 600.0, 2)))
    return shapely.union_all(pieces)


def _comb(random: np.random.Generator) -> shapely.Geometry:
    """Teeth and bays, U and L shapes among them."""
    teeth, width, depth = int(random.integers(1, 6)), random.uniform(30.0, 150.0), random.uniform(80.0, 500.0)
    spine = box(0.0, 0.0, (2 * teeth - 1) * width, random.uniform(30.0, 150.0))
    return shapely.union_all([spine, *(box(2 * k * width, 0.0, (2 * k + 1) * width, depth) for k in range(teeth))])


def _tiny(random: np.random.Generator) -> shapely.Geometry:
    return _star(random, int(random.integers(3, 9)), random.uniform(8.0, 40.0), random.uniform(0.0, 0.6))


_MAKERS = {
    "convex": _convex,
    "concave": _concave,
    "holes": _holes,
    "sliver": _sliver,
    "crooked": _crooked,
    "parts": _parts,
    "comb": _comb,
    "tiny": _tiny,
}


def _wandering(seed: int, length_m: float, width_m: float, swing: float, steps: int) -> Polygon:
    """A strip along a line that wanders, as beside a river or a road."""
    random = np.random.default_rng(seed)
    x = np.linspace(0.0, length_m, steps)
    y = np.zeros(steps)
    for frequency in (1, 2, 3, 5, 8):
        y += swing * length_m / frequency * random.uniform(-1, 1) * np.sin(frequency * math.pi * x / length_m)
    return LineString(np.column_stack([x, y])).buffer(width_m / 2.0)


def real_shapes() -> dict[str, Polygon | MultiPolygon]:
    """Ten areas with shapes as real tasks have them; the two real ones beside them come from files."""
    random = np.random.default_rng(7)
    angles = np.linspace(0.0, 2.0 * math.pi, 400, endpoint=False)
    wobble = 1.0 + sum(
        0.3 / f * random.normal() * np.cos(f * angles + random.uniform(0, 7)) for f in (2, 3, 5, 8, 13, 21)
    )
    coast = Polygon(np.column_stack([620 * wobble * np.cos(angles), 430 * wobble * np.sin(angles)])).buffer(0)
    lake = Point(60.0, 20.0).buffer(170.0)
    shapes = {
        "port, L-shaped": Polygon([(0, 0), (1200, 0), (1200, 280), (300, 280), (300, 900), (0, 900)]),
        "camp, U-shaped": box(0, 0, 900, 700).difference(box(250, 220, 650, 700)),
        "bay, C-shaped": Point(0, 0).buffer(600).difference(Point(0, 0).buffer(330)).difference(box(0, -180, 700, 180)),
        "river bank": _wandering(1, 2_600.0, 160.0, 0.10, 120),
        "border strip, straight": affinity.rotate(box(0, 0, 3_000, 90), 23.0),
        "border strip, bent": LineString([(0, 0), (900, 250), (1500, -50), (2400, 500)]).buffer(75.0, cap_style="flat"),
        "coast": coast,
        "fields round a lake": Polygon([(-500, -400), (520, -450), (610, 330), (80, 480), (-560, 350)]).difference(
            lake
        ),
        "town with two compounds": box(-450, -350, 450, 350)
        .difference(box(-300, -100, -80, 120))
        .difference(box(100, -220, 260, 40)),
        "valley, T-shaped": shapely.union_all([box(0, 0, 1500, 220), box(640, 220, 860, 1000)]),
    }
    turned = {
        name: affinity.rotate(shape, 17.0 * k, origin="centroid") for k, (name, shape) in enumerate(shapes.items())
    }
    return {name: _valid(shape) for name, shape in turned.items()}
