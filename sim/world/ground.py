"""What lies on the practice ground: fields, roads, trees, huts, ponds and stones, as a function of a seed and of metres
east and north. It answers where things are; how warm they look is `texture`'s subject, who stands there `scene`'s.

The ground has no edge: everything is drawn from hashes of lattice cells, so any two callers that ask about the same
square metre get the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

ROAD_SPACING_M = (115.0, 165.0)
"""Spacing of the roads that run along the grain of the land, and of those across it."""
FIELD_SIZE_M = 46.0
TREE_CELL_M = 8.0
HAMLET_CELL_M = 130.0
POND_CELL_M = 170.0
PUDDLE_CELL_M = 34.0
SMALL_CELL_M = 11.0


@dataclass(frozen=True)
class Patch:
    """A roundish thing on the ground: centre in metres east and north, radius in metres, `tone` in 0..1 to vary it."""

    kind: str  # tree, bush, stone, puddle, pond, yard
    east_m: float
    north_m: float
    radius_m: float
    tone: float


@dataclass(frozen=True)
class Hut:
    """A hut's roof: centre, full length and width in metres, bearing of its ridge in radians from east."""

    east_m: float
    north_m: float
    length_m: float
    width_m: float
    bearing_rad: float
    tone: float


@dataclass(frozen=True)
class Road:
    """One road: the family it belongs to (0 along, 1 across the grain), its number in it, half its width."""

    family: int
    number: int
    half_width_m: float
    paved: bool


class Ground:
    """The layout of one seed. Cheap to make; cells are remembered as they are asked for."""

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)
        draw = self._draw("grain", 0, 0)
        self.grain_rad = float(draw.uniform(0, math.pi))
        self._wiggle = draw.uniform(0, 2 * math.pi, (2, 2))
        self._cos, self._sin = math.cos(self.grain_rad), math.sin(self.grain_rad)
        cached = lru_cache(maxsize=4096)
        self._trees_of_cell: Callable[[int, int], tuple[Patch, ...]] = cached(self._make_trees)
        self._small_of_cell: Callable[[int, int], tuple[Patch, ...]] = cached(self._make_small)
        self._puddles_of_cell: Callable[[int, int], tuple[Patch, ...]] = cached(self._make_puddles)
        self._ponds_of_cell: Callable[[int, int], tuple[Patch, ...]] = cached(self._make_ponds)
        self._hamlet_of_cell: Callable[[int, int], tuple[tuple[Patch, ...], tuple[Hut, ...]]] = cached(
            self._make_hamlet
        )
        self.road: Callable[[int, int], Road] = cached(self._make_road)
        self.field_seed: Callable[[int, int], tuple[float, float]] = cached(self._make_field_seed)

    def _draw(self, what: str, i: int, j: int) -> np.random.Generator:
        """A generator that depends on the seed, on what is drawn and on the cell, on nothing else."""
        salt = int.from_bytes(what.encode()[:7], "little")
        return np.random.default_rng(
            [self.seed & 0xFFFFFFFF, self.seed >> 32 & 0xFFFFFFFF, salt, i & 0xFFFFFFFF, j & 0xFFFFFFFF]
        )

    # -- roads --------------------------------------------------------------------------------------------------------

    def along_across(self, east_m: np.ndarray, north_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates (u, v) in metres along and across the grain of the land."""
        return self._cos * east_m + self._sin * north_m, -self._sin * east_m + self._cos * north_m

    def _from_along_across(self, u: float, v: float) -> tuple[float, float]:
        return self._cos * u - self._sin * v, self._sin * u + self._cos * v

    def _make_road(self, family: int, number: int) -> Road:
        draw = self._draw("road", family, number)
        paved = bool(draw.random() < (0.45 if family == 0 else 0.15))
        return Road(family, number, float(draw.uniform(2.9, 3.6) if paved else draw.uniform(1.6, 2.1)), paved)

    def _axis(self, road_family: int, number: np.ndarray | int, along: np.ndarray | float) -> np.ndarray:
        """Across-coordinate of a road's axis at the along-coordinate `along` (both of the road's own family)."""
        spacing = ROAD_SPACING_M[road_family]
        first, second = (float(phase) for phase in self._wiggle[road_family])
        phase = number * 1.7
        bend = 9.0 * np.sin(along / 71.0 + (first + phase)) + 4.0 * np.sin(along / 29.0 + (second + phase))
        return number * spacing + bend + spacing * 0.31

    def _slope(self, road_family: int, number: np.ndarray | int, along: np.ndarray | float) -> np.ndarray:
        """Metres across per metre along of a road's axis."""
        first, second = (float(phase) for phase in self._wiggle[road_family])
        phase = number * 1.7
        return 9.0 / 71.0 * np.cos(along / 71.0 + (first + phase)) + 4.0 / 29.0 * np.cos(
            along / 29.0 + (second + phase)
        )

    def road_offset(
        self, family: int, east_m: np.ndarray, north_m: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(number, signed distance in m from its axis, distance along it in m) of the nearest road of a family."""
        u, v = self.along_across(np.asarray(east_m), np.asarray(north_m))
        along, across = (u, v) if family == 0 else (v, u)
        spacing = ROAD_SPACING_M[family]
        number = np.rint((across - spacing * 0.31) / spacing)
        offset = across - self._axis(family, number, along)
        slope = self._slope(family, number, along)
        return number, offset / np.sqrt(1 + slope**2), along

    def road_point(self, road: Road, along_m: float, offset_m: float) -> tuple[float, float, float]:
        """(east, north, heading in radians from east) of a point on a road, `offset_m` to the left of its axis."""
        across = float(self._axis(road.family, road.number, along_m))
        slope = float(self._slope(road.family, road.number, along_m))
        length = math.hypot(1.0, slope)
        along, across = along_m - offset_m * slope / length, across + offset_m / length
        ahead = (1.0 / length, slope / length)
        point = (along, across) if road.family == 0 else (across, along)
        ahead = ahead if road.family == 0 else (ahead[1], ahead[0])
        east, north = self._from_along_across(*point)
        d_east, d_north = self._from_along_across(*ahead)
        return east, north, math.atan2(d_north, d_east)

    def road_gap_m(self, east_m: float, north_m: float) -> float:
        """Distance in metres from a point to the edge of the nearest road, negative on it."""
        gaps = []
        for family in (0, 1):
            number, offset, _ = self.road_offset(family, np.array([east_m]), np.array([north_m]))
            gaps.append(abs(float(offset[0])) - self.road(family, int(number[0])).half_width_m)
        return min(gaps)

    # -- fields -------------------------------------------------------------------------------------------------------

    def _make_field_seed(self, i: int, j: int) -> tuple[float, float]:
        du, dv = self._draw("field", i, j).uniform(0.18, 0.82, 2)
        return self._from_along_across((i + du) * FIELD_SIZE_M, (j + dv) * FIELD_SIZE_M * 0.8)

    def fields_near(self, east_m: float, north_m: float, reach_m: float) -> list[tuple[int, int]]:
        """Cells of the fields that may touch the disc of `reach_m` round a point; a field is the ground nearer to its
        seed point than to any other."""
        u, v = (float(c) for c in self.along_across(np.asarray(east_m), np.asarray(north_m)))
        i0, j0 = math.floor(u / FIELD_SIZE_M), math.floor(v / (FIELD_SIZE_M * 0.8))
        ring = 2 + int(reach_m / (FIELD_SIZE_M * 0.8))
        cells = [(i, j) for i in range(i0 - ring, i0 + ring + 1) for j in range(j0 - ring, j0 + ring + 1)]
        distance = [math.dist(self.field_seed(*cell), (east_m, north_m)) for cell in cells]
        nearest = min(distance)
        return [cell for cell, d in zip(cells, distance, strict=True) if d <= nearest + 2 * reach_m + 3.0]

    def field_draw(self, cell: tuple[int, int]) -> np.random.Generator:
        """The generator that decides how a field looks."""
        return self._draw("crop", *cell)

    # -- things -------------------------------------------------------------------------------------------------------

    def _make_trees(self, i: int, j: int) -> tuple[Patch, ...]:
        grove = self._draw("grove", i // 4, j // 4).random()
        draw = self._draw("tree", i, j)
        likely = 0.75 if grove < 0.10 else 0.035
        if draw.random() > likely:
            return ()
        east, north = (i + draw.random()) * TREE_CELL_M, (j + draw.random()) * TREE_CELL_M
        radius = float(draw.uniform(2.6, 5.0))
        if self.road_gap_m(east, north) < 1.5 * radius + 1.5:
            return ()
        tone = float(draw.random())
        crowns = [Patch("tree", float(east), float(north), 0.68 * radius, tone)]
        start = draw.uniform(0, 2 * math.pi)
        boughs = int(draw.integers(4, 7))
        for bough in range(boughs):
            # A crown is a heap of smaller ones round the trunk, none like its neighbour.
            turn = start + 2 * math.pi * bough / boughs + draw.normal(0, 0.25)
            out = radius * draw.uniform(0.45, 0.95)
            wide, shade = float(radius * draw.uniform(0.28, 0.5)), float(tone + draw.normal(0, 0.15))
            place = (float(east + out * math.cos(turn)), float(north + out * math.sin(turn)))
            crowns.append(Patch("tree", *place, wide, shade))
        return tuple(crowns)

    def _make_small(self, i: int, j: int) -> tuple[Patch, ...]:
        draw = self._draw("small", i, j)
        made = []
        for kind, likely, low, high in (("stone", 0.10, 0.10, 0.22), ("bush", 0.16, 0.35, 0.9)):
            chance, de, dn, size, tone = draw.random(5)
            east, north = (i + de) * SMALL_CELL_M, (j + dn) * SMALL_CELL_M
            if chance < likely and self.road_gap_m(east, north) > 1.0:
                made.append(Patch(kind, float(east), float(north), float(low + size * (high - low)), float(tone)))
        return tuple(made)

    def _make_puddles(self, i: int, j: int) -> tuple[Patch, ...]:
        chance, de, dn, size, tone = self._draw("puddle", i, j).random(5)
        if chance > 0.25:
            return ()
        return (Patch("puddle", (i + de) * PUDDLE_CELL_M, (j + dn) * PUDDLE_CELL_M, 0.9 + 1.2 * size, tone),)

    def _make_ponds(self, i: int, j: int) -> tuple[Patch, ...]:
        chance, de, dn, size, tone = self._draw("pond", i, j).random(5)
        east, north, radius = (i + de) * POND_CELL_M, (j + dn) * POND_CELL_M, 5.0 + 8.0 * size
        if chance > 0.5 or self.road_gap_m(east, north) < 1.35 * radius + 2.0:
            return ()
        return (Patch("pond", east, north, radius, tone),)

    def _make_hamlet(self, i: int, j: int) -> tuple[tuple[Patch, ...], tuple[Hut, ...]]:
        draw = self._draw("hamlet", i, j)
        if draw.random() > 0.55:
            return (), ()
        east, north = (np.array([i, j]) + draw.uniform(0.1, 0.9, 2)) * HAMLET_CELL_M
        bearing = self.grain_rad + draw.normal(0, 0.15)
        huts = []
        for k in range(int(draw.integers(1, 4))):
            length, width = draw.uniform(7, 11), draw.uniform(4.5, 6.5)
            along, across = (k - 1) * 13.0 + draw.uniform(-1, 1), draw.uniform(-4, 4)
            place = (
                east + along * math.cos(bearing) - across * math.sin(bearing),
                north + along * math.sin(bearing) + across * math.cos(bearing),
            )
            turned = bearing + (math.pi / 2 if draw.random() < 0.4 else 0.0)
            if self.road_gap_m(*place) > 0.6 * length + 1.0:
                huts.append(Hut(*map(float, (*place, length, width, turned, draw.random()))))
        yard = Patch("yard", float(east), float(north), float(draw.uniform(8, 13)), float(draw.random()))
        return ((yard,), tuple(huts)) if huts else ((), ())

    def patches(self, kinds: tuple[str, ...], box: tuple[float, float, float, float]) -> list[Patch]:
        """Patches of the given kinds that may reach into the box (west, south, east, north; m), in a fixed order."""
        found: list[Patch] = []
        sources: list[tuple[set[str], float, float, Callable[[int, int], tuple[Patch, ...]]]] = [
            ({"yard"}, HAMLET_CELL_M, 16.0, lambda i, j: self._hamlet_of_cell(i, j)[0]),
            ({"pond"}, POND_CELL_M, 20.0, self._ponds_of_cell),
            ({"puddle"}, PUDDLE_CELL_M, 4.0, self._puddles_of_cell),
            ({"stone", "bush"}, SMALL_CELL_M, 2.0, self._small_of_cell),
            ({"tree"}, TREE_CELL_M, 10.0, self._trees_of_cell),
        ]
        for offered, size, reach, make in sources:
            if not offered & set(kinds):
                continue
            for i, j in _cells(box, size, reach):
                found += [patch for patch in make(i, j) if patch.kind in kinds]
        return found

    def huts(self, box: tuple[float, float, float, float]) -> list[Hut]:
        """Huts that may reach into the box (west, south, east, north; m)."""
        return [hut for i, j in _cells(box, HAMLET_CELL_M, 40.0) for hut in self._hamlet_of_cell(i, j)[1]]

    def open_at(self, east_m: float, north_m: float, margin_m: float) -> bool:
        """Whether a disc of `margin_m` round a point is clear of trees, huts and water, so that what stands there is
        seen from above."""
        box = (east_m - margin_m, north_m - margin_m, east_m + margin_m, north_m + margin_m)
        for patch in self.patches(("tree", "pond"), box):
            if math.dist((patch.east_m, patch.north_m), (east_m, north_m)) < 1.4 * patch.radius_m + margin_m:
                return False
        return all(
            math.dist((hut.east_m, hut.north_m), (east_m, north_m))
            > math.hypot(hut.length_m, hut.width_m) / 2 + margin_m
            for hut in self.huts(box)
        )


def _cells(box: tuple[float, float, float, float], size_m: float, reach_m: float) -> list[tuple[int, int]]:
    west, south, east, north = box
    return [
        (i, j)
        for j in range(math.floor((south - reach_m) / size_m), math.floor((north + reach_m) / size_m) + 1)
        for i in range(math.floor((west - reach_m) / size_m), math.floor((east + reach_m) / size_m) + 1)
    ]
