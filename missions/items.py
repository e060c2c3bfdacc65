"""A plan as MAVLink mission items: the sortie's commands, the fence's vertices, the rally points.

The items are values, with degrees rounded to the 1e-7 that MAVLink's integers hold and the frames of the non-integer
protocol, as files carry them; `integer_frame` gives the frame to send in a MISSION_ITEM_INT. Sending them is left to
`missions.flying`, writing them to `missions.formats`. Command numbers: MAVLink common message set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from missions.plan import Plan, Ring, Sortie
from missions.speeds import sortie_speeds

FRAME_GLOBAL = 0
FRAME_MISSION = 2
FRAME_RELATIVE = 3
_INTEGER_FRAMES = {FRAME_GLOBAL: 5, FRAME_RELATIVE: 6, 10: 11}

NAV_WAYPOINT = 16
NAV_RETURN_TO_LAUNCH = 20
NAV_LAND = 21
NAV_TAKEOFF = 22
DO_CHANGE_SPEED = 178
DO_MOUNT_CONTROL = 205
DO_SET_CAM_TRIGG_DIST = 206
NAV_FENCE_POLYGON_VERTEX_INCLUSION = 5001
NAV_FENCE_POLYGON_VERTEX_EXCLUSION = 5002
NAV_RALLY_POINT = 5100

_SPEED_TYPE_GROUND = 1.0
_THROTTLE_UNCHANGED = -1.0
_MOUNT_BY_MAVLINK = 2.0


@dataclass(frozen=True)
class MissionItem:
    """One MAVLink mission item. Its sequence number is its index in the list that holds it.

    `params` are the command's first four parameters (NaN: not given), `alt_m` is above home where `frame` is
    FRAME_RELATIVE and AMSL where it is FRAME_GLOBAL; commands without a place have zeros and FRAME_MISSION.
    """

    frame: int
    command: int
    params: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    lat_deg: float = 0.0
    lon_deg: float = 0.0
    alt_m: float = 0.0
    autocontinue: bool = True


def integer_frame(frame: int) -> int:
    """The frame to send in a MISSION_ITEM_INT for a frame of the non-integer protocol (3 becomes 6)."""
    return _INTEGER_FRAMES.get(frame, frame)


def round_degrees(value_deg: float) -> float:
    """Degrees rounded to the 1e-7 that MAVLink stores (about 1 cm); NaN stays NaN."""
    return round(value_deg, 7)


def mission_items(sortie: Sortie, plan: Plan) -> list[MissionItem]:
    """The commands of one sortie: home, take-off, speed, waypoints with the camera's starts and stops, return and land.

    Item 0 is home, as ArduPilot wants it (it replaces what stands there). The camera starts with a photo at once and
    is stopped before the way home, also where the last waypoint left it running. The speed changes wherever that of
    the next leg is another (`missions.speeds`).
    """
    home_lat, home_lon = round_degrees(plan.home.lat_deg), round_degrees(plan.home.lon_deg)
    height_m = sortie.waypoints[0].alt_home_m if sortie.waypoints else plan.height_home_m
    items = [
        MissionItem(FRAME_GLOBAL, NAV_WAYPOINT, lat_deg=home_lat, lon_deg=home_lon),
        MissionItem(FRAME_RELATIVE, NAV_TAKEOFF, lat_deg=home_lat, lon_deg=home_lon, alt_m=height_m),
    ]
    speeds = sortie_speeds(plan, sortie) or [sortie.speed_m_s]
    items.append(_speed(speeds[0]))
    if plan.gimbal_pitch_deg is not None:
        items.append(_gimbal(plan.gimbal_pitch_deg))
    imaging = False
    for index, waypoint in enumerate(sortie.waypoints):
        items.append(
            MissionItem(
                FRAME_RELATIVE,
                NAV_WAYPOINT,
                lat_deg=round_degrees(waypoint.lat_deg),
                lon_deg=round_degrees(waypoint.lon_deg),
                alt_m=float(waypoint.alt_home_m),
            )
        )
        if waypoint.camera is not None:
            imaging = waypoint.camera == "on"
            items += _new_speed(speeds, index) if imaging else []
            items.append(_camera(sortie.trigger_distance_m if imaging else None))
        if not imaging:
            items += _new_speed(speeds, index)
    if imaging:
        items.append(_camera(None))
    items.append(MissionItem(FRAME_MISSION, NAV_RETURN_TO_LAUNCH))
    return items


def imaging_at(items: Sequence[MissionItem]) -> tuple[bool, ...]:
    """For each item, whether the camera triggers while the vehicle flies to it."""
    imaging, found = False, []
    for item in items:
        found.append(imaging)
        if item.command == DO_SET_CAM_TRIGG_DIST:
            imaging = item.params[0] > 0
    return tuple(found)


def _new_speed(speeds: Sequence[float], index: int) -> list[MissionItem]:
    """The change to the next leg's speed on reaching a waypoint, where it is another; after the last, none."""
    changes = index + 1 < len(speeds) and speeds[index + 1] != speeds[index]
    return [_speed(speeds[index + 1])] if changes else []


def _speed(speed_m_s: float) -> MissionItem:
    return MissionItem(FRAME_MISSION, DO_CHANGE_SPEED, (_SPEED_TYPE_GROUND, float(speed_m_s), _THROTTLE_UNCHANGED, 0.0))


def _gimbal(pitch_deg: float) -> MissionItem:
    """Turn the gimbal to a pitch, level and ahead."""
    return MissionItem(FRAME_MISSION, DO_MOUNT_CONTROL, (float(pitch_deg), 0.0, 0.0, 0.0), alt_m=_MOUNT_BY_MAVLINK)


def _camera(trigger_distance_m: float | None) -> MissionItem:
    """Start triggering every so many metres with one photo at once, or stop."""
    if trigger_distance_m is None:
        return MissionItem(FRAME_MISSION, DO_SET_CAM_TRIGG_DIST)
    return MissionItem(FRAME_MISSION, DO_SET_CAM_TRIGG_DIST, (float(trigger_distance_m), 0.0, 1.0, 0.0))


def fence_items(plan: Plan) -> list[MissionItem]:
    """The fence's vertices, inclusions first; every vertex repeats the number of vertices of its polygon (param 1)."""
    return [
        *_vertices(plan.fence.inclusion, NAV_FENCE_POLYGON_VERTEX_INCLUSION),
        *_vertices(plan.fence.exclusion, NAV_FENCE_POLYGON_VERTEX_EXCLUSION),
    ]


def _vertices(rings: tuple[Ring, ...], command: int) -> list[MissionItem]:
    return [
        MissionItem(
            FRAME_GLOBAL,
            command,
            (float(len(ring)), 0.0, 0.0, 0.0),
            round_degrees(position.lat_deg),
            round_degrees(position.lon_deg),
        )
        for ring in rings
        for position in ring
    ]


def rally_items(plan: Plan) -> list[MissionItem]:
    """The rally points at the height of the way home."""
    return [
        MissionItem(
            FRAME_RELATIVE,
            NAV_RALLY_POINT,
            lat_deg=round_degrees(position.lat_deg),
            lon_deg=round_degrees(position.lon_deg),
            alt_m=float(plan.way_home_m),
        )
        for position in plan.rally
    ]
