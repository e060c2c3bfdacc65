"""What lies under a report's map: an aerial image (GeoTIFF) or map tiles (PMTiles) that somebody has as a file, cut to
where the report is and reduced to a budget of bytes, so that it travels inside the page.

Pictures, single or in tiles, become one picture in Web Mercator, the map's own projection; vector tiles stay tiles, in
a smaller archive that the page reads from its own text.
"""

from __future__ import annotations

import io
import math
import warnings
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from pmtiles.reader import Reader
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer
from rasterio import DatasetReader
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from mapping.geofiles import open_geotiff
from mapping.ground.frame import longitudes_near
from vision.errors import InputError

BUDGET_BYTES = 3_000_000
LONGEST_PX = 2560
SHORTEST_PX = 256
AROUND = 0.25
"""How much more than the report's own ground is kept on every side, as a share of its width and height."""
WEBP_QUALITY = 78
MERCATOR = "EPSG:3857"
HALF_WORLD_M = math.pi * 6_378_137.0
TILE_PX = 256

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


@dataclass(frozen=True)
class Background:
    """A picture (`image`: `data` is of the type `media`) or an archive of vector tiles (`tiles`, up to `zoom`), where
    it lies, what it is called and what there is to say of it."""

    kind: str
    data: bytes
    media: str
    box: Box
    name: str
    note: str
    zoom: int = 0

    def to_json(self, around_lon_deg: float) -> dict[str, Any]:
        """As the page takes it, with longitudes within 180 degrees of `around_lon_deg`."""
        west, south, east, north = self.box
        turn = float(longitudes_near((west + east) / 2, around_lon_deg)) - (west + east) / 2
        return {
            "kind": self.kind,
            "media": self.media,
            "name": self.name,
            "zoom": self.zoom,
            "bounds": [[south, west + turn], [north, east + turn]],
            "data": b64encode(self.data).decode("ascii"),
        }


def read_background(path: Path, box: Box, budget_bytes: int = BUDGET_BYTES, longest_px: int = LONGEST_PX) -> Background:
    """The background in a GeoTIFF or a `.pmtiles` archive round `box`, in at most `budget_bytes`, a picture at most
    `longest_px` wide and high. Raises InputError where the file is neither, or does not lie there."""
    west, south, east, north = box
    wide, high = (east - west) * AROUND, (north - south) * AROUND
    wanted = (west - wide, max(south - high, -85.0), east + wide, min(north + high, 85.0))
    if _is_archive(path):
        return _from_tiles(path, wanted, budget_bytes, longest_px)
    return _from_geotiff(path, wanted, budget_bytes, longest_px)


def reach(path: Path) -> Box:
    """The ground that a GeoTIFF or a `.pmtiles` archive is about. Raises InputError where the file is neither."""
    if _is_archive(path):
        with _archive(path) as reader:
            header = reader.header()
            return (
                header["min_lon_e7"] / 1e7,
                header["min_lat_e7"] / 1e7,
                header["max_lon_e7"] / 1e7,
                header["max_lat_e7"] / 1e7,
            )
    with _georeferenced(path) as source:
        west, south, east, north = transform_bounds(source.crs, "EPSG:4326", *source.bounds)
        return west, south, east, north


def _is_archive(path: Path) -> bool:
    if not path.is_file():
        raise InputError(path, "is no file; name a GeoTIFF or a .pmtiles archive")
    return path.suffix.lower() == ".pmtiles"


@contextmanager
def _georeferenced(path: Path) -> Iterator[DatasetReader]:
    """The GeoTIFF at `path`. Raises InputError where it is none, says not where it lies, or fails while it is used."""
    try:
        with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning), open_geotiff(path) as source:
            if source.crs is None:
                raise InputError(path, "says not where it lies (no coordinate system); georeference it, e.g. in QGIS")
            yield source
    except rasterio.errors.RasterioError as error:
        raise InputError(path, f"cannot be read as an image with a place ({_line(error)}); name a GeoTIFF") from error


def _from_geotiff(path: Path, wanted: Box, budget_bytes: int, longest_px: int) -> Background:
    with (
        _georeferenced(path) as source,
        WarpedVRT(source, crs=MERCATOR, resampling=Resampling.bilinear, add_alpha=True) as turned,
    ):
        west, south = _mercator(wanted[0], wanted[1])
        east, north = _mercator(wanted[2], wanted[3])
        left, bottom = max(west, turned.bounds.left), max(south, turned.bounds.bottom)
        right, top = min(east, turned.bounds.right), min(north, turned.bounds.top)
        if left >= right or bottom >= top:
            raise InputError(path, "shows none of the ground of this report; name one that lies there")
        to_pixels = turned.transform
        window = Window(
            (left - to_pixels.c) / to_pixels.a,
            (top - to_pixels.f) / to_pixels.e,
            (right - left) / to_pixels.a,
            (bottom - top) / to_pixels.e,
        )
        shrink = min(1.0, longest_px / max(window.width, window.height))
        shape = (max(1, round(window.height * shrink)), max(1, round(window.width * shrink)))
        bands = turned.read(window=window, out_shape=(turned.count, *shape), resampling=Resampling.average)
    colours, alpha = bands[:-1], bands[-1]
    if not np.any(alpha):
        raise InputError(path, "is empty where this report is; name one that shows its ground")
    colours = colours[:3] if len(colours) >= 3 else colours[:1].repeat(3, axis=0)
    image = np.dstack([*(_eight_bit(band, alpha > 0) for band in colours[::-1]), np.where(alpha > 0, 255, 0)])
    return _picture(path, image.astype(np.uint8), (left, bottom, right, top), budget_bytes)


def _picture(path: Path, image: np.ndarray, metres: Box, budget_bytes: int) -> Background:
    """The image (H, W, 4; BGRA) as WebP in at most `budget_bytes`; `metres` is where it lies in Web Mercator."""
    while True:
        done, encoded = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
        data = encoded.tobytes()
        if not done or len(data) <= budget_bytes or max(image.shape[:2]) <= SHORTEST_PX:
            break
        shrink = max(0.5, 0.95 * math.sqrt(budget_bytes / len(data)))
        size = (max(1, int(image.shape[1] * shrink)), max(1, int(image.shape[0] * shrink)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    (west, south), (east, north) = _degrees(metres[0], metres[1]), _degrees(metres[2], metres[3])
    true_m = (metres[2] - metres[0]) / image.shape[1] * math.cos(math.radians((south + north) / 2))
    note = (
        f"The background is {path.name}, reduced to {true_m:.2g} m a pixel. It is shown as it was given: how old it is "
        "and how well it lies nobody checked."
    )
    return Background("image", data, "image/webp", (west, south, east, north), path.name, note)


def _eight_bit(band: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A band as 0 to 255: as it is, or stretched between its 2nd and 98th percentile where it is of another type."""
    if band.dtype == np.uint8:
        return band
    low, high = np.nanpercentile(band[known].astype(np.float64), [2, 98])
    return np.clip((np.nan_to_num(band.astype(np.float64), nan=low) - low) / max(high - low, 1e-9) * 255, 0, 255)


def _from_tiles(path: Path, wanted: Box, budget_bytes: int, longest_px: int) -> Background:
    with _archive(path) as reader:
        header = reader.header()
        kind = header["tile_type"]
        west, south, east, north = wanted
        box = (
            max(west, header["min_lon_e7"] / 1e7),
            max(south, header["min_lat_e7"] / 1e7),
            min(east, header["max_lon_e7"] / 1e7),
            min(north, header["max_lat_e7"] / 1e7),
        )
        if box[0] >= box[2] or box[1] >= box[3]:
            raise InputError(path, "shows none of the ground of this report; name one that lies there")
        if kind == TileType.MVT:
            return _vector_tiles(path, reader, header, box, budget_bytes)
        if kind in (TileType.PNG, TileType.JPEG, TileType.WEBP):
            return _stitched(path, reader, header, box, budget_bytes, longest_px)
        raise InputError(path, "holds tiles that cannot be drawn; name an archive of vector, PNG, JPEG or WebP tiles")


@contextmanager
def _archive(path: Path) -> Iterator[Reader]:
    with path.open("rb") as file:

        def bytes_at(offset: int, length: int) -> bytes:
            file.seek(offset)
            return file.read(length)

        try:
            yield Reader(bytes_at)
        except InputError:
            raise
        except Exception as error:  # the library raises what its parsers happen to raise
            raise InputError(path, f"cannot be read as a PMTiles archive ({_line(error)}); get it again") from error


def _tiles_of(box: Box, zoom: int) -> tuple[range, range]:
    """Columns and rows of the tiles of a zoom that touch the box."""
    tiles = 2**zoom
    (left, bottom), (right, top) = _mercator(box[0], box[1]), _mercator(box[2], box[3])
    columns = [int((x + HALF_WORLD_M) / (2 * HALF_WORLD_M) * tiles) for x in (left, right)]
    rows = [int((HALF_WORLD_M - y) / (2 * HALF_WORLD_M) * tiles) for y in (top, bottom)]
    return (
        range(max(columns[0], 0), min(columns[1], tiles - 1) + 1),
        range(max(rows[0], 0), min(rows[1], tiles - 1) + 1),
    )


def _stitched(
    path: Path, reader: Reader, header: dict[str, Any], box: Box, budget_bytes: int, longest_px: int
) -> Background:
    """Tiles that are pictures as one picture, of the finest zoom that is no larger than asked for."""
    zooms = range(header["max_zoom"], header["min_zoom"] - 1, -1)
    zoom = next((z for z in zooms if max(map(len, _tiles_of(box, z))) * TILE_PX <= 2 * longest_px), header["min_zoom"])
    columns, rows = _tiles_of(box, zoom)
    image: np.ndarray = np.zeros((len(rows) * TILE_PX, len(columns) * TILE_PX, 4), np.uint8)
    for i, row in enumerate(rows):
        for k, column in enumerate(columns):
            data = reader.get(zoom, column, row)
            tile = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
            if tile is None:
                continue
            tile = cv2.resize(tile, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
            if tile.ndim == 2 or tile.shape[2] < 4:
                tile = cv2.cvtColor(tile, cv2.COLOR_GRAY2BGRA if tile.ndim == 2 else cv2.COLOR_BGR2BGRA)
            image[i * TILE_PX : (i + 1) * TILE_PX, k * TILE_PX : (k + 1) * TILE_PX] = tile
    if not image[..., 3].any():
        raise InputError(path, "is empty where this report is; name one that shows its ground")
    side_m = 2 * HALF_WORLD_M / 2**zoom
    left, top = columns.start * side_m - HALF_WORLD_M, HALF_WORLD_M - rows.start * side_m
    metres = (left, top - len(rows) * side_m, left + len(columns) * side_m, top)
    longest = max(image.shape[:2])
    if longest > longest_px:
        size = (image.shape[1] * longest_px // longest, image.shape[0] * longest_px // longest)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return _picture(path, image, metres, budget_bytes)


def _vector_tiles(path: Path, reader: Reader, header: dict[str, Any], box: Box, budget_bytes: int) -> Background:
    """The tiles round the box in an archive of their own, from the coarsest zoom to the finest the budget allows."""
    kept: dict[tuple[int, int, int], bytes] = {}
    left, deepest = budget_bytes, -1
    for zoom in range(header["min_zoom"], header["max_zoom"] + 1):
        columns, rows = _tiles_of(box, zoom)
        found = {}
        for row in rows:
            for column in columns:
                if data := reader.get(zoom, column, row):
                    found[zoom, column, row] = data
        size = sum(map(len, found.values()))
        if size > left:
            break
        kept |= found
        left, deepest = left - size, zoom
    if not kept:
        raise InputError(path, "has no tile where this report is that fits into it; name a smaller extract")
    made = io.BytesIO()
    writer = Writer(made)
    for (zoom, column, row), data in sorted(kept.items(), key=lambda one: zxy_to_tileid(*one[0])):
        writer.write_tile(zxy_to_tileid(zoom, column, row), data)
    writer.finalize(
        {
            **{name: header[name] for name in ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")},
            "tile_type": TileType.MVT,
            "tile_compression": header.get("tile_compression", Compression.GZIP),
            "center_zoom": deepest,
            "center_lon_e7": round(box[0] * 1e7),
            "center_lat_e7": round(box[1] * 1e7),
        },
        {},
    )
    short = "" if deepest == header["max_zoom"] else f" Of its zooms only those up to {deepest} fit into the page."
    note = f"The background is drawn from {path.name} as it was given; how old it is nobody checked.{short}"
    return Background("tiles", made.getvalue(), "application/vnd.pmtiles", box, path.name, note, deepest)


def _mercator(lon_deg: float, lat_deg: float) -> tuple[float, float]:
    """Web Mercator metres (EPSG:3857: a sphere of 6,378,137 m)."""
    phi = math.radians(min(max(lat_deg, -85.05), 85.05))
    return math.radians(lon_deg) * 6_378_137.0, math.log(math.tan(math.pi / 4 + phi / 2)) * 6_378_137.0


def _degrees(x_m: float, y_m: float) -> tuple[float, float]:
    """(longitude, latitude) of Web Mercator metres."""
    return math.degrees(x_m / 6_378_137.0), math.degrees(2 * math.atan(math.exp(y_m / 6_378_137.0)) - math.pi / 2)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
