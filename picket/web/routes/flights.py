"""Flying from the browser: the sorties of a mission, the flight under way, and what is done with it once it is down."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from mapping.maps.layers import layers_json, plan_and_area
from missions.plan import Plan
from picket.flights import check_sortie, plan_to_fly
from picket.folder import Flight, Mission
from picket.web.access import Officer, Viewer
from picket.web.flying import STEPS, Asked, Flying, newest_picture
from picket.web.jobs import described
from picket.web.pictures import Pictures
from picket.web.places import TheFlight, TheMission, inside
from picket.web.showing import page
from vision.errors import InputError
from vision.files import read_json

router = APIRouter()
PHOTO_PX = 640
"""How wide the newest photo is shown."""


class ToFly(BaseModel):
    """Which sortie, and how: for practice, or with the vehicle at a MAVLink address."""

    sortie: Annotated[int, Field(ge=1, le=10_000)]
    how: Literal["practice", "vehicle"]
    address: Annotated[str, Field(max_length=200)] = ""
    speedup: Annotated[float, Field(ge=0, le=1000)] = 20.0
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0


class Answer(BaseModel):
    """The answer to what a flight asked."""

    job: Annotated[str, Field(max_length=64)]
    yes: bool


class OfJob(BaseModel):
    """Which flight, by its job."""

    job: Annotated[str, Field(max_length=64)]


class Onward(BaseModel):
    """The steps to take with a flight that is down."""

    steps: Annotated[list[Literal["detect", "locate", "report"]], Field(min_length=1, max_length=3)]


@router.get("/missions/{mission}/fly", include_in_schema=False)
def fly_page(request: Request, person: Viewer, mission: TheMission) -> Response:
    """The page."""
    return page(request, "fly.html", mission=mission.root.name)


@router.get("/api/missions/{mission}/flying")
def flying(request: Request, person: Viewer, mission: TheMission) -> dict[str, Any]:
    """The sorties, the route on the map, the flight under way or the last one, and the flights there are."""
    plan = plan_to_fly(mission)
    area = read_json(mission.area, "GeoJSON") if mission.area.exists() else None
    features, _ = plan_and_area(area, read_json(mission.plan, "GeoJSON"))
    return {
        "sorties": [_sortie(plan, number) for number in range(len(plan.sorties))],
        "layers": layers_json(features, plan_page=True),
        "flight": _flying(request).state(mission),
        "flights": [_flight(flight, mission) for flight in mission.flights()],
    }


@router.post("/api/missions/{mission}/flying", status_code=202)
def begin(asked: ToFly, request: Request, person: Officer, mission: TheMission) -> dict[str, Any]:
    """Begin to fly a sortie; the answer is the job."""
    plan = plan_to_fly(mission)
    check_sortie(plan, asked.sortie)
    address = asked.address.strip()
    if asked.how == "vehicle" and not address:
        raise InputError("the address of the vehicle", "is empty; give one such as udp:0.0.0.0:14550")
    if address.startswith("-") or not address.isprintable():
        raise InputError("the address of the vehicle", "is none; give one such as udp:0.0.0.0:14550")
    vehicle = address if asked.how == "vehicle" else None
    job = _flying(request).begin(mission, Asked(asked.sortie, vehicle, asked.speedup, asked.seed), person.name)
    return described(job)


@router.post("/api/missions/{mission}/flying/answer")
def answer(asked: Answer, request: Request, person: Officer, mission: TheMission) -> dict[str, Any]:
    """Answer what the flight asked: yes arms the vehicle and takes off."""
    _flying(request).answer(mission, asked.job, asked.yes, person.name)
    return {}


@router.post("/api/missions/{mission}/flying/home")
def home(asked: OfJob, request: Request, person: Officer, mission: TheMission) -> dict[str, Any]:
    """Call the vehicle home; it is watched and recorded until it has landed."""
    return described(_flying(request).home(mission, asked.job, person.name))


@router.get("/api/missions/{mission}/flying/photo")
def photo(request: Request, person: Viewer, mission: TheMission) -> Response:
    """The newest photo of the flight under way as a JPEG; 204 while there is none."""
    newest = newest_picture(mission)
    if newest is None:
        return Response(status_code=204)
    pictures: Pictures = request.app.state.pictures
    return Response(pictures.whole(inside(mission.root, newest), PHOTO_PX), media_type="image/jpeg")


@router.post("/api/missions/{mission}/flights/{flight}/steps", status_code=202)
def go_on(asked: Onward, request: Request, person: Officer, mission: TheMission, flight: TheFlight) -> dict[str, Any]:
    """Search, locate, report: begin with the first of the steps asked for; the answer is its job."""
    order = [step for step, _ in STEPS if step in asked.steps]
    return described(_flying(request).go_on(flight, mission, order, person.name))


def _flying(request: Request) -> Flying:
    flying: Flying = request.app.state.flying
    return flying


def _sortie(plan: Plan, place: int) -> dict[str, Any]:
    sortie = plan.sorties[place]
    return {
        "number": sortie.number,
        "photos": sortie.photos,
        "distance_m": round(sortie.distance_m),
        "flight_time_s": round(sortie.flight_time_s),
        "battery_used_pct": round(sortie.battery_used_pct),
    }


def _flight(flight: Flight, mission: Mission) -> dict[str, Any]:
    """A flight in the list: what became of it, and what was done with it. Reported is what the mission's report holds,
    if it was written since."""
    facts = flight.facts()
    located = flight.sightings.stat().st_mtime if flight.sightings.exists() else None
    return {
        "name": flight.root.name,
        "sortie": facts.get("sortie"),
        "simulated": bool(facts.get("simulated")),
        "ended": facts.get("ended"),
        "flown": flight.left_the_ground(),
        "under_way": flight.is_being_flown(),
        "searched": flight.detections.exists(),
        "located": located is not None,
        "reported": located is not None and mission.report.exists() and mission.report.stat().st_mtime >= located,
    }
