"""Lanes along the border line, on one's own side of it.

Geometry in local metres. The own side is the one the patrol area lies on; lanes run at chosen distances from the line,
to and fro, for as far as the patrol area goes along it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point
from shapely.ops import substring

from missions.errors import NotFlyableError
from missions.planning.fence import MARGIN_M
from missions.planning.imaging import Imaging
from missions.planning.survey import END_SLACK_M, Cell, Transect
from vision.errors import InputError

_DETAIL_M = 2.0
"""Bends smaller than this are not followed."""
_SHORTEST_M = 5.0
_PHOTOS_APART = 0.01
"""The part by which photos may be further apart than asked."""


def check_offsets(offsets_m: Sequence[float], clearance_m: float) -> None:
    """Raise InputError where a lane would lie too near the line for a fence between them."""
    nearest_m = 2.0 * clearance_m + 1.0
    for offset in offsets_m:
        if not (np.isfinite(offset) and offset >= nearest_m):
            raise InputError(
                "--offset",
                f"{offset:g} m is too near the border for a fence between them; give {nearest_m:.0f} m or more",
            )


def default_lanes(clearance_m: float, imaging: Imaging) -> list[float]:
    """Two lanes: as near the border as its fence allows with its full margin, and the next one a line spacing on."""
    nearest_m = float(math.ceil(MARGIN_M + 2.0 * clearance_m))
    return [nearest_m, nearest_m + imaging.line_spacing_m]


def lanes_beside(border: MultiLineString, patrol: MultiPolygon, offsets_m: Sequence[float]) -> list[LineString]:
    """The lanes to be watched, nearest to the border first, in the direction of its line.

    Raises NotFlyableError where there is no border line, it does not run beside the patrol area or no lane fits.
    """
    if border.is_empty:
        raise NotFlyableError("a corridor runs along the border, and the area has no border line; draw one")
    lines = shapely.get_parts(shapely.line_merge(border))
    line = min(lines, key=lambda part: (round(part.distance(patrol), 1), -part.length)).simplify(_DETAIL_M)
    stretch = _beside(line, patrol)
    side = _side_of(stretch, patrol)
    lanes = [_lane(stretch, side * offset) for offset in sorted(offsets_m)]
    found = [lane for lane in lanes if lane is not None]
    if not found:
        raise NotFlyableError("no lane of these offsets fits beside the border line; give smaller ones")
    return found


def corridor_lanes(lanes: Sequence[LineString], home: Point) -> list[Cell]:
    """One cell per lane, all to be flown in this order, beginning at the end nearer to home; each a little longer than
    asked, by what the autopilot may leave out at its end."""
    cells: list[Cell] = []
    here = home
    for lane in lanes:
        corners = [(float(x), float(y)) for x, y in lane.coords]
        if Point(corners[-1]).distance(here) < Point(corners[0]).distance(here):
            corners.reverse()
        legs = [Transect(a, b) for a, b in pairwise(corners) if a != b]
        (x1, y1), (x2, y2) = legs[-1].start, legs[-1].end
        longer = 1.0 + END_SLACK_M / legs[-1].length_m + _PHOTOS_APART
        legs[-1] = Transect((x1, y1), (x1 + longer * (x2 - x1), y1 + longer * (y2 - y1)))
        here = Point(legs[-1].end)
        cells.append(tuple(legs))
    return cells


def _beside(line: LineString, patrol: MultiPolygon) -> LineString:
    """The stretch of the line between the first and the last place that the patrol area is beside."""
    outline = shapely.get_coordinates(shapely.segmentize(patrol, 50.0))
    along = shapely.line_locate_point(line, shapely.points(outline))
    stretch = substring(line, float(along.min()), float(along.max()))
    if not isinstance(stretch, LineString) or stretch.length < _SHORTEST_M:
        raise NotFlyableError("the border line does not run beside the patrol area; draw it along the area")
    return stretch


def _side_of(line: LineString, patrol: MultiPolygon) -> float:
    """1 where the patrol area lies to the left of the line, -1 to the right (the sign of shapely's offsets)."""
    west, south, east, north = shapely.total_bounds([line, patrol])
    reach = max(east - west, north - south)
    left = line.buffer(reach, single_sided=True).intersection(patrol).area
    right = line.buffer(-reach, single_sided=True).intersection(patrol).area
    return 1.0 if left >= right else -1.0


def _lane(line: LineString, offset_m: float) -> LineString | None:
    """The line moved aside, in the line's direction; None where nothing is left of it."""
    moved = shapely.offset_curve(line, offset_m, join_style="mitre", mitre_limit=2.0)
    parts = [part for part in shapely.get_parts(shapely.line_merge(moved)) if part.length >= _SHORTEST_M]
    if not parts:
        return None
    joined = [xy for part in sorted(parts, key=lambda part: line.project(Point(part.coords[0]))) for xy in part.coords]
    return LineString(joined).simplify(_DETAIL_M)
