"""Previews show the boxes of the table, and the sheet the surest and the least sure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision.errors import VisionError
from vision.previews import COLUMNS, ROWS, SHEET, write_previews
from vision.table import DETECTIONS


def _row(frame_id: str, number: int, confidence: float, box: tuple[float, float, float, float]) -> dict[str, object]:
    corners = dict(zip(("x1_px", "y1_px", "x2_px", "y2_px"), box, strict=True))
    return {
        "detection_id": f"{frame_id}-{number:03d}",
        "frame_id": frame_id,
        "class": ("person", "vehicle", "bicycle")[number % 3],
        "label": "made",
        "confidence": confidence,
        "model": "0" * 64,
        **corners,
    }


def _frames(folder: Path, count: int) -> list[tuple[str, Path]]:
    folder.mkdir()
    listed = []
    for number in range(count):
        path = folder / f"{number}.png"
        Image.fromarray(np.full((200, 300), 90, dtype=np.uint8)).save(path)
        listed.append((f"flight/{number}", path))
    return listed


def _coloured(path: Path) -> np.ndarray:
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return np.asarray(np.ptp(pixels, axis=2) > 60)


def test_frames_with_something_in_them_are_drawn(tmp_path: Path) -> None:
    frames = _frames(tmp_path / "in", 3)
    rows = [_row("flight/0", 0, 0.9, (40, 50, 60, 90)), _row("flight/2", 1, 0.4, (250, 150, 300, 200))]
    made = write_previews(DETECTIONS.from_rows(rows), frames, tmp_path / "out")
    assert made.frames == 2
    assert {path.name for path in (tmp_path / "out" / "frames").iterdir()} == {"flight_0.jpg", "flight_2.jpg"}
    coloured = _coloured(tmp_path / "out" / "frames" / "flight_0.jpg")
    assert coloured[50:90, 38:41].mean() > 0.5  # the box's left edge
    assert coloured[52:88, 44:56].mean() < 0.05  # what is in it is left to be seen
    assert not coloured[120:, :].any()


def test_the_sheet_has_the_surest_and_the_least_sure(tmp_path: Path) -> None:
    frames = _frames(tmp_path / "in", 2)
    many = [_row(f"flight/{k % 2}", k, 0.99 - 0.005 * k, (20, 20, 60, 60)) for k in range(100)]
    few = many[:3]
    full = write_previews(DETECTIONS.from_rows(many), frames, tmp_path / "many")
    small = write_previews(DETECTIONS.from_rows(few), frames, tmp_path / "few")
    assert full.sheet == tmp_path / "many" / SHEET
    assert small.sheet is not None
    assert full.sheet is not None
    with Image.open(full.sheet) as one, Image.open(small.sheet) as other:
        assert one.width == other.width
        assert one.height > 2 * ROWS * one.width / COLUMNS > other.height


def test_nothing_found_makes_no_sheet(tmp_path: Path) -> None:
    made = write_previews(DETECTIONS.from_rows([]), _frames(tmp_path / "in", 1), tmp_path / "out")
    assert made.frames == 0
    assert made.sheet is None
    assert not (tmp_path / "out" / SHEET).exists()


def test_a_frame_that_is_gone_is_left_out(tmp_path: Path) -> None:
    frames = _frames(tmp_path / "in", 2)
    rows = [_row(frame_id, 0, 0.5, (-5, -5, 310, 210)) for frame_id, _ in frames]
    frames[0][1].unlink()
    assert write_previews(DETECTIONS.from_rows(rows), frames, tmp_path / "out").frames == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VisionError, match="file"):
        write_previews(DETECTIONS.from_rows([]), [], tmp_path / "file")
