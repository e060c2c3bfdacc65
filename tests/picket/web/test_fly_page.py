"""A sortie flown from the browser: practised, watched by several, called home, asked about before it arms, and what is
done with it once it is down."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from picket.cli import main
from picket.folder import Flight
from tests.drawing import drawn, home, polygon

SOON = {"timeout": 120_000}
WEST, SOUTH, EAST, NORTH = 88.8950, 23.0350, 88.8956, 23.0356
AREA = drawn(
    polygon(
        "patrol",
        [(WEST, SOUTH), (EAST, SOUTH), (EAST, NORTH), (WEST, NORTH)],
        name="<img src=x onerror=alert(1)>",
    ),
    home(WEST, SOUTH),
)


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mission of one short sortie."""
    folder = tmp_path_factory.mktemp("planned")
    (folder / "area.geojson").write_text(json.dumps(AREA))
    assert main(["plan", str(folder / "area.geojson"), "-o", str(folder / "north")]) == 0
    return folder / "north"


@pytest.fixture
def mission(served: Any, planned: Path) -> str:
    """That mission in the app's folder."""
    shutil.copytree(planned, served.missions / "north")
    return "north"


def begin(client: httpx.Client, **changes: Any) -> httpx.Response:
    asked = {"sortie": 1, "how": "practice", "speedup": 0, **changes}
    return client.post("/api/missions/north/flying", json=asked)


def state(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/api/missions/north/flying")
    assert answer.status_code == 200, answer.text
    return answer.json()


def until(client: httpx.Client, wanted: Any, seconds: float = 120.0) -> dict[str, Any]:
    """The state once `wanted(state)` holds."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        now = state(client)
        if wanted(now):
            return now
        time.sleep(0.1)
    raise AssertionError(f"did not come: {now['flight']}")


def ordered(flight: Path) -> list[tuple[str, str]]:
    """Who ordered what, as the flight's own record says."""
    events = [json.loads(line) for line in (flight / "events.jsonl").read_text().splitlines()]
    return [(event["order"], event["by"]) for event in events if event["event"] == "ordered"]


def test_an_officer_practises_a_sortie_and_sees_it_land(served: Any, mission: str, open_app: Any) -> None:
    page, watched = open_app(f"/missions/{mission}/fly")
    page.select_option("[name=speedup]", "20")
    page.click("#begin-button")
    expect(page.locator("#figures dd").first).to_contain_text("%", **SOON)
    expect(page.locator(".drone-here")).to_have_count(1, **SOON)
    expect(page.locator("#after-title")).to_have_text("It has landed", **SOON)
    assert re.fullmatch(r"\d+ of \d+ photos in .+ of flight\.", page.inner_text("#after-words"))
    assert page.inner_text("#outcome") == "The whole route was flown."
    assert page.locator("#outcome").get_attribute("class") == "hint"
    assert page.inner_text("#far") == "100 %"
    assert page.locator("path.flown").get_attribute("d") not in ("", "M0 0")
    expect(page.locator("[data-step=detect]")).to_be_visible()
    expect(page.locator("#flights")).to_contain_text("practice, sortie 1, landed, not searched")
    assert (watched.elsewhere, watched.errors, watched.dialogs) == ([], [], [])


def test_the_newest_photo_of_the_flight_under_way(served: Any, mission: str) -> None:
    viewer = served.client("V", "viewer")
    flight = Flight(served.missions / mission / "flights" / "20261122T181500Z-01")
    flight.images.mkdir(parents=True)
    flight.card.mkdir()
    facts = {"complete": False, "process": os.getpid()}

    def shown() -> tuple[int, int | None]:
        answer = viewer.get(f"/api/missions/{mission}/flying/photo")
        return answer.status_code, Image.open(io.BytesIO(answer.content)).width if answer.content else None

    flight.summary.write_text(json.dumps(facts))
    assert shown() == (204, None), "none has come"
    for moment, (path, width) in enumerate([(flight.images / "a.jpg", 1000), (flight.card / "b.jpg", 320)]):
        Image.new("L", (width, width // 2)).save(path)
        os.utime(path, (moment + 1, moment + 1))
        assert shown() == (200, min(width, 640))
    Image.new("L", (64, 48)).save(flight.card / ".c.jpg")  # one that is still being written
    assert shown() == (200, 320)
    flight.summary.write_text(json.dumps({**facts, "complete": True}))
    assert shown() == (204, None), "the flight is over"


def test_it_is_called_home_and_recorded_to_the_ground(served: Any, mission: str, open_app: Any) -> None:
    page, _ = open_app(f"/missions/{mission}/fly")
    page.select_option("[name=speedup]", "5")
    page.click("#begin-button")
    expect(page.locator("#home")).to_be_visible(**SOON)
    page.click("#home")
    page.click("#home-no")
    expect(page.locator("#home-sure")).to_be_hidden()
    (flight,) = (served.missions / mission / "flights").iterdir()
    while not json.loads((flight / "flight.json").read_text())["took_off_utc"]:
        page.wait_for_timeout(50)  # called home on the ground it would not have flown
    page.click("#home")
    page.click("#home-yes")
    expect(page.locator("#home")).to_have_text("Called home")
    expect(page.locator("#after-title")).to_contain_text("It has ended", **SOON)
    facts = json.loads((flight / "flight.json").read_text())
    assert facts["complete"]
    assert facts["ended"] != "landed"
    assert ordered(flight) == [("fly", "A. Rahman"), ("return home", "A. Rahman")]


def test_numbers_that_are_no_longer_heard_are_not_shown_as_live(
    served: Any, mission: str, open_app: Any, officer: httpx.Client
) -> None:
    page, _ = open_app(f"/missions/{mission}/fly")
    page.select_option("[name=speedup]", "1")
    page.click("#begin-button")
    expect(page.locator(".drone-here")).to_have_count(1, **SOON)
    expect(page.locator("#figures")).to_have_class("figures")
    expect(page.locator("#silent")).to_be_hidden()
    process = json.loads(next((served.missions / mission / "flights").glob("*/flight.json")).read_text())["process"]
    os.kill(process, signal.SIGSTOP)
    try:
        expect(page.locator("#age")).to_contain_text("as it was", **SOON)
        expect(page.locator("#figures")).to_have_class("figures old")
        expect(page.locator("#silent")).to_contain_text("the numbers and the place are old", **SOON)
        assert state(officer)["flight"]["status_age_s"] > 5
    finally:
        os.kill(process, signal.SIGCONT)
    expect(page.locator("#silent")).to_be_hidden(**SOON)
    expect(page.locator("#figures")).to_have_class("figures", **SOON)


def test_many_watch_one_flight_and_see_the_same(served: Any, mission: str, officer: httpx.Client) -> None:
    heard: list[list[float]] = [[] for _ in range(20)]

    def watch(number: int) -> None:
        client = served.client(f"watcher {number}", "viewer")
        with client.stream("GET", f"/events?topic=flight:{mission}", timeout=120.0) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data: "):
                    continue
                message = json.loads(line.removeprefix("data: "))
                if message["what"] == "status":
                    heard[number].append(message["progress"])
                if message["what"] == "ended":
                    return

    watchers = [threading.Thread(target=watch, args=(number,)) for number in range(len(heard))]
    for watcher in watchers:
        watcher.start()
    last = time.monotonic() + 30
    while served.app.state.hub.listening < len(heard) and time.monotonic() < last:
        time.sleep(0.05)
    assert begin(officer, speedup=20).status_code == 202
    for watcher in watchers:
        watcher.join(120)
    assert not any(watcher.is_alive() for watcher in watchers)
    assert len(heard[0]) > 3
    assert all(progress == heard[0] for progress in heard)
    late = state(officer)["flight"]
    assert late["ended"]["summary"]["ended"] == "landed"
    assert len(late["track"]) > 3


def test_a_vehicle_arms_only_when_the_officer_says_so(served: Any, mission: str, open_app: Any) -> None:
    simulator = subprocess.Popen(
        [sys.executable, "-m", "picket", "sim", f"--home={SOUTH},{WEST},10", "--port=0", "--speedup=20", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert simulator.stdout is not None
        address = json.loads(simulator.stdout.readline())["url"]
        page, watched = open_app(f"/missions/{mission}/fly")
        page.check("[value=vehicle]")
        page.fill("[name=address]", address)
        page.click("#begin-button")
        expect(page.locator("#question")).to_be_visible(**SOON)
        assert page.inner_text("#question-words") == "Arm and take off?"
        assert page.locator("#checks li").count() >= 5
        assert page.locator("#checks .no").count() == 0
        page.click("#answer-no")
        expect(page.locator("#after-title")).to_have_text("It did not fly", **SOON)
        page.click("#begin-button")
        expect(page.locator("#question")).to_be_visible(**SOON)
        page.click("#answer-yes")
        expect(page.locator("#after-title")).to_have_text("It has landed", **SOON)
        assert (watched.elsewhere, watched.errors) == ([], [])
        orders = [ordered(flight) for flight in sorted((served.missions / mission / "flights").iterdir())]
        assert orders == [
            [("fly", "A. Rahman"), (answer, "A. Rahman")] for answer in ("do not fly", "arm and take off")
        ]
    finally:
        simulator.kill()
        simulator.communicate()


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"sortie": 9}, 422, "no sortie 9"),
        ({"how": "vehicle"}, 422, "empty"),
        ({"how": "vehicle", "address": "--yes"}, 422, "is none"),
        ({"speedup": -1}, 422, "speedup"),
    ],
)
def test_what_cannot_be_flown_is_refused(
    mission: str, officer: httpx.Client, changes: dict[str, Any], status: int, word: str
) -> None:
    answer = begin(officer, **changes)
    assert answer.status_code == status
    assert word in answer.json()["problem"]


def test_viewers_fly_nothing_and_nothing_is_answered_twice(
    mission: str, officer: httpx.Client, viewer: httpx.Client
) -> None:
    assert begin(viewer).status_code == 403
    body = {"job": "0" * 16, "yes": True}
    assert officer.post("/api/missions/north/flying/answer", json=body).status_code == 409
    assert officer.post("/api/missions/north/flying/home", json={"job": "0" * 16}).status_code == 409
    assert begin(officer, speedup=5).status_code == 202
    assert begin(officer).status_code == 409
    job = state(viewer)["flight"]["job"]
    until(officer, lambda now: now["flight"]["status"])
    assert officer.post("/api/missions/north/flying/home", json={"job": job}).status_code == 200
    assert officer.post("/api/missions/north/flying/home", json={"job": job}).status_code == 409
    until(officer, lambda now: now["flight"]["ended"])


def test_what_comes_after_the_landing_goes_step_by_step(served: Any, mission: str, officer: httpx.Client) -> None:
    assert begin(officer, speedup=20).status_code == 202
    flown = until(officer, lambda now: now["flight"]["ended"])
    (flight,) = flown["flights"]
    after = f"/api/missions/{mission}/flights/{flight['name']}/steps"
    steps = officer.post(after, json={"steps": ["report", "detect"]})
    assert steps.status_code == 202
    assert steps.json()["kind"] == "detect"
    twice = officer.post(after, json={"steps": ["detect"]})
    assert twice.status_code == 409
    searched = until(officer, lambda now: now["flights"][0]["searched"])
    assert not searched["flights"][0]["reported"]
