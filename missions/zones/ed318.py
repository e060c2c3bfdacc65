"""ED-318 files: EUROCAE's technical specification for geographical zones (2024), a GeoJSON FeatureCollection whose
geometries carry a `layer` of heights and whose circles are points with an `extent`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shapely.geometry import Polygon

from missions.areas.geojson import feature_properties
from missions.areas.shapes import Shapes, shown
from missions.zones.ed269 import circle
from missions.zones.fields import Fields, HeightFields, is_restriction, zones_of
from missions.zones.zone import Zone

_HEIGHTS = HeightFields("lower", "lowerReference", "upper", "upperReference", "uom")


def is_ed318(content: dict[str, Any]) -> bool:
    """Whether a parsed GeoJSON file follows ED-318: its features name the kind of zone they are."""
    features = content.get("features")
    return content.get("type") == "FeatureCollection" and any(
        isinstance(one, dict)
        and isinstance(one.get("properties"), dict)
        and is_restriction(one["properties"].get("type"))
        for one in (features if isinstance(features, list) else [])
    )


def read_ed318(shapes: Shapes, content: dict[str, Any]) -> Iterator[Zone]:
    """The zones, one for each layer. Raises InputError naming the feature and the field that cannot be read."""
    for number, feature in enumerate(content["features"], 1):
        place = f"feature {number}"
        properties = feature_properties(shapes.path, feature, place)
        zone = Fields(shapes.path, place, properties)
        identifier, restriction = zone.identifier(number), zone.restriction("type")
        periods = tuple(one.period() for one in zone.parts("limitedApplicability"))
        for volume in _volumes(zone.part("geometry", feature["geometry"])):
            layer = volume.part("layer", volume.values.get("layer") or {})
            polygons = _polygons(shapes, volume)
            yield from zones_of(zone, identifier, restriction, periods, layer, _HEIGHTS, polygons)


def _volumes(geometry: Fields) -> list[Fields]:
    """A geometry, or the members of a collection."""
    return geometry.parts("geometries") if geometry.values.get("type") == "GeometryCollection" else [geometry]


def _polygons(shapes: Shapes, volume: Fields) -> list[Polygon]:
    kind, coordinates = volume.values.get("type"), volume.values.get("coordinates")
    if kind in ("Polygon", "MultiPolygon"):
        return shapes.polygons(kind, coordinates, volume.place)
    if kind != "Point":
        raise volume.error(f"type is {shown(kind)}; use Polygon, MultiPolygon or a Point with an extent")
    return circle(shapes, volume.part("extent", volume.values.get("extent")), coordinates)
