"""The way in and out: the login page, logging in with a one-time link, inviting others, logging out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from picket.web.access import LONGEST_NAME, Access, Officer, Viewer
from picket.web.guard import cookie_name
from picket.web.places import AppSettings
from picket.web.showing import page

router = APIRouter()


class LogIn(BaseModel):
    """Who logs in, with what."""

    name: Annotated[str, Field(max_length=4 * LONGEST_NAME)]
    token: Annotated[str, Field(max_length=200)]


class Invite(BaseModel):
    """Whom a new link is for."""

    role: Literal["officer", "viewer"]


@router.get("/", include_in_schema=False)
def start() -> Response:
    """The app begins with its missions."""
    return RedirectResponse("/missions", 303)


@router.get("/login", include_in_schema=False)
def login_page(request: Request) -> Response:
    """Asks for a name and the token of a link."""
    return page(request, "login.html")


@router.post("/login")
def log_in(asked: LogIn, request: Request, settings: AppSettings) -> Response:
    """Log in; the cookie of the answer is the session."""
    access: Access = request.app.state.access
    key, _ = access.log_in(asked.token, asked.name)
    response = JSONResponse({"next": "/missions"})
    response.set_cookie(
        cookie_name(settings), key, max_age=int(settings.session_s), httponly=True, samesite="strict", path="/"
    )
    return response


@router.post("/logout")
def log_out(request: Request, settings: AppSettings, person: Viewer) -> Response:
    """End this session."""
    request.app.state.access.log_out(request.state.session_key)
    request.app.state.hub.end(request.state.session_key)
    response = JSONResponse({"next": "/login"})
    response.delete_cookie(cookie_name(settings), path="/")
    return response


@router.post("/api/invitations")
def invite(asked: Invite, request: Request, settings: AppSettings, officer: Officer) -> dict[str, Any]:
    """A new link that logs one person in, once."""
    token = request.app.state.access.invite(asked.role)
    return {"role": asked.role, "link": f"{settings.address}/login#{token}"}


@router.get("/api/me")
def me(person: Viewer) -> dict[str, str]:
    """Who is logged in."""
    return {"name": person.name, "role": person.role}
