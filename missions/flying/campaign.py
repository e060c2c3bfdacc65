"""Which sorties of a plan are still to be flown, judged by the records of the flights so far, and which of several
drones flies which. Pure: records in, sorties out. A sortie that was flown to its end is done; of one that ended early
the rest is left; the others are whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from missions.flying.following import FlightOutcome
from missions.plan import Plan, Position, Sortie
from missions.planning.rest import rest_of_sortie

_MENDED_BY_A_BREAK = ("called home: battery", "called home: wind")


@dataclass(frozen=True)
class ToFly:
    """A sortie to be flown, whole or what is left of it. `resumes` says how it ended before (empty: not flown yet)."""

    sortie: Sortie
    resumes: str = ""


def to_fly(plan: Plan, plan_sha256: str, records: Iterable[Mapping[str, Any]]) -> list[ToFly]:
    """What remains of `plan` after the flights with these records (flight.json, oldest first), in the plan's order.

    Records of another plan, of attempts that did not leave the ground and of practice flights beside real ones are the
    caller's to leave out; those of other plans are skipped here by `plan_sha256`. Raises NotFlyableError where a rest
    cannot be flown as a sortie of its own.
    """
    left: dict[int, ToFly | None] = {sortie.number: ToFly(sortie) for sortie in plan.sorties}
    for number, (given, record) in _last_flown(plan, plan_sha256, records).items():
        left[number] = after_flight(plan, given, record)
    return [item for item in left.values() if item is not None]


def may_be_flying(plan: Plan, plan_sha256: str, records: Iterable[Mapping[str, Any]]) -> list[Sortie]:
    """What a vehicle in the air may have been given: what was flown last of each sortie, and each whole sortie."""
    return [*(given for given, _ in _last_flown(plan, plan_sha256, records).values()), *plan.sorties]


def _last_flown(
    plan: Plan, plan_sha256: str, records: Iterable[Mapping[str, Any]]
) -> dict[int, tuple[Sortie, Mapping[str, Any]]]:
    """By number, for each sortie that was flown: what the vehicle was given in the flight that counts, and what its
    record says. A flight taken up in the air goes on with what the one before was given; of a sortie flown anew as a
    whole the flight that left less counts."""
    whole = {sortie.number: sortie for sortie in plan.sorties}
    last: dict[int, tuple[Sortie, Mapping[str, Any]]] = {}
    for record in records:
        number = record.get("sortie")
        if record.get("plan_sha256") != plan_sha256 or not isinstance(number, int) or number not in whole:
            continue
        if number not in last:
            last[number] = whole[number], record
            continue
        given, before = last[number]
        if record.get("takes_up"):
            last[number] = given, _together(before, record)
            continue
        rest = after_flight(plan, given, before)
        if rest is None:
            continue
        if record.get("resumes"):
            last[number] = rest.sortie, record
            continue
        again = after_flight(plan, whole[number], record)
        if again is None or again.sortie.photos < rest.sortie.photos:
            last[number] = whole[number], record
    return last


def _together(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a flight whose first part was recorded by another."""
    return {
        **before,
        **{name: value for name, value in after.items() if value is not None},
        "item_reached": max(int(record.get("item_reached") or 0) for record in (before, after)),
        "route_done": bool(before.get("route_done") or after.get("route_done")),
    }


def after_flight(plan: Plan, sortie: Sortie, record: Mapping[str, Any]) -> ToFly | None:
    """What is left of a sortie after the flight with this record; None: nothing."""
    if record.get("route_done") or record.get("ended") == "landed":
        return None
    photo = record.get("last_photo")
    place = Position(photo["lat_deg"], photo["lon_deg"]) if isinstance(photo, Mapping) else None
    rest = rest_of_sortie(plan, sortie, int(record.get("item_reached") or 0), place)
    if rest is None:
        return None
    return ToFly(rest, str(record.get("reason") or record.get("ended") or "cut off"))


def deal(tasks: Sequence[ToFly], drones: int, planned: int) -> list[list[ToFly]]:
    """The sorties of each of `drones` drones, one after the other. Where the plan was made for as many, each drone
    flies those meant for it; else they are dealt in the plan's order."""
    if planned == drones:
        return [[task for task in tasks if task.sortie.drone == drone] for drone in range(1, drones + 1)]
    return [list(tasks[drone::drones]) for drone in range(drones)]


def goes_on(outcome: FlightOutcome) -> bool:
    """Whether the next battery may go on after a sortie that was not flown to its end: only where it was broken off,
    after photos, for what a new battery or a calmer hour mends, by Picket or by the vehicle's own battery failsafe.
    Whatever else a person, a fault or a stranger did is for the pilot to look into first."""
    failsafe = outcome.reason.startswith("went to RTL") and "battery" in outcome.reason.lower()
    mended = failsafe or outcome.reason.startswith(_MENDED_BY_A_BREAK)
    return outcome.ended == "aborted" and outcome.photos_taken > 0 and mended
