"""What rough ground makes of errors, against many rays drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mapping.ground.camera import load_camera, project
from mapping.ground.elevation import ElevationModel
from mapping.ground.errors import ErrorBudget
from mapping.ground.frame import LocalFrame
from mapping.ground.georeference import GroundPoints, camera_axes, camera_origins, locate_pixels
from mapping.ground.pose import Poses
from mapping.ground.rays import Miss
from mapping.ground.terrain import read_terrain

LAT, LON = 46.5, 9.8
LOCAL = LocalFrame(LAT, LON)
BOSON = load_camera("boson640-14")
SIGMAS = {"sigma_position_m": 1.5, "sigma_height_m": 2.0, "sigma_attitude_deg": 0.0, "sigma_time_s": 0.0}
POSITION_ONLY = ErrorBudget(
    pixel_px=0.0, jitter_s=0.0, wander_m=0.0, elevation_model_m=0.0, elevation_shift_m=0.0, attitude_bias_share=0.0
)


def over(heights: np.ndarray, path: Path, write_model: Callable[..., Path], cell: float = 4.0) -> ElevationModel:
    return read_terrain(write_model(path / "model.tif", heights, cell=cell))


def looking(count: int, above_m: float, pitch_deg: float) -> Poses:
    return Poses.from_columns(
        count,
        lat_deg=LAT,
        lon_deg=LON,
        alt_amsl_m=1000.0 + above_m,
        yaw_deg=0.0,
        pitch_deg=pitch_deg,
        roll_deg=0.0,
        **SIGMAS,
    )


def pixel_of(place: tuple[float, float, float], poses: Poses, terrain: ElevationModel) -> np.ndarray:
    toward = np.array(place) - camera_origins(poses, terrain, LOCAL)[0]
    return project(BOSON, (camera_axes(poses, LOCAL)[0].T @ toward)[None])


def located(pixels: np.ndarray, poses: Poses, terrain: ElevationModel, budget: ErrorBudget) -> GroundPoints:
    return locate_pixels(pixels, np.zeros(len(pixels), dtype=int), poses, BOSON, terrain, local=LOCAL, budget=budget)


def drawn(pixel: np.ndarray, poses: Poses, terrain: ElevationModel, count: int) -> np.ndarray:
    """Where that pixel lands from cameras off at random by the sigmas, against where it lands without error."""
    rng = np.random.default_rng(8)
    lat, lon = LOCAL.to_geodetic(*rng.normal(0.0, 1.5, (2, count)))
    many = poses.take(np.zeros(count, dtype=int))
    many = replace(many, lat_deg=lat, lon_deg=lon, alt_amsl_m=many.alt_amsl_m + rng.normal(0.0, 2.0, count))
    hits = locate_pixels(np.tile(pixel, (count, 1)), np.arange(count), many, BOSON, terrain, local=LOCAL)
    middle = located(pixel, poses, terrain, POSITION_ONLY)
    found = np.column_stack([hits.east_m - middle.east_m, hits.north_m - middle.north_m])[hits.hit]
    return np.asarray(found.T @ found / len(found))


def test_level_ground_bends_nothing(tmp_path: Path, write_model: Callable[..., Path]) -> None:
    terrain = over(np.full((120, 120), 1000.0), tmp_path, write_model)
    points = located(np.array([[320.0, 256.0], [500.0, 100.0]]), looking(1, 80.0, -50.0), terrain, POSITION_ONLY)
    slope = 1.0 / np.tan(np.radians(50.0))
    assert points.covariance[0] == pytest.approx(np.diag([1.5**2, 1.5**2 + (2.0 * slope) ** 2]), rel=1e-3)
    assert np.abs(points.noise).max() < 1e-3


@pytest.mark.parametrize("kind", ["waves", "ridge"])
def test_errors_over_rough_ground_are_those_of_rays_drawn_at_random(
    tmp_path: Path, write_model: Callable[..., Path], kind: str
) -> None:
    side = np.arange(150.0) * 4.0
    north = (side.max() - side)[:, None] - side.max() / 2.0 + 0.0 * side
    waves = 1000.0 + 6.0 * np.sin(north / 9.0)
    ridge = 1000.0 + 30.0 * np.clip(1.0 - np.abs(north - 100.0) / 30.0, 0.0, None)
    terrain = over(waves if kind == "waves" else ridge, tmp_path, write_model)
    poses = looking(1, 80.0, -40.0)
    north_m = 90.0 if kind == "waves" else 99.0  # just below the crest, as the camera sees it
    height = float(terrain.own_height_m(*(np.array([one]) for one in LOCAL.to_geodetic(0.0, north_m)))[0])
    pixel = pixel_of((0.0, north_m, height), poses, terrain)
    stated = located(pixel, poses, terrain, POSITION_ONLY).covariance[0]
    true = drawn(pixel, poses, terrain, 20_000)
    # the ground's own unsureness between the model's cells comes on top of what the rays do
    assert 0.85 * true[1, 1] < stated[1, 1] < 1.6 * true[1, 1]
    assert stated[0, 0] == pytest.approx(true[0, 0], rel=0.15)


def test_a_ray_that_may_pass_over_the_last_ridge_has_no_place(tmp_path: Path, write_model: Callable[..., Path]) -> None:
    side = np.arange(150.0) * 4.0
    north = (side.max() - side)[:, None] - side.max() / 2.0 + 0.0 * side
    terrain = over(np.where(north > 104.0, np.nan, 1000.0 + np.maximum(north, 0.0)), tmp_path, write_model)
    poses = looking(1, 80.0, -5.0)
    crest = pixel_of((0.0, 99.9, 1099.5), poses, terrain)
    assert located(crest, poses, terrain, POSITION_ONLY).miss[0] in (Miss.NONE, Miss.TOO_FAR, Miss.NO_TERRAIN)
    below = pixel_of((0.0, 60.0, 1060.0), poses, terrain)
    assert located(below, poses, terrain, POSITION_ONLY).miss.tolist() == [Miss.NONE]


def test_the_same_input_gives_the_same_errors(tmp_path: Path, write_model: Callable[..., Path]) -> None:
    rng = np.random.default_rng(2)
    terrain = over(1000.0 + np.cumsum(rng.normal(0.0, 1.0, (150, 150)), axis=0), tmp_path, write_model)
    pixels = rng.uniform([0.0, 0.0], [640.0, 512.0], (700, 2))
    whole, again = (located(pixels, looking(1, 90.0, -50.0), terrain, ErrorBudget()) for _ in range(2))
    np.testing.assert_array_equal(whole.covariance, again.covariance)
    parts = [located(part, looking(1, 90.0, -50.0), terrain, ErrorBudget()) for part in (pixels[:9], pixels[9:])]
    np.testing.assert_allclose(np.concatenate([one.covariance for one in parts]), whole.covariance, rtol=1e-4)
    variance = np.linalg.eigvalsh(whole.covariance[whole.hit])
    assert (variance > 0.0).all()
