"""Drawing an area and planning it: the page, the preview as one drags, files dropped on it, and writing the plan."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from picket.web.access import Viewer
from picket.web.places import Name, checked_name
from picket.web.showing import page

router = APIRouter()


@router.get("/missions/{mission}/plan", include_in_schema=False)
def plan_page(request: Request, person: Viewer, mission: Name) -> Response:
    """The page, for a mission that is there or one that is to be made."""
    return page(request, "problem.html", mission=checked_name(mission), problem="This page is not built yet.")
