"""`picket locate`: detections and marks become sightings on the ground."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from shapely import to_geojson

from mapping.ground.locate import locate as locate_detections
from mapping.ground.marks import read_marks
from mapping.ground.terrain import Terrain
from mapping.tables import FRAMES, PLACES, SIGHTINGS
from picket.folder import Flight, open_flight, write_whole
from picket.options import FlightArgument, ForceOption, JsonOption, TerrainOption
from picket.output import notes, say, summarise
from vision.errors import InputError
from vision.table import DETECTIONS


def locate(
    flight: FlightArgument,
    terrain: TerrainOption = None,
    marks: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Objects a person marked by hand: file,x_px,y_px,object[,class]."),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Place what was detected or marked in FLIGHT on the ground and write its sightings."""
    summarise(locate_flight(open_flight(flight), terrain=terrain, marks=marks, force=force), as_json=as_json)


def locate_flight(
    flight: Flight, *, terrain: Path | None = None, marks: Path | None = None, force: bool = False
) -> dict[str, Any]:
    """Locate a flight's detections and marks; write places, sightings and the ground imaged. Returns the JSON summary.
    Raises InputError where there is nothing to locate or an earlier result and not `force`."""
    if flight.sightings.exists() and not force:
        raise InputError(flight.sightings, "already exists and is kept; say --force to locate again")
    started = time.monotonic()
    frames = FRAMES.read(flight.frames)
    tables = []
    if flight.detections.exists():
        tables.append(DETECTIONS.read(flight.detections))
    if marks:
        tables.append(read_marks(marks, frames))
    if not tables:
        raise InputError(flight.root, "nothing to locate: run `picket detect` first, or give --marks FILE")
    detections = pa.concat_tables(tables)
    located = locate_detections(frames, detections, flight.camera(), Terrain.from_file(terrain) if terrain else None)
    PLACES.write(located.places, flight.places)
    SIGHTINGS.write(located.sightings, flight.sightings)
    write_whole(flight.coverage, to_geojson(located.coverage))
    notes(located.notes)
    for reason, count in located.unlocated.items():
        notes([f"{count} without a place: {reason}"])
    say(f"{located.places.num_rows} of {detections.num_rows} detections placed, {located.sightings.num_rows} sightings")
    summary = {
        "flight": str(flight.root),
        "sightings": located.sightings.num_rows,
        "places": located.places.num_rows,
        "detections": detections.num_rows,
        "unlocated": dict(located.unlocated),
        "notes": list(located.notes),
        "files": {"sightings": str(flight.sightings), "places": str(flight.places), "coverage": str(flight.coverage)},
        "seconds": round(time.monotonic() - started, 2),
    }
    write_whole(flight.located, json.dumps({key: summary[key] for key in ("notes", "unlocated")}, ensure_ascii=False))
    return summary
