"""Pages: templates filled with text that is always escaped. What a page shows is its route's subject."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

PAGES = Path(__file__).with_name("pages")
SEALED = (
    "sandbox allow-scripts allow-downloads allow-modals; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; frame-ancestors 'self'"
)
STEPS = (("plan", "Plan"), ("fly", "Fly"), ("review", "Review"), ("report", "Report"))
"""What is done with a mission, in this order: the last part of its page's path, and its name."""


def page(request: Request, name: str, status: int = 200, /, mission: str = "", **values: Any) -> HTMLResponse:
    """The page `pages/name` with `values` in it; `mission` is the name of the mission it is about, if any."""
    session = getattr(request.state, "session", None)
    text = (
        _templates()
        .get_template(name)
        .render(
            mission=mission,
            steps=STEPS,
            here=request.url.path.rsplit("/", 1)[-1],
            person=session.person if session else None,
            csrf=session.csrf if session else "",
            basemap=request.app.state.basemap is not None,
            **values,
        )
    )
    return HTMLResponse(text, status)


def sealed_page(path: Path) -> FileResponse:
    """A page Picket wrote into a mission (a plan's, a report), shown shut off from this app: whatever script stands in
    it has no session, no storage and no network. Its own policy, in the page, says which scripts run at all."""
    return FileResponse(
        path, media_type="text/html", headers={"content-security-policy": SEALED, "x-frame-options": "SAMEORIGIN"}
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
