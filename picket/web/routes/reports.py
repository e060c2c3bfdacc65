"""The report of a mission: its page as `picket report` wrote it, shut off from the app."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from picket.web.access import Viewer
from picket.web.places import TheMission
from picket.web.showing import page

router = APIRouter()


@router.get("/missions/{mission}/report", include_in_schema=False)
def report_page(request: Request, person: Viewer, mission: TheMission) -> Response:
    """The page."""
    return page(request, "problem.html", mission=mission.root.name, problem="This page is not built yet.")
