"""Pixels to places and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.ground.camera import Camera, pixel_rays, project
from mapping.ground.contact import contact_points
from mapping.ground.georeference import GroundPoints, ground_velocity, local_frame, locate_pixels
from mapping.ground.pose import Poses
from mapping.ground.rays import EARTH_RADIUS_M, Miss
from mapping.ground.terrain import FlatGround, read_terrain
from tests.mapping.ground.standpoint import BENT, BOSON, EXACT, GEOD, LAT, LON, NO_SIGMAS
from vision.errors import InputError


def apart_m(lat_deg: float, lon_deg: float, points: GroundPoints, number: int = 0) -> float:
    return GEOD.inv(lon_deg, lat_deg, points.lon_deg[number], points.lat_deg[number])[2]


def pixel_of(
    camera: Camera, poses: Poses, number: int, bearing_deg: float, level_m: float, drop_m: float
) -> np.ndarray:
    """The pixel of a place at that bearing and distance from a camera, so far below it (and lower by as much as the
    earth falls away until there)."""
    bearing = np.radians(bearing_deg)
    drop_m += 0.5 * level_m**2 / EARTH_RADIUS_M
    toward = [level_m * np.cos(bearing), level_m * np.sin(bearing), drop_m]
    return project(camera, poses.rotation[number].inv().apply(toward)[None])


angles = st.floats(-12.0, 12.0)


@settings(max_examples=150)
@given(
    bearing=st.floats(0.0, 360.0),
    depression=st.floats(8.0, 89.9),
    height=st.floats(2.0, 150.0),
    aside=angles,
    above=angles,
    roll=st.floats(-180.0, 180.0),
    away_m=st.floats(-20_000.0, 20_000.0),
    camera=st.sampled_from([BOSON, BENT]),
)
def test_a_known_place_is_found_again_to_the_millimetre(
    bearing: float,
    depression: float,
    height: float,
    aside: float,
    above: float,
    roll: float,
    away_m: float,
    camera: Camera,
) -> None:
    level = height / np.tan(np.radians(depression))
    lon, lat, _ = GEOD.fwd(LON, LAT, 70.0, away_m)
    lat_known, lon_known = GEOD.fwd(lon, lat, bearing, level)[1::-1]
    # a second frame far away puts the middle of the flight, and so the grid's north, elsewhere
    poses = Poses.from_columns(
        2,
        lat_deg=[lat, LAT],
        lon_deg=[lon, LON],
        alt_amsl_m=500.0 + height,
        alt_home_m=height,
        yaw_deg=bearing + aside,
        pitch_deg=max(-90.0, above - depression),
        roll_deg=roll,
        **NO_SIGMAS,
    )
    pixel = pixel_of(camera, poses, 0, bearing, level, height)
    box = np.hstack([pixel, pixel])
    points = locate_pixels(contact_points(box, [0], poses, camera), [0], poses, camera, FlatGround(), budget=EXACT)
    assert points.hit.all()
    assert apart_m(lat_known, lon_known, points) < 0.001 + 1e-6 * level
    assert points.alt_amsl_m == pytest.approx([500.0], abs=1e-6)
    assert np.abs(points.covariance).max() < 1e-12


def test_mountains_are_met_at_their_own_height(
    tmp_path: Path, write_model: Callable[..., Path], pose: Callable[..., Poses]
) -> None:
    rng = np.random.default_rng(3)
    rough = np.cumsum(np.cumsum(rng.normal(0.0, 0.4, (90, 90)), axis=0), axis=1)
    terrain = read_terrain(write_model(tmp_path / "dem.tif", 1200.0 + rough - rough.mean(), cell=15.0))
    home_height = float(terrain.height_amsl_m(LAT, LON))
    checked = 0
    for bearing, level, above in zip(
        rng.uniform(0, 360, 60), rng.uniform(0, 250, 60), rng.uniform(60, 250, 60), strict=True
    ):
        lon, lat, _ = GEOD.fwd(LON, LAT, bearing, level)
        target = float(terrain.height_amsl_m(lat, lon))
        # 7 m off in height above mean sea level: what counts is the model's own height of home
        poses = pose(
            alt_home_m=above,
            alt_amsl_m=home_height + above + 7.0,
            yaw_deg=rng.uniform(0, 360),
            pitch_deg=-90.0,
            roll_deg=rng.uniform(-4, 4),
            **NO_SIGMAS,
        )
        drop = home_height + above - target
        pixel = pixel_of(BOSON, poses, 0, bearing, level, drop)
        places = np.linspace(0.0, 1.0, 400)[1:-1]
        east, north = (level * trig(np.radians(bearing)) * places for trig in (np.sin, np.cos))
        between_lon, between_lat, _ = GEOD.fwd(
            np.full(398, LON), np.full(398, LAT), np.degrees(np.arctan2(east, north)), np.hypot(east, north)
        )
        ground = terrain.height_amsl_m(np.array(between_lat), np.array(between_lon))
        if drop <= 0 or (ground > home_height + above - drop * places).any() or not np.isfinite(pixel).all():
            continue  # hidden behind a nearer slope
        points = locate_pixels(pixel, [0], poses, BOSON, terrain, home=(LAT, LON), budget=EXACT)
        assert points.hit.all()
        assert apart_m(lat, lon, points) < 0.005
        assert points.alt_amsl_m[0] == pytest.approx(target, abs=0.005)
        checked += 1
    assert checked > 20


def test_pixels_without_a_place_say_why() -> None:
    poses = Poses.from_columns(
        4,
        lat_deg=[LAT, np.nan, LAT, LAT],
        lon_deg=LON,
        alt_amsl_m=660.0,
        alt_home_m=[60.0, 60.0, np.nan, 60.0],
        yaw_deg=[0.0, 0.0, 0.0, np.nan],
        pitch_deg=-5.0,
        roll_deg=0.0,
        sigma_attitude_deg=1.0,
    )
    middle = [BOSON.cx_px, BOSON.cy_px]
    pixels = [[320.0, 0.0], [320.0, 190.0], [320.0, 500.0], middle, middle, middle]
    points = locate_pixels(pixels, [0, 0, 0, 1, 2, 3], poses, BOSON, FlatGround())
    assert points.miss.tolist() == [Miss.HORIZON, Miss.TOO_FAR, Miss.NONE, *[Miss.NO_POSE] * 3]
    lost = ~points.hit
    for values in (points.lat_deg, points.east_m, points.alt_amsl_m, points.noise, points.factors):
        assert np.isnan(values[lost]).all()
        assert np.isfinite(values[~lost]).all()


def test_no_pixels_are_no_places(pose: Callable[..., Poses]) -> None:
    points = locate_pixels(np.empty((0, 2)), [], pose(yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0), BOSON, FlatGround())
    assert len(points) == 0


def test_velocity_is_taken_from_frames_near_in_time() -> None:
    lat = [GEOD.fwd(LON, LAT, 0.0, metres)[1] for metres in (0.0, 5.0, 15.0, 500.0, 0.0)]
    poses = Poses.from_columns(5, time_s=[0.0, 1.0, 2.0, 60.0, np.nan], lat_deg=lat, lon_deg=LON)
    local = locate_pixels(np.empty((0, 2)), [], poses, BOSON, FlatGround()).local
    velocity = ground_velocity(poses, local)
    assert velocity[:, 1] == pytest.approx([5.0, 7.5, 10.0, 0.0, 0.0], abs=1e-3)
    assert velocity[:, 0] == pytest.approx(np.zeros(5), abs=1e-6)


def test_rays_and_places_agree_on_north(pose: Callable[..., Poses]) -> None:
    """Top of the picture to the yaw: the middle of the top edge lies ahead."""
    poses = pose(yaw_deg=90.0, pitch_deg=-90.0, roll_deg=0.0)
    points = locate_pixels([[320.0, 0.0]], [0], poses, BOSON, FlatGround())
    assert pixel_rays(BOSON, [[320.0, 0.0]])[0, 1] < 0.0
    assert points.lon_deg[0] > LON
    assert points.lat_deg[0] == pytest.approx(LAT, abs=1e-9)


def test_a_flight_over_the_180th_meridian_lies_in_one_frame() -> None:
    lon_deg = [179.9999, -179.9999, -179.9998]
    poses = Poses.from_columns(3, lat_deg=0.0, lon_deg=lon_deg, alt_home_m=60.0, yaw_deg=30.0, pitch_deg=-90.0)
    local = local_frame(poses)
    assert local.lon0_deg == pytest.approx(-179.9999)
    east, _ = local.to_local(poses.lat_deg, poses.lon_deg)
    assert east == pytest.approx([-22.26, 0.0, 11.13], abs=0.01)
    poses = replace(poses, roll_deg=np.zeros(3))
    points = locate_pixels([[BOSON.cx_px, 0.0]] * 3, [0, 1, 2], poses, BOSON, FlatGround())
    for number in range(3):
        assert GEOD.inv(lon_deg[number], 0.0, points.lon_deg[number], points.lat_deg[number])[0] == pytest.approx(30.0)


def test_a_flight_at_a_pole_is_refused(pose: Callable[..., Poses]) -> None:
    poses = pose(lat_deg=89.5, yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0)
    with pytest.raises(InputError, match="at a pole"):
        locate_pixels([[320.0, 256.0]], [0], poses, BOSON, FlatGround())


def test_places_do_not_depend_on_how_many_are_asked_for_at_once() -> None:
    rng = np.random.default_rng(1)
    pixels, frames = rng.uniform([0.0, 0.0], [640.0, 512.0], (9000, 2)), rng.integers(0, 3, 9000)
    poses = Poses.from_columns(
        3,
        lat_deg=LAT,
        lon_deg=LON,
        alt_home_m=80.0,
        alt_amsl_m=80.0,
        yaw_deg=[0.0, 50.0, 200.0],
        pitch_deg=-60.0,
        roll_deg=3.0,
    )
    whole = locate_pixels(pixels, frames, poses, BENT, FlatGround())
    some = locate_pixels(pixels[5000:5003], frames[5000:5003], poses, BENT, FlatGround())
    np.testing.assert_allclose(some.factors, whole.factors[5000:5003], rtol=1e-9)
    np.testing.assert_allclose(some.east_m, whole.east_m[5000:5003], rtol=1e-9)
