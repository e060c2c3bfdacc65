"""One area, drawn once, saved in every format people have: it comes out the same, with its roles."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas
import pytest
from shapely.geometry import LineString, Point, Polygon

from missions.areas.area import Area, role_named
from missions.areas.read import read_area
from missions.plan import Position
from vision.errors import InputError

PATROL = Polygon(
    [(88.89, 23.02), (88.90, 23.02), (88.90, 23.03), (88.89, 23.03)],
    [[(88.894, 23.024), (88.896, 23.024), (88.896, 23.026), (88.894, 23.026)]],
)
SECOND = Polygon([(88.905, 23.02), (88.91, 23.02), (88.91, 23.03)])
NO_FLY = Polygon([(88.891, 23.021), (88.892, 23.021), (88.892, 23.022)])
BORDER = LineString([(88.888, 23.02), (88.8885, 23.025), (88.888, 23.03)])
HOME, RALLY = Point(88.895, 23.019), Point(88.897, 23.019)


def layer(shapes: list, crs: str, **columns: list[str]) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326").to_crs(crs)


def check(area: Area, *, homes: bool = True) -> None:
    assert area.patrol.symmetric_difference(PATROL.union(SECOND)).area < 1e-9 * PATROL.area
    assert sum(len(part.interiors) for part in area.patrol.geoms) == 1
    assert area.no_fly.symmetric_difference(NO_FLY).area < 1e-9 * PATROL.area
    assert area.border.hausdorff_distance(BORDER) < 1e-8
    if homes:
        assert area.home is not None
        assert (area.home.lat_deg, area.home.lon_deg) == pytest.approx((HOME.y, HOME.x), abs=1e-8)
        assert len(area.rally) == 1


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32645", "EPSG:3857"])
def test_geopackage_with_roles_as_layers(tmp_path: Path, crs: str) -> None:
    path = tmp_path / "drawn.gpkg"
    for name, shapes in (
        ("Patrol area", [PATROL, SECOND]),
        ("no-fly zones", [NO_FLY]),
        ("border", [BORDER]),
        ("home", [HOME]),
        ("Rally points", [RALLY]),
    ):
        layer(shapes, crs).to_file(path, layer=name, engine="pyogrio")
    area = read_area(path)
    check(area)
    assert area.name == "drawn"


def test_geopackage_with_roles_as_a_column(tmp_path: Path) -> None:
    path = tmp_path / "one.gpkg"
    shapes = [PATROL, SECOND, NO_FLY, BORDER, HOME, RALLY]
    roles = ["patrol", "Patrol", "no_fly", "border", "home", "rally"]
    layer(shapes, "EPSG:32645", Role=roles).to_file(path, engine="pyogrio")
    check(read_area(path))


@pytest.mark.parametrize("zipped", [False, True])
def test_shapefile(tmp_path: Path, zipped: bool) -> None:
    folder = tmp_path / "shape"
    folder.mkdir()
    layer([PATROL, SECOND, NO_FLY], "EPSG:32645", role=["patrol", "patrol", "no_fly"]).to_file(folder / "strip.shp")
    path = folder / "strip.shp"
    if zipped:
        path = tmp_path / "strip.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for part in sorted(folder.iterdir()):
                archive.write(part, part.name)
    area = read_area(path)
    assert area.patrol.symmetric_difference(PATROL.union(SECOND)).area < 1e-9 * PATROL.area
    assert area.no_fly.symmetric_difference(NO_FLY).area < 1e-9 * PATROL.area


def test_shapefile_without_its_reference_system(tmp_path: Path) -> None:
    for crs, sound in (("EPSG:4326", True), ("EPSG:32645", False)):
        path = tmp_path / f"{crs[5:]}.shp"
        layer([PATROL], crs).to_file(path)
        path.with_suffix(".prj").unlink()
        if sound:
            assert any("taken for WGS 84" in note for note in read_area(path).notes)
        else:
            with pytest.raises(InputError, match=r"32645.shp.*no reference system.*\.prj"):
                read_area(path)


def coordinates(shape: LineString | Point) -> str:
    return " ".join(f"{x},{y},0" for x, y in shape.coords)


def placemark(name: str, geometry: str) -> str:
    return f"<Placemark><name>{name}</name>{geometry}</Placemark>"


def kml_polygon(shape: Polygon) -> str:
    inner = "".join(
        f"<innerBoundaryIs><LinearRing><coordinates>{coordinates(ring)}</coordinates></LinearRing></innerBoundaryIs>"
        for ring in shape.interiors
    )
    outer = f"<LinearRing><coordinates>{coordinates(shape.exterior)}</coordinates></LinearRing>"
    return f"<Polygon><outerBoundaryIs>{outer}</outerBoundaryIs>{inner}</Polygon>"


def kml_point(shape: Point) -> str:
    return f"<Point><coordinates>{coordinates(shape)}</coordinates></Point>"


KML = (
    '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>strip</name>'
    f"<Folder><name>Patrol</name>{placemark('north', kml_polygon(PATROL))}{placemark('south', kml_polygon(SECOND))}"
    f"</Folder><Folder><name>Others</name>{placemark('No fly zone', kml_polygon(NO_FLY))}"
    + placemark("Border", f"<LineString><coordinates>{coordinates(BORDER)}</coordinates></LineString>")
    + f"{placemark('Home', kml_point(HOME))}{placemark('Rally 1', kml_point(RALLY))}</Folder></Document></kml>"
)


def test_kml_and_kmz_with_roles_by_name(tmp_path: Path) -> None:
    plain, packed = tmp_path / "strip.kml", tmp_path / "strip.kmz"
    plain.write_text(KML)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("doc.kml", KML)
    for path in (plain, packed):
        check(read_area(path))


def test_roles_by_option_go_before_names(tmp_path: Path) -> None:
    path = tmp_path / "strip.kml"
    path.write_text(KML.replace("<name>Home</name>", "<name>our post</name>"))
    with pytest.raises(InputError, match=r'our post.*no role.*--role "our post=ROLE"'):
        read_area(path)
    area = read_area(path, {"our post": "home", "south": "no_fly"})
    assert area.home == Position(HOME.y, HOME.x)
    assert area.no_fly.area == pytest.approx(NO_FLY.area + SECOND.area)
    with pytest.raises(InputError, match="no layer or feature of this name; it has"):
        read_area(path, {"nowhere": "home"})
    with pytest.raises(InputError, match="no role; write NAME=ROLE"):
        read_area(path, {"south": "watch"})


def plan_file(**more: object) -> dict[str, object]:
    survey = {
        "type": "ComplexItem",
        "complexItemType": "survey",
        "polygon": [[y, x] for x, y in list(PATROL.exterior.coords)[:-1]],
    }
    corridor = {
        "type": "ComplexItem",
        "complexItemType": "CorridorScan",
        "polyline": [[y, x] for x, y in BORDER.coords],
    }
    mission = {"items": [{"type": "SimpleItem"}, survey, corridor], "plannedHomePosition": [HOME.y, HOME.x, 5.0]}
    polygon = {"inclusion": False, "polygon": [[y, x] for x, y in list(NO_FLY.exterior.coords)[:-1]], "version": 1}
    circle = {"inclusion": False, "circle": {"center": [23.04, 88.9], "radius": 100.0}, "version": 1}
    return {
        "fileType": "Plan",
        "mission": mission,
        "geoFence": {"polygons": [polygon], "circles": [circle]},
        "rallyPoints": {"points": [[RALLY.y, RALLY.x, 30.0]]},
        **more,
    }


def test_qgroundcontrol_plan(tmp_path: Path) -> None:
    path = tmp_path / "survey.plan"
    path.write_text(json.dumps(plan_file()))
    area = read_area(path)
    assert area.patrol.equals(Polygon(PATROL.exterior))
    assert area.border.hausdorff_distance(BORDER) < 1e-12
    assert (area.home, len(area.rally), len(area.no_fly.geoms)) == (Position(HOME.y, HOME.x), 1, 2)


def test_qgroundcontrol_plan_without_a_survey_is_watched_inside_its_fence(tmp_path: Path) -> None:
    path = tmp_path / "fence.plan"
    inclusion = {"inclusion": True, "polygon": [[y, x] for x, y in list(PATROL.exterior.coords)[:-1]]}
    mission = {"items": [], "plannedHomePosition": [HOME.y, HOME.x, 5.0]}
    path.write_text(json.dumps(plan_file(mission=mission, geoFence={"polygons": [inclusion]})))
    area = read_area(path)
    assert area.patrol.equals(Polygon(PATROL.exterior))
    assert "no survey" in area.notes[0]
    path.write_text(json.dumps(plan_file(mission=mission, geoFence={})))
    with pytest.raises(InputError, match="a route and no area"):
        read_area(path)


def test_files_of_other_programs(shared: Path) -> None:
    area = read_area(shared / "data" / "plans" / "qgroundcontrol_sample_with_survey.plan")
    assert len(area.patrol.geoms[0].exterior.coords) == 5
    assert area.home is not None
    with pytest.raises(InputError, match="a route and no area"):
        read_area(shared / "data" / "plans" / "qgroundcontrol_sample.plan")


@pytest.mark.parametrize("name", ["broken.kml", "broken.kmz", "broken.gpkg", "broken.shp", "broken.zip"])
def test_a_broken_file_is_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x00not what its name says")
    with pytest.raises(InputError, match=rf"{name}: cannot be read as") as caught:
        read_area(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        read_area(tmp_path / f"missing-{name}")


def test_an_empty_layer_is_no_area(tmp_path: Path) -> None:
    path = tmp_path / "empty.gpkg"
    geopandas.GeoDataFrame({"role": []}, geometry=[], crs="EPSG:4326").to_file(path, engine="pyogrio")
    with pytest.raises(InputError, match="holds no shapes"):
        read_area(path)


@pytest.mark.parametrize(
    ("text", "role"),
    [("No-Fly Zone", "no_fly"), ("rally 12", "rally"), ("BORDER_LINE", "border"), ("homework", None), ("7", None)],
)
def test_names_that_stand_for_roles(text: str, role: str | None) -> None:
    assert role_named(text) == role
