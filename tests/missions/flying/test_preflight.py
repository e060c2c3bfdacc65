"""The checks before take-off, on a vehicle that says what the test wants."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from practice import place, square_plan

from missions.drones import load_drone
from missions.flying.preflight import Check, inside_fence, preflight_checks
from missions.plan import Plan, Position

DRONE = load_drone("x500")
ROOMY = SimpleNamespace(room=lambda photos, seconds: (1e6, 1e9))


def vehicle(home: Position) -> Any:
    return SimpleNamespace(
        firmware="Copter",
        system=1,
        parameter=lambda name: 1.0,
        vehicle=SimpleNamespace(
            armed=False,
            other_copters=set(),
            gps_0=SimpleNamespace(fix_type=3, satellites_visible=12),
            ekf_ok=True,
            home_location=SimpleNamespace(lat=home.lat_deg, lon=home.lon_deg),
        ),
    )


def heard(**values: Any) -> Any:
    sound = {
        "battery_pct": 100,
        "vehicle_utc_s": 1_795_300_000.0,
        "wind_m_s": None,
        "arming_ok": True,
        "arming_text": "",
    }
    return SimpleNamespace(**sound | values)


def test_several_vehicles_on_one_line_are_no_go() -> None:
    link = vehicle(square_plan().home)
    assert look(square_plan(), link)["vehicle"].ok
    link.vehicle.other_copters.add(3)
    check = look(square_plan(), link)["vehicle"]
    assert not check.ok
    assert "systems 1, 3" in check.detail


def look(plan: Plan, link: Any, watch: Any = None, recorder: Any = ROOMY) -> dict[str, Check]:
    found = preflight_checks(
        link,
        plan,
        plan.sortie(1),
        drone=DRONE,
        recorder=recorder,
        watch=watch or heard(),
        stored=("fence", "rally points", "mission"),
        fence_enabled=True,
    )
    return {check.name: check for check in found}


def test_a_sound_vehicle_at_home_passes() -> None:
    found = look(square_plan(), vehicle(place(0, 0)))
    assert [check for check in found.values() if not check.ok] == []
    assert found["ways in the fence"].detail == "from this home everything flown keeps 40 m from its edge"


def test_the_ways_are_proven_from_where_the_vehicle_stands() -> None:
    plan = square_plan()
    south = tuple(replace(p, lat_deg=max(p.lat_deg, place(-20, 0).lat_deg)) for p in plan.fence.inclusion[0])
    narrow = replace(plan, fence=replace(plan.fence, inclusion=(south,)))
    assert look(narrow, vehicle(place(-8, 0)))["ways in the fence"].ok
    found = look(narrow, vehicle(place(-15, 0)))
    assert found["home"].ok
    assert found["home in the fence"].ok
    assert not found["ways in the fence"].ok
    assert "comes within 5.0 m of the fence" in found["ways in the fence"].detail


def test_the_way_back_to_where_the_vehicle_stands_is_proven_too() -> None:
    """Both ends are clear, and so is the way out; the straight way back crosses a zone."""
    plan = square_plan()
    zone = (place(-2, 20), place(2, 20), place(2, 24), place(-2, 24))
    sortie = plan.sortie(1)
    last = replace(sortie.waypoints[-1], lat_deg=place(0, 60).lat_deg, lon_deg=place(0, 60).lon_deg)
    away = replace(
        plan,
        fence=replace(plan.fence, exclusion=(zone,)),
        rally=(),
        sorties=(replace(sortie, waypoints=(*sortie.waypoints[:-1], last)),),
    )
    found = look(away, vehicle(place(0, 0)))
    assert "leg 6 of sortie 1 leaves the fence" in found["ways in the fence"].detail


def test_a_home_elsewhere_needs_no_further_look() -> None:
    found = look(square_plan(), vehicle(Position(-33.9, -70.0)))
    assert not found["home"].ok
    assert "ways in the fence" not in found


def test_a_fence_across_the_antimeridian_has_an_inside() -> None:
    ring = (
        Position(-16.0, 179.999),
        Position(-16.0, -179.999),
        Position(-15.998, -179.999),
        Position(-15.998, 179.999),
    )
    plan = replace(square_plan(), fence=replace(square_plan().fence, inclusion=(ring,), exclusion=()))
    assert inside_fence(Position(-15.999, 180.0), plan)
    assert inside_fence(Position(-15.999, -179.9995), plan)
    assert not inside_fence(Position(-15.999, 0.0), plan)
    assert not inside_fence(Position(-15.999, 179.998), plan)


@pytest.mark.parametrize(
    ("level", "used", "ok", "words"),
    [
        (100, 80.0, True, "100 %; the sortie takes 80 %, at least 20 % stay in reserve"),
        (99, 80.0, False, "19 % would be left, and 20 % must stay in reserve"),
        (99, 99.0, False, "0 % would be left"),
        (100, 110.0, False, "that is not enough"),
        (None, 10.0, False, "does not say how full"),
    ],
)
def test_the_battery_must_hold_the_sortie_and_the_reserve(level: int | None, used: float, ok: bool, words: str) -> None:
    plan = square_plan()
    plan = replace(plan, sorties=(replace(plan.sortie(1), battery_used_pct=used),))
    found = look(plan, vehicle(place(0, 0)), heard(battery_pct=level))["battery"]
    assert found.ok is ok
    assert words in found.detail


@pytest.mark.parametrize(
    ("name", "watch", "words"),
    [
        ("clock", {"vehicle_utc_s": None}, "does not know the time"),
        ("clock", {"vehicle_utc_s": 1000.0}, "does not know the time"),
        ("wind", {"wind_m_s": 40.0}, "40 m/s (at most"),
        ("arming checks", {"arming_ok": False, "arming_text": "PreArm: Compass not healthy"}, "Compass not healthy"),
    ],
)
def test_what_the_vehicle_says_of_itself_is_no_go(name: str, watch: dict[str, Any], words: str) -> None:
    check = look(square_plan(), vehicle(place(0, 0)), heard(**watch))[name]
    assert not check.ok
    assert words in check.detail


def test_what_a_vehicle_does_not_say_is_no_reason_to_stay() -> None:
    found = look(square_plan(), vehicle(place(0, 0)), heard(arming_ok=None, wind_m_s=None))
    assert found["arming checks"].ok
    assert "says none" in found["wind"].detail


def test_a_record_needs_room() -> None:
    full = SimpleNamespace(room=lambda photos, seconds: (2e9, 1e9))
    check = look(square_plan(), vehicle(place(0, 0)), recorder=full)["storage"]
    assert (check.ok, check.detail) == (False, "1.0 GB free for the record, 2.0 GB needed")
