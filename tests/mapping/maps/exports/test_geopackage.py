from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas
import pyogrio
import pytest
from pyproj import Geod

from mapping.maps.exports.content import ExportContent
from mapping.maps.exports.geopackage import write_geopackage

Make = Callable[..., ExportContent]
GEOD = Geod(ellps="WGS84")


@pytest.fixture
def package(content: Make, tmp_path: Path) -> Path:
    write_geopackage(content({}, {"class": "vehicle"}, {"lat_deg": None}), tmp_path / "out.gpkg")
    return tmp_path / "out.gpkg"


def test_its_layers(package: Path) -> None:
    layers = dict(pyogrio.list_layers(package))
    assert layers == {
        "coverage": "Polygon",
        "gaps": "Polygon",
        "track": "LineString Z",
        "frames": "Point",
        "ellipses": "Polygon",
        "sightings": "Point",
        "about": None,
        "layer_styles": None,
    }


def test_sightings_have_real_times_ids_and_places(package: Path) -> None:
    sightings = pyogrio.read_dataframe(package, layer="sightings")
    assert sightings.crs.to_epsg() == 4326
    assert str(sightings["first_seen_utc"].dtype.tz) == "UTC"
    assert sightings["first_seen_utc"][0] == pandas.Timestamp("2026-11-22T18:16:05.123Z")
    assert list(sightings["detection_ids"]) == ["IMG_1-000 IMG_2-000"] * 3
    assert (sightings.geometry[0].x, sightings.geometry[0].y) == (88.895, 23.04)
    assert sightings.geometry[2] is None
    assert list(sightings["verdict"]) == ["not reviewed"] * 3


def test_an_ellipse_has_its_axes_and_bearing(package: Path) -> None:
    ellipses = pyogrio.read_dataframe(package, layer="ellipses")
    assert list(ellipses["sighting_id"]) == ["S-1", "S-2"]
    corners = [GEOD.inv(88.895, 23.04, *corner) for corner in ellipses.geometry[0].exterior.coords]
    bearing, _, longest = max(corners, key=lambda corner: corner[2])
    assert longest == pytest.approx(2.0, abs=1e-3)
    assert min(corner[2] for corner in corners) == pytest.approx(1.0, abs=1e-3)
    assert bearing % 180.0 == pytest.approx(30.0, abs=0.1)


def test_ground_and_gaps_keep_what_is_known_of_them(package: Path) -> None:
    coverage = pyogrio.read_dataframe(package, layer="coverage")
    assert list(coverage["gsd_cm"]) == [5.0]
    assert coverage["first_utc"][0] == pandas.Timestamp("2026-11-22T18:16:05Z")
    assert coverage["last_utc"].isna().all()
    assert list(pyogrio.read_dataframe(package, layer="gaps")["where"]) == ["in the east"]
    assert len(pyogrio.read_dataframe(package, layer="frames")) == 3


def test_every_layer_has_a_default_style(package: Path) -> None:
    styles = pyogrio.read_dataframe(package, layer="layer_styles")
    layers = {name for name, kind in pyogrio.list_layers(package) if kind}
    assert set(styles["f_table_name"]) == layers
    assert set(styles["f_geometry_column"]) == {"geom"}
    assert styles["useAsDefault"].all()
    for text in styles["styleQML"]:
        renderer = ET.fromstring(text).find("renderer-v2")
        assert renderer is not None
        symbols = {symbol.get("name") for symbol in renderer.iter("symbol")}
        assert {category.get("symbol") for category in renderer.iter("category")} <= symbols
        assert symbols


def test_an_ellipse_across_the_180th_meridian_stays_in_one_piece(content: Make, tmp_path: Path) -> None:
    write_geopackage(content({"lon_deg": 179.99999}), tmp_path / "out.gpkg")
    (shape,) = pyogrio.read_dataframe(tmp_path / "out.gpkg", layer="ellipses").geometry
    assert shape.bounds[0] > 179.0
    assert shape.bounds[2] < 181.0
