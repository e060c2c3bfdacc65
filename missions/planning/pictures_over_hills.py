"""What the pictures of a sortie show of uneven ground: each a quadrilateral whose corners lie where the rays of the
picture's corners meet an elevation model.

The vehicle counts as level and looks along its line. What hills hide between the corners is not looked at; nor is a
picture counted of which a corner meets no ground that is known. On level ground this is `pictures`' subject.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from mapping.ground.camera import Camera
from mapping.ground.terrain import Terrain
from missions.plan import Plan, Sortie
from missions.planning.imaging import corner_rays
from missions.planning.local import frame_of
from missions.planning.survey import photo_count

Floats = npt.NDArray[np.float64]

_STRAIGHT_M = 0.05
"""Waypoints so near the line between those before and behind them are there for their height only."""


@dataclass(frozen=True)
class Sight:
    """A camera, looking where it is mounted, and the ground it looks at."""

    camera: Camera
    terrain: Terrain


def shown_over_hills(plan: Plan, sortie: Sortie, sight: Sight) -> npt.NDArray[np.object_]:
    """(N,) the ground in each picture of a sortie, in metres east and north of home."""
    shots = [_shots(run, sortie.trigger_distance_m) for run in _runs(plan, sortie)]
    if not shots:
        return np.zeros(0, dtype=object)
    places, ahead = (np.concatenate(columns) for columns in zip(*shots, strict=True))
    home = plan.home.lat_deg, plan.home.lon_deg
    unknown = np.full(len(places), np.nan)
    height_m = sight.terrain.camera_height_m(places[:, 2], unknown, home)
    right, forward, down = corner_rays(sight.camera, sight.camera.mount_pitch_deg)
    aside = np.column_stack([ahead[:, 1], -ahead[:, 0]])
    level = right[None, :, None] * aside[:, None, :] + forward[None, :, None] * ahead[:, None, :]
    direction = np.concatenate([level, np.broadcast_to(-down[None, :, None], (len(places), 4, 1))], axis=2)
    origin = np.repeat(np.column_stack([places[:, :2], height_m]), 4, axis=0)
    rays = direction.reshape(-1, 3)
    hits = sight.terrain.meet(frame_of(plan.home), origin, rays)
    corners = (origin[:, :2] + rays[:, :2] * hits.slant_m[:, None]).reshape(-1, 4, 2)
    known = np.isfinite(corners).all(axis=(1, 2))
    shown = np.asarray(shapely.polygons(corners[known]))
    folded = ~shapely.is_valid(shown)
    shown[folded] = shapely.buffer(shapely.make_valid(shown[folded]), 0.0)
    return shown


def _runs(plan: Plan, sortie: Sortie) -> Iterator[Floats]:
    """(K, 3) the straight lines along which photos are taken: east, north and up from home where they begin, where
    their climb changes, and where they end."""
    frame = frame_of(plan.home)
    run: list[Floats] = []
    for waypoint in sortie.waypoints:
        east, north = frame.to_local(waypoint.lat_deg, waypoint.lon_deg)
        here = np.array([float(east), float(north), waypoint.alt_home_m])
        if run:
            if len(run) > 1 and not _straight(run[0], run[-1], here):
                yield np.array(run)
                run = [run[-1]]
            run.append(here)
        if waypoint.camera is not None:
            if len(run) > 1:
                yield np.array(run)
            run = [here] if waypoint.camera == "on" else []


def _straight(start: Floats, middle: Floats, end: Floats) -> bool:
    """Whether a place lies on the line between two others, heights aside."""
    along, onward = end[:2] - start[:2], middle[:2] - start[:2]
    length = math.hypot(*along)
    if length == 0.0 or float(along @ onward) < 0.0 or float(along @ onward) > length**2:
        return False
    return abs(float(along[0] * onward[1] - along[1] * onward[0])) <= _STRAIGHT_M * length


def _shots(run: Floats, trigger_m: float) -> tuple[Floats, Floats]:
    """Where the photos of a straight line are taken (N, 3), and the direction flown (N, 2)."""
    steps = np.hypot(*np.diff(run[:, :2], axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.arange(photo_count(float(along[-1]), trigger_m)) * trigger_m
    places = np.column_stack([np.interp(at, along, column) for column in run.T])
    ahead = (run[-1, :2] - run[0, :2]) / max(float(along[-1]), 1e-9)
    return places, np.broadcast_to(ahead, (len(at), 2))
