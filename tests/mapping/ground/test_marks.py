"""Marks made by hand: read into detections, or refused in one line that says where and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from mapping.ground.marks import MARKED, OBJECT_CLASS, read_marks
from mapping.ground.pose import Poses
from mapping.tables import FRAMES
from vision.errors import InputError
from vision.table import DETECTIONS


def flight(*files: str) -> pa.Table:
    count = len(files)
    return FRAMES.build(
        {
            "frame_id": [f"f{number:03d}" for number in range(1, count + 1)],
            "file": list(files),
            "camera": ["boson640-14"] * count,
            **Poses.from_columns(count).columns(),
        }
    )


FLIGHT = flight("images/a.jpg", "images/b.jpg", "left/c.jpg", "right/c.jpg")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "marks.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_marks_become_detections_in_the_order_of_frames(tmp_path: Path) -> None:
    text = (
        "\ufefffile, x_px, y_px, object, class\nb.jpg,10.5,20,tent,\nimages/a.jpg,1,2,man,person\n\nb.jpg,3,4,'Ali',\n"
    )
    table = read_marks(written(tmp_path, text), FLIGHT)
    assert table.schema.equals(DETECTIONS.columns)
    assert table["frame_id"].to_pylist() == ["f001", "f002", "f002"]
    assert table["label"].to_pylist() == ["man", "tent", "'Ali'"]
    assert table["class"].to_pylist() == ["person", OBJECT_CLASS, OBJECT_CLASS]
    assert set(table["model"].to_pylist()) == {MARKED}
    assert table["confidence"].to_pylist() == [1.0] * 3
    assert table.select(["x1_px", "y1_px", "x2_px", "y2_px"]).to_pylist()[1] == {
        "x1_px": 10.5,
        "y1_px": 20.0,
        "x2_px": 10.5,
        "y2_px": 20.0,
    }


def test_a_mark_keeps_its_id_whatever_becomes_of_the_others(tmp_path: Path) -> None:
    """What was said of a bush is never said of the man whose row moved up when the bush was taken out."""

    def ids(*rows: str) -> dict[tuple[str, str], str]:
        marks = read_marks(written(tmp_path, "\n".join(("file,x_px,y_px,object", *rows))), FLIGHT).to_pylist()
        return {(row["frame_id"], row["label"]): row["detection_id"] for row in marks}

    both = ids("a.jpg,1,2,bush", "a.jpg,3,4,man", "b.jpg,5,6,man")
    assert len(set(both.values())) == 3
    assert both == ids("b.jpg,5,6,man", "a.jpg,3,4,man", "a.jpg,1,2,bush")
    assert ids("a.jpg,30,40,man").items() <= both.items()
    for (frame_id, _), name in both.items():
        assert name.startswith(f"{frame_id}-mark-")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "line 1", "lacks the column file, x_px, y_px, object"),
        ("file,x,y,object\n", "line 1", "lacks the column x_px, y_px"),
        ("file,x_px,y_px,object\n", "", "holds no marks"),
        ("file,x_px,y_px,object\na.jpg,1,2,man\nb.jpg,1\n", "line 3, y_px", "is empty"),
        ("file,x_px,y_px,object\na.jpg,1,2,\n", "line 2, object", "is empty"),
        ("file,x_px,y_px,object\na.jpg,1,2,man,person,7\n", "line 2", "more values than columns"),
        ("file,x_px,y_px,object\na.jpg,12;5,2,man\n", "line 2, x_px", "'12;5' is no pixel"),
        ("file,x_px,y_px,object\na.jpg,1,-2,man\n", "line 2, y_px", "'-2' is no pixel"),
        ("file,x_px,y_px,object\na.jpg,nan,2,man\n", "line 2, x_px", "'nan' is no pixel"),
        (
            "file,x_px,y_px,object\na.jpg,1,2,man\nz.jpg,1,2,man\n",
            "line 3, file",
            "'z.jpg' is no picture of this flight",
        ),
        ("file,x_px,y_px,object\nc.jpg,1,2,man\n", "line 2, file", "'c.jpg' is the name of 2 pictures"),
        ("file,x_px,y_px,object\na.jpg,1,2,man\na.jpg,3,4,man\n", "line 3, object", "already"),
        ("file,x_px,y_px,object,class\na.jpg,1,2,man,human\n", "line 2, class", "'human' is no class"),
        ('file,x_px,y_px,object\na.jpg,1,2,"man\n', "line 2", "is not CSV"),
    ],
)
def test_bad_marks_are_named_with_their_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_marks(path, FLIGHT)
    assert caught.value.place == place
    assert words in caught.value.problem
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_no_text_or_absent_is_refused(tmp_path: Path) -> None:
    picture = tmp_path / "marks.csv"
    picture.write_bytes(b"\xff\xd8\xff\xe0" * 20)
    with pytest.raises(InputError, match="not UTF-8"):
        read_marks(picture, FLIGHT)
    with pytest.raises(InputError, match="cannot be read"):
        read_marks(tmp_path / "absent.csv", FLIGHT)


def test_only_line_breaks_end_a_line(tmp_path: Path) -> None:
    """Not all that Unicode calls one: a name may hold it."""
    marks = read_marks(written(tmp_path, "file,x_px,y_px,object\na\u2028b.jpg,1,2,x\x85y\n"), flight("a\u2028b.jpg"))
    assert marks["label"].to_pylist() == ["x\x85y"]
