"""What stands: the last verdict on this very version, disagreement told, nothing carried over to what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyproj import Geod

from mapping.tables import SIGHTINGS
from picket.reviews.record import FIRST, Judgement, Review, Version, review_of
from picket.reviews.standing import Reviewed, reviewed, same_version, version_of
from tests.picket.reviews.conftest import SEEN, judgement

WHEN = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


def table(*changes: dict[str, Any]) -> pa.Table:
    usual = dict.fromkeys(SIGHTINGS.columns.names) | {
        "sighting_id": "S000001",
        "class": "person",
        **{name: getattr(SEEN, name) for name in ("lat_deg", "lon_deg", "ellipse_major_m", "ellipse_minor_m")},
        "ellipse_bearing_deg": SEEN.ellipse_bearing_deg,
        "detection_ids": list(SEEN.detection_ids),
    }
    return SIGHTINGS.from_rows([{**usual, **one} for one in changes or ({},)])


def given(*asked: Judgement) -> list[Review]:
    return [review_of(one, "m", number, FIRST, WHEN + timedelta(minutes=number)) for number, one in enumerate(asked, 1)]


def of(asked: Sequence[Judgement], sightings: pa.Table | None = None, flights: Sequence[str] = ("f1",)) -> Reviewed:
    return reviewed(table() if sightings is None else sightings, flights, given(*asked))


def moved(metres: float, bearing: float) -> dict[str, float]:
    lon, lat, _ = Geod(ellps="WGS84").fwd(SEEN.lon_deg, SEEN.lat_deg, bearing, metres)
    return {"lat_deg": lat, "lon_deg": lon}


def test_nothing_said_is_not_reviewed() -> None:
    assert of([]).of("S000001").to_verdict().word == "not reviewed"
    assert of([judgement("noted", note="dark")]).of("S000001").word == "not reviewed"


def test_the_last_verdict_stands_and_disagreement_is_told() -> None:
    found = of(
        [judgement("rejected", "B. Das"), judgement("unsure", "C. Sen"), judgement(), judgement("confirmed", "C. Sen")]
    ).of("S000001")
    assert (found.word, found.last) == ("confirmed", 4)
    verdict = found.to_verdict()
    assert (verdict.by, verdict.time_utc) == ("C. Sen", WHEN + timedelta(minutes=4))
    assert verdict.remark == "B. Das says rejected, 2026-11-22 19:01 UTC."


def test_notes_keep_their_authors() -> None:
    both = of([judgement(note="two men"), judgement("noted", "B. Das", note="a third")]).of("S000001").to_verdict()
    assert (both.by, both.note) == ("A. Rahman", "A. Rahman: two men; B. Das: a third")
    assert of([judgement(note="two men")]).of("S000001").to_verdict().note == "two men"


def test_what_is_taken_back_does_not_stand() -> None:
    asked = [judgement("rejected", "B. Das"), judgement(), judgement("withdrawn", withdraws=2)]
    assert of(asked).of("S000001").word == "rejected"
    moves = [judgement("moved", lat_deg=1.0, lon_deg=2.0), judgement("withdrawn", withdraws=1)]
    assert of(moves[:1]).of("S000001").to_verdict().moved_to == (1.0, 2.0)
    assert of(moves).of("S000001").to_verdict().moved_to is None


@pytest.mark.parametrize(
    "changed",
    [
        {"detection_ids": ["f1/IMG_1-000"]},
        {"detection_ids": [*SEEN.detection_ids, "f1/IMG_3-000"]},
        {"class": "vehicle"},
        moved(4.2, 30.0),
        moved(2.2, 120.0),
        {"lat_deg": None, "lon_deg": None},
    ],
)
def test_a_sighting_that_changed_is_judged_anew(changed: dict[str, Any]) -> None:
    found = of([judgement(note="sure"), judgement("moved", lat_deg=1.0, lon_deg=2.0)], table(changed)).of("S000001")
    verdict = found.to_verdict()
    assert (verdict.word, verdict.by, verdict.note, verdict.moved_to) == ("not reviewed", None, None, None)
    assert verdict.remark == "Confirmed by A. Rahman, 2026-11-22 19:01 UTC, for an earlier version of it."
    assert found.last == 2


@pytest.mark.parametrize("change", [moved(3.8, 30.0), moved(1.8, 120.0), moved(0.3, 0.0)])
def test_a_place_within_its_ellipse_is_the_same(change: dict[str, Any]) -> None:
    assert of([judgement()], table(change)).of("S000001").word == "confirmed"


def test_without_an_ellipse_half_a_metre_is_the_same() -> None:
    bare = replace(SEEN, ellipse_major_m=None)
    assert same_version(bare, replace(bare, **moved(0.4, 10.0)))
    assert not same_version(bare, replace(bare, **moved(0.6, 10.0)))
    nowhere = replace(SEEN, lat_deg=None, lon_deg=None)
    assert same_version(nowhere, nowhere)


def test_a_new_verdict_takes_the_place_of_the_earlier() -> None:
    other = replace(SEEN, detection_ids=(*SEEN.detection_ids, "f1/IMG_3-000"))
    asked = [judgement(), judgement("rejected", "B. Das", version=other)]
    found = of(asked, table({"detection_ids": list(other.detection_ids)})).of("S000001")
    assert (found.word, found.earlier, len(found.history)) == ("rejected", (), 2)


def test_a_sighting_that_is_gone_is_told_beside_what_it_became() -> None:
    found = of([judgement()], table({"sighting_id": "S000009"}, {"sighting_id": "S000008", "detection_ids": ["f1/x"]}))
    assert list(found.vanished) == ["S000001"]
    assert found.of("S000009").word == "not reviewed"
    assert "for an earlier version" in (found.of("S000009").to_verdict().remark or "")
    assert found.of("S000008").to_verdict().remark is None
    taken_back = of([judgement(), judgement("withdrawn", withdraws=1)], table({"sighting_id": "S000009"}))
    assert taken_back.of("S000009").to_verdict().remark is None


def test_a_flight_and_its_mission_mean_the_same_sighting() -> None:
    """Judged in the mission, read in the flight's own report, and where flights are shown side by side."""
    own = table({"detection_ids": ["IMG_1-000", "IMG_2-000"]})
    assert of([judgement()], own).of("S000001").word == "confirmed"
    beside = table({"sighting_id": "f1/S000001"})
    assert of([judgement()], beside, ("f1", "f2")).of("f1/S000001").word == "confirmed"
    both = replace(SEEN, detection_ids=(*SEEN.detection_ids, "f2/IMG_7-000"))
    assert of([judgement(version=both)], own).of("S000001").word == "confirmed"
    assert of([judgement(version=both)], table(), ("f1", "f2")).of("S000001").word == "not reviewed"
    elsewhere = of([judgement()], table({"sighting_id": "S7", "detection_ids": ["IMG_1-000"]}), ("f2",))
    assert (elsewhere.standings, elsewhere.vanished) == ({}, {})


def test_a_version_is_read_back_as_written() -> None:
    assert Version.from_text(SEEN.to_text()) == SEEN
    assert version_of(table({"lat_deg": float("nan")}).to_pylist()[0], ["f1"]).lat_deg is None
