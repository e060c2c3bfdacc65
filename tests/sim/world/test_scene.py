"""Who is put where, and the truth file that holds them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from mapping.ground.frame import LocalFrame
from sim.errors import SimulationError
from sim.world.ground import Ground
from sim.world.scene import APART_M, Scene, populate, scene_from_geojson, scene_to_geojson
from vision.errors import InputError


def places(scene: Scene) -> list[tuple[float, float]]:
    east, north = scene.frame.to_local([o.lat_deg for o in scene.objects], [o.lon_deg for o in scene.objects])
    return list(zip(east.tolist(), north.tolist(), strict=True))


@settings(max_examples=8)
@given(seed=st.integers(0, 2**40))
def test_everyone_asked_for_stands_in_the_open_inside_the_area_and_apart(area: Polygon, seed: int) -> None:
    scene = populate(area, seed, persons=20, vehicles=8)
    assert [item.object_class for item in scene.objects] == ["vehicle"] * 8 + ["person"] * 20
    assert len({item.id for item in scene.objects}) == 28
    assert all(shapely.contains_properly(area, Point(item.lon_deg, item.lat_deg)) for item in scene.objects)
    assert min(math.dist(one, other) for one, other in combinations(places(scene), 2)) >= APART_M - 1e-3
    ground = Ground(seed)
    assert all(ground.open_at(east, north, 1.0) for east, north in places(scene))


def test_vehicles_stand_by_roads(scene: Scene) -> None:
    ground = Ground(scene.seed)
    gaps = [
        ground.road_gap_m(*place)
        for item, place in zip(scene.objects, places(scene), strict=True)
        if item.object_class == "vehicle"
    ]
    assert np.mean(np.array(gaps) < 2.5) >= 0.8


def test_the_seed_decides(area: Polygon) -> None:
    assert populate(area, 9) == populate(area, 9)
    assert populate(area, 9).objects != populate(area, 10).objects


def test_several_polygons_all_count(area: Polygon) -> None:
    two = MultiPolygon([area, shapely.affinity.translate(area, xoff=0.004)])
    scene = populate(two, 3, persons=40, vehicles=0)
    homes = [sum(part.contains(Point(o.lon_deg, o.lat_deg)) for o in scene.objects) for part in two.geoms]
    assert sum(homes) == 40
    assert min(homes) > 8


def test_where_there_is_no_room_for_all_there_are_as_many_as_fit() -> None:
    square = LocalFrame(23.0, 88.9).geometry_to_lonlat(box(-15.0, -15.0, 15.0, 15.0))
    scene = populate(square, 1, persons=24, vehicles=10)
    classes = [item.object_class for item in scene.objects]
    assert classes == sorted(classes, reverse=True)
    assert 1 <= classes.count("vehicle") < classes.count("person") < 24
    assert [int(item.id[-3:]) for item in scene.objects] == list(range(1, len(classes) + 1))
    assert all(shapely.contains_properly(square, Point(item.lon_deg, item.lat_deg)) for item in scene.objects)
    assert min(math.dist(one, other) for one, other in combinations(places(scene), 2)) >= APART_M - 1e-3
    assert populate(square, 1, persons=24, vehicles=10) == scene


def test_an_area_without_room_for_anyone_is_refused() -> None:
    with pytest.raises(SimulationError, match="room for anyone"):
        populate(Point(88.9, 23.0).buffer(0.000001), 1)


def test_the_truth_file_gives_back_the_same_scene(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "truth.geojson"
    scene_to_geojson(scene, path)
    assert scene_from_geojson(path) == scene
    first = path.read_bytes()
    scene_to_geojson(scene_from_geojson(path), path)
    assert path.read_bytes() == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["truth.geojson"]
    feature = json.loads(first)["features"][0]
    assert feature["properties"]["class"] == scene.objects[0].object_class
    assert feature["geometry"]["coordinates"] == [scene.objects[0].lon_deg, scene.objects[0].lat_deg]


def change_kind(content: dict[str, Any]) -> None:
    content["features"][1]["properties"]["kind"] = "camel"


def change_class(content: dict[str, Any]) -> None:
    content["features"][1]["properties"]["class"] = "camel"


def swap_axes(content: dict[str, Any]) -> None:
    content["features"][1]["geometry"]["coordinates"] = [23.0, 188.0]


def lose_size(content: dict[str, Any]) -> None:
    del content["features"][1]["properties"]["height_m"]


def shrink(content: dict[str, Any]) -> None:
    content["features"][1]["properties"]["height_m"] = -1


def lose_point(content: dict[str, Any]) -> None:
    content["features"][1]["geometry"] = None


def lose_seed(content: dict[str, Any]) -> None:
    content["scene"]["seed"] = "five"


def lose_scene(content: dict[str, Any]) -> None:
    del content["scene"]


def twice(content: dict[str, Any]) -> None:
    content["features"][1]["id"] = content["features"][0]["id"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (change_kind, "feature 2: kind"),
        (change_class, "feature 2: class"),
        (swap_axes, "feature 2: coordinates"),
        (lose_size, "feature 2: height_m"),
        (shrink, "feature 2: length_m"),
        (lose_point, "feature 2: needs"),
        (lose_seed, "scene: seed"),
        (lose_scene, "no scene"),
        (twice, "same id"),
    ],
)
def test_a_spoilt_truth_file_is_named_with_the_place(scene: Scene, tmp_path: Path, spoil: Any, says: str) -> None:
    path = tmp_path / "truth.geojson"
    scene_to_geojson(scene, path)
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=says) as refused:
        scene_from_geojson(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"features": 3}'])
def test_what_is_no_truth_file_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "truth.geojson"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=r"truth\.geojson"):
        scene_from_geojson(path)


def test_objects_carry_everything_their_picture_needs(scene: Scene) -> None:
    for item in scene.objects:
        numbers = [value for value in asdict(item).values() if isinstance(value, float)]
        assert len(numbers) == 7
        assert all(math.isfinite(value) for value in numbers)
        assert 0 <= item.heading_deg < 360


def test_an_area_over_the_180th_meridian_is_populated_where_it_lies() -> None:
    halves = MultiPolygon([box(179.999, -17.301, 180.0, -17.299), box(-180.0, -17.301, -179.999, -17.299)])
    scene = populate(halves, 3, persons=12, vehicles=0)
    assert len(scene.objects) == 12
    assert abs(scene.frame.lon0_deg) > 179.99
    assert all(abs(east) < 120.0 and abs(north) < 120.0 for east, north in places(scene))
    assert {one.lon_deg > 0.0 for one in scene.objects} == {True, False}
