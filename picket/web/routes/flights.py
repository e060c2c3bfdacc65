"""Flying from the browser: the sorties of a mission, the flight under way, its position, battery and photos."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from picket.web.access import Viewer
from picket.web.places import TheMission
from picket.web.showing import page

router = APIRouter()


@router.get("/missions/{mission}/fly", include_in_schema=False)
def fly_page(request: Request, person: Viewer, mission: TheMission) -> Response:
    """The page."""
    return page(request, "problem.html", mission=mission.root.name, problem="This page is not built yet.")
