"""The elements of KML 2.2 (OGC 07-147r2) that every KML file of Picket is made of, and KMZ archives. What is put into
them is the subject of those who write them."""

from __future__ import annotations

import html
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mapping.maps.xmltext import xml_text
from vision.files import whole_file

NAMESPACE = "http://www.opengis.net/kml/2.2"
DECIMALS = 7
_FIRST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def add_text(parent: ET.Element, tag: str, text: str) -> None:
    """Add an element that holds text and nothing else."""
    ET.SubElement(parent, tag).text = xml_text(text)


def add_folder(parent: ET.Element, name: str) -> ET.Element:
    """Add a folder; returns it."""
    folder = ET.SubElement(parent, "Folder")
    add_text(folder, "name", name)
    return folder


def add_line_style(style: ET.Element, colour: str) -> None:
    """Add the style of lines: `colour` is opacity, blue, green, red, two hexadecimal digits each."""
    line = ET.SubElement(style, "LineStyle")
    add_text(line, "color", colour)
    add_text(line, "width", "2")


def add_geometry(mark: ET.Element, geometry: BaseGeometry, altitude_mode: str = "", *, extruded: bool = False) -> None:
    """Add points, lines and polygons in longitude and latitude (and height, where they have one). `altitude_mode` says
    what heights are above (`absolute`, `relativeToGround`); without it everything lies on the ground. `extruded` lines
    are walls down to it."""
    parts = shapely.get_parts(geometry)
    parent = mark if len(parts) == 1 else ET.SubElement(mark, "MultiGeometry")
    for part in parts:
        shape = ET.SubElement(parent, part.geom_type)
        if extruded:
            add_text(shape, "extrude", "1")
        if altitude_mode:
            add_text(shape, "altitudeMode", altitude_mode)
        if part.geom_type == "Polygon":
            for ring in (part.exterior, *part.interiors):
                boundary = ET.SubElement(shape, "outerBoundaryIs" if ring is part.exterior else "innerBoundaryIs")
                add_text(
                    ET.SubElement(boundary, "LinearRing"), "coordinates", coordinates_text(np.asarray(ring.coords))
                )
        else:
            add_text(shape, "coordinates", coordinates_text(np.asarray(part.coords)))


def coordinates_text(points: np.ndarray) -> str:
    """Rows of longitude, latitude and perhaps height as KML writes them."""
    return " ".join(
        f"{x:.{DECIMALS}f},{y:.{DECIMALS}f}" + "".join(f",{height:.2f}" for height in rest) for x, y, *rest in points
    )


def html_lines(lines: Sequence[str]) -> str:
    """Lines as what KML calls a description: HTML, in which nothing of the text is markup."""
    return "<br/>".join(html.escape(line) for line in lines)


def write_kmz(root: ET.Element, files: Mapping[str, bytes], path: Path) -> None:
    """Write a KML tree and the `files` it links to as KMZ; the same content gives the same bytes. Raises VisionError
    where it cannot be written."""
    ET.indent(root, " ")
    entries = {"doc.kml": ET.tostring(root, encoding="utf-8", xml_declaration=True), **files}
    with whole_file(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _FIRST_ZIP_DATE), data, zipfile.ZIP_DEFLATED)
