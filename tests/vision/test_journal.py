"""A search that is cut off goes on where it stopped, and its table is that of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.batch import DEFAULT_CONFIDENCE, detect_frames, search_settings
from vision.detector import Boxes, Detector
from vision.engines import local
from vision.errors import InputError, VisionError
from vision.frame import SearchSettings
from vision.table import DETECTIONS

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 12


class BrightSpots:
    """A detector that takes every bright spot for a person, as sure as it is bright."""

    sha256 = "0" * 64
    thermal = False
    runs = "none"
    batch = 1
    input_px = 64
    fixed = None

    def __init__(self, slow_s: float = 0.0) -> None:
        self.slow_s = slow_s

    def detect(self, images: Sequence[np.ndarray], confidence: float, *, input_px: int | None = None) -> list[Boxes]:
        found = []
        for image in images:
            time.sleep(self.slow_s)
            y, x = np.nonzero(image[:, :, 0] > 200)
            sure = image[y, x, 0].astype(np.float32) / np.float32(255.3)
            order = np.argsort(-sure, kind="stable")
            corner = np.stack([x, y], axis=1)[order] + 0.1
            xyxy = np.concatenate([corner, corner + 1], axis=1).astype(np.float32)
            found.append(Boxes(xyxy, sure[order], ("walker",) * len(x), ("person",) * len(x)))
        return found


def make_frames(folder: Path) -> list[tuple[str, Path]]:
    """Pictures with a few spots each, one of them no picture."""
    rng = np.random.default_rng(7)
    frames = []
    for k in range(FRAMES):
        image = np.zeros((40, 60), np.uint8)
        spots = rng.integers(0, (40, 60), (k % 4, 2))
        image[spots[:, 0], spots[:, 1]] = rng.integers(210, 255, len(spots))
        frames.append((f"f{k}", folder / f"{k}.png"))
        cv2.imwrite(str(frames[-1][1]), image)
    frames[5][1].write_text("no picture")
    return frames


def write_table(frames: list[tuple[str, Path]], detector: Detector, journal: Path, table: Path) -> int:
    """What a command does: search, write, and only then let the journal go. Returns the frames taken up."""
    result = detect_frames(frames, detector, journal=journal)
    assert [skipped.frame_id for skipped in result.skipped] == ["f5"]
    DETECTIONS.write(result.table, table)
    journal.unlink()
    return result.taken_up


def _cut_off_after(count: int) -> object:
    def engine(
        paths: Sequence[Path], detector: Detector, settings: Sequence[SearchSettings]
    ) -> Iterator[Boxes | InputError]:
        for done, found in enumerate(local.search(paths, detector, settings)):
            if done == count:
                raise KeyboardInterrupt
            yield found

    return engine


@pytest.mark.parametrize("damage", ["none", "cut", "garbage"])
def test_it_goes_on_where_it_stopped(tmp_path: Path, damage: str) -> None:
    frames, detector, journal = make_frames(tmp_path), BrightSpots(), tmp_path / "j"
    assert write_table(frames, detector, tmp_path / "other", tmp_path / "whole") == 0
    with pytest.raises(KeyboardInterrupt):
        detect_frames(frames, detector, journal=journal, engine=_cut_off_after(8))  # type: ignore[arg-type]
    if damage == "cut":
        journal.write_bytes(journal.read_bytes()[:-5])
    elif damage == "garbage":
        journal.write_bytes(journal.read_bytes() + b"\x00\xff\n{}\n")
    assert write_table(frames, detector, journal, tmp_path / "parts") == (7 if damage == "cut" else 8)
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


def test_other_frames_options_or_weights_begin_anew(tmp_path: Path) -> None:
    frames, detector, journal = make_frames(tmp_path), BrightSpots(), tmp_path / "j"
    detect_frames(frames, detector, journal=journal)
    assert detect_frames(frames, detector, journal=journal).taken_up == FRAMES
    assert (
        detect_frames(frames, detector, search_settings(confidence=DEFAULT_CONFIDENCE + 0.1), journal=journal).taken_up
        == 0
    )
    detect_frames(frames, detector, journal=journal)
    os.utime(frames[2][1], (1, 1))
    assert detect_frames(frames, detector, journal=journal).taken_up == 0
    other = BrightSpots()
    other.sha256 = "1" * 64
    assert detect_frames(frames, other, journal=journal).taken_up == 0
    assert detect_frames(frames[:-1], other, journal=journal).taken_up == 0


def test_a_journal_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(VisionError, match="cannot be written"):
        detect_frames(make_frames(tmp_path), BrightSpots(), journal=tmp_path / "absent" / "j")


RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_journal import BrightSpots, write_table
folder = Path(sys.argv[2])
frames = [(f"f{k}", folder / f"{k}.png") for k in range(int(sys.argv[3]))]
print(write_table(frames, BrightSpots(0.05), folder / "j", folder / "parts"))
"""


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    frames = make_frames(tmp_path)
    write_table(frames, BrightSpots(), tmp_path / "other", tmp_path / "whole")
    command = [sys.executable, "-c", RUN, str(Path(__file__).parent), str(tmp_path), str(FRAMES)]
    journal = tmp_path / "j"
    killed = subprocess.Popen(command, cwd=ROOT)
    while killed.poll() is None and (not journal.exists() or len(journal.read_bytes().splitlines()) < 4):
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "parts").exists()
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(again.stdout) >= 3
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
