"""`picket report`: a flight, or all flights of a mission, on one page that opens without internet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import shapely
import typer
from shapely.geometry.base import BaseGeometry

from mapping.maps.report import ReportContent, write_report
from mapping.maps.thumbnails import thumbnails
from mapping.tables import FRAMES, SIGHTINGS, TRACK
from picket.folder import SETTINGS_FILE, Flight, Mission, open_flight, open_mission
from picket.options import ForceOption, JsonOption
from picket.output import say, summarise
from vision.errors import InputError
from vision.files import read_json
from vision.table import DETECTIONS


@dataclass(frozen=True)
class FlightResults:
    """What one flight has to show; tables that are absent are None."""

    flight: Flight
    sightings: pa.Table
    frames: pa.Table
    track: pa.Table | None
    coverage: BaseGeometry | None
    pictures: dict[str, bytes]


def report(
    folder: Annotated[Path, typer.Argument(metavar="FLIGHT|MISSION", help="A flight folder or a mission folder.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: report.html in the folder.")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the report of a flight, or of all flights of a mission, as one HTML file."""
    if (folder / SETTINGS_FILE).is_file():
        mission: Mission | None = open_mission(folder)
        flown = [flight for flight in Mission(folder).flights() if flight.left_the_ground()]
        flights = [flight for flight in flown if flight.sightings.exists()]
        target = output or Mission(folder).report
        left_out = [
            f"Flight {one.root.name} is not in this report: nothing of it was located."
            for one in flown
            if one not in flights
        ]
        if not flights:
            raise InputError(folder, "no flight of this mission has sightings yet; run `picket locate` on one first")
    else:
        flight = open_flight(folder)
        mission, flights, target, left_out = flight.mission, [flight], output or flight.report, []
    if target.exists() and not force:
        raise InputError(target, "already exists and is kept; say --force to replace it")
    summarise(report_flights(flights, mission, target, left_out), as_json=as_json)


def report_flights(
    flights: Sequence[Flight], mission: Mission | None, target: Path, remarks: Sequence[str] = ()
) -> dict[str, Any]:
    """Write one report of these flights to `target`, with `remarks` among its notes. Returns the JSON summary. Raises
    InputError where a flight has no sightings yet."""
    started = time.monotonic()
    results = [_results(flight, prefix=f"{flight.root.name}/" if len(flights) > 1 else "") for flight in flights]
    coverages = [item.coverage for item in results if item.coverage is not None]
    tracks = [item.track for item in results if item.track is not None]
    content = ReportContent(
        title=_title(flights),
        sightings=pa.concat_tables([item.sightings for item in results]),
        frames=pa.concat_tables([item.frames for item in results]),
        track=pa.concat_tables(tracks) if tracks else None,
        area=_geojson(mission.area) if mission else None,
        plan=_geojson(mission.plan) if mission else None,
        coverage=shapely.union_all(coverages) if coverages else None,
        thumbnails={key: picture for item in results for key, picture in item.pictures.items()},
        facts=_facts(results),
        notes=[*remarks, *_notes(results)],
        sorties=len(flights),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_report(content, target)
    say(f"report: {target}")
    return {
        "report": str(target),
        "flights": [str(flight.root) for flight in flights],
        "sightings": content.sightings.num_rows,
        "size_bytes": target.stat().st_size,
        "seconds": round(time.monotonic() - started, 2),
    }


def _results(flight: Flight, prefix: str) -> FlightResults:
    if not flight.sightings.exists():
        raise InputError(flight.root, "has no sightings yet; run `picket locate` first")
    sightings = SIGHTINGS.read(flight.sightings)
    frames = FRAMES.read(flight.frames)
    boxes = [DETECTIONS.read(path) for path in (flight.detections, flight.marks) if path.exists()]
    pictures = thumbnails(sightings, pa.concat_tables(boxes), frames, flight.root) if boxes else {}
    if prefix:
        named = pa.array([prefix + name for name in sightings["sighting_id"].to_pylist()])
        sightings = sightings.set_column(0, SIGHTINGS.columns.field("sighting_id"), named)
        pictures = {prefix + key: picture for key, picture in pictures.items()}
    return FlightResults(
        flight=flight,
        sightings=sightings,
        frames=frames,
        track=TRACK.read(flight.track) if flight.track.exists() else None,
        coverage=shapely.from_geojson(flight.coverage.read_text(encoding="utf-8"))
        if flight.coverage.exists()
        else None,
        pictures=pictures,
    )


def _geojson(path: Path) -> dict[str, Any] | None:
    return read_json(path, "GeoJSON") if path.exists() else None


def _title(flights: Sequence[Flight]) -> str:
    """The mission's name, or the folder's; a simulated flight says so where nobody can miss it."""
    known = [flight.facts() for flight in flights]
    name = str(known[0].get("plan") or flights[0].root.resolve().name)
    return f"{name} (simulated: nobody was really there)" if any(facts.get("simulated") for facts in known) else name


def _facts(results: Sequence[FlightResults]) -> dict[str, str]:
    """What the report says of its flights in its small table; several flights stand one after the other."""
    facts: dict[str, str] = {}
    for item in results:
        known = item.flight.facts()
        before = f"{item.flight.root.name}: " if len(results) > 1 else ""
        facts[f"{before}Flight"] = f"{item.flight.root.name}, {known.get('ended') or 'not closed'}"
        facts[f"{before}Drone"] = str(known.get("drone") or "not said")
        facts[f"{before}Camera"] = str(known.get("camera") or "not said")
        facts[f"{before}Frames"] = str(item.frames.num_rows)
        times = [moment for moment in item.frames["time_utc"].to_pylist() if moment is not None]
        if times:
            facts[f"{before}Time"] = f"{min(times):%Y-%m-%d %H:%M} to {max(times):%H:%M} UTC"
    return facts


def _notes(results: Sequence[FlightResults]) -> list[str]:
    """What was noticed on the way in and assumed in locating, without repetition."""
    flights = [item.flight for item in results]
    return list(
        dict.fromkeys(note for one in flights for note in (*one.facts().get("notes", ()), *one.located_notes()))
    )
