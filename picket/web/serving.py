"""Running the app on a socket: a server that tells those who listen goodbye before it waits for them."""

from __future__ import annotations

import asyncio
import logging
import socket

import uvicorn
from fastapi import FastAPI

STOP_WAIT_S = 3


class WebServer(uvicorn.Server):
    """uvicorn's server for an app of `picket.web.app`."""

    def __init__(self, app: FastAPI) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        super().__init__(
            uvicorn.Config(
                app, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=STOP_WAIT_S
            )
        )
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the open streams and the preview, which would go on for ever, then everything else."""
        self._app.state.hub.close()
        await asyncio.to_thread(self._app.state.previews.close)
        await super().shutdown(sockets)
