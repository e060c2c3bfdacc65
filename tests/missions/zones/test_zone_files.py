"""Zone files of authorities and of people's own hand; what cannot be read is refused with its place."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import Point

from mapping.ground.frame import LocalFrame
from missions.zones.read import ZoneFile, read_zones
from missions.zones.schedule import Daily, Period, SunEvent
from missions.zones.zone import Limit, Restriction
from vision.errors import InputError

RING = [[8.0, 47.0], [8.01, 47.0], [8.01, 47.01], [8.0, 47.01], [8.0, 47.0]]
HOLE = [[8.004, 47.004], [8.006, 47.004], [8.006, 47.006], [8.004, 47.006], [8.004, 47.004]]


def read(tmp_path: Path, content: dict[str, Any]) -> ZoneFile:
    path = tmp_path / "zones.json"
    path.write_text(json.dumps(content))
    return read_zones(path)


def ed269(**changes: Any) -> dict[str, Any]:
    volume = {
        "uomDimensions": "FT",
        "lowerLimit": 0,
        "lowerVerticalReference": "AGL",
        "upperLimit": 400,
        "upperVerticalReference": "AMSL",
        "horizontalProjection": {"type": "Polygon", "coordinates": [RING, HOLE]},
    }
    zone = {
        "identifier": "CHE1",
        "name": "test",
        "restriction": "PROHIBITED",
        "applicability": [{"permanent": "YES"}],
        "geometry": [volume],
    }
    for name, value in changes.items():
        target = volume if name in volume else zone
        target[name] = value
    return {"features": [zone]}


def ed318(geometry: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    layer = {"lower": 10, "lowerReference": "AGL", "upper": 99999, "upperReference": "AGL", "uom": "m"}
    geometry = geometry or {"type": "Polygon", "coordinates": [RING, HOLE], "layer": layer}
    named = [{"text": "Zonier", "lang": "de"}, {"text": "Zoned", "lang": "en-GB"}]
    described = {"identifier": "A1", "country": "CHE", "name": named, "type": "PROHIBITED", **properties}
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": geometry, "properties": described}],
    }


def test_published_samples(shared: Path) -> None:
    found = {path.name: read_zones(path) for path in sorted((shared / "data" / "geozones").iterdir())}
    assert [(one.format, len(one.zones)) for one in found.values()] == [("ED-269", 1), ("ED-318", 3), ("ED-269", 10)]
    bern = found["cis_source_sample_ed318.json"].zones[0]
    assert (bern.title, bern.lower, bern.upper) == ("LSZB003 (LSZB Bern-Belp 2)", Limit(60.0, "AGL"), None)
    concert = found["geo-awareness-che-1.json"].zones[0]
    assert concert.upper == Limit(6259.0, "AMSL")
    assert concert.periods[0].daily[0] == Daily(frozenset({5, 6}), time(17, tzinfo=UTC), time(23, 59, 59, tzinfo=UTC))


def test_ed269_heights_in_feet_and_holes(tmp_path: Path) -> None:
    zone = read(tmp_path, ed269()).zones[0]
    assert zone.upper == Limit(pytest.approx(121.92), "AMSL")
    assert (zone.periods, len(zone.polygon.interiors)) == ((), 1)


def test_a_circle_is_held_by_its_polygon(tmp_path: Path) -> None:
    for name in ("center", "centre"):
        circle = {"type": "Circle", name: [8.0, 47.0], "radius": 1000}
        polygon = read(tmp_path, ed269(horizontalProjection=circle)).zones[0].polygon
        local = LocalFrame(47.0, 8.0).geometry_to_local(polygon)
        assert local.contains(Point(0, 0).buffer(999.9))
        assert local.area < 1.01 * 3.14159 * 1e6


def test_ed318_circle_collection_language_and_sun(tmp_path: Path) -> None:
    layer = {"lower": 100, "lowerReference": "WGS84", "upper": 200, "upperReference": "AMSL", "uom": "ft"}
    circle = {
        "type": "Point",
        "coordinates": [8.0, 47.0],
        "extent": {"subType": "Circle", "radius": 500},
        "layer": layer,
    }
    both = {"type": "GeometryCollection", "geometries": [circle, {"type": "Polygon", "coordinates": [RING]}]}
    schedule = [{"day": ["ANY"], "startEvent": "SS", "endEvent": "SR"}]
    limited = [{"startDateTime": "2026-01-01T00:00:00+01:00", "schedule": schedule}]
    zones = read(tmp_path, ed318(both, type="CONDITIONAL", limitedApplicability=limited)).zones
    assert [one.name for one in zones] == ["Zoned", "Zoned"]
    assert (zones[0].lower, zones[1].lower) == (Limit(pytest.approx(30.48), "HAE"), None)
    assert zones[0].restriction is Restriction.CONDITIONAL
    assert zones[0].periods == (
        Period(
            datetime.fromisoformat("2026-01-01T00:00:00+01:00"),
            None,
            (Daily(frozenset(), SunEvent.SUNSET, SunEvent.SUNRISE),),
        ),
    )


def test_plain_geojson_by_hand(tmp_path: Path) -> None:
    properties = {
        "name": "school",
        "upper_m": 50,
        "days": ["MON", "FRI"],
        "start_time": "08:00+06:00",
        "end_time": "sunset",
        "until": "2027-01-01",
        "reason": "children",
    }
    content = {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [RING]}}
    found = read(tmp_path, content)
    zone = found.zones[0]
    assert (found.format, zone.title, zone.upper, zone.message) == ("GeoJSON", "school", Limit(50.0, "AGL"), "children")
    assert zone.periods[0].end == datetime(2027, 1, 1, tzinfo=UTC)
    assert zone.periods[0].daily[0].days == {0, 4}
    assert zone.periods[0].daily[0].end is SunEvent.SUNSET


def test_of_an_area_only_its_no_fly_zones_are_zones(shared: Path) -> None:
    zones = read_zones(shared / "data" / "areas" / "benapole.geojson").zones
    assert [(one.title, one.upper) for one in zones] == [("terminal", Limit(120.0, "AGL"))]


def without(content: dict[str, Any], name: str) -> dict[str, Any]:
    changed = copy.deepcopy(content)
    del changed["features"][0][name]
    return changed


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no zones at all": ({"a": 1}, "neither ED-269 nor ED-318"),
    "restriction": (ed269(restriction="MAYBE"), r"zone 1 \(CHE1\): restriction is \"MAYBE\""),
    "unit": (ed269(uomDimensions="YD"), "geometry 1: uomDimensions"),
    "height": (ed269(upperLimit="high"), 'upperLimit is "high"; it has to be a number'),
    "reference": (ed269(upperVerticalReference="FL"), "use AGL, AMSL or WGS84"),
    "shape": (ed269(horizontalProjection={"type": "Blob"}), "use Polygon or Circle"),
    "no shape": (ed269(geometry=[]), "it has no geometry"),
    "radius": (ed269(horizontalProjection={"type": "Circle", "center": [8, 47], "radius": -1}), "give it in metres"),
    "crossing": (
        ed269(horizontalProjection={"type": "Polygon", "coordinates": [[[8, 47], [9, 48], [9, 47], [8, 48]]]}),
        "crosses itself",
    ),
    "date": (ed269(applicability=[{"permanent": "NO", "startDateTime": "tomorrow"}]), "write a date and time"),
    "order": (
        ed269(applicability=[{"startDateTime": "2026-01-02T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"}]),
        "ends before it starts",
    ),
    "clock": (ed269(applicability=[{"schedule": [{"startTime": "25:00Z"}]}]), "schedule 1: startTime"),
    "day": (ed269(applicability=[{"schedule": [{"day": ["FUNDAY"]}]}]), "use MON, TUE"),
    "ED-318 type": (ed318({"type": "LineString", "coordinates": RING}), "a Point with an extent"),
    "ED-318 without geometry": (without(ed318(), "geometry"), "feature 1.*no geometry"),
    "plain line": (
        {"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": RING}},
        "a zone cannot be a LineString",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    content, expected = BAD[name]
    with pytest.raises(InputError, match=expected) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(str(tmp_path / "zones.json"))
    assert "\n" not in str(caught.value)
