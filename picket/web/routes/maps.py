"""What lies under the maps of the app, where it was given something to put there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from picket.web.access import Viewer
from picket.web.bodies import SoundResponse
from picket.web.ground import Basemap
from vision.errors import InputError

router = APIRouter()
Longitude = Annotated[float, Query(ge=-540, le=540, allow_inf_nan=False)]
Latitude = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)]
NOTHING: dict[int | str, dict[str, str]] = {204: {"description": "There is nothing to put there"}}


@router.get("/api/basemap", responses=NOTHING)
def basemap(
    request: Request, person: Viewer, west: Longitude, south: Latitude, east: Longitude, north: Latitude
) -> Response:
    """A picture or map tiles of the ground in this box, and a bit around it."""
    if not (0.0 < east - west <= 360.0 and south < north):
        raise InputError("the box", "holds no ground; give west below east, south below north")
    given: Basemap | None = request.app.state.basemap
    turn = 360.0 * round((west + east) / 720.0)
    found = given.around((west - turn, south, east - turn, north)) if given else None
    return Response(status_code=204) if found is None else SoundResponse(found.to_json((west + east) / 2.0))
