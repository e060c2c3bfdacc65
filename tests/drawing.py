"""Areas as an officer draws them, in GeoJSON, for tests and benches that plan or fly one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def drawn(*features: dict[str, Any]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection."""
    return {"type": "FeatureCollection", "features": list(features)}


def feature(role: str, kind: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    """A GeoJSON Feature in a role of an area."""
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": {"role": role, **properties}, "geometry": geometry}


def polygon(role: str, corners: Iterable[Iterable[float]], **properties: Any) -> dict[str, Any]:
    """Ground in a role: its corners, longitude first, the first of which need not be said again."""
    ring = [list(corner) for corner in corners]
    return feature(role, "Polygon", [ring if ring[0] == ring[-1] else [*ring, ring[0]]], **properties)


def home(lon_deg: float, lat_deg: float) -> dict[str, Any]:
    """Where to take off."""
    return feature("home", "Point", [lon_deg, lat_deg])
