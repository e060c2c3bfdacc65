"""`picket export`: sightings in the formats other tools read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mapping.maps.exports.formats import FORMATS
from mapping.maps.thumbnails import thumbnails
from mapping.maps.wording import counted
from picket.options import ForceOption, JsonOption
from picket.output import say, summarise
from picket.results import Results, open_results
from vision.errors import InputError


def export(
    folder: Annotated[Path, typer.Argument(metavar="FLIGHT|MISSION", help="A flight folder or a mission folder.")],
    file_format: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="The format to write.")
    ] = "geojson",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: a name by the format, in the folder."),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the sightings of a flight or a mission for another tool."""
    if file_format not in FORMATS:
        raise InputError("--format", f"{file_format!r} is not known; choose one of {', '.join(FORMATS)}")
    wanted = FORMATS[file_format]
    results = open_results(folder)
    if wanted.of_sightings and not results.located:
        raise InputError(
            folder, "has no sightings yet; run `picket locate` first, or take the boxes alone: --format coco"
        )
    target = output or folder / wanted.file
    check_target(target, results, force=force)
    content = results.export()
    if wanted.with_pictures:
        pictures = thumbnails(results.sightings, results.boxes, results.frames, results.root)
        content = replace(content, thumbnails=pictures)
    target.parent.mkdir(parents=True, exist_ok=True)
    wanted.write(content, target)
    number = results.sightings.num_rows
    say(
        f"{counted(number, 'sighting')}, each with its verdict: {target}"
        if wanted.of_sightings
        else f"the boxes of all frames: {target}"
    )
    summarise({"file": str(target), "format": file_format, "sightings": number}, as_json=as_json)


def check_target(target: Path, results: Results, *, force: bool) -> None:
    """Raises InputError where `target` exists and not `force`, is a folder, or is one of the files the flights and
    their mission are made of, `force` or not."""
    if target.is_dir():
        raise InputError(target, "is a folder; name a file to write")
    own = [path for flight in results.flights for path in flight.own_files()]
    own += results.mission.own_files() if results.mission else []
    place = target.resolve()
    if any(place == path.resolve() or path.resolve() in place.parents for path in own):
        raise InputError(
            target, "belongs to the flight or the mission itself and is not overwritten; choose another name"
        )
    if target.exists() and not force:
        raise InputError(target, "already exists and is kept; choose another name, or say --force to replace it")
