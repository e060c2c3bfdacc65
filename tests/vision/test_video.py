"""Frames out of videos by time; broken ones are named, or used as far as they go."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from mapping.ground.frames import time_in_name
from vision.errors import InputError
from vision.images import read_image
from vision.video import extract_frames, frames_by_time


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds at ten frames a second, each brighter than the one before it."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (64, 48))
    for k in range(30):
        writer.write(np.full((48, 64, 3), 8 * k, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize(("every_s", "times_s"), [(1.0, [0, 1, 2]), (0.25, [0, 0.3, 0.5, 0.8, 1.0]), (9.0, [0])])
def test_a_frame_each_step(clip: Path, every_s: float, times_s: list[float]) -> None:
    found = list(frames_by_time(clip, every_s))
    assert [time_s for time_s, _ in found][: len(times_s)] == pytest.approx(times_s)
    for time_s, image in found:
        assert image.shape == (48, 64, 3)
        assert abs(float(image.mean()) - 80 * time_s) < 6


def test_pictures_are_named_after_their_time(clip: Path, tmp_path: Path) -> None:
    made = extract_frames(clip, tmp_path / "a", 1.5)
    assert [file.name for file in made.files] == ["clip_t000000000ms.jpg", "clip_t000001500ms.jpg"]
    assert made.note == ""
    assert read_image(made.files[1]).shape == (48, 64, 3)
    start = datetime(2026, 8, 5, 1, 0, 44, 800000, tzinfo=UTC)
    dated = extract_frames(clip, tmp_path / "b", 1.5, start=start).files
    assert [time_in_name(file) for file in dated] == pytest.approx([start.timestamp(), start.timestamp() + 1.5])


def test_what_is_no_video_is_named(clip: Path, tmp_path: Path) -> None:
    for name, content in (("text.mp4", b"no video"), ("cut.mp4", clip.read_bytes()[:700]), ("empty.mov", b"")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match=name):
            extract_frames(path, tmp_path / "out", 1.0)


def test_a_video_that_breaks_off_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    rng = np.random.default_rng(0)
    for _ in range(30):
        writer.write(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    made = extract_frames(path, tmp_path / "out", 0.5)
    assert 2 <= len(made.files) <= 4
    assert made.note == "" or "can be read for" in made.note
