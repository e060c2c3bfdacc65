"""Verdicts as columns: nothing is taken for judged that is not, and a moved dot says where it was measured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from mapping.maps.verdicts import REVIEW_COLUMNS, Verdict, review_text, reviewed, with_verdicts

WHEN = datetime(2026, 11, 22, 19, 4, 5, tzinfo=UTC)
Sightings = Callable[..., pa.Table]


def test_a_table_without_reviews_is_not_reviewed(sightings: Sightings) -> None:
    table = reviewed(sightings({}, {}))
    assert (
        table.select(REVIEW_COLUMNS.names).to_pylist()
        == [{"verdict": "not reviewed", **dict.fromkeys(REVIEW_COLUMNS.names[1:])}] * 2
    )
    assert reviewed(table) is table


def test_verdicts_stand_beside_their_sighting_only(sightings: Sightings) -> None:
    given = Verdict("confirmed", "A. Rahman", WHEN, "two men", "B. Das rejected it.")
    table = with_verdicts(sightings({}, {}), {"S-2": given, "S-gone": Verdict("rejected")})
    first, second = table.select(REVIEW_COLUMNS.names).to_pylist()
    assert first["verdict"] == "not reviewed"
    assert list(second.values()) == ["confirmed", "A. Rahman", WHEN, "two men", "B. Das rejected it."]
    assert with_verdicts(table, {})["verdict"].to_pylist() == ["not reviewed"] * 2


def test_a_moved_dot_says_where_it_was_measured(sightings: Sightings) -> None:
    before = sightings({}).to_pylist()[0]
    row = with_verdicts(sightings({}), {"S-1": Verdict("confirmed", moved_to=(23.5, 88.5))}).to_pylist()[0]
    assert (row["lat_deg"], row["lon_deg"]) == (23.5, 88.5)
    assert (row["ellipse_major_m"], row["ce90_m"]) == (None, None)
    assert f"Measured at {before['lat_deg']:.6f}, {before['lon_deg']:.6f}" in row["review_remark"]
    unplaced = with_verdicts(sightings({"lat_deg": None}), {"S-1": Verdict(moved_to=(1.0, 2.0))}).to_pylist()[0]
    assert unplaced["review_remark"] == "It had no measured place."


def test_a_word_that_is_no_verdict(sightings: Sightings) -> None:
    with pytest.raises(ValueError, match="S-1: 'maybe' is none of"):
        reviewed(with_verdicts(sightings({}), {"S-1": Verdict("maybe")}))


def test_who_and_when_in_words() -> None:
    assert review_text("A. Rahman", WHEN) == "by A. Rahman, 2026-11-22 19:04 UTC"
    assert review_text(None, None) == ""
