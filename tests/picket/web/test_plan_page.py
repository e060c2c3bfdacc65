"""An officer draws, previews and plans in a real browser with the network cut: by mouse, by keyboard, from files."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from picket.web.places import checked_name
from tests.drawing import drawn, polygon
from vision.errors import InputError

CORNERS = ((300, 240), (470, 250), (480, 400), (290, 410))
PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "${alert(1)}",
    "{{7*7}}",
    "{% include 'base.html' %}",
    "';alert(1)//",
    "javascript:alert(1)",
    "\u2028alert(1)",
    "</textarea><script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    "&lt;b&gt;",
)
SOON = {"timeout": 90_000}


def click(page: Any, x: float, y: float) -> None:
    """A click where the map has had the time to see the pointer coming."""
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + x - 3, box["y"] + y)
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.mouse.up()


def at_benapole(open_app: Any, name: str = "north", **options: Any) -> tuple[Any, Any]:
    page, watched = open_app(f"/missions/{name}/plan", **options)
    page.wait_for_selector("body[data-ready]")
    page.fill("#place", "23.0360, 88.8960")
    page.press("#place", "Enter")
    return page, watched


def quiet(watched: Any) -> None:
    assert watched.elsewhere == []
    assert watched.errors == []
    assert watched.dialogs == []


def test_drawing_and_planning_by_mouse(served, open_app) -> None:
    page, watched = open_app("/missions")
    page.fill("#new-name", "north")
    page.click("text=Draw its area")
    page.wait_for_selector("body[data-ready]")
    page.fill("#place", "23.0360, 88.8960")
    page.press("#place", "Enter")
    assert page.locator("#write").is_disabled()
    page.click("[data-draw=patrol]")
    for x, y in (*CORNERS, CORNERS[-1]):
        click(page, x, y)
    headline = page.locator("#headline")
    expect(headline).to_contain_text("batter", **SOON)
    before = headline.inner_text()
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + CORNERS[2][0], box["y"] + CORNERS[2][1])
    page.mouse.down()
    page.mouse.move(box["x"] + CORNERS[2][0] + 60, box["y"] + CORNERS[2][1] + 40, steps=5)
    expect(headline).not_to_have_text(before, **SOON)  # while the button is still down
    page.mouse.up()
    page.click("[data-draw=home]")
    click(page, 380, 330)
    page.check("[name=by][value=vehicle]")
    expect(page.locator("#estimate-note")).to_contain_text("cm a pixel", **SOON)
    page.click("#undo")
    expect(page.locator("#shapes > li")).to_have_count(1)
    page.click("#write")
    expect(page.locator("#written")).to_be_visible(**SOON)
    assert page.locator("#look").get_attribute("href") == "/missions/north/plan/plan.html"
    settings = (served.missions / "north" / "mission.toml").read_text()
    assert 'see = "vehicle"' in settings
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.locator("[name=by][value=vehicle]").is_checked()
    expect(page.locator("#fly-it")).to_be_visible()
    quiet(watched)


def test_drawing_by_keyboard_alone(served, open_app) -> None:
    page, watched = at_benapole(open_app, viewport={"width": 1000, "height": 700})
    page.focus("[data-draw=patrol]")
    page.keyboard.press("Enter")
    for keys in (("ArrowRight",) * 2, ("ArrowDown",) * 2, ("ArrowLeft",) * 3, ("ArrowUp",)):
        page.keyboard.press("Space")
        for key in keys:
            page.keyboard.press(key)
    page.keyboard.press("Backspace")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#shapes > li")).to_have_count(1)
    expect(page.locator("#headline")).to_contain_text("batter", **SOON)
    page.locator("#shapes [aria-expanded]").focus()
    page.keyboard.press("Enter")
    page.locator("#shapes textarea").fill("23.0350, 88.8950\n23.0350, 88.8970\n23.0368, 88.8970\n23.0368, 88.8950")
    page.keyboard.press("Tab")
    expect(page.locator("#headline")).to_contain_text("4.1 ha", **SOON)
    page.keyboard.press("Tab")
    page.locator("#shapes textarea").fill("somewhere")
    page.locator("#shapes textarea").blur()
    expect(page.locator("#toasts")).to_contain_text("Line 1 is no place")
    quiet(watched)


def test_problems_are_told_in_words(open_app) -> None:
    page, watched = at_benapole(open_app)
    area = polygon("patrol", [(88.8, 23), (88.8, 23.1), (88.9, 23.1), (88.9, 23)])
    given = {"name": "area.geojson", "mimeType": "application/json", "buffer": json.dumps(area).encode()}
    page.set_input_files("#area-file", given)
    expect(page.locator("#problems li")).to_have_count(1, **SOON)
    page.fill("[name=wind_m_s]", "35")
    expect(page.locator("#problems")).to_contain_text(re.compile("wind", re.IGNORECASE), **SOON)
    page.set_input_files("#area-file", {**given, "buffer": b"{"})
    expect(page.locator("#toasts")).to_contain_text("area.geojson")
    assert [line for line in watched.errors if "422" not in line] == []


def test_nothing_in_a_name_becomes_markup(served, officer, open_app) -> None:
    features = [
        polygon(
            "no_fly" if k else "patrol",
            [(88.8 + k / 1e3, 23), (88.8 + k / 1e3, 23.002), (88.802 + k / 1e3, 23)],
            name=text,
            onclick=text,
        )
        for k, text in enumerate(PAYLOADS)
    ]
    body = {"area": {**drawn(*features), "name": PAYLOADS[0]}, "version": 0}
    assert officer.put("/api/missions/north/drawing", json=body).status_code == 200
    page, watched = open_app("/missions/north/plan", name="<i>A</i>")
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#shapes > li")).to_have_count(len(PAYLOADS))
    for k, text in enumerate(PAYLOADS):
        assert text.strip() in page.locator("#shapes .pick").nth(k).text_content()
        page.locator("#shapes [aria-expanded]").nth(k).click()
        page.locator("#shapes [aria-expanded=true]").click()
    assert page.locator(".who i, #shapes img, #shapes script, #shapes svg, #shapes a").count() == 0
    quiet(watched)


@pytest.mark.parametrize("name", PAYLOADS)
def test_no_payload_is_a_name(name) -> None:
    with pytest.raises(InputError):
        checked_name(name)


def test_a_viewer_looks_and_changes_nothing(served, officer, open_app) -> None:
    area = drawn(polygon("patrol", [(88.8, 23), (88.8, 23.002), (88.802, 23)]))
    assert officer.put("/api/missions/north/drawing", json={"area": area, "version": 0}).status_code == 200
    page, watched = open_app("/missions/north/plan", role="viewer", name="V")
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#shapes > li")).to_have_count(1)
    assert page.locator("#write, [data-draw], #shapes [aria-expanded]").count() == 0
    assert page.locator("[name=drone]").is_disabled()
    quiet(watched)


def test_logging_in_by_the_printed_link(served, browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.url}/login#{served.app.state.access.invite('officer')}")
    assert "#" not in page.url
    page.fill("#name", "Zoë <b>")
    page.press("#name", "Enter")
    page.wait_for_url("**/missions")
    assert page.locator(".who").inner_text().startswith("Zoë <b>, officer")
    page.click("text=Link for a viewer")
    expect(page.locator("#invitation-link")).to_have_value(re.compile(r"/login#.{20}"))
    page.click("#log-out")
    page.wait_for_url("**/login")
    context.close()
