"""The report of a mission in the app: its page as `picket report` wrote it, shut off from the app, written anew when
asked, and the sightings in the formats of other tools to be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from mapping.maps.basis import basis_of_page
from mapping.maps.exports.formats import FORMATS
from picket.basis import basis_of, tables_digest
from picket.reviews.record import FIRST
from picket.web.access import Officer, Viewer
from picket.web.ground import Basemap
from picket.web.jobs import described
from picket.web.places import Name, NotFoundError, TheMission, checked_name, inside
from picket.web.showing import page, sealed_page
from vision.errors import InputError

router = APIRouter()
PICTURED = "report.html"
PRINTED = "report.pdf"


class ToWrite(BaseModel):
    """Whether a PDF is wanted beside the page."""

    pdf: bool = False


class ToExport(BaseModel):
    """The format of an export."""

    form: Annotated[str, Field(max_length=20, json_schema_extra={"enum": list(FORMATS)})]


@router.get("/missions/{mission}/report", include_in_schema=False)
def report_page(request: Request, person: Viewer, mission: TheMission) -> Response:
    """The page."""
    return page(request, "report.html", mission=mission.root.name)


@router.get("/missions/{mission}/report/{file}", include_in_schema=False)
def report_file(mission: TheMission, person: Viewer, file: Name) -> Response:
    """The report itself, shut off from the app, or an export to be kept."""
    name = checked_name(file)
    if name not in _names():
        raise NotFoundError("there is nothing of that name")
    path = inside(mission.root, mission.root / name)
    if name == PICTURED:
        return sealed_page(path)
    return FileResponse(path, filename=f"{mission.root.name} {name}", media_type="application/octet-stream")


@router.get("/api/missions/{mission}/report")
def report_state(request: Request, person: Viewer, mission: TheMission) -> dict[str, Any]:
    """When the report was written, whether it rests on other sightings or reviews than there are now, and the exports
    there are."""
    written = _written(mission.root / PICTURED)
    ledger = request.app.state.benches.ledgers.of(mission)
    now = basis_of(tables_digest(mission), ledger.head if ledger else (0, FIRST))
    return {
        "written_s": written,
        "newer": written is not None and basis_of_page(mission.root / PICTURED) != now,
        "located": any(flight.sightings.exists() for flight in mission.flights()) or mission.sightings.exists(),
        "forms": [
            {"form": name, "title": form.title, "file": form.file, "written_s": _written(mission.root / form.file)}
            for name, form in FORMATS.items()
        ],
        "pdf_s": _written(mission.root / PRINTED),
    }


@router.post("/api/missions/{mission}/report", status_code=202)
def write(asked: ToWrite, request: Request, person: Officer, mission: TheMission) -> dict[str, Any]:
    """Write the report anew; the answer is the job."""
    more = ["--pdf"] if asked.pdf else []
    basemap: Basemap | None = request.app.state.basemap
    more += basemap.options(mission) if basemap else []
    job = request.app.state.jobs.start(
        "report",
        ["report", str(mission.root), "--force", *more],
        title="Writing the report",
        mission=mission.root.name,
        who=person.name,
    )
    return described(job)


@router.post("/api/missions/{mission}/exports", status_code=202)
def export(asked: ToExport, request: Request, person: Officer, mission: TheMission) -> dict[str, Any]:
    """Write the sightings in a format; the answer is the job."""
    if asked.form not in FORMATS:
        raise InputError("the format", f"{asked.form!r} is none of {', '.join(FORMATS)}")
    job = request.app.state.jobs.start(
        "export",
        ["export", str(mission.root), f"--format={asked.form}", "--force"],
        title=f"Writing {FORMATS[asked.form].title}",
        mission=mission.root.name,
        who=person.name,
    )
    return described(job)


def _names() -> set[str]:
    return {PICTURED, PRINTED, *(form.file for form in FORMATS.values())}


def _written(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
