"""Plan files: what is written reads back, what others wrote is read, and what is broken is named in one line."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from missions.formats import plan_geojson, qgc, waypoints
from missions.items import (
    DO_SET_CAM_TRIGG_DIST,
    FRAME_RELATIVE,
    NAV_RETURN_TO_LAUNCH,
    NAV_TAKEOFF,
    fence_items,
    mission_items,
    rally_items,
)
from missions.plan import Plan, Position
from vision.errors import InputError


def test_plan_geojson_gives_the_plan_back_exactly(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.geojson"
    plan_geojson.write_plan(plan, path)
    first = path.read_bytes()
    back = plan_geojson.read_plan(path)
    assert back == plan
    plan_geojson.write_plan(back, path)
    assert path.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == ["plan.geojson"]


def test_plan_geojson_has_features_for_a_map(plan: Plan) -> None:
    features = json.loads(plan_geojson.text_of(plan))["features"]
    roles = [feature["properties"]["role"] for feature in features]
    assert set(roles) == {
        *("patrol", "border", "no_fly", "home", "rally", "fence_inclusion", "fence_exclusion", "transect", "leg"),
    }
    flown = [feature["properties"]["sortie"] for feature in features if feature["properties"]["role"] == "transect"]
    assert flown == [1, 2]
    patrol = features[roles.index("patrol")]["geometry"]
    assert patrol["type"] == "Polygon"
    assert len(patrol["coordinates"]) == 2
    assert patrol["coordinates"][0][0] == patrol["coordinates"][0][-1]


def test_qgc_plan_rewrites_byte_for_byte(plan: Plan, tmp_path: Path) -> None:
    for sortie in plan.sorties:
        path = tmp_path / f"{sortie.number}.plan"
        qgc.write_plan(plan, sortie, path)
        content = qgc.read_plan(path)
        assert content == qgc.plan_file(plan, sortie)
        assert qgc.text_of(content) == path.read_text(encoding="utf-8")
        assert list(content.items) == mission_items(sortie, plan)
    document = json.loads(path.read_text())
    assert document["mission"]["firmwareType"] == 3
    assert document["mission"]["items"][0]["doJumpId"] == 1
    assert [polygon["inclusion"] for polygon in document["geoFence"]["polygons"]] == [True, False]
    assert document["rallyPoints"]["points"] == [[23.0405, 88.8905, 60]]


def test_waypoint_file_rewrites_byte_for_byte(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "1.waypoints"
    waypoints.write_waypoints(plan, plan.sorties[0], path)
    items = waypoints.read_waypoints(path)
    assert list(items) == mission_items(plan.sorties[0], plan)
    assert waypoints.text_of(items) == path.read_text()
    assert path.read_text().startswith("QGC WPL 110\n0\t1\t0\t16\t")


def test_files_of_qgroundcontrol(shared: Path) -> None:
    folder = shared / "data" / "plans"
    simple = qgc.read_plan(folder / "qgroundcontrol_sample.plan")
    assert [item.command for item in simple.items] == [16, 22, 16, 2000, 16, 16, 20]
    assert simple.items[0].alt_m == pytest.approx(488.931, abs=0.001)
    assert math.isnan(simple.items[1].params[3])
    survey = qgc.read_plan(folder / "qgroundcontrol_sample_with_survey.plan")
    described = json.loads((folder / "qgroundcontrol_sample_with_survey.plan").read_text())["mission"]["items"]
    inner = [item["TransectStyleComplexItem"]["Items"] for item in described if item["type"] == "ComplexItem"]
    assert len(survey.items) == 1 + sum(item["type"] == "SimpleItem" for item in described) + sum(map(len, inner))
    assert next(item.params[0] for item in survey.items if item.command == DO_SET_CAM_TRIGG_DIST) == 25.0


@pytest.mark.parametrize("name", ["qgroundcontrol_sample.plan", "qgroundcontrol_sample_with_survey.plan"])
def test_files_of_qgroundcontrol_settle_after_one_rewriting(shared: Path, tmp_path: Path, name: str) -> None:
    text = qgc.text_of(qgc.read_plan(shared / "data" / "plans" / name))
    path = tmp_path / name
    path.write_text(text)
    assert qgc.text_of(qgc.read_plan(path)) == text


def test_file_of_mission_planner(shared: Path, tmp_path: Path) -> None:
    items = waypoints.read_waypoints(shared / "data" / "plans" / "mission_planner_sample.txt")
    assert [item.command for item in items] == [22, 16, 16, 20]
    assert (items[0].frame, items[0].lat_deg, items[0].alt_m) == (5, 47.3978101, 15.0)
    path = tmp_path / "again.txt"
    path.write_bytes(waypoints.text_of(items).replace("\n", "\r\n").encode())
    assert waypoints.read_waypoints(path) == items


def test_circles_are_kept(plan: Plan, tmp_path: Path) -> None:
    content = replace(
        qgc.plan_file(plan, plan.sorties[0]), circles=(qgc.Circle(Position(23.04, 88.89), 120.5, inclusion=False),)
    )
    path = tmp_path / "circle.plan"
    path.write_text(qgc.text_of(content))
    assert qgc.read_plan(path) == content


def test_mission_items_of_a_sortie(plan: Plan) -> None:
    items = mission_items(plan.sorties[0], plan)
    assert [item.command for item in items] == [16, 22, 178, 16, 178, 206, 16, 206, 178, 16, 20]
    assert items[1].command == NAV_TAKEOFF
    assert (items[1].frame, items[1].alt_m) == (FRAME_RELATIVE, 60.0)
    assert [item.params[1] for item in items if item.command == 178] == [10.0, 6.4, 10.0]
    triggers = [item.params for item in items if item.command == DO_SET_CAM_TRIGG_DIST]
    assert triggers == [(13.17, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 0.0)]
    assert items[6].lat_deg == 23.0411234


def test_camera_never_runs_on_the_way_home(plan: Plan) -> None:
    items = mission_items(plan.sorties[1], plan)
    assert [item.command for item in items[-2:]] == [DO_SET_CAM_TRIGG_DIST, NAV_RETURN_TO_LAUNCH]
    assert items[-2].params[0] == 0.0


def test_fence_and_rally_items(plan: Plan) -> None:
    items = fence_items(plan)
    assert [item.command for item in items] == [5001] * 4 + [5002] * 3
    assert [item.params[0] for item in items] == [4.0] * 4 + [3.0] * 3
    assert [(item.command, item.frame, item.alt_m) for item in rally_items(plan)] == [(5100, 3, 60.0)]


def _changed(text: str, *path: Any, value: Any) -> str:
    document = json.loads(text)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("fileType",), "Params", "no plan of QGroundControl"),
        (("mission", "plannedHomePosition"), [23.0, "x", 0], "plannedHomePosition"),
        (("mission", "plannedHomePosition"), [95.0, 1.0, 0], "no latitude"),
        (("mission", "items"), {}, "mission, items: has to be a list"),
        (("mission", "items", 1), 5, "mission item 2"),
        (("mission", "items", 1, "params"), [0, 0], "mission item 2: an item has 7 params"),
        (("mission", "items", 1, "params", 0), "a", "mission item 2"),
        (("mission", "items", 1, "command"), None, "mission item 2, command"),
        (("mission", "items", 1), {"type": "ComplexItem", "complexItemType": "fwLandingPattern"}, "'fwLandingPattern'"),
        (("geoFence", "polygons", 0, "polygon"), [[23, 88], [23, 89]], "polygon 1: 2 vertices"),
        (("geoFence", "polygons", 1, "polygon", 1), [23], "polygon 2, vertex 2"),
        (("geoFence", "circles"), [{"circle": None}], "circle 1"),
        (("geoFence",), [1], "have to be objects"),
        (("rallyPoints", "points"), [[1, 2]], "rallyPoints, point 1"),
    ],
)
def test_broken_qgc_plans(plan: Plan, tmp_path: Path, path: tuple[Any, ...], value: Any, expected: str) -> None:
    file = tmp_path / "bad.plan"
    file.write_text(_changed(qgc.text_of(qgc.plan_file(plan, plan.sorties[0])), *path, value=value))
    with pytest.raises(InputError) as caught:
        qgc.read_plan(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("picket",), None, "without a plan"),
        (("picket", "version"), 9, "version 9"),
        (("picket", "plan", "sorties", 0, "speed_m_s"), "fast", "picket.plan.sorties.0.speed_m_s"),
        (("picket", "plan", "home", "lat_deg"), 123.0, "picket.plan.home.lat_deg: 123.0 is not between"),
        (("picket", "plan", "home", "lat_deg"), "NaN", "picket.plan.home.lat_deg"),
        (("picket", "plan", "fence", "inclusion"), [], "picket.plan.fence.inclusion"),
        (("picket", "plan", "fence", "inclusion", 0), [], "picket.plan.fence.inclusion.0"),
        (("picket", "plan", "fence", "inclusion", 0, 1, "lat_deg"), "NaN", "inclusion.0.1.lat_deg"),
        (("picket", "plan", "fence", "exclusion", 0, 0, "lon_deg"), 181.0, "exclusion.0.0.lon_deg"),
        (("picket", "plan", "fence", "alt_max_home_m"), 1e6, "picket.plan.fence.alt_max_home_m"),
        (("picket", "plan", "sorties"), [], "picket.plan.sorties"),
        (("picket", "plan", "sorties", 1, "number"), 1, "a number twice"),
        (("picket", "plan", "sorties", 0, "waypoints"), [], "picket.plan.sorties.0.waypoints"),
        (("picket", "plan", "sorties", 0, "waypoints", 1, "alt_home_m"), 0, "waypoints.1.alt_home_m: 0.0 is not"),
        (("picket", "plan", "sorties", 0, "waypoints", 1, "alt_home_m"), -50.0, "waypoints.1.alt_home_m"),
        (("picket", "plan", "sorties", 0, "speed_m_s"), 1e6, "picket.plan.sorties.0.speed_m_s"),
        (("picket", "plan", "sorties", 0, "speed_m_s"), 0.0, "picket.plan.sorties.0.speed_m_s"),
        (("picket", "plan", "sorties", 0, "trigger_distance_m"), 0.0, "trigger_distance_m"),
    ],
)
def test_broken_plan_geojson(plan: Plan, tmp_path: Path, path: tuple[Any, ...], value: Any, expected: str) -> None:
    file = tmp_path / "plan.geojson"
    file.write_text(_changed(plan_geojson.text_of(plan), *path, value=value))
    with pytest.raises(InputError) as caught:
        plan_geojson.read_plan(file)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("QGC WPL 120\n", "line 1"),
        ("QGC WPL 110\n", "no items"),
        ("QGC WPL 110\n0\t1\t0\t16\t0\t0\t0\t0\t47.1\t8.5\n", "line 2: 10 columns"),
        ("QGC WPL 110\n0 1 0 x 0 0 0 0 47.1 8.5 0 1\n", "line 2: 'x' in column 4"),
        ("QGC WPL 110\n0 1 0 16 0 0 0 0 47.1 east 0 1\n", "line 2: 'east' in column 10"),
        ("QGC WPL 110\n0 1 0 16 0 0 0 0 147.1 8.5 0 1\n", "line 2: 147.1"),
        ("QGC WPL 110\n1 1 0 16 0 0 0 0 47.1 8.5 0 1\n", "item 1 where 0"),
    ],
)
def test_broken_waypoint_files(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "bad.waypoints"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        waypoints.read_waypoints(file)
    assert expected in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": NaN}', b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("read", [qgc.read_plan, plan_geojson.read_plan, waypoints.read_waypoints])
def test_files_that_are_none_of_these(tmp_path: Path, read: Any, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(InputError, match="file"):
        read(file)
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "absent")
