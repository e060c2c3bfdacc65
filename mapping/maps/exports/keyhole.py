"""Sightings as KML for Google Earth and whatever else reads it, or as KMZ with their pictures.

A folder for each class with a point and an ellipse for every sighting, then what was looked at, the gaps and the track.
Everything lies on the ground but the track, whose heights are above mean sea level as KML has them.
"""

from __future__ import annotations

import html
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mapping.maps.exports.content import (
    DECIMALS,
    ExportContent,
    Ground,
    description_lines,
    ellipse_polygon,
    has_place,
    sighting_rows,
    title,
    track_lines,
    utc_text,
)
from mapping.maps.exports.xmltext import write_xml, xml_text
from mapping.maps.layers import OBJECT
from mapping.maps.wording import PLURALS, REPORT_STATEMENT
from vision.classes import CLASSES
from vision.files import whole_file

NAMESPACE = "http://www.opengis.net/kml/2.2"
COLOURS = {"person": "004ec4", "vehicle": "a86700", "bicycle": "5a7900", OBJECT: "564f4b"}
"""Blue, green, red, as KML writes them after the opacity."""
GROUND_STYLES = {"coverage": ("30b57f2f", "80b57f2f"), "gaps": ("407f30b0", "ff7f30b0")}
_FIRST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def write_kml(content: ExportContent, path: Path) -> None:
    """Write the sightings as KML 2.2. Raises VisionError where the file cannot be written."""
    write_xml(document(content), path)


def write_kmz(content: ExportContent, path: Path) -> None:
    """Write the sightings as KMZ: the KML and the pictures of `content.thumbnails`, which Google Earth shows in each
    sighting's balloon. Raises VisionError where the file cannot be written."""
    pictures = {name: f"pictures/{number:05d}.jpg" for number, name in enumerate(content.thumbnails, 1)}
    root = document(content, pictures)
    ET.indent(root, " ")
    entries = {"doc.kml": ET.tostring(root, encoding="utf-8", xml_declaration=True)}
    entries |= {pictures[name]: picture for name, picture in content.thumbnails.items()}
    with whole_file(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _FIRST_ZIP_DATE), data, zipfile.ZIP_DEFLATED)


def document(content: ExportContent, pictures: Mapping[str, str] | None = None) -> ET.Element:
    """The KML tree; `pictures` are links by sighting id."""
    root = ET.Element("kml", xmlns=NAMESPACE)
    top = ET.SubElement(root, "Document")
    _text(top, "name", f"{content.source}: sightings")
    _text(top, "description", _lines([REPORT_STATEMENT, *content.notes, f"Made by {content.software}"]))
    _styles(top)
    rows = list(sighting_rows(content))
    for name in (*CLASSES, OBJECT):
        own = [row for row in rows if (row["class"] if row["class"] in CLASSES else OBJECT) == name]
        if own:
            folder = _folder(top, PLURALS.get(name, f"{name}s").capitalize())
            for row in own:
                _sighting(folder, row, name, (pictures or {}).get(row["sighting_id"]))
    _ground(top, "Ground looked at", "coverage", content.covered)
    _ground(top, "Gaps", "gaps", content.gaps)
    _tracks(top, content)
    return root


def _sighting(folder: ET.Element, row: Mapping[str, Any], name: str, picture: str | None) -> None:
    if not has_place(row):
        return
    shape = ellipse_polygon(row)
    for what, geometry in (("", shapely.Point(row["lon_deg"], row["lat_deg"])), (" (95 % ellipse)", shape)):
        if geometry is not None:
            mark = ET.SubElement(folder, "Placemark")
            _text(mark, "name", title(row) + what)
            image = f'<img src="{picture}" width="160" height="160"/><br/>' if picture and not what else ""
            _text(mark, "description", image + _lines(description_lines(row)))
            _times(mark, row["first_seen_utc"], row["last_seen_utc"])
            _text(mark, "styleUrl", f"#{name}")
            _geometry(mark, geometry)


def _ground(top: ET.Element, words: str, style: str, parts: Sequence[Ground]) -> None:
    folder = _folder(top, words) if parts else None
    for number, part in enumerate(parts, 1):
        mark = ET.SubElement(folder, "Placemark")  # type: ignore[arg-type]
        _text(mark, "name", f"{words} {number}" if len(parts) > 1 else words)
        known = [f"{key}: {value}" for key, value in part.facts.items() if value is not None]
        _text(mark, "description", _lines(known))
        _text(mark, "styleUrl", f"#{style}")
        _geometry(mark, part.geometry)


def _tracks(top: ET.Element, content: ExportContent) -> None:
    for name, points in track_lines(content).items():
        mark = ET.SubElement(top, "Placemark")
        _text(mark, "name", f"Flown track {name}")
        times = [moment for moment in content.tracks[name]["time_utc"].to_pylist() if moment]
        _times(mark, min(times, default=None), max(times, default=None))
        _text(mark, "styleUrl", "#track")
        line = ET.SubElement(mark, "LineString")
        _text(line, "altitudeMode", "absolute" if points.shape[1] == 3 else "clampToGround")
        _text(line, "coordinates", _coordinates(points))


def _styles(top: ET.Element) -> None:
    for name, tone in COLOURS.items():
        style = ET.SubElement(top, "Style", id=name)
        icon = ET.SubElement(style, "IconStyle")
        _text(icon, "color", f"ff{tone}")
        _text(ET.SubElement(style, "LabelStyle"), "scale", "0.8")
        _line_style(style, f"ff{tone}")
        _text(ET.SubElement(style, "PolyStyle"), "color", f"40{tone}")
    for name, (fill, line) in GROUND_STYLES.items():
        style = ET.SubElement(top, "Style", id=name)
        _line_style(style, line)
        _text(ET.SubElement(style, "PolyStyle"), "color", fill)
    _line_style(ET.SubElement(top, "Style", id="track"), "ff7b746f")


def _line_style(style: ET.Element, colour: str) -> None:
    line = ET.SubElement(style, "LineStyle")
    _text(line, "color", colour)
    _text(line, "width", "2")


def _geometry(mark: ET.Element, geometry: BaseGeometry) -> None:
    parts = shapely.get_parts(geometry)
    parent = mark if len(parts) == 1 else ET.SubElement(mark, "MultiGeometry")
    for part in parts:
        if part.geom_type == "Point":
            _text(ET.SubElement(parent, "Point"), "coordinates", _coordinates(shapely.get_coordinates(part)))
        elif part.geom_type == "Polygon":
            polygon = ET.SubElement(parent, "Polygon")
            for ring in (part.exterior, *part.interiors):
                boundary = ET.SubElement(polygon, "outerBoundaryIs" if ring is part.exterior else "innerBoundaryIs")
                _text(ET.SubElement(boundary, "LinearRing"), "coordinates", _coordinates(np.asarray(ring.coords)))


def _coordinates(points: np.ndarray) -> str:
    return " ".join(
        f"{x:.{DECIMALS}f},{y:.{DECIMALS}f}" + "".join(f",{height:.2f}" for height in rest) for x, y, *rest in points
    )


def _times(mark: ET.Element, first: datetime | None, last: datetime | None) -> None:
    if first is not None and last is not None:
        span = ET.SubElement(mark, "TimeSpan")
        _text(span, "begin", utc_text(first))
        _text(span, "end", utc_text(last))


def _folder(top: ET.Element, name: str) -> ET.Element:
    folder = ET.SubElement(top, "Folder")
    _text(folder, "name", name)
    return folder


def _lines(lines: Sequence[str]) -> str:
    """Lines as what KML calls a description: HTML, in which nothing of the text is markup."""
    return "<br/>".join(html.escape(line) for line in lines)


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = xml_text(text)
