"""An area as GeoJSON in longitude and latitude, whatever reference system it was drawn in.

Reading what officers draw is `missions.areas`; this writes what was understood of it.
"""

from __future__ import annotations

import json
from typing import Any

from shapely.geometry import Point, mapping
from shapely.geometry.base import BaseGeometry

from missions.areas.area import Area


def text_of(area: Area) -> str:
    """The area as a FeatureCollection whose features carry their `role`; empty roles are left out."""
    shapes: list[tuple[str, BaseGeometry]] = [("patrol", area.patrol), ("border", area.border), ("no_fly", area.no_fly)]
    if area.home is not None:
        shapes.append(("home", Point(area.home.lon_deg, area.home.lat_deg)))
    shapes += [("rally", Point(place.lon_deg, place.lat_deg)) for place in area.rally]
    features: list[dict[str, Any]] = [
        {"type": "Feature", "properties": {"role": role}, "geometry": mapping(shape)}
        for role, shape in shapes
        if not shape.is_empty
    ]
    content = {"type": "FeatureCollection", "name": area.name, "features": features}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
