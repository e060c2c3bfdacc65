"""Search frames on this machine: one thread reads pictures ahead, and as many as there are cores look, each at a window
of its own. Sharing one window among cores instead makes them wait for each other at every layer; where another program
wants a core too, that took up to ten times the processor time. A GPU is handed many windows together, of whatever
frames, and all cores read for it. At most a few pictures, or batches of them, are in memory, however many there are.
The table is `batch`'s subject.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np

from vision.detector import Boxes, Detector
from vision.engines.cores import worker_count
from vision.errors import InputError
from vision.frame import SearchSettings, Window, join_windows, windows_of
from vision.images import Picture, read_image

READ_AHEAD = 2
"""Pictures read and waiting, for each thread that reads."""

GPU_LOOKERS = 3
"""Threads that hand batches to a GPU: while one batch is run, another is made ready and one's boxes are read off. More
only take its memory."""

_Asked = tuple[np.ndarray, "Future[Boxes]"]
_Kind = tuple[tuple[int, ...], int, float]  # shape, side in the network, least confidence


@dataclass(frozen=True)
class _Search:
    """A frame being searched: its windows, what each will have shown and which share of a batch it is, or why there is
    nothing to search."""

    windows: tuple[Window, ...] = ()
    found: tuple[Future[Boxes], ...] = ()
    shares: tuple[float, ...] = ()
    error: InputError | None = None

    def result(self) -> Boxes | InputError:
        if self.error is not None:
            return self.error
        return join_windows(self.windows, [future.result() for future in self.found])

    def undone(self) -> list[Future[Boxes]]:
        return [future for future in self.found if not future.done()]

    def pending(self) -> float:
        """How many batches its windows that are not looked at yet would fill."""
        return sum(share for future, share in zip(self.found, self.shares, strict=True) if not future.done())


@dataclass(frozen=True)
class _Lookers:
    """The threads that look at windows, `detector.batch` together where they enter the network in one size."""

    pool: ThreadPoolExecutor
    detector: Detector
    _waiting: dict[_Kind, list[_Asked]] = field(default_factory=dict)

    def together(self, input_px: int) -> int:
        """How many windows of that side make a batch."""
        return max(1, self.detector.batch * self.detector.input_px**2 // input_px**2)

    def ask(self, picture: np.ndarray, input_px: int, confidence: float) -> Future[Boxes]:
        """What the window will have shown; the look begins when a batch is full, or at `start_all`."""
        asked: Future[Boxes] = Future()
        kind = (picture.shape[:2], input_px, confidence)
        group = self._waiting.setdefault(kind, [])
        group.append((picture, asked))
        if len(group) >= self.together(input_px):
            self._start(kind)
        return asked

    def waiting(self) -> set[Future[Boxes]]:
        """What is asked and not begun: its batch is not full yet."""
        return {asked for group in self._waiting.values() for _, asked in group}

    def start_all(self) -> None:
        for kind in list(self._waiting):
            self._start(kind)

    def _start(self, kind: _Kind) -> None:
        self.pool.submit(self._look, self._waiting.pop(kind), kind)

    def _look(self, group: list[_Asked], kind: _Kind) -> None:
        try:
            found = self.detector.detect([picture for picture, _ in group], kind[2], input_px=kind[1])
        except BaseException as error:  # whatever it is, who asked must hear of it
            for _, asked in group:
                asked.set_exception(error)
        else:
            for (_, asked), boxes in zip(group, found, strict=True):
                asked.set_result(boxes)


def _read_ahead(pool: ThreadPoolExecutor, pictures: Sequence[Picture], ahead: int) -> Iterator[Future[np.ndarray]]:
    """The pictures in order, each a future that holds it or what is wrong with it; `ahead` of them read before they are
    asked for."""
    waiting: deque[Future[np.ndarray]] = deque()
    for picture in pictures:
        waiting.append(pool.submit(read_image, picture))
        if len(waiting) > ahead:
            yield waiting.popleft()
    yield from waiting


def search(
    pictures: Sequence[Picture],
    detector: Detector,
    settings: Sequence[SearchSettings],
    *,
    workers: int | None = None,
) -> Iterator[Boxes | InputError]:
    """What was found in each picture, searched by its own `settings`, in the order of `pictures`; an InputError in
    place of one that cannot be read. `workers` look at once (None: one for each core).
    On a CPU every window goes through the network alone, so what is found does not depend on its neighbours or on the
    number of cores."""
    workers = workers or worker_count()
    many = detector.batch > 1  # a GPU looks, and the cores are free to read
    readers, looking = (workers, min(workers, GPU_LOOKERS)) if many else (1, workers)
    reader = ThreadPoolExecutor(max_workers=readers, thread_name_prefix="read")
    pool = ThreadPoolExecutor(max_workers=looking, thread_name_prefix="look")
    lookers = _Lookers(pool, detector)
    enough = 2 * looking
    started: deque[_Search] = deque()

    def start(reading: Future[np.ndarray], settings: SearchSettings) -> _Search:
        try:
            image = reading.result()
        except InputError as error:
            return _Search(error=error)
        height, width = image.shape[:2]
        windows = windows_of(width, height, settings, input_px=detector.input_px, fixed=detector.fixed)
        found = []
        for window in windows:
            x1, y1, x2, y2 = window.xyxy
            found.append(lookers.ask(image[y1:y2, x1:x2], window.input_px, settings.confidence))
        return _Search(windows, tuple(found), tuple(1.0 / lookers.together(window.input_px) for window in windows))

    try:
        for reading, how in zip(_read_ahead(reader, pictures, READ_AHEAD * readers), settings, strict=True):
            started.append(start(reading, how))
            del reading  # it holds the picture
            while started:
                if not started[0].pending():
                    yield started.popleft().result()
                elif sum(map(_Search.pending, started)) >= enough:  # not until the first is done: cores would run dry
                    undone = {future for one in started for future in one.undone()}
                    if undone <= lookers.waiting():  # while a look goes on, what waits may still become a full batch
                        lookers.start_all()
                    wait(undone, return_when=FIRST_COMPLETED)
                else:
                    break
        lookers.start_all()
        while started:
            yield started.popleft().result()
    finally:
        for threads in (reader, pool):
            threads.shutdown(cancel_futures=True)
