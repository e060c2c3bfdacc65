"""Search frames on this machine: one thread reads pictures ahead, and as many as there are cores look, each at a window
of its own. Sharing one window among cores instead makes them wait for each other at every layer; where another program
wants a core too, that took up to ten times the processor time. At most a few pictures are in memory, however many
there are. The table is `batch`'s subject.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vision.detector import Boxes, Detector
from vision.errors import InputError
from vision.frame import SearchSettings, join_windows, windows_of
from vision.images import read_image

READ_AHEAD = 2
"""Pictures read and waiting."""

MOST_WORKERS = 8
"""Each worker takes some 60 MB; a machine with more cores has other uses for them."""


def worker_count() -> int:
    """How many windows are looked at at once: one for each core this process may use, up to `MOST_WORKERS`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


@dataclass(frozen=True)
class _Search:
    """A frame being searched: its windows and what each will have shown, or why there is nothing to search."""

    windows: np.ndarray
    found: tuple[Future[list[Boxes]], ...]
    error: InputError | None = None

    def result(self) -> Boxes | InputError:
        if self.error is not None:
            return self.error
        return join_windows(self.windows, [future.result()[0] for future in self.found])

    def pending(self) -> int:
        return sum(not future.done() for future in self.found)


def _read_ahead(pool: ThreadPoolExecutor, paths: Sequence[Path]) -> Iterator[Future[np.ndarray]]:
    """The pictures in order, each a future that holds it or what is wrong with it."""
    waiting: deque[Future[np.ndarray]] = deque()
    for path in paths:
        waiting.append(pool.submit(read_image, path))
        if len(waiting) > READ_AHEAD:
            yield waiting.popleft()
    yield from waiting


def search(paths: Sequence[Path], detector: Detector, settings: SearchSettings) -> Iterator[Boxes | InputError]:
    """What was found in each picture, in the order of `paths`; an InputError in place of a picture that cannot be
    read. Every window goes through the network alone, so what is found does not depend on its neighbours or on the
    number of cores."""
    workers = worker_count()
    reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read")
    lookers = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="look")
    started: deque[_Search] = deque()

    def start(reading: Future[np.ndarray]) -> _Search:
        try:
            image = reading.result()
        except InputError as error:
            return _Search(windows=np.empty((0, 4), dtype=np.int64), found=(), error=error)
        windows = windows_of(image.shape[1], image.shape[0], settings.tile_px, settings.overlap)
        found = tuple(
            lookers.submit(detector.detect, [image[y1:y2, x1:x2]], settings.confidence) for x1, y1, x2, y2 in windows
        )
        return _Search(windows=windows, found=found)

    try:
        for reading in _read_ahead(reader, paths):
            started.append(start(reading))
            del reading  # it holds the picture
            while started and (not started[0].pending() or sum(map(_Search.pending, started)) >= 2 * workers):
                yield started.popleft().result()
        while started:
            yield started.popleft().result()
    finally:
        for pool in (reader, lookers):
            pool.shutdown(cancel_futures=True)
