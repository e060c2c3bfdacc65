"""Layered vector files as features: KML and KMZ, GeoPackage, Shapefile and FlatGeobuf.

The format's own reading and the reference system are pyogrio's and geopandas' work; this says where each feature
stands and what it and its layer are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapely.geometry import mapping

from mapping.geofiles import check_layers, vector_library
from missions.areas.area import ROLES
from missions.areas.features import Content, Feature
from vision.errors import InputError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

SUFFIXES = (".kml", ".kmz", ".gpkg", ".shp", ".zip", ".fgb")
_ROLE, _NAME = "role", "name"


def read_layers(path: Path) -> Content:
    """The features of every layer of the file, in longitude and latitude. Raises InputError where the file cannot be
    read, holds no features, or says nothing of its reference system and is not in degrees."""
    if not path.is_file():
        raise InputError(path, "no such file; give a file with the area")
    check_layers(path)
    pyogrio = vector_library()
    import geopandas
    from pyogrio.errors import DataLayerError, DataSourceError

    features: list[Feature] = []
    notes: list[str] = []
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        for layer in layers:
            frame = geopandas.read_file(path, layer=layer, engine="pyogrio", force_2d=True)
            features += _features(path, layer if len(layers) > 1 else "", _in_degrees(path, layer, frame, notes), layer)
    except (DataSourceError, DataLayerError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split("; ")[0].split())[:120]
        raise InputError(path, f"cannot be read as {path.suffix[1:].upper()} ({reason}); export it again") from error
    if not features:
        raise InputError(path, "holds no shapes; draw the patrol area as a polygon")
    return Content(None, tuple(features), tuple(notes))


def _in_degrees(path: Path, layer: str, frame: GeoDataFrame, notes: list[str]) -> GeoDataFrame:
    if frame.empty:
        return frame
    if frame.crs is not None:
        return frame.to_crs("EPSG:4326")
    west, south, east, north = frame.total_bounds
    if not (abs(south) <= 90 and abs(north) <= 90 and abs(west) <= 180 and abs(east) <= 180):
        raise InputError(
            path,
            "names no reference system and is not in degrees; export it in WGS 84, or bring its .prj file along",
            f"layer {layer}",
        )
    notes.append(f"{path.name}, layer {layer}: no reference system is named; its degrees were taken for WGS 84")
    return frame


def _features(path: Path, shown_layer: str, frame: GeoDataFrame, layer: str) -> Iterator[Feature]:
    columns = {str(column).lower(): column for column in frame.columns}
    for number, (_, row) in enumerate(frame.iterrows(), 1):
        name = _text(row, columns.get(_NAME))
        place = f"layer {shown_layer}, feature {number}" if shown_layer else f"feature {number}"
        place += f" ({name[:40]})" if name else ""
        role = _text(row, columns.get(_ROLE)).lower().replace("-", "_").replace(" ", "_") or None
        if role is not None and role not in ROLES:
            raise InputError(path, f"unknown role {role!r}; use one of {', '.join(ROLES)}", place)
        if row.geometry is None or row.geometry.is_empty:
            raise InputError(path, "it has no geometry; draw it or delete the feature", place)
        for kind, coordinates in _parts(mapping(row.geometry)):
            names = tuple(text for text in (name, layer) if text)
            yield Feature(place, role, kind, coordinates, names)


def _parts(geometry: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if geometry["type"] == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _parts(part)
    elif geometry["type"] == "LinearRing":
        yield "LineString", geometry["coordinates"]
    else:
        yield geometry["type"], geometry["coordinates"]


def _text(row: Any, column: str | None) -> str:
    value = None if column is None else row[column]
    return value.strip() if isinstance(value, str) else ""
