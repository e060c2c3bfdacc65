"""`picket export`: sightings in the formats other tools read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mapping.maps.exports.formats import FORMATS
from mapping.maps.thumbnails import thumbnails
from mapping.maps.wording import counted
from picket.options import ForceOption, JsonOption, ResultsArgument
from picket.output import notes, say, summarise
from picket.results import check_target, open_results
from vision.errors import InputError


def export(
    folder: ResultsArgument,
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
    notes(results.warnings)
    number = results.sightings.num_rows
    say(
        f"{counted(number, 'sighting')}, each with its verdict: {target}"
        if wanted.of_sightings
        else f"the boxes of all frames: {target}"
    )
    summarise({"file": str(target), "format": file_format, "sightings": number}, as_json=as_json)
