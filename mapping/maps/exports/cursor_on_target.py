"""Sightings as Cursor on Target events, for TAK clients and what else speaks it: one XML document of `event` elements.

After the public event schema (MITRE, version 2.0): `ce` and `le` are always set, `hae` is above the ellipsoid. The
schema would have one sigma in `ce` and `le`; TAK clients read them as 90 % errors, which are larger: these are given.
An event is dated at the moment its object was last seen, not when it was exported: that is all that is known of it.
What is not reviewed says so where nobody can miss it, in the callsign; what an officer rejected is left out, for on
somebody else's map a dot is a dot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from xml.etree import ElementTree as ET

from mapping.ground.geoid import undulation_m
from mapping.maps.exports.content import (
    DECIMALS,
    ExportContent,
    description_lines,
    has_place,
    sighting_rows,
    title,
    utc_text,
)
from mapping.maps.xmltext import write_xml, xml_text

TYPES = {"vehicle": "a-u-G-E-V", "bicycle": "a-u-G-E"}
OTHER_TYPE = "a-u-G"
"""Unknown, on the ground: of a person the symbol set has only military kinds, and nobody knows that here."""
FUSED_BY_MACHINE, SAID_BY_A_PERSON = "m-f", "h-e"
UNKNOWN = "9999999.0"
NINETY_PER_CENT = 1.6449
"""Sigmas of a normal distribution in one dimension that hold 90 %."""
GROUND_SIGMA_M = 5.0
"""Of the height of the ground: what a good elevation model has on a slope, and a flat plain without one."""
STALE_AFTER = timedelta(days=1)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def write_cot(content: ExportContent, path: Path) -> None:
    """Write the sightings that have a place and are not rejected as events. Raises VisionError where the file cannot
    be written."""
    root = ET.Element("events")
    kept = [row for row in sighting_rows(content) if has_place(row) and row["verdict"] != "rejected"]
    root.extend([event(row, content) for row in kept])
    write_xml(root, path)


def event(row: Mapping[str, Any], content: ExportContent) -> ET.Element:
    """One sighting with a place (a row of `sighting_rows`) as an event."""
    last = row["last_seen_utc"] or _NEVER
    attributes = {
        "version": "2.0",
        "uid": xml_text(f"picket.{content.source}.{row['sighting_id']}"),
        "type": TYPES.get(row["class"], OTHER_TYPE),
        "how": SAID_BY_A_PERSON if _said_by_a_person(row) else FUSED_BY_MACHINE,
        "time": utc_text(last),
        "start": utc_text(last),
        "stale": utc_text(last + STALE_AFTER),
    }
    element = ET.Element("event", attributes | ({"opex": "s"} if content.simulated else {}))
    height = row["alt_amsl_m"]
    undulation = float(undulation_m(row["lat_deg"], row["lon_deg"]))
    ET.SubElement(
        element,
        "point",
        lat=f"{row['lat_deg']:.{DECIMALS}f}",
        lon=f"{row['lon_deg']:.{DECIMALS}f}",
        hae=UNKNOWN if height is None else f"{height + undulation:.2f}",
        ce=UNKNOWN if row["ce90_m"] is None else f"{row['ce90_m']:.2f}",
        le=UNKNOWN if height is None else f"{linear_error_m(content):.2f}",
    )
    detail = ET.SubElement(element, "detail")
    ET.SubElement(detail, "contact", callsign=xml_text(("SIMULATED " if content.simulated else "") + title(row)))
    ET.SubElement(detail, "archive")
    if row["speed_m_s"] is not None:
        course = row["heading_deg"] or 0.0
        ET.SubElement(detail, "track", speed=f"{row['speed_m_s']:.2f}", course=f"{course:.1f}")
    ET.SubElement(detail, "remarks").text = xml_text("\n".join([*description_lines(row), *_admissions(row)]))
    return element


def linear_error_m(content: ExportContent) -> float:
    """The 90 % error of the height of a sighting: that of the camera's own height (the middle one of the frames) and
    that of the ground under the object, `GROUND_SIGMA_M`."""
    sigmas = content.frames["sigma_height_m"].drop_null().to_pylist() if content.frames is not None else []
    return NINETY_PER_CENT * math.hypot(median(sigmas) if sigmas else 0.0, GROUND_SIGMA_M)


def _said_by_a_person(row: Mapping[str, Any]) -> bool:
    """Whether a person marked it in the pictures or confirmed it."""
    return row["object"] is not None or row["verdict"] == "confirmed"


def _admissions(row: Mapping[str, Any]) -> list[str]:
    """What the figures of the event would otherwise hide."""
    lines = ["ce and le hold 90 %"]
    if row["alt_amsl_m"] is None:
        lines.append("Height unknown: hae and le are 9999999")
    else:
        lines.append(f"le takes the height of the ground to be known to {GROUND_SIGMA_M:.0f} m (one sigma)")
    if row["ce90_m"] is None:
        lines.append("Error of the place unknown: ce is 9999999")
    if row["last_seen_utc"] is None:
        lines.append("Time unknown: 1970 stands for it")
    return lines
