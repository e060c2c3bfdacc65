from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mapping.maps.exports.content import ExportContent
from mapping.maps.exports.keyhole import NAMESPACE, write_kml, write_kmz

Make = Callable[..., ExportContent]
KML = {"k": NAMESPACE}


def tree(content: ExportContent, path: Path) -> ET.Element:
    write_kml(content, path)
    return ET.parse(path).getroot()


def folder(root: ET.Element, name: str) -> ET.Element:
    (found,) = [one for one in root.iterfind(".//k:Folder", KML) if one.findtext("k:name", "", KML) == name]
    return found


def test_a_folder_for_each_class_with_point_and_ellipse(content: Make, tmp_path: Path) -> None:
    root = tree(content({}, {"class": "vehicle"}, {"class": "object", "object": "barrel"}), tmp_path / "out.kml")
    assert root.tag == f"{{{NAMESPACE}}}kml"
    names = [one.findtext("k:name", "", KML) for one in root.iterfind(".//k:Folder", KML)]
    assert names == ["People", "Vehicles", "Objects", "Ground looked at", "Gaps"]
    point, ellipse = folder(root, "People").findall("k:Placemark", KML)
    assert point.findtext("k:name", "", KML) == "S-1 person, not reviewed"
    assert point.findtext(".//k:coordinates", "", KML) == "88.8950000,23.0400000"
    ring = ellipse.findtext(".//k:LinearRing/k:coordinates", "", KML).split()
    assert len(ring) > 36
    assert ring[0] == ring[-1]
    styles = {f"#{style.get('id')}" for style in root.iterfind(".//k:Style", KML)}
    assert {one.text for one in root.iterfind(".//k:styleUrl", KML)} <= styles


def test_times_are_absolute(content: Make, tmp_path: Path) -> None:
    root = tree(content({}), tmp_path / "out.kml")
    times = [one.text or "" for tag in ("begin", "end") for one in root.iterfind(f".//k:{tag}", KML)]
    assert times
    assert all(datetime.fromisoformat(time).utcoffset() is not None for time in times)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a & b", "]]>", "\x00\x0b", "${x}"])
def test_foreign_text_stays_text(content: Make, tmp_path: Path, text: str) -> None:
    root = tree(content({"object": text, "class": "object"}, source="<b>"), tmp_path / "out.kml")
    said = folder(root, "Objects").findtext("k:Placemark/k:description", "", KML)
    assert "<script>" not in said
    if text == "a & b":
        assert "(a &amp; b)" in said


def test_a_kmz_carries_the_pictures(content: Make, tmp_path: Path) -> None:
    write_kmz(content({}, {}, thumbnails={"S-1": b"jpeg"}), tmp_path / "out.kmz")
    with zipfile.ZipFile(tmp_path / "out.kmz") as archive:
        assert archive.namelist() == ["doc.kml", "pictures/00001.jpg"]
        assert archive.read("pictures/00001.jpg") == b"jpeg"
        assert ET.fromstring(archive.read("doc.kml")).tag == f"{{{NAMESPACE}}}kml"
        assert archive.read("doc.kml").count(b"pictures/00001.jpg") == 1
