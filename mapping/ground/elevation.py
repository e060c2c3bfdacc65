"""An elevation model as a surface that rays meet.

Heights are bilinear between cell centres. To be fast the model is looked at from one local frame: where a ray runs on
the grid is a parabola of the distance along it, because over the reach of a camera map projections are that smooth
(which is checked). A ray steps over ground in blocks whose summits it clears, then in steps
of a quarter of a cell, and so comes first to what it meets first. What a file must be to become a model is
`mapping.ground.terrain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pyproj
from scipy import ndimage

from mapping.ground.frame import LocalFrame
from mapping.ground.gridded import Crossing, Grid, Path, applied, fitted, path_over
from mapping.ground.rays import MAX_RANGE_M, Miss, RayHits, slant_to_fall
from vision.errors import InputError

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]

_BLOCK = 16  # cells on the side of a block with one summit
_SAMPLES = 8  # looked at along a ray at once
_RAYS = 2048  # marched at once: what stays in the processor's cache is done several times faster
_CLOSE_M = 1e-4  # a ray this near to the ground has met it
_MOST_STEPS = 60
_STEP = 0.25  # of a cell: crests narrower than that are known to no model
_CURVED_HERE, _CURVED_AROUND = 0.16, 0.17  # fitted to rough ground known at a third of the cell
_OFF_GRID = 1e-2  # of a cell; usual projections are a million times better over a camera's reach


@dataclass(frozen=True, eq=False)
class ElevationModel:
    """Heights above mean sea level on a grid. `heights_m` is (rows, columns) with NaN where nothing is known;
    `column_row` turns coordinates of `crs` into fractional columns and rows counted from the outer corner."""

    source: str
    heights_m: npt.NDArray[np.float32]
    column_row: tuple[float, float, float, float, float, float]
    crs: pyproj.CRS
    cell_m: float

    def height_amsl_m(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Floats:
        """Heights at geodetic positions in the shape given, bilinear between cell centres; NaN outside the model and
        wherever one of the cells involved has no data."""
        return self.at(*self.on_grid(lat_deg, lon_deg))

    def on_grid(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Fractional columns and rows of geodetic positions, in the shape given."""
        lat, lon = np.broadcast_arrays(np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64))
        x, y = (np.asarray(one) for one in _transformer(self.crs).transform(lon.copy(), lat.copy()))
        return applied(self.column_row, x, y)

    def at(self, column: Floats, row: Floats) -> Floats:
        """Heights at fractional columns and rows, in the shape given; NaN as for `height_amsl_m`. Within the outer half
        cell the nearest centres count."""
        rows, columns = self.heights_m.shape
        x, y = column + 0.5, row + 0.5  # the margin repeats the outermost cells: centre k of the grid lies at k + 1
        with np.errstate(invalid="ignore"):
            inside = (x >= 0.5) & (x <= columns + 0.5) & (y >= 0.5) & (y <= rows + 0.5)
            first_x, first_y = x.astype(np.intp), y.astype(np.intp)
            corner = first_y * (columns + 2) + first_x
            u, v = x - first_x, y - first_y
            top, right, bottom, last = (
                self._cells.take(corner + beyond, mode="clip") for beyond in (0, 1, columns + 2, columns + 3)
            )
            right, last = u * (right - top), u * (last - bottom)
            if self._has_holes:  # a cell without share is not asked, so that its hole does not spread
                right, last = np.where(u > 0.0, right, 0.0), np.where(u > 0.0, last, 0.0)
            top, bottom = top + right, bottom + last
            fall = v * (bottom - top)
            if self._has_holes:
                fall = np.where(v > 0.0, fall, 0.0)
        return np.where(inside, top + fall, np.nan)

    @cached_property
    def _has_holes(self) -> bool:
        return bool(np.isnan(self.heights_m).any())

    @cached_property
    def _cells(self) -> Floats:
        """The heights with a margin of one cell all round, in one row."""
        return np.pad(self.heights_m.astype(np.float64), 1, mode="edge").ravel()

    @cached_property
    def _summits(self) -> Floats:
        """(rows / 16 + 2, columns / 16 + 2) the highest ground within a block or any beside it; infinite where some of
        it is unknown or outside. The margin stands for all that is outside."""
        rows, columns = self.heights_m.shape
        filled = np.where(np.isnan(self.heights_m), np.inf, self.heights_m)
        shape = (-(-rows // _BLOCK), -(-columns // _BLOCK))
        blocks = np.full((shape[0] * _BLOCK, shape[1] * _BLOCK), np.inf, dtype=np.float32)
        blocks[:rows, :columns] = filled
        highest = blocks.reshape(shape[0], _BLOCK, shape[1], _BLOCK).max(axis=(1, 3))
        padded = np.pad(highest, 1, constant_values=np.inf)
        return np.asarray(ndimage.maximum_filter(padded, size=3, mode="nearest"), dtype=np.float64)

    @cached_property
    def _curving(self) -> Floats:
        """(rows / 16, columns / 16) mean square of the second differences from cell to cell, within a block."""
        heights = self.heights_m.astype(np.float64)
        square = np.zeros_like(heights)
        for axis in (0, 1):
            square += (np.roll(heights, 1, axis) + np.roll(heights, -1, axis) - 2.0 * heights) ** 2
        square[[0, -1], :] = square[:, [0, -1]] = np.nan
        known, square = np.isfinite(square), np.nan_to_num(square)
        rows, columns = (np.arange(0, count, _BLOCK) for count in square.shape)
        total, number = (np.add.reduceat(np.add.reduceat(one, rows, 0), columns, 1) for one in (square, known * 1.0))
        return np.asarray(total / np.maximum(number, 1.0))

    @cached_property
    def _extremes(self) -> tuple[float, float]:
        """The model's lowest and highest ground, a metre to spare."""
        return float(np.nanmin(self.heights_m)) - 1.0, float(np.nanmax(self.heights_m)) + 1.0

    def camera_height_m(self, alt_home_m: Floats, alt_amsl_m: Floats, home: tuple[float, float] | None) -> Floats:
        """(N,) camera heights in this model's heights: the model's own height of `home` (latitude, longitude of
        take-off) plus the height above take-off, which cancels most of the model's bias; where either is unknown the
        measured height above mean sea level. Raises InputError where the model does not reach `home`."""
        absolute = np.asarray(alt_amsl_m, dtype=np.float64)
        if home is None:
            return absolute
        level = float(self.height_amsl_m(*home))
        if np.isnan(level):
            place = f"{home[0]:.6f}, {home[1]:.6f}"
            raise InputError(self.source, "has no height at the take-off point; give a larger elevation model", place)
        return np.where(np.isfinite(alt_home_m), level + alt_home_m, absolute)

    def own_height_m(self, lat_deg: Floats, lon_deg: Floats) -> Floats:
        """The height of the ground in its own heights, which are those above mean sea level."""
        return self.height_amsl_m(lat_deg, lon_deg)

    def datum_amsl_m(self, alt_home_m: Floats, alt_amsl_m: Floats) -> Floats:
        """(N,) zeros: this model's heights are above mean sea level."""
        return np.zeros(len(alt_home_m))

    def meet(self, local: LocalFrame, origin: Floats, direction: Floats) -> RayHits:
        """Where rays from `origin` (N, 3: east, north, height above mean sea level) along unit `direction` (N, 3)
        first meet the ground, to a tenth of a millimetre in height.

        A ray that reaches the level of the model's summits over a place without data has no place: what it would have
        met there is not known.
        """
        begin, end, miss = self._span(origin, direction)
        slant = np.full(len(origin), np.nan)
        normal = np.zeros((3, len(origin)))
        normal[2] = 1.0
        unsure = np.zeros(len(origin))
        flying = np.flatnonzero(miss == Miss.NONE)
        reach = origin[flying, :2] + direction[flying, :2] * end[flying, None]
        grid = self.seen_from(local, np.concatenate([origin[flying, :2], reach]))
        for first in range(0, len(flying), _RAYS):
            part = flying[first : first + _RAYS]
            path = path_over(grid, origin[part], direction[part], begin[part], end[part])
            along, miss[part] = self._march(path)
            slant[part] = begin[part] + along
            normal[:, part], unsure[part] = self._normals(grid, path, along)
        normal[:, np.isnan(normal[2])] = np.array([[0.0], [0.0], [1.0]])
        return RayHits(slant, normal.T, miss, np.nan_to_num(unsure))

    def _span(self, origin: Floats, direction: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int8]]:
        """The part of each ray between the model's highest and lowest ground, and early misses."""
        bottom, top = self._extremes
        height, rise = origin[:, 2], direction[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            begin = np.where((rise < 0.0) & (height > top), (top - height) / rise, 0.0)
        end = np.fmin(slant_to_fall(height - bottom, rise), MAX_RANGE_M)
        with np.errstate(divide="ignore", invalid="ignore"):
            end = np.where(rise > 0.0, np.minimum((top - height) / rise, end), end)
        miss = np.full(len(origin), Miss.NONE, dtype=np.int8)
        miss[begin > MAX_RANGE_M] = Miss.TOO_FAR
        miss[(rise >= 0.0) & (height >= top)] = Miss.HORIZON
        miss[height <= bottom] = Miss.BELOW_GROUND
        return begin, end, miss

    def seen_from(self, local: LocalFrame, places: Floats) -> Grid:
        """How the local frame lies on the grid wherever (N, 2) places, east and north, are. Raises InputError for
        reference systems that are not smooth there."""
        least, most = (one(places, axis=0) if len(places) else np.zeros(2) for one in (np.min, np.max))
        middle, half = 0.5 * (least + most), np.maximum(0.5 * (most - least), 1.0)
        grid, off = fitted(middle, half, lambda east, north: np.stack(self.on_grid(*local.to_geodetic(east, north))))
        if not off < _OFF_GRID:
            place = f"{local.lat0_deg:.3f}, {local.lon0_deg:.3f}"
            raise InputError(self.source, "its map projection cannot be used here; reproject the model to UTM", place)
        return grid

    def _clearance(self, path: Path, along: Floats) -> Floats:
        """Height of rays over the ground at distances `along` them, (N,) or (N, K); NaN where the ground is unknown."""
        column, row, height = path.at(along)
        return height - self.at(column, row)

    def _march(self, path: Path) -> tuple[Floats, npt.NDArray[np.int8]]:
        """(N,) distances along rays to the ground, NaN where there is none, and the reason."""
        found = Crossing.none(len(path.length))
        block = np.minimum(0.9 * _BLOCK / np.maximum(path.speed, 1e-9), path.length)
        alive, start = np.arange(len(block)), np.zeros(len(block))
        while alive.size:
            now = path.take(alive)
            stop = np.minimum(start + block[alive], now.length)
            close = self._close(now, start, stop)
            some = np.flatnonzero(np.isfinite(close))
            found.put(alive[some], self._search(now.take(some), close[some], stop[some]))
            flying = (found.miss[alive] == Miss.NONE) & np.isnan(found.below[alive])
            spent = flying & (stop >= now.length)
            found.miss[alive[spent]] = np.where(now.rise[spent] < 0.0, Miss.TOO_FAR, Miss.HORIZON)
            flying &= ~spent
            alive, start = alive[flying], stop[flying]
        along = np.full(len(block), np.nan)
        met = np.flatnonzero(np.isfinite(found.below))
        along[met] = self._refined(path.take(met), *(one[met] for one in found.columns()[:4]))
        return along, found.miss

    def _close(self, path: Path, start: Floats, stop: Floats) -> Floats:
        """(N,) from where on rays may touch the ground between `start` and `stop`, less than a block apart; infinite
        where they clear every summit there."""
        column, row, height = path.at(start)
        rows, columns = self._summits.shape
        x = np.clip(np.floor(column / _BLOCK) + 1.0, 0.0, columns - 1.0).astype(np.intp)
        y = np.clip(np.floor(row / _BLOCK) + 1.0, 0.0, rows - 1.0).astype(np.intp)
        summit = self._summits[y, x]
        falling = -(path.height[1] + 2.0 * path.height[2] * start)
        with np.errstate(invalid="ignore", divide="ignore"):
            close = np.where(
                height <= summit, start, np.where(falling > 0.0, start + (height - summit) / falling, np.inf)
            )
        return np.where(close > stop, np.inf, close)

    def _search(self, path: Path, start: Floats, stop: Floats) -> Crossing:
        """Where rays go through the ground between `start` and `stop`, looked at every quarter of a cell."""
        found = Crossing.none(len(start))
        steps = np.maximum(np.ceil((stop - start) * path.speed / _STEP), 1.0)
        stride = (stop - start) / steps
        over = self._clearance(path, start)
        found.miss[np.isnan(over)] = Miss.NO_TERRAIN
        touching = over <= 0.0
        found.miss[touching & (start <= 0.0)] = Miss.BELOW_GROUND
        at_once = np.flatnonzero(touching & (start > 0.0))
        for mine, value in ((found.above, start), (found.below, start), (found.over, 0.0 * start), (found.under, over)):
            mine[at_once] = value[at_once]
        alive, first = np.flatnonzero(over > 0.0), 0
        over = over[alive]
        while alive.size:
            number = np.minimum(first + np.arange(_SAMPLES + 1), steps[alive, None])
            at = start[alive, None] + number * stride[alive, None]
            clear = np.column_stack([over, self._clearance(path.take(alive), at[:, 1:])])
            event = ~(clear > 0.0)
            which = event.argmax(axis=1)
            row = np.arange(len(alive))
            met = event[row, which]
            value = clear[row, which]
            hit = np.flatnonzero(met & ~np.isnan(value))
            found.miss[alive[met & np.isnan(value)]] = Miss.NO_TERRAIN
            found.above[alive[hit]], found.below[alive[hit]] = at[hit, which[hit] - 1], at[hit, which[hit]]
            found.over[alive[hit]], found.under[alive[hit]] = clear[hit, which[hit] - 1], value[hit]
            first += _SAMPLES
            flying = ~met & (first < steps[alive])
            alive, over = alive[flying], clear[flying, -1]
        return found

    def _refined(self, path: Path, above: Floats, below: Floats, over: Floats, under: Floats) -> Floats:
        """(N,) distances at which clearances between `over` (positive) and `under` (not) are none: false position in
        the Illinois way, which never leaves the bracket."""
        side = np.zeros(len(above))
        at = below
        for _ in range(_MOST_STEPS):
            share = over / np.maximum(over - under, 1e-12)
            at = above + share * (below - above)
            clear = self._clearance(path, at)
            clear = np.where(np.isnan(clear), -over, clear)  # a hole in the middle of the last half cell
            if (np.abs(clear) < _CLOSE_M).all():
                break
            up = clear > 0.0
            above, below = np.where(up, at, above), np.where(up, below, at)
            over, under = (
                np.where(up, clear, np.where(side < 0.0, 0.5 * over, over)),
                np.where(up, np.where(side > 0.0, 0.5 * under, under), clear),
            )
            side = np.where(up, 1.0, -1.0)
        return at

    def _normals(self, grid: Grid, path: Path, along: Floats) -> tuple[Floats, Floats]:
        """(3, N) unit normals of the ground over one cell round each place, NaN beside the unknown, and (N,) how far
        the ground between cell centres may be from bilinear: a part of how much it curves from cell to cell, there and
        around."""
        column, row, _ = path.at(along)
        by_column = self.at(column + 0.5, row) - self.at(column - 0.5, row)
        by_row = self.at(column, row + 0.5) - self.at(column, row - 0.5)
        here = 2.0 * self.at(column, row)
        curve_column = self.at(column + 1.0, row) + self.at(column - 1.0, row) - here
        curve_row = self.at(column, row + 1.0) + self.at(column, row - 1.0) - here
        (column_east, row_east), (column_north, row_north) = grid.turn
        normal = np.stack(
            [
                -(by_column * column_east + by_row * row_east),
                -(by_column * column_north + by_row * row_north),
                np.ones(len(along)),
            ]
        )
        around = self._curving[
            np.clip(np.nan_to_num(row) / _BLOCK, 0, self._curving.shape[0] - 1).astype(np.intp),
            np.clip(np.nan_to_num(column) / _BLOCK, 0, self._curving.shape[1] - 1).astype(np.intp),
        ]
        unsure = np.sqrt(_CURVED_HERE**2 * (curve_column**2 + curve_row**2) + _CURVED_AROUND**2 * around)
        return np.asarray(normal / np.sqrt((normal * normal).sum(axis=0))), unsure


@lru_cache(maxsize=8)
def _transformer(crs: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
