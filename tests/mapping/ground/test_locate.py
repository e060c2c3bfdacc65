"""The whole step: frames and detections in, places, sightings and the ground imaged out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyproj import Geod

from mapping.ground.belief import MOST, sighting_confidence
from mapping.ground.camera import load_camera, project
from mapping.ground.frames import frames_from_log
from mapping.ground.locate import Located, locate, locate_flights
from mapping.ground.marks import MARKED, read_marks
from mapping.ground.placing import FlightData
from mapping.ground.pose import Poses
from mapping.ground.telemetry import read_tlog
from mapping.ground.terrain import read_terrain
from mapping.tables import FRAMES, PLACES, SIGHTINGS
from vision.errors import InputError
from vision.table import DETECTIONS

GEOD = Geod(ellps="WGS84")
LAT, LON = 46.5, 9.8
BOSON = load_camera("boson640-14")


def frames_table(count: int, **columns: Any) -> pa.Table:
    """Frames at 10 m spacing flying north at 60 m, camera down, one a second, unless said otherwise."""
    lat = [GEOD.fwd(LON, LAT, 0.0, 10.0 * number)[1] for number in range(count)]
    usual = {
        "time_s": 1.8e9 + np.arange(count),
        "lat_deg": lat,
        "lon_deg": LON,
        "alt_amsl_m": 560.0,
        "alt_home_m": 60.0,
        "yaw_deg": 0.0,
        "pitch_deg": -90.0,
        "roll_deg": 0.0,
        "sigma_position_m": 1.0,
        "sigma_height_m": 1.5,
        "sigma_attitude_deg": 0.5,
        "sigma_time_s": 0.05,
    }
    return FRAMES.build(
        {
            "frame_id": [f"f{number:05d}" for number in range(count)],
            "file": [f"images/{number:05d}.jpg" for number in range(count)],
            "camera": [BOSON.name] * count,
            **Poses.from_columns(count, **{**usual, **columns}).columns(),
        }
    )


def detections_table(
    rows: Sequence[tuple[int, str, float, tuple[float, float, float, float]]], **same: str
) -> pa.Table:
    """Rows of frame number, class, confidence and box."""
    return DETECTIONS.from_rows(
        {
            "detection_id": f"f{frame:05d}-{number:03d}",
            "frame_id": f"f{frame:05d}",
            "class": name,
            "label": name,
            "confidence": confidence,
            "x1_px": box[0],
            "y1_px": box[1],
            "x2_px": box[2],
            "y2_px": box[3],
            "model": "0" * 64,
            **same,
        }
        for number, (frame, name, confidence, box) in enumerate(rows)
    )


def box_over(frames: pa.Table, frame: int, east_m: float, north_m: float, half: float = 8.0) -> tuple[float, ...]:
    """The box round a place (metres from the first frame) as the frame shows it."""
    poses = Poses.from_frames(frames)
    lon, lat, _ = GEOD.fwd(LON, LAT, np.degrees(np.arctan2(east_m, north_m)), np.hypot(east_m, north_m))
    bearing, _, level = GEOD.inv(poses.lon_deg[frame], poses.lat_deg[frame], lon, lat)
    ned = [level * np.cos(np.radians(bearing)), level * np.sin(np.radians(bearing)), poses.alt_home_m[frame]]
    x, y = project(BOSON, poses.rotation[frame].inv().apply(ned)[None])[0]
    return x - half, y - half, x + half, y + half


def off_m(row: dict[str, Any], east_m: float, north_m: float) -> float:
    lon, lat, _ = GEOD.fwd(LON, LAT, np.degrees(np.arctan2(east_m, north_m)), np.hypot(east_m, north_m))
    return GEOD.inv(lon, lat, row["lon_deg"], row["lat_deg"])[2]


def test_detections_of_one_object_become_one_sighting() -> None:
    frames = frames_table(4)
    rows = [(frame, "vehicle", 0.8, box_over(frames, frame, 4.0, 12.0)) for frame in (0, 1, 2)]
    rows += [(frame, "person", 0.6, box_over(frames, frame, 4.0, 17.0, 4.0)) for frame in (1, 2)]
    located = locate(frames, detections_table(rows), BOSON)
    assert located.sightings.schema.equals(SIGHTINGS.columns)
    assert located.places.schema.equals(PLACES.columns)
    vehicle, person = located.sightings.to_pylist()
    assert (vehicle["class"], vehicle["n_frames"]) == ("vehicle", 3)
    assert vehicle["detection_ids"] == ["f00000-000", "f00001-001", "f00002-002"]
    assert off_m(vehicle, 4.0, 12.0) < 0.15
    assert vehicle["alt_amsl_m"] == pytest.approx(500.0)
    assert vehicle["object"] is None
    assert (vehicle["last_seen_utc"] - vehicle["first_seen_utc"]).total_seconds() == 2.0
    assert (person["class"], person["n_frames"]) == ("person", 2)
    assert off_m(person, 4.0, 17.0) < 0.15
    assert vehicle["ellipse_major_m"] >= vehicle["ellipse_minor_m"] > 2.4  # no better than the position of the flight
    assert located.places["sighting_id"].to_pylist() == [vehicle["sighting_id"]] * 3 + [person["sighting_id"]] * 2
    assert vehicle["speed_m_s"] is vehicle["heading_deg"] is None
    assert located.unlocated == {}
    assert any("level" in note for note in located.notes)


def test_confidence_weighs_what_was_found_against_the_chances_there_were() -> None:
    assert 0.05 < sighting_confidence([0.2], 1) < 0.3
    assert sighting_confidence([0.8], 2) > 0.8
    assert sighting_confidence([0.4], 1) > sighting_confidence([0.4], 2) > sighting_confidence([0.4], 4)
    assert sighting_confidence([0.5] * 40, 40) <= MOST < 1.0
    # correlated: forty weak looks are not forty times one
    assert sighting_confidence([0.25] * 40, 40) < sighting_confidence([0.25] * 10, 10) + 0.1 < 0.9
    frames = frames_table(4)
    # 13 m ahead of frame 0: in the picture of frames 0 (just), 1 and 2, not of frame 3
    often = [(frame, "person", 0.5, box_over(frames, frame, 0.0, 11.0, 4.0)) for frame in (0, 1, 2)]
    once = [(1, "person", 0.5, box_over(frames, 1, -9.0, 11.0, 4.0))]
    table = detections_table(often + once)
    found = locate(frames, table, BOSON, least_confidence={}).sightings.to_pylist()
    expected = [sighting_confidence([0.5] * 3, 3), sighting_confidence([0.5], 3)]
    assert [row["confidence"] for row in found] == pytest.approx(expected)


@pytest.mark.parametrize("cut", [(300, 0, 340, 25), (300, 487, 340, 512), (0, 200, 40, 225), (599, 200, 639.5, 225)])
def test_what_the_edge_of_the_picture_cuts_says_less(cut: tuple[float, float, float, float]) -> None:
    table = detections_table([(0, "vehicle", 0.6, (300, 240, 340, 265)), (0, "vehicle", 0.6, cut)])
    rows = locate(frames_table(1), table, BOSON, least_confidence={}).sightings.to_pylist()
    said = {row["detection_ids"][0]: row["confidence"] for row in rows}
    assert said["f00000-000"] == pytest.approx(sighting_confidence([0.6], 1))
    assert said["f00000-001"] == pytest.approx(sighting_confidence([0.6], 1, [True]))
    assert said["f00000-001"] < said["f00000-000"]


def test_a_frame_that_was_not_searched_was_no_chance() -> None:
    frames = frames_table(4)
    table = detections_table([(1, "person", 0.5, box_over(frames, 1, 0.0, 11.0, 4.0))])
    flight = FlightData(frames, table, BOSON, searched=frozenset({"f00001"}))
    (row,) = locate_flights([flight], least_confidence={}).sightings.to_pylist()
    assert row["confidence"] == pytest.approx(sighting_confidence([0.5], 1))


def test_a_mark_in_a_box_and_the_box_are_one_sighting() -> None:
    frames = frames_table(3)
    seen = [(frame, "person", 0.7, box_over(frames, frame, 2.0, 10.0, 4.0)) for frame in range(3)]
    other = [(1, "person", 0.9, box_over(frames, 1, -8.0, 10.0, 4.0))]
    marks = detections_table([(1, "object", 1.0, box_over(frames, 1, 2.2, 10.1, 0.0))], model=MARKED, label="guide")
    marks = marks.set_column(0, marks.schema.field(0), pa.array(["f00001-mark-guide"]))
    located = locate(frames, pa.concat_tables([detections_table(seen + other), marks]), BOSON)
    named, alone = sorted(located.sightings.to_pylist(), key=lambda row: row["object"] or "~")
    assert (named["object"], named["class"], named["n_frames"], named["confidence"]) == ("guide", "person", 3, MOST)
    assert "f00001-mark-guide" in named["detection_ids"]
    assert len(named["detection_ids"]) == 4
    assert (alone["object"], alone["n_frames"]) == (None, 1)


def test_ids_stay_when_other_things_are_added() -> None:
    frames = frames_table(8)
    rows = [(frame, "vehicle", 0.8, box_over(frames, frame, 4.0, 12.0)) for frame in (0, 1, 2)]
    (before,) = locate(frames, detections_table(rows), BOSON).sightings["sighting_id"].to_pylist()
    assert re.fullmatch("S[0-9A-HJKMNP-TV-Z]{6}", before)
    more = [*rows, *((frame, "vehicle", 0.8, box_over(frames, frame, -6.0, 52.0)) for frame in (4, 5, 6))]
    after = locate(frames, detections_table(more), BOSON).sightings["sighting_id"].to_pylist()
    assert before in after
    assert len(set(after)) == 2


def test_one_object_in_two_flights_is_one_sighting_with_the_first_ones_name() -> None:
    flights = []
    for number, name in enumerate(("dawn", "noon")):
        frames = frames_table(4, time_s=1.8e9 + 7200.0 * number + np.arange(4))
        rows = [(frame, "vehicle", 0.8, box_over(frames, frame, 4.0 + number, 12.0)) for frame in (0, 1, 2)]
        rows += [(frame, "person", 0.8, box_over(frames, frame, -5.0 + number, 14.0, 4.0)) for frame in (1, 2)]
        flights.append(FlightData(frames, detections_table(rows), BOSON, name=name))
    alone = [locate_flights([replace(one, name="")]).sightings for one in flights]
    both = locate_flights(flights)
    assert both.sightings["sighting_id"].to_pylist() == alone[0]["sighting_id"].to_pylist()
    vehicle = both.sightings.to_pylist()[0]
    assert vehicle["n_frames"] == 6
    assert {name.split("/")[0] for name in vehicle["detection_ids"]} == {"dawn", "noon"}
    assert len(both.places_of) == 2
    assert vehicle["ellipse_major_m"] < alone[0]["ellipse_major_m"][0].as_py()


def test_a_walker_has_a_speed_and_stands_where_it_was_last() -> None:
    frames = frames_table(8, lat_deg=LAT + 0.0 * np.arange(8))
    rows = [(frame, "person", 0.8, box_over(frames, frame, -6.0 + 1.4 * frame, 0.0, 4.0)) for frame in range(8)]
    (row,) = locate(frames, detections_table(rows), BOSON).sightings.to_pylist()
    assert row["n_frames"] == 8
    assert row["speed_m_s"] == pytest.approx(1.4, abs=0.1)
    assert row["heading_deg"] == pytest.approx(90.0, abs=3.0)
    assert off_m(row, -6.0 + 1.4 * 7, 0.0) < 0.5


def test_weak_evidence_is_no_sighting_but_keeps_its_place() -> None:
    frames = frames_table(4)
    rows = [(frame, "vehicle", 0.5, box_over(frames, frame, 0.0, 11.0)) for frame in (0, 1, 2)]
    rows += [(1, "vehicle", 0.6, box_over(frames, 1, -9.0, 11.0)), (1, "person", 0.6, box_over(frames, 1, 9.0, 11.0))]
    located = locate(frames, detections_table(rows), BOSON)
    assert sorted(located.sightings["class"].to_pylist()) == ["person", "vehicle"]
    faint = located.places.to_pylist()[3]
    assert faint["lat_deg"] is not None
    assert faint["sighting_id"] is None
    assert "too weakly" in faint["reason"]
    assert any("1 possible object was" in note for note in located.notes)
    assert locate(frames, detections_table(rows), BOSON, least_confidence={}).sightings.num_rows == 3


def test_two_classes_on_the_same_pixels_are_one_thing() -> None:
    frames = frames_table(1)
    rows = [
        (0, "bicycle", 0.4, (100.0, 100.0, 120.0, 120.0)),
        (0, "person", 0.7, (101.0, 100.0, 121.0, 121.0)),
        (0, "vehicle", 0.9, (300.0, 300.0, 360.0, 340.0)),
        (0, "person", 0.5, (340.0, 310.0, 352.0, 326.0)),  # stands in front of the vehicle
    ]
    located = locate(frames, detections_table(rows), BOSON)
    assert sorted(located.sightings["class"].to_pylist()) == ["person", "person", "vehicle"]
    places = located.places.to_pylist()
    assert places[0]["sighting_id"] is None
    assert "more confident box" in places[0]["reason"]
    assert places[0]["lat_deg"] is not None
    assert [row["reason"] for row in places[1:]] == [None] * 3
    assert located.unlocated == {}
    assert any("1 detection gave way" in note for note in located.notes)


def test_what_has_no_place_says_what_is_missing() -> None:
    nan = np.nan
    frames = frames_table(
        5,
        lat_deg=[LAT, nan, LAT, LAT, LAT],
        alt_home_m=[60.0, 60.0, nan, 60.0, 60.0],
        yaw_deg=[0.0, 0.0, 0.0, nan, 0.0],
        pitch_deg=[-90.0, -90.0, -90.0, -90.0, 20.0],
    )
    box = (300.0, 200.0, 320.0, 220.0)
    located = locate(frames, detections_table([(frame, "person", 0.5, box) for frame in (0, 1, 1, 2, 3, 4)]), BOSON)
    assert located.sightings.num_rows == 1
    assert list(located.unlocated.values()) == [2, 1, 1, 1]
    for words, reason in zip(["position", "height above", "attitude", "horizon"], located.unlocated, strict=True):
        assert words in reason
    lost = located.places.to_pylist()[1:]
    assert all(row["lat_deg"] is None and row["ce90_m"] is None and row["sighting_id"] is None for row in lost)
    assert all(row["reason"] for row in lost)
    assert any("4 of 5 frames" in note for note in located.notes)


def test_pictures_without_any_position_are_no_error() -> None:
    unknown = dict.fromkeys(Poses.__dataclass_fields__, np.nan)
    located = locate(frames_table(2, **unknown), detections_table([(1, "person", 0.5, (1.0, 1.0, 9.0, 9.0))]), BOSON)
    assert located.sightings.num_rows == 0
    assert located.coverage.searched.is_empty
    assert sum(located.unlocated.values()) == 1
    assert "--tlog" in next(iter(located.unlocated))


def test_nothing_detected_is_an_empty_answer_with_coverage() -> None:
    located = locate(frames_table(3), detections_table([]), BOSON)
    assert located.sightings.num_rows == located.places.num_rows == 0
    assert abs(GEOD.geometry_area_perimeter(located.coverage.searched)[0]) > 800.0
    assert locate(frames_table(0), detections_table([]), BOSON).coverage.searched.is_empty


def test_a_detection_of_another_flight_is_refused() -> None:
    with pytest.raises(InputError, match="f00007 is not in this flight"):
        locate(frames_table(2), detections_table([(7, "person", 0.5, (1.0, 1.0, 2.0, 2.0))]), BOSON)


def test_marks_fuse_by_name_and_keep_it() -> None:
    frames = frames_table(3)
    boxes = [box_over(frames, frame, 2.0, 10.0 + 6.0 * (frame == 2), 0.0) for frame in range(3)]
    rows = [(frame, "object", 1.0, boxes[frame]) for frame in range(3)]
    marks = detections_table(rows, model=MARKED, label="tent")
    (row,) = locate(frames, marks, BOSON).sightings.to_pylist()
    assert (row["object"], row["class"], row["confidence"], row["n_frames"]) == ("tent", "object", MOST, 3)


def test_marks_that_contradict_each_other_are_named_with_their_pictures() -> None:
    frames = frames_table(3)
    boxes = [box_over(frames, frame, 2.0, north_m, 0.0) for frame, north_m in enumerate((9.8, 10.0, 19.0))]
    rows = [(frame, "object", 1.0, boxes[frame]) for frame in range(3)]
    located = locate(frames, detections_table(rows, model=MARKED, label="tent"), BOSON)
    (note,) = [note for note in located.notes if "contradict" in note]
    assert note.startswith("Marks of 'tent' contradict each other: 00000.jpg and 00002.jpg put it 9 m apart")
    (row,) = located.sightings.to_pylist()
    fine = locate(frames, detections_table(rows[:2], model=MARKED, label="tent"), BOSON)
    assert not any("contradict" in note for note in fine.notes)
    assert row["ellipse_major_m"] > 2.0 * fine.sightings["ellipse_major_m"][0].as_py()


def test_the_same_input_gives_the_same_tables_in_any_order() -> None:
    rng = np.random.default_rng(7)
    frames = frames_table(12)
    rows = []
    for east, north in rng.uniform([-12.0, 0.0], [12.0, 100.0], (30, 2)):
        for frame in range(12):
            box = box_over(frames, frame, east + rng.normal(0.0, 0.2), north + rng.normal(0.0, 0.2), 5.0)
            if box[0] > 0 and box[2] < 640 and box[1] > 0 and box[3] < 512:
                rows.append((frame, "person", 0.5, box))
    table = detections_table(rows)
    one, two = locate(frames, table, BOSON), locate(frames, table, BOSON)
    assert one.sightings.equals(two.sightings)
    assert one.places.equals(two.places)
    shuffled = table.take(rng.permutation(table.num_rows))
    ids = {tuple(sorted(row["detection_ids"])): row["sighting_id"] for row in one.sightings.to_pylist()}
    other = locate(frames, shuffled, BOSON).sightings.to_pylist()
    assert {tuple(sorted(row["detection_ids"])): row["sighting_id"] for row in other} == ids
    times = one.sightings["first_seen_utc"].to_pylist()
    assert times == sorted(times)


def test_an_elevation_model_lifts_places_to_its_ground(tmp_path: Path, write_model: Callable[..., Path]) -> None:
    columns, _ = np.meshgrid(np.arange(40.0), np.arange(40.0))
    terrain = read_terrain(write_model(tmp_path / "dem.tif", 500.0 + 6.0 * (columns - 19.5), cell=20.0))
    frames = frames_table(1)
    detections = detections_table([(0, "vehicle", 0.9, (560.0, 246.0, 580.0, 266.0))])
    (row,) = locate(frames, detections, BOSON, terrain, home=(LAT, LON)).sightings.to_pylist()
    # 250 px right of the middle: x = h(x) 250 / f with h = 60 - 0.3 x
    slope, ray = 0.3, 250.0 / BOSON.fx_px
    east = 60.0 * ray / (1.0 + slope * ray)
    assert off_m(row, east, 0.0) < 0.25
    assert row["alt_amsl_m"] == pytest.approx(500.0 + slope * east, abs=0.2)
    assert "take-off point" in locate(frames, detections, BOSON, terrain).notes[0]


@pytest.fixture(scope="module")
def barrels(shared: Path) -> Located:
    """The recorded flight with its hand-made marks, uncalibrated."""
    folder = shared / "data" / "flights" / "cuav-2018"
    camera = load_camera(folder / "camera.json")
    images = sorted(folder.glob("*.jpg"))
    frames = frames_from_log(read_tlog(folder / "flight.tlog"), camera, images, root=folder)
    return locate(frames, read_marks(folder / "marks.csv", frames), camera)


BARRELS = {"barrel-A": (-35.362669, 149.164242), "barrel-C": (-35.363027, 149.164295)}


def test_every_mark_of_a_recorded_flight_gets_a_place(barrels: Located) -> None:
    assert barrels.places.num_rows == 20
    assert barrels.places["lat_deg"].null_count == 0
    assert barrels.unlocated == {}
    assert sorted(barrels.sightings["object"].to_pylist()) == ["barrel-A", "barrel-C"]
    assert sorted(barrels.sightings["n_frames"].to_pylist()) == [8, 12]


def test_surveyed_barrels_are_within_five_metres_and_their_ellipses(barrels: Located) -> None:
    names = {row["sighting_id"]: row["object"] for row in barrels.sightings.to_pylist()}
    for name, (lat, lon) in BARRELS.items():
        errors = [
            GEOD.inv(lon, lat, row["lon_deg"], row["lat_deg"])[2]
            for row in barrels.places.to_pylist()
            if names[row["sighting_id"]] == name
        ]
        assert np.median(errors) <= 5.0
        (row,) = [row for row in barrels.sightings.to_pylist() if row["object"] == name]
        assert GEOD.inv(lon, lat, row["lon_deg"], row["lat_deg"])[2] < row["ce90_m"] < 10.0
