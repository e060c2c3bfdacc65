"""Work under way as browsers see it: the jobs, their cancel button, and the one stream of events of every page."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from picket.web.access import Officer, Viewer
from picket.web.jobs import Job, Jobs, described
from picket.web.places import NotFoundError

router = APIRouter()
MOST_TOPICS = 50
"""All windows of a browser share one stream."""


@router.get("/events", include_in_schema=False)
def events(
    request: Request,
    person: Viewer,
    topic: Annotated[list[Annotated[str, Query(max_length=200)]], Query(max_length=MOST_TOPICS)],
) -> StreamingResponse:
    """Server-sent events of these topics, until the browser goes away or the login ends."""
    hub, access, key = request.app.state.hub, request.app.state.access, request.state.session_key
    hub.check_free(key)
    stream = hub.listen(topic, key, lambda: access.session(key) is not None)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


@router.get("/api/jobs")
def jobs(request: Request, person: Viewer, mission: Annotated[str | None, Query(max_length=200)] = None) -> list[Any]:
    """The jobs of this app (of one mission), oldest first."""
    return [described(job) for job in _jobs(request).all(mission)]


@router.get("/api/jobs/{job_id}")
def job(request: Request, person: Viewer, job_id: str) -> dict[str, Any]:
    """One job and the last lines it said."""
    return described(_job(request, job_id)) | {"log": _jobs(request).log(job_id)}


@router.post("/api/jobs/{job_id}/cancel")
def cancel(request: Request, person: Officer, job_id: str) -> dict[str, Any]:
    """Ask a job to end and leave things clean."""
    _job(request, job_id)
    return described(_jobs(request).cancel(job_id))


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


def _job(request: Request, job_id: str) -> Job:
    try:
        return _jobs(request).get(job_id)
    except KeyError as error:
        raise NotFoundError("there is no such job") from error
