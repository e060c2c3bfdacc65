"""Judging sightings: the queue, the frames that saw them, the verdicts, and marks made in a frame."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from mapping.ground.marks import OBJECT_CLASS
from mapping.maps.coordinates import grid_places, spaced_mgrs
from mapping.maps.layers import geometry_json
from picket.folder import Flight
from picket.reviews.record import LONGEST_NAME, LONGEST_NOTE, JudgedSinceError, Judgement, MaybeKeptError, Review
from picket.reviews.standing import bare_id, still_standing
from picket.web.access import Officer, Viewer
from picket.web.ground import area_to_show
from picket.web.jobs import JobRefusedError
from picket.web.marking import add_mark, marks_file
from picket.web.pictures import CROP_PX, SMALL_PX, Pictures
from picket.web.places import TheMission, flight_named, inside
from picket.web.reviewing import Bench, Benches, Look, Row
from picket.web.showing import page
from vision.classes import CLASSES
from vision.files import read_json

router = APIRouter()

QUEUE_COLUMNS = ("id", "class", "object", "confidence", "lat", "lon", "first", "state", "flag")
MOST_LOOKS = 60
MOST_BESIDE = 100
"""Of a sighting that more frames saw, the surest are shown."""
Id = Annotated[str, Query(min_length=1, max_length=LONGEST_NAME)]


class Verdict(BaseModel):
    """What an officer hands in about a sighting; see `picket.reviews.record.Judgement`. `version` is the digest of the
    version that was shown, as the sighting's answer gave it."""

    sighting: str = Field(min_length=1, max_length=LONGEST_NAME)
    version: str = Field(min_length=64, max_length=64)
    verdict: str = Field(max_length=20)
    key: str = Field(min_length=8, max_length=LONGEST_NAME)
    expected: int = Field(ge=0, le=2**53)
    note: str = Field(default="", max_length=LONGEST_NOTE)
    lat_deg: float | None = None
    lon_deg: float | None = None
    withdraws: int | None = Field(default=None, ge=1, le=2**53)


class Mark(BaseModel):
    """A point in a frame that an officer pointed at, in the frame's own pixels from its top-left corner."""

    frame: str = Field(min_length=1, max_length=LONGEST_NAME)
    x_px: float = Field(ge=0, le=1e6)
    y_px: float = Field(ge=0, le=1e6)
    object: str = Field(min_length=1, max_length=200)
    class_name: str = Field(default="", max_length=20)


def _benches(request: Request) -> Benches:
    benches: Benches = request.app.state.benches
    return benches


@router.get("/missions/{mission}/review", include_in_schema=False)
def review_page(request: Request, person: Viewer, mission: TheMission) -> Response:
    """The page."""
    return page(request, "review.html", mission=mission.root.name)


@router.get("/api/missions/{mission}/queue")
def queue(request: Request, person: Viewer, mission: TheMission) -> dict[str, Any]:
    """All sightings of a mission in short, as rows of `columns`, and the area they lie in."""
    bench, area = _benches(request).of(mission), area_to_show(mission)
    return {
        "stamp": bench.stamp,
        "last": bench.last,
        "shared": request.app.state.settings.reviews_url is not None,
        "located": bench.results.located,
        "outdated": bench.results.outdated,
        "simulated": bench.results.simulated,
        "broken": str(bench.broken) if bench.broken else None,
        "columns": QUEUE_COLUMNS,
        "rows": [_short(bench, name) for name in bench.rows],
        "vanished": [_vanished(reviews) for reviews in bench.vanished.values()],
        "area": None if area is None else geometry_json(area),
    }


@router.get("/api/missions/{mission}/sighting")
def sighting(request: Request, person: Viewer, mission: TheMission, id: Id) -> dict[str, Any]:
    """One sighting: its place, the frames that saw it, and all that was ever said of it."""
    return _full(_benches(request).of(mission), id)


@router.get("/api/missions/{mission}/reviews")
def reviews_since(
    request: Request, person: Viewer, mission: TheMission, after: Annotated[int, Query(ge=0, le=2**53)] = 0
) -> dict[str, Any]:
    """The sightings judged after review number `after`, in short, and the last number."""
    bench = _benches(request).of(mission)
    names = {one.sighting_id for one in bench.reviews if one.number > after}
    rows = [_short(bench, name) for bare in sorted(names) for name in bench.by_bare_id.get(bare, ())]
    return {"stamp": bench.stamp, "last": bench.last, "rows": rows}


JUDGED: dict[int | str, dict[str, Any]] = {
    409: {"description": "Judged or located anew meanwhile"},
    503: {"description": "May be kept or not"},
}


@router.post("/api/missions/{mission}/reviews", status_code=201, responses=JUDGED)
def judge(request: Request, person: Officer, mission: TheMission, asked: Verdict) -> Response:
    """Keep a verdict. Once this is answered with 201 it is on the disk; 409 with the sighting as it now stands where
    somebody judged it since `expected`, or where it is another version (`changed`) than the one that was shown; 503
    where the same has to be sent again, under the same key, to know."""
    benches = _benches(request)
    known = benches.of(mission)
    version = known.version(asked.sighting)
    sent_again = any(one.key == asked.key for one in known.reviews)
    if asked.version != version.digest() and not sent_again:
        changed = {"problem": "this sighting was located anew since it was shown; look at it and judge it as it is now"}
        return JSONResponse({**changed, "changed": True, "reviews": [], "sighting": _full(known, asked.sighting)}, 409)
    judgement = Judgement(
        sighting_id=bare_id(asked.sighting),
        verdict=asked.verdict,
        officer=person.name,
        key=asked.key,
        expected=asked.expected,
        version=version,
        note=asked.note,
        lat_deg=asked.lat_deg,
        lon_deg=asked.lon_deg,
        withdraws=asked.withdraws,
    )
    try:
        review, bench = benches.judge(mission, judgement)
    except MaybeKeptError as error:
        raise HTTPException(503, str(error)) from error
    except JudgedSinceError as error:
        since = {"problem": str(error), "reviews": [_review(one) for one in error.reviews]}
        return JSONResponse({**since, "changed": False, "sighting": _full(benches.of(mission), asked.sighting)}, 409)
    told = {"number": review.number, "officer": review.officer, "row": _short(bench, asked.sighting)}
    request.app.state.hub.publish(f"reviews:{mission.root.name}", told)
    return JSONResponse({"review": _review(review), "sighting": _full(bench, asked.sighting)}, 201)


@router.get("/api/missions/{mission}/crop")
def crop(request: Request, person: Viewer, mission: TheMission, detection: Id, small: bool = False) -> Response:
    """A JPEG of the frame round one box, with the box drawn."""
    bench = _benches(request).of(mission)
    box = bench.look(detection).box
    corners = (box["x1_px"], box["y1_px"], box["x2_px"], box["y2_px"])
    file = inside(mission.root, bench.picture(box["frame_id"]))
    side = SMALL_PX if small else CROP_PX
    return Response(_pictures(request).crop(file, corners, side), media_type="image/jpeg")


@router.get("/api/missions/{mission}/frame")
def frame(request: Request, person: Viewer, mission: TheMission, id: Id) -> Response:
    """A JPEG of a whole frame; the headers `X-Frame-Width` and `X-Frame-Height` are its size in its own pixels."""
    file = inside(mission.root, _benches(request).of(mission).picture(id))
    pictures = _pictures(request)
    whole = pictures.whole(file)
    width, height = pictures.size(file)
    return Response(
        whole, media_type="image/jpeg", headers={"X-Frame-Width": str(width), "X-Frame-Height": str(height)}
    )


@router.post("/api/missions/{mission}/marks", status_code=201)
def mark(request: Request, person: Officer, mission: TheMission, asked: Mark) -> dict[str, Any]:
    """Put a mark into the marks file of the frame's flight. It becomes a sighting when the flight is located again."""
    bench = _benches(request).of(mission)
    bench.picture(asked.frame)
    name = bench.flight_of(asked.frame)
    flight = flight_named(mission, name)
    bare = asked.frame.removeprefix(f"{name}/")
    file = str(bench.frames[asked.frame]["file"]).removeprefix(f"flights/{name}/")
    with request.app.state.benches.marking:
        marks = add_mark(flight, file, asked.x_px, asked.y_px, asked.object, asked.class_name)
    return {"flight": name, "frame": bare, "marks": marks}


@router.post("/api/missions/{mission}/locate-again", status_code=202)
def locate_again(request: Request, person: Officer, mission: TheMission, flight: Id) -> dict[str, Any]:
    """Locate a flight again with the marks made in its frames, and then the mission where it was located as one."""
    chosen = flight_named(mission, flight)
    model = _model_of(chosen)
    jobs, name = request.app.state.jobs, mission.root.name

    def whole(done: Any) -> None:
        if done.state == "done":
            whole_mission, title = ["locate", str(mission.root), *model, "--force"], "Locating all flights"
            try:
                jobs.start("locate", whole_mission, title=title, mission=name, who=person.name)
            except JobRefusedError as error:
                jobs.refused("locate", title=title, mission=name, who=person.name, problem=str(error))

    marks = ["--marks", str(marks_file(chosen))] if marks_file(chosen).is_file() else []
    job = jobs.start(
        "locate",
        ["locate", str(chosen.root), *marks, *model, "--force"],
        title="Locating again",
        mission=name,
        who=person.name,
        then=whole if mission.sightings.exists() else None,
    )
    return {"job": job.id}


def _model_of(flight: Flight) -> list[str]:
    """The options that name the elevation model a flight was located over; raises HTTPException where it is gone."""
    noted = read_json(flight.located, "what `picket locate` wrote") if flight.located.exists() else {}
    terrain, datum = noted.get("terrain"), noted.get("terrain_datum")
    if not isinstance(terrain, str):
        return []
    if not Path(terrain).is_file():
        gone = "this flight was located over an elevation model that is not there any more"
        raise HTTPException(409, f"{gone}; run `picket locate --terrain DEM --marks marks.csv --force` on it")
    return ["--terrain", terrain, *(["--terrain-datum", datum] if isinstance(datum, str) else [])]


def _pictures(request: Request) -> Pictures:
    pictures: Pictures = request.app.state.pictures
    return pictures


def _short(bench: Bench, sighting_id: str) -> list[Any]:
    """A sighting as a row of `QUEUE_COLUMNS`; `flag` says why it wants a second look."""
    row, standing = bench.row(sighting_id), bench.standing(sighting_id)
    flag = "disputed" if standing.others else "changed" if standing.earlier else ""
    place = (standing.move.lat_deg, standing.move.lon_deg) if standing.move else (row["lat_deg"], row["lon_deg"])
    return [
        sighting_id,
        row["class"] if row["class"] in CLASSES else OBJECT_CLASS,
        row["object"] or "",
        _number(row["confidence"], 3),
        *(_number(value, 7) for value in place),
        _moment(row["first_seen_utc"]),
        standing.word,
        flag,
    ]


def _full(bench: Bench, sighting_id: str) -> dict[str, Any]:
    row, standing = bench.row(sighting_id), bench.standing(sighting_id)
    looks = bench.looks(sighting_id)
    verdict = standing.to_verdict()
    moved = verdict.moved_to
    lat, lon = moved or (_number(row["lat_deg"], 7), _number(row["lon_deg"], 7))
    (grid,) = grid_places([lat], [lon])
    counting = {one.number for one in still_standing(standing.history)}
    return {
        "id": sighting_id,
        "version": bench.version(sighting_id).digest(),
        "short": _short(bench, sighting_id),
        "label": ", ".join(dict.fromkeys(str(look.box["label"]) for look in looks))[:200],
        "lat": lat,
        "lon": lon,
        "mgrs": spaced_mgrs(grid.mgrs) if grid.mgrs else None,
        "measured": [_number(row["lat_deg"], 7), _number(row["lon_deg"], 7)],
        "moved": moved is not None,
        "major": _number(row["ellipse_major_m"], 2),
        "minor": _number(row["ellipse_minor_m"], 2),
        "bearing": _number(row["ellipse_bearing_deg"], 1),
        "ce90": _number(row["ce90_m"], 2),
        "first": _moment(row["first_seen_utc"]),
        "last": _moment(row["last_seen_utc"]),
        "frames": row["n_frames"],
        "speed": _number(row["speed_m_s"], 1),
        "heading": _number(row["heading_deg"], 0),
        "state": standing.word,
        "expected": standing.last,
        "remark": verdict.remark,
        "history": [{**_review(one), "counts": one.number in counting} for one in standing.history],
        "looks": [_look(bench, look) for look in looks[:MOST_LOOKS]],
    }


def _look(bench: Bench, look: Look) -> dict[str, Any]:
    """One box in its frame, and what else was found in that."""
    beside = [box for box in bench.boxes_of_frame[look.frame["frame_id"]] if box is not look.box]
    return {
        "detection": look.box["detection_id"],
        "frame": look.frame["frame_id"],
        "flight": look.flight,
        "file": look.frame["file"],
        "time": _moment(look.frame["time_utc"]),
        "confidence": _number(look.box["confidence"], 3),
        "box": _corners(look.box),
        "beside": [_corners(box) for box in beside[:MOST_BESIDE]],
    }


def _corners(box: Row) -> list[float]:
    return [round(float(box[name]), 1) for name in ("x1_px", "y1_px", "x2_px", "y2_px")]


def _review(one: Review) -> dict[str, Any]:
    names = ("number", "verdict", "officer", "note", "lat_deg", "lon_deg", "withdraws")
    return {**{name: getattr(one, name) for name in names}, "time": one.time_utc}


def _vanished(reviews: tuple[Review, ...]) -> dict[str, Any]:
    return {"id": reviews[-1].sighting_id, "history": [_review(one) for one in reviews]}


def _number(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="milliseconds")
