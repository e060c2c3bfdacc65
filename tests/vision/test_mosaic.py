"""Pictures made for training show what their boxes say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vision.dataset import LabelledPicture
from vision.mosaic import Mosaics, Sample, cover

BRIGHT, DARK = 250, 10


def _picture(boxes: list[tuple[int, int, int, int]], size: tuple[int, int] = (640, 512)) -> LabelledPicture:
    pixels = np.full(size[::-1], DARK, dtype=np.uint8)
    for x1, y1, x2, y2 in boxes:
        pixels[y1:y2, x1:x2] = BRIGHT
    xyxy = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return LabelledPicture(Path("made"), size, xyxy, np.zeros(len(boxes), dtype=np.int64), pixels)


def _check(sample: Sample) -> None:
    """The bright places and the boxes are the same places."""
    grey = sample.pixels[:, :, 0].astype(float)
    inside = np.zeros(grey.shape, dtype=bool)
    for x1, y1, x2, y2 in sample.xyxy:
        assert 0 <= x1 < x2 <= grey.shape[1]
        assert 0 <= y1 < y2 <= grey.shape[0]
        part = grey[int(y1) + 2 : int(np.ceil(y2)) - 2, int(x1) + 2 : int(np.ceil(x2)) - 2]
        assert part.min() > 140
        inside[max(0, int(y1) - 2) : int(y2) + 3, max(0, int(x1) - 2) : int(x2) + 3] = True
    outside = grey[~inside]
    assert np.mean(outside > 170) < 0.02  # only slivers of what is mostly out of sight


@given(st.integers(0, 10_000))
def test_boxes_lie_on_what_they_name(seed: int) -> None:
    pictures = [_picture([(30, 40, 60, 90), (300, 200, 340, 230)]), _picture([(500, 400, 560, 440)]), _picture([])]
    mosaics = Mosaics(pictures, 256)
    draw = np.random.default_rng(seed)
    sample = mosaics.mosaic([0, 1, 2, 1], draw)
    assert sample.pixels.shape == (256, 256, 3)
    _check(sample)
    whole = mosaics.whole(seed % 2, (640, 512), draw)
    assert len(whole.classes) >= 1
    _check(whole)


def test_windows_cover_every_object() -> None:
    draw = np.random.default_rng(0)
    corners = draw.uniform(0, 600, (40, 2))
    xyxy = np.concatenate([corners, corners + 12], axis=1)
    centres = cover(xyxy, 256)
    assert len(centres) <= 12
    away = np.abs((corners + 6)[:, None] - centres[None]).max(axis=2).min(axis=1)
    assert away.max() <= 128
    assert len(cover(np.empty((0, 4)), 256)) == 0


def test_a_large_frame_is_shown_in_tiles_at_its_own_scale() -> None:
    picture = _picture([(x, y, x + 30, y + 30) for x in range(0, 2000, 100) for y in range(0, 1600, 100)], (2000, 1600))
    sample = Mosaics([picture], 256).whole(0, (640, 512), np.random.default_rng(1))
    sides = sample.xyxy[:, 2:] - sample.xyxy[:, :2]
    assert 26 < np.median(sides) < 36
    _check(sample)
