"""Starting and ending a real SITL: nothing of it outlives the one who started it, and it signs like a radio link."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from pymavlink import mavutil
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from sitl_flights import HOME

from missions.errors import VehicleError
from missions.flying.link import connect
from missions.flying.signing import load_signing
from missions.plan import Position
from picket.cli import main
from picket.folder import Mission
from picket.simulator import Practice, practice_vehicle
from sim.errors import SimulationError

SIGNING_EPOCH_S = 1_420_070_400


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("picket-sitl-*"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_picket(sitl: Path, area_file: Path, tmp_path: Path, number: signal.Signals) -> None:
    mission = Mission(tmp_path / "mission")
    assert main(["plan", str(area_file), "-o", str(mission.root)]) == 0
    before = folders()
    command = [sys.executable, "-m", "picket", "fly", str(mission.root), "--sitl", str(sitl), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_s = time.monotonic() + 90
        while not any('"armed"' in path.read_text() for path in mission.root.glob("flights/*/events.jsonl")):
            assert time.monotonic() < until_s
            assert process.poll() is None
            time.sleep(0.1)
        started = psutil.Process(process.pid).children(recursive=True)
        assert any(child.name() == sitl.name for child in started)
        process.send_signal(number)
        process.wait(120)
    finally:
        process.kill()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == []
    (flight,) = mission.flights()
    assert flight.facts()["ended"] == (None if number is signal.SIGKILL else "aborted")
    assert folders() <= before
    assert not (flight.root / ".card").exists() or number is signal.SIGKILL


def test_sitl_killed_alone_takes_its_folder_along(sitl: Path) -> None:
    """The process between is killed: the kernel ends ArduPilot, the next start clears its folder away."""
    before = folders()
    command = Practice(Position(*HOME), 10.0, 5.0, 960.0, sitl=sitl).command()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["port"]
        (autopilot,) = psutil.Process(process.pid).children()
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    assert psutil.wait_procs([autopilot], timeout=10)[1] == []
    with practice_vehicle(Practice(Position(*HOME), 10.0, 5.0, 960.0, sitl=sitl)):
        pass
    assert folders() <= before


def test_an_autopilot_that_ends_says_its_own_last_words(tmp_path: Path) -> None:
    ends = tmp_path / "arducopter"
    ends.write_text("#!/bin/sh\n# by its name an ArduCopter\necho no frame of that name >&2\nexit 1\n")
    ends.chmod(0o700)
    broken = Practice(Position(*HOME), 10.0, 5.0, 960.0, sitl=ends)
    with pytest.raises(SimulationError, match=r"ArduPilot ended at its start.*no frame"), practice_vehicle(broken):
        pass


def test_a_signed_link_on_a_real_autopilot(sitl: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(secrets.token_bytes(32))
    key.chmod(0o600)
    other = tmp_path / "other"
    other.write_bytes(secrets.token_bytes(32))
    other.chmod(0o600)
    with practice_vehicle(Practice(Position(*HOME), 10.0, 5.0, 960.0, sitl=sitl)) as url:
        teacher = mavutil.mavlink_connection(url, source_system=255, dialect="ardupilotmega")
        assert teacher.wait_heartbeat(timeout=20)
        now = round((time.time() - SIGNING_EPOCH_S) * 1e5)
        teacher.mav.setup_signing_send(1, 1, list(key.read_bytes()), now)
        time.sleep(1.0)
        teacher.close()

        signed = connect(url, _nobody, _nobody, timeout_s=20, signing=load_signing(key))
        try:
            assert signed.wait_for_parameters()
            signed.set_parameter("RTL_ALT", 2345)
            assert signed.parameter("RTL_ALT") == 2345
        finally:
            signed.close()

        # what is unsigned is ignored by the vehicle, and signed by another key is ignored by both
        unsigned = mavutil.mavlink_connection(url, source_system=255, dialect="ardupilotmega")
        for _ in range(5):
            unsigned.mav.param_set_send(1, 1, b"RTL_ALT", 999, mavlink.MAV_PARAM_TYPE_REAL32)
            time.sleep(0.2)
        unsigned.close()
        with pytest.raises(VehicleError):
            connect(url, _nobody, _nobody, timeout_s=5, signing=load_signing(other)).close()
        again = connect(url, _nobody, _nobody, timeout_s=20, signing=load_signing(key))
        try:
            assert again.parameter("RTL_ALT") == 2345
        finally:
            again.close()


def _nobody(_message: object) -> None:
    """Hears without keeping."""
