"""Fifty hostile texts in a real browser, on every page that shows text from outside: the app's own and those Picket
writes. Nothing is sent anywhere, nothing runs, no element is there that a page of harmless texts has not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from mapping.tables import SIGHTINGS
from picket.cli import main
from picket.folder import Mission
from tests.hostile import FLIGHTS, area, hostile_mission, zones
from tests.payloads import FOREIGN, PAYLOADS
from tests.picket.web.conftest import Served, Watched
from tests.picket.web.judged import make_mission

Open = Callable[..., tuple[Any, Watched]]
OFFICER = "<img src=x onerror=alert(1)>"
SOON = {"timeout": 90_000}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mission:
    mission = hostile_mission(tmp_path_factory.mktemp("hostile"))
    assert main(["report", str(mission.root)]) == 0
    return mission


@pytest.fixture
def mission(served: Served, made: Mission) -> Mission:
    """That mission in the app's folder, beside one with nothing hostile in it."""
    shutil.copytree(made.root, served.missions / "north")
    make_mission(served.missions / "plain", 2)
    return Mission(served.missions / "north")


def nothing_happened(watched: Any) -> None:
    assert (getattr(watched, "elsewhere", []), watched.errors, watched.dialogs) == ([], [], [])


def foreign(page: Any) -> int:
    return int(page.locator(FOREIGN).count())


def ready(open_app: Open, address: str, wait: str) -> tuple[Any, int]:
    """The page of the hostile mission, once it shows what `wait` is, and how many elements of foreign kinds the same
    page of the plain mission has."""
    plain, _ = open_app(address.replace("/north/", "/plain/"))
    plain.wait_for_selector(wait)
    page, watched = open_app(address, name=OFFICER)
    page.wait_for_selector(wait)
    page.watched = watched
    return page, foreign(plain)


def test_pages_that_picket_writes(made: Mission, open_page: Callable[..., tuple[Any, Any]]) -> None:
    for path in (made.report, made.plan_page):
        page, seen = open_page(path)
        for row in page.locator("#table-holder tbody tr").all()[:50:7]:
            row.click()
        page.wait_for_timeout(200)
        assert page.locator("b[id=injected], img[src=x], iframe, form, base").count() == 0
        said = page.inner_text("body")
        assert "<img src=x onerror=alert(1)>" in said
        assert (seen.requests, seen.errors, seen.dialogs) == ([], [], [])


def test_the_list_of_missions(served: Served, mission: Mission, open_app: Open) -> None:
    make_mission(served.missions / "<img src=x onerror=alert(1)>", 1)
    page, plain = ready(open_app, "/missions", "#missions li")
    assert foreign(page) == plain
    assert "<img src=x onerror=alert(1)>" in page.inner_text("#missions")
    nothing_happened(page.watched)


def test_the_plan_page(mission: Mission, tmp_path: Path, open_app: Open) -> None:
    page, plain = ready(open_app, "/missions/north/plan", "body[data-ready]")
    page.set_input_files("#area-file", str(area(tmp_path)))
    expect(page.locator("#shapes > li")).to_have_count(10)  # the mission's five shapes, and the file's
    page.locator("#more").evaluate("more => { more.open = true; }")
    page.set_input_files("#zones-file", str(zones(tmp_path)))
    expect(page.locator("#toasts")).to_contain_text("characters that are none", **SOON)  # no file may hold a NUL
    kept = [text for text in PAYLOADS if "\0" not in text]
    page.set_input_files("#zones-file", str(zones(tmp_path, kept)))
    expect(page.locator("#kept-files")).to_contain_text("DROP TABLE reviews", **SOON)
    page.locator("#shapes [aria-expanded]").nth(1).click()
    page.locator(".layer-zone").first.dispatch_event("mouseover")
    assert foreign(page) == plain
    shown = page.locator("#kept-files").text_content()
    assert all(" ".join(text.split())[:40] in " ".join(shown.split()) for text in kept)
    page.watched.errors[:] = [said for said in page.watched.errors if "422" not in said]
    nothing_happened(page.watched)


def test_the_fly_page(mission: Mission, open_app: Open) -> None:
    page, watched = open_app("/missions/north/fly", name=OFFICER)
    expect(page.locator("#flights li")).to_have_count(len(FLIGHTS))
    assert page.locator("#flights b").all_inner_texts() == sorted(FLIGHTS, reverse=True)
    assert page.locator("#map img[src=x], #flights img, .who img").count() == 0
    nothing_happened(watched)


def test_the_review_page(mission: Mission, open_app: Open) -> None:
    page, plain = ready(open_app, "/missions/north/review", ".facts dd")
    page.select_option("#show", "all")
    expect(page.locator("#list li").nth(20)).to_be_visible()
    names = {row for flight in mission.flights() for row in SIGHTINGS.read(flight.sightings)["object"].to_pylist()}
    shown = set()
    for button in page.locator("#list button").all()[:52:5]:
        button.click()
        expect(page.locator("#list [aria-current]")).to_have_attribute("data-id", button.get_attribute("data-id"))
        page.wait_for_selector("#picture[aria-busy=false]")
        shown.add(page.locator(".facts dd").first.text_content())
    assert any(name and any(name in text for text in shown) for name in names)
    page.keyboard.press("f")
    page.wait_for_selector("#frame[open]")
    page.keyboard.press("Escape")
    assert foreign(page) == plain
    assert page.locator("#history img, #facts img, #list img").count() == 0
    nothing_happened(page.watched)


def test_the_report_in_the_app(mission: Mission, open_app: Open) -> None:
    page, watched = open_app("/missions/north/report", name=OFFICER)
    page.frame_locator("#shown").locator("#table-holder tbody tr").first.wait_for()
    page.click("#exports summary")
    assert page.locator("#forms img, .who img").count() == 0
    nothing_happened(watched)


def test_every_sighting_can_be_asked_for(served: Served, mission: Mission) -> None:
    client = served.client()
    queue = client.get("/api/missions/north/queue").json()
    found = [client.get("/api/missions/north/sighting", params={"id": row[0]}) for row in queue["rows"]]
    assert {answer.status_code for answer in found} == {200}
    files = [look["file"] for answer in found for look in answer.json()["looks"]]
    assert all(not file.startswith(("/", "..")) for file in files)
    looks = {look["detection"] for answer in found for look in answer.json()["looks"]}
    pictures = [client.get("/api/missions/north/crop", params={"detection": one}) for one in sorted(looks)]
    assert {(answer.status_code, answer.headers["content-type"]) for answer in pictures} == {(200, "image/jpeg")}
