from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from mapping.maps.sightings import paged_sightings
from mapping.maps.verdicts import Verdict, with_verdicts


def test_what_a_page_is_given(sightings: Callable[..., pa.Table]) -> None:
    table = sightings({}, {"lat_deg": float("nan")}, {"class": "barrel", "ce90_m": float("inf"), "object": "one"})
    shown = paged_sightings(with_verdicts(table, {"S-3": Verdict("unsure")}), {"S-1": b"jpeg"}, 88.9)
    assert len(shown) == shown.table["count"] == 2
    assert list(shown.pictures) == ["anBlZw==", None]
    assert list(shown.classes) == ["person", "object"]
    assert list(shown.verdicts) == ["not reviewed", "unsure"]
    assert shown.table["columns"]["id"] == {"values": ["S-1", "S-3"]}
    assert shown.table["columns"]["object"]["values"] == ["", "one"]
    assert shown.table["columns"]["ce90"]["low"] == 160


def test_longitudes_stay_together_over_the_180th_meridian(sightings: Callable[..., pa.Table]) -> None:
    shown = paged_sightings(sightings({"lon_deg": 179.999}, {"lon_deg": -179.999}), {}, 180.0)
    assert shown.lon_deg.tolist() == [179.999, pytest.approx(180.001)]


def test_a_verdict_that_is_none_is_refused(sightings: Callable[..., pa.Table]) -> None:
    table = sightings({}).append_column("verdict", pa.array(["perhaps"]))
    with pytest.raises(ValueError, match="perhaps"):
        paged_sightings(table, {}, 0.0)
