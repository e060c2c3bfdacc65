"""The one gate before every route and every file: who asks, by what name, from where, and what the answer may do.

Everything is refused that is not allowed here: a Host that is not ours (DNS rebinding), a changing request from
another page (Origin and a token of the session), anything without a session but the login page, changing anything as
a viewer, bodies that are too large. Every answer forbids the page to load or send anything but to this app.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from picket.web.access import Access
from picket.web.bodies import Body
from picket.web.settings import Settings

LOG = logging.getLogger("picket.web")
CSRF_HEADER = "x-picket-csrf"
SAFE = frozenset({"GET", "HEAD"})
OPEN = frozenset({"/login", "/static/login.js", "/static/look.css", "/static/icon.svg"})
"""What needs no session: the login page and what it is made of."""
VIEWERS_MAY_POST = frozenset({"/login", "/logout"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=()",
        "cache-control": "no-store",
    }
)
"""On every answer that does not say otherwise itself."""


def cookie_name(settings: Settings) -> str:
    """Of the session's cookie. Browsers share cookies among the ports of a host, so the port is in it."""
    return f"picket_{settings.port}"


class Guard:
    """ASGI middleware: checks a request, puts `person`, `session` and `session_key` into its state, or refuses it."""

    def __init__(self, app: ASGIApp, settings: Settings, access: Access) -> None:
        self._app = app
        self._settings = settings
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        guarded = _with_headers(send)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        limit = self._limit(scope, headers)
        if _length(headers) > limit:
            await _too_large(limit)(scope, receive, guarded)
            return
        body = Body(receive, limit)
        if scope["method"] not in SAFE and not _is_upload(headers):
            problem = await body.problem()
            if problem is not None:
                await _refused(422, f"what the page sent {problem}")(scope, receive, guarded)
                return
        answer = _Answer(guarded, body)
        try:
            await self._app(scope, body.receive, answer.send)
        except Exception as error:
            if not body.too_large:
                LOG.error("%s %s: %s", scope["method"], scope["path"], place_of(error))
            if not answer.begun and not body.too_large:
                await _refused(500, "something went wrong inside Picket; what was written is kept")(
                    scope, receive, guarded
                )
        if body.too_large and not answer.begun:
            await _too_large(limit)(scope, receive, guarded)

    def _limit(self, scope: Scope, headers: Headers) -> int:
        """How many bytes a request may bring: uploads are officers', and who is not in has only a login to send."""
        session = scope["state"]["session"]
        if session is None:
            return self._settings.login_limit
        upload = _is_upload(headers) and session.person.role == "officer"
        return self._settings.upload_limit if upload else self._settings.request_limit

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a request that is not let through; None where it is."""
        path, method = scope["path"], scope["method"]
        if not self._is_ours(headers.getlist("host")):
            return _refused(421, "this app is not known by that name; open the address it printed at its start")
        unsafe = method not in SAFE
        if unsafe and not self._same_origin(headers):
            return _refused(403, "refused: the request came from another page than this app's own")
        key = _cookie(headers, cookie_name(self._settings))
        session = self._access.session(key)
        state = scope.setdefault("state", {})
        state["session_key"], state["session"] = key, session
        state["person"] = session.person if session else None
        if path in OPEN:
            return None
        if session is None:
            return _to_login(headers, path, method)
        if unsafe and not secrets.compare_digest(headers.get(CSRF_HEADER, "").encode(), session.csrf.encode()):
            return _refused(403, "refused: this page is from an earlier login; load it again")
        if unsafe and session.person.role != "officer" and path not in VIEWERS_MAY_POST:
            return _refused(403, "you are logged in to look; an officer has to do this")
        return None

    def _is_ours(self, hosts: list[str]) -> bool:
        if len(hosts) != 1:
            return False
        try:
            parts = urlsplit(f"//{hosts[0]}")
            port = 80 if parts.port is None else parts.port
        except ValueError:
            return False
        plain = "@" not in hosts[0] and not parts.path and not parts.query and not parts.fragment
        return plain and port == self._settings.port and (parts.hostname or "") in self._settings.host_names

    def _same_origin(self, headers: Headers) -> bool:
        """Whether a changing request says it comes from this app's own page. Browsers always say so; a program has
        to."""
        origins = headers.getlist("origin")
        site = headers.get("sec-fetch-site", "same-origin")
        return origins == [f"http://{headers['host']}"] and site in ("same-origin", "none")


class _Answer:
    """Notes whether an answer has begun: from then on it cannot be replaced by another. What the app makes of a body
    that was cut off is held back."""

    def __init__(self, send: Send, body: Body) -> None:
        self._send, self._body = send, body
        self.begun = False

    async def send(self, message: Message) -> None:
        if self._body.too_large and not self.begun:
            return
        self.begun = True
        await self._send(message)


def place_of(error: BaseException) -> str:
    """An error nobody foresaw in one line for the log: what, and where in the code."""
    at = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {at[0].filename}:{at[0].lineno}" if at else ""
    return " ".join(f"{type(error).__name__}: {error}{place}".split())


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _cookie(headers: Headers, name: str) -> str | None:
    return cookie_parser("; ".join(headers.getlist("cookie"))).get(name)


def _is_upload(headers: Headers) -> bool:
    return headers.get("content-type", "").lower().startswith("multipart/form-data")


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _refused(status: int, problem: str) -> Response:
    return JSONResponse({"problem": problem}, status)


def _too_large(limit: int) -> Response:
    most = f"{limit // 1024 // 1024} MB" if limit >= 1024 * 1024 else f"{limit // 1024} KB"
    return _refused(413, f"too large; at most {most}")


def _to_login(headers: Headers, path: str, method: str) -> Response:
    """A page that a person opens leads to the login, which leads back; anything else is told so."""
    if method in SAFE and "text/html" in headers.get("accept", "") and not path.startswith(("/api/", "/static/")):
        return RedirectResponse(f"/login?next={quote(path)}", 303)
    return _refused(401, "log in first: open the link that picket serve printed")
