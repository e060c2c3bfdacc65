"""The web app put together: the guard before everything, the routes, the static files, what is made of errors, and the
start and the end of the work going on in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from mapping.errors import MappingError
from mapping.maps.packaged import ASSETS, PAGE
from missions.errors import MissionError
from picket.cli import problem_of
from picket.errors import PicketError
from picket.reviews.database import URL_VARIABLE
from picket.web.access import Access, AccessError
from picket.web.bodies import SoundResponse
from picket.web.drawings import ChangedError
from picket.web.events import Hub, TooManyStreamsError
from picket.web.flying import Flying
from picket.web.ground import Basemap
from picket.web.guard import Guard
from picket.web.jobs import JobRefusedError, Jobs
from picket.web.ledgers import Ledgers
from picket.web.pictures import Pictures
from picket.web.places import NotFoundError
from picket.web.previews import BusyError, Previews, SupersededError
from picket.web.reviewing import Benches
from picket.web.routes import door, flights, maps, missions, plans, reports, reviews, work
from picket.web.settings import Settings
from picket.web.showing import page
from sim.errors import SimulationError
from vision.errors import InputError, VisionError

STATIC = Path(__file__).with_name("static")


def create_app(settings: Settings, access: Access | None = None) -> FastAPI:
    """The app over the missions in `settings.missions`, which is made where it is not there.

    `access` knows who may log in; `app.state` holds it, the settings, the hub of events and the jobs. Raises InputError
    where the basemap is none."""
    settings.missions.mkdir(parents=True, exist_ok=True)
    app = FastAPI(
        title="Picket", docs_url=None, redoc_url=None, lifespan=_lifespan, default_response_class=SoundResponse
    )
    app.state.settings = settings
    app.state.access = access or Access(settings.session_s)
    app.state.hub = Hub()
    app.state.basemap = Basemap(settings.basemap) if settings.basemap else None
    shared = {URL_VARIABLE: settings.reviews_url} if settings.reviews_url else {}
    app.state.jobs = Jobs(settings.jobs, app.state.hub, shared, hidden=f"{settings.missions}/")
    app.state.flying = Flying(app.state.jobs, app.state.hub, app.state.basemap)
    app.state.jobs.take_up(app.state.flying.taken_up)
    app.state.previews = Previews()
    app.state.benches, app.state.pictures = Benches(Ledgers(settings.reviews_url)), Pictures()
    for module in (door, missions, plans, flights, reviews, reports, maps, work):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.mount("/assets", StaticFiles(directory=ASSETS, check_dir=False), name="assets")
    app.mount("/maps", StaticFiles(directory=PAGE), name="maps")
    for kind, status in _STATUS.items():
        app.add_exception_handler(kind, _handler(status))
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Guard, settings=settings, access=app.state.access)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(app.state.jobs.close)
    app.state.benches.close()


_STATUS: dict[type[Exception], int] = {
    InputError: 422,
    NotFoundError: 404,
    AccessError: 403,
    JobRefusedError: 409,
    PicketError: 409,
    SupersededError: 409,
    BusyError: 429,
    TooManyStreamsError: 429,
    ChangedError: 409,
    MissionError: 409,
    VisionError: 409,
    MappingError: 409,
    SimulationError: 409,
    OSError: 507,
}
"""What becomes of the errors a route may raise: all are one line in words."""


def _handler(status: int):  # type: ignore[no-untyped-def]  # Starlette's own type of handlers is wider than ours
    def handle(request: Request, error: Exception) -> Response:
        text = problem_of(error) if isinstance(error, OSError) else " ".join(str(error).split())
        return problem_response(request, status, _without_paths(request, text))

    return handle


def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: "there is nothing at this address", 405: "that cannot be done at this address"}
    standard = error.detail in ("Not Found", "Method Not Allowed")
    return problem_response(request, error.status_code, words[error.status_code] if standard else str(error.detail))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return problem_response(request, 422, f"{place or 'the request'}: {first['msg']}")


def problem_response(request: Request, status: int, problem: str) -> Response:
    """One sentence on what went wrong: a page for a person who opens one, else JSON."""
    html = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    if html and request.method == "GET":
        return page(request, "problem.html", status, problem=problem)
    return SoundResponse({"problem": problem}, status)


def _without_paths(request: Request, text: str) -> str:
    """`text` without the path of the missions folder, which a browser has no use for."""
    return text.replace(f"{request.app.state.settings.missions}/", "")
