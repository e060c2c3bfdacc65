"""Files are written whole or not at all, and read with one line of complaint."""

from __future__ import annotations

from pathlib import Path

import pytest

from vision.errors import InputError, VisionError
from vision.files import read_json, read_text, whole_file, write_whole


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "plan.geojson"
    write_whole(path, "old")

    def fail_in_the_middle() -> None:
        with whole_file(path) as beside:
            beside.write_text("half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_the_middle()
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["plan.geojson"]


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", "one\r\ntwo\n")
    assert (tmp_path / "a").read_bytes() == b"one\r\ntwo\n"


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(VisionError, match="folder: cannot be written"):
        write_whole(tmp_path / "folder", "text")
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"a": ', "line 1, column 7"),
        (b"[1]", "no object"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a":' * 100_000, "deeply"),
    ],
)
def test_what_is_no_json_object_is_said(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint) as caught:
        read_json(path, "a plan")
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfhello")
    assert read_text(tmp_path / "x", "text") == "hello"
    with pytest.raises(InputError, match="no such file; give text"):
        read_text(tmp_path / "none", "text")
