"""What the vehicle keeps for the ground: mission, fence and rally items, and which of them it refuses.

Values and checks only; how they travel is `protocol`, what they do in flight is `mission`, `fence` and `returning`.
Results are MAV_MISSION_RESULT as ArduPilot gives them. Items it would store but this vehicle cannot fly (splines,
payload commands, guided parts) are refused as unsupported rather than ignored in the air.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pymavlink.dialects.v20 import ardupilotmega as mavlink

MISSION_MAX, FENCE_MAX, RALLY_MAX = 1000, 256, 84

LOCATION_FRAMES = {
    mavlink.MAV_FRAME_GLOBAL: mavlink.MAV_FRAME_GLOBAL,
    mavlink.MAV_FRAME_GLOBAL_INT: mavlink.MAV_FRAME_GLOBAL,
    mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT: mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT,
    mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT_INT: mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT,
    mavlink.MAV_FRAME_GLOBAL_TERRAIN_ALT: mavlink.MAV_FRAME_GLOBAL_TERRAIN_ALT,
    mavlink.MAV_FRAME_GLOBAL_TERRAIN_ALT_INT: mavlink.MAV_FRAME_GLOBAL_TERRAIN_ALT,
}
"""Frames a place may come in, and the one it is stored (and read back) in."""

NAV_PARAMS: dict[int, tuple[int, ...]] = {
    mavlink.MAV_CMD_NAV_WAYPOINT: (1,),
    mavlink.MAV_CMD_NAV_LOITER_UNLIM: (),
    mavlink.MAV_CMD_NAV_LOITER_TIME: (1,),
    mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH: (),
    mavlink.MAV_CMD_NAV_LAND: (1,),
    mavlink.MAV_CMD_NAV_TAKEOFF: (1,),
    mavlink.MAV_CMD_NAV_DELAY: (1,),
}
"""Navigation commands the vehicle flies, and which of param1..4 it keeps (the others read back as 0)."""

DO_PARAMS: dict[int, tuple[int, ...]] = {
    mavlink.MAV_CMD_CONDITION_DELAY: (1,),
    mavlink.MAV_CMD_CONDITION_DISTANCE: (1,),
    mavlink.MAV_CMD_CONDITION_YAW: (1, 2, 3, 4),
    mavlink.MAV_CMD_DO_JUMP: (1, 2),
    mavlink.MAV_CMD_DO_CHANGE_SPEED: (1, 2, 3),
    mavlink.MAV_CMD_DO_SET_HOME: (1,),
    mavlink.MAV_CMD_DO_LAND_START: (),
    mavlink.MAV_CMD_DO_SET_ROI: (1,),
    mavlink.MAV_CMD_DO_DIGICAM_CONTROL: (1, 2, 3, 4),
    mavlink.MAV_CMD_DO_MOUNT_CONTROL: (1, 2, 3, 4),
    mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST: (1, 3),
    mavlink.MAV_CMD_DO_FENCE_ENABLE: (1,),
    mavlink.MAV_CMD_DO_SET_SERVO: (1, 2),
    mavlink.MAV_CMD_DO_SET_RELAY: (1, 2),
    mavlink.MAV_CMD_IMAGE_START_CAPTURE: (1, 2, 3, 4),
}
"""Commands carried out on the way, and what is kept of them."""

LOCATED = frozenset(
    {
        mavlink.MAV_CMD_NAV_WAYPOINT,
        mavlink.MAV_CMD_NAV_LOITER_UNLIM,
        mavlink.MAV_CMD_NAV_LOITER_TIME,
        mavlink.MAV_CMD_NAV_LAND,
        mavlink.MAV_CMD_NAV_TAKEOFF,
        mavlink.MAV_CMD_DO_SET_HOME,
        mavlink.MAV_CMD_DO_LAND_START,
        mavlink.MAV_CMD_DO_SET_ROI,
    }
)

FENCE_POLYGONS = frozenset(
    {
        mavlink.MAV_CMD_NAV_FENCE_POLYGON_VERTEX_INCLUSION,
        mavlink.MAV_CMD_NAV_FENCE_POLYGON_VERTEX_EXCLUSION,
    }
)
FENCE_CIRCLES = frozenset({mavlink.MAV_CMD_NAV_FENCE_CIRCLE_INCLUSION, mavlink.MAV_CMD_NAV_FENCE_CIRCLE_EXCLUSION})


@dataclass(frozen=True, slots=True)
class Item:
    """One stored item; x and y are latitude and longitude in 1e-7 degrees (0 without a place), z metres in `frame`."""

    frame: int
    command: int
    param1: float = 0.0
    param2: float = 0.0
    param3: float = 0.0
    param4: float = 0.0
    x: int = 0
    y: int = 0
    z: float = 0.0

    @property
    def lat_deg(self) -> float:
        """Latitude in degrees."""
        return self.x * 1e-7

    @property
    def lon_deg(self) -> float:
        """Longitude in degrees."""
        return self.y * 1e-7


def item_of(message: mavlink.MAVLink_message) -> Item | int:
    """The item in a MISSION_ITEM_INT or MISSION_ITEM, or the MAV_MISSION_RESULT that refuses its numbers."""
    params = (message.param1, message.param2, message.param3, message.param4)
    for number, value in enumerate(params):
        if not math.isfinite(value) and not (number == 3 and math.isnan(value)):
            return mavlink.MAV_MISSION_INVALID_PARAM1 + number
    if not math.isfinite(message.z):
        return mavlink.MAV_MISSION_INVALID_PARAM7
    if message.get_type() == "MISSION_ITEM":
        if not math.isfinite(message.x) or abs(message.x) > 90.0:
            return mavlink.MAV_MISSION_INVALID_PARAM5_X
        if not math.isfinite(message.y) or abs(message.y) > 180.0:
            return mavlink.MAV_MISSION_INVALID_PARAM6_Y
        x, y = round(message.x * 1e7), round(message.y * 1e7)
    else:
        x, y = message.x, message.y
    param4 = 0.0 if math.isnan(message.param4) else message.param4
    return Item(message.frame, message.command, *params[:3], param4, x, y, message.z)


def _place_result(item: Item) -> int:
    if abs(item.x) > 900_000_000:
        return mavlink.MAV_MISSION_INVALID_PARAM5_X
    if abs(item.y) > 1_800_000_000:
        return mavlink.MAV_MISSION_INVALID_PARAM6_Y
    return mavlink.MAV_MISSION_ACCEPTED


def mission_item(item: Item) -> Item | int:
    """The mission item as it is stored (unused parameters dropped), or the result that refuses it."""
    kept = NAV_PARAMS.get(item.command, DO_PARAMS.get(item.command))
    if kept is None:
        return mavlink.MAV_MISSION_UNSUPPORTED
    p1, p2, p3, p4 = (value if number in kept else 0.0 for number, value in enumerate(_params(item), start=1))
    if item.command not in LOCATED:
        return Item(mavlink.MAV_FRAME_GLOBAL, item.command, p1, p2, p3, p4)
    frame = LOCATION_FRAMES.get(item.frame)
    if frame is None:
        return mavlink.MAV_MISSION_UNSUPPORTED_FRAME
    result = _place_result(item)
    if result != mavlink.MAV_MISSION_ACCEPTED:
        return result
    if abs(item.z) > 50_000.0:
        return mavlink.MAV_MISSION_INVALID_PARAM7
    # ArduPilot stores altitudes in whole centimetres
    return Item(frame, item.command, p1, p2, p3, p4, item.x, item.y, round(item.z * 100.0) / 100.0)


def _params(item: Item) -> tuple[float, float, float, float]:
    return item.param1, item.param2, item.param3, item.param4


def fence_item(item: Item) -> Item | int:
    """The fence item as it is stored, or the result that refuses it."""
    if item.command not in FENCE_POLYGONS | FENCE_CIRCLES | {mavlink.MAV_CMD_NAV_FENCE_RETURN_POINT}:
        return mavlink.MAV_MISSION_UNSUPPORTED
    if item.frame not in LOCATION_FRAMES:
        return mavlink.MAV_MISSION_UNSUPPORTED_FRAME
    result = _place_result(item)
    if result != mavlink.MAV_MISSION_ACCEPTED:
        return result
    if item.command in FENCE_CIRCLES and item.param1 <= 0.0:
        return mavlink.MAV_MISSION_INVALID_PARAM1
    if item.command in FENCE_POLYGONS and (item.param1 < 3 or item.param1 != int(item.param1)):
        return mavlink.MAV_MISSION_INVALID_PARAM1
    has_parameter = item.command != mavlink.MAV_CMD_NAV_FENCE_RETURN_POINT
    return Item(mavlink.MAV_FRAME_GLOBAL, item.command, item.param1 if has_parameter else 0.0, x=item.x, y=item.y)


def rally_item(item: Item) -> Item | int:
    """The rally point as it is stored, or the result that refuses it."""
    if item.command != mavlink.MAV_CMD_NAV_RALLY_POINT:
        return mavlink.MAV_MISSION_UNSUPPORTED
    frame = LOCATION_FRAMES.get(item.frame)
    if frame is None or frame == mavlink.MAV_FRAME_GLOBAL_TERRAIN_ALT:
        return mavlink.MAV_MISSION_UNSUPPORTED_FRAME
    result = _place_result(item)
    if result != mavlink.MAV_MISSION_ACCEPTED:
        return result
    if abs(item.z) > 32_000.0:
        return mavlink.MAV_MISSION_INVALID_PARAM7
    # a rally point's altitude is stored in whole metres
    return Item(frame, item.command, x=item.x, y=item.y, z=float(round(item.z)))


@dataclass(frozen=True)
class Polygon:
    """A stored fence polygon: vertices (latitude, longitude) in degrees, first not repeated."""

    inclusion: bool
    vertices: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Circle:
    """A stored fence circle round (latitude, longitude) in degrees."""

    inclusion: bool
    lat_deg: float
    lon_deg: float
    radius_m: float


@dataclass(frozen=True)
class FenceShapes:
    """A fence in shapes."""

    polygons: tuple[Polygon, ...] = ()
    circles: tuple[Circle, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.polygons or self.circles)


def fence_shapes(items: Sequence[Item]) -> FenceShapes | int:
    """The shapes that a whole list of fence items makes, or the result that refuses it: vertices of a polygon must be
    contiguous, as many as each of them says, and there is at most one return point. Polygons that touch in the list
    are split by count. Self-intersection is not checked, as on the real one."""
    polygons: list[Polygon] = []
    circles: list[Circle] = []
    return_points = 0
    position = 0
    while position < len(items):
        item = items[position]
        if item.command == mavlink.MAV_CMD_NAV_FENCE_RETURN_POINT:
            return_points += 1
            position += 1
            continue
        if item.command in FENCE_CIRCLES:
            inside = item.command == mavlink.MAV_CMD_NAV_FENCE_CIRCLE_INCLUSION
            circles.append(Circle(inside, item.lat_deg, item.lon_deg, item.param1))
            position += 1
            continue
        count = int(item.param1)
        ring = items[position : position + count]
        if len(ring) < count or any(v.command != item.command or v.param1 != item.param1 for v in ring):
            return mavlink.MAV_MISSION_INVALID
        inside = item.command == mavlink.MAV_CMD_NAV_FENCE_POLYGON_VERTEX_INCLUSION
        polygons.append(Polygon(inside, tuple((v.lat_deg, v.lon_deg) for v in ring)))
        position += count
    if return_points > 1:
        return mavlink.MAV_MISSION_INVALID
    return FenceShapes(tuple(polygons), tuple(circles))


class Storage:
    """The three lists. Item 0 of the mission is home, kept by the vehicle; what the ground writes there is dropped."""

    def __init__(self) -> None:
        self.mission: list[Item] = [Item(mavlink.MAV_FRAME_GLOBAL, mavlink.MAV_CMD_NAV_WAYPOINT)]
        self.fence: tuple[Item, ...] = ()
        self.shapes = FenceShapes()
        self.rally: tuple[Item, ...] = ()

    def set_home(self, lat_deg: float, lon_deg: float, alt_amsl_m: float) -> None:
        """Put home into item 0."""
        self.mission[0] = replace(self.mission[0], x=round(lat_deg * 1e7), y=round(lon_deg * 1e7), z=alt_amsl_m)

    def put_mission(self, items: Sequence[Item]) -> None:
        """Replace the mission. Its first item is home, which stays what it is."""
        self.mission = [self.mission[0], *items[1:]]

    def put_fence(self, items: Sequence[Item]) -> int:
        """Replace the whole fence, or refuse it and keep the old one; returns a MAV_MISSION_RESULT."""
        shapes = fence_shapes(items)
        if isinstance(shapes, int):
            return shapes
        self.fence, self.shapes = tuple(items), shapes
        return mavlink.MAV_MISSION_ACCEPTED

    def put_rally(self, items: Sequence[Item]) -> None:
        """Replace the rally points."""
        self.rally = tuple(items)
