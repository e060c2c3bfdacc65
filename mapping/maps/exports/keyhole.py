"""Sightings as KML for Google Earth and whatever else reads it, or as KMZ with their pictures.

A folder for each class with a point and an ellipse for every sighting, then what was looked at, the gaps and the track.
Everything lies on the ground but the track, whose heights are above mean sea level as KML has them. What an officer
rejected is there, but not shown until it is ticked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import shapely

from mapping.ground.searched import CoveragePiece
from mapping.maps.exports.content import (
    ExportContent,
    description_lines,
    ellipse_polygon,
    has_place,
    sighting_rows,
    title,
    track_lines,
    utc_text,
)
from mapping.maps.kml import (
    NAMESPACE,
    add_folder,
    add_geometry,
    add_line_style,
    add_text,
    coordinates_text,
    html_lines,
)
from mapping.maps.kml import (
    write_kmz as write_archive,
)
from mapping.maps.layers import OBJECT
from mapping.maps.wording import PLURALS, REPORT_STATEMENT
from mapping.maps.xmltext import write_xml
from vision.classes import CLASSES

COLOURS = {"person": "004ec4", "vehicle": "a86700", "bicycle": "5a7900", OBJECT: "564f4b"}
"""Blue, green, red, as KML writes them after the opacity."""
GROUND_STYLES = {
    "coverage": ("30b57f2f", "80b57f2f"),
    "imaged": ("205c6168", "805c6168"),
    "gaps": ("407f30b0", "ff7f30b0"),
}


def write_kml(content: ExportContent, path: Path) -> None:
    """Write the sightings as KML 2.2. Raises VisionError where the file cannot be written."""
    write_xml(document(content), path)


def write_kmz(content: ExportContent, path: Path) -> None:
    """Write the sightings as KMZ: the KML and the pictures of `content.thumbnails`, which Google Earth shows in each
    sighting's balloon. Raises VisionError where the file cannot be written."""
    pictures = {name: f"pictures/{number:05d}.jpg" for number, name in enumerate(content.thumbnails, 1)}
    write_archive(document(content, pictures), {pictures[name]: content.thumbnails[name] for name in pictures}, path)


def document(content: ExportContent, pictures: Mapping[str, str] | None = None) -> ET.Element:
    """The KML tree; `pictures` are links by sighting id."""
    root = ET.Element("kml", xmlns=NAMESPACE)
    top = ET.SubElement(root, "Document")
    add_text(top, "name", f"{content.source}: sightings")
    add_text(top, "description", html_lines([REPORT_STATEMENT, *content.notes, f"Made by {content.software}"]))
    _styles(top)
    rows = list(sighting_rows(content))
    for name in (*CLASSES, OBJECT):
        own = [row for row in rows if (row["class"] if row["class"] in CLASSES else OBJECT) == name]
        if own:
            folder = add_folder(top, PLURALS.get(name, f"{name}s").capitalize())
            for row in own:
                _sighting(folder, row, name, (pictures or {}).get(row["sighting_id"]))
    _ground(top, "Ground looked at", "coverage", content.coverage.of("searched"))
    _ground(top, "Photographed, not searched", "imaged", content.coverage.of("imaged"))
    _ground(top, "Gaps", "gaps", content.coverage.of("gap"))
    _tracks(top, content)
    return root


def _sighting(folder: ET.Element, row: Mapping[str, Any], name: str, picture: str | None) -> None:
    if not has_place(row):
        return
    shape = ellipse_polygon(row)
    for what, geometry in (("", shapely.Point(row["lon_deg"], row["lat_deg"])), (" (95 % ellipse)", shape)):
        if geometry is not None:
            mark = ET.SubElement(folder, "Placemark")
            add_text(mark, "name", title(row) + what)
            if row["verdict"] == "rejected":
                add_text(mark, "visibility", "0")
            image = f'<img src="{picture}" width="160" height="160"/><br/>' if picture and not what else ""
            add_text(mark, "description", image + html_lines(description_lines(row)))
            _times(mark, row["first_seen_utc"], row["last_seen_utc"])
            add_text(mark, "styleUrl", f"#{name}")
            add_geometry(mark, geometry)


def _ground(top: ET.Element, words: str, style: str, parts: Sequence[CoveragePiece]) -> None:
    folder = add_folder(top, words) if parts else None
    for number, part in enumerate(parts, 1):
        mark = ET.SubElement(folder, "Placemark")  # type: ignore[arg-type]
        add_text(mark, "name", f"{words} {number}" if len(parts) > 1 else words)
        known = [f"{key}: {value}" for key, value in part.properties.items() if value is not None]
        add_text(mark, "description", html_lines(known))
        add_text(mark, "styleUrl", f"#{style}")
        add_geometry(mark, part.geometry)


def _tracks(top: ET.Element, content: ExportContent) -> None:
    for name, points in track_lines(content).items():
        mark = ET.SubElement(top, "Placemark")
        add_text(mark, "name", f"Flown track {name}")
        times = [moment for moment in content.tracks[name]["time_utc"].to_pylist() if moment]
        _times(mark, min(times, default=None), max(times, default=None))
        add_text(mark, "styleUrl", "#track")
        line = ET.SubElement(mark, "LineString")
        add_text(line, "altitudeMode", "absolute" if points.shape[1] == 3 else "clampToGround")
        add_text(line, "coordinates", coordinates_text(points))


def _styles(top: ET.Element) -> None:
    for name, tone in COLOURS.items():
        style = ET.SubElement(top, "Style", id=name)
        icon = ET.SubElement(style, "IconStyle")
        add_text(icon, "color", f"ff{tone}")
        add_text(ET.SubElement(style, "LabelStyle"), "scale", "0.8")
        add_line_style(style, f"ff{tone}")
        add_text(ET.SubElement(style, "PolyStyle"), "color", f"40{tone}")
    for name, (fill, line) in GROUND_STYLES.items():
        style = ET.SubElement(top, "Style", id=name)
        add_line_style(style, line)
        add_text(ET.SubElement(style, "PolyStyle"), "color", fill)
    add_line_style(ET.SubElement(top, "Style", id="track"), "ff7b746f")


def _times(mark: ET.Element, first: datetime | None, last: datetime | None) -> None:
    if first is not None and last is not None:
        span = ET.SubElement(mark, "TimeSpan")
        add_text(span, "begin", utc_text(first))
        add_text(span, "end", utc_text(last))
