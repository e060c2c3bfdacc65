"""Plain GeoJSON as zones: polygons with a few properties that people can write by hand (`docs/formats.md`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from missions.areas.geojson import feature_properties, geometries
from missions.areas.shapes import POLYGONS, Shapes, shown
from missions.zones.fields import Fields
from missions.zones.schedule import Daily, Period
from missions.zones.zone import Restriction, Zone

_RESTRICTIONS = {
    "prohibited": Restriction.PROHIBITED,
    "authorisation": Restriction.AUTHORISATION,
    "conditional": Restriction.CONDITIONAL,
    "none": Restriction.NONE,
}


def read_plain(shapes: Shapes, content: dict[str, Any]) -> Iterator[Zone]:
    """The zones of a GeoJSON file: every polygon, or those with the role `no_fly` where features have roles. Raises
    InputError naming the feature and the property that cannot be read."""
    if content.get("type") == "FeatureCollection":
        features = content.get("features")
        if not isinstance(features, list):
            raise shapes.error("", "the collection has no features")
    else:
        features = [content if content.get("type") == "Feature" else {"type": "Feature", "geometry": content}]
    properties = [feature_properties(shapes.path, one, f"feature {n}") for n, one in enumerate(features, 1)]
    roles = any("role" in one for one in properties)
    for number, (feature, described) in enumerate(zip(features, properties, strict=True), 1):
        if roles and described.get("role") != "no_fly":
            continue
        zone = Fields(shapes.path, f"feature {number}", described)
        name = zone.text("name")
        if name:
            zone.place += f" ({name[:40]})"
        restriction = described.get("restriction") or "prohibited"
        if restriction not in _RESTRICTIONS:
            raise zone.error(f"restriction is {shown(restriction)}; use one of {', '.join(_RESTRICTIONS)}")
        for kind, coordinates in geometries(shapes.path, feature["geometry"], zone.place):
            if kind not in POLYGONS:
                raise zone.error(f"a zone cannot be a {kind}; draw a Polygon")
            for polygon in shapes.polygons(kind, coordinates, zone.place):
                yield Zone(
                    identifier=zone.text("identifier") or name or f"zone {number}",
                    name=name,
                    restriction=_RESTRICTIONS[restriction],
                    polygon=polygon,
                    lower=zone.limit("lower_m", "lower_reference", 1.0),
                    upper=zone.limit("upper_m", "upper_reference", 1.0),
                    periods=_periods(zone),
                    message=zone.text("reason") or zone.text("message"),
                )


def _periods(zone: Fields) -> tuple[Period, ...]:
    daily = Daily(zone.days("days"), zone.moment("start_time", "start_event"), zone.moment("end_time", "end_event"))
    period = Period(zone.date_time("from"), zone.date_time("until"), () if daily == Daily() else (daily,))
    return () if period == Period() else (period,)
