"""Gives a vehicle what it needs for a sortie, waits until it is ready, and looks again whether it still holds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from missions.drones import Drone
from missions.flying.faults import FIX_3D
from missions.flying.link import Link
from missions.flying.parameters import Parameters, Setting, settings
from missions.flying.protocol import Lists, MissionType, differences
from missions.flying.watch import Watch
from missions.items import MissionItem, fence_items, rally_items
from missions.plan import Plan, Sortie

READY_S = 60.0
"""How long to wait for the vehicle's position, home and clock before the checks are made as things stand."""


def prepare(
    link: Link,
    plan: Plan,
    sortie: Sortie,
    drone: Drone,
    items: Sequence[MissionItem],
    parameters: Parameters,
    waiting: Callable[[str], None],
) -> Lists:
    """Set the parameters, store fence, rally points and mission, turn the fence on. What was stored."""
    link.wait_for_parameters(waiting)
    for setting in settings(plan, sortie, drone):
        waiting(f"the vehicle to take {setting.name}")
        parameters.set(setting)
    lists = {
        MissionType.FENCE: fence_items(plan),
        MissionType.RALLY: rally_items(plan),
        MissionType.MISSION: items,
    }
    for mission_type, listed in lists.items():
        link.store(listed, mission_type, waiting)
    parameters.set(Setting("FENCE_ENABLE", 1, needed=True))
    return lists


def await_ready(link: Link, watch: Watch, waiting: Callable[[str], None]) -> None:
    """Wait for position, home, clock and the vehicle's own checks; where they do not come our checks will say so.
    `waiting` is called again and again with what is still missing, and may raise."""
    asked_s = 0.0

    def ready() -> bool:
        nonlocal asked_s
        missing = _missing(link, watch)
        if missing:
            waiting(", ".join(missing))
        if link.vehicle.home_location is None and time.monotonic() - asked_s > 1.0:
            asked_s = time.monotonic()
            link.ask_about_itself()
        return not missing

    link.wait(ready, READY_S)


def _missing(link: Link, watch: Watch) -> list[str]:
    """What a vehicle still lacks for its checks, in words."""
    vehicle = link.vehicle
    fix = vehicle.gps_0.fix_type or 0
    satellites = vehicle.gps_0.satellites_visible or 0
    known = (
        (
            vehicle.is_armable,
            f"a position (fix {fix}, {satellites} satellites)" if fix < FIX_3D else "the end of its start",
        ),
        (vehicle.ekf_ok, "its estimator"),
        (vehicle.home_location is not None, "its home"),
        (bool(watch.vehicle_utc_s), "its clock"),
        (vehicle.battery is not None, "its battery"),
        (watch.arming_ok is not False, f"its own checks ({watch.arming_text or 'it does not say which'})"),
    )
    return [words for ok, words in known if not ok]


def changes(link: Link, lists: Lists, parameters: Parameters) -> list[str]:
    """What the vehicle no longer holds as it was given: its parameters and lists, read once more."""
    found = parameters.changed()
    for mission_type, listed in lists.items():
        found += differences(listed, link.read(mission_type), mission_type)[:1]
    return found
