"""What was looked at and what was not: the ground in searched frames as polygons, by how finely it was seen and when,
and the parts of the area that nobody looked at. "Nothing found" is a statement about the first only.

A frame counts where it was searched; one that was taken and not searched (unreadable, or never given to the detector)
is kept apart. How fine is the width of a pixel on a plane facing the camera at the ground's distance; from which on a
person or a vehicle can be found is measured (`vision.visibility`). On an elevation model a frame is looked through in
cells, and one whose corners or middle a hill hides does not count. Footprints are `mapping.ground.coverage`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from mapping.ground.camera import Camera
from mapping.ground.frame import LocalFrame, geometry_near
from mapping.ground.georeference import camera_axes, camera_origins, locate_pixels
from mapping.ground.placing import Placed
from mapping.ground.pose import Poses
from mapping.ground.terrain import FlatGround, Terrain
from vision.errors import InputError
from vision.files import read_json
from vision.visibility import coarsest_gsd_m

Floats = npt.NDArray[np.float64]

FINE_ENOUGH = ("person", "vehicle", "")
"""For what ground was seen finely enough, from the finest on; what serves for a person serves for a vehicle."""
STRETCH_S = 900.0
"""Ground is told apart by quarters of an hour."""
LEAST_GAP_M2 = 25.0
_COLUMNS, _ROWS = 8, 6
_HIDDEN_M, _HIDDEN_SHARE = 2.0, 0.02  # ground counts as hidden where something stands this much nearer on its ray
_GRID_DEG = 1e-7  # what every file is written to, about 1 cm
_OPEN_M = 0.5  # gaps nowhere wider than twice this are seams between frames
_WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
_LABELS = {
    "person": "searched finely enough for people and vehicles",
    "vehicle": "searched finely enough for vehicles only",
    "": "searched too coarsely for either",
}


@dataclass(frozen=True, eq=False)
class CoveragePiece:
    """One stretch of ground (lon/lat) and what is known of it; `properties` are listed in `docs/formats.md`."""

    geometry: BaseGeometry
    properties: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Coverage:
    """The ground that was searched, imaged only, or missed, and what there is to say of it."""

    pieces: tuple[CoveragePiece, ...]
    notes: tuple[str, ...] = field(default=())

    def of(self, role: str) -> tuple[CoveragePiece, ...]:
        """The pieces of this role: `searched`, `imaged` or `gap`."""
        return tuple(piece for piece in self.pieces if piece.properties["role"] == role)

    @property
    def searched(self) -> BaseGeometry:
        """The union of what was searched, however coarsely."""
        return shapely.union_all([piece.geometry for piece in self.of("searched")])

    @property
    def seen(self) -> BaseGeometry:
        """The union of what is in any frame, searched or not."""
        return shapely.union_all([piece.geometry for piece in (*self.of("searched"), *self.of("imaged"))])

    def near(self, around_lon_deg: float) -> Coverage:
        """The same ground with every longitude within 180 degrees of `around_lon_deg`."""
        pieces = (replace(one, geometry=geometry_near(one.geometry, around_lon_deg)) for one in self.pieces)
        return replace(self, pieces=tuple(pieces))

    def to_geojson(self) -> str:
        """The coverage as a GeoJSON FeatureCollection."""
        features = [
            {"type": "Feature", "geometry": shapely.geometry.mapping(piece.geometry), "properties": piece.properties}
            for piece in self.pieces
        ]
        return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, allow_nan=False)


def read_coverage(path: Path) -> Coverage:
    """The coverage in a file that `picket locate` wrote. Raises InputError where it is none."""
    known = read_json(path, "what `picket locate` wrote")
    listed = known.get("features") if known.get("type") == "FeatureCollection" else [{"geometry": known}]
    pieces = []
    try:
        for number, one in enumerate(listed if isinstance(listed, list) else [None]):
            properties = one.get("properties") or {"role": "searched"}
            geometry = shapely.from_geojson(json.dumps(one["geometry"]))
            if properties.get("role") not in ("searched", "imaged", "gap") or geometry is None:
                raise InputError(
                    path, "is no piece of coverage; run `picket locate --force` again", f"feature {number}"
                )
            pieces.append(CoveragePiece(geometry, dict(properties)))
    except (AttributeError, KeyError, TypeError, shapely.GEOSException) as error:
        raise InputError(path, "is no coverage; run `picket locate --force` again") from error
    return Coverage(tuple(pieces))


@dataclass(frozen=True, eq=False)
class _Cells:
    """(C,) polygons of ground in the local frame, how coarsely each was seen in m/px, the row of its frame's time and
    whether it was searched."""

    polygons: npt.NDArray[np.object_]
    gsd_m: Floats
    time_s: Floats
    frame: npt.NDArray[np.intp]
    searched: npt.NDArray[np.bool_]


def searched_ground(placed: Sequence[Placed], terrain: Terrain, area: BaseGeometry | None = None) -> Coverage:
    """The ground in the frames of these flights, and the gaps in `area` (lon/lat) where that is known."""
    local = placed[0].points.local
    limits = [coarsest_gsd_m(name) for name in FINE_ENOUGH[:2]]
    cells = _together([_cells(one, terrain, limits) for one in placed])
    fine = np.searchsorted(limits, cells.gsd_m)
    stretch = np.floor(cells.time_s / STRETCH_S)
    pieces: list[CoveragePiece] = []
    unions: dict[str, list[BaseGeometry]] = {name: [] for name in FINE_ENOUGH}
    for moment in [*np.unique(stretch[np.isfinite(stretch)]).tolist(), np.nan]:
        now = np.isnan(stretch) if np.isnan(moment) else stretch == moment
        before: BaseGeometry = shapely.MultiPolygon()
        for number, name in enumerate(FINE_ENOUGH):
            mine = np.flatnonzero(now & cells.searched & (fine == number))
            whole = shapely.union_all(cells.polygons[mine])
            own = _polygons(shapely.difference(whole, before))
            before = shapely.union(before, whole)
            unions[name].append(whole)
            if not own.is_empty:
                pieces.append(_piece("searched", local, own, cells, mine, {"fine_enough_for": name}, _LABELS[name]))
    everywhere = shapely.union_all([one for parts in unions.values() for one in parts])
    mine = np.flatnonzero(~cells.searched)
    only_imaged = _polygons(shapely.difference(shapely.union_all(cells.polygons[mine]), everywhere))
    if not only_imaged.is_empty:
        pieces.append(_piece("imaged", local, only_imaged, cells, mine, {}, "in frames that were not searched"))
    useful = shapely.union_all([*unions["person"], *unions["vehicle"]])
    said = _notes(placed, only_imaged)
    if area is not None and not area.is_empty:
        wanted = local.geometry_to_local(area)
        gaps = _gaps(local, wanted, useful)
        pieces += gaps
        said += _area_notes(wanted, shapely.union_all(unions["person"]), useful, gaps)
    return Coverage(tuple(piece for piece in pieces if not piece.geometry.is_empty), tuple(said))


def _together(parts: Sequence[_Cells]) -> _Cells:
    names = ("polygons", "gsd_m", "time_s", "frame", "searched")
    return _Cells(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))


def _cells(placed: Placed, terrain: Terrain, limits: Sequence[float]) -> _Cells:
    """What a flight's frames show: each frame as a whole where one distance class covers it on level ground, else cut
    into cells."""
    poses, camera, local = placed.poses, placed.data.camera, placed.points.local
    pictured = np.array([file is not None for file in placed.data.frames["file"].to_pylist()], dtype=np.bool_)
    there = np.flatnonzero(~shapely.is_missing(placed.shown) & (placed.searched | pictured))
    whole, coarsest = there[:0], np.empty(0)
    if isinstance(terrain, FlatGround) and len(there):
        coordinates, row = shapely.get_coordinates(placed.shown[there], return_index=True)
        depth = _depth(poses, local, terrain, placed.data.home, there[row], coordinates, np.zeros(len(row)))
        fine = np.searchsorted(limits, depth / camera.fx_px)
        low, high = np.full(len(there), len(limits) + 1), np.full(len(there), -1)
        np.minimum.at(low, row, fine)
        np.maximum.at(high, row, fine)
        worst = np.zeros(len(there))
        np.maximum.at(worst, row, depth / camera.fx_px)
        whole, coarsest = there[low == high], worst[low == high]
    parts = np.setdiff1d(there, whole)
    polygons, gsd_m, frame = _cut(placed, terrain, parts, camera)
    frame = np.concatenate([whole, frame])
    return _Cells(
        polygons=np.concatenate([placed.shown[whole], polygons]),
        gsd_m=np.concatenate([coarsest, gsd_m]),
        time_s=poses.time_s[frame],
        frame=frame,
        searched=placed.searched[frame],
    )


def _depth(
    poses: Poses,
    local: LocalFrame,
    terrain: Terrain,
    home: tuple[float, float] | None,
    frame: npt.NDArray[np.intp],
    place: Floats,
    height: Floats,
) -> Floats:
    """(N,) distances along the optical axis from frames to places."""
    toward = np.column_stack([place, height]) - camera_origins(poses, terrain, local, home)[frame]
    return np.asarray(np.einsum("ni,ni->n", camera_axes(poses, local)[frame][:, :, 2], toward))


def _cut(
    placed: Placed, terrain: Terrain, frames: npt.NDArray[np.intp], camera: Camera
) -> tuple[npt.NDArray[np.object_], Floats, npt.NDArray[np.intp]]:
    """Polygons, coarseness and frames of the cells of these frames whose ground is in sight."""
    empty = np.empty(0, dtype=np.object_), np.empty(0), np.empty(0, dtype=np.intp)
    if not len(frames):
        return empty
    poses, local, home = placed.poses, placed.points.local, placed.data.home
    x = np.linspace(0.0, camera.width_px - 1.0, _COLUMNS + 1)
    y = np.linspace(0.0, camera.height_px - 1.0, _ROWS + 1)
    grid = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
    index = np.repeat(frames, len(grid))
    points = locate_pixels(np.tile(grid, (len(frames), 1)), index, poses, camera, terrain, home=home, local=local)
    shape = (len(frames), _ROWS + 1, _COLUMNS + 1)
    place = np.stack([points.east_m, points.north_m], axis=1)
    height = terrain.own_height_m(points.lat_deg, points.lon_deg)
    depth = _depth(poses, local, terrain, home, index, place, height).reshape(shape)
    place, height = place.reshape(*shape, 2), height.reshape(shape)
    corners = np.stack([place[:, :-1, :-1], place[:, :-1, 1:], place[:, 1:, 1:], place[:, 1:, :-1]], axis=3)
    corners = corners.reshape(-1, 4, 2)
    depths = np.stack([depth[:, :-1, :-1], depth[:, :-1, 1:], depth[:, 1:, 1:], depth[:, 1:, :-1]], axis=3).reshape(
        -1, 4
    )
    frame = np.repeat(frames, _ROWS * _COLUMNS)
    good = np.flatnonzero(np.isfinite(corners).all(axis=(1, 2)))
    if not isinstance(terrain, FlatGround):
        good = good[_in_sight(placed, terrain, frame[good], corners[good].mean(axis=1))]
    polygons = shapely.make_valid(shapely.polygons(corners[good]))
    return polygons, depths[good].max(axis=1, initial=0.0) / camera.fx_px, frame[good]


def _in_sight(placed: Placed, terrain: Terrain, frame: npt.NDArray[np.intp], place: Floats) -> npt.NDArray[np.bool_]:
    """(N,) whether nothing stands between frames and the ground at places."""
    local = placed.points.local
    lat, lon = local.to_geodetic(place[:, 0], place[:, 1])
    origin = camera_origins(placed.poses, terrain, local, placed.data.home)[frame]
    toward = np.column_stack([place, terrain.own_height_m(lat, lon)]) - origin
    far = np.linalg.norm(toward, axis=1)
    met = terrain.meet(local, origin, toward / far[:, None]).slant_m
    return np.asarray(~(met < far - np.maximum(_HIDDEN_M, _HIDDEN_SHARE * far)) & np.isfinite(far))


def _polygons(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons of a geometry, without the lines and points a difference may leave."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon" and part.area > 0.0])


def _as_written(local: LocalFrame, ground: BaseGeometry) -> BaseGeometry:
    """Ground of the local frame in longitude and latitude of seven decimals, valid as such: a hole thinner than what is
    written would be read back as a line, which databases refuse."""
    turned = _polygons(shapely.make_valid(local.geometry_to_lonlat(ground)))
    return shapely.orient_polygons(_polygons(shapely.set_precision(turned, _GRID_DEG)))


def _piece(
    role: str,
    local: LocalFrame,
    ground: BaseGeometry,
    cells: _Cells,
    mine: npt.NDArray[np.intp],
    facts: dict[str, Any],
    label: str,
) -> CoveragePiece:
    times = cells.time_s[mine][np.isfinite(cells.time_s[mine])]
    properties = {
        "role": role,
        "label": label,
        "area_m2": round(float(ground.area), 1),
        **facts,
        "gsd_cm": round(100.0 * float(cells.gsd_m[mine].max()), 2),
        "first_utc": _moment(times.min()) if len(times) else None,
        "last_utc": _moment(times.max()) if len(times) else None,
        "frames": len(np.unique(np.column_stack([cells.frame[mine], cells.time_s[mine]]), axis=0)),
    }
    return CoveragePiece(_as_written(local, ground), properties)


def _moment(time_s: float) -> str:
    return datetime.fromtimestamp(round(float(time_s), 3), tz=UTC).isoformat(timespec="milliseconds")


def _gaps(local: LocalFrame, area: BaseGeometry, useful: BaseGeometry) -> list[CoveragePiece]:
    """The parts of the area that were not searched finely enough for anything, largest first, each with where it is."""
    missed = shapely.difference(shapely.make_valid(area), useful)
    open_ = shapely.buffer(shapely.buffer(missed, -_OPEN_M), _OPEN_M, join_style="mitre")
    parts = shapely.get_parts(_polygons(shapely.intersection(open_, missed))).tolist()
    found = []
    for part in sorted(parts, key=lambda one: -one.area):
        if part.area >= LEAST_GAP_M2:
            facts = {
                "role": "gap",
                "label": "not searched",
                "area_m2": round(float(part.area), 1),
                "where": _where(area, part),
            }
            found.append(CoveragePiece(_as_written(local, part), facts))
    return found


def _where(area: BaseGeometry, part: BaseGeometry) -> str:
    middle, place = area.centroid, part.representative_point()
    east, north = place.x - middle.x, place.y - middle.y
    far = float(np.hypot(east, north))
    if far < 0.1 * np.sqrt(area.area):
        return "in the middle of the area"
    wind = _WINDS[round(np.degrees(np.arctan2(east, north)) / 45.0) % 8]
    return f"in the {wind}, {far:,.0f} m from the middle of the area"


def _area_notes(
    area: BaseGeometry, person: BaseGeometry, useful: BaseGeometry, gaps: Sequence[CoveragePiece]
) -> list[str]:
    shares = [shapely.intersection(area, one).area / area.area for one in (person, useful)]
    said = [
        f"Searched finely enough for people: {_percent(shares[0])} of the area; at least for vehicles: "
        f"{_percent(shares[1])}."
    ]
    if gaps:
        largest = gaps[0].properties
        start = "1 part of the area was" if len(gaps) == 1 else f"{len(gaps)} parts of the area were"
        said.append(f"{start} not looked at; the largest is {largest['area_m2']:,.0f} m² {largest['where']}.")
    return said


def _percent(share: float) -> str:
    return "all" if share > 0.9995 else f"{min(99.9, 100.0 * share):.1f} %"


def _notes(placed: Sequence[Placed], only_imaged: BaseGeometry) -> list[str]:
    said = []
    frames = sum(len(one.poses) for one in placed)
    blind = sum(int(shapely.is_missing(one.shown).sum()) for one in placed)
    if blind:
        said.append(f"{blind} of {frames} frames have no known view of the ground and count for nothing.")
    unsearched = sum(int((~one.searched).sum()) for one in placed)
    if unsearched:
        ground = f" {only_imaged.area:,.0f} m² of ground are in no other frame." if only_imaged.area >= 1.0 else ""
        said.append(
            f"{unsearched} of {frames} frames were taken but not searched: "
            f"what they show counts as not looked at.{ground}"
        )
    if any(one.data.searched is None for one in placed):
        said.append(
            "Which frames were searched is not recorded: all that have an image count as searched. `picket detect "
            "--force` records it."
        )
    return said
