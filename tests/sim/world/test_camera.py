"""The camera's thread: every trigger becomes a whole file, failures come out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mapping.ground.camera import Camera
from sim.errors import SimulationError
from sim.world.camera import CameraWorker, frame_name
from sim.world.projection import camera_pose
from sim.world.renderer import render
from sim.world.scene import Scene


def test_closing_waits_for_every_frame(scene: Scene, camera: Camera, tmp_path: Path, shutter: type) -> None:
    folder = tmp_path / "card" / "images"
    with CameraWorker(scene, camera, folder) as worker:
        for index in (1, 2, 5):
            worker.take(shutter(index=index, yaw_deg=10.0 * index))
    assert sorted(path.name for path in folder.iterdir()) == ["IMG_00001.jpg", "IMG_00002.jpg", "IMG_00005.jpg"]
    picture = cv2.imread(str(folder / frame_name(5)), cv2.IMREAD_GRAYSCALE)
    expected = render(scene, camera, camera_pose(camera, shutter(index=5, yaw_deg=50.0)), 5)
    assert np.abs(picture.astype(int) - expected.astype(int)).mean() < 3


def test_a_failure_comes_out_and_stays(scene: Scene, camera: Camera, tmp_path: Path, shutter: type) -> None:
    worker = CameraWorker(scene, camera, tmp_path / "images")
    (tmp_path / "images").rmdir()
    worker.take(shutter())
    with pytest.raises(SimulationError, match="camera failed"):
        worker.close()
    with pytest.raises(SimulationError, match="camera failed"):
        worker.close()


def test_a_closed_camera_takes_nothing(scene: Scene, camera: Camera, tmp_path: Path, shutter: type) -> None:
    worker = CameraWorker(scene, camera, tmp_path)
    worker.close()
    worker.close()
    with pytest.raises(SimulationError, match="closed"):
        worker.take(shutter())
