"""The ground a ray can meet: level ground at the height of take-off, or an elevation model from a GeoTIFF.

Both answer the same questions: how high a camera is in the terrain's own heights, how high the ground is, and where
rays meet it. Outside an elevation model, and in its holes, nothing is known and nothing is invented: such rays say so.
Reading models is here, meeting them is `mapping.ground.elevation`; attitudes are `mapping.ground.pose`, errors
`mapping.ground.errors`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from mapping.geofiles import open_geotiff
from mapping.ground.elevation import ElevationModel
from mapping.ground.frame import LocalFrame, longitudes_near
from mapping.ground.geoid import undulation_m
from mapping.ground.gridded import applied
from mapping.ground.rays import MAX_RANGE_M, Miss, RayHits, slant_to_fall
from vision.errors import InputError

Floats = npt.NDArray[np.float64]
Heights = npt.NDArray[np.float32]
Datum = Literal["amsl", "hae"]

_PLAUSIBLE_HEIGHT_M = (-500.0, 9_000.0)  # the Dead Sea shore and Everest: what lies outside is an undeclared "no data"
_MOST_CELLS = 100_000_000  # 400 MB in memory
_ROWS = 256  # of cells read, or whose datum is turned, at once
_MOST_BLOCK = 256 * 1024 * 1024  # bytes of one block, which is in memory as a whole whatever part of it is wanted
_CACHE_BYTES = 64 * 1024 * 1024  # of blocks that were read
_MOST_STORED = 4_000_000_000  # cells of a whole file
_LOOKED_AT = 1_000_000  # cells that are enough to see whether heights are heights
_NO_HEIGHTS = "holds no heights there, only 'no data'; give another elevation model"
_METRES = {"", "m", "metre", "metres", "meter", "meters"}


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
        """Where rays from `origin` (N, 3: east, north, height) along unit `direction` (N, 3) meet the ground, which is
        as level as the sea: it falls away from a plane with the earth."""
        height, rise = origin[:, 2], direction[:, 2]
        slant = slant_to_fall(height, rise)
        miss = np.full(len(origin), Miss.NONE, dtype=np.int8)
        miss[slant > MAX_RANGE_M] = Miss.TOO_FAR
        miss[np.isnan(slant)] = Miss.HORIZON
        miss[height <= 0.0] = Miss.BELOW_GROUND
        slant[miss != Miss.NONE] = np.nan
        normal = np.zeros((3, len(origin)))
        normal[2] = 1.0
        return RayHits(slant, normal.T, miss, np.zeros(len(origin)))


Terrain = FlatGround | ElevationModel


def read_terrain(
    path: str | PathLike[str],
    *,
    around: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    datum: Datum | None = None,
) -> ElevationModel:
    """The elevation model in a GeoTIFF of metres, in any coordinate reference system. Of a large model only the part
    within 10 km of `around` (latitudes, longitudes; NaN left out) is read.

    `datum` says what its heights count from: mean sea level (`amsl`) or the ellipsoid (`hae`, which is turned to mean
    sea level by EGM96). Without it the file's vertical reference system says so, and where it has none they count from
    mean sea level, as those of all public models do. Raises InputError where the file is no raster, has no place on
    earth, more than one band, another unit, too many cells, or nothing but "no data" there.
    """
    if not Path(path).is_file():
        raise InputError(path, "no such file; give an elevation model as GeoTIFF")
    try:
        with _opened(path) as dataset:
            whole = _reference(path, dataset)
            crs = whole.to_2d()
            window = _window(path, dataset, crs, around)
            heights = _heights(dataset, window)
            outer = _moved(dataset.transform, window)
    except (RasterioError, pyproj.exceptions.CRSError) as error:
        raise _unreadable(path, error) from error
    if np.isnan(heights).all():
        raise InputError(path, _NO_HEIGHTS)
    if (datum or _stated_datum(whole)) == "hae":
        _to_sea_level(heights, outer, crs)
    inverse = ~outer
    return ElevationModel(str(path), heights, tuple(inverse)[:6], crs, _cell_m(outer, heights.shape, crs))


def check_model(path: str | PathLike[str]) -> None:
    """Raise InputError where a GeoTIFF is none that `read_terrain` reads, at a cost that its size does not set: of a
    large one cells are looked at here and there."""
    try:
        with _opened(path) as dataset:
            _reference(path, dataset)
            thin = max(1, round((dataset.width * dataset.height / _LOOKED_AT) ** 0.5))
            out = (-(-dataset.height // thin), -(-dataset.width // thin))
            empty = np.isnan(_heights(dataset, Window(0, 0, dataset.width, dataset.height), out)).all()
    except (RasterioError, pyproj.exceptions.CRSError) as error:
        raise _unreadable(path, error) from error
    if empty and thin == 1:
        raise InputError(path, _NO_HEIGHTS)


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[rasterio.DatasetReader]:
    """The file, of which GDAL keeps little in memory."""
    with (
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
        rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES),
        open_geotiff(path) as dataset,
    ):
        yield dataset


def _unreadable(path: str | PathLike[str], error: Exception) -> InputError:
    return InputError(path, f"not a raster that can be read ({error}); give an elevation model as GeoTIFF")


def _reference(path: str | PathLike[str], dataset: rasterio.DatasetReader) -> pyproj.CRS:
    """The model's reference system, its vertical part included; InputError where the file is no elevation model."""
    if dataset.crs is None or dataset.transform.is_identity:
        raise InputError(path, "has no place on earth (no coordinate reference system); give a GeoTIFF that has")
    if dataset.count != 1:
        raise InputError(path, f"has {dataset.count} bands, so it is a picture; give an elevation model of one band")
    rows, columns = dataset.block_shapes[0]
    if rows * columns * np.dtype(dataset.dtypes[0]).itemsize > _MOST_BLOCK:
        raise InputError(path, f"holds blocks of {columns} x {rows} cells, too large to read; export it in tiles")
    if dataset.width * dataset.height > _MOST_STORED:
        raise InputError(path, f"{dataset.width} x {dataset.height} cells are too many; cut it to the flight's area")
    unit = (dataset.units[0] or "").strip().lower()
    if unit not in _METRES:
        raise InputError(path, f"its heights are in {unit}; convert them to metres")
    return pyproj.CRS.from_wkt(dataset.crs.to_wkt())


def _stated_datum(crs: pyproj.CRS) -> Datum:
    """What the heights of a model in this reference system count from: a system of three axes that is not put
    together from a level and a vertical one has heights over its ellipsoid."""
    vertical = any(part.is_vertical for part in crs.sub_crs_list)
    return "hae" if not vertical and len(crs.axis_info) == 3 else "amsl"


def _window(
    path: str | PathLike[str],
    dataset: rasterio.DatasetReader,
    crs: pyproj.CRS,
    around: tuple[npt.ArrayLike, npt.ArrayLike] | None,
) -> Window:
    """The part of the raster within the range of rays round `around`; all of it where that is None."""
    window = Window(0, 0, dataset.width, dataset.height)
    if around is not None:
        lat, lon = (np.asarray(one, dtype=np.float64).ravel() for one in around)
        known = np.isfinite(lat) & np.isfinite(lon)
        if known.any():
            lat, lon = lat[known], longitudes_near(lon[known], lon[known][0])
            local = LocalFrame(float(np.mean(lat)), float(longitudes_near(np.mean(lon), 0.0)))
            east, north = local.to_local(lat, lon)
            sides = [np.linspace(one.min() - MAX_RANGE_M, one.max() + MAX_RANGE_M, 21) for one in (east, north)]
            x, y = _to_model(crs).transform(*local.to_geodetic(*np.meshgrid(*sides))[::-1])
            column, row = applied(~dataset.transform, np.asarray(x).ravel(), np.asarray(y).ravel())
            first = np.clip(np.floor([column.min(), row.min()]) - 1.0, 0.0, [dataset.width, dataset.height])
            last = np.clip(np.ceil([column.max(), row.max()]) + 1.0, 0.0, [dataset.width, dataset.height])
            if (last <= first).any():
                raise InputError(path, "lies nowhere near the flight; give an elevation model of its area")
            window = Window(*first.astype(int).tolist(), *(last - first).astype(int).tolist())
    if window.width * window.height > _MOST_CELLS:
        raise InputError(path, f"{window.width} x {window.height} cells are too many; cut it to the flight's area")
    return window


def _moved(whole: rasterio.Affine, window: Window) -> rasterio.Affine:
    """The transform of a window of the raster."""
    x, y = applied(whole, window.col_off, window.row_off)
    return rasterio.Affine(whole.a, whole.b, float(x), whole.d, whole.e, float(y))


def _to_model(crs: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _heights(dataset: rasterio.DatasetReader, window: Window, out: tuple[int, int] | None = None) -> Heights:
    """(rows, columns) heights of a part of the model, NaN where it has none; some rows at a time, so that memory holds
    little more than what is returned. With `out` it is thinned to so many rows and columns."""
    rows = window.height if out else max(1, min(_ROWS, _MOST_CELLS // 10 // window.width))
    heights = np.empty(out or (window.height, window.width), dtype=np.float32)
    scale, offset = dataset.scales[0], dataset.offsets[0]
    lowest, highest = _PLAUSIBLE_HEIGHT_M
    for first in range(0, window.height, rows):
        part = Window(window.col_off, window.row_off + first, window.width, min(rows, window.height - first))
        cells = heights if out else heights[first : first + rows]
        with np.errstate(invalid="ignore", over="ignore"):
            band = dataset.read(1, masked=True, window=part, out_shape=out).astype(np.float32)
            cells[:] = band.filled(np.nan) * scale + offset
            cells[(cells < lowest) | (cells > highest)] = np.nan
    return heights


def _to_sea_level(heights: Heights, outer: rasterio.Affine, crs: pyproj.CRS) -> None:
    """Turn heights over the ellipsoid to mean sea level, in place."""
    to_model = _to_model(crs)
    for first in range(0, heights.shape[0], _ROWS):
        rows = np.arange(first, min(first + _ROWS, heights.shape[0])) + 0.5
        x, y = applied(outer, *np.meshgrid(np.arange(heights.shape[1]) + 0.5, rows))
        lon, lat = to_model.transform(x, y, direction="INVERSE")
        heights[first : first + _ROWS] -= undulation_m(lat, lon).astype(np.float32)


def _cell_m(transform: rasterio.Affine, shape: tuple[int, ...], crs: pyproj.CRS) -> float:
    """The shorter side of the cell in the middle of the grid, in metres."""
    column, row = shape[1] / 2.0, shape[0] / 2.0
    x, y = applied(transform, column, row)
    lon, lat = _to_model(crs).transform(
        [x, x + transform.a, x + transform.b], [y, y + transform.d, y + transform.e], direction="INVERSE"
    )
    _, _, sides = pyproj.Geod(ellps="WGS84").inv([lon[0]] * 2, [lat[0]] * 2, lon[1:], lat[1:])
    return float(min(sides))
