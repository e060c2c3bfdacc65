"""`picket ingest FLIGHT --log`: what the link missed comes from the vehicle's own log."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mapping" / "ground"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "missions" / "flying"))

from test_dataflash import UTC_AT_BOOT_S, write_log

from mapping.ground.camera import load_camera
from mapping.tables import FRAMES, TRACK
from missions.flying.dronekit_compat import mavlink
from missions.flying.recorder import Recorder
from picket.cli import main


def packed(message: Any) -> Any:
    message.pack(mavlink.MAVLink(None, srcSystem=1, srcComponent=1))
    return message


@pytest.fixture
def flight(tmp_path: Path) -> Path:
    """Four photos were taken; of the second and third the link told nothing."""
    folder = tmp_path / "flight"
    with Recorder(folder, load_camera("boson640-14"), {}) as recorder:
        for second in (0, 1, 16, 17):
            utc_us = int((UTC_AT_BOOT_S + second) * 1e6)
            recorder.received(packed(mavlink.MAVLink_system_time_message(utc_us, second * 1000)))
            place = (230_000_000 + second * 100, 880_000_000, 70_000, 60_000, 0, 0, 0, 0)
            recorder.received(packed(mavlink.MAVLink_global_position_int_message(second * 1000, *place)))
        recorder.update(ended="landed", photos_missing=[2, 3])
    for number in range(1, 5):
        picture = np.full((512, 640), 40 * number, np.uint8)
        assert cv2.imwrite(str(folder / "images" / f"IMG_{number:05d}.jpg"), picture)
    return folder


def test_the_gap_is_filled_and_the_log_kept(flight: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "00000012.BIN"
    write_log(log)
    telemetry = (flight / "telemetry.tlog").read_bytes()
    assert main(["ingest", str(flight), "--log", str(log), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["filled"] == [2, 3]
    assert FRAMES.read(flight / "frames.parquet")["lat_deg"].null_count == 0
    assert TRACK.read(flight / "track.parquet").num_rows == 200
    facts = json.loads((flight / "flight.json").read_text())
    assert (facts["photos_missing"], facts["ended"]) == ([], "landed")
    assert (flight / "vehicle.bin").read_bytes() == log.read_bytes()
    assert (flight / "telemetry.tlog").read_bytes() == telemetry


def test_the_log_of_another_day_changes_nothing(
    flight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("test_dataflash.UTC_AT_BOOT_S", UTC_AT_BOOT_S + 86_400)
    log = tmp_path / "1.bin"
    write_log(log)
    frames = (flight / "frames.parquet").read_bytes()
    assert main(["ingest", str(flight), "--log", str(log)]) == 2
    assert "another time than this flight" in capsys.readouterr().err
    assert (flight / "frames.parquet").read_bytes() == frames
    assert not (flight / "vehicle.bin").exists()


def test_images_from_elsewhere_take_their_poses_from_the_log(flight: Path, tmp_path: Path) -> None:
    log = tmp_path / "1.bin"
    write_log(log)
    made = tmp_path / "made"
    arguments = ["ingest", str(flight / "images"), "-o", str(made), "--log", str(log), "--camera", "boson640-14"]
    assert main(arguments) == 0
    assert FRAMES.read(made / "frames.parquet")["alt_home_m"].to_pylist() == [60.0] * 4
    assert (made / "vehicle.bin").is_file()


@pytest.mark.parametrize(
    ("more", "words"),
    [(["--tlog", "a.tlog", "--log", "b.bin"], "not both"), ([], "--output"), (["--log", "none.bin"], "no such log")],
)
def test_what_does_not_go_together_is_bad_input(
    flight: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", str(flight), *more]) == 2
    assert words in capsys.readouterr().err
