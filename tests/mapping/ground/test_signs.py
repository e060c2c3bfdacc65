"""Signs of trouble: said where something is wrong, silent where all is well."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mapping.ground.camera import Camera
from mapping.ground.metadata import ImagePose
from mapping.ground.pose import Poses
from mapping.ground.signs import attitude_signs, height_signs, odd_ones, order_signs, together, turned_frames
from mapping.ground.terrain import FlatGround
from mapping.ground.texture import matched_pairs, overlapping, ties_of

CAMERA = Camera("down", "rgb", 640, 480, 600.0, 600.0, 320.0, 240.0)
HEIGHT_M, STEP_M = 60.0, 12.0


def flight(home_m: object = 60.0, amsl_m: object = 110.0, count: int = 5, **more: object) -> Poses:
    columns = {"yaw_deg": 0.0, "pitch_deg": -90.0, "roll_deg": 0.0, "time_s": 1e9 + np.arange(count)} | more
    lat = 23.0 + np.arange(count) * STEP_M / 110_760.0
    return Poses.from_columns(count, lat_deg=lat, lon_deg=88.0, alt_home_m=home_m, alt_amsl_m=amsl_m, **columns)


def test_an_ordinary_flight_shows_no_sign() -> None:
    poses = flight()
    assert height_signs(poses) + attitude_signs(poses) + order_signs(poses) == []


@pytest.mark.parametrize(
    ("home_m", "amsl_m", "words"),
    [
        (0.0, 110.0, "is 0 in every frame"),
        ([60.0] * 4 + [640.0], [110.0] * 4 + [690.0], "1 of 5 frames say they are more than 500"),
        ([60.0] * 4 + [-45.0], [110.0] * 4 + [5.0], "1 of 5 frames say they are below take-off"),
        (310.0, 310.2, "one was written for the other"),
        (60.0, 20.0, "40 m below the sea"),
        ([60.0, 61.0, 62.0, 61.0, 60.0], [110.0, 120.0, 130.0, 140.0, 150.0], "changes by"),
    ],
)  # fmt: skip
def test_impossible_and_mixed_up_heights(home_m: object, amsl_m: object, words: str) -> None:
    found = height_signs(flight(home_m, amsl_m))
    assert len(found) == 1
    assert words in found[0]


def test_missing_angles_and_a_clock_that_runs_back() -> None:
    blind = flight(yaw_deg=[0.0, np.nan, 0.0, np.nan, 0.0])
    assert attitude_signs(blind)[0].startswith("2 of 5 frames with a position do not say which way")
    assert "look up" in attitude_signs(flight(pitch_deg=[10.0, -90.0, -90.0, -90.0, -90.0]))[0]
    assert "goes back 1 times" in order_signs(flight(time_s=[1.0, 2.0, 1.5, 3.0, np.nan]))[0]


def test_a_file_that_another_program_wrote_is_named_and_its_neighbours_are_not() -> None:
    own = ImagePose(make="DJI", model="FC300S")
    again = ImagePose(make="DJI", model="FC300S", jfif=True)
    assert odd_ones({"a.jpg": own, "b.jpg": own}) == []
    assert odd_ones({"a.jpg": again, "b.jpg": again}) == []
    assert odd_ones({"a.jpg": ImagePose(jfif=True), "b.jpg": own}) == []
    (said,) = odd_ones({"a.jpg": own, "b.jpg": again})
    assert said.startswith("b.jpg: suspicious")


def test_the_same_note_of_several_files_is_said_once() -> None:
    said = [(f"{n}.jpg", "dull") for n in range(12)] + [("3.jpg", "cut")]
    assert together(said, 12) == ["all 12 pictures: dull", "3.jpg: cut"]
    assert together(said, 20)[0].endswith("and 4 more: dull")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five overlapping views, straight down, of one patterned ground."""
    random = np.random.default_rng(7)
    metre = CAMERA.fx_px / HEIGHT_M
    ground = cv2.GaussianBlur(random.integers(0, 255, (1400, 640), dtype=np.uint8), (0, 0), 2.0)
    ground = cv2.normalize(ground, None, 0, 255, cv2.NORM_MINMAX)
    folder = tmp_path_factory.mktemp("pictures")
    files = []
    for number in range(5):
        top = 1400 - 480 - round(number * STEP_M * metre)
        files.append(folder / f"{number}.png")
        assert cv2.imwrite(str(files[-1]), ground[top : top + 480])
    return files


def test_texture_ties_lie_at_one_place(pictures: list[Path]) -> None:
    poses = flight(HEIGHT_M, HEIGHT_M + 50.0)
    pairs = matched_pairs(pictures, overlapping(poses, CAMERA, FlatGround(), None))
    assert {(pair.first, pair.second) for pair in pairs} >= {(0, 1), (1, 2), (2, 3), (3, 4)}
    ties = ties_of(pairs, CAMERA)
    metre = CAMERA.fx_px / HEIGHT_M
    north = ties.frame * STEP_M * metre - ties.pixels[:, 1]
    np.testing.assert_allclose(north[::2], north[1::2], atol=2.0)
    np.testing.assert_allclose(ties.pixels[::2, 0], ties.pixels[1::2, 0], atol=2.0)
    again = ties_of(matched_pairs(pictures, overlapping(poses, CAMERA, FlatGround(), None)), CAMERA)
    np.testing.assert_array_equal(again.pixels, ties.pixels)


@pytest.mark.parametrize(("count", "turned"), [(5, []), (5, [2]), (5, [0]), (5, [1, 4]), (2, [0]), (2, [1])])
def test_a_turned_picture_is_found_by_what_it_shows(
    pictures: list[Path], tmp_path: Path, count: int, turned: list[int]
) -> None:
    files = list(pictures[:count])
    for number in turned:
        files[number] = tmp_path / f"{number}.png"
        assert cv2.imwrite(str(files[number]), cv2.rotate(cv2.imread(str(pictures[number])), cv2.ROTATE_180))
    poses = flight(HEIGHT_M, HEIGHT_M + 50.0, count)
    pairs = matched_pairs(files, overlapping(poses, CAMERA, FlatGround(), None))
    assert turned_frames(pairs, poses, CAMERA, FlatGround()) == turned
