"""Searching on this machine: in order, with no core idle between frames, and many windows at once for a GPU."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.batch import search_settings
from vision.detector import Boxes
from vision.engines import local
from vision.errors import InputError

SIDE_PX = 64


class _Grey:
    """A detector that sees one person in every window, as sure as the window is bright, and remembers how many windows
    it was given together."""

    sha256, thermal, runs, input_px, fixed = "0" * 64, False, "none", SIDE_PX, None

    def __init__(self, batch: int = 1, look: Callable[[np.ndarray], None] = lambda window: None) -> None:
        self.batch, self.look = batch, look
        self.together: list[int] = []

    def detect(self, images: Sequence[np.ndarray], confidence: float, *, input_px: int | None = None) -> list[Boxes]:
        self.together.append(len(images))
        for image in images:
            self.look(image)
        corners = np.array([[0, 0, 9, 9]], np.float32)
        return [
            Boxes(corners, np.array([image.mean() / 255], np.float32), ("person",), ("person",)) for image in images
        ]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A hundred pictures, each a little brighter than the one before."""
    folder = tmp_path_factory.mktemp("greys")
    paths = [folder / f"{grey}.png" for grey in range(100, 200)]
    for grey, path in enumerate(paths, start=100):
        cv2.imwrite(str(path), np.full((SIDE_PX, SIDE_PX), grey, np.uint8))
    return paths


@pytest.mark.parametrize("batch", [1, 8])
def test_results_come_in_the_order_of_the_pictures(pictures: list[Path], tmp_path: Path, batch: int) -> None:
    mixed = [*pictures[:50], tmp_path / "absent.png", *pictures[50:]]
    found = list(local.search(mixed, _Grey(batch), [search_settings()] * len(mixed), workers=3))
    assert isinstance(found.pop(50), InputError)
    sure = [float(boxes.confidence[0]) for boxes in found if not isinstance(boxes, InputError)]
    assert sure == pytest.approx([grey / 255 for grey in range(100, 200)])


def test_a_gpu_is_given_full_batches_of_whatever_frames(pictures: list[Path]) -> None:
    detector = _Grey(batch=8)
    assert len(list(local.search(pictures, detector, [search_settings()] * len(pictures), workers=2))) == len(pictures)
    assert sum(detector.together) == len(pictures)
    # blown up by a tenth, six are as much to look at as eight of what the network was made for
    assert sorted(detector.together) == [4, *[6] * 16]


def test_pictures_in_memory_do_not_grow_with_their_number(
    pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, taken, most = 0, 0, 0

    def counted(path: Path) -> np.ndarray:
        nonlocal read, most
        read += 1
        most = max(most, read - taken)
        return original(path)

    original = local.read_image
    monkeypatch.setattr(local, "read_image", counted)
    for _ in local.search(pictures, _Grey(), [search_settings()] * len(pictures), workers=2):
        taken += 1
    assert most <= 12


def test_the_next_frame_begins_before_the_last_window_of_one_is_done(pictures: list[Path]) -> None:
    """Else cores wait at the end of every large frame for the one that is not done yet."""
    begun = threading.Event()

    def look(window: np.ndarray) -> None:
        if window.mean() > 100:
            begun.set()
        elif window.shape == (SIDE_PX, SIDE_PX, 3):  # the first frame as a whole, its last window
            assert begun.wait(5)
        else:
            time.sleep(0.002)

    settings = [search_settings(tile_px=SIDE_PX // 2, overlap=0.5)] * 2
    found = list(local.search(pictures[:2], _Grey(look=look), settings, workers=2))
    assert [isinstance(boxes, Boxes) for boxes in found] == [True, True]


def test_what_a_network_stumbles_over_is_heard_of(pictures: list[Path]) -> None:
    def look(window: np.ndarray) -> None:
        raise ZeroDivisionError("in a window")

    with pytest.raises(ZeroDivisionError, match="in a window"):
        list(local.search(pictures, _Grey(look=look), [search_settings()] * len(pictures)))
