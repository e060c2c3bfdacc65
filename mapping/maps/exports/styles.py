"""How QGIS draws the layers of a GeoPackage when it opens them: the table `layer_styles`, with a small QML each.

QML is QGIS's own format for styles. Only what is drawn and the labels are given; the rest are QGIS's defaults. The
colours are those of Picket's own pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from xml.etree import ElementTree as ET

import pandas

from mapping.maps.layers import OBJECT

TONES = {"person": "196,78,0", "vehicle": "0,103,168", "bicycle": "0,121,90", OBJECT: "75,79,86"}
LABEL = '"sighting_id" || \' \' || coalesce("object", "class") || \', \' || "verdict"'

_MARKER, _FILL, _LINE = ("marker", "SimpleMarker"), ("fill", "SimpleFill"), ("line", "SimpleLine")
Symbol = tuple[tuple[str, str], Mapping[str, str]]
"""The kind of a symbol (its type and the class of its one layer) and the layer's settings."""

_PLAIN: Mapping[str, Symbol] = {
    "coverage": (_FILL, {"color": "47,127,181,40", "outline_color": "47,127,181,128", "outline_width": "0.2"}),
    "gaps": (_FILL, {"color": "176,48,127,60", "outline_color": "176,48,127,255", "outline_style": "dash"}),
    "track": (_LINE, {"line_color": "111,116,123,255", "line_width": "0.4"}),
    "frames": (_MARKER, {"name": "circle", "color": "111,116,123,160", "outline_style": "no", "size": "1"}),
}


def layer_styles(layers: Sequence[str], moment: datetime) -> pandas.DataFrame:
    """The rows of `layer_styles` for these layers; `moment` is their time of change."""
    return pandas.DataFrame(
        [
            {
                "f_table_catalog": "",
                "f_table_schema": "",
                "f_table_name": name,
                "f_geometry_column": "geom",
                "styleName": f"picket {name}",
                "styleQML": style_of(name),
                "styleSLD": "",
                "useAsDefault": True,
                "description": f"How Picket draws {name}",
                "owner": "",
                "ui": "",
                "update_time": moment,
            }
            for name in layers
        ]
    )


def style_of(layer: str) -> str:
    """The QML of one of the layers a GeoPackage may hold."""
    root = ET.Element("qgis", version="3.28", styleCategories="Symbology|Labeling")
    if layer in _PLAIN:
        _renderer(root, {"": _PLAIN[layer]})
    else:
        _renderer(root, {name: _by_class(layer, tone) for name, tone in TONES.items()})
    if layer == "sightings":
        root.set("labelsEnabled", "1")
        settings = ET.SubElement(ET.SubElement(root, "labeling", type="simple"), "settings", calloutType="simple")
        text = ET.SubElement(settings, "text-style", fieldName=LABEL, isExpression="1", fontSize="8")
        ET.SubElement(text, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferColor="255,255,255,255")
        ET.SubElement(settings, "placement", placement="1", quadOffset="5", dist="2")
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode")


def _by_class(layer: str, tone: str) -> Symbol:
    if layer == "ellipses":
        return _FILL, {"color": f"{tone},40", "outline_color": f"{tone},255", "outline_width": "0.4"}
    return _MARKER, {"name": "circle", "color": f"{tone},255", "outline_color": "255,255,255,255", "size": "3"}


def _renderer(root: ET.Element, symbols: Mapping[str, Symbol]) -> None:
    """A renderer by the column `class`, or of one symbol where that is all there is."""
    single = len(symbols) == 1
    renderer = ET.SubElement(root, "renderer-v2", type="singleSymbol" if single else "categorizedSymbol")
    if not single:
        renderer.set("attr", "class")
        categories = ET.SubElement(renderer, "categories")
        for number, name in enumerate(symbols):
            ET.SubElement(
                categories, "category", value=name, label=name, symbol=str(number), type="string", render="true"
            )
    drawn = ET.SubElement(renderer, "symbols")
    for number, ((kind, class_name), settings) in enumerate(symbols.values()):
        symbol = ET.SubElement(drawn, "symbol", name=str(number), type=kind, alpha="1")
        layer = ET.SubElement(symbol, "layer", {"class": class_name, "enabled": "1", "locked": "0", "pass": "0"})
        options = ET.SubElement(layer, "Option", type="Map")
        for key, value in settings.items():
            ET.SubElement(options, "Option", type="QString", name=key, value=value)
