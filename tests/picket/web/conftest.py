"""A real server of the web app on a port of its own, people logged in, and a browser cut off from everything else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from picket.web.access import Role
from picket.web.app import create_app
from picket.web.guard import CSRF_HEADER, cookie_name
from picket.web.serving import WebServer
from picket.web.settings import Settings


@dataclass
class Served:
    """A running app: where it is, its insides, and clients logged in."""

    url: str
    app: FastAPI
    settings: Settings
    listening: socket.socket
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def missions(self) -> Path:
        return self.settings.missions

    def log_in(self, name: str = "A. Rahman", role: Role = "officer") -> tuple[str, str]:
        """A new session: the cookie's value and its CSRF token."""
        access = self.app.state.access
        key, session = access.log_in(access.invite(role), name)
        return key, session.csrf

    def client(self, name: str = "A. Rahman", role: Role = "officer") -> httpx.Client:
        """A client that is logged in and sends what a page of the app sends."""
        key, csrf = self.log_in(name, role)
        client = httpx.Client(
            base_url=self.url,
            cookies={cookie_name(self.settings): key},
            headers={CSRF_HEADER: csrf, "Origin": self.url},
            timeout=30.0,
            trust_env=False,
        )
        self.clients.append(client)
        return client

    def stranger(self) -> httpx.Client:
        """A client without a session."""
        client = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)
        self.clients.append(client)
        return client


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The app over an empty missions folder, listening on 127.0.0.1."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    settings = Settings(missions=tmp_path / "missions", port=port)
    app = create_app(settings)
    server = WebServer(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until_s = time.monotonic() + 20
    while not server.started and time.monotonic() < until_s:
        time.sleep(0.01)
    assert server.started
    running = Served(f"http://127.0.0.1:{port}", app, settings, listening)
    yield running
    for client in running.clients:
        client.close()
    server.should_exit = True
    thread.join(20)
    listening.close()


@pytest.fixture
def officer(served: Served) -> httpx.Client:
    return served.client()


@pytest.fixture
def viewer(served: Served) -> httpx.Client:
    return served.client("V. Iewer", "viewer")


@dataclass
class Watched:
    """What a page did while it was open: requests to other hosts, complaints of the console, dialogs."""

    elsewhere: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@pytest.fixture
def open_app(served: Served, browser: Any) -> Iterator[Callable[..., tuple[Any, Watched]]]:
    """Opens a page of the app as somebody who is logged in: `page, watched = open_app("/missions")`. Every request to
    another host is refused and noted."""
    contexts = []

    def opener(path: str, *, name: str = "A. Rahman", role: Role = "officer", **options: Any) -> tuple[Any, Watched]:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        key, _ = served.log_in(name, role)
        context.add_cookies(
            [
                {
                    "name": cookie_name(served.settings),
                    "value": key,
                    "url": served.url,
                    "httpOnly": True,
                    "sameSite": "Strict",
                }
            ]
        )
        watched = Watched()

        def guard(route: Any) -> None:
            if route.request.url.startswith((f"{served.url}/", "data:", "blob:")):
                route.continue_()
            else:
                watched.elsewhere.append(route.request.url)
                route.abort()

        def dialog(shown: Any) -> None:
            watched.dialogs.append(shown.message)
            shown.dismiss()

        context.route("**/*", guard)
        page = context.new_page()
        page.on("console", lambda said: watched.errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.on("dialog", dialog)
        page.goto(served.url + path)
        return page, watched

    yield opener
    for context in contexts:
        context.close()
