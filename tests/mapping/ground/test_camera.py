from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.ground.camera import (
    Camera,
    catalogue,
    ground_sample_distance_m,
    height_for_ground_sample_distance_m,
    load_camera,
    outline_pixels,
    pixel_rays,
    project,
)
from vision.errors import InputError

PLAIN = Camera("plain", "rgb", 640, 480, 600.0, 600.0, 320.0, 240.0)
BARREL = Camera("barrel", "rgb", 640, 480, 600.0, 590.0, 310.0, 245.0, (-0.25, 0.08, 0.001, -0.002, 0.01))
PINCUSHION = Camera(
    "pincushion", "rgb", 1640, 1232, 1329.5, 1329.3, 810.0, 618.6, (0.166, -0.223, -0.0038, 0.0024, -0.608)
)


def test_axis_and_corners_of_a_pinhole() -> None:
    np.testing.assert_allclose(pixel_rays(PLAIN, [[320.0, 240.0]]), [[0.0, 0.0, 1.0]])
    right_and_down = pixel_rays(PLAIN, [[920.0, 840.0]])[0]
    np.testing.assert_allclose(right_and_down, np.array([1.0, 1.0, 1.0]) / math.sqrt(3.0))


@given(
    camera=st.sampled_from([PLAIN, BARREL, PINCUSHION]),
    x=st.floats(0.0, 1.0),
    y=st.floats(0.0, 1.0),
)
def test_project_undoes_pixel_rays(camera: Camera, x: float, y: float) -> None:
    pixel = np.array([[x * camera.width_px, y * camera.height_px]])
    rays = pixel_rays(camera, pixel)
    if camera is not PINCUSHION or np.hypot(*(pixel[0] - [810.0, 618.6])) < 880.0:
        assert np.isfinite(rays).all()
    if np.isfinite(rays).all():
        assert np.linalg.norm(rays[0]) == pytest.approx(1.0)
        np.testing.assert_allclose(project(camera, rays * 73.0), pixel, atol=1e-6)


def test_distortion_is_opencvs() -> None:
    points = np.array([[0.1, -0.2, 1.0], [0.3, 0.25, 1.0], [-0.4, 0.1, 1.0]])
    matrix = np.array([[600.0, 0.0, 310.0], [0.0, 590.0, 245.0], [0.0, 0.0, 1.0]])
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(BARREL.distortion))
    np.testing.assert_allclose(project(BARREL, points), expected.reshape(-1, 2), atol=1e-9)


def test_what_is_behind_or_folded_back_is_nowhere() -> None:
    assert np.isnan(project(PLAIN, [[0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])).all()
    # By the bare polynomial this ray would land inside the picture.
    assert np.isnan(project(PINCUSHION, [[1.05, 0.0, 1.0]])).all()
    assert np.isnan(pixel_rays(PINCUSHION, [[0.0, 0.0]])).all()


def test_outline_always_has_rays() -> None:
    for camera in (PLAIN, BARREL, PINCUSHION):
        outline = outline_pixels(camera, per_side=5)
        assert outline.shape == (20, 2)
        assert np.isfinite(pixel_rays(camera, outline)).all()
    np.testing.assert_array_equal(outline_pixels(PLAIN, 1), [[0, 0], [640, 0], [640, 480], [0, 480]])


def test_sony_qx1_against_qgroundcontrol() -> None:
    camera = load_camera("qx1-16")
    assert ground_sample_distance_m(camera, 940.69) == pytest.approx(0.25, rel=1e-5)
    assert height_for_ground_sample_distance_m(camera, 0.25) == pytest.approx(940.69, abs=0.005)
    # 70 % overlap: 409.2 m between lines and 272.4 m between photos
    assert 0.3 * 940.69 * camera.width_px / camera.fx_px == pytest.approx(409.2, abs=0.05)
    assert 0.3 * 940.69 * camera.height_px / camera.fy_px == pytest.approx(272.4, abs=0.8)


@pytest.mark.parametrize(
    ("name", "field_of_view_deg"),
    [("boson640-14", 30.7), ("xt2-640-19", 32.0), ("xt2-640-13", 45.4), ("boson640-18", 24.1)],
)
def test_catalogue_fields_of_view(name: str, field_of_view_deg: float) -> None:
    camera = load_camera(name)
    assert 2 * math.degrees(math.atan(camera.width_px / 2 / camera.fx_px)) == pytest.approx(field_of_view_deg, abs=0.1)


def test_every_camera_of_the_catalogue_says_where_its_numbers_are_from() -> None:
    assert len(catalogue()) >= 12
    for name, camera in catalogue().items():
        assert camera.name == name
        assert len(camera.source) > 20
        assert camera.stabilised == name.startswith(("h20t", "xt2", "m3t", "p4p"))


def test_unknown_camera_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no-such-camera: no such camera.*boson640-14.*qx1-16"):
        load_camera("no-such-camera")


def test_own_camera_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'kind = "rgb"\nwidth_px = 100\nheight_px = 80\nfx_px = 90.0\nmount_pitch_deg = -45\nsource = "me"\n'
    )
    camera = load_camera(path)
    assert (camera.name, camera.fy_px, camera.cx_px, camera.cy_px) == ("mine", 90.0, 50.0, 40.0)
    assert camera.mount_pitch_deg == -45.0


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("a.toml", "kind = [", "not a camera file"),
        ("a.toml", 'kind = "sonar"\nwidth_px = 1\nheight_px = 1\nfx_px = 1.0\nsource = ""\n', "kind"),
        ("a.toml", 'kind = "rgb"\nwidth_px = 10\nheight_px = 1\nsource = ""\n', "give fx_px, or focal_length_mm"),
        ("a.toml", 'kind = "rgb"\nwidth_px = 10\nheight_px = 1\nfx_px = nan\nsource = ""\n', "fx_px"),
        ("a.json", "{", "not a camera file"),
        ("a.json", "[]", "no calibration"),
        ("a.json", '{"K": [[1]], "D": [0], "xresolution": 1, "yresolution": 1}', "give 3 x 3 and 4 or 5"),
    ],
)
def test_files_that_describe_no_camera(tmp_path: Path, file: str, text: str, problem: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match=problem) as caught:
        load_camera(tmp_path / file)
    assert "\n" not in str(caught.value)
    assert file in str(caught.value)


def test_opencv_calibration_of_the_recorded_flight(shared: Path) -> None:
    path = shared / "data/flights/cuav-2018/camera.json"
    camera = load_camera(path)
    content = json.loads(path.read_text())
    assert (camera.width_px, camera.height_px) == (1640, 1232)
    assert camera.fx_px == content["K"][0][0]
    assert camera.cy_px == content["K"][1][2]
    assert list(camera.distortion) == content["D"][0]
    assert not camera.stabilised
    assert camera.mount_pitch_deg == -90.0
