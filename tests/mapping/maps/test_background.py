from __future__ import annotations

import gzip
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from pmtiles.reader import MemorySource, Reader
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer
from rasterio import Affine

from mapping.maps.background import read_background
from vision.errors import InputError

BOX = (88.89, 23.03, 88.90, 23.04)


def geotiff(path: Path, west: float = 88.88, kind: str = "uint8", crs: str | None = "EPSG:4326") -> Path:
    """Green in the north, red in the south."""
    high = 255 if kind == "uint8" else 4000
    bands = np.zeros((3, 400, 400), kind)
    bands[1, :200], bands[0, 200:] = high, high
    place = Affine(0.03 / 400, 0.0, west, 0.0, -0.03 / 400, 23.05)
    with rasterio.open(path, "w", "GTiff", 400, 400, 3, transform=place, crs=crs, dtype=kind) as made:
        made.write(bands)
    return path


def archive(path: Path, kind: TileType, zooms: range) -> Path:
    """Every tile of the world down to a few zooms; each is its own place in words, or one colour."""
    with path.open("wb") as file:
        writer = Writer(file)
        for zoom in zooms:
            for number in range(4**zoom):
                column, row = number % 2**zoom, number // 2**zoom
                if kind == TileType.MVT:
                    data = gzip.compress(f"{zoom}/{column}/{row}".encode() * 40)
                else:
                    data = cv2.imencode(".png", np.full((256, 256, 3), (10, 200, 10 + 4 * zoom), np.uint8))[1].tobytes()
                writer.write_tile(zxy_to_tileid(zoom, column, row), data)
        world = {"min_lon_e7": -1_800_000_000, "min_lat_e7": -850_000_000}
        world |= {"max_lon_e7": 1_800_000_000, "max_lat_e7": 850_000_000}
        more = {"tile_type": kind, "tile_compression": Compression.GZIP, "center_zoom": 0}
        writer.finalize({**world, **more, "center_lon_e7": 0, "center_lat_e7": 0}, {})
    return path


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_a_geotiff_is_cut_to_the_ground(tmp_path: Path, kind: str) -> None:
    made = read_background(geotiff(tmp_path / "air.tif", kind=kind), BOX)
    assert (made.kind, made.media, made.name) == ("image", "image/webp", "air.tif")
    west, south, east, north = made.box
    assert [west, south, east, north] == pytest.approx([88.8875, 23.0275, 88.9025, 23.0425], abs=2e-4)
    image = cv2.imdecode(np.frombuffer(made.data, np.uint8), cv2.IMREAD_UNCHANGED)
    above, below = image[20, image.shape[1] // 2], image[-20, image.shape[1] // 2]
    assert above[1] > 150 > above[2]
    assert below[2] > 150 > below[1]


def test_a_budget_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "noise.tif"
    noise = np.random.default_rng(1).integers(0, 255, (3, 1500, 1500), np.uint8)
    place = Affine(2e-5, 0.0, 88.88, 0.0, -2e-5, 23.05)
    with rasterio.open(path, "w", "GTiff", 1500, 1500, 3, transform=place, crs="EPSG:4326", dtype="uint8") as made:
        made.write(noise)
    assert len(read_background(path, BOX, 100_000).data) <= 100_000


def test_pictures_in_tiles_become_one_picture(tmp_path: Path) -> None:
    made = read_background(archive(tmp_path / "air.pmtiles", TileType.PNG, range(4)), BOX)
    assert made.kind == "image"
    west, south, east, north = made.box
    assert west < 88.89
    assert south < 23.03
    assert east > 88.90
    assert north > 23.04


def test_of_vector_tiles_those_of_the_ground_are_kept(tmp_path: Path) -> None:
    made = read_background(archive(tmp_path / "map.pmtiles", TileType.MVT, range(5)), BOX)
    reader = Reader(MemorySource(made.data))
    assert (made.kind, made.zoom) == ("tiles", 4)
    assert reader.header()["max_zoom"] == 4
    assert gzip.decompress(reader.get(4, 11, 6)).startswith(b"4/11/6")
    assert reader.get(4, 0, 0) is None
    short = read_background(tmp_path / "map.pmtiles", BOX, 120)
    assert short.zoom < 4
    assert "only those up to" in short.note


@pytest.mark.parametrize(
    ("name", "said"),
    [("elsewhere.tif", "shows none"), ("nowhere.tif", "says not where"), ("text.tif", "name a GeoTIFF"),
     ("text.pmtiles", "cannot be read"), ("none.tif", "is no file")],
)  # fmt: skip
def test_what_cannot_lie_under_a_report(tmp_path: Path, name: str, said: str) -> None:
    path = tmp_path / name
    if name == "elsewhere.tif":
        geotiff(path, west=12.0)
    elif name == "nowhere.tif":
        geotiff(path, crs=None)
    elif name.startswith("text"):
        path.write_text("neither one nor the other")
    with pytest.raises(InputError, match=said):
        read_background(path, BOX)
