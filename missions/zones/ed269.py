"""ED-269 files: the data model of EUROCAE's minimum operational performance standard for geofencing (2020), as
authorities publish it, with the zones in `UASZoneList` or in `features`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shapely.geometry import Polygon

from missions.areas.qgroundcontrol import circle_ring
from missions.areas.shapes import Shapes, shown
from missions.zones.fields import Fields, HeightFields, zones_of
from missions.zones.schedule import Period
from missions.zones.zone import Zone

_HEIGHTS = HeightFields("lowerLimit", "lowerVerticalReference", "upperLimit", "upperVerticalReference", "uomDimensions")


def is_ed269(content: dict[str, Any]) -> bool:
    """Whether a parsed file follows ED-269."""
    features = content.get("features")
    return isinstance(content.get("UASZoneList"), list) or (
        content.get("type") != "FeatureCollection"
        and isinstance(features, list)
        and any(isinstance(one, dict) and isinstance(one.get("geometry"), list) for one in features)
    )


def read_ed269(shapes: Shapes, content: dict[str, Any]) -> Iterator[Zone]:
    """The zones, one for each volume. Raises InputError naming the zone and the field that cannot be read."""
    name = "UASZoneList" if "UASZoneList" in content else "features"
    for number, described in enumerate(content[name], 1):
        zone = Fields(shapes.path, f"{name}, zone {number}", described)
        identifier, restriction = zone.identifier(number), zone.restriction("restriction")
        volumes = zone.parts("geometry")
        if not volumes:
            raise zone.error("it has no geometry")
        periods = _periods(zone)
        for volume in volumes:
            polygons = _polygons(shapes, volume)
            yield from zones_of(zone, identifier, restriction, periods, volume, _HEIGHTS, polygons)


def _periods(zone: Fields) -> tuple[Period, ...]:
    """The times of a zone; none where it is permanent."""
    applicability = zone.parts("applicability")
    if not applicability or any(str(one.values.get("permanent")).upper() in ("YES", "TRUE") for one in applicability):
        return ()
    return tuple(one.period() for one in applicability)


def _polygons(shapes: Shapes, volume: Fields) -> list[Polygon]:
    projection = volume.part("horizontalProjection", volume.values.get("horizontalProjection"))
    kind = projection.values.get("type")
    if kind == "Polygon":
        return shapes.polygons("Polygon", projection.values.get("coordinates"), projection.place)
    if kind != "Circle":
        raise projection.error(f"type is {shown(kind)}; use Polygon or Circle")
    return circle(shapes, projection, projection.values.get("center", projection.values.get("centre")))


def circle(shapes: Shapes, fields: Fields, centre: Any) -> list[Polygon]:
    """The polygon that holds the circle round `centre` with the field `radius` in metres."""
    radius_m = fields.number("radius")
    if radius_m is None or not 0.0 < radius_m < 1e6:
        raise fields.error(f"radius is {shown(fields.values.get('radius'))}; give it in metres")
    lon, lat = shapes.position(centre, fields.place)
    return [Polygon(circle_ring([lon, lat], radius_m, outside=True))]
