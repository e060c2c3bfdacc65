"""Drawing an area and planning it: the page, the preview as one drags, files dropped on it, writing the plan, and the
files of a plan that is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from mapping.ground.camera import catalogue as cameras
from missions.drones import catalogue as drones
from picket.folder import Mission
from picket.web.access import Officer, Viewer
from picket.web.drawings import Drawings
from picket.web.flying import check_nothing_flies
from picket.web.jobs import described
from picket.web.listing import known_names
from picket.web.places import AppSettings, Name, NotFoundError, TheMission, checked_name, inside, mission_named
from picket.web.settings import Settings
from picket.web.showing import page, sealed_page
from picket.web.uploads import TERRAIN_SUFFIXES, ZONE_SUFFIXES, area_of, check_terrain, taken_in, zones_of
from picket.web.wishes import Wish
from vision.errors import InputError

router = APIRouter()
MOST_FEATURES = 500


class Asked(BaseModel):
    """An area as GeoJSON and how it is to be flown."""

    area: dict[str, Any]
    wish: Wish = Wish()


class ToPreview(Asked):
    """What to preview, and for which page: its newest request wins."""

    page: Annotated[str, Field(min_length=1, max_length=64)]


class ToSave(Asked):
    """What to save, on top of which version."""

    version: Annotated[int, Field(ge=0, le=2**53)]


@router.get("/missions/{mission}/plan", include_in_schema=False)
def plan_page(request: Request, person: Viewer, mission: Name, settings: AppSettings) -> Response:
    """The page, for a mission that is there or one that is to be made."""
    name = checked_name(mission)
    if person.role != "officer" and name not in known_names(settings):
        raise NotFoundError("there is no mission of that name")
    request.app.state.previews.begin()
    return page(request, "plan.html", mission=name)


@router.get("/api/catalogue")
def catalogue(person: Viewer) -> dict[str, list[dict[str, str]]]:
    """The drones and cameras that can be chosen."""
    return {
        "drones": [{"name": name, "title": one.title} for name, one in drones().items()],
        "cameras": [{"name": name, "title": f"{name} ({one.kind})"} for name, one in cameras().items()],
    }


@router.get("/api/missions/{mission}/drawing")
def drawing(settings: AppSettings, person: Viewer, mission: Name) -> dict[str, Any]:
    """What is drawn for a mission, and what there is of it already."""
    name, planned = checked_name(mission), _planned(settings, mission)
    drawings = Drawings(settings)
    drawn = drawings.load(name, planned)
    terrain = drawings.terrain(name)
    return {
        "area": drawn.area,
        "wish": drawn.wish.model_dump(),
        "version": drawn.version,
        "saved_by": drawn.saved_by,
        "planned": planned is not None,
        "flights": len(planned.flights()) if planned else 0,
        "terrain": terrain.name if terrain else None,
        "zones": [_zones(path) for path in drawings.zones(name)],
        "files": _plan_files(planned) if planned else [],
    }


@router.put("/api/missions/{mission}/drawing")
def save(asked: ToSave, settings: AppSettings, person: Officer, mission: Name) -> dict[str, Any]:
    """Save what is drawn."""
    _check_features(asked.area)
    saved = Drawings(settings).save(checked_name(mission), asked.area, asked.wish, asked.version, person.name)
    return {"version": saved.version}


@router.post("/api/preview")
def preview(asked: ToPreview, request: Request, person: Officer) -> dict[str, Any]:
    """About what a plan of this would be: lines, footprints, time, batteries, problems in words."""
    _check_features(asked.area)
    shown: dict[str, Any] = request.app.state.previews.ask(asked.page, asked.area, asked.wish)
    return shown


@router.post("/api/area")
def read_area_file(file: Annotated[UploadFile, File()], person: Officer) -> dict[str, Any]:
    """The area in a dropped file: GeoJSON, KML, KMZ, GeoPackage, zipped Shapefile or .plan."""
    return area_of(file)


@router.post("/api/missions/{mission}/files")
def keep_file(
    settings: AppSettings,
    person: Officer,
    mission: Name,
    kind: Annotated[Literal["terrain", "zones"], Form()],
    file: Annotated[UploadFile, File()],
) -> dict[str, Any]:
    """Keep a dropped elevation model (GeoTIFF) or file of zones (ED-269, ED-318, GeoJSON) for a mission's plan."""
    with taken_in(file, ZONE_SUFFIXES if kind == "zones" else TERRAIN_SUFFIXES) as (path, called):
        zones = zones_of(path, called) if kind == "zones" else []
        if kind == "terrain":
            check_terrain(path, called)
        Drawings(settings).keep(checked_name(mission), kind, path, called)
    return {"file": called, "zones": zones}


@router.delete("/api/missions/{mission}/files/{kind}/{file}")
def drop_file(
    settings: AppSettings, person: Officer, mission: Name, kind: Literal["terrain", "zones"], file: Name
) -> dict[str, Any]:
    """Forget a dropped file."""
    Drawings(settings).drop(checked_name(mission), kind, file)
    return {}


@router.post("/api/missions/{mission}/plan", status_code=202)
def write_plan(
    asked: ToSave, request: Request, settings: AppSettings, person: Officer, mission: Name
) -> dict[str, Any]:
    """Save what is drawn and begin to plan it; the answer is the job."""
    _check_features(asked.area)
    name, drawings = checked_name(mission), Drawings(settings)
    planned = _planned(settings, name)
    request.app.state.jobs.check_free("plan", name)
    if planned is not None:
        check_nothing_flies(planned)
    saved = drawings.save(name, asked.area, asked.wish, asked.version, person.name)
    file = drawings.write_area(name, asked.area)
    output = settings.missions / name
    replace = ["--force"] if planned else []
    options = asked.wish.for_command(drawings.terrain(name), drawings.zones(name))
    job = request.app.state.jobs.start(
        "plan",
        ["plan", str(file), f"--output={output}", *options, *replace],
        title="Writing the plan",
        mission=name,
        who=person.name,
        litter=output,
    )
    return {"job": described(job), "version": saved.version}


@router.get("/missions/{mission}/plan/{file}", include_in_schema=False)
def plan_file(mission: TheMission, person: Viewer, file: Name) -> Response:
    """A file of a plan: its page shown shut off from the app, all others to be kept."""
    path = inside(mission.root, mission.plan.parent / checked_name(file))
    if not path.is_file():
        raise NotFoundError("there is nothing of that name")
    if path.suffix == ".html":
        return sealed_page(path)
    return FileResponse(path, filename=f"{mission.root.name} {path.name}", media_type="application/octet-stream")


def _zones(path: Path) -> dict[str, Any]:
    """A file of zones as the page shows it; one that cannot be read says why, so that it can be taken away."""
    try:
        return {"file": path.name, "zones": zones_of(path, path.name), "problem": ""}
    except (InputError, OSError) as error:
        return {"file": path.name, "zones": [], "problem": " ".join(str(error).split())}


def _planned(settings: Settings, name: str) -> Mission | None:
    try:
        return mission_named(settings, name)
    except NotFoundError:
        return None


def _plan_files(mission: Mission) -> list[str]:
    return sorted(path.name for path in mission.plan.parent.glob("*") if path.is_file())


def _check_features(area: dict[str, Any]) -> None:
    features = area.get("features")
    if area.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise InputError("the drawing", "is no FeatureCollection; load the page again")
    if len(features) > MOST_FEATURES:
        raise InputError("the drawing", f"has more than {MOST_FEATURES} shapes; draw fewer")
