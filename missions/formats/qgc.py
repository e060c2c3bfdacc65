"""QGroundControl's `.plan` files: one sortie with its fence and rally points, written and read back.

Format: QGroundControl developer guide, "Plan File Format", versions as QGroundControl 4 writes them. Surveys and other
patterns are read as the items they consist of, which is what an autopilot gets; their settings are not kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from missions.items import (
    FRAME_GLOBAL,
    FRAME_RELATIVE,
    NAV_WAYPOINT,
    MissionItem,
    fence_items,
    mission_items,
    rally_items,
    round_degrees,
)
from missions.plan import Plan, Position, Ring, Sortie
from vision.errors import InputError
from vision.files import read_json, write_whole

_WHAT = "a .plan file as QGroundControl saves it"
_ARDUPILOT, _MULTIROTOR = 3, 2
_ALTITUDE_MODES = {FRAME_RELATIVE: 1, 6: 1, FRAME_GLOBAL: 2, 5: 2, 10: 4, 11: 4}


@dataclass(frozen=True)
class Circle:
    """A circular fence."""

    centre: Position
    radius_m: float
    inclusion: bool


@dataclass(frozen=True)
class Rally:
    """A rally point with its height above home."""

    position: Position
    alt_home_m: float


@dataclass(frozen=True)
class PlanFile:
    """What a `.plan` file says. `items` are the mission with home first, as MAVLink counts them; `speed_m_s` is what
    QGroundControl reckons flight times with."""

    items: tuple[MissionItem, ...]
    inclusion: tuple[Ring, ...] = ()
    exclusion: tuple[Ring, ...] = ()
    circles: tuple[Circle, ...] = ()
    rally: tuple[Rally, ...] = ()
    speed_m_s: float = 5.0
    firmware_type: int = _ARDUPILOT
    vehicle_type: int = _MULTIROTOR


def plan_file(plan: Plan, sortie: Sortie) -> PlanFile:
    """One sortie of a plan, with the plan's fence and rally points, as a `.plan` file says it."""
    vertices = iter(fence_items(plan))
    rings = [
        tuple(Position(item.lat_deg, item.lon_deg) for item in (next(vertices) for _ in ring))
        for ring in (*plan.fence.inclusion, *plan.fence.exclusion)
    ]
    included = len(plan.fence.inclusion)
    return PlanFile(
        items=tuple(mission_items(sortie, plan)),
        inclusion=tuple(rings[:included]),
        exclusion=tuple(rings[included:]),
        rally=tuple(Rally(Position(item.lat_deg, item.lon_deg), item.alt_m) for item in rally_items(plan)),
        speed_m_s=sortie.speed_m_s,
    )


def write_plan(plan: Plan, sortie: Sortie, path: str | Path) -> None:
    """Write one sortie as a `.plan` file, whole or not at all."""
    write_whole(path, text_of(plan_file(plan, sortie)))


def text_of(content: PlanFile) -> str:
    """The text of a `.plan` file, as QGroundControl lays it out (sorted keys); what is read back gives it again."""
    home = content.items[0]
    polygons = [(ring, True) for ring in content.inclusion] + [(ring, False) for ring in content.exclusion]
    document = {
        "fileType": "Plan",
        "version": 1,
        "groundStation": "Picket",
        "mission": {
            "version": 2,
            "firmwareType": content.firmware_type,
            "vehicleType": content.vehicle_type,
            "cruiseSpeed": _number(content.speed_m_s),
            "hoverSpeed": _number(content.speed_m_s),
            "globalPlanAltitudeMode": 1,
            "plannedHomePosition": [_number(value) for value in (home.lat_deg, home.lon_deg, home.alt_m)],
            "items": [_item(item, number) for number, item in enumerate(content.items[1:], 1)],
        },
        "geoFence": {
            "version": 2,
            "circles": [
                {
                    "circle": {"center": _lat_lon(circle.centre), "radius": _number(circle.radius_m)},
                    "inclusion": circle.inclusion,
                    "version": 1,
                }
                for circle in content.circles
            ],
            "polygons": [
                {"polygon": [_lat_lon(place) for place in ring], "inclusion": inclusion, "version": 1}
                for ring, inclusion in polygons
            ],
        },
        "rallyPoints": {
            "version": 2,
            "points": [[*_lat_lon(rally.position), _number(rally.alt_home_m)] for rally in content.rally],
        },
    }
    return json.dumps(document, indent=4, sort_keys=True, allow_nan=False) + "\n"


def _item(item: MissionItem, number: int) -> dict[str, Any]:
    place = (item.lat_deg, item.lon_deg, item.alt_m)
    described: dict[str, Any] = {
        "type": "SimpleItem",
        "command": item.command,
        "frame": item.frame,
        "params": [_number(value) for value in (*item.params, *place)],
        "autoContinue": item.autocontinue,
        "doJumpId": number,
    }
    if item.frame in _ALTITUDE_MODES:
        mode = _ALTITUDE_MODES[item.frame]
        described |= {"Altitude": _number(item.alt_m), "AltitudeMode": mode, "AMSLAltAboveTerrain": None}
    return described


def _number(value: float) -> float | int | None:
    """A number as QGroundControl writes it: NaN as null, whole numbers without a point."""
    if math.isnan(value):
        return None
    return int(value) if float(value).is_integer() else value


def _lat_lon(place: Position) -> list[float | int | None]:
    return [_number(place.lat_deg), _number(place.lon_deg)]


def read_plan(path: str | Path) -> PlanFile:
    """What a `.plan` file says, degrees rounded to the 1e-7 an autopilot stores. Raises InputError naming the item or
    polygon at fault."""
    path = Path(path)
    document = read_json(path, _WHAT)
    if document.get("fileType") != "Plan" or not isinstance(document.get("mission"), dict):
        raise InputError(path, f"JSON, but no plan of QGroundControl (fileType is not Plan); give {_WHAT}")
    mission = document["mission"]
    home = _numbers(path, mission.get("plannedHomePosition"), 3, "mission, plannedHomePosition")
    home_lat, home_lon = _place(path, home, "mission, plannedHomePosition")
    items = [MissionItem(FRAME_GLOBAL, NAV_WAYPOINT, lat_deg=home_lat, lon_deg=home_lon, alt_m=home[2])]
    for place, described in _simple_items(path, _list(path, mission.get("items"), "mission, items")):
        items.append(_read_item(path, described, place))
    fence, rally = document.get("geoFence") or {}, document.get("rallyPoints") or {}
    if not isinstance(fence, dict) or not isinstance(rally, dict):
        raise InputError(path, "geoFence and rallyPoints have to be objects; save it again in QGroundControl")
    polygons = [
        _read_polygon(path, described, f"geoFence, polygon {number}")
        for number, described in enumerate(_list(path, fence.get("polygons", []), "geoFence, polygons"), 1)
    ]
    points = [
        _numbers(path, point, 3, f"rallyPoints, point {number}")
        for number, point in enumerate(_list(path, rally.get("points", []), "rallyPoints, points"), 1)
    ]
    return PlanFile(
        items=tuple(items),
        inclusion=tuple(ring for ring, inclusion in polygons if inclusion),
        exclusion=tuple(ring for ring, inclusion in polygons if not inclusion),
        circles=tuple(
            _read_circle(path, described, f"geoFence, circle {number}")
            for number, described in enumerate(_list(path, fence.get("circles", []), "geoFence, circles"), 1)
        ),
        rally=tuple(Rally(Position(*_place(path, point, "rallyPoints")), point[2]) for point in points),
        speed_m_s=_numbers(path, [mission.get("hoverSpeed", 5)], 1, "mission, hoverSpeed")[0],
        firmware_type=_whole(path, mission.get("firmwareType", _ARDUPILOT), "mission, firmwareType"),
        vehicle_type=_whole(path, mission.get("vehicleType", _MULTIROTOR), "mission, vehicleType"),
    )


def _simple_items(path: Path, items: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every simple item with its place in the file, the items of patterns in the place of the pattern."""
    for number, item in enumerate(items, 1):
        place = f"mission item {number}"
        if not isinstance(item, dict):
            raise InputError(path, "not an item; save it again in QGroundControl", place)
        if item.get("type") == "SimpleItem":
            yield place, item
            continue
        pattern = item.get("TransectStyleComplexItem")
        inner = pattern.get("Items") if isinstance(pattern, dict) else None
        if not isinstance(inner, list):
            kind = item.get("complexItemType", item.get("type"))
            raise InputError(path, f"a {kind!r} that holds no items of its own; replace it by waypoints", place)
        for part, described in enumerate(inner, 1):
            if not isinstance(described, dict):
                raise InputError(path, "not an item; save it again in QGroundControl", f"{place}, part {part}")
            yield f"{place}, part {part}", described


def _read_item(path: Path, described: dict[str, Any], place: str) -> MissionItem:
    params = described.get("params")
    if not isinstance(params, list) or len(params) != 7:
        raise InputError(path, "an item has 7 params; save it again in QGroundControl", place)
    values = _numbers(path, [math.nan if value is None else value for value in params], 7, place)
    lat, lon, alt = values[4:]
    return MissionItem(
        frame=_whole(path, described.get("frame"), f"{place}, frame"),
        command=_whole(path, described.get("command"), f"{place}, command"),
        params=(values[0], values[1], values[2], values[3]),
        lat_deg=round_degrees(lat),
        lon_deg=round_degrees(lon),
        alt_m=alt,
        autocontinue=bool(described.get("autoContinue", True)),
    )


def _read_polygon(path: Path, described: Any, place: str) -> tuple[Ring, bool]:
    vertices = described.get("polygon") if isinstance(described, dict) else None
    corners = [
        Position(*_place(path, _numbers(path, vertex, 2, f"{place}, vertex {number}"), f"{place}, vertex {number}"))
        for number, vertex in enumerate(_list(path, vertices, place), 1)
    ]
    if len(corners) < 3:
        raise InputError(path, f"{len(corners)} vertices enclose nothing; draw at least 3", place)
    return tuple(corners), bool(described.get("inclusion", True))


def _read_circle(path: Path, described: Any, place: str) -> Circle:
    circle = described.get("circle") if isinstance(described, dict) else None
    if not isinstance(circle, dict):
        raise InputError(path, "not a circle; save it again in QGroundControl", place)
    centre = Position(*_place(path, _numbers(path, circle.get("center"), 2, place), place))
    radius_m = _numbers(path, [circle.get("radius")], 1, f"{place}, radius")[0]
    return Circle(centre, radius_m, bool(described.get("inclusion", True)))


def _list(path: Path, value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(path, "has to be a list; save it again in QGroundControl", place)
    return value


def _numbers(path: Path, value: Any, count: int, place: str) -> list[float]:
    numbers = _list(path, value, place)
    if len(numbers) != count or any(isinstance(n, bool) or not isinstance(n, (int, float)) for n in numbers):
        raise InputError(path, f"has to be {count} numbers; save it again in QGroundControl", place)
    return [float(number) for number in numbers]


def _whole(path: Path, value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(path, "has to be a whole number; save it again in QGroundControl", place)
    return value


def _place(path: Path, numbers: list[float], place: str) -> tuple[float, float]:
    lat, lon = numbers[:2]
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise InputError(path, f"{lat}, {lon} is no latitude and longitude; correct it", place)
    return round_degrees(lat), round_degrees(lon)
