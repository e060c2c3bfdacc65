"""GeoJSON as features: collections, single features and bare geometries, in any reference system a `crs` names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from missions.areas.area import ROLES
from missions.areas.features import Content, Feature
from missions.areas.shapes import KINDS, Projection, shown
from vision.errors import InputError

_LON_LAT_NAMES = ("CRS84", "EPSG::4326", "EPSG:4326", "EPSG::4979", "EPSG:4979")


def read_geojson(path: Path, content: dict[str, Any]) -> Content:
    """The features of a parsed GeoJSON file. Raises InputError naming the feature that is none."""
    if not isinstance(content.get("type"), str):
        raise InputError(path, "JSON, but not GeoJSON (no `type` at its top); export the area as GeoJSON")
    properties = content.get("properties")
    names = [content.get("name"), properties.get("name") if isinstance(properties, dict) else None]
    named = [" ".join(name.split()) for name in names if isinstance(name, str) and name.strip()]
    return Content(named[0] if named else None, tuple(_features(path, content)))


def projection(path: Path, content: dict[str, Any]) -> Projection | None:
    """How to turn the file's coordinates into longitude and latitude; None where they are that already. Raises
    InputError for a reference system nobody knows."""
    crs = content.get("crs")
    if crs is None:
        return None
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str):
        raise InputError(path, "names no reference system that can be read; export in WGS 84 (EPSG:4326)", "crs")
    if name.endswith(_LON_LAT_NAMES):
        return None
    try:
        transformer = Transformer.from_crs(CRS.from_user_input(name), "EPSG:4326", always_xy=True)
    except CRSError as error:
        raise InputError(path, f"{name!r} is no known reference system; export in WGS 84 (EPSG:4326)", "crs") from error

    def project(x: float, y: float) -> tuple[float, float]:
        lon, lat = transformer.transform(x, y)
        return float(lon), float(lat)

    return project


def geometries(path: Path, geometry: Any, place: str) -> Iterator[tuple[str, Any]]:
    """(kind, coordinates) of a GeoJSON geometry and of the members of a collection. Raises InputError for others."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list):
        for part in geometry["geometries"]:
            if isinstance(part, dict) and part.get("type") == "GeometryCollection":
                raise InputError(path, "a GeometryCollection inside another; export it flat", place)
            yield from geometries(path, part, place)
        return
    if kind not in KINDS:
        raise InputError(path, f"{shown(kind)} is no GeoJSON geometry; draw a Polygon", place)
    yield kind, geometry.get("coordinates")


def named_place(place: str, properties: dict[str, Any]) -> str:
    """`place`, with the feature's own name where it has one."""
    name = properties.get("name")
    return f"{place} ({name.strip()[:40]})" if isinstance(name, str) and name.strip() else place


def feature_properties(path: Path, feature: Any, place: str) -> dict[str, Any]:
    """The properties of a Feature that has a geometry. Raises InputError for anything else."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise InputError(path, "not a GeoJSON Feature; export the area again", place)
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise InputError(
            path, f'its properties are {shown(properties)}; they must be an object such as {{"role": "patrol"}}', place
        )
    if feature.get("geometry") is None:
        raise InputError(path, "it has no geometry; draw it or delete the feature", named_place(place, properties))
    return properties


def _features(path: Path, content: dict[str, Any]) -> Iterator[Feature]:
    if content["type"] == "FeatureCollection":
        features = content.get("features")
        if not isinstance(features, list) or not features:
            raise InputError(path, "the collection has no features; draw the patrol area as a polygon")
        for index, feature in enumerate(features, 1):
            yield from _feature(path, feature, f"feature {index}")
    elif content["type"] == "Feature":
        yield from _feature(path, content, "feature 1")
    else:
        for kind, coordinates in geometries(path, content, "geometry"):
            yield Feature("geometry", None, kind, coordinates)


def _feature(path: Path, feature: Any, place: str) -> Iterator[Feature]:
    properties = feature_properties(path, feature, place)
    place = named_place(place, properties)
    role = properties.get("role")
    if role is not None:
        role = role.strip().lower().replace("-", "_").replace(" ", "_") if isinstance(role, str) else role
        if role not in ROLES:
            raise InputError(path, f"unknown role {shown(role)}; use one of {', '.join(ROLES)}", place)
    name = properties.get("name")
    names = (name,) if isinstance(name, str) else ()
    for kind, coordinates in geometries(path, feature["geometry"], place):
        yield Feature(place, role, kind, coordinates, names, properties)
