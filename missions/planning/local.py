"""Geometry between longitude/latitude and the plan's local metric frame, whose origin is home.

The projection itself is `mapping.ground.frame`; this is its application to shapely geometry and to plan values.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from shapely.geometry import LineString, Polygon

from mapping.ground.frame import Geometry, LocalFrame
from missions.plan import PolygonRings, Position, Ring

Point = tuple[float, float]
"""East and north of home in metres."""


def frame_of(origin: Position) -> LocalFrame:
    """The local frame with this origin."""
    return LocalFrame(origin.lat_deg, origin.lon_deg)


def to_local(geometry: Geometry, origin: Position) -> Geometry:
    """Longitude/latitude geometry as east/north metres from `origin`."""
    return frame_of(origin).geometry_to_local(geometry)


def to_lonlat(geometry: Geometry, origin: Position) -> Geometry:
    """East/north metres from `origin` as longitude/latitude."""
    return frame_of(origin).geometry_to_lonlat(geometry)


def positions_of(coordinates: Iterable[Iterable[float]], origin: Position) -> tuple[Position, ...]:
    """Local (east, north) points as positions, rounded to the 1e-7 degrees that autopilots store."""
    points = np.asarray(list(coordinates), dtype=np.float64).reshape(-1, 2)
    lat, lon = frame_of(origin).to_geodetic(points[:, 0], points[:, 1])
    return tuple(Position(round(float(a), 7), round(float(o), 7)) for a, o in zip(lat, lon, strict=True))


def line_of(positions: Iterable[Position], origin: Position) -> LineString:
    """Positions as a local line."""
    line = LineString([(position.lon_deg, position.lat_deg) for position in positions])
    return to_local(line, origin)


def polygon_of(ring: Ring, origin: Position) -> Polygon:
    """A ring of positions as a local polygon."""
    return to_local(lonlat_polygon((ring,)), origin)


def lonlat_polygon(rings: PolygonRings) -> Polygon:
    """The rings of a plan as a polygon in longitude/latitude."""
    shell, *holes = [[(position.lon_deg, position.lat_deg) for position in ring] for ring in rings]
    return Polygon(shell, holes)


def rings_of(polygon: Polygon) -> PolygonRings:
    """A longitude/latitude polygon as the rings of a plan, unrounded."""
    return tuple(
        tuple(Position(float(lat), float(lon)) for lon, lat in list(ring.coords)[:-1])
        for ring in (polygon.exterior, *polygon.interiors)
    )
