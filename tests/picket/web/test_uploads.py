"""Files dropped on the app: what the commands read is taken, what is hostile is refused in a sentence."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window

from picket.web.bodies import problem_in
from picket.web.drawings import Drawings
from picket.web.uploads import check_terrain
from vision.errors import InputError

SQUARE = shapely.box(88.895, 23.035, 88.897, 23.037)
GEOJSON = json.dumps(
    {
        "type": "Feature",
        "properties": {"role": "patrol", "name": "<img src=x onerror=alert(1)>"},
        "geometry": shapely.geometry.mapping(SQUARE),
    }
).encode()
ZONE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"identifier": "BD-1", "name": "<b>airport</b>", "restriction": "prohibited"},
            "geometry": shapely.geometry.mapping(SQUARE),
        }
    ],
}


def zipped(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def file_of(tmp_path: Path, kind: str) -> bytes:
    """The same square in a format."""
    frame = geopandas.GeoDataFrame({"name": ["x"]}, geometry=[SQUARE], crs="EPSG:4326")
    if kind == "geojson":
        return GEOJSON
    if kind == "zip":
        folder = tmp_path / "shapes"
        folder.mkdir()
        frame.to_file(folder / "area.shp")
        return zipped({path.name: path.read_bytes() for path in folder.iterdir()})
    if kind == "kml":
        corners = " ".join(f"{lon},{lat}" for lon, lat in SQUARE.exterior.coords)
        ring = f"<LinearRing><coordinates>{corners}</coordinates></LinearRing>"
        polygon = f"<Polygon><outerBoundaryIs>{ring}</outerBoundaryIs></Polygon>"
        return f"<kml><Document><Placemark>{polygon}</Placemark></Document></kml>".encode()
    path = tmp_path / f"area.{kind}"
    frame.to_file(path)
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["geojson", "gpkg", "kml", "zip"])
def test_an_area_is_read_from_what_people_have(officer, tmp_path, kind) -> None:
    answer = officer.post("/api/area", files={"file": (f"ä {kind}.{kind.upper()}", file_of(tmp_path, kind))})
    assert answer.status_code == 200, answer.text
    found = answer.json()["area"]["features"][0]
    assert found["properties"] == {"role": "patrol"}
    assert shapely.geometry.shape(found["geometry"]).equals_exact(shapely.MultiPolygon([SQUARE]), 1e-6, normalize=True)


def json_values() -> st.SearchStrategy[Any]:
    """Anything Python reads from JSON, halves of characters and numbers that are none included."""
    texts = st.text(st.characters(exclude_categories=()), max_size=8)
    plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
    return st.recursive(plain, lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)), max_leaves=10)


HOSTILE = {
    "empty.geojson": b"",
    "cut.geojson": GEOJSON[:-20],
    "deep.geojson": b"[" * 100_000,
    "deep object.geojson": b'{"type":"Feature","geometry":' * 5000 + b"}" * 5000,
    "nan.geojson": GEOJSON.replace(b"88.895", b"NaN"),
    "huge number.geojson": GEOJSON.replace(b"88.895", b"1" * 6000),
    "far.geojson": GEOJSON.replace(b"88.895", b"1e308"),
    "text.kml": b"<kml>",
    "entities.kml": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><kml><Document><Placemark><name>&a;</name></Placemark></Document></kml>',
    "not a zip.zip": b"PK\x03\x04 nothing",
    "bomb.zip": zipped({"area.shp": bytes(300 * 1024 * 1024)}),
    "many.zip": zipped({f"{k}.shp": b"" for k in range(1500)}),
    "noise.gpkg": np.random.default_rng(1).bytes(5000),
    "header.gpkg": b"SQLite format 3\x00" + bytes(3000),
    "program.exe": b"MZ",
    "none": GEOJSON,
    "..\\..\\x.geojson\x00.exe": GEOJSON,
}


@pytest.mark.filterwarnings("ignore")  # of the libraries that read the files: they warn, then refuse
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_a_sentence(served, officer, name) -> None:
    answer = officer.post("/api/area", files={"file": (name, HOSTILE[name])})
    assert answer.status_code == 422, answer.text
    problem = answer.json()["problem"]
    assert "\n" not in problem
    assert "/tmp/" not in problem
    assert "root:" not in problem


def test_zones_and_hills_are_kept_for_the_plan(served, officer, tmp_path) -> None:
    hills = tmp_path / "hills.tif"
    profile = {"driver": "GTiff", "width": 20, "height": 20, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(hills, "w", transform=Affine(0.001, 0.0, 88.89, 0.0, -0.001, 23.04), **profile) as model:
        model.write(np.full((1, 20, 20), 12.0, dtype=np.float32))

    def keep(kind: str, name: str, content: bytes) -> int:
        return officer.post(
            "/api/missions/north/files", data={"kind": kind}, files={"file": (name, content)}
        ).status_code

    assert keep("zones", "zones.json", json.dumps(ZONE).encode()) == 200
    assert keep("terrain", "hills.tif", hills.read_bytes()) == 200
    assert keep("terrain", "noise.tif", b"II*\x00" + struct.pack("<I", 8) + bytes(100)) == 422
    assert keep("terrain", "hills.geojson", GEOJSON) == 422
    assert keep("zones", "zones.json", b"{}") == 422
    assert keep("other", "zones.json", GEOJSON) == 422
    found = officer.get("/api/missions/north/drawing").json()
    assert found["terrain"] == "hills.tif"
    assert found["zones"][0]["zones"][0]["title"].startswith("BD-1")
    assert officer.delete("/api/missions/north/files/zones/zones.json").status_code == 200
    assert officer.get("/api/missions/north/drawing").json()["zones"] == []


def test_a_file_that_is_too_large_is_refused(served, officer) -> None:
    def pieces():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.geojson"\r\n\r\n'
        for _ in range(65):
            yield bytes(1024 * 1024)
        yield b"\r\n--x--\r\n"

    answer = officer.post("/api/area", content=pieces(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 413


@pytest.mark.parametrize("area", [[], {"type": "Feature"}, {"type": "FeatureCollection", "features": [{}] * 501}])
def test_a_drawing_that_is_none_is_refused(officer, area) -> None:
    answer = officer.post("/api/preview", json={"area": area, "page": "p"})
    assert answer.status_code == 422
    assert set(answer.json()) == {"problem"}


@pytest.mark.parametrize("wish", [{"drone": "/etc/passwd"}, {"camera": "../x.toml"}, {"gsd_cm": -1}, {"evil": 1}])
def test_a_wish_names_only_what_the_catalogue_has(officer, wish) -> None:
    body = {"area": {"type": "FeatureCollection", "features": []}, "wish": wish, "version": 0}
    assert officer.put("/api/missions/north/drawing", json=body).status_code == 422


def test_an_archive_is_read_and_never_unpacked(served, officer) -> None:
    officer.post("/api/area", files={"file": ("slip.zip", zipped({"../../evil.geojson": GEOJSON}))})
    assert list(served.missions.parent.glob("**/evil*")) == []


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


ODD = {
    "half a character": rb'"\ud800"',
    "a zero byte": rb'"a\u0000b"',
    "half a character in a name": rb'{"\udc00": 1}',
    "no number": b"NaN",
    "infinity": b"1e999",
    "a huge number": b"1" + b"0" * 400,
    "depth": nested(900),
    "great depth": nested(100_000),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_json_that_cannot_be_kept_is_refused_in_a_sentence(officer, odd) -> None:
    drawn = b'{"version": 0, "page": "p", "area": {"type": "FeatureCollection", "features": [%s]}}' % odd
    headers = {"Content-Type": "application/json"}
    for method, path in (("PUT", "missions/north/drawing"), ("POST", "preview"), ("POST", "missions/north/plan")):
        answer = officer.request(method, f"/api/{path}", content=drawn, headers=headers)
        assert answer.status_code == 422, answer.text
        assert answer.json()["problem"].startswith("what the page sent ")
    assert officer.get("/api/missions/north/drawing").json()["version"] == 0


@given(json_values())
def test_what_is_let_through_can_be_written_and_sent(value: Any) -> None:
    text = json.dumps(value)
    if problem_in(text.encode()) is None:
        assert json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False).encode()) == value


def test_a_zone_file_that_cannot_be_shown_is_refused_and_one_that_lies_there_is_named(served, officer) -> None:
    odd = json.dumps(ZONE).replace("<b>airport</b>", "\\ud800")
    answer = officer.post(
        "/api/missions/north/files", data={"kind": "zones"}, files={"file": ("odd.json", odd.encode())}
    )
    assert answer.status_code == 422, answer.text
    lying = Drawings(served.settings).folder("north") / "zones"
    lying.mkdir(parents=True)
    (lying / "odd.json").write_text(odd)
    shown = officer.get("/api/missions/north/drawing")
    assert shown.status_code == 200
    (file,) = shown.json()["zones"]
    assert file["zones"] == []
    assert "odd.json" in file["problem"]
    assert officer.delete("/api/missions/north/files/zones/odd.json").status_code == 200


def test_a_small_file_that_holds_much_costs_little(served, officer, tmp_path) -> None:
    file = tmp_path / "hills.tif"
    shape = {"width": 9000, "height": 9000, "count": 1, "dtype": "float64", "crs": "EPSG:4979"}
    place = Affine(1e-5, 0, 89, 0, -1e-5, 23)
    with rasterio.open(
        file, "w", driver="GTiff", transform=place, compress="deflate", sparse_ok=True, tiled=True, **shape
    ) as written:
        written.write(np.ones((16, 16)), 1, window=Window(0, 0, 16, 16))
    assert file.stat().st_size < 20_000
    tracemalloc.start()
    try:
        check_terrain(file, "hills.tif")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100e6
    with rasterio.open(file, "w", driver="GTiff", transform=place, compress="deflate", blockysize=9000, **shape) as one:
        one.write(np.ones((1, 16)), 1, window=Window(0, 0, 16, 1))
    with pytest.raises(InputError, match="export it in tiles"):
        check_terrain(file, "hills.tif")


def test_more_text_than_fits_into_memory_is_refused(officer) -> None:
    kml = b"<kml>" + b" " * (16 * 1024 * 1024) + b"</kml>"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", kml)
    for name, content in [("area.kml", kml), ("area.kmz", packed.getvalue())]:
        answer = officer.post("/api/area", files={"file": (name, content)})
        assert answer.status_code == 422
        assert "more than 16 MB" in answer.json()["problem"]
