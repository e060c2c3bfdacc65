"""`picket locate`: detections and marks become sightings on the ground."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer
from shapely import to_geojson

from mapping.errors import MappingError
from mapping.ground.locate import locate as locate_detections
from mapping.ground.marks import read_marks
from mapping.ground.terrain import read_terrain
from mapping.tables import FRAMES, PLACES, SIGHTINGS, TRACK
from picket.calibrating import USUAL, Asked, calibrated
from picket.folder import Flight, open_flight
from picket.options import FlightArgument, ForceOption, JsonOption, TerrainOption
from picket.output import notes, say, summarise
from vision.errors import InputError
from vision.files import write_whole
from vision.table import DETECTIONS

ON_GROUND_M = 3.0
"""A record that begins within this height of home began at take-off."""


def locate(
    flight: FlightArgument,
    terrain: TerrainOption = None,
    marks: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Objects a person marked by hand: file,x_px,y_px,object[,class]."),
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Estimate clock, boresight and height errors of the flight first.")
    ] = False,
    control: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Surveyed places of marked objects: object,lat_deg,lon_deg[,alt_m]."),
    ] = None,
    trust_clock: Annotated[
        bool, typer.Option("--trust-clock", help="Calibrate with the frames' times as they are.")
    ] = False,
    no_calibration: Annotated[
        bool, typer.Option("--no-calibration", help="Leave an earlier calibration of this flight unused.")
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Place what was detected or marked in FLIGHT on the ground and write its sightings."""
    asked = Asked(calibrate=calibrate, control=control, trust_clock=trust_clock, ignore=no_calibration)
    found = locate_flight(open_flight(flight), terrain=terrain, marks=marks, asked=asked, force=force)
    summarise(found, as_json=as_json)


def locate_flight(
    flight: Flight,
    *,
    terrain: Path | None = None,
    marks: Path | None = None,
    asked: Asked = USUAL,
    force: bool = False,
) -> dict[str, Any]:
    """Locate a flight's detections and marks; write places, sightings and the ground imaged. Returns the JSON summary.
    `asked` says what to do about the flight's calibration.
    Raises InputError where there is nothing to locate or an earlier result and not `force`."""
    asked.check()
    if flight.sightings.exists() and not force:
        raise InputError(flight.sightings, "already exists and is kept; say --force to locate again")
    started = time.monotonic()
    frames = FRAMES.read(flight.frames)
    ground = read_terrain(terrain) if terrain else None
    camera = flight.camera()
    marked = read_marks(marks, frames, camera) if marks else None
    if marked is None and flight.marks.exists():
        marked = DETECTIONS.read(flight.marks)
    tables = [DETECTIONS.read(flight.detections)] if flight.detections.exists() else []
    tables += [marked] if marked is not None else []
    if not tables:
        raise InputError(flight.root, "nothing to locate: run `picket detect` first, or give --marks FILE")
    detections = pa.concat_tables(tables)
    if frames["lat_deg"].null_count == frames.num_rows:
        raise MappingError(
            f"{flight.root}: not one of {frames.num_rows} frames has a position, so nothing can be placed: ingest them "
            "again with their telemetry log (--tlog FILE --camera NAME), or with images that carry GPS in their EXIF"
        )
    home = _take_off(flight)
    frames, calibration = calibrated(flight, frames, detections, camera, ground, home, asked)
    left = calibration.flight_wide if calibration else None
    located = locate_detections(frames, detections, camera, ground, home=home, flight_wide=left)
    if detections.num_rows and len(located.places) == located.places["lat_deg"].null_count:
        reasons = "; ".join(f"{count} because {reason}" for reason, count in located.unlocated.items())
        raise MappingError(f"{flight.root}: not one of {detections.num_rows} detections has a place: {reasons}")
    if marks and marked is not None:
        DETECTIONS.write(marked, flight.marks)
    PLACES.write(located.places, flight.places)
    SIGHTINGS.write(located.sightings, flight.sightings)
    write_whole(flight.coverage, to_geojson(located.coverage))
    said = (*(calibration.sentences() if calibration else ()), *located.notes)
    notes(said)
    for reason, count in located.unlocated.items():
        notes([f"{count} without a place: {reason}"])
    placed = located.places.num_rows - located.places["lat_deg"].null_count
    say(f"{placed} of {detections.num_rows} detections placed, {located.sightings.num_rows} sightings")
    summary = {
        "flight": str(flight.root),
        "sightings": located.sightings.num_rows,
        "places": placed,
        "detections": detections.num_rows,
        "unlocated": dict(located.unlocated),
        "calibrated": calibration is not None,
        "notes": list(said),
        "files": {"sightings": str(flight.sightings), "places": str(flight.places), "coverage": str(flight.coverage)},
        "seconds": round(time.monotonic() - started, 2),
    }
    write_whole(flight.located, json.dumps({key: summary[key] for key in ("notes", "unlocated")}, ensure_ascii=False))
    return summary


def _take_off(flight: Flight) -> tuple[float, float] | None:
    """Latitude and longitude of the take-off, if the record begins on the ground."""
    if not flight.track.exists():
        return None
    track = TRACK.read(flight.track)
    known = np.flatnonzero(np.isfinite(track["alt_home_m"].to_numpy(zero_copy_only=False)))
    if not known.size or abs(track["alt_home_m"][first := int(known[0])].as_py()) > ON_GROUND_M:
        return None
    return float(track["lat_deg"][first].as_py()), float(track["lon_deg"][first].as_py())
