"""Takes up a flight that is in the air already: the program that started it was killed, or its machine went down.

A vehicle is taken up only where it holds the very mission it would have been sent: then the plan's proof holds, and it
can be watched as from the start. Nothing is set or armed. What follows is `missions.flying.flight`'s part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from missions.drones import Drone
from missions.errors import VehicleError
from missions.flying.holding import Holding
from missions.flying.link import Link, same_value
from missions.flying.parameters import settings
from missions.flying.protocol import MissionType, differences
from missions.items import fence_items, mission_items, rally_items
from missions.plan import Plan, Sortie

PLACE_S = 5.0
OFF_THE_GROUND_M = 2.0
"""Higher above home than this, armed, a vehicle counts as flying; barometers drift by less while one stands."""

BRING_IT_DOWN = (
    "watch it, and bring it home with its remote control or another ground station (mode RTL); Picket takes up a "
    "flight only where the vehicle holds the mission it was sent (`--sortie` names it)"
)


def sortie_in_the_air(link: Link, plan: Plan, sorties: Sequence[Sortie]) -> Sortie:
    """Which of these sorties of `plan` an armed vehicle is flying. Raises VehicleError, saying what to do, where it
    stands on the ground or holds the mission of none."""
    place = link.vehicle.location
    if not link.wait(lambda: place.global_relative_frame.alt is not None, PLACE_S):
        raise VehicleError(f"the vehicle is armed and does not say where it is: {BRING_IT_DOWN}")
    if place.global_relative_frame.alt < OFF_THE_GROUND_M:
        raise VehicleError("the vehicle is armed already and on the ground: disarm it; Picket arms it after its checks")
    held = link.read(MissionType.MISSION)
    for sortie in sorties:
        if not differences(mission_items(sortie, plan), held, MissionType.MISSION):
            return sortie
    numbers = ", ".join(dict.fromkeys(str(sortie.number) for sortie in sorties))
    raise VehicleError(f"the vehicle is in the air, with another mission than sortie {numbers}: {BRING_IT_DOWN}")


def held_in_the_air(
    link: Link, plan: Plan, sortie: Sortie, drone: Drone, note: Callable[..., None], tell: Callable[[str], None]
) -> Holding:
    """What of the plan the vehicle holds as it was given: the mission, and of the rest what is not otherwise; says what
    is."""
    lists = {MissionType.MISSION: mission_items(sortie, plan)}
    for kind, listed in ((MissionType.FENCE, fence_items(plan)), (MissionType.RALLY, rally_items(plan))):
        other = differences(listed, link.read(kind), kind)
        if other:
            tell(f"the {kind.words} on the vehicle: not the plan's ({other[0]})")
        else:
            lists[kind] = listed
    held: dict[str, float] = {}
    wanted = {setting.name: setting.value for setting in settings(plan, sortie, drone)} | {"FENCE_ENABLE": 1.0}
    for name, value in wanted.items():
        present = link.parameter(name)
        if present is not None and same_value(present, value):
            held[name] = value
        elif present is not None:
            tell(f"{name} is {present:g} on the vehicle, not {value:g} as this sortie needs it")
    return Holding(link, lists, held, note)
