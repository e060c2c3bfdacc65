from __future__ import annotations

from pathlib import Path

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from mapping.ground.accuracy import AT_TRIGGER, accuracy_of
from mapping.ground.camera import load_camera
from mapping.ground.telemetry import TelemetryLog

STRAPPED, GIMBAL = load_camera("boson640-14"), load_camera("h20t-thermal")


def fix(kind: int, claimed_mm: int) -> mavlink.MAVLink_gps_raw_int_message:
    return mavlink.MAVLink_gps_raw_int_message(0, kind, 0, 0, 0, 90, 140, 0, 0, 12, 0, claimed_mm, 0, 0, 0)


def log_of(*fixes: mavlink.MAVLink_gps_raw_int_message) -> TelemetryLog:
    log, sender = TelemetryLog(), mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    for message in fixes:
        message.pack(sender)
        log.add(mavlink.MAVLink(None).parse_char(message.get_msgbuf()), 1.8e9)
    return log


def test_better_receivers_are_trusted_more_but_never_below_the_antenna() -> None:
    positions = [accuracy_of(STRAPPED, fix_type=kind).position_m for kind in (2, 3, 4, 5, 6)]
    assert positions == sorted(positions, reverse=True)
    assert positions[1] == pytest.approx(1.5, abs=0.01)
    assert 0.1 <= positions[-1] < 0.12


def test_a_log_says_what_its_receiver_claims() -> None:
    assert log_of().accuracy(STRAPPED, at_trigger=True).position_m == pytest.approx(1.5, abs=0.01)
    assert log_of(fix(1, 0), fix(6, 0)).accuracy(STRAPPED).position_m == pytest.approx(0.104, abs=0.001)
    claimed = log_of(fix(1, 99_000), *[fix(3, 600)] * 5, fix(3, 30_000)).accuracy(STRAPPED)
    assert claimed.position_m == pytest.approx(0.608, abs=0.001)
    assert claimed.height_m == 2.0


def test_a_gimbal_levels_what_comes_between_messages() -> None:
    assert accuracy_of(STRAPPED).attitude_deg == 2.0 * accuracy_of(GIMBAL).attitude_deg
    for camera in (STRAPPED, GIMBAL):
        assert accuracy_of(camera, at_trigger=True).attitude_deg == AT_TRIGGER.attitude_deg


def test_the_documented_table_of_sigmas_is_what_logs_get() -> None:
    """docs/commands/locate.md: an independent simulation is written from it."""
    text = (Path(__file__).parents[3] / "docs" / "commands" / "locate.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| log, fix of kind")]
    assert len(rows) == 5
    for what, position, height, attitude, time in rows:
        kinds = [int(word.rstrip(",")) for word in what.split("(")[0].split() if word.rstrip(",").isdigit()]
        assert kinds
        for kind in kinds:
            found = accuracy_of(fix_type=kind)
            assert (found.position_m, found.height_m, found.time_s) == (float(position), float(height), float(time))
            assert attitude == f"{found.attitude_deg:g}, gimbal 1"
