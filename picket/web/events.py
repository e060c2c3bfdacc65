"""What happens is told to every browser that listens: topics, subscribers, and the server-sent events they read.

A topic is a short name ("jobs", "flight:benapole"); a message is a JSON object. Whoever cannot keep up loses the oldest
messages and is told to load anew ("lost"), so that memory stays flat. What the messages say is their senders' subject.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

MOST_WAITING = 200
HEARTBEAT_S = 15.0


class Listener:
    """One open stream: the topics it wants and what waits to be sent to it."""

    def __init__(self, topics: Iterable[str], loop: asyncio.AbstractEventLoop) -> None:
        self.topics = frozenset(topics)
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
        """What is sent, message by message, with a sign of life where nothing happens."""
        yield ": hello\n\n"
        while True:
            if not self._waiting and not self._closed:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await self._something.wait()
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
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

    async def listen(self, topics: Iterable[str]) -> AsyncIterator[str]:
        """The stream of one browser, until it goes away."""
        listener = Listener(topics, asyncio.get_running_loop())
        with self._lock:
            self._listeners.add(listener)
        try:
            async for text in listener.texts():
                yield text
        finally:
            with self._lock:
                self._listeners.discard(listener)

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
