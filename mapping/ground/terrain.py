"""The ground a ray can meet: level ground at the height of take-off, or an elevation model from a GeoTIFF.

Both answer the same two questions: how high a camera is in the terrain's own heights, and where rays meet the ground.
Outside an elevation model, and in its holes, nothing is known and nothing is invented: such rays say so. Cameras and
attitudes are `mapping.ground.pose`, error ellipses `mapping.ground.georeference`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from mapping.ground.frame import LocalFrame
from vision.errors import InputError

Floats = npt.NDArray[np.float64]

MAX_RANGE_M = 5_000.0  # beyond it the curvature of the earth alone shifts a place by more than its own height
_PLAUSIBLE_HEIGHT_M = (-500.0, 9_000.0)  # the Dead Sea shore and Everest: what lies outside is an undeclared "no data"
_MOST_CELLS = 100_000_000  # 400 MB in memory
_METRES = {"", "m", "metre", "metres", "meter", "meters"}
_BISECTIONS = 32


class Miss(IntEnum):
    """Why a ray has no place on the ground; `NONE` where it has one."""

    NONE = 0
    NO_POSE = 1
    HORIZON = 2
    TOO_FAR = 3
    NO_TERRAIN = 4
    BELOW_GROUND = 5
    NO_RAY = 6


@dataclass(frozen=True)
class RayHits:
    """Where (N,) rays meet the ground: `slant_m` along the ray (NaN where they do not), `normal` (N, 3) of the ground
    there (east, north, up; unit length), `miss` (N,) of `Miss`."""

    slant_m: Floats
    normal: Floats
    miss: npt.NDArray[np.int8]


@dataclass(frozen=True)
class FlatGround:
    """Level ground at the height of take-off: its own heights count from there."""

    def camera_height_m(self, alt_home_m: Floats, alt_amsl_m: Floats, home: tuple[float, float] | None) -> Floats:
        """(N,) camera heights over this ground: the height above take-off, NaN where that is unknown."""
        return np.asarray(alt_home_m, dtype=np.float64)

    def own_height_m(self, lat_deg: Floats, lon_deg: Floats) -> Floats:
        """The height of the ground in its own heights: 0 everywhere."""
        return np.zeros(np.shape(lat_deg))

    def datum_amsl_m(self, alt_home_m: Floats, alt_amsl_m: Floats) -> Floats:
        """(N,) heights of the take-off level above mean sea level, NaN where unknown."""
        return np.asarray(alt_amsl_m - alt_home_m, dtype=np.float64)

    def meet(self, local: LocalFrame, origin: Floats, direction: Floats) -> RayHits:
        """Where rays from `origin` (N, 3: east, north, height) along unit `direction` (N, 3) meet the plane."""
        height, down = origin[:, 2], -direction[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            slant = height / down
        miss = np.full(len(origin), Miss.NONE, dtype=np.int8)
        miss[slant > MAX_RANGE_M] = Miss.TOO_FAR
        miss[down <= 0.0] = Miss.HORIZON
        miss[height <= 0.0] = Miss.BELOW_GROUND
        slant[miss != Miss.NONE] = np.nan
        normal = np.zeros_like(direction)
        normal[:, 2] = 1.0
        return RayHits(slant, normal, miss)


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
        lat, lon = np.broadcast_arrays(np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64))
        x, y = _transformer(self.crs).transform(lon.copy(), lat.copy())
        a, b, c, d, e, f = self.column_row
        column, row = a * np.asarray(x) + b * np.asarray(y) + c, d * np.asarray(x) + e * np.asarray(y) + f
        rows, columns = self.heights_m.shape
        with np.errstate(invalid="ignore"):
            inside = (column >= 0.0) & (column <= columns) & (row >= 0.0) & (row <= rows)
        column0, column1, u = _neighbours(np.where(inside, column, 0.0), columns)
        row0, row1, v = _neighbours(np.where(inside, row, 0.0), rows)
        cells = self.heights_m
        top = cells[row0, column0] * (1.0 - u) + cells[row0, column1] * u
        bottom = cells[row1, column0] * (1.0 - u) + cells[row1, column1] * u
        return np.where(inside, top * (1.0 - v) + bottom * v, np.nan)

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
        first meet the ground: marched in steps of half a cell, then bisected to less than a millimetre.

        A ray that reaches the level of the model's summits over a place without data has no place: what it would have
        met there is not known.
        """
        begin, end, miss = self._span(origin, direction)
        slant = np.full(len(origin), np.nan)
        above, below = self._march(local, origin, direction, begin, end, miss)
        crossing = np.flatnonzero(np.isfinite(below))
        high, low = above[crossing], below[crossing]
        for _ in range(_BISECTIONS):
            middle = 0.5 * (high + low)
            over = self._clearance(local, origin[crossing], direction[crossing], middle) > 0.0
            high, low = np.where(over, middle, high), np.where(over, low, middle)
        slant[crossing] = 0.5 * (high + low)
        return RayHits(slant, self._normals(local, origin + direction * slant[:, None]), miss)

    def _heights(self, local: LocalFrame, east: Floats, north: Floats) -> Floats:
        return self.height_amsl_m(*local.to_geodetic(east, north))

    def _clearance(self, local: LocalFrame, origin: Floats, direction: Floats, slant: Floats) -> Floats:
        """Height of the ray over the ground at `slant`, NaN where the ground is unknown."""
        at = origin + direction * slant[:, None]
        return at[:, 2] - self._heights(local, at[:, 0], at[:, 1])

    def _span(self, origin: Floats, direction: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int8]]:
        """The part of each ray between the model's highest and lowest ground (a metre to spare), and early misses."""
        top, bottom = float(np.nanmax(self.heights_m)) + 1.0, float(np.nanmin(self.heights_m)) - 1.0
        height, rise = origin[:, 2], direction[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            to_top, to_bottom = (top - height) / rise, (bottom - height) / rise
        begin = np.where((rise < 0.0) & (height > top), to_top, 0.0)
        end = np.minimum(np.where(rise < 0.0, to_bottom, np.where(rise > 0.0, to_top, np.inf)), MAX_RANGE_M)
        miss = np.full(len(origin), Miss.NONE, dtype=np.int8)
        miss[begin > MAX_RANGE_M] = Miss.TOO_FAR
        miss[(rise >= 0.0) & (height >= top)] = Miss.HORIZON
        miss[height <= bottom] = Miss.BELOW_GROUND
        return begin, end, miss

    def _march(
        self,
        local: LocalFrame,
        origin: Floats,
        direction: Floats,
        begin: Floats,
        end: Floats,
        miss: npt.NDArray[np.int8],
    ) -> tuple[Floats, Floats]:
        """The last slant range over the ground and the first one under it; NaN, and `miss` filled in, where a ray
        leaves the model or never comes down."""
        above, below = begin.copy(), np.full(len(origin), np.nan)
        level = np.hypot(direction[:, 0], direction[:, 1])
        alive = np.flatnonzero(miss == Miss.NONE)
        steps = np.maximum(np.ceil((end - begin) * level / (0.5 * self.cell_m)), 1.0)
        stride = (end - begin) / steps
        step = 0
        while alive.size:
            at = begin[alive] + stride[alive] * step
            clear = self._clearance(local, origin[alive], direction[alive], at)
            unknown, under = np.isnan(clear), clear <= 0.0
            miss[alive[unknown]] = Miss.NO_TERRAIN
            if step == 0:
                miss[alive[under]] = Miss.BELOW_GROUND
            else:
                below[alive[under]] = at[under]
            flying = ~(unknown | under)
            above[alive[flying]] = at[flying]
            spent = alive[flying & (step >= steps[alive])]
            miss[spent] = np.where(direction[spent, 2] < 0.0, Miss.TOO_FAR, Miss.HORIZON)
            alive = alive[flying & (step < steps[alive])]
            step += 1
        return above, below

    def _normals(self, local: LocalFrame, at: Floats) -> Floats:
        """(N, 3) unit normals of the ground over one cell round each place; straight up beside the unknown."""
        reach = 0.5 * self.cell_m
        east, north = at[:, 0], at[:, 1]
        slope_east = self._heights(local, east + reach, north) - self._heights(local, east - reach, north)
        slope_north = self._heights(local, east, north + reach) - self._heights(local, east, north - reach)
        normal = np.stack([-slope_east, -slope_north, np.full(len(at), 2.0 * reach)], axis=1)
        normal[np.isnan(normal).any(axis=1)] = (0.0, 0.0, 1.0)
        return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True))


Terrain = FlatGround | ElevationModel


def read_terrain(path: str | PathLike[str]) -> ElevationModel:
    """The elevation model in a GeoTIFF (or any one-band raster GDAL reads) of metres above mean sea level, in any
    coordinate reference system. Raises InputError where the file is no raster, has no place on earth, more than one
    band, another unit, or nothing but "no data"."""
    if not Path(path).is_file():
        raise InputError(path, "no such file; give an elevation model as GeoTIFF")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = rasterio.open(path)
        with dataset:
            _check(path, dataset)
            band = dataset.read(1, masked=True).astype(np.float32)
            scale, offset = dataset.scales[0], dataset.offsets[0]
            inverse, outer = ~dataset.transform, dataset.transform
            crs = pyproj.CRS.from_wkt(dataset.crs.to_wkt()).to_2d()
    except (RasterioError, pyproj.exceptions.CRSError) as error:
        raise InputError(
            path, f"not a raster that can be read ({error}); give an elevation model as GeoTIFF"
        ) from error
    heights = np.asarray(band.filled(np.nan) * scale + offset, dtype=np.float32)
    lowest, highest = _PLAUSIBLE_HEIGHT_M
    with np.errstate(invalid="ignore"):
        heights[(heights < lowest) | (heights > highest)] = np.nan
    if np.isnan(heights).all():
        raise InputError(path, "holds no heights, only 'no data'; give another elevation model")
    column_row = (inverse.a, inverse.b, inverse.c, inverse.d, inverse.e, inverse.f)
    return ElevationModel(str(path), heights, column_row, crs, _cell_m(outer, heights.shape, crs))


@lru_cache(maxsize=8)
def _transformer(crs: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _check(path: str | PathLike[str], dataset: rasterio.DatasetReader) -> None:
    if dataset.crs is None or dataset.transform.is_identity:
        raise InputError(path, "has no place on earth (no coordinate reference system); give a GeoTIFF that has")
    if dataset.count != 1:
        raise InputError(path, f"has {dataset.count} bands, so it is a picture; give an elevation model of one band")
    if dataset.width * dataset.height > _MOST_CELLS:
        raise InputError(path, f"{dataset.width} x {dataset.height} cells are too many; cut it to the flight's area")
    unit = (dataset.units[0] or "").strip().lower()
    if unit not in _METRES:
        raise InputError(path, f"its heights are in {unit}; convert them to metres")


def _cell_m(transform: rasterio.Affine, shape: tuple[int, ...], crs: pyproj.CRS) -> float:
    """The shorter side of the cell in the middle of the grid, in metres."""
    column, row = shape[1] / 2.0, shape[0] / 2.0
    x = transform.a * column + transform.b * row + transform.c
    y = transform.d * column + transform.e * row + transform.f
    to_geodetic = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_geodetic.transform([x, x + transform.a, x + transform.b], [y, y + transform.d, y + transform.e])
    _, _, sides = pyproj.Geod(ellps="WGS84").inv([lon[0]] * 2, [lat[0]] * 2, lon[1:], lat[1:])
    return float(min(sides))


def _neighbours(at: Floats, count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """The two cells whose centres enclose a coordinate counted from the outer edge, and the share of the second; a
    cell without share is not asked, so that its hole does not spread."""
    centred = np.clip(at - 0.5, 0.0, count - 1.0)
    first = np.floor(centred).astype(np.intp)
    share = centred - first
    return first, np.where(share > 0.0, np.minimum(first + 1, count - 1), first), share
