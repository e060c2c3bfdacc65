"""The demo's promises: it needs no network, it finds what is there, and it says the truth about itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil

from mapping.tables import FRAMES, SIGHTINGS, TRACK
from picket.folder import Mission
from vision.table import DETECTIONS

pytestmark = pytest.mark.xdist_group("demo")

CLASSES = ("person", "vehicle")


def test_nothing_tries_to_leave_the_machine(demo_run: Any) -> None:
    spoken = [line for line in demo_run.watched if line.startswith(("local", "AWAY"))]
    assert any(line.startswith("local socket.connect 127.0.0.1") for line in spoken), "the vehicle was reached"
    assert [line for line in spoken if line.startswith("AWAY")] == []


def test_nothing_is_installed_or_run_but_ourselves(demo_run: Any) -> None:
    programs = {line.removeprefix("run ") for line in demo_run.watched if line.startswith("run ")}
    assert sys.executable in programs, "the simulator runs as a process of its own"
    # ctypes looks up system libraries with these
    assert {Path(program).name for program in programs - {sys.executable}} <= {"ldconfig", "gcc", "ld", "objdump"}


def test_it_finds_what_is_there(demo_run: Any) -> None:
    summary = demo_run.summary
    for name in CLASSES:
        assert summary["truth"][name] >= 5
        assert summary["found"][name] <= summary["truth"][name]
        assert summary["recall"][name] >= 0.8
        assert summary["precision"][name] >= 0.8
    assert summary["position_error_m"]["median"] <= 2.0
    assert summary["position_error_m"]["median"] <= summary["position_error_m"]["p90"]


def test_it_fits_a_small_machine(demo_run: Any) -> None:
    assert demo_run.peak_bytes < 2e9


def test_every_step_left_its_file(demo_run: Any) -> None:
    (flight,) = Mission(demo_run.mission).flights()
    facts = flight.facts()
    assert facts["ended"] == "landed"
    assert facts["simulated"] is True
    assert Path(demo_run.summary["report"]) == flight.report.resolve()
    frames = FRAMES.read(flight.frames)
    assert frames.num_rows == facts["photos_taken"] == len(list(flight.images.glob("*.jpg")))
    assert facts["photos_taken"] == pytest.approx(facts["photos_expected"], rel=0.02)
    assert frames["lat_deg"].null_count == frames["pitch_deg"].null_count == 0
    assert TRACK.read(flight.track).num_rows > 100
    assert DETECTIONS.read(flight.detections).num_rows >= SIGHTINGS.read(flight.sightings).num_rows > 0


def test_the_log_holds_a_whole_flight(demo_run: Any) -> None:
    (flight,) = Mission(demo_run.mission).flights()
    log = mavutil.mavlink_connection(str(flight.telemetry))
    photos, armed = 0, set()
    while (message := log.recv_match(type=["CAMERA_FEEDBACK", "HEARTBEAT"])) is not None:
        if message.get_type() == "CAMERA_FEEDBACK":
            photos += 1
        elif message.autopilot == mavutil.mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA:
            armed.add(bool(message.base_mode & mavutil.mavlink.MAV_MODE_FLAG_SAFETY_ARMED))
    log.close()
    assert photos == flight.facts()["photos_taken"]
    assert armed == {False, True}


def test_it_counts_its_seconds_and_ends_with_a_table(demo_run: Any) -> None:
    assert set(demo_run.summary["seconds"]) == {"plan", "fly", "detect", "locate", "report"}
    assert all(value > 0 for value in demo_run.summary["seconds"].values())
    assert "person" in demo_run.stderr
    assert "vehicle" in demo_run.stderr
    assert str(demo_run.summary["report"]) in demo_run.stderr.replace("\n", "")


def test_the_truth_file_is_no_part_of_what_was_found(demo_run: Any) -> None:
    (flight,) = Mission(demo_run.mission).flights()
    objects = json.loads(flight.truth.read_text(encoding="utf-8"))["features"]
    names = {str(item.get("id") or item["properties"].get("id")) for item in objects}
    assert names.isdisjoint(SIGHTINGS.read(flight.sightings)["sighting_id"].to_pylist())


def test_its_pages_open_without_a_network(demo_run: Any, open_page: Any) -> None:
    (flight,) = Mission(demo_run.mission).flights()
    sightings = SIGHTINGS.read(flight.sightings).num_rows
    page, seen = open_page(flight.report)
    assert (seen.requests, seen.errors, seen.dialogs) == ([], [], [])
    assert "simulated" in page.content()
    assert page.locator("#table-holder tbody tr").count() == sightings
    page.locator("#table-holder tbody tr").first.click()
    assert page.get_by_text("not reviewed").count() > sightings
    page, seen = open_page(Mission(demo_run.mission).plan_page)
    assert (seen.requests, seen.errors, seen.dialogs) == ([], [], [])
