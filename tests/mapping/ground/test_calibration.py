"""Calibrating flights whose errors are known because they were put in."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mapping.errors import MappingError
from mapping.ground.adjustment import Ties, adjust, out_of_sight
from mapping.ground.calibration import Calibration, calibrate, priors_of, read_calibration, write_calibration
from mapping.ground.camera import Camera, project
from mapping.ground.frame import LocalFrame
from mapping.ground.georeference import camera_axes, camera_origins
from mapping.ground.motion import Record, corrected, moved_in_time
from mapping.ground.pose import Poses
from mapping.ground.terrain import FlatGround
from vision.errors import InputError

CAMERA = Camera("down", "rgb", 1600, 1200, 1300.0, 1300.0, 800.0, 600.0)
LOCAL = LocalFrame(-35.36, 149.165)
START_S = 1_795_371_300.0
SIGMAS = {"sigma_position_m": 1.5, "sigma_height_m": 2.0, "sigma_attitude_deg": 2.0, "sigma_time_s": 0.2}
FLAT = FlatGround()


def way(straight: bool) -> Record:
    """Where the camera is at any time: north at 15 m/s, level; or to and fro and across, rolling as it goes."""

    def poses_at(times_s: np.ndarray) -> Poses:
        t = np.asarray(times_s) - START_S
        if straight:
            east, north, up = np.zeros_like(t), 15.0 * t, np.full_like(t, 80.0)
            yaw, pitch, roll = np.zeros_like(t), np.full_like(t, -90.0), np.zeros_like(t)
        else:
            leg = np.floor(t / 12.0).astype(int) % 4
            along = t - 12.0 * np.floor(t / 12.0)
            heading = np.radians(np.array([0.0, 180.0, 90.0, 270.0])[leg])
            sign = np.array([-1.0, -1.0, -1.0, -1.0])[leg] * 90.0 + 15.0 * along
            east, north = sign * np.sin(heading), sign * np.cos(heading)
            up = 80.0 + 6.0 * np.sin(0.11 * t)
            yaw = np.degrees(heading)
            pitch, roll = -90.0 + 6.0 * np.sin(0.9 * t), 5.0 * np.sin(1.3 * t + 1.0)
        lat, lon = LOCAL.to_geodetic(east, north)
        return Poses.from_columns(
            len(t), time_s=times_s, lat_deg=lat, lon_deg=lon, alt_home_m=up, alt_amsl_m=up + 500.0,
            yaw_deg=yaw % 360.0, pitch_deg=pitch, roll_deg=roll, **SIGMAS,
        )  # fmt: skip

    return poses_at


def seen(
    truth: np.ndarray,
    record: Record,
    seed: int,
    *,
    controls: int,
    seconds: float = 48.0,
    things: int = 12,
    camera: Camera = CAMERA,
) -> tuple[Poses, Ties]:
    """What a flight with these errors records: its poses as written down, and where things on the ground appear."""
    random = np.random.default_rng(seed)
    written = record(START_S + np.arange(0.5, seconds, 1.0))
    true = corrected(written, truth, record)
    axes, origins = camera_axes(true, LOCAL), camera_origins(true, FLAT, LOCAL)
    # every frame's own error of attitude, as large as stated
    turn = np.radians(2.0) * np.sqrt(0.25) * random.normal(size=(len(true), 3))
    places = np.column_stack([random.uniform(-40.0, 40.0, (things, 2)), np.zeros(things)])
    pixels, frames, named = [], [], []
    for frame in range(len(true)):
        rays = (places - origins[frame]) @ axes[frame]
        rays += np.cross(np.broadcast_to(turn[frame], rays.shape), rays)
        found = project(camera, rays) + random.normal(0.0, 2.0, (things, 2))
        inside = np.isfinite(found).all(axis=1) & (found >= 0.0).all(axis=1) & (found <= [1600.0, 1200.0]).all(axis=1)
        pixels.append(found[inside])
        frames.append(np.full(int(inside.sum()), frame))
        named.append(np.flatnonzero(inside))
    lat, lon = LOCAL.to_geodetic(places[:, 0], places[:, 1])
    known = np.full((things, 3), np.nan)
    known[:controls, 0], known[:controls, 1] = lat[:controls], lon[:controls]
    pixel, frame_of, thing = np.concatenate(pixels), np.concatenate(frames), np.concatenate(named)
    return written, Ties(pixel, frame_of, thing, np.full(len(pixel), 2.0), known)


def errors_of(seed: int) -> np.ndarray:
    random = np.random.default_rng(1000 + seed)
    sizes = [1.0, 1.0, 2.0, 0.25, *np.radians([1.5, 1.5, 1.5])]
    return np.asarray(random.normal(size=7) * sizes)


def test_known_points_give_back_what_was_put_in_as_well_as_is_stated() -> None:
    off = []
    for seed in range(8):
        truth, record = errors_of(seed), way(straight=False)
        poses, ties = seen(truth, record, seed, controls=3)
        found = calibrate(ties, poses, CAMERA, FLAT, record=record)
        off.append((found.corrections - truth) / np.sqrt(np.diag(found.covariance)))
        assert {"clock", "boresight x", "boresight y", "height"} <= set(found.found)
        np.testing.assert_allclose(found.corrections[3], truth[3], atol=0.05)
    within = np.abs(np.array(off))
    assert 0.5 <= np.mean(within <= 1.0) <= 0.95
    assert np.mean(within <= 2.0) >= 0.85


def test_without_known_points_all_but_the_position_is_found_and_the_position_stays_open() -> None:
    truth, record = errors_of(3), way(straight=False)
    truth[:2] = 0.0
    poses, ties = seen(truth, record, 3, controls=0)
    found = calibrate(ties, poses, CAMERA, FLAT, record=record)
    sigmas = np.sqrt(np.diag(found.covariance))
    assert np.all(np.abs(found.corrections[3:] - truth[3:]) <= 3.0 * sigmas[3:])
    np.testing.assert_allclose(sigmas[:2], 1.5, rtol=0.05)
    assert not {"position east", "position north"} & set(found.found)


def test_a_wrong_mark_does_not_carry_the_rest_away() -> None:
    truth, record = errors_of(5), way(straight=False)
    poses, ties = seen(truth, record, 5, controls=3)
    pixels = ties.pixels.copy()
    pixels[::25] += 300.0
    found = calibrate(dataclasses.replace(ties, pixels=pixels), poses, CAMERA, FLAT, record=record)
    assert np.all(np.abs(found.corrections - truth) <= 4.0 * np.sqrt(np.diag(found.covariance)))


def test_known_points_with_the_names_of_others_are_refused() -> None:
    record = way(straight=False)
    poses, ties = seen(errors_of(6), record, 6, controls=3)
    names = [f"thing {number}" for number in range(len(ties.known))]
    swapped = ties.known.copy()
    swapped[[0, 1]] = ties.known[[1, 0]]
    with pytest.raises(MappingError, match=r"known point 'thing [01]' at .* m from where its marks show it"):
        calibrate(dataclasses.replace(ties, known=swapped), poses, CAMERA, FLAT, record=record, names=names)
    alone = np.full_like(ties.known, np.nan)
    alone[0] = ties.known[int(np.nanargmax(np.hypot(*(ties.known[:, :2] - ties.known[0, :2]).T)))]
    with pytest.raises(MappingError, match=r"known points 'thing 0' lie .* m from where the flight has them"):
        calibrate(dataclasses.replace(ties, known=alone), poses, CAMERA, FLAT, record=record, names=names)


def test_known_heights_that_no_picture_can_show_are_found() -> None:
    poses, ties = seen(errors_of(6), way(straight=False), 6, controls=4)
    known = ties.known.copy()
    known[:4, 2] = [500.0, 1640.0, np.nan, 560.0]  # the ground is at 500 m, 1640 feet; the camera 80 m above it
    found = out_of_sight(dataclasses.replace(ties, known=known), poses, CAMERA, FLAT)
    assert found == {1: pytest.approx(580.0, abs=7.0)}
    adrift = dataclasses.replace(poses, alt_amsl_m=np.full(len(poses), np.nan))
    unknown = out_of_sight(dataclasses.replace(ties, known=known), adrift, CAMERA, FLAT)
    assert set(unknown) == {0, 1, 3}
    assert np.isnan(list(unknown.values())).all()


def test_a_straight_flight_at_one_speed_cannot_tell_the_clock_from_the_boresight() -> None:
    truth, record = errors_of(1), way(straight=True)
    narrow = dataclasses.replace(CAMERA, fx_px=5000.0, fy_px=5000.0)
    poses, ties = seen(truth, record, 1, controls=12, seconds=8.0, camera=narrow)
    with pytest.raises(MappingError, match=r"clock and boresight x|clock, .*boresight x") as caught:
        calibrate(ties, poses, narrow, FLAT, record=record)
    assert "--trust-clock" in str(caught.value)
    trusted = calibrate(ties, poses, narrow, FLAT, record=record, trust_clock=True)
    assert trusted.corrections[3] == pytest.approx(0.0, abs=0.01)
    assert "boresight x" in trusted.found


def test_things_seen_once_determine_nothing() -> None:
    poses, ties = seen(errors_of(2), way(straight=False), 2, controls=0)
    _, first = np.unique(ties.thing, return_index=True)
    with pytest.raises(MappingError, match="nothing shows clock, boresight or height"):
        calibrate(ties.take(first), poses, CAMERA, FLAT)


def test_marks_that_contradict_each_other_are_refused() -> None:
    poses, ties = seen(errors_of(2), way(straight=False), 2, controls=0)
    shuffled = np.random.default_rng(0).permutation(ties.thing)
    with pytest.raises(MappingError, match=r"still lie .* m apart"):
        calibrate(dataclasses.replace(ties, thing=shuffled), poses, CAMERA, FLAT, record=way(straight=False))


def test_marks_so_far_apart_that_corrections_lead_under_the_ground_are_refused() -> None:
    poses = way(straight=True)(START_S + np.array([0.0, 5.0]))
    pixels = np.array([[800.0, 1100.0], [800.0, 100.0]])
    ties = Ties(pixels, np.array([0, 1]), np.array([0, 0]), np.full(2, 2.0), np.full((1, 3), np.nan))
    with pytest.raises(MappingError, match=r"still lie [0-9.]+ m apart afterwards \(farthest 'car', [0-9.]+ m\)"):
        calibrate(ties, poses, CAMERA, FLAT, names=["car"])


@pytest.mark.parametrize("name", SIGMAS)
def test_errors_stated_as_none_are_taken_for_small(name: str) -> None:
    truth, record = np.zeros(7), way(straight=False)
    poses, ties = seen(truth, record, 2, controls=3)
    exact = dataclasses.replace(poses, **{name: np.zeros(len(poses))})
    ties = dataclasses.replace(ties, sigma_px=np.full_like(ties.sigma_px, 50.0))
    found = calibrate(ties, exact, CAMERA, FLAT, record=record)
    assert np.isfinite(found.corrections).all()
    assert np.isfinite(found.covariance).all()


def test_the_covariance_with_known_points_is_smaller_than_the_prior() -> None:
    record = way(straight=False)
    poses, ties = seen(errors_of(4), record, 4, controls=3)
    priors = priors_of(poses, FLAT)
    answer = adjust(ties, poses, CAMERA, FLAT, priors, record=record)
    assert np.all(np.diag(answer.covariance) < priors.biases**2)
    assert np.median(answer.after_m) < np.median(answer.before_m)


def test_it_is_kept_and_read_back(tmp_path: Path) -> None:
    found = Calibration(np.linspace(-1, 1, 7), np.diag(np.linspace(0.1, 1, 7)), ("clock",), ("height",), {"objects": 2})
    path = tmp_path / "calibration.json"
    write_calibration(found, path)
    again = read_calibration(path)
    np.testing.assert_allclose(again.corrections, found.corrections)
    np.testing.assert_allclose(again.covariance, found.covariance)
    assert (again.found, again.left, again.used) == (("clock",), ("height",), {"objects": 2})
    np.testing.assert_allclose(again.flight_wide @ again.flight_wide.T, found.covariance, atol=1e-12)
    path.write_text('{"corrections": {}}', encoding="utf-8")
    with pytest.raises(InputError, match="is no calibration"):
        read_calibration(path)


def test_moving_in_time_follows_the_record_and_keeps_what_a_pose_knows_better() -> None:
    record = way(straight=False)
    times = START_S + np.array([3.0, 5.0])
    there, later = record(times), record(times + 0.4)
    moved = moved_in_time(there, 0.4, record)
    for name in ("lat_deg", "lon_deg", "alt_home_m"):
        np.testing.assert_allclose(getattr(moved, name), getattr(later, name), atol=1e-7)
    np.testing.assert_allclose(moved.rotation.as_matrix(), later.rotation.as_matrix(), atol=1e-9)
    offset = dataclasses.replace(there, alt_home_m=there.alt_home_m + 5.0)
    np.testing.assert_allclose(moved_in_time(offset, 0.4, record).alt_home_m, later.alt_home_m + 5.0)
    alone = moved_in_time(record(START_S + np.arange(5.0)), 0.5, None)
    _, north = LOCAL.to_local(alone.lat_deg, alone.lon_deg)
    np.testing.assert_allclose(north[1:4], -90.0 + 15.0 * (np.arange(1.0, 4.0) + 0.5), atol=1e-3)
