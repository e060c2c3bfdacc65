"""`picket fly --sim` as a pilot types it: a whole flight, a killed one, and what the other commands make of both."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pymavlink import mavutil

from mapping.tables import FRAMES, TRACK
from picket.cli import main
from picket.folder import Flight, Mission


def fly_command(mission: Mission, speedup: float) -> list[str]:
    options = ["--sim", "--persons", "4", "--vehicles", "2", "--seed", "5", "--speedup", str(speedup), "--json"]
    return [sys.executable, "-m", "picket", "fly", str(mission.root), *options]


def test_a_flight_is_recorded_and_can_be_worked_on(mission: Mission) -> None:
    run = subprocess.run(fly_command(mission, 50), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    summary = json.loads(run.stdout)
    assert summary["ended"] == "landed"
    # whether a photo that is due just where a line ends is still taken, is for the autopilot to say
    assert summary["photos_taken"] == pytest.approx(summary["photos_expected"], abs=4)
    flight = Flight(Path(summary["flight"]))
    assert FRAMES.read(flight.frames).num_rows == summary["photos_taken"]
    events = [json.loads(line) for line in (flight.root / "events.jsonl").read_text().splitlines()]
    assert {"time_utc", "event"} <= set(events[0])
    for command in ("detect", "locate", "report", "export"):
        assert main([command, str(mission.root)]) == 0
    assert mission.report.is_file()


def test_a_killed_flight_leaves_all_that_had_arrived(mission: Mission, capsys: pytest.CaptureFixture[str]) -> None:
    process = subprocess.Popen(fly_command(mission, 10), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        flight = wait_for_frames(mission, process, least=4)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    photos = photos_in(flight)
    assert photos >= 4
    assert flight.facts()["ended"] is None
    assert json.loads((flight.root / "events.jsonl").read_text().splitlines()[-1])["event"]
    gone, alive = psutil.wait_procs(children, timeout=30)
    assert gone
    assert alive == [], "the simulator ends with whoever started it"

    assert main(["detect", str(flight.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] >= 4
    assert flight.facts()["ended"] == "interrupted"
    assert TRACK.read(flight.track).num_rows > 0
    assert FRAMES.read(flight.frames)["lat_deg"].null_count == 0
    assert main(["locate", str(flight.root)]) == 0


def wait_for_frames(mission: Mission, process: subprocess.Popen[bytes], least: int) -> Flight:
    """The flight under way, once that many images have come."""
    deadline_s = time.monotonic() + 120
    while time.monotonic() < deadline_s:
        assert process.poll() is None, "the flight ended before it could be killed"
        for flight in mission.flights():
            if flight.frames.exists() and len(list(flight.images.glob("*.jpg"))) >= least:
                return flight
        time.sleep(0.05)
    raise AssertionError("no frames came")


def photos_in(flight: Flight) -> int:
    log = mavutil.mavlink_connection(str(flight.telemetry))
    count = 0
    while log.recv_match(type="CAMERA_FEEDBACK") is not None:
        count += 1
    log.close()
    return count


def test_a_sortie_the_plan_has_not(mission: Mission, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly", str(mission.root), "--sim", "--sortie", "99"]) == 2
    assert "1 to 1" in capsys.readouterr().err
    assert mission.flights() == []


def test_nobody_at_the_address(mission: Mission, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly", str(mission.root), "--connect", "tcp:127.0.0.1:1", "--yes"]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "127.0.0.1:1" in said[0]


def test_a_plan_that_left_its_fence_is_not_flown(mission: Mission, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(mission.plan.read_text())
    content["picket"]["plan"]["sorties"][0]["waypoints"][1]["lon_deg"] += 0.01
    mission.plan.write_text(json.dumps(content))
    assert main(["fly", str(mission.root), "--sim"]) == 1
    assert "fence" in capsys.readouterr().err
    assert mission.flights() == []


def test_the_simulator_is_a_process_that_listens_on_loopback_only() -> None:
    command = [sys.executable, "-m", "picket", "sim", "--port", "0", "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ, start_new_session=True
    )
    try:
        assert process.stdout is not None
        port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
        (child,) = psutil.Process(process.pid).children()
        listening = [item.laddr for item in child.net_connections(kind="tcp") if item.status == psutil.CONN_LISTEN]
        assert [(address.ip, address.port) for address in listening] == [("127.0.0.1", port)]
    finally:
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) in (0, 130)
        process.stdout.close()
