"""`picket detect`: search a flight's frames for people and vehicles."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mapping.maps.wording import counted
from mapping.tables import FRAMES
from picket.commands.ingest import ingest_images
from picket.folder import Flight, open_flight
from picket.gathering import EVERY_S
from picket.options import EveryOption, FlightArgument, ForceOption, JsonOption
from picket.output import notes, progress_bar, say, summarise
from picket.resolution import gsds_m
from vision.batch import DEFAULT_CONFIDENCE, Engine, detect_frames, search_settings
from vision.classes import read_mapping
from vision.detector import Detector, load_detector
from vision.engines import local
from vision.engines.ray import Cluster
from vision.errors import InputError, VisionError
from vision.frame import LEAST_PX, SearchSettings
from vision.images import in_colour
from vision.previews import write_previews
from vision.record import SearchRecord, write_record
from vision.table import DETECTIONS

LOOKED_AT = 9
"""So many frames tell whether a flight's pictures are in colour."""


def detect(
    flight: FlightArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FLIGHT", help="Where FLIGHT is a video or a plain folder: the flight to make."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Other weights than the shipped thermal ones: .pt, .onnx or OpenVINO's."),
    ] = None,
    backend: Annotated[
        Literal["auto", "torch", "openvino", "openvino-int8"],
        typer.Option(help="What runs the network; auto is the fastest here that finds the same."),
    ] = "auto",
    classes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What the weights' labels mean: label,class lines or TOML.")
    ] = None,
    tile: Annotated[
        int | None, typer.Option(min=64, metavar="PX", help="Tile size; by default by the frame's size.")
    ] = None,
    overlap: Annotated[float, typer.Option(min=0.0, max=0.9, help="Overlap of neighbouring tiles.")] = 0.2,
    least_px: Annotated[
        float | None,
        typer.Option(metavar="PX", help="Pixels a person must cover at least: frames are blown up by their height."),
    ] = None,
    gsd: Annotated[
        float | None,
        typer.Option(metavar="METRES", help="Size of a pixel on the ground, where a frame's is not known."),
    ] = None,
    confidence: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Least confidence of a detection that is kept.")
    ] = DEFAULT_CONFIDENCE,
    every: EveryOption = EVERY_S,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Where to search: on this machine, or on a Ray cluster.")
    ] = "local",
    address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="With ray: the cluster; without it one is begun here.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="With ray, begun here: how many processes; by default one for each core.")
    ] = None,
    images_at: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL", help="With ray: where its workers find the flight folder; else images are sent."
        ),
    ] = None,
    preview: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write annotated frames and a contact sheet there.")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Search every frame of FLIGHT and write detections.parquet."""
    settings = search_settings(
        tile_px=tile, overlap=overlap, confidence=confidence, gsd_m=gsd, least_px=least_px or LEAST_PX
    )
    if least_px is not None and tile is not None:
        raise InputError("--least-px", "says how large tiles are, and so does --tile; give one of them")
    if engine == "local" and (address, workers, images_at) != (None, None, None):
        raise InputError("--engine", "--address, --workers and --images-at say how to search with --engine ray")
    if preview is not None and preview.exists() and not (preview.is_dir() and (force or not any(preview.iterdir()))):
        raise InputError(preview, "is in the way; give an empty or a new folder, or say --force to write into it")
    mapping = read_mapping(classes) if classes else None
    detector = load_detector(weights, backend=backend, classes=mapping, announce=say)
    notes(detector.notes)
    if output is None:
        folder = open_flight(flight)
    else:
        folder = _begun(flight, output, every, force) or ingest_images(
            flight, output, tlog=False, every_s=every, skip_unreadable=True, force=force
        )
    by_height = least_px is not None or gsd is not None
    cluster = Cluster(address, workers, folder.root, images_at)
    search = cluster.search if engine == "ray" else local.search
    summary = detect_flight(folder, detector, settings, by_height=by_height, engine=search, force=force)
    if preview is not None:
        summary |= _preview(folder, preview)
    summarise(summary, as_json=as_json)


def _preview(flight: Flight, folder: Path) -> dict[str, Any]:
    """Write the pictures of what was found; what the JSON summary says of them."""
    frames = FRAMES.read(flight.frames)
    files = zip(frames["frame_id"].to_pylist(), frames["file"].to_pylist(), strict=True)
    listed = [(frame_id, flight.root / file) for frame_id, file in files if file is not None]
    with progress_bar("drawing previews") as progress:
        made = write_previews(DETECTIONS.read(flight.detections), listed, folder, progress=progress)
    say(f"{counted(made.frames, 'frame')} drawn in {folder}" + (f"; at a glance: {made.sheet}" if made.sheet else ""))
    return {"preview": str(folder), "contact_sheet": str(made.sheet) if made.sheet else None}


def _begun(source: Path, output: Path, every_s: float, force: bool) -> Flight | None:
    """The flight at `output` where an earlier run made it of the same images and did not come to an end."""
    flight = Flight(output)
    if not flight.summary.is_file() or not (flight.journal.is_file() or not (force or flight.detections.exists())):
        return None
    facts = flight.facts()
    same = facts.get("images_from") == str(source.resolve()) and facts.get("every_s") == every_s
    return flight if same else None


def detect_flight(
    flight: Flight,
    detector: Detector,
    settings: SearchSettings | None = None,
    *,
    by_height: bool = False,
    engine: Engine = local.search,
    force: bool = False,
) -> dict[str, Any]:
    """Search a flight and write its detections table. Returns the JSON summary. `by_height` blows each frame up by the
    size of its pixels on the ground, where that is known. A search that was cut off goes on where it stopped. Raises
    InputError where there is already a table and not `force`, VisionError where not one image could be read."""
    if flight.detections.exists() and not force:
        raise InputError(flight.detections, "already exists and is kept; say --force to search again")
    started = time.monotonic()
    settings = settings or search_settings()
    frames = FRAMES.read(flight.frames)
    held = [row for row, file in enumerate(frames["file"].to_pylist()) if file is not None]
    if not held:
        raise InputError(
            flight.root,
            "holds no pictures; bring in what the camera kept: picket ingest PICTURES -o FLIGHT "
            f"--tlog {flight.telemetry} --camera CAMERA",
        )
    pictured = frames.take(held)
    listed = [
        (frame_id, flight.root / file)
        for frame_id, file in zip(pictured["frame_id"].to_pylist(), pictured["file"].to_pylist(), strict=True)
    ]
    each = settings.for_gsds(gsds_m(pictured, flight)) if by_height else settings
    said = _unsuited(detector, [path for _, path in listed])
    notes(said)
    with progress_bar("searching frames") as progress:
        result = detect_frames(listed, detector, each, journal=flight.journal, engine=engine, progress=progress)
    if result.taken_up:
        say(f"{counted(result.taken_up, 'frame')} had been searched before the last run was cut off")
    left_out: dict[str, str] = flight.facts().get("left_out") or {}
    skipped = [
        *({"file": file, "reason": reason} for file, reason in left_out.items()),
        *({"file": item.file, "reason": item.reason} for item in result.skipped),
    ]
    notes([f"{item.file}: {item.reason}; skipped" for item in result.skipped])
    if len(result.skipped) == len(listed):
        flight.journal.unlink(missing_ok=True)
        raise VisionError(f"{flight.root}: not one of {len(listed)} images could be read")
    DETECTIONS.write(result.table, flight.detections)
    why = {item.frame_id: item.reason for item in result.skipped}
    asked = {frame_id: why.get(frame_id) for frame_id, _ in listed}
    write_record(SearchRecord(detector.sha256, settings.confidence, asked, said, detector.runs), flight.detections)
    flight.journal.unlink(missing_ok=True)
    counts = Counter(result.table["class"].to_pylist())
    searched = len(listed) - len(result.skipped)
    unread = f", {len(skipped)} could not be read" if skipped else ""
    say(f"{counted(searched, 'frame')} searched{unread}: " + (_counted(counts) or "nothing found"))
    if counts and frames["lat_deg"].null_count == frames.num_rows:
        say(
            "not one frame has a position, so there is nothing to locate; `picket report` shows what was found as "
            "pictures, `picket export --format coco` gives the boxes"
        )
    return {
        "flight": str(flight.root),
        "detections": str(flight.detections),
        "frames": searched,
        "taken_up": result.taken_up,
        "skipped": skipped,
        "counts": dict(sorted(counts.items())),
        "model": detector.sha256,
        "backend": detector.runs,
        "notes": list(said),
        "seconds": round(time.monotonic() - started, 2),
    }


def _unsuited(detector: Detector, paths: Sequence[Path]) -> tuple[str, ...]:
    """What there is to say where weights for heat pictures search colour ones: before the search, which may take an
    hour. Pictures that cannot be read tell nothing."""
    if not detector.thermal:
        return ()
    coloured = []
    for path in paths[:: max(1, len(paths) // LOOKED_AT)]:
        with suppress(InputError):
            coloured.append(in_colour(path))
    if 2 * sum(coloured) <= len(coloured):
        return ()
    return (
        "The frames are colour pictures and the weights were trained on thermal ones: what is found is not to be "
        "relied on, and much is missed. Give weights for colour pictures (--weights).",
    )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in sorted(counts.items()))
