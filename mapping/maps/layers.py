"""What lies on a page's map: areas, plans, tracks and sightings as plain values ready for JSON.

Features are told apart by their `role`. How layers look is the subject of the page's own style sheet (`page/page.css`),
their order and legend are listed here once; words and tables are `report.py`'s and `wording.py`'s.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from mapping.ground.frame import LocalFrame, geometry_near, longitudes_near
from mapping.ground.searched import Coverage, CoveragePiece
from mapping.maps.sightings import OBJECT, floats
from mapping.maps.wording import NOT_REVIEWED
from vision.classes import CLASSES

GEOD = Geod(ellps="WGS84")
DECIMALS = 7  # about 1 cm
COVERAGE_TOLERANCE_M = 0.2
LEAST_EXTENT_M = 60.0
SHRINKS_TO = 2.5


@dataclass(frozen=True)
class Layer:
    """One line of the legend: its role, its words, how its geometry is drawn (`shape`: area, line, dots, place) and
    whether it is shown from the start on a report and on a plan page."""

    role: str
    label: str
    shape: str
    on_report: bool
    on_plan: bool


LAYERS = (
    Layer("searched", "Ground looked at", "area", True, True),
    Layer("searched_vehicle", "Too coarse for people", "area", True, True),
    Layer("searched_none", "Too coarse for anything", "area", True, True),
    Layer("imaged", "Photographed, not searched", "area", True, True),
    Layer("gap", "Gaps: not looked at", "area", True, True),
    Layer("photographed", "Ground the photos show", "area", False, False),
    Layer("patrol", "Area to watch", "area", True, True),
    Layer("hole", "Left out of the area", "area", True, True),
    Layer("no_fly", "No-fly zone", "area", True, True),
    Layer("zone_open", "Air zone, open to this flight", "area", False, True),
    Layer("zone_beneath", "Air zone beneath: no landing", "area", False, True),
    Layer("zone_closed", "Air zone: keep out", "area", True, True),
    Layer("fence_inclusion", "Fence: stay inside", "area", False, True),
    Layer("fence_exclusion", "Fence: stay out", "area", False, True),
    Layer("border", "Border line", "line", True, True),
    Layer("leg", "Legs (camera off)", "line", False, True),
    Layer("transect", "Transects (camera on)", "line", False, True),
    Layer("waypoint", "Waypoints", "dots", False, True),
    Layer("track", "Flown track", "line", True, True),
    Layer("frames", "Frames taken", "dots", False, False),
    Layer("home", "Home", "place", True, True),
    Layer("rally", "Rally point", "place", True, True),
)
"""All layers, drawn in this order."""

AREA_ROLES = ("patrol", "border", "no_fly", "home", "rally")
ZONE_ROLES = ("zone_closed", "zone_beneath", "zone_open")
"""Zones of the airspace: some are as large as a town, so that no map is made to show them whole."""
PLAN_ROLES = ("fence_inclusion", "fence_exclusion", "leg", "transect", *ZONE_ROLES)
BOX_COLUMNS = ("id", "class", "confidence", "file", "verdict", "picture")


@dataclass(frozen=True)
class Feature:
    """One thing on the map: geometry in longitude and latitude, the name a person gave it, its sortie and the band of
    its height (or None), and the limits that hold there, in words."""

    geometry: BaseGeometry
    name: str = ""
    sortie: int | None = None
    tone: int | None = None
    limits: str = ""


Features = dict[str, list[Feature]]
Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
WORLD: Bounds = (-180.0, -60.0, 180.0, 75.0)


def features_of(collection: Mapping[str, Any] | None) -> tuple[Features, int]:
    """The features of a GeoJSON collection (or one feature, or a bare geometry) by role, and how many were left out
    because their role is none a page draws or because they have no geometry. A polygon without a role is a patrol."""
    found: Features = {}
    left_out = 0
    if not collection:
        return found, left_out
    kind = collection.get("type")
    if kind == "FeatureCollection":
        members = collection.get("features") or []
    else:
        members = [collection if kind == "Feature" else {"geometry": collection}]
    for member in members:
        properties = member.get("properties") or {}
        geometry = shapely.geometry.shape(member["geometry"]) if member.get("geometry") else None
        role = properties.get("role")
        if role is None and geometry is not None and geometry.geom_type in ("Polygon", "MultiPolygon"):
            role = "patrol"
        if geometry is None or geometry.is_empty or role not in (*AREA_ROLES, *PLAN_ROLES):
            left_out += 1
            continue
        sortie = properties.get("sortie")
        name, limits = (str(properties.get(key) or "") for key in ("name", "limits"))
        found.setdefault(role, []).append(
            Feature(geometry, name, sortie if isinstance(sortie, int) else None, limits=limits)
        )
    return found, left_out


def plan_and_area(area: Mapping[str, Any] | None, plan: Mapping[str, Any] | None) -> tuple[Features, int]:
    """Area and plan as one set of features: what both hold is taken from the area as drawn, but home and rally points
    from the plan, which may have others. The second value counts what was left out."""
    from_area, left_out_area = features_of(area)
    from_plan, left_out_plan = features_of(plan)
    merged: Features = {**from_plan, **from_area}
    merged |= {role: from_plan[role] for role in ("home", "rally") if role in from_plan}
    ends = [
        Feature(shapely.MultiPoint([line.geometry.coords[0], line.geometry.coords[-1]]), sortie=line.sortie)
        for line in merged.get("transect", [])
        if line.geometry.geom_type == "LineString"
    ]
    if ends:
        merged["waypoint"] = ends
    holes = [
        Feature(shapely.Polygon(ring))
        for feature in merged.get("patrol", [])
        for part in shapely.get_parts(feature.geometry)
        for ring in getattr(part, "interiors", ())
    ]
    if holes:
        merged["hole"] = holes
    return merged, left_out_area + left_out_plan


def around_lon(lon_deg: Iterable[npt.ArrayLike]) -> float:
    """The longitude about which all of these lie, in degrees: the direction of their mean on the circle, so that what
    lies on both sides of the 180th meridian is not averaged to 0. 0 where nothing is known."""
    angles = np.radians(np.concatenate([[], *(np.ravel(np.asarray(one, dtype=np.float64)) for one in lon_deg)]))
    angles = angles[np.isfinite(angles)]
    return float(np.degrees(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean()))) if len(angles) else 0.0


def features_near(features: Features, around_lon_deg: float) -> Features:
    """The same features, with every longitude within 180 degrees of `around_lon_deg`."""
    return {
        role: [replace(one, geometry=geometry_near(one.geometry, around_lon_deg)) for one in items]
        for role, items in features.items()
    }


def ground_features(coverage: Coverage) -> Features:
    """The ground that was looked at by how finely, what was photographed only, and the gaps, as features of the roles
    `searched`, `searched_vehicle`, `searched_none`, `imaged` and `gap`. All of a role but gaps are one feature, thinned
    to `COVERAGE_TOLERANCE_M`; a gap keeps its words."""
    by_role: dict[str, list[CoveragePiece]] = {}
    for piece in coverage.pieces:
        if not piece.geometry.is_empty:
            by_role.setdefault(_role_of(piece), []).append(piece)
    features: Features = {}
    for role, pieces in by_role.items():
        if role == "gap":
            features[role] = [Feature(piece.geometry, str(piece.properties.get("where") or "")) for piece in pieces]
        else:
            whole = shapely.union_all([shapely.make_valid(piece.geometry) for piece in pieces])
            features[role] = [Feature(thinned(whole, COVERAGE_TOLERANCE_M))]
    return features


def _role_of(piece: CoveragePiece) -> str:
    role = str(piece.properties["role"])
    if role != "searched":
        return role
    return {"vehicle": "searched_vehicle", "": "searched_none"}.get(
        str(piece.properties.get("fine_enough_for", "person")), "searched"
    )


def frame_features(frames: pa.Table | None, around_lon_deg: float) -> list[Feature]:
    """Where frames were taken, as one set of points."""
    if frames is None or not frames.num_rows:
        return []
    lon = longitudes_near(floats(frames, "lon_deg"), around_lon_deg)
    places = np.column_stack([lon, floats(frames, "lat_deg")])
    places = places[np.isfinite(places).all(axis=1)]
    return [Feature(shapely.MultiPoint(places))] if len(places) else []


def thinned(geometry: BaseGeometry, tolerance_m: float) -> BaseGeometry:
    """The geometry with points left out that move it by less than `tolerance_m`, measured in a local frame."""
    centre = geometry.centroid
    frame = LocalFrame(round(centre.y, 3), round(centre.x, 3))
    return frame.geometry_to_lonlat(shapely.simplify(frame.geometry_to_local(geometry), tolerance_m))


def area_m2(geometry: BaseGeometry) -> float:
    """The area of polygons in longitude and latitude, in square metres on the ellipsoid (Karney, through pyproj)."""
    return abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(geometry))[0])


def patrol_area(features: Features) -> BaseGeometry | None:
    """The union of what is to be watched, None where no such polygon is known."""
    polygons = [shapely.make_valid(feature.geometry) for feature in features.get("patrol", [])]
    return shapely.union_all(polygons) if polygons else None


def layers_json(features: Features, plan_page: bool) -> list[dict[str, Any]]:
    """The layers that hold anything, in the order they are drawn, ready for JSON."""
    return [
        {
            "role": layer.role,
            "label": layer.label,
            "shape": layer.shape,
            "on": layer.on_plan if plan_page else layer.on_report,
            "features": [
                {
                    "name": feature.name,
                    "limits": feature.limits,
                    "sortie": feature.sortie,
                    "tone": feature.tone,
                    "geometry": geometry_json(feature.geometry),
                }
                for feature in features[layer.role]
            ],
        }
        for layer in LAYERS
        if features.get(layer.role)
    ]


def geometry_json(geometry: BaseGeometry) -> dict[str, Any]:
    """GeoJSON geometry with coordinates rounded to `DECIMALS`; heights are dropped."""
    flat = shapely.force_2d(geometry)
    return json.loads(
        shapely.to_geojson(shapely.transform(flat, lambda points: np.round(points, DECIMALS))),
    )


def box_rows(boxes: pa.Table, frames: pa.Table, thumbnails: Mapping[str, bytes]) -> list[list[Any]]:
    """One list per box in the order of `BOX_COLUMNS`, the most confident first."""
    files = dict(zip(frames["frame_id"].to_pylist(), frames["file"].to_pylist(), strict=True))
    rows = sorted(boxes.to_pylist(), key=lambda row: (-row["confidence"], row["detection_id"]))
    return [
        [
            row["detection_id"],
            row["class"] if row["class"] in CLASSES else OBJECT,
            _rounded(row["confidence"], 3),
            files.get(row["frame_id"]) or row["frame_id"],
            NOT_REVIEWED,
            b64encode(picture).decode("ascii") if (picture := thumbnails.get(row["detection_id"])) else None,
        ]
        for row in rows
    ]


def view(first: Bounds | None, everything: Bounds | None) -> Bounds:
    """What the map shows to begin with: everything, unless that would make what matters `first` (where the drone has
    been) smaller than 1 : `SHRINKS_TO`; the whole world where there is nothing."""
    if first is None or everything is None:
        return first or everything or WORLD
    across = max(
        (everything[2] - everything[0]) / (first[2] - first[0]), (everything[3] - everything[1]) / (first[3] - first[1])
    )
    return everything if across <= SHRINKS_TO else first


def extent(geometries: Iterable[BaseGeometry], places: Sequence[tuple[float, float]]) -> Bounds | None:
    """(west, south, east, north) in degrees of all geometries and places (longitude, latitude), grown to at least
    `LEAST_EXTENT_M` in both directions; None where there is nothing."""
    boxes = [geometry.bounds for geometry in geometries if not geometry.is_empty]
    boxes += [(lon, lat, lon, lat) for lon, lat in places if _finite(lon) and _finite(lat)]
    if not boxes:
        return None
    bounds = np.array(boxes)
    west, south = bounds[:, :2].min(axis=0)
    east, north = bounds[:, 2:].max(axis=0)
    half = LEAST_EXTENT_M / 2
    _, _, height_m = GEOD.inv(west, south, west, north)
    _, _, width_m = GEOD.inv(west, south, east, south)
    grow_lat = max(0.0, half - height_m / 2) / 111_000
    grow_lon = max(0.0, half - width_m / 2) / (111_000 * max(0.05, math.cos(math.radians(south))))
    return float(west - grow_lon), float(south - grow_lat), float(east + grow_lon), float(north + grow_lat)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _rounded(value: float | None, decimals: int) -> float | None:
    return round(value, decimals) if value is not None and math.isfinite(value) else None
