"""What happens is told to every browser that listens: topics, subscribers, and the server-sent events they read.

A topic is a short name ("jobs", "flight:benapole"); a message is a JSON object. Whoever cannot keep up loses the oldest
messages and is told to load anew ("lost"), so that memory stays flat. What the messages say is their senders' subject.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

MOST_WAITING = 200
HEARTBEAT_S = 15.0
MOST_OPEN = 200
MOST_OF_ONE = 20
"""Streams, of all people and of one: each holds a connection, and connections are limited."""


class TooManyStreamsError(RuntimeError):
    """No further stream is opened; the text says whose are too many."""


class Listener:
    """One open stream: the topics it wants, whose it is, and what waits to be sent to it."""

    def __init__(
        self,
        topics: Iterable[str],
        loop: asyncio.AbstractEventLoop,
        owner: str = "",
        welcome: Callable[[], bool] = lambda: True,
    ) -> None:
        self.topics, self.owner = frozenset(topics), owner
        self._welcome = welcome
        self._loop = loop
        self._waiting: deque[str] = deque()
        self._something = asyncio.Event()
        self._lost = False
        self._closed = False

    def put(self, text: str) -> None:
        """Hand over one message; to be called from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._put, text)
        except RuntimeError:  # the loop is closed: nobody listens any more
            self._closed = True

    def close(self) -> None:
        """End the stream after what waits."""
        self._closed = True
        self._loop.call_soon_threadsafe(self._something.set)

    def _put(self, text: str) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._lost = True
        self._waiting.append(text)
        self._something.set()

    async def texts(self) -> AsyncIterator[str]:
        """What is sent, message by message, with a sign of life where nothing happens, while its owner is welcome."""
        yield ": hello\n\n"
        while self._welcome():
            if not self._waiting and not self._closed:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await self._something.wait()
                except TimeoutError:
                    if self._welcome():
                        yield ": still here\n\n"
                    continue
            if not self._welcome():
                return
            self._something.clear()
            if self._lost:
                self._lost = False
                yield "event: lost\ndata: {}\n\n"
            while self._waiting:
                yield self._waiting.popleft()
            if self._closed:
                return


class Hub:
    """All open streams. Safe to publish to from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """Tell everybody who listens to `topic`. Raises ValueError for numbers that JSON does not know."""
        data = json.dumps({"topic": topic, **message}, allow_nan=False)
        with self._lock:
            listeners = [one for one in self._listeners if topic in one.topics]
        for one in listeners:
            one.put(f"data: {data}\n\n")

    def check_free(self, owner: str) -> None:
        """Raise TooManyStreamsError where `owner`, or all together, have as many streams as there may be."""
        with self._lock:
            of_one = sum(one.owner == owner for one in self._listeners)
            if of_one >= MOST_OF_ONE:
                raise TooManyStreamsError(f"{of_one} windows of yours are open already; close some")
            if len(self._listeners) >= MOST_OPEN:
                raise TooManyStreamsError("too many windows are open; close some")

    async def listen(
        self, topics: Iterable[str], owner: str = "", welcome: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[str]:
        """The stream of one browser, until it goes away or `owner` is `welcome` no longer. It ends at once where
        `check_free` would raise."""
        listener = Listener(topics, asyncio.get_running_loop(), owner, welcome)
        try:
            self.check_free(owner)
        except TooManyStreamsError:
            return
        with self._lock:
            self._listeners.add(listener)
        try:
            async for text in listener.texts():
                yield text
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def end(self, owner: str) -> None:
        """End the streams of somebody who has gone."""
        with self._lock:
            theirs = [one for one in self._listeners if one.owner == owner]
        for one in theirs:
            one.close()

    def close(self) -> None:
        """End every stream."""
        with self._lock:
            listeners = list(self._listeners)
        for one in listeners:
            one.close()

    @property
    def listening(self) -> int:
        """How many streams are open."""
        with self._lock:
            return len(self._listeners)
