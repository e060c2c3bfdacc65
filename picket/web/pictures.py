"""Pictures of a flight's own frames for a browser: a crop round one box, or a whole frame. What was made lately is kept
in memory; nothing is written. Which frames there are is `picket.web.reviewing`'s subject."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from mapping.maps.thumbnails import thumbnail
from vision.errors import InputError
from vision.images import read_image

Box = tuple[float, float, float, float]
CROP_PX = 480
SMALL_PX = 96
WIDEST_PX = 1920
QUALITY = 85
KEPT_BYTES = 48_000_000
FRAMES_KEPT = 3


class Pictures:
    """Makes pictures and keeps those made lately. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self._bytes = 0
        self._frames: OrderedDict[tuple[Path, int], np.ndarray] = OrderedDict()

    def crop(self, file: Path, box: Box, side_px: int) -> bytes:
        """A JPEG, `side_px` square, of the frame round `box` (pixels of the frame), with the box drawn. Raises
        InputError where the frame cannot be read."""
        return self._once((file, _age(file), box, side_px), lambda: thumbnail(self._frame(file), box, side_px))

    def whole(self, file: Path, widest_px: int = WIDEST_PX) -> bytes:
        """The frame as JPEG, at most so wide. Raises InputError where it cannot be read."""
        return self._once((file, _age(file), widest_px), lambda: _jpeg(self._frame(file), widest_px))

    def size(self, file: Path) -> tuple[int, int]:
        """Width and height of the frame in its own pixels. Raises InputError where it cannot be read."""
        height, width = self._frame(file).shape[:2]
        return width, height

    def _once(self, key: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        picture = make()
        with self._lock:
            self._bytes += len(picture) - len(self._made.pop(key, b""))
            self._made[key] = picture
            while self._bytes > KEPT_BYTES:
                self._bytes -= len(self._made.popitem(last=False)[1])
        return picture

    def _frame(self, file: Path) -> np.ndarray:
        key = (file, _age(file))
        with self._lock:
            if key in self._frames:
                self._frames.move_to_end(key)
                return self._frames[key]
        image = read_image(file)
        with self._lock:
            self._frames[key] = image
            while len(self._frames) > FRAMES_KEPT:
                self._frames.popitem(last=False)
        return image


def _age(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError as error:
        raise InputError(file.name, "this frame's picture is not there") from error


def _jpeg(image: np.ndarray, widest_px: int) -> bytes:
    height, width = image.shape[:2]
    if width > widest_px:
        image = cv2.resize(image, (widest_px, round(height * widest_px / width)), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return encoded.tobytes()
