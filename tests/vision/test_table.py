from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vision.errors import InputError
from vision.table import DETECTIONS

ROW = {
    "detection_id": "d1",
    "frame_id": "f00001",
    "class": "person",
    "label": None,
    "confidence": 0.5,
    "x1_px": 1.0,
    "y1_px": 2.0,
    "x2_px": 3.0,
    "y2_px": 4.0,
    "model": "marked",
}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "detections.parquet"
    table = DETECTIONS.from_rows([ROW])
    DETECTIONS.write(table, path)
    assert DETECTIONS.read(path).equals(table)


def test_types_that_fit_are_taken_and_further_columns_left_out(tmp_path: Path) -> None:
    path = tmp_path / "detections.parquet"
    table = pa.Table.from_pylist([ROW | {"more": 1}, ROW | {"more": 2}])
    assert table.schema.field("confidence").type == pa.float64()
    pq.write_table(table, path)
    assert DETECTIONS.read(path).equals(DETECTIONS.from_rows([ROW, ROW]))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("x1_px", "left", "x1_px holds string, not float"), ("frame_id", [1, 2], "frame_id holds list<.*>, not string")],
)
def test_columns_of_another_type_are_said_in_one_line(tmp_path: Path, column: str, value: object, said: str) -> None:
    path = tmp_path / "detections.parquet"
    pq.write_table(pa.Table.from_pylist([ROW | {column: value}]), path)
    with pytest.raises(InputError, match=rf"detections\.parquet: not a detections table: its column {said}") as caught:
        DETECTIONS.read(path)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "detections.parquet"
    with pytest.raises(InputError, match="no detections table here"):
        DETECTIONS.read(path)
    path.write_text("frame_id,class")
    with pytest.raises(InputError, match="not a Parquet file"):
        DETECTIONS.read(path)
    pq.write_table(pa.table({"frame_id": ["f1"]}), path)
    with pytest.raises(InputError, match="it lacks detection_id, class"):
        DETECTIONS.read(path)
