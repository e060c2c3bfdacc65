"""Fixtures every test may use: data beside the checkout, and a real browser that is cut off from any network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # a busy machine is no fault
settings.load_profile("unhurried")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data and weights beside the checkout (`PICKET_SHARED` overrides it); skips where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("PICKET_SHARED", default))
    if not (folder / "data").is_dir():
        pytest.skip(f"no test data at {folder}: set PICKET_SHARED to the folder that holds data/")
    return folder


@dataclass
class Seen:
    """What a page did while it was open."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    named = os.environ.get("PICKET_CHROMIUM")
    program = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium on this machine (set PICKET_CHROMIUM to its path)")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., tuple[Any, Seen]]]:
    """Opens a file with the network cut off and notes every request, error and dialog."""
    contexts = []

    def opener(path: Path, **options: Any) -> tuple[Any, Seen]:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        context.set_offline(True)
        seen = Seen()
        address = path.as_uri()

        def guard(route: Any) -> None:
            if route.request.url == address:
                route.continue_()
            else:
                route.abort()

        def dialog(shown: Any) -> None:
            seen.dialogs.append(shown.message)
            shown.dismiss()

        def request(sent: Any) -> None:
            if sent.url != address and not sent.url.startswith("data:"):
                seen.requests.append(sent.url)

        context.route("**/*", guard)
        page = context.new_page()
        page.on("request", request)
        page.on(
            "console",
            lambda message: seen.errors.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("dialog", dialog)
        page.goto(address)
        page.wait_for_selector("#table-holder table, #table-hint:not(:empty)")
        return page, seen

    yield opener
    for context in contexts:
        context.close()
