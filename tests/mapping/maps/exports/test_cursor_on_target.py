from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mapping.ground.geoid import undulation_m
from mapping.maps.exports.content import ExportContent
from mapping.maps.exports.cursor_on_target import write_cot

Make = Callable[..., ExportContent]
TYPE = re.compile(r"\w+(-\w+)*(;[^;]*)?")
"""The pattern of the public event schema for `type`."""


def events(content: ExportContent, path: Path) -> list[ET.Element]:
    write_cot(content, path)
    return list(ET.parse(path).getroot().iter("event"))


def remarks(event: ET.Element) -> str:
    return event.findtext("detail/remarks", "")


def callsign(event: ET.Element) -> str:
    contact = event.find("detail/contact")
    assert contact is not None
    return contact.get("callsign", "")


def point(event: ET.Element) -> dict[str, str]:
    found = event.find("point")
    assert found is not None
    return dict(found.attrib)


def test_an_event_has_what_the_schema_wants(content: Make, tmp_path: Path) -> None:
    (event,) = events(content({}), tmp_path / "out.cot")
    assert set(event.attrib) == {"version", "uid", "type", "how", "time", "start", "stale"}
    assert (event.get("version"), event.get("how"), event.get("uid")) == ("2.0", "m-f", "picket.flight.S-1")
    assert TYPE.fullmatch(event.get("type", ""))
    time, start, stale = (datetime.fromisoformat(event.get(name, "")) for name in ("time", "start", "stale"))
    assert time.utcoffset() == timedelta(0)
    assert time == start < stale
    assert callsign(event) == "S-1 person, not reviewed"
    assert remarks(event).startswith("NOT REVIEWED. Nothing counts as seen")


def test_the_place_has_seven_decimals_its_errors_and_an_ellipsoidal_height(content: Make, tmp_path: Path) -> None:
    (event,) = events(content({"lat_deg": -35.123456789, "lon_deg": 149.1}), tmp_path / "out.cot")
    place = point(event)
    assert (place["lat"], place["lon"]) == ("-35.1234568", "149.1000000")
    assert float(place["hae"]) == pytest.approx(11.0 + float(undulation_m(-35.123456789, 149.1)), abs=0.01)
    assert float(place["ce"]) == 1.6
    assert 3.0 < float(place["le"]) < 20.0


def test_what_is_unknown_is_said(content: Make, tmp_path: Path) -> None:
    unknown = {"alt_amsl_m": None, "ce90_m": None, "first_seen_utc": None, "last_seen_utc": None}
    (event,) = events(content(unknown, {"lat_deg": None}), tmp_path / "out.cot")
    place = point(event)
    assert [float(place[name]) for name in ("hae", "ce", "le")] == [9999999.0] * 3
    for words in ("Height unknown", "Error of the place unknown", "Time unknown"):
        assert words in remarks(event)


def test_who_says_so(content: Make, tmp_path: Path) -> None:
    made = content({}, {"object": "barrel", "class": "object"}, {"class": "vehicle"}, reviews={"S-3": "confirmed"})
    found = events(made, tmp_path / "out.cot")
    assert [event.get("how") for event in found] == ["m-f", "h-e", "h-e"]
    assert [callsign(event) for event in found] == [
        "S-1 person, not reviewed",
        "S-2 barrel, not reviewed",
        "S-3 vehicle, confirmed",
    ]
    assert len({event.get("uid") for event in found}) == 3


def test_what_was_rejected_is_left_out(content: Make, tmp_path: Path) -> None:
    made = content({}, {}, {}, reviews={"S-1": "rejected", "S-2": "unsure"})
    assert [callsign(event) for event in events(made, tmp_path / "out.cot")] == [
        "S-2 person, unsure",
        "S-3 person, not reviewed",
    ]


def test_one_that_moves_has_a_track(content: Make, tmp_path: Path) -> None:
    moving, still = events(content({"speed_m_s": 1.5, "heading_deg": 270.0}, {}), tmp_path / "out.cot")
    track = moving.find("detail/track")
    assert track is not None
    assert (float(track.get("speed", "")), float(track.get("course", ""))) == (1.5, 270.0)
    assert still.find("detail/track") is None


def test_a_simulated_flight_says_so(content: Make, tmp_path: Path) -> None:
    (event,) = events(content({}, simulated=True), tmp_path / "out.cot")
    assert event.get("opex") == "s"
    assert callsign(event).startswith("SIMULATED ")


@pytest.mark.parametrize("text", ['"/><event uid="x', "<b>&", "\x00\x1b", "]]>"])
def test_foreign_text_stays_text(content: Make, tmp_path: Path, text: str) -> None:
    (event,) = events(content({"object": text}, source=text), tmp_path / "out.cot")
    assert len(list(event.iter())) == 6
