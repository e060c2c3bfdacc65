from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from mapping.ground.frame import LocalFrame
from mapping.ground.searched import Coverage, CoveragePiece
from mapping.maps import layers

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[88.89, 23.03], [88.9, 23.03], [88.9, 23.04], [88.89, 23.04], [88.89, 23.03]]],
}


def feature(geometry: dict | None, **properties: object) -> dict:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features: dict) -> dict:
    return {"type": "FeatureCollection", "features": list(features)}


def test_the_example_area(shared: Path) -> None:
    area = json.loads((shared / "data/areas/benapole.geojson").read_text("utf-8"))
    found, left_out = layers.features_of(area)
    assert left_out == 0
    assert {role: len(items) for role, items in found.items()} == {
        "patrol": 1,
        "border": 1,
        "no_fly": 1,
        "home": 1,
        "rally": 2,
    }
    assert found["home"][0].name == "customs post"


@pytest.mark.parametrize("wrapped", [SQUARE, feature(SQUARE), collection(feature(SQUARE))])
def test_a_polygon_without_a_role_is_a_patrol(wrapped: dict) -> None:
    found, left_out = layers.features_of(wrapped)
    assert (list(found), left_out) == (["patrol"], 0)


def test_what_has_no_known_role_or_no_geometry_is_counted() -> None:
    point = {"type": "Point", "coordinates": [88.9, 23.0]}
    members = [feature(point), feature(point, role="moon"), feature(None, role="home"), feature(point, role="home")]
    found, left_out = layers.features_of(collection(*members))
    assert (list(found), left_out) == (["home"], 3)


def test_the_area_wins_over_the_plan_and_transects_give_waypoints() -> None:
    line = {"type": "LineString", "coordinates": [[88.89, 23.03], [88.895, 23.03], [88.9, 23.03]]}
    plan = collection(feature(SQUARE, role="patrol", name="plan"), feature(line, role="transect", sortie=2))
    merged, _ = layers.plan_and_area(feature(SQUARE, role="patrol", name="area"), plan)
    assert [item.name for item in merged["patrol"]] == ["area"]
    assert merged["waypoint"][0].geometry.equals(shapely.MultiPoint([(88.89, 23.03), (88.9, 23.03)]))
    assert merged["waypoint"][0].sortie == 2


def test_a_zone_of_the_airspace_keeps_its_name_and_limits() -> None:
    plan = collection(feature(SQUARE, role="zone_closed", name="Z1", limits="flying is prohibited from the ground up"))
    merged, left_out = layers.plan_and_area(feature(SQUARE, role="no_fly", name="orchard"), plan)
    assert (sorted(merged), left_out) == (["no_fly", "zone_closed"], 0)
    shown = {layer["role"]: layer for layer in layers.layers_json(merged, plan_page=False)}
    zone = shown["zone_closed"]["features"][0]
    assert (zone["name"], zone["limits"], shown["zone_closed"]["on"]) == (
        "Z1",
        "flying is prohibited from the ground up",
        True,
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 23.0, 64.0, -51.0]))
def test_thinning_moves_nothing_by_more_than_its_tolerance(seed: int, lat: float) -> None:
    frame = LocalFrame(lat, 20.0)
    steps = np.random.default_rng(seed).normal(0, 3, (60, 2)).cumsum(axis=0)
    line = shapely.LineString(np.column_stack(frame.to_geodetic(steps[:, 0], steps[:, 1])[::-1]))
    thin = shapely.get_coordinates(layers.thinned(line, 0.5))
    back = np.column_stack(frame.to_local(thin[:, 1], thin[:, 0]))
    assert shapely.hausdorff_distance(shapely.LineString(steps), shapely.LineString(back)) < 0.51


def test_area_of_a_square_kilometre_with_a_hole() -> None:
    frame = LocalFrame(23.04, 88.895)
    local = shapely.box(0, 0, 1000, 1000) - shapely.box(200, 200, 400, 400)
    ground = shapely.transform(local, lambda p: np.column_stack(frame.to_geodetic(p[:, 0], p[:, 1])[::-1]))
    assert layers.area_m2(ground) == pytest.approx(960_000, rel=1e-5)


def test_extent_of_one_point_has_some_size() -> None:
    west, south, east, north = layers.extent([], [(88.895, 60.0), (float("nan"), 1.0)]) or (0, 0, 0, 0)
    assert (north - south) * 111_000 == pytest.approx(60, rel=0.01)
    assert (east - west) * 111_000 * math.cos(math.radians(60)) == pytest.approx(60, rel=0.01)
    assert layers.extent([], []) is None


def test_view_shows_everything_unless_it_dwarfs_what_was_flown() -> None:
    flown = (0.0, 0.0, 1.0, 1.0)
    assert layers.view(flown, (0.0, 0.0, 2.0, 2.4)) == (0.0, 0.0, 2.0, 2.4)
    assert layers.view(flown, (0.0, 0.0, 1.0, 9.0)) == flown
    assert layers.view(None, flown) == flown
    assert layers.view(None, None) == layers.WORLD


def test_a_hole_in_the_area_is_a_thing_of_its_own() -> None:
    ring = shapely.box(88.89, 23.03, 88.9, 23.04).difference(shapely.box(88.894, 23.034, 88.896, 23.036))
    features, _ = layers.plan_and_area(json.loads(shapely.to_geojson(ring)), None)
    assert [round(hole.geometry.area, 9) for hole in features["hole"]] == [4e-6]


def test_ground_by_how_finely_it_was_looked_at() -> None:
    squares = [shapely.box(88.89 + k * 0.001, 23.03, 88.891 + k * 0.001, 23.031) for k in range(6)]
    said = [
        {"role": "searched", "fine_enough_for": "person"},
        {"role": "searched", "fine_enough_for": "person"},
        {"role": "searched", "fine_enough_for": "vehicle"},
        {"role": "searched", "fine_enough_for": ""},
        {"role": "imaged"},
        {"role": "gap", "where": "in the east"},
    ]
    pieces = tuple(CoveragePiece(square, known) for square, known in zip(squares, said, strict=True))
    features = layers.ground_features(Coverage(pieces))
    assert list(features) == ["searched", "searched_vehicle", "searched_none", "imaged", "gap"]
    assert features["searched"][0].geometry.area == pytest.approx(2e-6, rel=1e-3)
    assert features["gap"][0].name == "in the east"
