"""Reading areas: what is accepted, what is mended, and the one line for everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from missions.areas.area import check_home
from missions.areas.read import read_area
from missions.plan import Position
from vision.errors import InputError

SQUARE = [[88.89, 23.02], [88.90, 23.02], [88.90, 23.03], [88.89, 23.03], [88.89, 23.02]]


def feature(coordinates: Any, role: Any = "patrol", kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    if role is not None:
        properties["role"] = role
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def collection(*features: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **members}


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    def _write(content: Any) -> Path:
        path = tmp_path / "area.geojson"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return _write


def test_example_has_every_role(shared: Path) -> None:
    area = read_area(shared / "data" / "areas" / "benapole.geojson")
    assert area.name == "benapole"
    assert len(area.patrol.geoms[0].interiors) == 1
    assert area.home == Position(23.0412, 88.8972)
    assert (len(area.border.geoms), len(area.no_fly.geoms), len(area.rally), area.notes) == (1, 1, 2, ())


def test_real_area_without_roles_and_with_crs84(shared: Path) -> None:
    area = read_area(shared / "data" / "areas" / "freetown.geojson")
    assert (len(area.patrol.geoms), area.home) == (1, None)


@pytest.mark.parametrize(
    "content",
    [
        {"type": "Polygon", "coordinates": [SQUARE]},
        feature([SQUARE], role=None),
        feature([SQUARE], role="Patrol "),
        {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": [SQUARE]}]},
        collection(feature([[SQUARE]], kind="MultiPolygon"), crs=None),
        collection(feature([SQUARE], upper_m="SFC", name=7)),
        collection(feature([[[*position, 12.5] for position in SQUARE]])),
    ],
)
def test_every_form_of_the_same_square(write, content) -> None:  # type: ignore[no-untyped-def]
    area = read_area(write(content))
    assert area.patrol.area == pytest.approx(1e-4)


def test_byte_order_mark_is_no_fault(write) -> None:  # type: ignore[no-untyped-def]
    assert read_area(write(b"\xef\xbb\xbf" + json.dumps(feature([SQUARE])).encode())).patrol.area > 0


def test_open_ring_is_closed_with_a_note(write) -> None:  # type: ignore[no-untyped-def]
    area = read_area(write(collection(feature([SQUARE[:-1]], name="field"))))
    assert area.patrol.area == pytest.approx(1e-4)
    assert len(area.notes) == 1
    assert "feature 1 (field)" in area.notes[0]
    assert "not closed" in area.notes[0]


def test_other_reference_system_is_obeyed(write) -> None:  # type: ignore[no-untyped-def]
    utm = [[250_000, 2_550_000], [251_000, 2_550_000], [251_000, 2_551_000], [250_000, 2_551_000]]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32646"}}
    west, south, _, _ = read_area(write(collection(feature([utm]), crs=crs))).patrol.bounds
    assert west == pytest.approx(90.56, abs=0.01)
    assert south == pytest.approx(23.04, abs=0.01)


def test_overlapping_patrols_become_one(write) -> None:  # type: ignore[no-untyped-def]
    shifted = [[lon + 0.005, lat] for lon, lat in SQUARE]
    area = read_area(write(collection(feature([SQUARE]), feature([shifted]))))
    assert len(area.patrol.geoms) == 1
    assert area.patrol.area == pytest.approx(1.5e-4)


BAD = {
    "empty file": (b" \n", "empty"),
    "not JSON": (b'{"type": "Feature",\n "x" 3}', "line 2, column 6"),
    "not UTF-8": (b'{"type": "\xff"}', "byte 10"),
    "deep": (b"[" * 100_000, "nested too deeply"),
    "a list": ([1, 2], "no object; give a GeoJSON, KML"),
    "no type": ({"features": []}, "not GeoJSON"),
    "nothing in it": (collection(), "no features"),
    "no patrol": (collection(feature([88.9, 23.0], "home", "Point")), "no patrol area"),
    "a lone point": ({"type": "Point", "coordinates": [88.9, 23.0]}, "no role"),
    "crossing itself": (
        feature([[[88.89, 23.02], [88.90, 23.03], [88.90, 23.02], [88.89, 23.03], [88.89, 23.02]]], name="bow"),
        "feature 1 (bow): the polygon crosses itself at latitude 23.025000, longitude 88.895000",
    ),
    "on one line": (feature([[[88.89, 23.02], [88.90, 23.03], [88.91, 23.04], [88.89, 23.02]]]), "zero size"),
    "one point": (feature([[[88.89, 23.02]] * 4]), "1 different positions"),
    "a speck": (feature([[[88.89, 23.02], [88.890001, 23.02], [88.89, 23.020001], [88.89, 23.02]]]), "zero size"),
    "hole outside": (
        feature([SQUARE, [[88.95, 23.02], [88.96, 23.02], [88.96, 23.03], [88.95, 23.02]]]),
        "a hole lies outside",
    ),
    "NaN": (b'{"type":"Polygon","coordinates":[[[NaN,1],[2,3],[4,1],[2,2]]]}', "NaN is no number in JSON"),
    "infinite": (b'{"type":"Polygon","coordinates":[[[1e999,1],[2,3],[4,1],[2,2]]]}', "is not a place"),
    "text for a number": (feature([[["88.9", 23.02], *SQUARE]]), 'position 1: "88.9" is not a number'),
    "truth for a number": (feature([[[True, 23.02], *SQUARE]]), "true is not a number"),
    "number for a position": (feature([[88.9, 23.02]]), "88.9 is no position"),
    "no rings": (feature([]), "no ring"),
    "coordinates missing": (feature(None), "no ring"),
    "latitude first": (feature([[[23.02, 148.9], [23.02, 149.0], [23.03, 149.0]]]), "swap"),
    "metres": (feature([[[250_000, 2_550_000], [251_000, 2_550_000], [251_000, 2_551_000]]]), "export in WGS 84"),
    "spanning a continent": (feature([[[88.0, 23.0], [90.0, 23.0], [90.0, 25.0]]]), "more than 60 km"),
    "round the pole": (
        feature([[[0.0, 80.0], [120.0, 80.0], [-120.0, 80.0]]]),
        "goes round a pole",
    ),
    "at the pole": (feature([[[10.0, 89.99], [10.1, 89.99], [10.1, 89.991]]]), "pole"),
    "unknown role": (feature([SQUARE], "watch"), 'unknown role "watch"'),
    "role of an odd type": (feature([SQUARE], ["patrol"]), 'unknown role ["patrol"]'),
    "zone without role": (collection(feature([SQUARE]), feature([SQUARE], None)), "feature 2: no role"),
    "no geometry": (
        collection({"type": "Feature", "properties": {}, "geometry": None}),
        "feature 1: it has no geometry",
    ),
    "unknown geometry": (feature([SQUARE], kind="Blob"), '"Blob" is no GeoJSON geometry'),
    "patrol line": (feature(SQUARE, kind="LineString"), "a patrol cannot be a LineString"),
    "two homes": (
        collection(feature([SQUARE]), feature([88.9, 23.02], "home", "Point"), feature([88.9, 23.03], "home", "Point")),
        "feature 3: a second home",
    ),
    "home far away": (
        collection(feature([SQUARE]), feature([23.02, 88.9], "home", "Point")),
        "from the patrol area; put it near",
    ),
    "bad properties": ({"type": "Feature", "properties": 3, "geometry": None}, "its properties are 3"),
    "not a feature": (collection({"type": "Polygon"}), "feature 1: not a GeoJSON Feature"),
    "odd crs": (
        collection(feature([SQUARE]), crs={"properties": {"name": "EPSG:999999"}}),
        "no known reference system",
    ),
    "unreadable crs": (collection(feature([SQUARE]), crs="local"), "no reference system that can be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_area_is_one_line_that_names_file_and_mend(write, name: str) -> None:  # type: ignore[no-untyped-def]
    content, expected = BAD[name]
    path = write(content)
    with pytest.raises(InputError) as caught:
        read_area(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert expected in text
    assert "\n" not in text


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_area(tmp_path / "none.geojson")
    with pytest.raises(InputError, match="cannot be read"):
        read_area(tmp_path)


def test_home_given_by_option_is_checked_too(write) -> None:  # type: ignore[no-untyped-def]
    area = read_area(write(feature([SQUARE])))
    check_home("--home", area, Position(23.02, 88.9))
    with pytest.raises(InputError, match="--home"):
        check_home("--home", area, Position(88.9, 23.02))
