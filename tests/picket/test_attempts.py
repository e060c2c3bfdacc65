"""Attempts that never flew: refused, declined or stopped, they are told in words and count for nothing afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from missions.formats.plan_geojson import read_plan
from picket.cli import main
from picket.flights import new_flight
from picket.folder import Flight, Mission


@pytest.fixture
def url(mission: Mission) -> Iterator[str]:
    """A practice vehicle at the mission's home."""
    home = read_plan(mission.plan).home
    command = [sys.executable, "-m", "sim", f"--home={home.lat_deg},{home.lon_deg},10", "--port", "0"]
    with subprocess.Popen([*command, "--speedup", "20"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"tcp:127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        finally:
            process.terminate()


def fly(mission: Mission, *options: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "picket", "fly", str(mission.root), *options, "--json"]
    return subprocess.run(command, input=answer, capture_output=True, text=True, check=False, timeout=120)


def test_a_declined_take_off_is_said_and_is_no_flight(
    mission: Mission, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fly(mission, "--connect", url, answer="what?\nno\n")
    assert run.returncode == 1
    summary = json.loads(run.stdout)
    assert (summary["flown"], summary["ended"], summary["reasons"]) == (
        False,
        "refused",
        ["not flown: nobody confirmed the take-off"],
    )
    assert run.stderr.count("Arm and take off? [y/N]") == 1
    assert run.stderr.strip().endswith("picket: not flown: nobody confirmed the take-off")
    assert [flight.left_the_ground() for flight in mission.flights()] == [False]

    # neither the next commands nor the next flight take it for one
    for command in ("detect", "report"):
        assert main([command, str(mission.root)]) == 2
    assert "no flight yet" in capsys.readouterr().err
    assert main(["fly", str(mission.root), "--connect", url, "--sortie", "all", "--yes", "--json"]) == 0
    captured = capsys.readouterr()
    assert "goes on where it stopped" not in captured.err
    (flown,) = json.loads(captured.out)["flights"]
    assert flown["flown"]
    assert [flight.left_the_ground() for flight in mission.flights()] == [False, True]
    assert Flight(Path(flown["flight"])).facts()["took_off_utc"]


def test_attempts_in_one_second_get_folders_of_their_own(mission: Mission) -> None:
    """The names are in the order of the attempts, and none is later than its making."""
    flights = [new_flight(mission, 1) for _ in range(3)]
    names = [flight.root.name for flight in flights]
    assert names == sorted(set(names))
    assert names[-1] <= f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-01"


def test_a_no_go_names_every_reason_in_the_summary(mission: Mission) -> None:
    home = read_plan(mission.plan).home
    command = [sys.executable, "-m", "sim", f"--home={home.lat_deg + 0.01},{home.lon_deg},10", "--port", "0"]
    with subprocess.Popen([*command, "--speedup", "20"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        run = fly(mission, "--connect", f"tcp:127.0.0.1:{port}", "--yes")
        process.terminate()
    assert run.returncode == 1
    summary = json.loads(run.stdout)
    assert not summary["flown"]
    # outside the fence it has been given, the vehicle's own checks may not hold either
    assert {reason.split(":")[0] for reason in summary["reasons"]} - {"arming checks"} == {"home"}


@pytest.mark.parametrize("fleet", [False, True])
def test_ctrl_c_at_the_question_ends_in_words_and_with_130(mission: Mission, url: str, fleet: bool) -> None:
    which = ["--drone", f"1={url}"] if fleet else ["--connect", url]
    command = [sys.executable, "-m", "picket", "fly", str(mission.root), *which, "--json"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = ""
        while "[y/N]" not in said:
            said += process.stderr.read(1)
        process.send_signal(signal.SIGINT)
        output, rest = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    assert "stopped before the take-off" in rest
    summary = json.loads(output)
    (about,) = summary["flights"] if fleet else [summary]
    assert (about["flown"], about["ended"]) == (False, "interrupted")
    facts = mission.flights()[0].facts()
    assert (facts["ended"], facts["complete"]) == ("interrupted", True)
    assert "stopped before the take-off" in facts["reason"]


@pytest.mark.parametrize("moment_s", [0.0, 0.7])
def test_ctrl_c_while_a_practice_vehicle_starts_leaves_a_reason(mission: Mission, moment_s: float) -> None:
    command = [sys.executable, "-m", "picket", "fly", str(mission.root), "--sim", "--speedup", "1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until_s = time.monotonic() + 60.0
        while not mission.flights():
            assert time.monotonic() < until_s
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(moment_s)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=90)
    assert process.returncode == 130, errors
    assert errors.strip().splitlines()[-1] == "picket: stopped before the take-off"
    assert not json.loads(output)["flown"]
    facts = mission.flights()[0].facts()
    assert (facts["ended"], facts["reason"]) == ("interrupted", "stopped before the take-off")


def test_another_program_than_arducopter_is_bad_input(mission: Mission, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly", str(mission.root), "--sitl", sys.executable]) == 2
    assert "is another program than ArduCopter" in capsys.readouterr().err
    assert mission.flights() == []
