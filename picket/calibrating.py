"""Calibrating a flight folder: gathers what the flight shows several times, has the shared errors estimated, keeps them
beside the flight and takes them out of its frames. The sums are `mapping.ground.calibration`'s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mapping.ground.adjustment import Ties, out_of_sight
from mapping.ground.calibration import Calibration, calibrate, read_calibration, write_calibration
from mapping.ground.camera import Camera
from mapping.ground.contact import contact_points, contact_sigmas
from mapping.ground.control import ControlPoint, read_control
from mapping.ground.dataflash import read_dataflash
from mapping.ground.locate import locate
from mapping.ground.marks import MARKED
from mapping.ground.motion import Record, record_of_track
from mapping.ground.pose import Poses
from mapping.ground.telemetry import read_tlog
from mapping.ground.terrain import FlatGround, Terrain
from mapping.ground.texture import matched_pairs, overlapping, ties_of
from mapping.tables import FRAMES, TRACK
from picket.folder import Flight
from picket.output import progress_bar
from vision.errors import InputError

LEAST_FRAMES = 3
"""A detected object counts as a tie where it was found in so many frames; what a person marked, in two."""
_MOST_PAIRS = 400


@dataclass(frozen=True)
class Asked:
    """What the person who locates wants of calibration: `calibrate` anew (with `control` points, with the clock held
    where `trust_clock`), or `ignore` an earlier one; otherwise an earlier one is used."""

    calibrate: bool = False
    control: Path | None = None
    trust_clock: bool = False
    ignore: bool = False

    def check(self) -> None:
        """Raises InputError where the wishes contradict each other."""
        if self.calibrate and self.ignore:
            raise InputError("--no-calibration", "contradicts --calibrate; give one of them")
        for option, given in (("--control", self.control is not None), ("--trust-clock", self.trust_clock)):
            if given and not self.calibrate:
                raise InputError(option, "is for --calibrate; give that too")


USUAL = Asked()
"""Use the calibration the flight has, if any."""


def calibrated(
    flight: Flight,
    frames: pa.Table,
    detections: pa.Table,
    camera: Camera,
    terrain: Terrain | None,
    home: tuple[float, float] | None,
    asked: Asked,
) -> tuple[pa.Table, Calibration | None]:
    """The FRAMES table with the flight's calibration applied, and the calibration: a new one where it is asked for
    (kept in the flight's folder), else the one kept there, else none.

    Raises InputError for control points of objects that are not marked, MappingError where the flight does not
    determine a calibration.
    """
    asked.check()
    record = _record(flight, camera)
    poses = Poses.from_frames(frames)
    if asked.calibrate:
        found = _new(flight, frames, detections, camera, terrain, home, asked, record)
        write_calibration(found, flight.calibration)
    elif flight.calibration.exists() and not asked.ignore:
        found = read_calibration(flight.calibration)
    else:
        return frames, None
    columns = {name: frames[name] for name in frames.column_names} | found.apply(poses, record).columns()
    return FRAMES.build({name: columns[name] for name in frames.column_names}), found


def _record(flight: Flight, camera: Camera) -> Record | None:
    if flight.log.exists() or flight.telemetry.exists():
        log = read_dataflash(flight.log) if flight.log.exists() else read_tlog(flight.telemetry, allow_cut=True)
        return lambda times_s: log.pose_at(times_s, camera)
    return record_of_track(TRACK.read(flight.track), camera) if flight.track.exists() else None


def _new(
    flight: Flight,
    frames: pa.Table,
    detections: pa.Table,
    camera: Camera,
    terrain: Terrain | None,
    home: tuple[float, float] | None,
    asked: Asked,
    record: Record | None,
) -> Calibration:
    poses, ground = Poses.from_frames(frames), terrain or FlatGround()
    control = read_control(asked.control) if asked.control else {}
    things = _things(frames, detections, camera, terrain, home)
    absent = sorted(set(control) - set(things))
    if absent and asked.control:
        known = ", ".join(sorted(things)) or "none"
        raise InputError(asked.control, f"{absent[0]!r} is marked in no frame (marked are: {known})", absent[0])
    ties = _object_ties(things, frames, detections, poses, camera, control)
    if asked.control:
        names = list(things)
        for thing, camera_m in out_of_sight(ties, poses, camera, ground, home).items():
            _refuse_height(asked.control, names[thing], control[names[thing]], camera_m)
    files = [flight.root / (file or "") for file in frames["file"].to_pylist()]
    here = [file.is_file() for file in files]
    pairs = [pair for pair in overlapping(poses, camera, ground, home) if all(here[row] for row in pair)]
    pairs = pairs[:: max(1, -(-len(pairs) // _MOST_PAIRS))]
    with progress_bar("matching frames") as progress:
        matched = matched_pairs(files, pairs, progress)
    texture = ties_of(matched, camera)
    used: dict[str, Any] = {
        "objects": len(things),
        "control_points": sorted(control),
        "overlapping_pairs": len(matched),
        "clock_trusted": asked.trust_clock,
    }
    return calibrate(
        ties.joined(texture),
        poses,
        camera,
        ground,
        record=record,
        home=home,
        trust_clock=asked.trust_clock,
        used=used,
        names=list(things),
    )


def _things(
    frames: pa.Table, detections: pa.Table, camera: Camera, terrain: Terrain | None, home: tuple[float, float] | None
) -> dict[str, list[int]]:
    """Rows of the detections by the thing they show: what a person named, and what detections of several frames were
    joined into."""
    found: dict[str, list[int]] = {}
    labels, models = detections["label"].to_pylist(), detections["model"].to_pylist()
    for row, (label, model) in enumerate(zip(labels, models, strict=True)):
        if model == MARKED:
            found.setdefault(label, []).append(row)
    detected = detections.filter(pc.not_equal(detections["model"], MARKED))
    if detected.num_rows:
        row_of = {name: row for row, name in enumerate(detections["detection_id"].to_pylist())}
        for sighting in locate(frames, detected, camera, terrain, home=home).sightings.to_pylist():
            if sighting["n_frames"] >= LEAST_FRAMES:
                found[f"detected {sighting['sighting_id']}"] = [row_of[name] for name in sighting["detection_ids"]]
    return found


def _refuse_height(path: Path, name: str, point: ControlPoint, camera_m: float) -> NoReturn:
    """Raises InputError for a point whose marks cannot show its height: left as it is, it would count for nothing."""
    why = f"but no camera that shows it looks there, the highest is at {camera_m:.1f} m"
    problem = (
        f"{name!r} lies at {point.alt_amsl_m:g} m, {why}; give metres above mean sea level, or leave it empty"
        if np.isfinite(camera_m)
        else f"{name!r} has a height, but this flight's own above mean sea level is unknown; leave it empty"
    )
    raise InputError(path, problem, f"line {point.line}, alt_m")


def _object_ties(
    things: Mapping[str, list[int]],
    frames: pa.Table,
    detections: pa.Table,
    poses: Poses,
    camera: Camera,
    control: Mapping[str, ControlPoint],
) -> Ties:
    rows = [row for members in things.values() for row in members]
    row_of = {frame_id: row for row, frame_id in enumerate(frames["frame_id"].to_pylist())}
    chosen = detections.take(rows)
    index = np.array([row_of[frame_id] for frame_id in chosen["frame_id"].to_pylist()], dtype=np.intp)
    boxes = np.stack([chosen[name].to_numpy() for name in ("x1_px", "y1_px", "x2_px", "y2_px")], axis=1)
    boxes = boxes.astype(np.float64)
    known = np.full((len(things), 3), np.nan)
    for number, name in enumerate(things):
        if name in control:
            point = control[name]
            known[number] = (point.lat_deg, point.lon_deg, np.nan if point.alt_amsl_m is None else point.alt_amsl_m)
    return Ties(
        pixels=contact_points(boxes, index, poses, camera, chosen["class"].to_pylist()),
        frame=index,
        thing=np.repeat(np.arange(len(things)), [len(members) for members in things.values()]),
        sigma_px=contact_sigmas(boxes, camera),
        known=known,
    )
