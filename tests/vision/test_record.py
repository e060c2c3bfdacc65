"""What a search did is kept beside its detections, and taken for theirs only."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.errors import InputError
from vision.images import in_colour
from vision.record import RECORD_FILE, SearchRecord, read_record, write_record

RECORD = SearchRecord("0" * 64, 0.16, {"f1": None, "f2": "not a picture"}, ("mind the light",))


def test_a_record_comes_back_and_tells_what_was_searched(tmp_path: Path) -> None:
    detections = tmp_path / "detections.parquet"
    detections.write_bytes(b"boxes")
    assert read_record(detections) is None
    write_record(RECORD, detections)
    found = read_record(detections)
    assert found == RECORD
    assert found.searched == {"f1"}


def test_a_record_of_another_search_is_none(tmp_path: Path) -> None:
    detections = tmp_path / "detections.parquet"
    detections.write_bytes(b"boxes")
    write_record(RECORD, detections)
    detections.write_bytes(b"other boxes")
    assert read_record(detections) is None


@pytest.mark.parametrize("change", [{"frames": 3}, {"frames": {"f1": 4}}, {"notes": "x"}, {"model": None}])
def test_nonsense_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    detections = tmp_path / "detections.parquet"
    detections.write_bytes(b"boxes")
    write_record(RECORD, detections)
    path = tmp_path / RECORD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match="no record of a search"):
        read_record(detections)


def test_colour_is_told_from_grey(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, (60, 80), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "grey.jpg"), cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    cv2.imwrite(str(tmp_path / "colour.jpg"), np.full((60, 80, 3), (40, 120, 60), dtype=np.uint8))
    assert not in_colour(tmp_path / "grey.jpg")
    assert in_colour(tmp_path / "colour.jpg")
