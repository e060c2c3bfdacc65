"""Bad input is one line that names the file and the mend, exit code 2, and nothing is written."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from picket.cli import main

SQUARE = [[88.89, 23.03], [88.9, 23.03], [88.9, 23.04], [88.89, 23.04], [88.89, 23.03]]
BOW_TIE = [[88.89, 23.03], [88.9, 23.04], [88.9, 23.03], [88.89, 23.04], [88.89, 23.03]]
NO_SIZE = [[88.89, 23.03], [88.9, 23.03], [88.89, 23.03], [88.89, 23.03]]


def polygon(ring: list[list[float]]) -> str:
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def make_area(folder: Path, text: str) -> Path:
    path = folder / "area.geojson"
    path.write_text(text)
    return path


def make_image(path: Path) -> Path:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (64, 48), 90).save(path)
    return path


def make_flight(folder: Path) -> Path:
    make_image(folder / "pictures" / "a.jpg")
    assert main(["ingest", str(folder / "pictures"), "-o", str(folder / "flight")]) == 0
    return folder / "flight"


Case = Callable[[Path], tuple[list[str], str]]


def missing_area(folder: Path) -> tuple[list[str], str]:
    return ["plan", str(folder / "none.geojson"), "-o", str(folder / "out")], "none.geojson"


def area_of(text: str) -> Case:
    def case(folder: Path) -> tuple[list[str], str]:
        return ["plan", str(make_area(folder, text)), "-o", str(folder / "out")], "area.geojson"

    return case


def unknown_drone(folder: Path) -> tuple[list[str], str]:
    area = make_area(folder, polygon(SQUARE))
    return ["plan", str(area), "-o", str(folder / "out"), "--drone", "ufo"], "x500"


def unknown_camera(folder: Path) -> tuple[list[str], str]:
    area = make_area(folder, polygon(SQUARE))
    return ["plan", str(area), "-o", str(folder / "out"), "--camera", "box-brownie"], "boson640-14"


def no_mission(folder: Path) -> tuple[list[str], str]:
    (folder / "empty").mkdir()
    return ["fly", str(folder / "empty"), "--sim"], "mission.toml"


def missing_mission(folder: Path) -> tuple[list[str], str]:
    return ["fly", str(folder / "nowhere"), "--sim"], "nowhere"


def no_flight(folder: Path) -> tuple[list[str], str]:
    (folder / "empty").mkdir()
    return ["locate", str(folder / "empty")], "flight.json"


def truncated_log(folder: Path) -> tuple[list[str], str]:
    make_image(folder / "pictures" / "20180805010044Z.jpg")
    log = folder / "cut.tlog"
    log.write_bytes(bytes(6))
    pictures = str(folder / "pictures")
    return ["ingest", pictures, "-o", str(folder / "out"), "--tlog", str(log), "--camera", "boson640-14"], "cut.tlog"


def log_cut_in_a_message(folder: Path) -> tuple[list[str], str]:
    make_image(folder / "pictures" / "20180805010044Z.jpg")
    log = folder / "half.tlog"
    position = mavlink.MAVLink(None).global_position_int_encode(0, 230000000, 880000000, 60000, 50000, 0, 0, 0, 0)
    frame = struct.pack(">Q", 1533430844000000) + position.pack(mavlink.MAVLink(None, 1, 1))
    log.write_bytes(frame * 20 + frame[:20])
    pictures = str(folder / "pictures")
    return ["ingest", pictures, "-o", str(folder / "out"), "--tlog", str(log), "--camera", "boson640-14"], "half.tlog"


def text_as_log(folder: Path) -> tuple[list[str], str]:
    make_image(folder / "pictures" / "20180805010044Z.jpg")
    log = folder / "notes.tlog"
    log.write_text("flown on a Sunday\n" * 50)
    pictures = str(folder / "pictures")
    return ["ingest", pictures, "-o", str(folder / "out"), "--tlog", str(log), "--camera", "boson640-14"], "notes.tlog"


def log_without_camera(folder: Path) -> tuple[list[str], str]:
    make_image(folder / "pictures" / "20180805010044Z.jpg")
    log = folder / "flight.tlog"
    log.write_bytes(bytes(6))
    return ["ingest", str(folder / "pictures"), "-o", str(folder / "out"), "--tlog", str(log)], "--camera"


def no_image(folder: Path) -> tuple[list[str], str]:
    picture = make_image(folder / "pictures" / "a.jpg")
    (picture.parent / "b.jpg").write_text("not a picture")
    return ["ingest", str(folder / "pictures"), "-o", str(folder / "out")], "b.jpg"


def truncated_image(folder: Path) -> tuple[list[str], str]:
    picture = make_image(folder / "pictures" / "a.jpg")
    picture.write_bytes(picture.read_bytes()[:200])
    return ["ingest", str(folder / "pictures"), "-o", str(folder / "out")], "a.jpg"


def folder_without_images(folder: Path) -> tuple[list[str], str]:
    (folder / "pictures").mkdir()
    return ["ingest", str(folder / "pictures"), "-o", str(folder / "out")], "pictures"


def no_weights(folder: Path) -> tuple[list[str], str]:
    weights = folder / "weights.pt"
    weights.write_text("heavy")
    return ["detect", str(make_flight(folder)), "--weights", str(weights)], "weights.pt"


def missing_weights(folder: Path) -> tuple[list[str], str]:
    return ["detect", str(make_flight(folder)), "--weights", str(folder / "none.pt")], "none.pt"


def bad_marks(folder: Path) -> tuple[list[str], str]:
    marks = folder / "marks.csv"
    marks.write_text("file,x_px,y_px,object\na.jpg,ten,12,barrel\n")
    return ["locate", str(make_flight(folder)), "--marks", str(marks)], "marks.csv"


def no_elevation_model(folder: Path) -> tuple[list[str], str]:
    model = folder / "dem.tif"
    model.write_text("hills")
    marks = folder / "marks.csv"
    marks.write_text("file,x_px,y_px,object\na.jpg,10,12,barrel\n")
    flight = make_flight(folder)
    return ["locate", str(flight), "--marks", str(marks), "--terrain", str(model)], "dem.tif"


def unknown_format(folder: Path) -> tuple[list[str], str]:
    return ["export", str(make_flight(folder)), "--format", "dwg"], "geojson"


def unknown_option(folder: Path) -> tuple[list[str], str]:
    return ["plan", "--sideways"], "--sideways"


def unknown_command(folder: Path) -> tuple[list[str], str]:
    return ["hover"], "hover"


def both_vehicles(folder: Path) -> tuple[list[str], str]:
    return ["fly", str(folder), "--sim", "--connect", "tcp:127.0.0.1:5760"], "--sim"


def own_table_as_export(folder: Path) -> tuple[list[str], str]:
    flight = make_flight(folder)
    return [
        "export",
        str(flight),
        "--format",
        "coco",
        "-o",
        str(flight / "frames.parquet"),
        "--force",
    ], "frames.parquet"


CASES: dict[str, Case] = {
    "missing area": missing_area,
    "empty area file": area_of(""),
    "invalid JSON": area_of('{"type": "Polygon", '),
    "JSON but not GeoJSON": area_of('{"name": "north"}'),
    "area that crosses itself": area_of(polygon(BOW_TIE)),
    "area of zero size": area_of(polygon(NO_SIZE)),
    "latitude and longitude swapped": area_of(polygon([[lat * 4, lon] for lon, lat in SQUARE])),
    "coordinates that are no numbers": area_of(polygon(SQUARE).replace("23.03", '"x"')),
    "unknown drone": unknown_drone,
    "unknown camera": unknown_camera,
    "folder that is no mission": no_mission,
    "mission that is not there": missing_mission,
    "folder that is no flight": no_flight,
    "truncated log": truncated_log,
    "log cut in a message": log_cut_in_a_message,
    "text as log": text_as_log,
    "log without camera": log_without_camera,
    "image that is no image": no_image,
    "truncated image": truncated_image,
    "folder without images": folder_without_images,
    "weights that are no weights": no_weights,
    "missing weights": missing_weights,
    "bad marks": bad_marks,
    "elevation model that is none": no_elevation_model,
    "unknown format": unknown_format,
    "export over a table of the flight": own_table_as_export,
    "unknown option": unknown_option,
    "unknown command": unknown_command,
    "vehicle and simulator at once": both_vehicles,
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_bad_input_is_one_line_and_writes_nothing(
    case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments, named = case(tmp_path)
    before = contents(tmp_path)
    capfd.readouterr()
    code = main(arguments)
    output = capfd.readouterr()
    lines = [line for line in output.err.splitlines() if line.strip() and not line.startswith("reading images")]
    assert code == 2, output.err
    assert len(lines) == 1, output.err
    assert named in lines[0]
    assert output.out == ""
    assert contents(tmp_path) == before


def test_a_plan_is_not_overwritten(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    area = make_area(
        tmp_path,
        polygon([[88.895, 23.035], [88.8975, 23.035], [88.8975, 23.0368], [88.895, 23.0368], [88.895, 23.035]]),
    )
    arguments = ["plan", str(area), "-o", str(tmp_path / "mission"), "--home", "23.036,88.896"]
    assert main(arguments) == 0
    before = contents(tmp_path)
    assert main(arguments) == 2
    assert contents(tmp_path) == before
    assert "--force" in capfd.readouterr().err
    assert main([*arguments, "--force"]) == 0
