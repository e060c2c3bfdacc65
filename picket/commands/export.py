"""`picket export`: sightings in the formats other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mapping.maps.export import FORMATS
from mapping.tables import SIGHTINGS
from picket.folder import open_flight
from picket.options import FlightArgument, ForceOption, JsonOption
from picket.output import say, summarise
from vision.errors import InputError


def export(
    flight: FlightArgument,
    file_format: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="The format to write.")
    ] = "geojson",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: sightings.FORMAT in the flight folder."),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the sightings of FLIGHT for another tool."""
    if file_format not in FORMATS:
        raise InputError("--format", f"{file_format!r} is not known; choose one of {', '.join(FORMATS)}")
    folder = open_flight(flight)
    target = output or folder.root / f"sightings{FORMATS[file_format].suffix}"
    if target.exists() and not force:
        raise InputError(target, "already exists and is kept; say --force to replace it")
    if not folder.sightings.exists():
        raise InputError(folder.root, "has no sightings yet; run `picket locate` first")
    sightings = SIGHTINGS.read(folder.sightings)
    target.parent.mkdir(parents=True, exist_ok=True)
    FORMATS[file_format].write(sightings, target)
    say(f"{sightings.num_rows} sightings, each with its verdict: {target}")
    summarise({"file": str(target), "format": file_format, "sightings": sightings.num_rows}, as_json=as_json)
