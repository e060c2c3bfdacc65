"""Whether the stated errors of a place are the true ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mapping.ground.ellipse import ellipses
from mapping.ground.errors import ErrorBudget
from mapping.ground.georeference import GroundPoints, locate_pixels
from mapping.ground.pose import Poses, euler_ned, rotation_ned_from_camera
from mapping.ground.terrain import FlatGround, Terrain, read_terrain
from tests.mapping.ground.standpoint import BENT, BOSON, EXACT, GEOD, LAT, LON, NO_SIGMAS


def shifted(poses: Poses, pixel: np.ndarray, terrain: Terrain, local_of: GroundPoints) -> np.ndarray:
    points = locate_pixels(pixel, [1], poses, BOSON, terrain, local=local_of.local, budget=EXACT)
    return np.array([points.east_m[0], points.north_m[0]])


@pytest.mark.parametrize("sloping", [False, True])
@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(-90.0, 0.0), (-35.0, 8.0)])
def test_the_stated_errors_are_finite_differences(
    tmp_path: Path, write_model: Callable[..., Path], sloping: bool, pitch_deg: float, roll_deg: float
) -> None:
    terrain: Terrain = FlatGround()
    if sloping:
        columns, rows = np.meshgrid(np.arange(60.0), np.arange(60.0))
        terrain = read_terrain(write_model(tmp_path / "dem.tif", 500.0 + 4.0 * columns + 2.5 * rows, cell=20.0))
    level = 0.0 if not sloping else float(terrain.own_height_m(np.array([LAT]), np.array([LON]))[0])
    sigmas = {"sigma_position_m": 1.5, "sigma_height_m": 2.0, "sigma_attitude_deg": 1.3, "sigma_time_s": 0.2}
    # frames 9 m apart, one a second, flying north: the middle one is looked at
    poses = Poses.from_columns(
        3,
        time_s=[0.0, 1.0, 2.0],
        lat_deg=[GEOD.fwd(LON, LAT, 0.0, metres)[1] for metres in (-9.0, 0.0, 9.0)],
        lon_deg=LON,
        alt_amsl_m=level + 60.0,
        alt_home_m=60.0,
        yaw_deg=70.0,
        pitch_deg=pitch_deg,
        roll_deg=roll_deg,
        **sigmas,
    )
    ground = {"level_ground_m": 1.5, "elevation_model_m": 1.5, "elevation_shift_m": 0.0}
    budget = ErrorBudget(pixel_px=3.0, jitter_s=0.05, wander_m=0.3, attitude_bias_share=0.6, **ground)
    pixel = np.array([[450.0, 300.0]])
    points = locate_pixels(pixel, [1], poses, BOSON, terrain, budget=budget)
    assert points.hit.all()
    base = shifted(poses, pixel, terrain, points)

    def moved(**columns: np.ndarray) -> np.ndarray:
        return shifted(replace(poses, **columns), pixel, terrain, points) - base

    def carried(bearing_deg: float) -> np.ndarray:
        lon, lat, _ = GEOD.fwd(poses.lon_deg, poses.lat_deg, [bearing_deg] * 3, [0.01] * 3)
        return 100.0 * moved(lat_deg=np.array(lat), lon_deg=np.array(lon))

    def turned(axis: int) -> np.ndarray:
        body = poses.rotation * Rotation.from_rotvec(1e-5 * np.eye(3)[axis]) * rotation_ned_from_camera(0, 0, 0).inv()
        yaw, pitch, roll = euler_ned(body)
        return 1e5 * moved(yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)

    east, north = carried(90.0), carried(0.0)
    up = 100.0 * moved(alt_amsl_m=poses.alt_amsl_m + 0.01, alt_home_m=poses.alt_home_m + 0.01)
    turns = [turned(axis) for axis in range(3)]
    pixels = [100.0 * (shifted(poses, pixel + step, terrain, points) - base) for step in ([[0.01, 0]], [[0, 0.01]])]
    velocity = 9.0 * north
    attitude = np.radians(1.3)

    factors = [1.5 * east, 1.5 * north, 2.0 * up, 0.2 * velocity, *(attitude * np.sqrt(0.6) * turn for turn in turns)]
    factors.append(1.5 * up)
    assert pytest.approx(np.array(factors), abs=5e-3, rel=5e-3) == points.factors[0].T
    shifts = [
        *(attitude * np.sqrt(0.4) * turn for turn in turns),
        *(3.0 * one for one in pixels),
        0.05 * velocity,
        0.3 * east,
        0.3 * north,
    ]
    assert points.noise[0] == pytest.approx(sum(np.outer(one, one) for one in shifts), rel=5e-3, abs=5e-3)


def test_oblique_errors_grow_as_the_textbook_says(pose: Callable[..., Poses]) -> None:
    depression, height, sigma = 25.0, 80.0, 0.5
    poses = pose(
        alt_home_m=height, yaw_deg=0.0, pitch_deg=-depression, roll_deg=0.0, sigma_position_m=0.0, sigma_height_m=1.0
    )
    poses = replace(poses, sigma_attitude_deg=np.array([sigma]), sigma_time_s=np.zeros(1))
    budget = replace(EXACT, attitude_bias_share=0.0)
    points = locate_pixels([[BOSON.cx_px, BOSON.cy_px]], [0], poses, BOSON, FlatGround(), budget=budget)
    along = np.radians(sigma) * height / np.sin(np.radians(depression)) ** 2
    assert np.sqrt(points.noise[0, 1, 1]) == pytest.approx(along, rel=1e-4)
    assert np.sqrt(points.bias[0, 1, 1]) == pytest.approx(1.0 / np.tan(np.radians(depression)), rel=1e-4)


def test_ellipses_hold_the_truth_as_often_as_they_say() -> None:
    """4,000 flights of one frame: true pose, measured pose with errors of the stated sigmas, true pixel with noise."""
    rng = np.random.default_rng(11)
    count = 4000
    true = Poses.from_columns(
        count,
        lat_deg=LAT,
        lon_deg=LON,
        alt_home_m=60.0,
        alt_amsl_m=660.0,
        yaw_deg=rng.uniform(0.0, 360.0, count),
        pitch_deg=rng.uniform(-90.0, -50.0, count),
        roll_deg=rng.normal(0.0, 3.0, count),
    )
    pixels = rng.uniform([40.0, 40.0], [600.0, 472.0], (count, 2))
    index = np.arange(count)
    truth = locate_pixels(pixels, index, true, BOSON, FlatGround())
    turn = Rotation.from_rotvec(np.radians(0.8) * rng.normal(size=(count, 3)))
    yaw, pitch, roll = euler_ned(true.rotation * turn * rotation_ned_from_camera(0, 0, 0).inv())
    east, north = truth.local.to_local(true.lat_deg, true.lon_deg)
    lat, lon = truth.local.to_geodetic(east + rng.normal(0.0, 1.2, count), north + rng.normal(0.0, 1.2, count))
    sigma = {"sigma_position_m": 1.2, "sigma_height_m": 1.8, "sigma_attitude_deg": 0.8, "sigma_time_s": 0.0}
    measured = Poses.from_columns(
        count,
        lat_deg=lat,
        lon_deg=lon,
        # the error of the height above take-off and that of the ground below it
        alt_home_m=60.0 + rng.normal(0.0, 1.8, count) + rng.normal(0.0, 2.4, count),
        alt_amsl_m=660.0,
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        **sigma,
    )
    noisy = pixels + rng.normal(0.0, 4.0, pixels.shape)
    budget = ErrorBudget(pixel_px=4.0, jitter_s=0.0, wander_m=0.0, level_ground_m=2.4)
    found = locate_pixels(noisy, index, measured, BOSON, FlatGround(), local=truth.local, budget=budget)
    error = np.stack([found.east_m - truth.east_m, found.north_m - truth.north_m], axis=1)
    squared = np.einsum("ni,nij,nj->n", error, np.linalg.inv(found.covariance), error)
    assert np.mean(squared <= 5.991) == pytest.approx(0.95, abs=0.012)
    assert np.mean(squared <= 1.386) == pytest.approx(0.50, abs=0.03)


@pytest.mark.parametrize("pitch_deg", [-90.0, -45.0])
def test_ground_off_by_three_sigma_is_within_three_sigma_of_the_place(
    pitch_deg: float, pose: Callable[..., Poses]
) -> None:
    """Ground below take-off, seen from 60 m above take-off: the place moves outward, the middle of a nadir view not."""
    poses = pose(yaw_deg=0.0, pitch_deg=pitch_deg, roll_deg=0.0, **NO_SIGMAS)
    pixels, budget = [[BOSON.cx_px, BOSON.cy_px], [30.0, 30.0]], replace(EXACT, level_ground_m=3.0)
    points = locate_pixels(pixels, [0, 0], poses, BOSON, FlatGround(), budget=budget)
    lower = replace(poses, alt_home_m=poses.alt_home_m + 9.0)
    true = locate_pixels(pixels, [0, 0], lower, BOSON, FlatGround(), local=points.local)
    error = np.stack([true.east_m - points.east_m, true.north_m - points.north_m], axis=1)
    assert points.factors[:, :, -1] * 3.0 == pytest.approx(error, abs=1e-3)
    assert (np.hypot(*error[0]) < 1e-6) == (pitch_deg == -90.0)
    usual = locate_pixels(pixels, [0, 0], pose(yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0), BOSON, FlatGround())
    level = locate_pixels(
        pixels, [0, 0], pose(yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0), BOSON, FlatGround(), budget=EXACT
    )
    assert usual.bias[0] == pytest.approx(level.bias[0])
    assert np.trace(usual.bias[1]) > np.trace(level.bias[1])


def test_a_usual_flight_states_a_few_metres(pose: Callable[..., Poses]) -> None:
    sigmas = {"sigma_position_m": 1.5, "sigma_height_m": 2.0, "sigma_attitude_deg": 1.0, "sigma_time_s": 0.05}
    poses = pose(yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0, **sigmas)
    points = locate_pixels([[BOSON.cx_px, BOSON.cy_px], [10.0, 10.0]], [0, 0], poses, BOSON, FlatGround())
    assert (ellipses(points.covariance).ce90_m < 5.0).all()


def test_a_flight_says_what_a_calibration_left_of_its_errors(pose: Callable[..., Poses]) -> None:
    sigmas = {"sigma_position_m": 1.5, "sigma_height_m": 2.0, "sigma_attitude_deg": 1.0, "sigma_time_s": 0.05}
    poses = pose(yaw_deg=20.0, pitch_deg=-60.0, roll_deg=2.0, **sigmas)
    usual = locate_pixels([[200.0, 90.0]], [0], poses, BENT, FlatGround())
    turn = np.radians(1.0) * np.sqrt(ErrorBudget().attitude_bias_share)
    same = np.diag([1.5, 1.5, 2.0, 0.05, turn, turn, turn])
    asked = locate_pixels([[200.0, 90.0]], [0], poses, BENT, FlatGround(), flight_wide=same)
    assert asked.factors == pytest.approx(usual.factors)
    less = locate_pixels([[200.0, 90.0]], [0], poses, BENT, FlatGround(), flight_wide=same[:, :3] * 0.1)
    assert less.factors.shape == (1, 2, 4)
    assert less.factors[0, :, -1] == pytest.approx(usual.factors[0, :, -1])


def test_what_the_lens_stretches_the_pixel_error_stretches(pose: Callable[..., Poses]) -> None:
    bent = replace(BOSON, distortion=(-0.35, 0.1, 0.001, 0.0, 0.0))
    poses = pose(yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0, **NO_SIGMAS)
    budget = replace(EXACT, pixel_px=1.0)
    corner = np.array([[600.0, 480.0]])
    points = locate_pixels(corner, [0], poses, bent, FlatGround(), budget=budget)
    step = [locate_pixels(corner + by, [0], poses, bent, FlatGround()) for by in ([[0.01, 0.0]], [[0.0, 0.01]])]
    moved = np.array([[one.east_m[0] - points.east_m[0], one.north_m[0] - points.north_m[0]] for one in step]) * 100.0
    assert points.noise[0] == pytest.approx(moved.T @ moved, rel=1e-3, abs=1e-7)
