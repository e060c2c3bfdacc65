"""How warm the ground looks: square tiles of apparent temperature painted from the layout of `ground`, kept in a small
cache. Warping them into a picture is `renderer`'s subject.

Temperatures are kelvin above the mean of the fields on a clear night: paved roads and water keep the day's warmth,
leaves and metal roofs face the cold sky. Levels were set by eye and by histogram against the night frames of HIT-UAV
(Suo et al., Scientific Data 10, 227, 2023).
"""

from __future__ import annotations

import math
from collections import OrderedDict

import cv2
import numpy as np

from sim.world.ground import Ground, Hut, Patch

TILE_PX = 256
FINEST_M = 0.0625
"""Metres per pixel of the finest tiles; level k has twice that k times."""
KEPT_TILES = 240
"""Tiles kept: 240 of 128 kB are 31 MB, the ground of about twelve frames."""
STEP_K = 0.002
"""Tiles are kept as 16-bit integers of this many kelvin."""


class GroundTexture:
    """Painted tiles of one ground. Not thread-safe: give each thread its own."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._tiles: OrderedDict[tuple[int, int, int], np.ndarray] = OrderedDict()
        draw = np.random.default_rng([ground.seed & 0xFFFFFFFF, 77])
        self._grain = np.stack([_smooth_noise(draw) for _ in range(3)])

    def window(self, level: int, box: tuple[float, float, float, float]) -> tuple[np.ndarray, float, float, float]:
        """(picture, west, north, metres per pixel): a whole number of tiles that cover the box (west, south, east,
        north; m) in steps of STEP_K, row 0 in the north; `west` and `north` are its outer edges."""
        pitch = FINEST_M * 2**level
        side = TILE_PX * pitch
        i0, i1 = math.floor(box[0] / side), math.floor(box[2] / side)
        j0, j1 = math.floor(box[1] / side), math.floor(box[3] / side)
        rows = [np.hstack([self._tile(level, i, j) for i in range(i0, i1 + 1)]) for j in range(j1, j0 - 1, -1)]
        return np.vstack(rows), i0 * side, (j1 + 1) * side, pitch

    def _tile(self, level: int, i: int, j: int) -> np.ndarray:
        key = (level, i, j)
        if key in self._tiles:
            self._tiles.move_to_end(key)
            return self._tiles[key]
        tile = np.clip(np.rint(self._paint(level, i, j) / STEP_K), -32000, 32000).astype(np.int16)
        self._tiles[key] = tile
        if len(self._tiles) > KEPT_TILES:
            self._tiles.popitem(last=False)
        return tile

    def _paint(self, level: int, i: int, j: int) -> np.ndarray:
        pitch = FINEST_M * 2**level
        side = TILE_PX * pitch
        along = (np.arange(TILE_PX) + 0.5) * pitch
        east, north = (axis.astype(np.float32) for axis in np.meshgrid(i * side + along, (j + 1) * side - along))
        box = (i * side, j * side, (i + 1) * side, (j + 1) * side)
        kelvin = self._fields(east, north, box)
        for patch in self.ground.patches(("yard", "pond"), box):
            self._paint_patch(kelvin, patch, east, north, box, pitch)
        self._paint_roads(kelvin, east, north)
        for patch in self.ground.patches(("puddle", "stone", "bush"), box):
            self._paint_patch(kelvin, patch, east, north, box, pitch)
        for hut in self.ground.huts(box):
            self._paint_hut(kelvin, hut, east, north, box, pitch)
        for patch in self.ground.patches(("tree",), box):
            self._paint_patch(kelvin, patch, east, north, box, pitch)
        kelvin += 0.9 * self._noise(east, north, 55.0, 0) + 0.28 * self._noise(east, north, 9.0, 1)
        kelvin += 0.10 * self._noise(east, north, 1.1, 2) + 0.07 * self._noise(east, north, 0.34, 0)
        return kelvin

    def _noise(self, east: np.ndarray, north: np.ndarray, wavelength_m: float, which: int) -> np.ndarray:
        """Smooth noise of unit variance whose features are about `wavelength_m` wide."""
        scale = np.float32(_NOISE_TEXELS / wavelength_m / _NOISE_PX)
        x, y = east * scale + np.float32(0.179 * which), north * scale + np.float32(0.072 * which)
        x, y = (x - np.floor(x)) * np.float32(_NOISE_PX), (y - np.floor(y)) * np.float32(_NOISE_PX)
        return cv2.remap(self._grain[which], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)

    # -- surfaces -----------------------------------------------------------------------------------------------------

    def _fields(self, east: np.ndarray, north: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
        reach = math.hypot(box[2] - box[0], box[3] - box[1]) / 2
        cells = self.ground.fields_near((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, reach)
        seeds = np.array([self.ground.field_seed(*cell) for cell in cells], np.float32)
        bent_east = east + 0.9 * self._noise(east, north, 14.0, 1)
        bent_north = north + 0.9 * self._noise(east, north, 14.0, 2)
        # The nearest seed and the second nearest, and how far the line between their fields is.
        first, second = np.full(east.shape, np.inf, np.float32), np.full(east.shape, np.inf, np.float32)
        nearest, runner_up = np.zeros(east.shape, np.int8), np.zeros(east.shape, np.int8)
        for k, (seed_east, seed_north) in enumerate(seeds):
            squared = (bent_east - seed_east) ** 2 + (bent_north - seed_north) ** 2
            wins, places = squared < first, squared < second
            second = np.where(wins, first, np.where(places, squared, second))
            runner_up = np.where(wins, nearest, np.where(places, np.int8(k), runner_up))
            first, nearest = np.where(wins, squared, first), np.where(wins, np.int8(k), nearest)
        apart = np.linalg.norm(seeds[:, None] - seeds[None], axis=-1)[nearest, runner_up]
        gap = np.where(np.isinf(second), np.float32(99.0), (second - first) / (2 * np.maximum(apart, 1e-6)))
        kelvin = np.zeros(east.shape, np.float32)
        for k, cell in enumerate(cells):
            inside = nearest == k
            if inside.any():
                kelvin[inside] = self._crop(cell, east, north)[inside]
        bund = np.clip(1.3 - gap / 0.45, 0, 1)
        ragged = 0.75 + 0.35 * self._noise(east, north, 2.2, 0)
        return kelvin + bund * ragged * 1.1

    def _crop(self, cell: tuple[int, int], east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """Kelvin of one field: bare, ploughed, grass or crop."""
        draw = self.ground.field_draw(cell)
        kind = draw.choice(["bare", "ploughed", "grass", "crop"], p=[0.3, 0.2, 0.3, 0.2])
        rows: np.ndarray | float = 0.0
        level = {"bare": 1.0, "ploughed": 0.5, "grass": -0.9, "crop": -1.3}[str(kind)] + draw.normal(0, 0.35)
        bearing = self.ground.grain_rad + draw.choice([0.0, math.pi / 2]) + draw.normal(0, 0.06)
        across = -math.sin(bearing) * east + math.cos(bearing) * north
        along = math.cos(bearing) * east + math.sin(bearing) * north
        if kind in ("ploughed", "crop"):
            pitch = draw.uniform(0.55, 0.95)
            depth = 0.13 if kind == "ploughed" else 0.2
            wave = np.sin(2 * math.pi * across / pitch + 0.9 * self._noise(east, north, 3.5, 1))
            rows = depth * wave * (0.8 + 0.4 * self._noise(east, north, 6.0, 2))
        # Wind and machines leave long streaks; grass is mottled.
        streak = self._noise(along / 9.0, across, 2.6, 2)
        mottle = self._noise(east, north, 0.8, 1)
        return level + rows + 0.18 * streak + (0.22 if kind in ("grass", "crop") else 0.08) * mottle

    def _paint_roads(self, kelvin: np.ndarray, east: np.ndarray, north: np.ndarray) -> None:
        ragged, frayed = self._noise(east, north, 2.7, 1), self._noise(east, north, 0.5, 0)
        for family in (1, 0):
            numbers, offsets, along = self.ground.road_offset(family, east, north)
            for number in np.unique(numbers):
                road = self.ground.road(family, int(number))
                distance = np.abs(offsets)
                near = (numbers == number) & (distance < road.half_width_m + 2.0)
                if not near.any():
                    continue
                streak = self._noise(along / 25.0, offsets, 0.8, 0)
                if road.paved:
                    cover = np.clip((road.half_width_m - distance) / 0.08 + 0.5, 0, 1)
                    surface = 2.6 + 0.22 * streak
                    kerb = np.clip(1.0 - np.abs(distance - road.half_width_m) / 0.16, 0, 1) * (0.8 + 0.2 * ragged)
                    verge = np.clip(1.0 - np.abs(distance - road.half_width_m - 0.9) / 0.8, 0, 1)
                    mixed = kelvin * (1 - cover) + surface * cover - 0.5 * verge + 0.9 * kerb
                else:
                    edge = road.half_width_m + 0.12 * ragged + 0.1 * frayed
                    cover = np.clip((edge - distance) / 0.35 + 0.5, 0, 1)
                    ruts = np.exp(-(((distance - 0.8) / 0.28) ** 2))
                    grass = np.clip((0.32 + 0.12 * ragged - distance) / 0.15, 0, 1)
                    surface = 1.5 + 0.7 * ruts - 1.2 * grass + 0.15 * streak
                    mixed = kelvin * (1 - cover) + surface * cover
                kelvin[near] = mixed[near]

    def _paint_patch(
        self,
        kelvin: np.ndarray,
        patch: Patch,
        east: np.ndarray,
        north: np.ndarray,
        box: tuple[float, float, float, float],
        pitch: float,
    ) -> None:
        window = _window(box, pitch, patch.east_m, patch.north_m, 1.6 * patch.radius_m + 0.5)
        if window is None:
            return
        e, n, under = east[window], north[window], kelvin[window]
        radius = patch.radius_m
        distance = np.hypot(e - patch.east_m, n - patch.north_m)
        broad, fine = _EDGE_M[patch.kind]
        lobes = np.clip(self._noise(e, n, broad, 2), -1.6, 1.6)
        detail = self._noise(e, n, fine, 0)
        rough = {"tree": 0.15, "pond": 0.16, "puddle": 0.38}.get(patch.kind, 0.12)
        inside = radius * (1 + rough * lobes) + 0.55 * fine * detail - distance
        tufts = self._noise(e, n, 0.75, 1) if patch.kind == "tree" else detail
        if patch.kind == "tree":
            inside = inside + 0.12 * detail + 0.25 * tufts
        cover = np.clip(inside / _SOFT_M[patch.kind] + 0.5, 0, 1)
        if patch.kind == "tree":
            # Sky-facing tops of the tufts are coldest; between them one looks at warm twigs and ground.
            surface = -1.9 - 1.1 * patch.tone + 0.25 * tufts - 0.35 * np.abs(tufts) + 0.65 * detail + 0.5 * lobes
            cover = cover * (1 - 0.45 * np.clip(0.6 * tufts + detail - 1.0, 0, 1))
            kelvin[window] = under * (1 - cover) + surface * cover
        elif patch.kind == "bush":
            kelvin[window] = under - cover * (0.9 + 0.7 * patch.tone + 0.35 * detail)
        elif patch.kind == "stone":
            kelvin[window] = under + cover * (0.6 + 0.7 * patch.tone)
        elif patch.kind == "puddle":
            kelvin[window] = under + cover * (0.5 + 0.6 * patch.tone)
        elif patch.kind == "pond":
            bank = np.exp(-((inside / 0.7) ** 2))
            kelvin[window] = under * (1 - cover) + cover * (3.0 + 0.5 * patch.tone) - 0.8 * bank
        else:
            kelvin[window] = under * (1 - 0.85 * cover) + 0.85 * cover * (1.8 + 0.4 * patch.tone)

    def _paint_hut(
        self,
        kelvin: np.ndarray,
        hut: Hut,
        east: np.ndarray,
        north: np.ndarray,
        box: tuple[float, float, float, float],
        pitch: float,
    ) -> None:
        window = _window(box, pitch, hut.east_m, hut.north_m, math.hypot(hut.length_m, hut.width_m) / 2 + 1.0)
        if window is None:
            return
        e, n, under = east[window] - hut.east_m, north[window] - hut.north_m, kelvin[window]
        along = math.cos(hut.bearing_rad) * e + math.sin(hut.bearing_rad) * n
        across = -math.sin(hut.bearing_rad) * e + math.cos(hut.bearing_rad) * n
        inside = np.minimum(hut.length_m / 2 - np.abs(along), hut.width_m / 2 - np.abs(across))
        cover = np.clip(inside / 0.08 + 0.5, 0, 1)
        sheets = 0.18 * np.sign(np.sin(2 * math.pi * along / 0.9))
        surface = -3.4 - 0.9 * hut.tone + np.where(across > 0, 0.35, -0.35) + sheets
        surface = surface + 1.2 * np.exp(-((across / 0.14) ** 2)) + 1.0 * (inside < 0.15)
        wall = 1.3 * np.clip(1 + inside / 0.9, 0, 1) * (inside < 0)
        kelvin[window] = (under + wall) * (1 - cover) + surface * cover


_EDGE_M = {
    "tree": (2.1, 0.33),
    "bush": (0.7, 0.3),
    "stone": (0.4, 0.1),
    "puddle": (1.7, 0.3),
    "pond": (6.0, 0.6),
    "yard": (6.0, 1.0),
}
"""Sizes of the broad lobes and of the fine raggedness of a patch's edge, in metres."""
_SOFT_M = {"tree": 0.45, "bush": 0.35, "stone": 0.08, "puddle": 0.5, "pond": 0.3, "yard": 2.5}
"""Width over which a patch's edge fades."""

_NOISE_PX = 512
_NOISE_TEXELS = 3.0


def _smooth_noise(draw: np.random.Generator) -> np.ndarray:
    """A periodic picture of noise with zero mean and unit variance, smooth over about three texels."""
    white = draw.standard_normal((_NOISE_PX, _NOISE_PX)).astype(np.float32)
    wrapped = cv2.copyMakeBorder(white, 8, 8, 8, 8, cv2.BORDER_WRAP)
    smooth = cv2.GaussianBlur(wrapped, (0, 0), 1.3)[8:-8, 8:-8]
    return np.ascontiguousarray((smooth - smooth.mean()) / smooth.std())


def _window(
    box: tuple[float, float, float, float], pitch: float, east_m: float, north_m: float, reach_m: float
) -> tuple[slice, slice] | None:
    """Rows and columns of a tile within `reach_m` of a point, None where there are none."""
    left, right = math.floor((east_m - reach_m - box[0]) / pitch), math.ceil((east_m + reach_m - box[0]) / pitch)
    top, bottom = math.floor((box[3] - north_m - reach_m) / pitch), math.ceil((box[3] - north_m + reach_m) / pitch)
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, TILE_PX), min(bottom, TILE_PX)
    return None if left >= right or top >= bottom else (slice(top, bottom), slice(left, right))
