"""The ground imaged: footprints, their union, and which frames saw a place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from pyproj import Geod

from mapping.ground.camera import load_camera
from mapping.ground.coverage import footprints, frames_over
from mapping.ground.georeference import local_frame
from mapping.ground.pose import Poses
from mapping.ground.terrain import FlatGround

GEOD = Geod(ellps="WGS84")
LAT, LON = 23.04, 88.9
BOSON = load_camera("boson640-14")
ACROSS_M, ALONG_M = 60.0 * BOSON.width_px / BOSON.fx_px, 60.0 * BOSON.height_px / BOSON.fy_px


def line(count: int, spacing_m: float, **columns: object) -> Poses:
    """Frames on a line to the north, camera straight down unless said otherwise."""
    lat = [GEOD.fwd(LON, LAT, 0.0, spacing_m * number)[1] for number in range(count)]
    usual = {"alt_home_m": 60.0, "alt_amsl_m": 70.0, "yaw_deg": 0.0, "pitch_deg": -90.0, "roll_deg": 0.0}
    return Poses.from_columns(count, lat_deg=lat, lon_deg=LON, **{**usual, **columns})


def area_m2(geometry: shapely.Geometry) -> float:
    return abs(GEOD.geometry_area_perimeter(geometry)[0])


def shown(poses: Poses) -> list[shapely.Polygon | None]:
    """Footprints in longitude and latitude."""
    local = local_frame(poses)
    return [one and local.geometry_to_lonlat(one) for one in footprints(poses, BOSON, FlatGround(), local)]


def test_a_footprint_is_the_cameras() -> None:
    found = shown(line(3, ALONG_M / 2))
    assert [area_m2(one) for one in found] == pytest.approx([ACROSS_M * ALONG_M] * 3, rel=1e-4)
    west, south, east, north = found[0].bounds
    assert GEOD.inv(west, LAT, east, LAT)[2] == pytest.approx(ACROSS_M, rel=1e-4)
    assert GEOD.inv(LON, south, LON, north)[2] == pytest.approx(ALONG_M, rel=1e-4)


def test_frames_without_a_pose_have_no_footprint() -> None:
    poses = line(3, 10.0)
    poses = replace(poses, yaw_deg=np.array([0.0, np.nan, 0.0]), lat_deg=np.where([1, 1, 0], poses.lat_deg, np.nan))
    assert [one is None for one in shown(poses)] == [False, True, True]
    assert shown(line(2, 10.0, yaw_deg=np.nan)) == [None, None]
    assert shown(line(0, 1.0)) == []


def test_a_picture_with_the_horizon_covers_ground_ahead_only() -> None:
    (footprint,) = shown(line(1, 0.0, pitch_deg=-8.0, sigma_attitude_deg=0.5))
    assert footprint.is_valid
    assert footprint.bounds[1] > LAT
    assert 100.0 < GEOD.inv(LON, LAT, LON, footprint.bounds[3])[2] < 5000.0
    assert shown(line(1, 0.0, pitch_deg=30.0)) == [None]


def test_frames_over_a_place() -> None:
    poses = line(5, ALONG_M / 2)
    places = [(0.0, 0.0), (0.0, ALONG_M * 0.99), (14.0, ALONG_M), (17.0, ALONG_M), (0.0, -ALONG_M * 0.45)]
    lat, lon = [], []
    for east, north in places:
        one_lon, one_lat, _ = GEOD.fwd(LON, LAT, np.degrees(np.arctan2(east, north)), np.hypot(east, north))
        lat.append(one_lat)
        lon.append(one_lon)
    wide = frames_over(np.array(lat), np.array(lon), np.zeros(5), poses, BOSON, FlatGround())
    assert [found.tolist() for found in wide] == [[0], [1, 2], [1, 2, 3], [], [0]]
    narrow = frames_over(np.array(lat), np.array(lon), np.full(5, 60.0), poses, BOSON, FlatGround())
    assert [found.tolist() for found in narrow] == [[0], [2], [], [], []]
    assert frames_over(np.empty(0), np.empty(0), np.empty(0), poses, BOSON, FlatGround()) == []


def test_a_place_behind_the_camera_was_not_seen() -> None:
    poses = line(1, 0.0, pitch_deg=-20.0, yaw_deg=[0.0])
    behind = GEOD.fwd(LON, LAT, 180.0, 165.0)[1::-1]
    ahead = GEOD.fwd(LON, LAT, 0.0, 165.0)[1::-1]
    lat, lon = np.array([behind, ahead]).T
    found = frames_over(lat, lon, np.zeros(2), poses, BOSON, FlatGround())
    assert [one.tolist() for one in found] == [[], [0]]
