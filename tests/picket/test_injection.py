"""Text from outside through every step to every file Picket writes: fifty texts that would do something if anybody took
them for more than text. What browsers make of the pages is `tests/browser`' and `tests/picket/web`'s subject."""

from __future__ import annotations

import csv
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow.parquet
import pytest

from mapping.maps.exports.formats import FORMATS
from mapping.maps.exports.spreadsheet import FORMULA_STARTS
from mapping.maps.report import PlanContent, ReportContent, write_plan_page, write_report
from mapping.maps.xmltext import xml_text
from mapping.tables import SIGHTINGS
from picket.cli import main
from picket.folder import Mission
from picket.reviews.store import reviews_in
from tests.hostile import FLIGHTS, NAMES, hostile_mission
from tests.payloads import PAYLOADS, RUNS, elements_in

KML = {
    *("kml", "Document", "Folder", "Placemark", "name", "description", "visibility", "TimeSpan", "begin", "end"),
    *("styleUrl", "Style", "IconStyle", "LabelStyle", "LineStyle", "PolyStyle", "color", "scale", "width", "Point"),
    *("Polygon", "LineString", "LinearRing", "MultiGeometry", "outerBoundaryIs", "innerBoundaryIs", "coordinates"),
    *("altitudeMode", "extrude"),
}
COT = {"events", "event", "point", "detail", "contact", "archive", "track", "remarks"}


@pytest.fixture(scope="module")
def mission(tmp_path_factory: pytest.TempPathFactory) -> Mission:
    """The mission of hostile texts, with everything written of it that can be."""
    made = hostile_mission(tmp_path_factory.mktemp("hostile"))
    assert main(["report", str(made.root)]) == 0
    for name in FORMATS:
        assert main(["export", str(made.root), "--format", name]) == 0
    assert main(["review", str(made.root), "--export", str(made.root / "reviews.csv")]) == 0
    return made


def objects(mission: Mission) -> set[str]:
    """The names that people gave to what they marked."""
    tables = [SIGHTINGS.read(flight.sightings) for flight in mission.flights()]
    return {name for table in tables for name in table["object"].to_pylist() if name}


def test_the_texts_came_through_and_nothing_else_was_touched(mission: Mission) -> None:
    assert sorted(flight.root.name for flight in mission.flights()) == sorted(FLIGHTS)
    assert len(objects(mission)) == len(NAMES)
    said = {text for one in reviews_in(mission.root) for text in (one.note, one.officer)}
    assert len(said & set(PAYLOADS)) >= 40
    outside = {path.name for path in mission.root.parent.iterdir()} - {"north"}
    assert all(name.startswith(("pictures", "marks")) or Path(name).stem in NAMES for name in outside)


@pytest.mark.parametrize("name", ["kml", "kmz"])
def test_kml(mission: Mission, name: str) -> None:
    tree = kml_in(mission.root / FORMATS[name].file)
    only(tree, KML)
    assert all(set(elements_in(text)) <= {"br", "img"} for text in texts(tree, "description"))
    titles = " ".join(texts(tree, "name"))
    assert all(xml_text(name) in titles for name in objects(mission))


def test_cursor_on_target(mission: Mission) -> None:
    tree = ET.parse(mission.root / FORMATS["cot"].file).getroot()
    only(tree, COT)
    assert len({one.get("uid") for one in tree}) == len(list(tree))


@pytest.mark.parametrize("file", [FORMATS["csv"].file, "reviews.csv"])
def test_no_cell_is_a_formula(mission: Mission, file: str) -> None:
    with (mission.root / file).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, strict=True))
    assert len(rows) == (len(reviews_in(mission.root)) if file == "reviews.csv" else sighted(mission))
    cells = [cell for row in rows for cell in row.values()]
    assert all(isinstance(cell, str) and not cell.lstrip(" ").startswith(FORMULA_STARTS) for cell in cells)
    if file != "reviews.csv":
        assert objects(mission) <= {row["object"].removeprefix("'") for row in rows} | {row["object"] for row in rows}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("geojson", lambda content: [one["properties"]["object"] for one in content["features"]]),
        ("coco", lambda content: [one["label"] for one in content["annotations"]]),
    ],
)
def test_json(mission: Mission, name: str, shown: Callable[[Any], list[str]]) -> None:
    content = json.loads((mission.root / FORMATS[name].file).read_text(encoding="utf-8"))
    wanted = objects(mission) if name == "geojson" else set(PAYLOADS[: len(NAMES)])
    assert wanted <= set(shown(content))


def test_geopackage_and_geoparquet(mission: Mission) -> None:
    database = sqlite3.connect(mission.root / FORMATS["gpkg"].file)
    try:
        tables = {name for (name,) in database.execute("SELECT table_name FROM gpkg_contents")}
        kept = {name for (name,) in database.execute("SELECT object FROM sightings")}
    finally:
        database.close()
    assert tables <= {"sightings", "ellipses", "coverage", "gaps", "track", "frames", "about", "layer_styles"}
    assert objects(mission) <= kept
    table = pyarrow.parquet.read_table(mission.root / FORMATS["geoparquet"].file, columns=["object"])
    assert objects(mission) <= set(table["object"].to_pylist())


def test_pages_have_no_more_elements_than_plain_ones(mission: Mission, tmp_path: Path) -> None:
    write_report(ReportContent("plain", SIGHTINGS.from_rows([])), tmp_path / "report.html")
    write_plan_page(PlanContent("plain", {"type": "FeatureCollection", "features": []}, []), tmp_path / "plan.html")
    for page in (mission.report, mission.plan_page):
        found = elements_in(page.read_text(encoding="utf-8"))
        plain = elements_in((tmp_path / page.name).read_text(encoding="utf-8"))
        assert {name: found[name] for name in RUNS} == {name: plain[name] for name in RUNS}
        assert [name for name in found if name.startswith("on")] == []


def test_files_of_the_plan(mission: Mission) -> None:
    for path in sorted(mission.plan.parent.iterdir()):
        if path.suffix in (".plan", ".geojson"):
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".waypoints":
            lines = path.read_text(encoding="utf-8").splitlines()
            assert lines[0].startswith("QGC WPL 110")
            assert all(len(line.split("\t")) == 12 for line in lines[1:] if not line.startswith("#"))
        elif path.suffix in (".kml", ".kmz"):
            only(kml_in(path), KML)
        else:
            assert path == mission.plan_page


def kml_in(path: Path) -> ET.Element:
    """The tree in a KML or KMZ file, of which nothing unpacks elsewhere."""
    if path.suffix == ".kml":
        return ET.parse(path).getroot()
    with zipfile.ZipFile(path) as archive:
        assert all(not one.startswith(("/", "\\")) and ".." not in one for one in archive.namelist())
        return ET.fromstring(archive.read("doc.kml"))


def only(tree: ET.Element, wanted: set[str]) -> None:
    """No element is there but these."""
    assert {str(one.tag).rpartition("}")[2] for one in tree.iter()} <= wanted


def texts(tree: ET.Element, tag: str) -> Iterable[str]:
    """The texts of all elements of a kind."""
    return [one.text or "" for one in tree.iter() if str(one.tag).rpartition("}")[2] == tag]


def sighted(mission: Mission) -> int:
    """How many sightings there are."""
    return sum(SIGHTINGS.read(flight.sightings).num_rows for flight in mission.flights())
