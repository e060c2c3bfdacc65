"""`picket ingest`: images taken elsewhere become a flight folder, with every frame's pose as far as it is known."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import tomli_w
import typer

from mapping.ground.camera import Camera, catalogue, describe_camera, load_camera
from mapping.ground.dataflash import is_dataflash, read_dataflash
from mapping.ground.frames import (
    camera_from_images,
    check_sizes,
    frames_from_images,
    frames_from_log,
    frames_from_poses,
    pair_images,
)
from mapping.ground.metadata import read_image_pose
from mapping.ground.pose import Poses
from mapping.ground.pose_csv import read_poses
from mapping.ground.telemetry import TelemetryLog, read_tlog
from mapping.tables import FRAMES, TRACK
from picket.doubts import camera_notes, flight_notes
from picket.filling import fill_from_log
from picket.folder import FLIGHT_FILE, Flight, open_flight
from picket.gathering import EVERY_S, Gathered, gather
from picket.options import CameraOption, EveryOption, ForceOption, JsonOption, SkipUnreadableOption
from picket.output import notes, say, summarise
from picket.replacing import new_folder
from vision.errors import InputError
from vision.files import write_whole

TIME_FORMATS = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"]


def ingest(
    images: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGES", help="A folder of images and videos, or one; with --log also a flight to fill."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FLIGHT", help="Flight folder to make.")
    ] = None,
    tlog: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The flight's telemetry log; without it positions come from the images."),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The autopilot's own log of the flight (DataFlash .bin).")
    ] = None,
    poses: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Poses by another program: file,lat_deg,lon_deg,alt_home_m,...")
    ] = None,
    camera: CameraOption = None,
    allow_cut_log: Annotated[
        bool, typer.Option("--allow-cut-log", help="Use a log that is cut short, as far as it goes.")
    ] = False,
    every: EveryOption = EVERY_S,
    video_start: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", formats=TIME_FORMATS, help="UTC of a video's first frame, to find its poses by."),
    ] = None,
    skip_unreadable: SkipUnreadableOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring images recorded elsewhere, and their telemetry log if there is one, into a flight folder."""
    if tlog is not None and log is not None:
        raise InputError("picket ingest", "give --tlog or --log, not both")
    if log is not None and Flight(images).summary.is_file():
        _fill(images, output, log, as_json=as_json)
        return
    if output is None:
        raise InputError("--output", "is needed: the flight folder to make")
    flight = ingest_images(
        images,
        output,
        tlog=tlog or log,
        poses=poses,
        camera=camera,
        allow_cut_log=allow_cut_log,
        every_s=every,
        video_start=video_start.replace(tzinfo=UTC) if video_start else None,
        skip_unreadable=skip_unreadable,
        force=force,
    )
    frames = FRAMES.read(flight.frames)
    placed = frames.num_rows - frames["lat_deg"].null_count
    turned = frames.num_rows - frames["pitch_deg"].null_count
    say(f"{frames.num_rows} frames, {placed} with a position, {turned} with the camera's attitude: {flight.root}")
    summarise(
        {
            "flight": str(flight.root),
            "frames": frames.num_rows,
            "with_position": placed,
            "with_attitude": turned,
            "camera": flight.facts()["camera"],
        },
        as_json=as_json,
    )


def _fill(root: Path, output: Path | None, log: Path, *, as_json: bool) -> None:
    if output is not None:
        raise InputError("--output", f"is not wanted: {root} is a flight, and its log goes into it")
    flight = open_flight(root)
    filled = fill_from_log(flight, log)
    frames = FRAMES.read(flight.frames)
    say(f"{frames.num_rows} frames from the vehicle's log, {len(filled)} photos the link had missed: {flight.root}")
    summarise({"flight": str(flight.root), "frames": frames.num_rows, "filled": filled}, as_json=as_json)


def ingest_images(
    images: Path,
    output: Path,
    *,
    tlog: Path | Literal[False] | None = None,
    poses: Path | None = None,
    camera: str | None = None,
    allow_cut_log: bool = False,
    every_s: float = EVERY_S,
    video_start: datetime | None = None,
    skip_unreadable: bool = False,
    force: bool = False,
) -> Flight:
    """Make a flight folder at `output` from what `gathering.gather` finds at `images`. Returns it. `tlog` is by default
    the only log beside the images; False takes none. `poses` is a CSV file of poses instead.

    Raises InputError where there are no images, one cannot be read (unless `skip_unreadable`), the log or the camera
    is unusable, or `output` already holds something (unless `force` and it is a flight); VisionError where
    not one can be read. Then nothing is written.
    """
    log_file = tlog if tlog is not None else None if poses else _only_log(images)
    if log_file and not log_file.is_file():
        raise InputError(log_file, "no such log; give the flight's .tlog (--tlog) or .bin (--log)")
    if log_file and poses:
        raise InputError("--poses", f"says what {log_file.name} says too; give one of them")
    if log_file and camera is None:
        raise InputError(
            "--camera", f"is needed with {log_file.name}: how the camera sat on the vehicle is not in the log"
        )
    lens = load_camera(camera) if camera else None
    log = _read_log(log_file, allow_cut_log) if log_file else None
    with tempfile.TemporaryDirectory(prefix="picket-video-") as aside:
        gathered = gather(images, Path(aside), every_s=every_s, start=video_start, skip_unreadable=skip_unreadable)
        found = list(gathered.pictures)
        reads = {path: read_image_pose(path) for path in found}
        if lens:
            check_sizes(lens, found)
        told = read_poses(poses, found) if poses else None
        derived = camera_from_images(list(reads.values())) if lens is None else None
        replacing = force and Flight(output).summary.is_file()
        with new_folder(output, known_by=FLIGHT_FILE, replace=replacing) as root:
            flight = Flight(root)
            copies = _copy(gathered, flight)
            doubts = camera_notes(lens, derived)
            if log and lens and log_file:
                shutil.copyfile(log_file, flight.log if is_dataflash(log_file) else flight.telemetry)
                TRACK.write(log.track(), flight.track)
                doubts += pair_images(log, copies).notes
            frames = _frames(log, told, lens or derived, copies, root)
            FRAMES.write(frames, flight.frames)
            doubts += flight_notes(frames, reads, lens or derived, root)
            facts = {
                **_keep_camera(camera, derived, root),
                "ended": "ingested",
                "ingested_utc": datetime.now(UTC).isoformat(timespec="seconds"),
                "images_from": str(images.resolve()),
                "telemetry_from": str(source.resolve()) if (source := log_file or poses) else None,
                "notes": doubts,
                "every_s": every_s,
                "left_out": dict(gathered.left_out),
                "versions": {"picket": version("picket")},
            }
            write_whole(flight.summary, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    notes(doubts)
    return Flight(output)


def _frames(
    log: TelemetryLog | None, told: Poses | None, camera: Camera | None, images: Sequence[Path], root: Path
) -> pa.Table:
    if log and camera:
        return frames_from_log(log, camera, images, root=root)
    if told is not None:
        return frames_from_poses(told, camera, images, root=root)
    return frames_from_images(camera, images, root=root)


def _keep_camera(camera: str | None, derived: Camera | None, root: Path) -> dict[str, str | None]:
    """What flight.json says of the camera; one that is in no catalogue is described in a file of the flight."""
    name = camera or (derived.name if derived else None)
    if camera in catalogue() or name is None or (derived and catalogue().get(derived.name) == derived):
        return {"camera": name, "camera_file": None}
    file = f"camera{Path(camera).suffix}" if camera else "camera.toml"
    if camera:
        shutil.copyfile(camera, root / file)
    elif derived:
        write_whole(root / file, tomli_w.dumps(describe_camera(derived)))
    return {"camera": Path(name).name, "camera_file": file}


def _read_log(log_file: Path, allow_cut: bool) -> TelemetryLog:
    return read_dataflash(log_file) if is_dataflash(log_file) else read_tlog(log_file, allow_cut=allow_cut)


def _only_log(images: Path) -> Path | None:
    """The telemetry log that lies beside the images, if there is just one."""
    logs = sorted(images.glob("*.tlog")) if images.is_dir() else []
    if len(logs) == 1:
        notes([f"taking the poses from {logs[0]}"])
        return logs[0]
    return None


def _copy(gathered: Gathered, flight: Flight) -> list[Path]:
    copies = [flight.images / gathered.places[path] for path in gathered.pictures]
    for path, copy in zip(gathered.pictures, copies, strict=True):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        copy.chmod(0o644)
    return copies
