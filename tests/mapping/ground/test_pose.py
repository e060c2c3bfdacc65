from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mapping.ground.camera import Camera, pixel_rays
from mapping.ground.pose import (
    Poses,
    camera_attitude,
    euler_ned,
    interpolate,
    interpolate_attitude,
    rotation_ned_from_body,
    rotation_ned_from_camera,
)
from mapping.tables import FRAMES

DOWN = Camera("down", "thermal", 640, 512, 1000.0, 1000.0, 320.0, 256.0)
FORWARD = dataclasses.replace(DOWN, mount_pitch_deg=0.0)
OBLIQUE = dataclasses.replace(DOWN, mount_pitch_deg=-40.0)
GIMBAL = dataclasses.replace(OBLIQUE, stabilised=True)

TOP, RIGHT = [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]
NORTH, EAST, SOUTH, WEST, DOWNWARDS = [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, 1]


@pytest.mark.parametrize(
    ("yaw", "top", "right"), [(0, NORTH, EAST), (90, EAST, SOUTH), (180, SOUTH, WEST), (270, WEST, NORTH)]
)
def test_nadir_picture_is_turned_with_the_yaw(yaw: float, top: list[int], right: list[int]) -> None:
    rotation = rotation_ned_from_camera(yaw, -90.0, 0.0)
    np.testing.assert_allclose(rotation.apply([TOP, RIGHT, [0, 0, 1]]), [top, right, DOWNWARDS], atol=1e-12)


def test_level_camera_looks_along_its_yaw_with_the_sky_on_top() -> None:
    rotation = rotation_ned_from_camera(90.0, 0.0, 0.0)
    np.testing.assert_allclose(rotation.apply([[0, 0, 1], RIGHT, TOP]), [EAST, SOUTH, [0, 0, -1]], atol=1e-12)


def test_positive_roll_of_the_camera_sinks_its_right_side() -> None:
    right = rotation_ned_from_camera(0.0, 0.0, 30.0).apply(RIGHT)
    np.testing.assert_allclose(right, [0.0, np.cos(np.pi / 6), 0.5], atol=1e-12)


angles = st.floats(-180.0, 180.0)


@given(x=st.floats(-0.6, 0.6), y=st.floats(-0.6, 0.6), yaw=angles, pitch=st.floats(-80.0, 80.0), roll=angles)
def test_strapped_down_camera_is_rz_ry_rx_of_minus_y_x_one(
    x: float, y: float, yaw: float, pitch: float, roll: float
) -> None:
    """The formula of FACTS, 'Images and poses', from vehicle angles to north, east, down."""
    cy, sy = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    cp, sp = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    cr, sr = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    rz = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    ry = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    rx = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    expected = rz @ ry @ rx @ np.array([-y, x, 1.0])
    found = rotation_ned_from_camera(*camera_attitude(DOWN, yaw, pitch, roll)).apply([x, y, 1.0])
    np.testing.assert_allclose(found, expected, atol=1e-9)


def ground_offset(camera: Camera, yaw: float, pitch: float, roll: float, height: float = 100.0) -> np.ndarray:
    """(north, east) of where the middle of the picture falls on level ground."""
    ray = rotation_ned_from_camera(*camera_attitude(camera, yaw, pitch, roll)).apply(
        pixel_rays(camera, [[320, 256]])[0]
    )
    return ray[:2] / ray[2] * height


def test_right_wing_down_moves_the_picture_left_and_nose_up_moves_it_forward() -> None:
    tan = 100.0 * np.tan(np.radians(5.0))
    np.testing.assert_allclose(ground_offset(DOWN, 0.0, 0.0, 5.0), [0.0, -tan], atol=1e-9)
    np.testing.assert_allclose(ground_offset(DOWN, 90.0, 0.0, 5.0), [tan, 0.0], atol=1e-9)
    np.testing.assert_allclose(ground_offset(DOWN, 0.0, 5.0, 0.0), [tan, 0.0], atol=1e-9)
    np.testing.assert_allclose(ground_offset(DOWN, 90.0, 5.0, 0.0), [0.0, tan], atol=1e-9)


def test_stabilised_camera_takes_only_the_yaw() -> None:
    assert [float(angle) for angle in camera_attitude(GIMBAL, 350.0, 12.0, -8.0)] == [350.0, -40.0, 0.0]
    assert [float(angle) for angle in camera_attitude(GIMBAL, -10.0, 0.0, 0.0)] == [350.0, -40.0, 0.0]


def test_fixed_camera_is_mount_after_vehicle() -> None:
    yaw, pitch, roll = (float(angle) for angle in camera_attitude(OBLIQUE, 30.0, 7.0, 0.0))
    assert (yaw, pitch, roll) == (pytest.approx(30.0), pytest.approx(-33.0), pytest.approx(0.0, abs=1e-9))
    assert [float(angle) for angle in camera_attitude(FORWARD, 30.0, 7.0, -20.0)] == [
        pytest.approx(30.0),
        pytest.approx(7.0),
        pytest.approx(-20.0),
    ]


def test_level_vehicle_gives_plain_nadir_angles() -> None:
    yaw, pitch, roll = camera_attitude(DOWN, [0.0, 123.0], [0.0, 0.0], [0.0, 0.0])
    np.testing.assert_allclose(yaw, [0.0, 123.0], atol=1e-9)
    np.testing.assert_allclose(pitch, -90.0)
    np.testing.assert_array_equal(roll, 0.0)


@given(yaw=angles, pitch=st.floats(-90.0, 90.0), roll=angles)
@example(yaw=33.0, pitch=-90.0, roll=44.0)
@example(yaw=33.0, pitch=90.0, roll=44.0)
@example(yaw=33.0, pitch=-89.9999999, roll=44.0)
@example(yaw=33.0, pitch=-90.0 + 1e-7, roll=-120.0)
def test_euler_angles_reproduce_the_rotation_at_the_pole_too(yaw: float, pitch: float, roll: float) -> None:
    rotation = rotation_ned_from_body(yaw, pitch, roll)
    again = rotation_ned_from_body(*euler_ned(rotation))
    np.testing.assert_allclose(again.as_matrix(), rotation.as_matrix(), atol=2e-9)
    assert 0.0 <= float(euler_ned(rotation)[0]) < 360.0


def test_unknown_attitude_stays_unknown() -> None:
    for camera in (DOWN, GIMBAL):
        yaw, pitch, roll = camera_attitude(camera, [10.0, 20.0], [0.0, np.nan], [0.0, 0.0])
        np.testing.assert_array_equal(np.isnan(np.stack([yaw, pitch, roll])), [[False, True]] * 3)


def test_slerp_takes_the_short_way_through_north() -> None:
    times = np.array([0.0, 1.0])
    yaw, pitch, roll = interpolate_attitude(
        times, np.array([350.0, 10.0]), np.zeros(2), np.zeros(2), np.array([0.25, 0.5, -0.1, 1.1]), max_gap_s=3.0
    )
    np.testing.assert_allclose(yaw[:2] + np.array([0.0, 180.0]), [355.0, 180.0], atol=1e-9)
    assert np.isnan(yaw[2:]).all()
    np.testing.assert_allclose(pitch[:2], 0.0, atol=1e-12)
    np.testing.assert_allclose(roll[:2], 0.0, atol=1e-12)


def test_interpolation_stops_at_the_ends_and_at_gaps() -> None:
    times = np.array([0.0, 1.0, 9.0, 10.0])
    (found,) = interpolate(times, [times * 2.0], np.array([-0.1, 0.0, 0.5, 1.0, 5.0, 9.0, 10.0, 10.1]), max_gap_s=3.0)
    np.testing.assert_allclose(found, [np.nan, 0.0, 1.0, 2.0, np.nan, 18.0, 20.0, np.nan])


def test_poses_survive_the_frames_table() -> None:
    poses = Poses.from_columns(
        3,
        time_s=[1533429885.5, np.nan, 1533429886.25],
        lat_deg=[-35.3, np.nan, -35.4],
        lon_deg=149.1,
        alt_amsl_m=[600.0, np.nan, np.nan],
        alt_home_m=80.0,
        yaw_deg=[1.0, 2.0, 3.0],
        pitch_deg=-90.0,
        roll_deg=0.0,
        sigma_position_m=1.5,
    )
    table = FRAMES.build(
        {"frame_id": ["a", "b", "c"], "file": ["a.jpg", "b.jpg", "c.jpg"], "camera": ["down"] * 3} | poses.columns()
    )
    assert table["lat_deg"].null_count == 1
    assert table["sigma_time_s"].null_count == 3
    again = Poses.from_frames(table)
    for field in dataclasses.fields(Poses):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(poses, field.name))
    assert again.take([True, False, True]).yaw_deg.tolist() == [1.0, 3.0]
    assert isinstance(again.rotation, Rotation)
    with pytest.raises(TypeError, match="no column height"):
        Poses.from_columns(1, height=3.0)
