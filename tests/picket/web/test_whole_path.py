"""An officer's whole path in one browser with the network cut: draw, plan, fly in the simulator, review, report. Every
step is made with the mouse or the keyboard, and what comes of it lies in the mission folder."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from picket.folder import Mission
from picket.reviews.store import reviews_in

SOON = {"timeout": 240_000}
VERDICTS = {"c": "confirmed", "r": "rejected", "u": "unsure"}


def corner(page: Any, x: float, y: float) -> None:
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + x - 3, box["y"] + y)
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.mouse.up()


def test_draw_plan_fly_review_report(served: Any, open_app: Any) -> None:
    page, watched = open_app("/missions")
    page.keyboard.press("Tab")  # to "Skip to the page", and on from there by keyboard
    page.focus("#new-name")
    page.keyboard.type("benapole")
    page.keyboard.press("Enter")

    page.wait_for_selector("body[data-ready]")
    page.fill("#place", "23.0358, 88.8956")
    page.press("#place", "Enter")
    for _ in range(3):
        page.click(".leaflet-control-zoom-in")
    page.click("[data-draw=patrol]")
    for x, y in ((360, 290), (500, 290), (500, 420), (360, 420)):
        corner(page, x, y)
    page.keyboard.press("Enter")
    expect(page.locator("#shapes > li")).to_have_count(1)
    page.click("[data-draw=home]")
    page.keyboard.press("Space")  # at the crosshair
    expect(page.locator("#headline")).to_contain_text("1 battery", **SOON)
    page.click("#write")
    expect(page.locator("#fly-it")).to_be_visible(**SOON)

    page.click("#fly-it")
    page.wait_for_selector("#begin-part:not([hidden])")
    page.select_option("[name=speedup]", "0")
    page.click("#begin-button")
    expect(page.locator("#after-title")).to_have_text("It has landed", **SOON)
    page.click("[data-step=detect]")
    expect(page.locator("#steps .made")).to_have_count(3, **SOON)

    page.click("#steps a:has-text('Review')")
    page.wait_for_selector(".facts dd", **SOON)
    judged = 0
    for key, word in VERDICTS.items():
        before = page.text_content("#done")
        expect(page.locator("#picture")).to_have_attribute("aria-busy", "false")
        page.keyboard.press(key)
        expect(page.locator("#done")).to_contain_text(word)
        expect(page.locator("#done")).not_to_have_text(before or "nothing yet")
        judged += 1
        if page.locator("#list li").count() <= judged:
            break

    page.click("nav >> text=Report")
    page.click("#write")
    expect(page.locator("#report-words")).not_to_contain_text("Since then", **SOON)
    report = page.frame_locator("#shown")
    expect(report.locator("#headline")).to_contain_text("sighted", **SOON)
    expect(report.locator("#headline")).to_contain_text("1 confirmed")

    mission = Mission(served.missions / "benapole")
    kept = list(reviews_in(mission.root))
    assert [one.verdict for one in kept] == list(VERDICTS.values())[:judged]
    assert {one.officer for one in kept} == {"A. Rahman"}
    assert mission.plan.is_file()
    assert mission.flights()[0].facts()["ended"] == "landed"
    page.goto(f"{served.url}/missions")
    expect(page.locator("#missions .state")).to_contain_text("1 flight flown")
    assert (watched.elsewhere, watched.errors, watched.dialogs) == ([], [], [])
