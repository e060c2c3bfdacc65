"""What counts as a fault, when it is over and which call the vehicle home: on values alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import HOME, square_plan

from missions.drones import load_drone
from missions.flying.faults import Faults, Finding, wind_limit_m_s
from missions.flying.progress import FlightStatus, Signs
from missions.flying.protocol import MissionType

SORTIE = square_plan().sortie(1)
DRONE = load_drone("x500")
STATUS = FlightStatus(
    progress=0.4,
    mode="AUTO",
    armed=True,
    position=HOME,
    height_home_m=40.0,
    speed_m_s=6.0,
    battery_pct=90,
    photos_taken=4,
    photos_expected=10,
    flown_s=40.0,
    message="",
    battery_expected_pct=92.0,
)
SIGNS = Signs(
    vehicle_s=100.0,
    silence_s=0.2,
    line_open=True,
    restarts=0,
    breach=None,
    gps_fix=3,
    wind_m_s=2.0,
    unphotographed_m=10.0,
    changed_lists={},
    parameter_changes=(),
    home_moved_m=0.0,
    photos_missing=(),
    way_home_m=50.0,
)


def look(status: dict[str, Any] | None = None, **signs: Any) -> list[Finding]:
    """What is found of this on a flight that was well before; for faults that need patience, a minute later."""
    faults = Faults(SORTIE, DRONE)
    assert faults.look(STATUS, SIGNS) == []
    seen = replace(STATUS, **status or {})
    first = faults.look(seen, replace(SIGNS, **signs))
    return first + faults.look(seen, replace(SIGNS, **{"vehicle_s": 160.0, **signs}))


@pytest.mark.parametrize(
    ("status", "signs", "kind", "home"),
    [
        ({}, {"silence_s": 40.0}, "silent", ""),
        ({"battery_pct": 20}, {}, "battery_low", "battery at 20 %"),
        ({"battery_pct": 60}, {}, "battery_behind", ""),
        ({}, {"breach": 2}, "breach_not_answered", "outside its fence"),
        ({"mode": "RTL"}, {"breach": 2}, "fence_breached", ""),
        ({}, {"gps_fix": 1}, "gps_lost", ""),
        ({}, {"wind_m_s": 14.0}, "wind_over_limit", "wind 14 m/s"),
        ({}, {"unphotographed_m": 75.0}, "camera_silent", ""),
        ({}, {"parameter_changes": ("FENCE_ENABLE is 0 instead of 1",)}, "parameters_changed", "FENCE_ENABLE is 0"),
        (
            {},
            {"changed_lists": {MissionType.MISSION: "2 of 9"}},
            "mission_changed",
            "somebody else changed the mission",
        ),
        ({}, {"changed_lists": {MissionType.FENCE: "2 of 9"}}, "fence_changed", "somebody else changed the fence"),
        ({}, {"changed_lists": {MissionType.RALLY: "2 of 9"}}, "rally_changed", ""),
        ({"mode": "LOITER"}, {"changed_lists": {MissionType.MISSION: "2 of 9"}}, "mission_changed", ""),
        ({}, {"home_moved_m": 40.0}, "home_moved", ""),
        ({}, {"restarts": 1}, "vehicle_restarted", ""),
        ({}, {"photos_missing": (5, 6)}, "photos_unheard", ""),
    ],
)
def test_each_fault_is_found_once_with_its_answer(
    status: dict[str, Any], signs: dict[str, Any], kind: str, home: str
) -> None:
    found = [finding for finding in look(status, **signs) if finding.kind == kind]
    assert len(found) == 1
    assert found[0].text
    assert home in found[0].call_home
    assert bool(found[0].call_home) == bool(home)


def test_a_well_flight_has_no_fault() -> None:
    assert look() == []
    assert look({"armed": False, "mode": "STABILIZE", "battery_pct": None}, gps_fix=None, wind_m_s=None) == []


def test_a_fault_that_passes_is_over_and_may_come_again() -> None:
    faults = Faults(SORTIE, DRONE)
    kinds = []
    for fix in (3, 1, 1, 3, 3, 0):
        kinds += [finding.kind for finding in faults.look(STATUS, replace(SIGNS, gps_fix=fix))]
        assert bool(faults.alerts) == (fix < 3)
    assert kinds == ["gps_lost", "gps_lost_over", "gps_lost"]


def test_gusts_and_short_breaches_call_nobody_home() -> None:
    faults = Faults(SORTIE, DRONE)
    found = []
    for second in range(40):
        blowing, outside = second % 8 < 6, second % 5 < 2
        signs = replace(
            SIGNS, vehicle_s=100.0 + second, wind_m_s=15.0 if blowing else 3.0, breach=2 if outside else None
        )
        found += faults.look(STATUS, signs)
    assert {finding.kind for finding in found} == {"fence_breached", "fence_breached_over"}
    assert not [finding for finding in found if finding.call_home]


def test_a_vehicle_on_its_way_home_is_not_called_again() -> None:
    assert not [finding for finding in look({"mode": "RTL", "battery_pct": 15}) if finding.call_home]


def test_a_battery_that_suits_the_plan_is_never_low() -> None:
    """A sortie planned to the reserve, flown as planned: at no moment is it called home."""
    sortie = replace(SORTIE, battery_used_pct=80.0)
    faults = Faults(sortie, DRONE)
    for step in range(101):
        done = step / 100
        way_home_m = min(done, 1 - done) * sortie.distance_m
        level = round(100 - 80 * done)
        status = replace(STATUS, progress=done, battery_pct=level, battery_expected_pct=100 - 80 * done)
        assert faults.look(status, replace(SIGNS, way_home_m=way_home_m)) == []


def test_a_battery_that_only_suffices_for_the_way_home_is_low() -> None:
    sortie = replace(SORTIE, battery_used_pct=80.0)
    faults = Faults(sortie, DRONE)
    status = replace(STATUS, progress=0.3, battery_pct=55, battery_expected_pct=76.0)
    far = replace(SIGNS, way_home_m=sortie.distance_m / 2)
    (low, _behind) = faults.look(status, far)
    assert low.kind == "battery_low"
    assert low.values is not None
    assert low.values["way_home_pct"] == 40
    assert not [f for f in Faults(sortie, DRONE).look(status, SIGNS) if f.kind == "battery_low"], "near home it is not"


def test_a_low_battery_stays_low_until_it_has_landed() -> None:
    """The way home gets shorter; the battery gets no fuller."""
    faults = Faults(SORTIE, DRONE)
    kinds = [finding.kind for finding in faults.look(replace(STATUS, battery_pct=20), replace(SIGNS, way_home_m=20.0))]
    home = replace(STATUS, battery_pct=21, mode="RTL")
    kinds += [finding.kind for finding in faults.look(home, replace(SIGNS, way_home_m=0.0))]
    assert kinds.count("battery_low") == 1
    assert "battery_low_over" not in kinds
    assert [finding.kind for finding in faults.look(replace(home, armed=False), SIGNS) if "low" in finding.kind] == [
        "battery_low_over"
    ]


def test_photos_heard_late_are_told() -> None:
    faults = Faults(SORTIE, DRONE)
    kinds = []
    for missing in ((), (3, 4), (3, 4), (4,)):
        kinds += [finding.kind for finding in faults.look(STATUS, replace(SIGNS, photos_missing=missing))]
    assert kinds == ["photos_unheard", "photos_heard_late"]


def test_nothing_is_believed_of_a_silent_vehicle() -> None:
    found = look({"battery_pct": 5}, silence_s=40.0, wind_m_s=30.0, breach=2)
    assert [finding.kind for finding in found] == ["silent"]


def test_the_wind_limit_leaves_headway() -> None:
    assert wind_limit_m_s(DRONE, SORTIE) == pytest.approx(DRONE.max_airspeed_m_s - 3.0)
    assert wind_limit_m_s(DRONE, replace(SORTIE, speed_m_s=60.0)) == 1.0


def test_what_a_fault_says_goes_with_the_flight() -> None:
    """An alert is shown for as long as it holds: what it says must be so at that moment."""
    faults = Faults(SORTIE, DRONE)
    outside = replace(SIGNS, breach=2)
    faults.look(replace(STATUS, mode="LOITER"), outside)
    assert faults.alerts == ("outside its fence, in LOITER: be ready to take over",)
    faults.look(replace(STATUS, mode="RTL", battery_pct=60), outside)
    assert "in RTL: it returns by its own rule" in faults.alerts[-1]
    assert len(faults.alerts) == 2, "every fault that holds is shown, the latest first"
    faults.look(STATUS, replace(outside, silence_s=40.0))
    faults.look(STATUS, replace(outside, silence_s=75.0))
    assert faults.alerts[0].startswith("nothing heard for 75 s")
