"""Reading an area from a file of any format people have, settling which part plays which role.

The formats are `geojson`, `layers` and `qgroundcontrol`; checking and mending coordinates is `shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from shapely.geometry import LineString, MultiLineString

from missions.areas.area import ROLES, Area, check_area, role_named
from missions.areas.features import Content, Feature
from missions.areas.geojson import projection, read_geojson
from missions.areas.layers import SUFFIXES, read_layers
from missions.areas.qgroundcontrol import read_qgroundcontrol
from missions.areas.shapes import POLYGONS, Shapes, turned_near, united
from vision.errors import InputError
from vision.files import read_json

_KINDS = {
    "patrol": POLYGONS,
    "no_fly": POLYGONS,
    "border": ("LineString", "MultiLineString", *POLYGONS),
    "home": ("Point",),
    "rally": ("Point", "MultiPoint"),
}


def read_area(path: str | Path, roles: Mapping[str, str] = MappingProxyType({})) -> Area:
    """The area in a file: GeoJSON, KML, KMZ, GeoPackage, Shapefile or QGroundControl's `.plan`.

    The role of a feature comes from `roles` (the name of a feature or a layer -> role), its property `role`, its own
    name or its layer's, in this order; polygons without one are the patrol area where nothing else is. Any reference
    system that the file names is obeyed. Raises InputError, naming the feature, for what cannot be an area.
    """
    path = Path(path)
    if path.suffix.lower() in SUFFIXES:
        return _read(path, read_layers(path), Shapes(path), roles)
    what = "a GeoJSON, KML, KMZ, GeoPackage, Shapefile or .plan file with the area"
    return area_in(path, read_json(path, what), roles)


def area_in(path: Path, document: dict[str, Any], roles: Mapping[str, str] = MappingProxyType({})) -> Area:
    """The area in JSON that was read already, GeoJSON or QGroundControl's; messages name it `path`. Else as
    `read_area`."""
    shapes = Shapes(path)
    if document.get("fileType") == "Plan":
        return _read(path, read_qgroundcontrol(path, document), shapes, roles)
    content = read_geojson(path, document)
    shapes.project = projection(path, document)
    return _read(path, content, shapes, roles)


def _read(path: Path, content: Content, shapes: Shapes, roles: Mapping[str, str]) -> Area:
    """The area of these features."""
    features = _settled(path, content, roles)
    by_role = {role: [feature for feature in features if feature.role == role] for role in ROLES}
    for feature in features:
        kinds = _KINDS[str(feature.role)]
        if feature.kind not in kinds:
            raise InputError(
                path, f"a {feature.role} cannot be a {feature.kind}; draw a {' or '.join(kinds)}", feature.place
            )
    return _area(path, content, shapes, by_role)


def _area(path: Path, content: Content, shapes: Shapes, by_role: Mapping[str, Sequence[Feature]]) -> Area:
    patrol = [shape for one in by_role["patrol"] for shape in shapes.polygons(one.kind, one.coordinates, one.place)]
    around = patrol[0].exterior.coords[0][0]
    no_fly = [shape for one in by_role["no_fly"] for shape in shapes.polygons(one.kind, one.coordinates, one.place)]
    borders = [line for one in by_role["border"] for line in shapes.lines(one.kind, one.coordinates, one.place)]
    homes = [point for one in by_role["home"] for point in shapes.points(one.kind, one.coordinates, one.place)]
    if len(homes) > 1:
        raise InputError(path, "a second home; keep one and make the others rally points", by_role["home"][1].place)
    rally = [point for one in by_role["rally"] for point in shapes.points(one.kind, one.coordinates, one.place)]
    area = Area(
        name=content.name or path.stem,
        patrol=united(patrol, around),
        border=MultiLineString([LineString(turned_near(line, around).coords) for line in borders]),
        no_fly=united(no_fly, around),
        home=homes[0] if homes else None,
        rally=tuple(rally),
        notes=(*content.notes, *shapes.notes),
    )
    check_area(path, area, by_role["patrol"][0].place)
    return area


def _settled(path: Path, content: Content, roles: Mapping[str, str]) -> list[Feature]:
    """The features, each with its role."""
    for name, role in roles.items():
        if role not in ROLES:
            raise InputError("--role", f"{role!r} is no role; write NAME=ROLE with one of {', '.join(ROLES)}", name)
        if not any(name in feature.names for feature in content.features):
            known = sorted({name for feature in content.features for name in feature.names})
            has = f"it has {', '.join(known[:8])}" if known else "none of its parts has a name"
            raise InputError("--role", f"{path.name} has no layer or feature of this name; {has}", name)
    settled = [replace(feature, role=_role(feature, roles)) for feature in content.features]
    if not any(feature.role == "patrol" for feature in settled):
        settled = [
            replace(feature, role="patrol") if feature.role is None and feature.kind in POLYGONS else feature
            for feature in settled
        ]
    for feature in settled:
        if feature.role is None:
            _refuse(path, feature)
    if not any(feature.role == "patrol" for feature in settled):
        raise InputError(path, 'no patrol area; draw a polygon with the property "role": "patrol"')
    return settled


def _role(feature: Feature, roles: Mapping[str, str]) -> str | None:
    asked = [roles[name] for name in feature.names if name in roles]
    if asked or feature.role is not None:
        return asked[0] if asked else feature.role
    named = [role for role in map(role_named, feature.names) if role and feature.kind in _KINDS[role]]
    return named[0] if named else None


def _refuse(path: Path, feature: Feature) -> NoReturn:
    option = f', or say --role "{feature.names[0]}=ROLE"' if feature.names else ""
    raise InputError(path, f"no role; set the property `role` to one of {', '.join(ROLES)}{option}", feature.place)
