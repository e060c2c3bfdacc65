"""Who waits for a preview: a few pages, the newest request of each, and nobody holds the app up."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from picket.web.previews import MOST_PAGES, BusyError, Previews, SupersededError
from picket.web.wishes import Wish


class Held(Previews):
    """Answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.go = threading.Event(), threading.Event()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self.began.set()
        assert self.go.wait(60)
        return {"area": request["area"]}


def test_the_newest_request_of_a_page_wins_and_too_many_pages_are_told_to_wait() -> None:
    previews = Held()
    with ThreadPoolExecutor(MOST_PAGES + 1) as pool:

        def ask(page: int, number: int) -> Future[dict[str, Any]]:
            return pool.submit(previews.ask, str(page), {"number": number}, Wish())

        first = ask(0, 0)
        assert previews.began.wait(60)
        waiting = [ask(page, 0) for page in range(1, MOST_PAGES)]
        while len(previews._newest) < MOST_PAGES:
            threading.Event().wait(0.01)
        with pytest.raises(BusyError):
            previews.ask("one more", {}, Wish())
        newest = ask(1, 1)
        with pytest.raises(SupersededError):  # at once: the first is still at work
            waiting[0].result(60)
        assert not first.done()
        previews.go.set()
        assert first.result(60) == {"area": {"number": 0}}
        assert newest.result(60) == {"area": {"number": 1}}
        assert [one.result(60) for one in waiting[1:]] == [{"area": {"number": 0}}] * (MOST_PAGES - 2)
    assert previews._newest == {}


def test_previews_of_many_pages_leave_the_app_to_others(served, officer) -> None:
    held = served.app.state.previews = Held()
    body = {"area": {"type": "FeatureCollection", "features": []}}
    with ThreadPoolExecutor(60) as pool:
        asked = [pool.submit(officer.post, "/api/preview", json={**body, "page": str(page)}) for page in range(60)]
        assert held.began.wait(60)
        assert officer.get("/api/me").status_code == 200  # while none of them is answered
        held.go.set()
        answers = [one.result(60).status_code for one in asked]
    assert set(answers) <= {200, 429}
    assert 429 in answers
