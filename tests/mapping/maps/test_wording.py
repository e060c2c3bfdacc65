from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.maps import wording
from mapping.maps.wording import LookedAt


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (1, LookedAt(310_000.0), 0, ["person"] * 12 + ["vehicle"] * 5, ["not reviewed"] * 17),
            "1 sortie, 0.31 km² looked at: 12 people and 5 vehicles sighted, none confirmed yet",
        ),
        (
            (
                2,
                LookedAt(310_000.0, 309_000.0, 485_000.0),
                2,
                ["person", "vehicle", "bicycle"],
                ["confirmed", "rejected", "not reviewed"],
            ),
            "2 sorties, 0.31 km² looked at (64 % of the area, 2 gaps): 1 person and 1 bicycle sighted, "
            "1 confirmed, 1 rejected, 1 not reviewed",
        ),
        ((1, None, 0, ["object"], ["confirmed"]), "1 sortie: 1 object sighted, all confirmed"),
        ((1, None, 0, ["person"], ["rejected"]), "1 sortie: nothing sighted, none confirmed yet, 1 rejected"),
        ((1, LookedAt(900.0), 0, [], []), "1 sortie, 900 m² looked at: no person or vehicle sighted"),
        (
            (1, LookedAt(0.0, 0.0, 9.0), 1, ["object"] * 2, ["not reviewed"] * 2),
            "1 sortie, no ground searched: 2 objects sighted, none confirmed yet",
        ),
        (
            (1, LookedAt(610_000.0, 458_000.0, 460_000.0), 0, ["person"], ["unsure"]),
            "1 sortie, 0.61 km² looked at (over 99 % of the area, and 0.15 km² around it): 1 person sighted, none "
            "confirmed yet, 1 unsure",
        ),
    ],
)
def test_report_headline(arguments: tuple, said: str) -> None:
    assert wording.report_headline(*arguments) == said


def test_plan_headline_of_one_sortie() -> None:
    said = wording.plan_headline(1, 460_000.0, 3900.0, 512.0, 174, 61.2)
    assert said == "1 sortie over 0.46 km²: 3.9 km, 9 min of flight, 174 photos; it uses 61 % of its battery"


@pytest.mark.parametrize(
    ("seconds", "said"), [(45, "45 s"), (89, "89 s"), (1440, "24 min"), (3899, "1 h 05 min"), (3599, "1 h 00 min")]
)
def test_duration(seconds: float, said: str) -> None:
    assert wording.duration_text(seconds) == said


@pytest.mark.parametrize(
    ("area_m2", "said"),
    [(840.4, "840 m²"), (18_234, "18,000 m²"), (312_000, "0.31 km²"), (9.99e6, "9.99 km²"), (1.23e10, "12,300 km²")],
)
def test_area(area_m2: float, said: str) -> None:
    assert wording.area_text(area_m2) == said


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_up_to_all_or_down_to_nothing(share: float) -> None:
    said = wording.share_text(share)
    assert (said == "100 %") <= (share > 0.999)
    assert (said == "0 %") == (share == 0)


@pytest.mark.parametrize(
    ("parts", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_listed(parts: list[str], said: str) -> None:
    assert wording.listed(parts) == said


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-11-22T18:16:05", "2026-11-22T18:16:05.9", "2026-11-22 18:16:05 UTC"),
        ("2026-11-22T18:16:05", "2026-11-22T18:17:00", "2026-11-22 18:16:05 to 18:17:00 UTC"),
        ("2026-11-22T23:59:59", "2026-11-23T00:00:01", "2026-11-22 23:59:59 to 2026-11-23 00:00:01 UTC"),
        (None, None, "at an unknown time"),
    ],
)
def test_time_span(first: str | None, last: str | None, said: str) -> None:
    moments = [None if one is None else datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (first, last)]
    assert wording.time_span(*moments) == said


def test_headline_of_frames_without_a_position() -> None:
    said = wording.pictures_headline(8, ["person", "vehicle", "person"])
    assert said == "8 frames without a position, 3 boxes: 2 of people and 1 of vehicles; none confirmed yet"
    assert wording.pictures_headline(1, []) == "1 frame without a position: no person or vehicle found"
