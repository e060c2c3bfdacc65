"""Files that only lead to other files or to an address: refused in one line, whatever they are called, unheard."""

from __future__ import annotations

import select
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from rasterio import Affine

from mapping.geofiles import VECTOR_DRIVERS, open_geotiff, vector_library
from mapping.ground.terrain import read_terrain
from mapping.maps.background import read_background
from missions.areas.read import read_area
from vision.errors import InputError

SQUARE = shapely.box(88.895, 23.035, 88.897, 23.037)
LAYER_OF = (
    "<OGRVRTDataSource>{}<OGRVRTLayer name='patrol'><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
)
RASTER_OF = (
    '<VRTDataset rasterXSize="10" rasterYSize="10"><SRS>EPSG:4326</SRS>'
    "<GeoTransform>89,0.001,0,23,0,-0.001</GeoTransform>"
    '<VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename relativeToVRT="0">{}</SourceFilename>'
    "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
)
SERVICE_OF = (
    '<GDAL_WMS><Service name="TMS"><ServerUrl>{}/${{z}}/${{x}}/${{y}}</ServerUrl></Service><DataWindow>'
    "<UpperLeftX>88</UpperLeftX><UpperLeftY>24</UpperLeftY><LowerRightX>90</LowerRightX><LowerRightY>22</LowerRightY>"
    "<SizeX>256</SizeX><SizeY>256</SizeY></DataWindow><Projection>EPSG:4326</Projection><BandsCount>1</BandsCount>"
    "</GDAL_WMS>"
)
PICTURE = {"driver": "GTiff", "width": 40, "height": 40, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
PLACE = Affine(0.001, 0.0, 88.88, 0.0, -0.001, 23.06)


@pytest.fixture
def address() -> Iterator[str]:
    """Where somebody on this machine listens, who must hear nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert select.select([listener], [], [], 0.05)[0] == []


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A file that nobody handed in."""
    (tmp_path / "private").mkdir()
    path = tmp_path / "private" / "other.gpkg"
    geopandas.GeoDataFrame({"name": ["patrol"]}, geometry=[SQUARE], crs="EPSG:4326").to_file(path, layer="patrol")
    return path


def refused(path: Path, read) -> None:
    with pytest.raises(InputError) as told:
        read(path)
    assert str(told.value).startswith(str(path))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("begin", ["", "<!-- <kml -->"])
@pytest.mark.parametrize("name", ["a.kml", "a.kmz", "a.gpkg", "a.fgb", "a.shp", "a.zip"])
def test_layers_that_lead_elsewhere(tmp_path: Path, other: Path, address: str, name: str, begin: str) -> None:
    for number, source in enumerate((str(other), f"/vsicurl/{address}/x.gpkg", f"/vsicurl_streaming/{address}/x.gpkg")):
        path = tmp_path / str(number) / name
        path.parent.mkdir()
        text = LAYER_OF.format(begin, source)
        if path.suffix in (".zip", ".kmz"):
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("doc.kml" if path.suffix == ".kmz" else "x.vrt", text)
        else:
            path.write_text(text)
        refused(path, read_area)


@pytest.mark.parametrize("member", ["area.kml", "area.gpkg", "area.shp", "inner/area.fgb", "area.ovf", "area"])
def test_a_member_of_an_archive_that_leads_elsewhere(tmp_path: Path, other: Path, member: str) -> None:
    path = tmp_path / "area.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, LAYER_OF.format("<!-- <kml -->", other))
    refused(path, read_area)


@pytest.mark.parametrize("text", [RASTER_OF, SERVICE_OF])
def test_rasters_that_lead_elsewhere(tmp_path: Path, address: str, text: str) -> None:
    path = tmp_path / "hills.tif"
    path.write_text(text.format(f"/vsicurl/{address}/x.tif" if text is RASTER_OF else address))
    refused(path, read_terrain)
    refused(path, lambda path: read_background(path, (88.885, 23.03, 88.9, 23.05)))


@pytest.mark.parametrize("beside", [False, True])
def test_a_geotiff_whose_smaller_picture_is_elsewhere(tmp_path: Path, address: str, beside: bool) -> None:
    path = tmp_path / "hills.tif"
    source = f"/vsicurl/{address}/x.tif"
    with rasterio.open(path, "w", transform=PLACE, **PICTURE) as made:
        made.write(np.full((1, 40, 40), 12.0, dtype=np.float32))
        if not beside:
            made.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=source)
    if beside:
        told = f'<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{source}</MDI></Metadata>'
        Path(f"{path}.aux.xml").write_text(f"<PAMDataset>{told}</PAMDataset>")
    refused(path, read_terrain)
    refused(path, lambda path: read_background(path, (88.885, 23.03, 88.9, 23.05)))


def test_nothing_is_asked_for_even_where_it_is_named(address: str) -> None:
    vector_library()
    for way in ("/vsicurl/", "/vsicurl_streaming/", ""):
        with pytest.raises(pyogrio.errors.DataSourceError):
            pyogrio.list_layers(f"{way}{address}/x.gpkg")
        with pytest.raises(rasterio.errors.RasterioIOError):
            rasterio.open(f"{way}{address}/x.tif")


def test_ordinary_files_are_read_as_before(tmp_path: Path, shared: Path) -> None:
    for source in sorted((shared / "data" / "areas").glob("*.geojson")):
        known = read_area(source)
        frame = geopandas.GeoDataFrame({"role": ["patrol"]}, geometry=[known.patrol], crs="EPSG:4326")
        folder = tmp_path / source.stem
        folder.mkdir()
        for suffix in ("gpkg", "fgb", "shp"):
            frame.to_file(folder / f"area.{suffix}")
        with zipfile.ZipFile(folder / "area.zip", "w") as archive:
            for path in folder.glob("area.[sdpc]*"):
                archive.write(path, path.name)
        pyogrio.write_dataframe(frame, folder / "area.kml", driver="KML")
        with zipfile.ZipFile(folder / "area.kmz", "w") as archive:
            archive.write(folder / "area.kml", "doc.kml")
        for suffix in ("gpkg", "fgb", "shp", "zip", "kml", "kmz"):
            read = read_area(folder / f"area.{suffix}")
            assert read.patrol.symmetric_difference(known.patrol).area < 1e-9 * known.patrol.area


def test_a_picture_with_its_own_smaller_ones_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hills.tif"
    with rasterio.open(path, "w", transform=PLACE, **PICTURE) as made:
        made.write(np.full((1, 40, 40), 12.0, dtype=np.float32))
    shutil.copy(path, tmp_path / "beside.tif")
    with rasterio.open(path, "r+") as made:
        made.build_overviews([2])
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(tmp_path / "beside.tif", "r+") as made:
        made.build_overviews([2])
    assert (tmp_path / "beside.tif.ovr").exists()
    for one in (path, tmp_path / "beside.tif"):
        with open_geotiff(one) as read:
            assert read.overviews(1) == [2]


def test_the_other_formats_are_gone_for_the_whole_process() -> None:
    code = "from mapping.geofiles import vector_library as v; print(*v().list_drivers(), sep='|')"
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert set(ran.stdout.strip().split("|")) <= VECTOR_DRIVERS
    assert "GPKG" in ran.stdout
