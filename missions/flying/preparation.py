"""Gives a vehicle what it needs for a sortie, waits until it is ready, and looks again whether it still holds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from missions.flying.link import Link
from missions.flying.parameters import Parameters, Setting, settings
from missions.flying.protocol import MissionType, differences
from missions.flying.watch import Watch
from missions.items import MissionItem, fence_items, rally_items
from missions.plan import Plan, Sortie

READY_S = 60.0
"""How long to wait for the vehicle's position, home and clock before the checks are made as things stand."""

Lists = Mapping[MissionType, Sequence[MissionItem]]


def prepare(link: Link, plan: Plan, sortie: Sortie, items: Sequence[MissionItem], parameters: Parameters) -> Lists:
    """Set the parameters, store fence, rally points and mission, turn the fence on. What was stored."""
    link.wait_for_parameters()
    for setting in settings(plan, sortie):
        parameters.set(setting)
    lists = {
        MissionType.FENCE: fence_items(plan),
        MissionType.RALLY: rally_items(plan),
        MissionType.MISSION: items,
    }
    for mission_type, listed in lists.items():
        link.store(listed, mission_type)
    parameters.set(Setting("FENCE_ENABLE", 1, needed=True))
    return lists


def await_ready(link: Link, watch: Watch, check: Callable[[], None] = lambda: None) -> None:
    """Wait for position, home, clock and the vehicle's own checks; where they do not come our checks will say so.
    `check` is called again and again and may raise."""
    asked_s = 0.0

    def ready() -> bool:
        nonlocal asked_s
        check()
        if link.vehicle.home_location is None and time.monotonic() - asked_s > 1.0:
            asked_s = time.monotonic()
            link.ask_about_itself()
        return bool(
            link.vehicle.is_armable
            and link.vehicle.ekf_ok
            and link.vehicle.home_location is not None
            and watch.vehicle_utc_s
            and link.vehicle.battery is not None
            and watch.arming_ok is not False
        )

    link.wait(ready, READY_S)


def changes(link: Link, lists: Lists, parameters: Parameters) -> list[str]:
    """What the vehicle no longer holds as it was given: its parameters and lists, read once more."""
    found = parameters.changed()
    for mission_type, listed in lists.items():
        found += differences(listed, link.read(mission_type), mission_type)[:1]
    return found
