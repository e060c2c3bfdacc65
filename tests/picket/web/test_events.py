"""What happens reaches the pages that listen, and nobody whose login has ended; nobody takes all the connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import pytest

from picket.web.events import MOST_OF_ONE, MOST_WAITING, Hub, Listener, TooManyStreamsError

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives, in a thread of its own: in this one a browser of an earlier test may have a loop running."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, work).result()


def until_listening(hub: Hub, streams: int) -> None:
    end = time.monotonic() + 60.0
    while hub.listening != streams:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_whoever_cannot_keep_up_is_told_so() -> None:
    async def listen() -> list[str]:
        listener = Listener(["a"], asyncio.get_running_loop())
        for number in range(MOST_WAITING + 50):
            listener._put(f"data: {number}\n\n")
        listener.close()
        return [text async for text in listener.texts()]

    texts = run(listen())
    assert "event: lost\ndata: {}\n\n" in texts
    assert texts[-1] == f"data: {MOST_WAITING + 49}\n\n"
    assert len(texts) == MOST_WAITING + 2


def test_events_reach_those_who_listen(served, viewer) -> None:
    with viewer.stream("GET", "/events", params={"topic": ["x"]}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == ": hello"
        served.app.state.hub.publish("y", {"n": 1})
        served.app.state.hub.publish("x", {"n": 2})
        assert next(line for line in lines if line.startswith("data")) == 'data: {"topic": "x", "n": 2}'
    until_listening(served.app.state.hub, 0)


def test_a_stream_ends_with_the_login(served, viewer) -> None:
    with viewer.stream("GET", "/events", params={"topic": ["x"]}) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": hello"
        until_listening(served.app.state.hub, 1)
        other = httpx.Client(base_url=served.url, headers=viewer.headers, cookies=viewer.cookies, trust_env=False)
        with other:
            assert other.post("/logout").status_code == 200
        served.app.state.hub.publish("x", {"n": 2})
        assert not [line for line in lines if line.startswith("data")]


def test_nothing_is_told_after_a_session_has_run_out() -> None:
    async def listen() -> list[str]:
        welcome = [True]
        hub, texts = Hub(), []
        async for text in hub.listen(["x"], "A", lambda: welcome[0]):
            texts.append(text)
            welcome[0] = len(texts) < 2
            hub.publish("x", {"n": len(texts)})
        return texts

    assert run(listen()) == [": hello\n\n", 'data: {"topic": "x", "n": 1}\n\n']


def test_streams_are_limited() -> None:
    async def listen() -> tuple[int, list[str], list[str]]:
        hub = Hub()
        streams = [hub.listen(["x"], "A") for _ in range(MOST_OF_ONE)]
        for stream in streams:
            await anext(stream)
        with pytest.raises(TooManyStreamsError):
            hub.check_free("A")
        hub.check_free("B")
        refused = [text async for text in hub.listen(["x"], "A")]
        hub.end("A")
        rest = [text for stream in streams for text in [part async for part in stream]]
        return hub.listening, refused, rest

    assert run(listen()) == (0, [], [])
