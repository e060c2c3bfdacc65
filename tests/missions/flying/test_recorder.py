"""What a recorder keeps, from real MAVLink frames, also when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pymavlink import mavutil

from mapping.ground.camera import Camera, load_camera
from mapping.ground.metadata import read_image_pose
from mapping.tables import FRAMES, TRACK
from missions.flying.dronekit_compat import mavlink
from missions.flying.recorder import Recorder, recover
from vision.errors import InputError

BOOT_UTC_S = 1_795_300_000.0
LAT, LON = 23.0412, 88.8972


def flight_messages(photos: int) -> Iterator[Any]:
    """Ten seconds on the ground, then a photo every two seconds flying north, as packed messages."""
    line = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)

    def packed(message: Any) -> Any:
        message.pack(line)
        return message

    yield packed(mavlink.MAVLink_heartbeat_message(2, 3, 81, 0, 4, 3))
    for step in range(20 + 4 * photos):
        boot_ms = 500 * step
        lat = LAT + max(0, step - 20) * 2e-5
        yield packed(mavlink.MAVLink_system_time_message(int((BOOT_UTC_S + boot_ms / 1e3) * 1e6), boot_ms))
        yield packed(mavlink.MAVLink_attitude_message(boot_ms, 0.01, -0.02, 0.3, 0, 0, 0))
        yield packed(
            mavlink.MAVLink_global_position_int_message(
                boot_ms, round(lat * 1e7), round(LON * 1e7), 70_000, 60_000, 0, 0, 0, 1700
            )
        )
        if step >= 20 and step % 4 == 0:
            number = (step - 20) // 4 + 1
            taken_us = int((BOOT_UTC_S + boot_ms / 1e3) * 1e6)
            yield packed(
                mavlink.MAVLink_camera_feedback_message(
                    taken_us, 1, 0, number, round(lat * 1e7), round(LON * 1e7), 70.0, 60.0, 0.5, -1.0, 17.0, 0.0, 0
                )
            )


def write_images(folder: Path, numbers: range) -> None:
    for number in numbers:
        beside = folder / f".IMG_{number:05d}.jpg.part"
        done, encoded = cv2.imencode(".jpg", np.full((64, 80), number, np.uint8))
        assert done
        beside.write_bytes(encoded.tobytes())
        beside.rename(folder / f"IMG_{number:05d}.jpg")


@pytest.fixture
def camera() -> Camera:
    return load_camera("boson640-14")


def test_a_flight_is_kept_whole(tmp_path: Path, camera: Camera) -> None:
    card = tmp_path / "card"
    card.mkdir()
    messages = list(flight_messages(5))
    with Recorder(tmp_path / "flight", camera, {"sortie": 1, "drone": "x500"}, images_source=card) as recorder:
        started = json.loads((tmp_path / "flight" / "flight.json").read_text())
        assert started["ended"] is None
        assert started["drone"] == "x500"
        for message in messages:
            recorder.received(message)
        recorder.sent(messages[0])
        recorder.event("mode", mode="AUTO")
        late = threading.Timer(0.5, write_images, (card, range(1, 6)))
        late.start()
        recorder.update(ended="landed", photos_taken=5)
    late.join()
    folder = tmp_path / "flight"
    assert recorder.failure is None
    facts = json.loads((folder / "flight.json").read_text())
    assert (facts["ended"], facts["camera"], facts["photos_taken"]) == ("landed", "boson640-14", 5)
    assert facts["versions"]["pymavlink"]
    assert (started["complete"], facts["complete"]) == (False, True)
    event = json.loads((folder / "events.jsonl").read_text())
    assert (event["event"], event["mode"]) == ("mode", "AUTO")

    log = mavutil.mavlogfile(str(folder / "telemetry.tlog"))
    heard = []
    while (message := log.recv_msg()) is not None:
        heard.append(message)
    log.close()
    assert [message.get_msgbuf() for message in heard] == [m.get_msgbuf() for m in [*messages, messages[0]]]
    assert abs(heard[0]._timestamp - time.time()) < 60

    track = TRACK.read(folder / "track.parquet")
    assert track.num_rows == 40
    frames = FRAMES.read(folder / "frames.parquet")
    assert frames["file"].to_pylist() == [f"images/IMG_{number:05d}.jpg" for number in range(1, 6)]
    assert frames["alt_home_m"].to_pylist() == [60.0] * 5
    assert frames["time_utc"][0].as_py().timestamp() == pytest.approx(BOOT_UTC_S + 10.0)
    said = read_image_pose(folder / "images" / "IMG_00003.jpg")
    assert said.lat_deg == pytest.approx(frames["lat_deg"][2].as_py(), abs=1e-7)
    assert read_image_pose(card / "IMG_00003.jpg").lat_deg is None
    assert not list(folder.rglob("*.part"))


def test_a_flight_nobody_ended_counts_as_interrupted(tmp_path: Path, camera: Camera) -> None:
    Recorder(tmp_path, camera, {}).close()
    assert json.loads((tmp_path / "flight.json").read_text())["ended"] == "interrupted"


def test_photos_whose_images_stay_on_the_card_have_their_poses(tmp_path: Path, camera: Camera) -> None:
    with Recorder(tmp_path, camera, {}) as recorder:
        for message in flight_messages(5):
            recorder.received(message)
        write_images(tmp_path / "images", range(2, 4))
        recorder.update(ended="landed")
    assert recorder.failure is None
    frames = FRAMES.read(tmp_path / "frames.parquet")
    assert frames["file"].to_pylist() == ["images/IMG_00002.jpg", "images/IMG_00003.jpg", None, None, None]
    assert frames["frame_id"].to_pylist() == [f"f{number:05d}" for number in range(1, 6)]
    seconds = [round(moment.as_py().timestamp() - BOOT_UTC_S) for moment in frames["time_utc"]]
    assert len(set(seconds)) == 5
    assert seconds[2:] == sorted(seconds[2:])
    assert frames["alt_home_m"].to_pylist() == [60.0] * 5
    assert frames["pitch_deg"].null_count == 0


def test_an_error_while_recording_is_named_in_the_folder(tmp_path: Path, camera: Camera) -> None:
    with pytest.raises(RuntimeError), Recorder(tmp_path, camera, {}):
        raise RuntimeError("the cable fell out")
    facts = json.loads((tmp_path / "flight.json").read_text())
    assert (facts["ended"], facts["reason"]) == ("failed", "the cable fell out")


def test_a_failure_to_keep_tables_stops_nothing(tmp_path: Path, camera: Camera) -> None:
    with Recorder(tmp_path, camera, {}) as recorder:
        (tmp_path / "track.parquet").mkdir()
        for message in flight_messages(2):
            recorder.received(message)
        recorder.update(ended="landed")
    assert recorder.failure is not None
    facts = json.loads((tmp_path / "flight.json").read_text())
    assert facts["ended"] == "landed"
    assert "track and frames cannot be kept" in facts["recording_failed"]
    assert not facts["complete"]
    (tmp_path / "track.parquet").rmdir()
    recover(tmp_path, camera)
    assert TRACK.read(tmp_path / "track.parquet").num_rows == 28


def test_a_folder_with_a_flight_is_not_written_over(tmp_path: Path, camera: Camera) -> None:
    Recorder(tmp_path, camera, {}).close()
    with pytest.raises(InputError, match="already holds a flight"):
        Recorder(tmp_path, camera, {})


def test_an_image_that_takes_no_pose_is_kept_and_named(tmp_path: Path, camera: Camera) -> None:
    card = tmp_path / "card"
    card.mkdir()
    (card / "IMG_00001.png").write_bytes(cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes())
    with Recorder(tmp_path / "flight", camera, {}, images_source=card) as recorder:
        for message in flight_messages(1):
            recorder.received(message)
        recorder.update(ended="landed")
    assert (tmp_path / "flight" / "images" / "IMG_00001.png").is_file()
    assert "image_without_pose" in (tmp_path / "flight" / "events.jsonl").read_text()


KILLED = """
    import sys, time
    from pathlib import Path
    sys.path[:0] = {path!r}
    from test_recorder import flight_messages, write_images
    from mapping.ground.camera import load_camera
    from mapping.tables import FRAMES
    from missions.flying.recorder import Recorder

    card = Path({card!r})
    recorder = Recorder(Path({folder!r}), load_camera("boson640-14"), {{}}, images_source=card)
    for index, message in enumerate(flight_messages(5)):
        recorder.received(message)
        recorder.event("heard", index=index)
    write_images(card, range(1, 4))
    frames = recorder.folder / "frames.parquet"
    while not frames.is_file() or FRAMES.read(frames)["file"].null_count > 2:
        time.sleep(0.05)
    for message in flight_messages(5):
        recorder.received(message)
    recorder.update(**{ended!r})
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("ended", [None, "landed"])
def test_sigkill_leaves_everything_readable_and_recover_completes_it(
    tmp_path: Path, camera: Camera, ended: str | None
) -> None:
    folder, card = tmp_path / "flight", tmp_path / "card"
    card.mkdir()
    here = Path(__file__).resolve()
    path = [str(here.parent), str(here.parents[3])]
    script = textwrap.dedent(KILLED).format(path=path, card=str(card), folder=str(folder), ended={"ended": ended})
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGKILL)
    facts = json.loads((folder / "flight.json").read_text())
    assert (facts["ended"], facts["complete"]) == (ended, False)
    count = len(list(flight_messages(5)))
    assert [json.loads(line)["index"] for line in (folder / "events.jsonl").read_text().splitlines()] == [*range(count)]
    assert TRACK.read(folder / "track.parquet").num_rows == 40
    pictured = [f"images/IMG_{number:05d}.jpg" for number in range(1, 4)]
    assert FRAMES.read(folder / "frames.parquet")["file"].to_pylist() == [*pictured, None, None]

    with (folder / "telemetry.tlog").open("ab") as file:
        file.write(b"\x00\x06\x00")
    halves = [folder / ".frames.parquet.part", folder / "images" / ".IMG_00009.jpg.part"]
    for half in halves:
        half.write_bytes(b"half")
    recover(folder, camera)
    recover(folder, camera)
    facts = json.loads((folder / "flight.json").read_text())
    assert (facts["ended"], facts["complete"]) == (ended or "interrupted", True)
    assert not any(half.exists() for half in halves)
    assert TRACK.read(folder / "track.parquet").num_rows == 40
    frames = FRAMES.read(folder / "frames.parquet")
    assert frames["file"].to_pylist() == [*pictured, None, None]
    assert frames["alt_home_m"].to_pylist() == [60.0] * 5
    assert read_image_pose(folder / "images" / "IMG_00002.jpg").lat_deg == pytest.approx(LAT + 4 * 2e-5, abs=1e-6)


def test_recover_needs_a_flight(tmp_path: Path, camera: Camera) -> None:
    with pytest.raises(InputError, match=r"flight\.json"):
        recover(tmp_path, camera)


FULL = """
    import json, resource, sys
    from pathlib import Path
    sys.path[:0] = {path!r}
    from test_recorder import flight_messages
    from mapping.ground.camera import load_camera
    from missions.flying import recorder as module

    # A limit on the size of files cuts a write short and refuses the next, as a disk does that is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (module.SPARE_BYTES + 1000,) * 2)
    with module.Recorder(Path({folder!r}), load_camera("boson640-14"), {{}}) as recorder:
        messages = list(flight_messages(40))
        while recorder.failure is None:
            for message in messages:
                recorder.received(message)
                recorder.event("heard", words="x" * 150)
        print(recorder.failure, flush=True)
        recorder.event("after", words="x")
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, module.SPARE_BYTES + 1000))
        recorder.update(ended="landed")
        resource.setrlimit(resource.RLIMIT_FSIZE, (module.SPARE_BYTES + 1000,) * 2)
"""


def test_a_full_disk_is_told_at_once_and_leaves_whole_lines_and_messages(tmp_path: Path) -> None:
    folder, here = tmp_path / "flight", Path(__file__).resolve()
    script = textwrap.dedent(FULL).format(path=[str(here.parent), str(here.parents[3])], folder=str(folder))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "cannot be written (File too large)" in run.stdout
    facts = json.loads((folder / "flight.json").read_text())
    assert (facts["ended"], facts["complete"]) == ("landed", False)
    assert "cannot be written" in facts["recording_failed"]
    for line in (folder / "events.jsonl").read_text().splitlines():
        assert json.loads(line)["event"] == "heard"
    log = mavutil.mavlogfile(str(folder / "telemetry.tlog"))
    kinds = []
    while (message := log.recv_msg()) is not None:
        kinds.append(message.get_type())
    log.close()
    assert kinds
    assert "BAD_DATA" not in kinds
    assert not (folder / ".spare").exists()


def test_an_event_cut_off_by_a_power_cut_is_taken_away(tmp_path: Path, camera: Camera) -> None:
    recorder = Recorder(tmp_path, camera, {})
    for message in flight_messages(1):
        recorder.received(message)
    recorder.event("mode", mode="AUTO")
    recorder.close()
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"event": "bat')
    recover(tmp_path, camera)
    assert [json.loads(line)["event"] for line in (tmp_path / "events.jsonl").read_text().splitlines()] == ["mode"]


def test_the_room_a_flight_needs_grows_with_its_photos(tmp_path: Path, camera: Camera) -> None:
    with (
        Recorder(tmp_path / "a", camera, {}) as plain,
        Recorder(tmp_path / "b", camera, {}, images_source=tmp_path) as b,
    ):
        assert plain.room(100, 60.0)[0] < b.room(100, 60.0)[0] < b.room(200, 60.0)[0]
        assert plain.room(1, 1.0)[1] > 0
