"""The list of missions: what each is, in words, and which step comes next."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from picket.web.access import Officer, Viewer
from picket.web.listing import known_names, listed
from picket.web.places import LONGEST_NAME, AppSettings, checked_name
from picket.web.showing import page
from vision.errors import InputError

router = APIRouter()


class NewMission(BaseModel):
    """The name of a mission to be made."""

    name: Annotated[str, Field(max_length=4 * LONGEST_NAME)]


@router.get("/missions", include_in_schema=False)
def missions_page(request: Request, person: Viewer) -> Response:
    """The first page: every mission with its state and its next step."""
    return page(request, "missions.html")


@router.get("/api/missions")
def missions(request: Request, settings: AppSettings, person: Viewer) -> list[dict[str, Any]]:
    """The missions, the one changed last first."""
    return [one.as_json() for one in listed(settings, request.app.state.benches.ledgers)]


@router.post("/api/missions", status_code=201)
def create(asked: NewMission, settings: AppSettings, officer: Officer) -> dict[str, str]:
    """Check the name of a new mission; its folder is made with its plan."""
    name = checked_name(asked.name)
    if name.casefold() in {known.casefold() for known in known_names(settings)}:
        raise InputError("the name", f"{name} is a mission already; open it, or take another name")
    return {"name": name}
