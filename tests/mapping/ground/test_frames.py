from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mapping.ground.camera import Camera
from mapping.ground.frames import (
    check_sizes,
    frames_from_images,
    frames_from_log,
    in_order,
    number_in_name,
    pair_images,
    time_in_name,
)
from mapping.ground.metadata import write_image_pose
from mapping.ground.pose import Poses
from mapping.ground.telemetry import Accuracy, TelemetryLog
from mapping.tables import FRAMES
from vision.errors import InputError

DOWN = Camera("down", "thermal", 640, 512, 1000.0, 1000.0, 320.0, 256.0)
GIMBAL = dataclasses.replace(DOWN, stabilised=True)
NIGHT_S = 1_795_371_300.0  # 2026-11-22 18:15 UTC


def picture(path: Path) -> Path:
    assert cv2.imwrite(str(path), np.full((512, 640), 90, np.uint8))
    return path


def placed(poses: Poses) -> np.ndarray:
    """(N,) True where position, height and attitude are there."""
    return np.isfinite(poses.lat_deg + poses.lon_deg + poses.alt_home_m + poses.yaw_deg + poses.pitch_deg)


@pytest.fixture
def log(log_writer: Any) -> TelemetryLog:
    """Ten seconds northwards at 1e-4 degrees a second and three pictures, whose feedback says 1 m east of the track."""
    log = TelemetryLog()
    for tick in range(41):
        boot_s = 50.0 + tick / 4.0
        log_writer.position(boot_s, NIGHT_S + tick / 4.0, lat=23.0 + 1e-4 * tick / 4.0)
        log_writer.attitude(boot_s, NIGHT_S + tick / 4.0, yaw=0.5)
    for index in (1, 2, 3):
        log_writer.feedback(
            NIGHT_S + index, index, NIGHT_S + index + 0.1, lat=23.0 + 1e-4 * index, lon=88.00001, yaw=90.0
        )
    for message, received_s in log_writer.messages:
        log.add(message, received_s)
    return log


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("2018080501004480Z.jpg", 1533430844.80),
        ("20180805T010044Z.jpg", 1533430844.0),
        ("cam0_20180805_010044.250000Z.png", 1533430844.25),
        ("20180805010044.jpg", None),
        ("2018139901004480Z.jpg", None),
        ("IMG_00001.jpg", None),
    ],
)
def test_time_in_a_name_needs_its_z(name: str, seconds: float | None) -> None:
    assert time_in_name(Path(name)) == seconds


def test_number_in_a_name_is_the_last_and_no_time() -> None:
    assert number_in_name(Path("flight2/IMG_00017.jpg")) == 17
    assert number_in_name(Path("a1_0023_T.JPG")) == 23
    assert number_in_name(Path("2018080501004480Z.jpg")) is None
    assert number_in_name(Path("map.png")) is None


def test_order_is_by_number_then_name() -> None:
    names = ["IMG_10.jpg", "IMG_2.jpg", "IMG_1.jpg", "a.jpg", "7.jpg"]
    assert [path.name for path in in_order([Path(name) for name in names])] == [
        "7.jpg",
        "IMG_1.jpg",
        "IMG_2.jpg",
        "IMG_10.jpg",
        "a.jpg",
    ]


def test_images_take_the_pose_of_their_trigger(log: TelemetryLog, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    images = [picture(tmp_path / "images" / f"IMG_{n:05d}.jpg") for n in (3, 1, 2)]
    frames = frames_from_log(log, DOWN, images, root=tmp_path)
    assert frames.schema.equals(FRAMES.columns)
    assert frames["frame_id"].to_pylist() == ["f00001", "f00002", "f00003"]
    assert frames["file"].to_pylist() == [f"images/IMG_{n:05d}.jpg" for n in (1, 2, 3)]
    assert frames["camera"].to_pylist() == ["down"] * 3
    poses = Poses.from_frames(frames)
    np.testing.assert_allclose(poses.time_s, NIGHT_S + np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(poses.lon_deg, 88.00001)
    np.testing.assert_array_equal(poses.sigma_time_s, 0.05)
    assert pair_images(log, images).notes == ()
    assert frames_from_log(log, DOWN, images[::-1], root=tmp_path).equals(frames)


def test_stabilised_camera_keeps_its_pitch_at_a_trigger(log: TelemetryLog, tmp_path: Path) -> None:
    poses = Poses.from_frames(frames_from_log(log, GIMBAL, [picture(tmp_path / "IMG_1.jpg")]))
    assert (poses.yaw_deg[0], poses.pitch_deg[0], poses.roll_deg[0]) == (90.0, -90.0, 0.0)


def test_missing_and_surplus_images_are_said(log: TelemetryLog, tmp_path: Path) -> None:
    images = [picture(tmp_path / f"IMG_{n:05d}.jpg") for n in (2, 9)]
    frames = frames_from_log(log, DOWN, images)
    np.testing.assert_array_equal(placed(Poses.from_frames(frames)), [True, False])
    assert frames["time_utc"].null_count == 1
    assert pair_images(log, images).notes == (
        "2 of 3 triggered pictures have no image: 1, 3",
        "1 of 2 images belong to no trigger in the log",
        "1 of 2 images do not say when they were taken in UTC",
    )


def test_two_images_of_one_number_are_paired_with_no_trigger(log: TelemetryLog, tmp_path: Path) -> None:
    images = [picture(tmp_path / name) for name in ("A_1.jpg", "B_1.jpg")]
    pairing = pair_images(log, images)
    assert pairing.triggers == (None, None)
    assert "several images carry the same number and were not paired with triggers" in pairing.notes


@pytest.mark.parametrize(("late_s", "same"), [(1.5, True), (5.0, False), (20.0, False)])
def test_a_number_counts_only_where_the_images_own_time_agrees(
    log: TelemetryLog, tmp_path: Path, late_s: float, same: bool
) -> None:
    image, plain = picture(tmp_path / "DSC00001.jpg"), picture(tmp_path / "DSC00002.jpg")
    write_image_pose(image, Poses.from_columns(1, time_s=NIGHT_S + 1.0 + late_s), 0)
    pairing = pair_images(log, [image, plain])
    assert [trigger is not None for trigger in pairing.triggers] == [same, True]
    assert pairing.times_s == pytest.approx([NIGHT_S + 1.0 + (0.0 if same else late_s), NIGHT_S + 2.0])
    said = "1 of 2 images carry the number of a trigger but were taken at another time by their own clock, which counts"
    assert (said in pairing.notes) == (not same)
    poses = Poses.from_frames(frames_from_log(log, DOWN, [image, plain]))
    if late_s == 5.0:
        assert poses.lat_deg[0] == pytest.approx(23.0006, abs=1e-6)
    if late_s == 20.0:
        assert np.isnan(poses.lat_deg[0])


def test_a_number_that_was_triggered_again_after_a_reboot_pairs_nothing(log_writer: Any, tmp_path: Path) -> None:
    for start_s, indices in ((0.0, (1, 2)), (600.0, (2, 3))):
        for tick in range(41):
            boot_s = 5.0 + tick / 4.0
            log_writer.position(boot_s, NIGHT_S + start_s + tick / 4.0, lat=23.0 + start_s * 1e-5)
            log_writer.attitude(boot_s, NIGHT_S + start_s + tick / 4.0, yaw=0.5)
        for index in indices:
            log_writer.feedback(NIGHT_S + start_s + index, index, NIGHT_S + start_s + index + 0.1)
    log = TelemetryLog()
    for message, received_s in log_writer.messages:
        log.add(message, received_s)
    images = [picture(tmp_path / f"IMG_{number}.jpg") for number in (1, 2, 3)]
    pairing = pair_images(log, images)
    assert [trigger and trigger.time_s for trigger in pairing.triggers] == [NIGHT_S + 1.0, None, NIGHT_S + 603.0]
    assert np.isnan(pairing.times_s[1])
    assert pairing.notes[0] == "2 of 4 triggered pictures have no image: 2, 2"
    assert any("several triggers of one number" in note and note.count(": 2;") for note in pairing.notes)
    write_image_pose(images[1], Poses.from_columns(1, time_s=NIGHT_S + 602.0), 0)
    poses = Poses.from_frames(frames_from_log(log, DOWN, images))
    assert poses.lat_deg[1] == pytest.approx(23.006, abs=1e-6)


def test_image_without_trigger_is_placed_by_the_time_in_its_name(log: TelemetryLog, tmp_path: Path) -> None:
    images = [picture(tmp_path / "20261122181505500Z.jpg"), picture(tmp_path / "20261122181530Z.jpg")]
    poses = Poses.from_frames(frames_from_log(log, DOWN, images, accuracy=Accuracy(time_s=0.3)))
    np.testing.assert_array_equal(placed(poses), [True, False])
    assert poses.lat_deg[0] == pytest.approx(23.00055, abs=1e-7)
    assert poses.yaw_deg[0] == pytest.approx(np.degrees(0.5), abs=1e-4)
    np.testing.assert_array_equal(poses.sigma_time_s, 0.3)


def test_image_without_trigger_is_placed_by_the_time_inside_it(log: TelemetryLog, tmp_path: Path) -> None:
    image = picture(tmp_path / "night.jpg")
    write_image_pose(image, Poses.from_columns(1, time_s=NIGHT_S + 4.25), 0)
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"no image")
    poses = Poses.from_frames(frames_from_log(log, DOWN, [image, damaged]))
    np.testing.assert_array_equal(placed(poses), [False, True])
    assert poses.lat_deg[1] == pytest.approx(23.000425, abs=1e-7)


def test_images_that_know_their_own_pose(tmp_path: Path) -> None:
    images = [picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")]
    given = Poses.from_columns(
        1,
        time_s=NIGHT_S,
        lat_deg=23.1,
        lon_deg=88.2,
        alt_amsl_m=70.0,
        alt_home_m=60.0,
        yaw_deg=350.0,
        pitch_deg=-89.0,
        roll_deg=1.0,
    )
    write_image_pose(images[1], given, 0)
    frames = frames_from_images(DOWN, images, root=tmp_path)
    assert frames.schema.equals(FRAMES.columns)
    poses = Poses.from_frames(frames)
    np.testing.assert_array_equal(placed(poses), [False, True])
    assert (poses.lat_deg[1], poses.lon_deg[1], poses.yaw_deg[1]) == (23.1, 88.2, 350.0)
    assert frames["sigma_position_m"].null_count == 1
    assert frames_from_images(None, images)["camera"].null_count == 2


def test_images_of_another_camera_are_refused(tmp_path: Path) -> None:
    image = picture(tmp_path / "IMG_1.jpg")
    other = dataclasses.replace(DOWN, name="other", width_px=1640, height_px=1232)
    for attempt in (lambda: check_sizes(other, [image]), lambda: frames_from_images(other, [image])):
        with pytest.raises(InputError, match=r"IMG_1\.jpg: is 640 x 512 pixels, camera other takes 1640 x 1232"):
            attempt()
    check_sizes(DOWN, [image])


def test_no_images_make_an_empty_table(log: TelemetryLog) -> None:
    assert frames_from_log(log, DOWN, []).num_rows == 0
    assert frames_from_images(DOWN, []).num_rows == 0
