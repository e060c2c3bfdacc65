"""A plan as KML or KMZ for an eye in Google Earth: the sorties at their heights, transects apart from the ways between
them, the fence as walls up to its ceiling, the area, home and rally points, and the airspace's zones with their limits.
Made to be looked at: what is flown is read from the other formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from shapely.geometry import LineString, MultiLineString, Point

from mapping.maps.kml import NAMESPACE, add_folder, add_geometry, add_line_style, add_text, html_lines, write_kmz
from mapping.maps.xmltext import write_xml
from missions.plan import Plan, Position, Ring, Sortie
from missions.planning.local import lonlat_polygon

_STYLES = {
    "patrol": ("ff7b5a00", "307b5a00"),
    "border": ("ff2f2fb0", "002f2fb0"),
    "no_fly": ("ff1f3fd0", "501f3fd0"),
    "zone_closed": ("ff7f30b0", "407f30b0"),
    "zone_beneath": ("ff7f30b0", "187f30b0"),
    "zone_open": ("a07f30b0", "007f30b0"),
    "fence": ("ff3090c0", "203090c0"),
    "transect": ("ff20d0ff", "0020d0ff"),
    "leg": ("ffc0c0c0", "00c0c0c0"),
}
"""Line and fill as KML writes colours: opacity, blue, green, red."""


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write the plan as KML, or as KMZ where `path` ends so; the same plan gives the same bytes. Raises VisionError
    where it cannot be written."""
    target = Path(path)
    if target.suffix.lower() == ".kmz":
        write_kmz(document(plan), {}, target)
    else:
        write_xml(document(plan), target)


def document(plan: Plan) -> ET.Element:
    """The KML tree of a plan. Heights are above the ground of Google Earth, which is not that of take-off on hills."""
    root = ET.Element("kml", xmlns=NAMESPACE)
    top = ET.SubElement(root, "Document")
    add_text(top, "name", plan.name)
    add_text(top, "description", html_lines(_facts(plan)))
    for name, (line, fill) in _STYLES.items():
        style = ET.SubElement(top, "Style", id=name)
        add_line_style(style, line)
        add_text(ET.SubElement(style, "PolyStyle"), "color", fill)
    _area(add_folder(top, "Area"), plan)
    if plan.zones:
        _zones(add_folder(top, "Air zones"), plan)
    _fence(add_folder(top, "Fence"), plan)
    for sortie in plan.sorties:
        _sortie(add_folder(top, f"Sortie {sortie.number}"), plan, sortie)
    return root


def _facts(plan: Plan) -> list[str]:
    return [
        f"{len(plan.sorties)} sorties of {plan.drone} with {plan.camera}, {plan.gsd_cm:.1f} cm per pixel",
        f"fence: {plan.fence.vertex_count} vertices, ceiling {plan.fence.alt_max_home_m:.0f} m above take-off, "
        f"nearest {plan.fence.min_clearance_m:.1f} m",
        *plan.notes,
    ]


def _area(folder: ET.Element, plan: Plan) -> None:
    for rings in plan.patrol:
        add_geometry(_placemark(folder, "patrol area", "patrol"), lonlat_polygon(rings))
    for rings in plan.no_fly:
        add_geometry(_placemark(folder, "no-fly zone", "no_fly"), lonlat_polygon(rings))
    for line in plan.border:
        add_geometry(_placemark(folder, "border", "border"), LineString(_lonlat(line)))
    for name, place in (("home", plan.home), *((f"rally {n}", one) for n, one in enumerate(plan.rally, 1))):
        add_geometry(_placemark(folder, name), Point(place.lon_deg, place.lat_deg))


def _zones(folder: ET.Element, plan: Plan) -> None:
    for zone in plan.zones:
        mark = _placemark(folder, zone.title, f"zone_{zone.way}", zone.limits)
        add_geometry(mark, lonlat_polygon(zone.rings))


def _fence(folder: ET.Element, plan: Plan) -> None:
    rings = [*((ring, "inclusion") for ring in plan.fence.inclusion), *((r, "exclusion") for r in plan.fence.exclusion)]
    for ring, name in rings:
        mark = _placemark(folder, name, "fence" if name == "inclusion" else "no_fly")
        wall = LineString([(lon, lat, plan.fence.alt_max_home_m) for lon, lat in _lonlat((*ring, ring[0]))])
        add_geometry(mark, wall, "relativeToGround", extruded=True)


def _sortie(folder: ET.Element, plan: Plan, sortie: Sortie) -> None:
    add_text(
        folder,
        "description",
        f"{sortie.flight_time_s / 60:.0f} min, {sortie.distance_m / 1000:.1f} km, {sortie.photos} photos, "
        f"{sortie.battery_used_pct:.0f} % of the battery",
    )
    height_m = sortie.waypoints[0].alt_home_m if sortie.waypoints else plan.height_home_m
    here = (plan.home.lon_deg, plan.home.lat_deg, height_m)
    imaging = False
    lines: dict[str, list[LineString]] = {"transect": [], "leg": []}
    for waypoint in sortie.waypoints:
        there = (waypoint.lon_deg, waypoint.lat_deg, waypoint.alt_home_m)
        if there != here:
            lines["transect" if imaging else "leg"].append(LineString([here, there]))
        here = there
        if waypoint.camera is not None:
            imaging = waypoint.camera == "on"
    for style, words in (("leg", "ways between"), ("transect", "photographed along")):
        if lines[style]:
            add_geometry(_placemark(folder, words, style), MultiLineString(lines[style]), "relativeToGround")
    point = sortie.point_of_no_return
    if point is not None:
        name = f"least battery to turn home: {point.battery_needed_pct:.0f} %"
        add_geometry(_placemark(folder, name), Point(point.lon_deg, point.lat_deg))


def _placemark(folder: ET.Element, name: str, style: str = "", description: str = "") -> ET.Element:
    mark = ET.SubElement(folder, "Placemark")
    add_text(mark, "name", name)
    if description:
        add_text(mark, "description", html_lines([description]))
    if style:
        add_text(mark, "styleUrl", f"#{style}")
    return mark


def _lonlat(positions: Sequence[Position] | Ring) -> list[tuple[float, float]]:
    return [(place.lon_deg, place.lat_deg) for place in positions]
