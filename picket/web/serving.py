"""Running the app on a socket: a server that ends with its terminal window, and that tells those who listen goodbye
before it waits for them."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

STOP_WAIT_S = 3
MOST_CONNECTIONS = 500
"""Files are what runs out first: most systems let a process open 1024."""


class WebServer(uvicorn.Server):
    """uvicorn's server for an app of `picket.web.app`."""

    def __init__(self, app: FastAPI) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        super().__init__(
            uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                server_header=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=STOP_WAIT_S,
            )
        )
        self._app = app

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """A terminal that is closed (SIGHUP) ends the app as SIGTERM does, unless it was told to outlive it (nohup)."""
        main = threading.current_thread() is threading.main_thread()
        if not main or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            with super().capture_signals():
                yield
            return
        before = signal.signal(signal.SIGHUP, lambda number, frame: setattr(self, "should_exit", True))
        try:
            with super().capture_signals():
                yield
        finally:
            signal.signal(signal.SIGHUP, before)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen. Answers leave at once, on every connection: headers and content are written one after the
        other, and the second would wait for the browser to acknowledge the first, which it takes 40 ms over. (asyncio
        sees to that by itself only for sockets that were made with the protocol's number.)"""
        for listening in sockets or ():
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the open streams and the preview, which would go on for ever, then everything else."""
        self._app.state.hub.close()
        await asyncio.to_thread(self._app.state.previews.close)
        await super().shutdown(sockets)
