"""The ground in a picture: the footprint of every frame, and which frames saw a place.

Frames without a pose have no footprint. Hills that hide ground from the camera are not considered here: what was
searched is `mapping.ground.searched`. Rays and terrain are `mapping.ground.georeference` and `mapping.ground.terrain`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from mapping.ground.camera import Camera, outline_pixels, project
from mapping.ground.frame import LocalFrame
from mapping.ground.georeference import camera_axes, camera_origins, local_frame, locate_pixels
from mapping.ground.pose import Poses
from mapping.ground.terrain import Terrain

Floats = npt.NDArray[np.float64]

_PER_SIDE = 16


def frames_over(
    lat_deg: Floats,
    lon_deg: Floats,
    margin_px: Floats,
    poses: Poses,
    camera: Camera,
    terrain: Terrain,
    *,
    home: tuple[float, float] | None = None,
    among: npt.NDArray[np.bool_] | None = None,
    shown: npt.NDArray[np.object_] | None = None,
    local: LocalFrame | None = None,
) -> list[npt.NDArray[np.intp]]:
    """For each of (S,) places the ascending indices of the frames whose picture holds it, at least `margin_px` (S,)
    inside the border; only those counted `among` (F,), all by default. `shown` are the frames' footprints in
    `local` where they are known already."""
    local = local or local_frame(poses)
    shown = footprints(poses, camera, terrain, local, home) if shown is None else shown
    frames = np.flatnonzero(~shapely.is_missing(shown) & (True if among is None else among))
    if not len(frames) or not len(lat_deg):
        return [np.empty(0, dtype=np.intp) for _ in lat_deg]
    east, north = local.to_local(lat_deg, lon_deg)
    places = np.stack([east, north, terrain.own_height_m(lat_deg, lon_deg)], axis=1)
    circles = shapely.minimum_bounding_circle(shown[frames])
    centres = shapely.get_coordinates(shapely.centroid(circles))
    near = cKDTree(places[:, :2]).query_ball_point(centres, shapely.minimum_bounding_radius(shown[frames]))
    place_of = np.array([place for found in near for place in found], dtype=np.intp)
    frame_of = np.repeat(frames, [len(found) for found in near])
    toward = places[place_of] - camera_origins(poses, terrain, local, home)[frame_of]
    seen = np.einsum("nij,ni->nj", camera_axes(poses, local)[frame_of], toward)
    pixels, margin = project(camera, seen), margin_px[place_of]
    with np.errstate(invalid="ignore"):
        inside = (pixels.min(axis=1) >= margin) & (pixels[:, 0] <= camera.width_px - margin)
        inside &= pixels[:, 1] <= camera.height_px - margin
    place_of, frame_of = place_of[inside], frame_of[inside]
    order = np.lexsort((frame_of, place_of))
    bounds = np.searchsorted(place_of[order], np.arange(1, len(lat_deg)))
    return np.split(frame_of[order], bounds)


def footprints(
    poses: Poses, camera: Camera, terrain: Terrain, local: LocalFrame, home: tuple[float, float] | None = None
) -> npt.NDArray[np.object_]:
    """(F,) footprints as polygons of the local frame, None where there is none."""
    outline = outline_pixels(camera, _PER_SIDE)
    index = np.repeat(np.arange(len(poses)), len(outline))
    points = locate_pixels(np.tile(outline, (len(poses), 1)), index, poses, camera, terrain, home=home, local=local)
    corners = np.stack([points.east_m, points.north_m], axis=1).reshape(len(poses), len(outline), 2)
    hit = points.hit.reshape(len(poses), len(outline))
    found = np.full(len(poses), None, dtype=np.object_)
    for frame in np.flatnonzero(hit.sum(axis=1) >= 3):
        polygon = shapely.Polygon(corners[frame][hit[frame]])
        found[frame] = polygon if polygon.is_valid else _largest(shapely.make_valid(polygon))
    return found


def _largest(geometry: BaseGeometry) -> shapely.Polygon | None:
    """The largest polygon in what a folded outline was mended to."""
    polygons = [part for part in shapely.get_parts(shapely.get_parts(geometry)) if part.geom_type == "Polygon"]
    return max(polygons, key=lambda part: part.area, default=None)
