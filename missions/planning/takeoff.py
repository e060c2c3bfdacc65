"""Where to take off where nobody said: the place inside the patrol area from which its parts are nearest."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

from missions.planning.local import Point
from missions.planning.routing import Router

_CANDIDATES = 40
_CORNERS = 40


def middle_of(patrol: Polygon | MultiPolygon) -> Point:
    """A place well inside a region (local metres) with short ways, inside it, to all of it: the mean counts, and a
    fifth of the longest.

    Regions of several parts are taken straight across what lies between them. The same region gives the same place.
    """
    west, south, east, north = patrol.bounds
    size = max(east - west, north - south)
    outline = patrol.buffer(0.01 * size).simplify(0.01 * size)
    for coarser in (0.03, 0.08):
        if shapely.get_num_coordinates(outline) > _CORNERS:
            outline = patrol.buffer(coarser * size).simplify(coarser * size)
    solid = outline if isinstance(outline, Polygon) else shapely.convex_hull(outline)
    places = _grid(patrol)
    if len(places) < 3:
        inside = patrol.representative_point()
        return inside.x, inside.y
    router = Router(solid)
    ways = router.distances(places, places)
    mean = ways.mean(axis=1) + 0.2 * ways.max(axis=1)
    # A place on the very edge is no place to take off from: ties of a few metres go to the one deepest inside.
    depth = shapely.distance(shapely.points(places), patrol.boundary)
    best = int(np.argmin(mean - 0.5 * np.minimum(depth, 30.0)))
    return float(places[best, 0]), float(places[best, 1])


def _grid(patrol: Polygon | MultiPolygon) -> np.ndarray:
    """Some tens of places inside a region, evenly spread."""
    west, south, east, north = patrol.bounds
    step = float(np.sqrt(patrol.area / _CANDIDATES))
    if step <= 0.0 or (east - west) * (north - south) > 400 * patrol.area:
        return np.zeros((0, 2))
    xs, ys = np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    shapely.prepare(patrol)
    centre = patrol.centroid
    grid = np.vstack([[centre.x, centre.y], grid])
    return grid[shapely.contains(patrol, shapely.points(grid))]
