"""What browsers hear of what happens: one stream for all windows, and a plain word where nothing is heard any more."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import expect

SOON = {"timeout": 30_000}


def test_all_windows_of_a_browser_share_one_stream(served: Any, open_app: Any) -> None:
    page, watched = open_app("/missions")
    windows = [page, *(page.context.new_page() for _ in range(7))]
    for window in windows[1:]:
        window.goto(served.url + "/missions")
    for window in windows:
        assert window.evaluate("fetch('/api/me').then((answer) => answer.status)") == 200
    last = time.monotonic() + 10
    while served.app.state.hub.listening != 1 and time.monotonic() < last:
        time.sleep(0.05)
    assert served.app.state.hub.listening == 1
    job = {"id": "0" * 16, "kind": "plan", "title": "Planning", "mission": "", "ended": False, "state": "running"}
    more = {"done": 0, "total": 0, "elapsed_s": 1, "left_s": None, "step": "", "detail": ""}
    served.app.state.hub.publish("jobs", {"job": job | more})
    for window in windows:
        expect(window.locator("#jobs")).to_contain_text("Planning", **SOON)
    for window in windows[1:]:
        window.close()
    assert watched.errors == []


def test_a_page_whose_person_is_logged_out_says_so(served: Any, open_app: Any) -> None:
    page, _ = open_app("/missions")
    with page.expect_response("**/api/missions"), page.expect_response("**/api/jobs"):
        page.reload()  # what it asks for at first is there: from now on it only listens
    expect(page.locator("#silence")).to_be_hidden()
    page.context.clear_cookies()
    served.app.state.hub.close()
    expect(page.locator("#silence")).to_contain_text("You are logged out", **SOON)
