"""An aerial image that the app was given lies under its maps and its reports, where it shows their ground."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from picket.cli import main
from picket.folder import Mission
from picket.web.ground import Basemap
from tests.mapping.maps.test_background import geotiff
from tests.picket.web.conftest import Served
from tests.picket.web.judged import LAT_DEG, LON_DEG, make_mission

HERE = {"west": LON_DEG - 0.002, "south": LAT_DEG - 0.002, "east": LON_DEG + 0.002, "north": LAT_DEG + 0.002}


@pytest.fixture
def image(served: Served, tmp_path: Path) -> Path:
    path = geotiff(tmp_path / "air.tif")
    served.app.state.basemap = Basemap(path)
    served.app.state.flying._basemap = served.app.state.basemap
    return path


@pytest.mark.usefixtures("image")
def test_it_is_cut_to_what_a_map_shows(viewer: httpx.Client) -> None:
    found = viewer.get("/api/basemap", params=HERE).json()
    assert (found["kind"], found["name"]) == ("image", "air.tif")
    (south, west), (north, east) = found["bounds"]
    assert [west, south, east, north] == pytest.approx([88.892, 23.037, 88.898, 23.043], abs=2e-4)
    assert b64decode(found["data"])[8:12] == b"WEBP"
    once_round = {**HERE, "west": HERE["west"] + 360, "east": HERE["east"] + 360}
    turned = viewer.get("/api/basemap", params=once_round).json()["bounds"]
    assert turned[0][1] == pytest.approx(west + 360)


@pytest.mark.usefixtures("image")
def test_elsewhere_there_is_nothing(viewer: httpx.Client) -> None:
    assert viewer.get("/api/basemap", params={**HERE, "west": 10, "east": 11}).status_code == 204
    for wrong in ({"west": 89.5}, {"south": 24}, {"north": "NaN"}, {"east": 1e9}):
        assert viewer.get("/api/basemap", params={**HERE, **wrong}).status_code == 422


def test_without_one_there_is_nothing(viewer: httpx.Client) -> None:
    assert viewer.get("/api/basemap", params=HERE).status_code == 204


@pytest.mark.usefixtures("image")
def test_it_lies_under_the_maps(served: Served, open_app: Any) -> None:
    make_mission(served.missions / "benapole", 2)
    for name in ("plan", "review"):
        page, watched = open_app(f"/missions/benapole/{name}")
        picture = page.locator(".leaflet-background-pane img")
        expect(picture).to_have_count(1, timeout=30_000)
        assert picture.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") > 10
        assert (watched.elsewhere, watched.errors, watched.dialogs) == ([], [], [])


def test_reports_take_it_where_it_shows_their_ground(served: Served, image: Path) -> None:
    basemap = served.app.state.basemap
    mission = Mission(make_mission(served.missions / "benapole", 2))
    assert basemap.options(mission) == [f"--basemap={image}"]
    assert main(["report", str(mission.root), *basemap.options(mission)]) == 0
    mission.area.write_text(mission.area.read_text().replace("88.8", "12.8"))
    assert basemap.options(mission) == []


def test_one_that_cannot_be_read_is_told_at_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "air.tif").write_text("no image")
    for name in ("air.tif", "none.pmtiles"):
        assert main(["serve", str(tmp_path), "--port=0", "--basemap", str(tmp_path / name)]) == 2
        assert name in capsys.readouterr().err
