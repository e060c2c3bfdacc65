"""Locating a flight, or all flights of a mission together: the files read, the work done by `mapping.ground.locate`,
the results written. What the command line says of it is `picket.commands.locate`'s subject.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mapping.errors import MappingError
from mapping.ground.locate import Located, locate_flights
from mapping.ground.marks import read_marks
from mapping.ground.placing import FlightData
from mapping.ground.terrain import Datum, Terrain, read_terrain
from mapping.maps.wording import counted
from mapping.tables import FRAMES, PLACES, SIGHTINGS, TRACK
from picket.areas import area_to_watch
from picket.calibrating import USUAL, Asked, calibrated
from picket.folder import Flight, Mission
from picket.freshness import inputs_of, outdated
from picket.output import notes, progress_bar, say
from vision.errors import InputError
from vision.files import write_whole
from vision.record import read_record
from vision.table import DETECTIONS

ON_GROUND_M = 3.0
"""A record that begins within this height of home began at take-off."""


def locate_flight(
    flight: Flight,
    *,
    terrain: Path | None = None,
    datum: Datum | None = None,
    marks: Path | None = None,
    asked: Asked = USUAL,
    force: bool = False,
) -> dict[str, Any]:
    """Locate a flight's detections and marks; write places, sightings and the ground searched. Returns the JSON
    summary. `asked` says what to do about the flight's calibration. Raises InputError where there is nothing to locate
    or an earlier result and not `force`, MappingError where nothing can be placed."""
    asked.check()
    _refuse_earlier(flight, force)
    started = time.monotonic()
    mission = flight.mission
    with _earlier_kept(flight), progress_bar("locating") as progress:
        ground = _ground(terrain, datum, [flight])
        data, said, measured, marked = _flight_data(flight, ground, marks, asked)
        located = locate_flights([data], ground, area=area_to_watch(mission) if mission else None, progress=progress)
        _check_placed(flight.root, [data], located)
    if marks and marked is not None:
        DETECTIONS.write(marked, flight.marks)
    PLACES.write(located.places, flight.places)
    model = _model(terrain, datum)
    return _written(flight, [flight], located, said, measured, data.detections.num_rows, started, model) | {
        "calibrated": data.flight_wide is not None
    }


def locate_mission(
    mission: Mission,
    *,
    terrain: Path | None = None,
    datum: Datum | None = None,
    asked: Asked = USUAL,
    force: bool = False,
) -> dict[str, Any]:
    """Locate the detections and marks of all flights of a mission together, each flight by itself before where that is
    not done or not from what it now holds; write the mission's sightings and the ground searched. Returns the JSON
    summary. Raises InputError where nothing was detected or marked, or there is an earlier result and not `force`."""
    asked.check()
    _refuse_earlier(mission, force)
    started = time.monotonic()
    flights = [one for one in mission.flights() if one.detections.exists() or one.marks.exists()]
    if not flights:
        raise InputError(mission.root, "nothing to locate: run `picket detect` on its flights first")
    for flight in flights:
        if force or not flight.sightings.exists() or outdated(flight):
            say(f"{flight.root.name}:")
            locate_flight(flight, terrain=terrain, datum=datum, asked=asked, force=True)
    ground = _ground(terrain, datum, flights)
    with _earlier_kept(mission), progress_bar("locating all flights") as progress:
        parts = [_flight_data(flight, ground, None, asked, name=flight.root.name) for flight in flights]
        data = [one for one, _, _, _ in parts]
        located = locate_flights(data, ground, area=area_to_watch(mission), progress=progress)
        _check_placed(mission.root, data, located)
    said = tuple(
        dict.fromkeys(
            (
                *(f"{one.name}: {note}" for one, (_, own, _, _) in zip(data, parts, strict=True) for note in own),
                *(
                    f"Flight {flight.root.name} is left out: nothing in it was detected or marked."
                    for flight in mission.flights()
                    if flight not in flights and flight.left_the_ground()
                ),
            )
        )
    )
    asked_of = sum(one.detections.num_rows for one in data)
    measured = tuple(f"{one.name}: {note}" for one, (_, _, own, _) in zip(data, parts, strict=True) for note in own)
    return _written(mission, flights, located, said, measured, asked_of, started, _model(terrain, datum))


def _model(terrain: Path | None, datum: Datum | None) -> dict[str, str]:
    """The elevation model as the notes name it, so that locating again can use the same; empty where there is none."""
    if terrain is None:
        return {}
    return {"terrain": str(terrain.resolve())} | ({"terrain_datum": datum} if datum else {})


def _ground(terrain: Path | None, datum: Datum | None, flights: Sequence[Flight]) -> Terrain | None:
    """The elevation model where the flights' frames are; None where none is given."""
    if terrain is None:
        return None
    frames = pa.concat_tables([FRAMES.read(flight.frames).select(["lat_deg", "lon_deg"]) for flight in flights])
    around = tuple(frames[name].to_numpy() for name in ("lat_deg", "lon_deg"))
    return read_terrain(terrain, around=around, datum=datum)


def _refuse_earlier(folder: Flight | Mission, force: bool) -> None:
    if folder.sightings.exists() and not force:
        stale = outdated(folder)
        kept = "already exists and is kept; say --force to locate again"
        raise InputError(folder.sightings, f"{stale} It is kept till then" if stale else kept)


@contextmanager
def _earlier_kept(folder: Flight | Mission) -> Iterator[None]:
    """Where locating again fails, what was found before stays whole; that it is not what was asked for now is said."""
    try:
        yield
    except (InputError, MappingError):
        if folder.sightings.exists():
            notes([f"{folder.sightings} is kept as it was located before: nothing given now is in it"])
        raise


def _flight_data(
    flight: Flight, ground: Terrain | None, marks: Path | None, asked: Asked, name: str = ""
) -> tuple[FlightData, tuple[str, ...], tuple[str, ...], pa.Table | None]:
    """What locating needs of a flight, what there is to say of it, the figures of its calibration, and its marks.
    Raises InputError where nothing was detected or marked, MappingError where no frame has a position."""
    frames = FRAMES.read(flight.frames)
    # Frames without positions may name no camera either; the marks and what is missing come first then.
    known = flight.camera() if flight.facts().get("camera") else None
    marked = read_marks(marks, frames, known) if marks else None
    if marked is None and flight.marks.exists():
        marked = DETECTIONS.read(flight.marks)
    detected = flight.detections.exists()
    tables = [DETECTIONS.read(flight.detections)] if detected else []
    tables += [marked] if marked is not None else []
    if not tables:
        raise InputError(flight.root, "nothing to locate: run `picket detect` first, or give --marks FILE")
    detections = pa.concat_tables(tables)
    if frames["lat_deg"].null_count == frames.num_rows:
        raise MappingError(
            f"{flight.root}: not one of {frames.num_rows} frames has a position, so nothing can be placed: ingest them "
            "again with their telemetry log (--tlog FILE --camera NAME), or with images that carry GPS in their EXIF"
        )
    camera = known or flight.camera()
    record = read_record(flight.detections) if detected else None
    searched = (record.searched if record else None) if detected else frozenset[str]()
    home = _take_off(flight)
    noted = frames["time_utc"]
    frames, calibration = calibrated(flight, frames, detections, camera, ground, home, asked)
    flight_wide = calibration.flight_wide if calibration else None
    data = FlightData(frames, detections, camera, home, flight_wide, name, searched, noted)
    doubts = flight.facts().get("notes") or ()
    said = (*(record.notes if record else ()), *doubts)
    return data, said, calibration.sentences() if calibration else (), marked


def _check_placed(root: Path, flights: Sequence[FlightData], located: Located) -> None:
    asked = sum(one.detections.num_rows for one in flights)
    if asked and len(located.places) == located.places["lat_deg"].null_count:
        reasons = "; ".join(f"{count} because {reason}" for reason, count in located.unlocated.items())
        raise MappingError(f"{root}: not one of {asked} detections has a place: {reasons}")


def _written(
    folder: Flight | Mission,
    flights: Sequence[Flight],
    located: Located,
    said: tuple[str, ...],
    measured: tuple[str, ...],
    asked: int,
    started: float,
    model: Mapping[str, str],
) -> dict[str, Any]:
    """Write sightings, coverage and notes; returns the JSON summary. The file of notes with what all rests on comes
    last: whoever finds it finds the rest whole. In it what matters on the ground comes first, figures come last."""
    SIGHTINGS.write(located.sightings, folder.sightings)
    write_whole(folder.coverage, located.coverage.to_geojson() + "\n")
    said = (*said, *located.notes, *measured)
    known = {"notes": list(said), "unlocated": located.unlocated, "inputs": inputs_of(flights, folder.root)}
    noted: dict[str, Any] = {**known, **model}
    write_whole(folder.located, json.dumps(noted, ensure_ascii=False) + "\n")
    notes(said)
    for reason, count in located.unlocated.items():
        notes([f"{count} without a place: {reason}"])
    placed = located.places.num_rows - located.places["lat_deg"].null_count
    say(f"{placed} of {counted(asked, 'detection')} placed, {counted(located.sightings.num_rows, 'sighting')}")
    files = {"sightings": str(folder.sightings), "coverage": str(folder.coverage)}
    return {
        "mission" if isinstance(folder, Mission) else "flight": str(folder.root),
        "flights": [str(one.root) for one in flights],
        "sightings": located.sightings.num_rows,
        "places": placed,
        "detections": asked,
        "unlocated": dict(located.unlocated),
        "notes": list(said),
        "files": files | ({"places": str(folder.places)} if isinstance(folder, Flight) else {}),
        "seconds": round(time.monotonic() - started, 2),
    }


def _take_off(flight: Flight) -> tuple[float, float] | None:
    """Latitude and longitude of the take-off, if the record begins on the ground."""
    if not flight.track.exists():
        return None
    track = TRACK.read(flight.track)
    known = np.flatnonzero(np.isfinite(track["alt_home_m"].to_numpy(zero_copy_only=False)))
    if not known.size or abs(track["alt_home_m"][first := int(known[0])].as_py()) > ON_GROUND_M:
        return None
    return float(track["lat_deg"][first].as_py()), float(track["lon_deg"][first].as_py())
