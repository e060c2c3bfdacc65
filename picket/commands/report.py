"""`picket report`: a flight, or all flights of a mission, on one page that opens without internet."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import shapely
import typer

from mapping.errors import MappingError
from mapping.maps.background import read_background
from mapping.maps.layers import features_of
from mapping.maps.pdf import browser, write_pdf
from mapping.maps.report import PicturesContent, ReportContent, ground_of, write_pictures_page, write_report
from mapping.maps.thumbnails import box_thumbnails, picture_budget, thumbnails
from mapping.maps.wording import time_span
from picket.folder import Flight
from picket.options import ForceOption, JsonOption, ResultsArgument
from picket.output import notes, say, summarise
from picket.results import Results, check_target, flight_results, open_results
from vision.errors import InputError
from vision.files import read_json


def report(
    folder: ResultsArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: report.html in the folder.")
    ] = None,
    basemap: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Put an aerial image (GeoTIFF) or map tiles (.pmtiles) under the map."),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it to a PDF beside it too; needs Chromium.")] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the report of a flight, or of all flights of a mission, as one HTML file."""
    if pdf and browser() is None:
        raise MappingError("--pdf needs Chromium on this machine; without it open the report in a browser and print it")
    results = open_results(folder)
    target = output or folder / "report.html"
    printed = target.with_suffix(".pdf") if pdf else None
    for path in (target, printed):
        if path is not None:
            check_target(path, results, force=force)
    summary = write_results(results, target, basemap)
    if printed is not None:
        write_pdf(target, printed)
        say(f"printed: {printed}")
        summary["pdf"] = str(printed)
    summarise(summary, as_json=as_json)


def report_flight(flight: Flight) -> dict[str, Any]:
    """Write a flight's report into its folder. Returns the JSON summary."""
    return write_results(flight_results(flight), flight.report)


def write_results(results: Results, target: Path, basemap: Path | None = None) -> dict[str, Any]:
    """Write the report of these results to `target`: a map (over `basemap`), or a page of pictures where not one frame
    has a position. Returns the JSON summary. Raises InputError where nothing was located though it could be, or the
    basemap does not show that ground."""
    started = time.monotonic()
    target.parent.mkdir(parents=True, exist_ok=True)
    if results.located:
        _write_map(results, target, basemap)
    elif results.boxes.num_rows and results.frames["lat_deg"].null_count == results.frames.num_rows:
        _write_pictures(results, target)
    else:
        raise InputError(results.root, "has no sightings yet; run `picket locate` first")
    notes(results.warnings)
    say(f"report: {target}")
    return {
        "report": str(target),
        "flights": [str(flight.root) for flight in results.flights],
        "sightings": results.sightings.num_rows,
        "size_bytes": target.stat().st_size,
        "seconds": round(time.monotonic() - started, 2),
    }


def _write_map(results: Results, target: Path, basemap: Path | None) -> None:
    mission = results.mission
    content = ReportContent(
        title=_title(results),
        sightings=results.sightings,
        frames=results.frames,
        tracks=results.tracks,
        area=_geojson(mission.area) if mission else None,
        plan=_geojson(mission.plan) if mission else None,
        coverage=results.coverage,
        facts=_facts(results),
        notes=results.notes,
        warning=" ".join(results.warnings),
        basis=results.basis,
        sorties=len(results.flights),
    )
    background = read_background(basemap, ground_of(content)) if basemap is not None else None
    budget = picture_budget(results.sightings.num_rows, len(background.data) if background else 0)
    pictures = thumbnails(results.sightings, results.boxes, results.frames, results.root, budget_bytes=budget)
    write_report(replace(content, background=background, thumbnails=pictures), target)


def _geojson(path: Path) -> dict[str, Any] | None:
    """The GeoJSON in a file, None where there is no such file. Raises InputError where it is none that can be drawn."""
    if not path.exists():
        return None
    content = read_json(path, "GeoJSON")
    try:
        features_of(content)
    except (AttributeError, KeyError, TypeError, ValueError, shapely.GEOSException) as error:
        raise InputError(path, f"is no GeoJSON that can be drawn ({error!r:.80}); plan the mission again") from error
    return content


def _write_pictures(results: Results, target: Path) -> None:
    content = PicturesContent(
        title=_title(results),
        boxes=results.boxes,
        frames=results.frames,
        thumbnails=box_thumbnails(results.boxes, results.frames, results.root),
        facts=_facts(results),
        notes=results.notes,
        basis=results.basis,
    )
    write_pictures_page(content, target)


def _title(results: Results) -> str:
    """The mission's name, or the folder's; a simulated flight says so where nobody can miss it."""
    name = str(results.flights[0].facts().get("plan") or results.root.resolve().name)
    return f"{name} (simulated: nobody was really there)" if results.simulated else name


def _facts(results: Results) -> dict[str, str]:
    """What the report says of its flights in its small table; several flights stand one after the other, and what is
    not known is left out."""
    several = len(results.flights) > 1
    facts: dict[str, str] = {}
    for flight in results.flights:
        name = flight.root.resolve().name
        frames = _frames_of(results, f"{name}/" if several else "")
        for label, text in _facts_of(name, flight.facts(), frames).items():
            facts[f"{name}: {label}" if several else label] = text
    return facts


def _facts_of(name: str, known: Mapping[str, Any], frames: pa.Table) -> dict[str, str]:
    times = [moment for moment in frames["time_utc"].to_pylist() if moment is not None]
    said = {
        "Flight": f"{name}, {known.get('ended') or 'not closed'}",
        "Drone": known.get("drone"),
        "Camera": known.get("camera"),
        "Frames": str(frames.num_rows),
        "Time": time_span(min(times), max(times)) if times else None,
    }
    return {label: str(text) for label, text in said.items() if text}


def _frames_of(results: Results, prefix: str) -> pa.Table:
    return results.frames.filter(pa.array([name.startswith(prefix) for name in results.frames["frame_id"].to_pylist()]))
