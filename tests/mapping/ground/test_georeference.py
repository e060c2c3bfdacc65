"""Pixels to places and back, and whether the stated errors are the true ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from scipy.spatial.transform import Rotation

from mapping.ground.camera import Camera, load_camera, pixel_rays, project
from mapping.ground.contact import contact_points, contact_sigmas
from mapping.ground.ellipse import ellipses
from mapping.ground.errors import ErrorBudget
from mapping.ground.georeference import GroundPoints, ground_velocity, local_frame, locate_pixels
from mapping.ground.pose import Poses, euler_ned, rotation_ned_from_camera
from mapping.ground.rays import EARTH_RADIUS_M, Miss
from mapping.ground.terrain import FlatGround, Terrain, read_terrain
from vision.errors import InputError

GEOD = Geod(ellps="WGS84")
LAT, LON = 46.5, 9.8
BOSON = load_camera("boson640-14")
BENT = replace(BOSON, distortion=(0.166, -0.223, -0.004, 0.002, -0.2))
NO_SIGMAS = dict.fromkeys(("sigma_position_m", "sigma_height_m", "sigma_attitude_deg", "sigma_time_s"), 0.0)
EXACT = ErrorBudget(
    pixel_px=0.0, jitter_s=0.0, wander_m=0.0, level_ground_m=0.0, elevation_model_m=0.0, elevation_shift_m=0.0
)


def pose(**columns: float) -> Poses:
    return Poses.from_columns(
        1, **{"time_s": 0.0, "lat_deg": LAT, "lon_deg": LON, "alt_amsl_m": 660.0, "alt_home_m": 60.0, **columns}
    )


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


def test_mountains_are_met_at_their_own_height(tmp_path: Path, write_model: Callable[..., Path]) -> None:
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


def test_no_pixels_are_no_places() -> None:
    points = locate_pixels(np.empty((0, 2)), [], pose(yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0), BOSON, FlatGround())
    assert len(points) == 0


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
    level = 0.0 if not sloping else float(terrain.own_height_m(LAT, LON))
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


def test_oblique_errors_grow_as_the_textbook_says() -> None:
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
def test_ground_off_by_three_sigma_is_within_three_sigma_of_the_place(pitch_deg: float) -> None:
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


def test_a_usual_flight_states_a_few_metres() -> None:
    sigmas = {"sigma_position_m": 1.5, "sigma_height_m": 2.0, "sigma_attitude_deg": 1.0, "sigma_time_s": 0.05}
    poses = pose(yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0, **sigmas)
    points = locate_pixels([[BOSON.cx_px, BOSON.cy_px], [10.0, 10.0]], [0, 0], poses, BOSON, FlatGround())
    assert (ellipses(points.covariance).ce90_m < 5.0).all()


def test_velocity_is_taken_from_frames_near_in_time() -> None:
    lat = [GEOD.fwd(LON, LAT, 0.0, metres)[1] for metres in (0.0, 5.0, 15.0, 500.0, 0.0)]
    poses = Poses.from_columns(5, time_s=[0.0, 1.0, 2.0, 60.0, np.nan], lat_deg=lat, lon_deg=LON)
    local = locate_pixels(np.empty((0, 2)), [], poses, BOSON, FlatGround()).local
    velocity = ground_velocity(poses, local)
    assert velocity[:, 1] == pytest.approx([5.0, 7.5, 10.0, 0.0, 0.0], abs=1e-3)
    assert velocity[:, 0] == pytest.approx(np.zeros(5), abs=1e-6)


@pytest.mark.parametrize(
    ("pitch_deg", "roll_deg", "class_name", "expected"),
    [
        (-90.0, 0.0, "person", (320.0, 256.0)),
        (-90.0, 0.0, "vehicle", (320.0, 256.0)),
        (0.0, 0.0, "person", (320.0, 276.0)),
        (0.0, 180.0, "person", (320.0, 236.0)),
        (0.0, 90.0, "person", (330.0, 256.0)),
        (0.0, -90.0, "person", (310.0, 256.0)),
        (-45.0, 0.0, "person", (320.0, 256.0 + 20.0 * 3.4 / 4.4)),
    ],
)
def test_objects_stand_on_the_edge_of_the_box_that_is_down(
    pitch_deg: float, roll_deg: float, class_name: str, expected: tuple[float, float]
) -> None:
    poses = pose(yaw_deg=33.0, pitch_deg=pitch_deg, roll_deg=roll_deg)
    found = contact_points([[310.0, 236.0, 330.0, 276.0]], [0], poses, BOSON, [class_name])
    assert found[0] == pytest.approx(expected, abs=1e-6)


def test_a_person_seen_obliquely_is_placed_at_the_feet() -> None:
    """A box drawn round a 1.7 m cylinder 0.5 m across, 60 m down and 50 m ahead: the place is its axis."""
    poses = pose(yaw_deg=0.0, pitch_deg=-40.0, roll_deg=6.0, **NO_SIGMAS)
    angle = np.linspace(0.0, 2.0 * np.pi, 60)
    ring = np.stack([50.0 + 0.25 * np.cos(angle), 0.25 * np.sin(angle), np.full(60, 60.0)], axis=1)
    body = np.vstack([ring, ring - [0.0, 0.0, 1.7]])
    pixels = project(BOSON, poses.rotation[0].inv().apply(body))
    box = np.hstack([pixels.min(axis=0), pixels.max(axis=0)])[None]
    contact = contact_points(box, [0], poses, BOSON, ["person"])
    points = locate_pixels(contact, [0], poses, BOSON, FlatGround())
    lat, lon = GEOD.fwd(LON, LAT, 0.0, 50.0)[1::-1]
    assert apart_m(lat, lon, points) < 0.2
    middle = locate_pixels(0.5 * (box[:, :2] + box[:, 2:]), [0], poses, BOSON, FlatGround())
    assert apart_m(lat, lon, middle) > 0.6


def test_without_attitude_the_middle_of_the_box_counts() -> None:
    assert contact_points([[0.0, 0.0, 10.0, 40.0]], [0], pose(), BOSON)[0].tolist() == [5.0, 20.0]


def test_rays_and_places_agree_on_north() -> None:
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


def test_a_box_cut_by_the_picture_is_known_less_well() -> None:
    whole, cut, mark = (100.0, 100.0, 150.0, 120.0), (590.0, 100.0, 640.0, 120.0), (0.0, 0.0, 0.0, 0.0)
    assert contact_sigmas([whole, cut, mark], BOSON).tolist() == [2.0, 25.0, 2.0]


def test_a_flight_at_a_pole_is_refused() -> None:
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


def test_a_flight_says_what_a_calibration_left_of_its_errors() -> None:
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


def test_what_the_lens_stretches_the_pixel_error_stretches() -> None:
    bent = replace(BOSON, distortion=(-0.35, 0.1, 0.001, 0.0, 0.0))
    poses = pose(yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0, **NO_SIGMAS)
    budget = replace(EXACT, pixel_px=1.0)
    corner = np.array([[600.0, 480.0]])
    points = locate_pixels(corner, [0], poses, bent, FlatGround(), budget=budget)
    step = [locate_pixels(corner + by, [0], poses, bent, FlatGround()) for by in ([[0.01, 0.0]], [[0.0, 0.01]])]
    moved = np.array([[one.east_m[0] - points.east_m[0], one.north_m[0] - points.north_m[0]] for one in step]) * 100.0
    assert points.noise[0] == pytest.approx(moved.T @ moved, rel=1e-3, abs=1e-7)
