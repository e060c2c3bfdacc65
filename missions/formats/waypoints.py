"""Waypoint files as Mission Planner and QGroundControl exchange them (`QGC WPL 110`), written and read back.

One mission item a line, tab-separated: index, current, frame, command, four params, latitude, longitude, altitude,
autocontinue. They hold the mission only; fence and rally points go with the `.plan` file (`qgc`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from missions.items import MissionItem, mission_items, round_degrees
from missions.plan import Plan, Sortie
from vision.errors import InputError
from vision.files import read_text, write_whole

_HEADER = "QGC WPL 110"
_COLUMNS = 12
_WHAT = f"a waypoint file that begins with {_HEADER}"


def write_waypoints(plan: Plan, sortie: Sortie, path: str | Path) -> None:
    """Write one sortie as a waypoint file, whole or not at all; home is item 0."""
    write_whole(path, text_of(mission_items(sortie, plan)))


def text_of(items: Sequence[MissionItem]) -> str:
    """The text of a waypoint file; the items read back from it give it again."""
    lines = [_HEADER]
    for index, item in enumerate(items):
        place = (f"{item.lat_deg:.8f}", f"{item.lon_deg:.8f}", _number(item.alt_m))
        fields = (index, int(index == 0), item.frame, item.command, *map(_number, item.params), *place)
        lines.append("\t".join(str(field) for field in (*fields, int(item.autocontinue))))
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def read_waypoints(path: str | Path) -> tuple[MissionItem, ...]:
    """The items of a waypoint file in order, degrees rounded to the 1e-7 an autopilot stores; Mission Planner puts
    home first. Raises InputError naming the line at fault."""
    path = Path(path)
    lines = read_text(path, _WHAT).splitlines()
    if lines[0].split() != _HEADER.split():
        raise InputError(path, f"does not begin with {_HEADER}; save it again as a waypoint file", "line 1")
    items: list[MissionItem] = []
    for number, line in enumerate(lines[1:], 2):
        if line.strip() and not line.startswith("#"):
            items.append(_read_item(path, line, f"line {number}", len(items)))
    if not items:
        raise InputError(path, "holds no items; save the mission again")
    return tuple(items)


def _read_item(path: Path, line: str, place: str, expected: int) -> MissionItem:
    fields = line.split()
    if len(fields) != _COLUMNS:
        raise InputError(path, f"{len(fields)} columns instead of {_COLUMNS}; the file may be cut short", place)
    whole = []
    for column in (0, 2, 3, 11):
        try:
            whole.append(int(fields[column]))
        except ValueError as error:
            raise InputError(
                path, f"{fields[column]!r} in column {column + 1} is no whole number; mend it", place
            ) from error
    values = []
    for column in range(4, 11):
        try:
            values.append(float(fields[column]))
        except ValueError as error:
            raise InputError(path, f"{fields[column]!r} in column {column + 1} is no number; mend it", place) from error
    index, frame, command, autocontinue = whole
    if index != expected:
        raise InputError(path, f"item {index} where {expected} should follow; put the lines in order", place)
    lat, lon, alt = values[4:]
    if not (abs(lat) <= 90 and abs(lon) <= 180 and math.isfinite(alt)):
        raise InputError(path, f"{lat}, {lon}, {alt} is no latitude, longitude and altitude; mend it", place)
    return MissionItem(
        frame=frame,
        command=command,
        params=(values[0], values[1], values[2], values[3]),
        lat_deg=round_degrees(lat),
        lon_deg=round_degrees(lon),
        alt_m=alt,
        autocontinue=bool(autocontinue),
    )
