"""Search frames on this machine: one thread reads pictures ahead while the network looks at those before them. At most
a few pictures are in memory, however many there are. The table is `batch`'s subject.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vision.detector import Boxes, Detector
from vision.errors import InputError
from vision.frame import SearchSettings, join_windows, windows_of
from vision.images import read_image

READ_AHEAD = 4
"""Pictures read and waiting."""

WINDOWS_TOGETHER = 2
"""Windows that go through the network at once: measured on two cores, more only takes memory."""


def _read(path: Path) -> np.ndarray | InputError:
    try:
        return read_image(path)
    except InputError as error:
        return error


def _read_ahead(paths: Sequence[Path]) -> Iterator[np.ndarray | InputError]:
    """The pictures in order, or what is wrong with each."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read") as pool:
        waiting: deque[Future[np.ndarray | InputError]] = deque()
        for path in paths:
            waiting.append(pool.submit(_read, path))
            if len(waiting) > READ_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def search(paths: Sequence[Path], detector: Detector, settings: SearchSettings) -> Iterator[Boxes | InputError]:
    """What was found in each picture, in the order of `paths`; an InputError in place of a picture that cannot be
    read. Windows of several frames go through the network together where the frames are small."""
    started: deque[tuple[np.ndarray, list[Boxes]] | InputError] = deque()
    pixels: list[np.ndarray] = []
    owners: list[list[Boxes]] = []

    def look() -> None:
        for owner, boxes in zip(owners, detector.detect(pixels, settings.confidence), strict=True):
            owner.append(boxes)
        pixels.clear()
        owners.clear()

    def finished() -> Iterator[Boxes | InputError]:
        while started:
            first = started[0]
            if not isinstance(first, InputError):
                windows, found = first
                if len(found) < len(windows):
                    return
                yield join_windows(windows, found)
            else:
                yield first
            started.popleft()

    for image in _read_ahead(paths):
        if isinstance(image, InputError):
            started.append(image)
        else:
            windows = windows_of(image.shape[1], image.shape[0], settings.tile_px, settings.overlap)
            found: list[Boxes] = []
            started.append((windows, found))
            for x1, y1, x2, y2 in windows:
                pixels.append(image[y1:y2, x1:x2])
                owners.append(found)
                if len(pixels) == WINDOWS_TOGETHER:
                    look()
        yield from finished()
    if pixels:
        look()
    yield from finished()
