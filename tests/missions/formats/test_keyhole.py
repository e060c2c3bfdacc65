"""A plan in Google Earth: every sortie at its height, the fence as walls, and nothing of a name is markup."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from missions.formats.keyhole import write_plan
from missions.plan import AirZone, Plan

KML = "{http://www.opengis.net/kml/2.2}"


def names(root: ET.Element, kind: str) -> list[str]:
    return [one.findtext(f"{KML}name") or "" for one in root.iter(f"{KML}{kind}")]


def test_sorties_area_and_fence_are_all_there(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.kml"
    write_plan(plan, path)
    root = ET.parse(path).getroot()
    assert names(root, "Folder") == ["Area", "Fence", *(f"Sortie {one.number}" for one in plan.sorties)]
    marks = names(root, "Placemark")
    assert marks.count("photographed along") == len(plan.sorties)
    assert marks.count("inclusion") == len(plan.fence.inclusion)
    walls = [one for one in root.iter(f"{KML}LineString") if one.findtext(f"{KML}extrude") == "1"]
    heights = {float(text.split(",")[2]) for one in walls for text in (one.findtext(f"{KML}coordinates") or "").split()}
    assert heights == {round(plan.fence.alt_max_home_m, 2)}
    flown = [
        one
        for one in root.iter(f"{KML}LineString")
        if one.find(f"{KML}extrude") is None and one.find(f"{KML}altitudeMode") is not None
    ]
    assert sum(1 for _ in flown) >= sum(len(one.waypoints) - 1 for one in plan.sorties)


def test_zones_of_the_airspace_stand_there_with_their_name_and_limits(plan: Plan, tmp_path: Path) -> None:
    ring = plan.patrol[0]
    zone = AirZone("Z1 (Airfield)", ring, "flying is prohibited", "from the ground up", "closed", "ask <the tower>")
    path = tmp_path / "plan.kml"
    write_plan(replace(plan, zones=(zone,)), path)
    folder = next(
        one for one in ET.parse(path).getroot().iter(f"{KML}Folder") if one.findtext(f"{KML}name") == "Air zones"
    )
    mark = folder.find(f"{KML}Placemark")
    assert mark is not None
    assert mark.findtext(f"{KML}name") == "Z1 (Airfield)"
    said = "flying is prohibited from the ground up; ask &lt;the tower&gt;"
    assert mark.findtext(f"{KML}description") == said


def test_kmz_holds_the_same_and_is_byte_identical(plan: Plan, tmp_path: Path) -> None:
    for name in ("a.kmz", "b.kmz"):
        write_plan(plan, tmp_path / name)
    assert (tmp_path / "a.kmz").read_bytes() == (tmp_path / "b.kmz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.kmz") as archive:
        root = ET.fromstring(archive.read("doc.kml"))
    assert "inclusion" in names(root, "Placemark")


def test_names_stay_text(plan: Plan, tmp_path: Path) -> None:
    odd = replace(plan, name="<script>alert(1)</script>\x00", notes=("<img src=x onerror=alert(1)>",))
    path = tmp_path / "odd.kml"
    write_plan(odd, path)
    document = ET.parse(path).getroot()[0]
    assert document.findtext(f"{KML}name") == "<script>alert(1)</script>\ufffd"
    assert "<img" not in (document.findtext(f"{KML}description") or "")
