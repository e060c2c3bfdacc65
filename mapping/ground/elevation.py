"""An elevation model as a surface that rays meet.

Heights are bilinear between cell centres. To be fast the model is looked at from one local frame: where a ray runs on
the grid is a parabola of the distance along it, because over the reach of a camera map projections are that smooth
(which is checked). A ray steps over ground in blocks whose summits it clears, elsewhere from cell to cell, and so comes
first to what it meets first; that is compiled code (`mapping.ground.marching`). What a file must be to become a model
is `mapping.ground.terrain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pyproj

from mapping.ground.frame import LocalFrame
from mapping.ground.gridded import applied, fitted
from mapping.ground.rays import MAX_RANGE_M, Miss, RayHits, slant_to_fall
from vision.errors import InputError

Floats = npt.NDArray[np.float64]

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
        column, row = np.broadcast_arrays(column, row)
        return _marching().ground(self._heights, column.ravel(), row.ravel()).reshape(column.shape)

    @cached_property
    def _heights(self) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(self.heights_m, dtype=np.float32)

    @cached_property
    def _summits(self) -> npt.NDArray[np.float32]:
        """(rows / 16, columns / 16) the highest ground in blocks of patches between cell centres, the first of which
        lie between the grid's edge and its first centres; NaN where some of it is unknown."""
        highest = self._heights
        block = _marching().BLOCK
        for axis, count in enumerate(self._heights.shape):
            first = np.arange(count // block + 1) * block - 1
            beyond = np.take(highest, np.minimum(first + block, count - 1), axis=axis)
            with np.errstate(invalid="ignore"):
                highest = np.maximum(np.maximum.reduceat(highest, np.maximum(first, 0), axis=axis), beyond)
        return np.ascontiguousarray(highest)

    @cached_property
    def _curving(self) -> Floats:
        return _marching().curving(self._heights)

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
        first meet the ground.

        A ray that reaches the level of the model's summits over a place without data has no place: what it would have
        met there is not known.
        """
        slant, miss, grid = self.reach(local, origin, direction)
        east, north = (origin[:, k] + direction[:, k] * slant for k in (0, 1))
        normal = np.empty((3, len(origin)))
        unsure = _marching().facing(self._heights, self._curving, grid, east, north, normal)
        return RayHits(slant, normal.T, miss, unsure)

    def reach(
        self, local: LocalFrame, origin: Floats, direction: Floats
    ) -> tuple[Floats, npt.NDArray[np.int8], Floats]:
        """The distances and misses of `meet` alone, and the grid there as of `seen_from`."""
        begin, end, miss = self._span(origin, direction)
        flying = np.flatnonzero(miss == Miss.NONE)
        places = [origin[flying, :2], origin[flying, :2] + direction[flying, :2] * end[flying, None]]
        grid = self.seen_from(local, np.concatenate(places))
        rays = (np.ascontiguousarray(one.T) for one in (origin, direction))
        return _marching().meet(self._heights, self._summits, grid, *rays, begin, end, miss), miss, grid

    def rest_near(self, grid: Floats, camera: Floats, ray: Floats, begun: Floats, falling: Floats) -> Floats:
        """(2, ...) how far along rays the ground is near `begun` (...), blind to what else they meet, and the step that
        would come next: as `mapping.ground.marching.rest_near` has it, for `camera` and `ray` (3, ...)."""
        flat = (one.reshape(3, -1) for one in (camera, ray))
        found = _marching().rest_near(self._heights, grid, *flat, begun.ravel(), falling.ravel())
        return np.stack(found).reshape(2, *begun.shape)

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

    def seen_from(self, local: LocalFrame, places: Floats) -> Floats:
        """How the local frame lies on the grid (as of `gridded.fitted`) wherever (N, 2) places, east and north, are.
        Raises InputError for reference systems that are not smooth there."""
        least, most = (one(places, axis=0) if len(places) else np.zeros(2) for one in (np.min, np.max))
        middle, half = 0.5 * (least + most), np.maximum(0.5 * (most - least), 1.0)
        grid, off = fitted(middle, half, lambda east, north: np.stack(self.on_grid(*local.to_geodetic(east, north))))
        if not off < _OFF_GRID:
            place = f"{local.lat0_deg:.3f}, {local.lon0_deg:.3f}"
            raise InputError(self.source, "its map projection cannot be used here; reproject the model to UTM", place)
        return grid


def _marching() -> ModuleType:
    """The compiled code: whoever has no elevation model need not wait half a second for the compiler to load."""
    from mapping.ground import marching

    return marching


@lru_cache(maxsize=8)
def _transformer(crs: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
