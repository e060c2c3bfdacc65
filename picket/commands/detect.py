"""`picket detect`: search a flight's frames for people and vehicles."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, Any

import typer

from mapping.maps.wording import counted
from mapping.tables import FRAMES
from picket.commands.ingest import ingest_images
from picket.folder import Flight, open_flight
from picket.options import FlightArgument, ForceOption, JsonOption, SkipUnreadableOption
from picket.output import notes, progress_bar, say, summarise
from vision.batch import DEFAULT_CONFIDENCE, detect_frames
from vision.detector import Detector, load_detector
from vision.errors import InputError, VisionError
from vision.images import in_colour
from vision.record import SearchRecord, write_record
from vision.table import DETECTIONS

LOOKED_AT = 9
"""So many frames tell whether a flight's pictures are in colour."""


def detect(
    flight: FlightArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FLIGHT", help="Where FLIGHT is a plain folder of images: the flight to make."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other weights than the shipped thermal ones.")
    ] = None,
    tile: Annotated[
        int | None, typer.Option(min=64, metavar="PX", help="Tile size; by default by the frame's size.")
    ] = None,
    overlap: Annotated[float, typer.Option(min=0.0, max=0.9, help="Overlap of neighbouring tiles.")] = 0.2,
    confidence: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Least confidence of a detection that is kept.")
    ] = DEFAULT_CONFIDENCE,
    skip_unreadable: SkipUnreadableOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Search every frame of FLIGHT and write detections.parquet."""
    if skip_unreadable and output is None:
        raise InputError("--skip-unreadable", "goes with --output: images of a flight that cannot be read are skipped")
    detector = load_detector(weights)
    folder = (
        ingest_images(flight, output, tlog=False, skip_unreadable=skip_unreadable, force=force)
        if output
        else open_flight(flight)
    )
    summary = detect_flight(folder, detector, tile_px=tile, overlap=overlap, confidence=confidence, force=force)
    summarise(summary, as_json=as_json)


def detect_flight(
    flight: Flight,
    detector: Detector,
    *,
    tile_px: int | None = None,
    overlap: float = 0.2,
    confidence: float = DEFAULT_CONFIDENCE,
    force: bool = False,
) -> dict[str, Any]:
    """Search a flight and write its detections table. Returns the JSON summary. Raises InputError where there is
    already a table and not `force`, VisionError where not one image could be read."""
    if flight.detections.exists() and not force:
        raise InputError(flight.detections, "already exists and is kept; say --force to search again")
    started = time.monotonic()
    frames = FRAMES.read(flight.frames)
    listed = [
        (frame_id, flight.root / file)
        for frame_id, file in zip(frames["frame_id"].to_pylist(), frames["file"].to_pylist(), strict=True)
        if file is not None
    ]
    if not listed:
        raise InputError(flight.frames, "lists no images; put the camera's pictures in with `picket ingest`")
    with progress_bar("searching frames") as progress:
        result = detect_frames(
            listed, detector, tile_px=tile_px, overlap=overlap, confidence=confidence, progress=progress
        )
    notes([f"{item.file}: {item.reason}; skipped" for item in result.skipped])
    if len(result.skipped) == len(listed):
        raise VisionError(f"{flight.root}: not one of {len(listed)} images could be read")
    said = _unsuited(detector, [path for _, path in listed], {Path(item.file) for item in result.skipped})
    DETECTIONS.write(result.table, flight.detections)
    why = {item.frame_id: item.reason for item in result.skipped}
    asked = {frame_id: why.get(frame_id) for frame_id, _ in listed}
    write_record(SearchRecord(detector.sha256, confidence, asked, said), flight.detections)
    notes(said)
    counts = Counter(result.table["class"].to_pylist())
    searched = len(listed) - len(result.skipped)
    say(f"{counted(searched, 'frame')} searched: " + (_counted(counts) or "nothing found"))
    if counts and frames["lat_deg"].null_count == frames.num_rows:
        say(
            "not one frame has a position, so there is nothing to locate; `picket report` shows what was found as "
            "pictures, `picket export --format coco` gives the boxes"
        )
    return {
        "flight": str(flight.root),
        "detections": str(flight.detections),
        "frames": searched,
        "skipped": [{"file": str(item.file), "reason": item.reason} for item in result.skipped],
        "counts": dict(sorted(counts.items())),
        "model": detector.sha256,
        "notes": list(said),
        "seconds": round(time.monotonic() - started, 2),
    }


def _unsuited(detector: Detector, paths: Sequence[Path], unreadable: AbstractSet[Path]) -> tuple[str, ...]:
    """What there is to say where weights for heat pictures searched colour ones."""
    readable = [path for path in paths if path not in unreadable]
    sample = readable[:: max(1, len(readable) // LOOKED_AT)]
    if not detector.thermal or 2 * sum(in_colour(path) for path in sample) <= len(sample):
        return ()
    return (
        "The frames are colour pictures and the weights were trained on thermal ones: what was found is not to be "
        "relied on, and much is missed. Give weights for colour pictures (--weights).",
    )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in sorted(counts.items()))
