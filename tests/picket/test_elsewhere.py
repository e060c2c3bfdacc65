"""Missions elsewhere and with other things than the example's: south, tiny, projected, a camera of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pyproj import Transformer

from picket.cli import main
from picket.folder import Mission


def square(lat_deg: float, lon_deg: float, side_m: float) -> list[list[float]]:
    frame = Transformer.from_crs(
        f"+proj=tmerc +lat_0={lat_deg} +lon_0={lon_deg} +ellps=WGS84", "EPSG:4326", always_xy=True
    )
    half = side_m / 2
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    return [list(frame.transform(*corner)) for corner in corners]


def plan_square(folder: Path, lat_deg: float, lon_deg: float, side_m: float, *options: str) -> Mission:
    area = folder / "area.geojson"
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [square(lat_deg, lon_deg, side_m)]}))
    home = f"--home={lat_deg},{lon_deg}"
    assert main(["plan", str(area), "-o", str(folder / "mission"), home, *options]) == 0
    return Mission(folder / "mission")


def fly(mission: Mission) -> dict[str, object]:
    command = [sys.executable, "-m", "picket", "fly", str(mission.root), "--sim", "--speedup", "50", "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    summary: dict[str, object] = json.loads(run.stdout)
    return summary


def test_a_small_square_in_the_south_is_flown(tmp_path: Path) -> None:
    mission = plan_square(tmp_path, -35.363, -70.4, 30.0)
    assert fly(mission)["ended"] == "landed"
    assert main(["detect", str(mission.root)]) == 0
    assert main(["locate", str(mission.root)]) == 0
    assert main(["report", str(mission.root)]) == 0


def test_a_camera_of_ones_own_goes_with_the_mission(tmp_path: Path) -> None:
    catalogue = Path(__file__).resolve().parents[2] / "mapping" / "ground" / "cameras.toml"
    entry = catalogue.read_text(encoding="utf-8").split("[boson640-14]", 1)[1].split("\n[", 1)[0]
    camera = tmp_path / "kept elsewhere.toml"
    camera.write_text(entry, encoding="utf-8")
    mission = plan_square(tmp_path, 23.04, 88.89, 60.0, "--camera", str(camera))
    camera.unlink()
    assert fly(mission)["ended"] == "landed"
    (flight,) = mission.flights()
    assert flight.camera().width_px == 640


def test_a_projected_area_is_kept_in_longitude_and_latitude(tmp_path: Path) -> None:
    to_utm = Transformer.from_crs("EPSG:4326", "EPSG:32645", always_xy=True)
    ring = [list(to_utm.transform(*corner)) for corner in square(23.04, 88.89, 120.0)]
    area = tmp_path / "utm.geojson"
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32645"}}
    area.write_text(json.dumps({"type": "Polygon", "crs": crs, "coordinates": [ring]}))
    assert main(["plan", str(area), "-o", str(tmp_path / "mission"), "--home", "23.04,88.89"]) == 0
    kept = json.loads(Mission(tmp_path / "mission").area.read_text(encoding="utf-8"))
    assert "crs" not in kept
    lon_deg, lat_deg = kept["features"][0]["geometry"]["coordinates"][0][0][0]
    assert (lat_deg, lon_deg) == pytest.approx((23.04, 88.89), abs=0.001)
    assert "nan" not in Mission(tmp_path / "mission").plan_page.read_text(encoding="utf-8").split("headline")[1][:200]


def test_an_area_with_heights_that_are_none_is_kept_without_them(tmp_path: Path) -> None:
    ring = [[*corner, None] for corner in square(23.04, 88.89, 60.0)]
    area = tmp_path / "empty heights.geojson"
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert main(["plan", str(area), "-o", str(tmp_path / "mission"), "--home", "23.04,88.89"]) == 0
    kept = json.loads(Mission(tmp_path / "mission").area.read_text(encoding="utf-8"))
    assert {len(corner) for corner in kept["features"][0]["geometry"]["coordinates"][0][0]} == {2}


@pytest.mark.parametrize("address", ["nonsense", "tcp:127.0.0.1:99999", "udp:127.0.0.1:0"])
def test_an_address_that_is_none_leaves_nothing(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mission = plan_square(tmp_path, 23.04, 88.89, 60.0)
    assert main(["fly", str(mission.root), "--connect", address, "--yes"]) == 2
    assert mission.flights() == []
    assert len(capsys.readouterr().err.strip().splitlines()[-1:]) == 1


def test_a_refused_attempt_is_no_flight_to_work_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mission = plan_square(tmp_path, 23.04, 88.89, 60.0)
    assert main(["fly", str(mission.root), "--connect", "tcp:127.0.0.1:1", "--yes"]) == 1
    assert main(["detect", str(mission.root)]) == 2
    assert "no flight yet" in capsys.readouterr().err


def test_marks_given_once_stay(shared: Path, tmp_path: Path) -> None:
    source, root = shared / "data" / "flights" / "cuav-2018", tmp_path / "flight"
    log, camera = str(source / "flight.tlog"), str(source / "camera.json")
    assert main(["ingest", str(source), "-o", str(root), "--tlog", log, "--camera", camera]) == 0
    assert main(["locate", str(root), "--marks", str(source / "marks.csv")]) == 0
    before = (root / "sightings.parquet").read_bytes()
    assert main(["locate", str(root), "--force"]) == 0
    assert (root / "sightings.parquet").read_bytes() == before


def test_bad_weights_leave_no_flight(shared: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_text("heavy")
    pictures = shared / "data" / "flights" / "brighton-beach"
    assert main(["detect", str(pictures), "-o", str(tmp_path / "flight"), "--weights", str(weights)]) == 2
    assert not (tmp_path / "flight").exists()
