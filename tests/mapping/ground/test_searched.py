"""What was looked at: searched apart from imaged, by how finely, when, and where nobody looked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from pyproj import Geod

from mapping.ground.camera import load_camera
from mapping.ground.placing import FlightData, place
from mapping.ground.pose import Poses
from mapping.ground.searched import Coverage, read_coverage, searched_ground
from mapping.ground.terrain import FlatGround, Terrain, read_terrain
from mapping.tables import FRAMES
from vision.errors import InputError
from vision.table import DETECTIONS

GEOD = Geod(ellps="WGS84")
LAT, LON = 23.04, 88.9
BOSON = load_camera("boson640-14")
ACROSS_M, ALONG_M = 60.0 * BOSON.width_px / BOSON.fx_px, 60.0 * BOSON.height_px / BOSON.fy_px


def flight(count: int, spacing_m: float = ALONG_M, searched: set[int] | None = None, **columns: Any) -> FlightData:
    lat = [GEOD.fwd(LON, LAT, 0.0, spacing_m * number)[1] for number in range(count)]
    usual = {"alt_home_m": 60.0, "alt_amsl_m": 560.0, "yaw_deg": 0.0, "pitch_deg": -90.0, "roll_deg": 0.0}
    usual |= {"time_s": 1.8e9 + np.arange(count), "lat_deg": lat, "lon_deg": LON}
    frames = FRAMES.build(
        {
            "frame_id": [f"f{number:05d}" for number in range(count)],
            "file": [f"images/{number:05d}.jpg" for number in range(count)],
            "camera": [BOSON.name] * count,
            **Poses.from_columns(count, **{**usual, **columns}).columns(),
        }
    )
    names = None if searched is None else frozenset(f"f{number:05d}" for number in searched)
    return FlightData(frames, DETECTIONS.from_rows([]), BOSON, searched=names)


def covered(*flights: FlightData, terrain: Terrain | None = None, area: Any = None) -> Coverage:
    ground = terrain or FlatGround()
    first = place(flights[0], ground, None)
    others = [place(one, ground, None, first.points.local) for one in flights[1:]]
    return searched_ground([first, *others], ground, area)


def area_m2(geometry: shapely.Geometry) -> float:
    return abs(GEOD.geometry_area_perimeter(geometry)[0]) if not geometry.is_empty else 0.0


def box(west_m: float, south_m: float, east_m: float, north_m: float) -> shapely.Polygon:
    corners = [(west_m, south_m), (east_m, south_m), (east_m, north_m), (west_m, north_m)]
    return shapely.Polygon([GEOD.fwd(LON, LAT, np.degrees(np.arctan2(x, y)), np.hypot(x, y))[:2] for x, y in corners])


def test_frames_not_searched_are_kept_apart_and_counted() -> None:
    found = covered(flight(4, searched={0, 1, 2}))
    assert area_m2(found.searched) == pytest.approx(3 * ACROSS_M * ALONG_M, rel=1e-3)
    (imaged,) = found.of("imaged")
    assert imaged.properties["area_m2"] == pytest.approx(ACROSS_M * ALONG_M, rel=1e-3)
    assert any("1 of 4 frames" in note and "not searched" in note for note in found.notes)
    (piece,) = found.of("searched")
    assert piece.properties["frames"] == 3
    assert piece.properties["fine_enough_for"] == "person"
    assert piece.properties["gsd_cm"] == pytest.approx(100.0 * 60.0 / BOSON.fx_px, rel=1e-3)
    assert piece.properties["first_utc"] == "2027-01-15T08:00:00.000+00:00"


def test_what_nobody_recorded_counts_as_searched_and_says_so() -> None:
    found = covered(flight(2))
    assert area_m2(found.searched) == pytest.approx(2 * ACROSS_M * ALONG_M, rel=1e-3)
    assert any("not recorded" in note for note in found.notes)
    lost = flight(2, searched={0, 1})
    without = lost.frames.set_column(1, "file", pa.array(["images/0.jpg", None]))
    assert covered(replace(lost, frames=without, searched=None)).searched.area < found.searched.area


def test_the_higher_the_coarser() -> None:
    for height_m, expected in ((60.0, "person"), (120.0, "vehicle"), (4000.0, "")):
        (piece,) = covered(flight(1, alt_home_m=height_m, searched={0})).of("searched")
        assert piece.properties["fine_enough_for"] == expected


def test_a_slanting_picture_is_fine_near_and_coarse_far() -> None:
    found = covered(flight(1, alt_home_m=40.0, pitch_deg=-35.0, sigma_attitude_deg=0.3, searched={0}))
    by_use = {piece.properties["fine_enough_for"]: piece for piece in found.of("searched")}
    assert set(by_use) >= {"person", "vehicle"}
    assert by_use["person"].geometry.centroid.y < by_use["vehicle"].geometry.centroid.y
    assert by_use["person"].geometry.intersection(by_use["vehicle"].geometry).area == pytest.approx(0.0, abs=1e-12)


def test_looks_of_different_hours_are_told_apart() -> None:
    early, late = flight(1, searched={0}), flight(1, searched={0}, time_s=1.8e9 + 7200.0)
    pieces = covered(early, late).of("searched")
    assert [piece.properties["first_utc"][11:16] for piece in pieces] == ["08:00", "10:00"]


def test_gaps_are_named_where_the_area_is_known() -> None:
    area = box(-ACROSS_M / 2 + 1, -ALONG_M / 2 + 1, ACROSS_M / 2 - 1, 3.4 * ALONG_M)
    found = covered(flight(3, searched={0, 1, 2}), area=area)
    (gap,) = found.of("gap")
    assert gap.properties["area_m2"] == pytest.approx((ACROSS_M - 2) * 0.9 * ALONG_M, rel=0.01)
    assert gap.properties["where"].startswith("in the north,")
    assert any("were not looked at" in note or "was not looked at" in note for note in found.notes)
    assert covered(flight(5, searched=set(range(5))), area=area).of("gap") == ()
    unsearched = covered(flight(5, searched=set()), area=area)
    assert sum(piece.properties["area_m2"] for piece in unsearched.of("gap")) == pytest.approx(area_m2(area), rel=1e-3)


def test_what_a_hill_hides_was_not_looked_at(ridge: Path) -> None:
    slanting = {"pitch_deg": -30.0, "sigma_attitude_deg": 0.3, "alt_amsl_m": 560.0, "searched": {0}}
    flat = covered(flight(1, **slanting))
    hilly = covered(flight(1, **slanting), terrain=read_terrain(ridge))
    behind, before = box(-5.0, 104.0, 5.0, 112.0), box(-5.0, 70.0, 5.0, 80.0)
    assert flat.searched.covers(behind)
    assert flat.searched.covers(before)
    assert not hilly.searched.intersects(behind)
    assert hilly.searched.intersects(before)


@pytest.fixture
def ridge(tmp_path: Path) -> Path:
    """Level ground at 500 m with a wall of 25 m across, 95 to 101 m to the north."""
    rasterio = pytest.importorskip("rasterio")
    path, cell = tmp_path / "ridge.tif", 2e-5
    rows, columns = 400, 300
    north = LAT + 0.004
    heights = np.full((rows, columns), 500.0, dtype=np.float32)
    at_m = (north - cell * (np.arange(rows) + 0.5) - LAT) * 110_700.0
    heights[(at_m > 95.0) & (at_m < 101.0)] = 525.0
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=columns,
        height=rows,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=rasterio.Affine(cell, 0.0, LON - cell * columns / 2, 0.0, -cell, north),
    ) as dataset:
        dataset.write(heights, 1)
    return path


def test_what_is_written_is_valid_where_frames_leave_holes_thinner_than_can_be_written(tmp_path: Path) -> None:
    placed = place(flight(1, searched={0}), FlatGround(), None)
    (frame,) = placed.shown
    x, y = frame.centroid.coords[0]
    holes = [
        [(x, y + at), (x + size, y + at), (x, y + at + size)] for at, size in ((0.0, 1e-11), (5.0, 1e-3), (9, 2.0))
    ]
    torn = replace(placed, shown=np.array([shapely.Polygon(frame.exterior, holes)], dtype=np.object_))
    path = tmp_path / "coverage.geojson"
    path.write_text(searched_ground([torn], FlatGround()).to_geojson(), encoding="utf-8")
    (piece,) = read_coverage(path).pieces
    assert piece.geometry.is_valid, shapely.is_valid_reason(piece.geometry)
    assert shapely.transform(piece.geometry, lambda points: np.round(points, 7)).equals(piece.geometry)
    assert [len(part.interiors) for part in piece.geometry.geoms] == [1]
    assert area_m2(piece.geometry) == pytest.approx(ACROSS_M * ALONG_M - 2.0, rel=1e-3)


def test_coverage_is_read_back_and_nonsense_is_refused(tmp_path: Path) -> None:
    found = covered(flight(3, searched={0, 1}), area=box(-30.0, -30.0, 30.0, 200.0))
    path = tmp_path / "coverage.geojson"
    path.write_text(found.to_geojson(), encoding="utf-8")
    again = read_coverage(path)
    assert [piece.properties for piece in again.pieces] == [piece.properties for piece in found.pieces]
    assert area_m2(again.seen) == pytest.approx(area_m2(found.seen))
    path.write_text(shapely.to_geojson(found.searched), encoding="utf-8")
    assert area_m2(read_coverage(path).searched) == pytest.approx(area_m2(found.searched))
    for wrong in ({"a": [1]}, {"type": "FeatureCollection", "features": 3}, {"type": "Polygon", "coordinates": 1}):
        path.write_text(json.dumps(wrong), encoding="utf-8")
        with pytest.raises(InputError, match="coverage"):
            read_coverage(path)
