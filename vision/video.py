"""Frames out of a video file, one every so many seconds, as pictures on disk: what comes after knows pictures only.
Where and when they were taken is `mapping`'s subject.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from vision.errors import InputError, VisionError

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".avi", ".mkv", ".ts"})
"""Endings of the files taken for videos, in lower case."""

_JPEG_QUALITY = 95
_CUT_SHORT = 0.9  # a video of which less than this share can be read is told to be cut short


@dataclass(frozen=True)
class Extracted:
    """The pictures made of a video, in order, and a word where it ends before it says it does (else empty)."""

    files: tuple[Path, ...]
    note: str = ""


def frames_by_time(path: Path, every_s: float) -> Iterator[tuple[float, np.ndarray]]:
    """The first frame of the video and then one every `every_s` seconds (the first at or after each step): seconds
    since its start, and the picture, uint8 (H, W, 3) in BGR, not turned. Raises InputError where it is no video that
    can be read; where it is cut short it just ends."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what is wrong is said here, in one line
    import cv2

    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not video.isOpened():
            raise InputError(path, "not a video that can be read, or cut short before its index; copy it again")
        video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)  # pixel places must agree with the camera's model
        rate = video.get(cv2.CAP_PROP_FPS)
        number, due = 0, 0
        while video.grab():
            time_s = video.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            if time_s <= 0.0 and number and rate > 0.0:  # some containers keep no times
                time_s = number / rate
            number += 1
            if time_s + 1e-6 < due * every_s:
                continue
            sound, image = video.retrieve()
            if sound and image is not None:
                due = int((time_s + 1e-6) / every_s) + 1
                yield time_s, np.asarray(image)
    finally:
        video.release()


def extract_frames(path: Path, folder: Path, every_s: float, *, start: datetime | None = None) -> Extracted:
    """Write the video's frames, one every `every_s` seconds, as JPEG into `folder`, which is made. They are named after
    the video and the milliseconds since its start, or, where `start` (with its zone) is given, after the time in UTC.
    Raises InputError where it cannot be read or shows no frame, VisionError where a picture cannot be written."""
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    last_s = 0.0
    for time_s, image in frames_by_time(path, every_s):
        stamp = f"t{round(time_s * 1000):09d}ms"
        if start is not None:
            stamp = f"{start + timedelta(seconds=time_s):%Y%m%dT%H%M%S%f}Z"
        files.append(folder / f"{path.stem}_{stamp}.jpg")
        if not cv2.imwrite(str(files[-1]), image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]):
            raise VisionError(f"{files[-1]}: cannot be written")
        last_s = time_s
    if not files:
        raise InputError(path, "a video without a single frame that can be read; copy it again")
    told_s = _told_duration_s(path)
    if told_s and last_s + 2 * every_s < _CUT_SHORT * told_s:
        return Extracted(tuple(files), f"says it lasts {told_s:.0f} s and can be read for {last_s:.0f} s only")
    return Extracted(tuple(files))


def _told_duration_s(path: Path) -> float:
    import cv2

    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        rate = video.get(cv2.CAP_PROP_FPS)
        return float(video.get(cv2.CAP_PROP_FRAME_COUNT) / rate) if rate > 0.0 else 0.0
    finally:
        video.release()
