"""Which sorties are left to be flown, by the records of the flights so far, and which drone flies which."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from practice import square_plan

from missions.flying.campaign import ToFly, after_flight, deal, goes_on, to_fly
from missions.flying.following import FlightOutcome
from missions.plan import Plan

SHA = "the plan's"


def plan_of(count: int) -> Plan:
    plan = square_plan()
    plan = replace(plan, fence=replace(plan.fence, exclusion=()))
    return replace(plan, sorties=tuple(replace(plan.sorties[0], number=number) for number in range(1, count + 1)))


def record(sortie: int, ended: str, **more: Any) -> dict[str, Any]:
    return {"plan_sha256": SHA, "sortie": sortie, "ended": ended, **more}


def numbers(tasks: list[ToFly]) -> list[tuple[int, str]]:
    return [(task.sortie.number, task.resumes) for task in tasks]


def test_nothing_flown_is_everything_left() -> None:
    assert numbers(to_fly(plan_of(3), SHA, [])) == [(1, ""), (2, ""), (3, "")]


def test_what_was_flown_is_done_and_another_plan_does_not_count() -> None:
    records = [record(2, "landed"), record(1, "landed") | {"plan_sha256": "an older one"}, {"plan_sha256": SHA}]
    assert numbers(to_fly(plan_of(3), SHA, records)) == [(1, ""), (3, "")]


def test_a_route_flown_to_its_end_is_done_however_it_ended() -> None:
    assert after_flight(plan_of(1), plan_of(1).sorties[0], record(1, "lost", route_done=True)) is None


def test_a_rest_of_a_rest() -> None:
    plan = plan_of(2)
    line = plan.sorties[0].waypoints[:2]

    def photo_at(share: float) -> dict[str, float]:
        south, north = (waypoint.lat_deg for waypoint in line)
        return {"lat_deg": south + share * (north - south), "lon_deg": line[0].lon_deg}

    broken_off = record(1, "aborted", reason="low battery", item_reached=3, last_photo=photo_at(0.4))
    (first, _) = to_fly(plan, SHA, [broken_off])
    assert first.resumes == "low battery"
    assert 0 < first.sortie.photos < plan.sorties[0].photos
    # the flight of the rest is broken off too: items count within the rest, which begins further along the line
    items = len(first.sortie.waypoints) - len(plan.sorties[0].waypoints)
    again = record(1, "aborted", resumes="low battery", reason="wind", item_reached=3 + items, last_photo=photo_at(0.8))
    (second, _) = to_fly(plan, SHA, [broken_off, again])
    assert second.resumes == "wind"
    assert second.sortie.photos < first.sortie.photos
    assert numbers(to_fly(plan, SHA, [broken_off, again, record(1, "landed")])) == [(2, "")]


@pytest.mark.parametrize(
    ("ended", "photos", "reason", "on"),
    [
        ("aborted", 12, "called home: battery at 22 %", True),
        ("aborted", 12, "called home: wind 13 m/s", True),
        ("aborted", 12, "went to RTL after 40 % of the way (Battery 1 is low 14.20V used 3000 mAh)", True),
        ("aborted", 0, "called home: battery at 22 %", False),
        ("aborted", 12, "went to LAND after 61 % of the way", False),
        ("aborted", 12, "went to LOITER after 61 % of the way (Battery 1 is low)", False),
        ("aborted", 12, "called home: outside its fence", False),
        ("aborted", 12, "called home: somebody else changed the mission", False),
        ("aborted", 12, "called home by the pilot", False),
        ("lost", 12, "silent", False),
        ("left", 12, "left to its failsafes", False),
    ],
)
def test_the_next_battery_goes_on_only_after_what_a_break_mends(ended: Any, photos: int, reason: str, on: bool) -> None:
    assert goes_on(FlightOutcome(ended, 20, photos, 100.0, reason)) is on


def test_sorties_are_dealt_in_turn_or_as_planned() -> None:
    tasks = [ToFly(item) for item in plan_of(5).sorties]
    assert [[task.sortie.number for task in queue] for queue in deal(tasks, 2, 1)] == [[1, 3, 5], [2, 4]]
    planned = [ToFly(replace(task.sortie, drone=drone)) for task, drone in zip(tasks, (1, 1, 2, 2, 2), strict=True)]
    assert [[task.sortie.number for task in queue] for queue in deal(planned, 2, 2)] == [[1, 2], [3, 4, 5]]
    assert [[task.sortie.number for task in queue] for queue in deal(planned, 3, 2)] == [[1, 4], [2, 5], [3]]
