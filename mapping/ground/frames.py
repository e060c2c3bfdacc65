"""Which picture was taken from where: images and a flight's telemetry (or what the images say of themselves) become
the table of frames. This is the one path for a flight just flown, a flight recovered and one recorded elsewhere;
reading logs is `mapping.ground.telemetry`'s subject, reading the inside of images `mapping.ground.metadata`'s."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from mapping.ground.accuracy import Accuracy, accuracy_of
from mapping.ground.camera import Camera, catalogue
from mapping.ground.exif import FOCAL_SHARE
from mapping.ground.metadata import ImagePose, read_image_pose
from mapping.ground.pose import Poses, seconds_utc
from mapping.ground.telemetry import TelemetryLog, Trigger, trigger_poses
from mapping.tables import FRAMES
from vision.errors import InputError

# 2018080501004480Z: date, time and a decimal fraction of the second, in UTC as the Z says
_UTC_IN_NAME = re.compile(r"(?<!\d)(\d{8})[T_-]?(\d{6})[._]?(\d{0,6})Z(?![A-Za-z])")
_LAST_NUMBER = re.compile(r"(\d+)(?=\D*$)")
_THERMAL_OF = {"M3T": "m3t-thermal", "ZH20T": "h20t-thermal"}  # EXIF's model, where the picture is thermal
_SAME_LENS = 0.01  # zooming changes the focal length by more
_CLOCK_OFF_S = 0.5
_SAME_MOMENT_S = 2.0  # whole seconds in EXIF and a shutter's delay; the next picture is usually later


@dataclass(frozen=True)
class Pairing:
    """What is known of when each image was taken: its trigger, else its time (UTC seconds, NaN where unknown).
    `notes` say in words what did not fit together, for the person who reads the summary."""

    images: tuple[Path, ...]
    triggers: tuple[Trigger | None, ...]
    times_s: tuple[float, ...]
    notes: tuple[str, ...]


def time_in_name(path: Path) -> float | None:
    """UTC seconds since 1970 in a file name such as `2018080501004480Z.jpg` (the digits after the seconds are their
    decimal fraction); None where there is none. Without a Z a time in a name is local time, of nobody knows where."""
    match = _UTC_IN_NAME.search(path.stem)
    if match is None:
        return None
    try:
        whole = datetime.strptime(match[1] + match[2], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    fraction = int(match[3]) * 10 ** (6 - len(match[3])) if match[3] else 0
    return (whole + timedelta(microseconds=fraction)).timestamp()


def number_in_name(path: Path) -> int | None:
    """The last number in a file name such as `IMG_00007.jpg`; None where there is none or it is a time."""
    match = _LAST_NUMBER.search(path.stem)
    return None if match is None or time_in_name(path) is not None else int(match[1])


def in_order(images: Sequence[Path]) -> tuple[Path, ...]:
    """Images by name, numbers in it by value: the order of frames, whatever is known of their times."""
    return tuple(sorted(images, key=lambda path: (_parts(path.name), str(path))))


def _parts(name: str) -> list[tuple[int, int, str]]:
    """A name cut at its numbers, to compare; digits from the 15th on are fractions of a second."""
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return [(0, int(part[:14]), part) if part[0].isdecimal() else (1, 0, part) for part in parts]


def pair_images(log: TelemetryLog, images: Sequence[Path]) -> Pairing:
    """Say for every image which trigger took it, or else when it was taken, and what did not fit.

    An image whose number is the `img_idx` of a CAMERA_FEEDBACK was taken by that trigger, unless another image or
    another trigger (after a reboot) has the same number, or the image's own time is more than 2 s from the trigger's.
    Otherwise its time is its own: the UTC time in its name, or else in its EXIF; an EXIF time without a time zone is
    not used.
    """
    ordered, fired = in_order(images), log.triggers()
    numbers = [number_in_name(path) for path in ordered]
    twice = {number for number, count in Counter(numbers).items() if count > 1}
    again = {index for index, count in Counter(trigger.img_idx for trigger in fired).items() if count > 1}
    by_index = {trigger.img_idx: trigger for trigger in fired if trigger.img_idx not in again}
    triggers: list[Trigger | None] = []
    times_s: list[float] = []
    strangers = 0
    ahead: list[float] = []
    for path, number in zip(ordered, numbers, strict=True):
        trigger = None if number is None or number in twice else by_index.get(number)
        own_s = _own_time(path)
        if trigger is not None and abs(own_s - trigger.time_s) > _SAME_MOMENT_S:
            trigger, strangers = None, strangers + 1
        elif trigger is not None and math.isfinite(own_s):
            ahead.append(own_s - trigger.time_s)
        triggers.append(trigger)
        times_s.append(own_s if trigger is None else trigger.time_s)
    notes = _notes(fired, triggers, times_s)
    numbered = {number for number in numbers if number is not None}
    if numbered & twice & {trigger.img_idx for trigger in fired}:
        notes.append("several images carry the same number and were not paired with triggers")
    if numbered & again:
        notes.append(
            f"the log has several triggers of one number (the vehicle was started again): {_listed(numbered & again)}; "
            "images of these numbers count by their own time"
        )
    if ahead and abs(float(np.median(ahead))) > _CLOCK_OFF_S:
        notes.append(f"the pictures' clock is {np.median(ahead):+.1f} s off the triggers'; the triggers' times count")
    notes += _outside_notes(log, times_s)
    if strangers:
        notes.append(
            f"{strangers} of {len(ordered)} images carry the number of a trigger but were taken at another time by "
            "their own clock, which counts"
        )
    return Pairing(ordered, tuple(triggers), tuple(times_s), tuple(notes))


def _outside_notes(log: TelemetryLog, times_s: Sequence[float]) -> list[str]:
    """What is to be said of pictures taken before or after the log, with the clock error that would explain it."""
    track = seconds_utc(log.track()["time_utc"])
    times = np.asarray(times_s, dtype=np.float64)
    known = times[np.isfinite(times)]
    if not len(track) or not len(known):
        return []
    begin, end = float(track[0]), float(track[-1])
    outside = known[(known < begin) | (known > end)]
    if not len(outside):
        return []
    text = (
        f"{len(outside)} of {len(times)} pictures were taken outside the log, which runs from {_clock(begin)} to "
        f"{_clock(end)} UTC; the pictures from {_clock(known.min())} to {_clock(known.max())}"
    )
    hours = round((0.5 * (known.min() + known.max()) - 0.5 * (begin + end)) / 3600.0)
    shifted = known - 3600.0 * hours
    if hours and np.mean((shifted >= begin) & (shifted <= end)) > 0.5:
        text += f": their clock is {hours:+d} h off, as a time zone would be"
    return [text]


def _clock(time_s: float) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M:%S}"


def _own_time(path: Path) -> float:
    """UTC in the image's name, or else in its EXIF or XMP, NaN where neither says one; a damaged image stops nothing,
    it only has no time."""
    time_s = time_in_name(path)
    if time_s is None:
        try:
            time_s = read_image_pose(path).time_s
        except InputError:
            time_s = None
    return float("nan") if time_s is None else time_s


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)[:8]) + (", ..." if len(numbers) > 8 else "")


def _notes(fired: Sequence[Trigger], triggers: Sequence[Trigger | None], times_s: Sequence[float]) -> list[str]:
    notes: list[str] = []
    missing = [trigger.img_idx for trigger in _unpaired(fired, triggers)]
    if missing:
        notes.append(f"{len(missing)} of {len(fired)} triggered pictures have no image: {_listed(missing)}")
    strays = sum(trigger is None for trigger in triggers)
    if fired and strays:
        notes.append(f"{strays} of {len(triggers)} images belong to no trigger in the log")
    timeless = int(np.isnan(np.asarray(times_s, dtype=np.float64)).sum())
    if timeless:
        notes.append(f"{timeless} of {len(times_s)} images do not say when they were taken in UTC")
    return notes


def frames_from_log(
    log: TelemetryLog,
    camera: Camera,
    images: Sequence[Path],
    *,
    root: Path | None = None,
    accuracy: Accuracy | None = None,
    every_trigger: bool = False,
) -> pa.Table:
    """A `mapping.tables.FRAMES` table of images and the telemetry of their flight, in the order of their names. With
    `every_trigger` the photos whose image is not among them follow, in the order they were taken, without a `file`.

    Poses are the autopilot's own at its triggers where an image belongs to one (more exact, see `trigger_poses`), and
    otherwise interpolated to the image's time; null where the log does not cover it. `root` is the flight folder that
    `file` is given relative to, `accuracy` replaces the default sigmas. `pair_images` says what did not fit. Images
    of another camera's size are not noticed here, where a flight may be going on: see `check_sizes`.
    """
    pairing = pair_images(log, images)
    elsewhere = _unpaired(log.triggers(), pairing.triggers) if every_trigger else []
    triggers = [*pairing.triggers, *elsewhere]
    poses = log.pose_at([*pairing.times_s, *(trigger.time_s for trigger in elsewhere)], camera, accuracy)
    at = [index for index, trigger in enumerate(triggers) if trigger is not None]
    if at:
        triggered = [trigger for trigger in triggers if trigger is not None]
        exact = trigger_poses(triggered, camera, accuracy or log.accuracy(camera, at_trigger=True), log)
        poses = poses.replaced(at, exact)
    return _table([*pairing.images, *(None for _ in elsewhere)], poses, camera, root)


def _unpaired(fired: Sequence[Trigger], triggers: Sequence[Trigger | None]) -> list[Trigger]:
    """The triggers that took none of the images."""
    paired = {trigger for trigger in triggers if trigger is not None}
    return [trigger for trigger in fired if trigger not in paired]


def frames_from_images(
    camera: Camera | None, images: Sequence[Path], *, root: Path | None = None, accuracy: Accuracy | None = None
) -> pa.Table:
    """A `mapping.tables.FRAMES` table from what the images say of themselves (EXIF, XMP), in the order of their names;
    null where an image says nothing. Raises InputError for a file that is no image, or not of the camera's size."""
    accuracy = accuracy or accuracy_of(camera)
    ordered = in_order(images)
    read = [read_image_pose(path) for path in ordered]
    if camera is not None:
        for path, pose in zip(ordered, read, strict=True):
            _compare_size(camera, path, pose)
    columns = {
        name: np.array([getattr(pose, name) for pose in read], dtype=np.float64)  # None becomes NaN
        for name in ("time_s", "lat_deg", "lon_deg", "alt_amsl_m", "alt_home_m", "yaw_deg", "pitch_deg", "roll_deg")
    }
    placed, turned = np.isfinite(columns["lat_deg"]), np.isfinite(columns["yaw_deg"])
    sigmas = {
        name: np.array([getattr(pose, name) for pose in read], dtype=np.float64)
        for name in ("sigma_position_m", "sigma_height_m")
    }
    position = np.where(np.isnan(sigmas["sigma_position_m"]), accuracy.position_m, sigmas["sigma_position_m"])
    height = np.where(np.isnan(sigmas["sigma_height_m"]), accuracy.height_m, sigmas["sigma_height_m"])
    if read and camera is not None and camera.source == read[0].focal_source:
        # a focal length that is off by a share puts the ground off like a height that is off by that share
        height = np.hypot(height, FOCAL_SHARE * np.abs(np.nan_to_num(columns["alt_home_m"])))
    poses = Poses.from_columns(
        len(ordered),
        sigma_position_m=np.where(placed, position, np.nan),
        sigma_height_m=np.where(placed, height, np.nan),
        sigma_attitude_deg=np.where(turned, accuracy.attitude_deg, np.nan),
        sigma_time_s=np.where(placed, accuracy.time_s, np.nan),
        **columns,
    )
    return _table(ordered, poses, camera, root)


def frames_from_poses(
    poses: Poses, camera: Camera | None, images: Sequence[Path], *, root: Path | None = None
) -> pa.Table:
    """A `mapping.tables.FRAMES` table of images, given in the order `in_order` puts them, and a pose for each."""
    return _table(images, poses, camera, root)


def camera_from_images(reads: Sequence[ImagePose]) -> Camera | None:
    """The camera that took these pictures, as far as their EXIF tells: by name where the catalogue has it, else from
    the focal length, on a gimbal, without distortion. None where they do not say it, or not the same."""
    first = reads[0]
    same = all(
        (one.width_px, one.height_px, one.make, one.model) == (first.width_px, first.height_px, first.make, first.model)
        and one.focal_px is not None
        and abs(one.focal_px - (first.focal_px or 0.0)) <= _SAME_LENS * one.focal_px
        for one in reads
    )
    known = catalogue().get(_THERMAL_OF.get(first.model or "", ""))
    if known is not None and all((one.width_px, one.height_px) == (known.width_px, known.height_px) for one in reads):
        return known
    if not same or first.focal_px is None or first.width_px is None or first.height_px is None:
        return None
    return Camera(
        name=" ".join(dict.fromkeys(part for part in (first.make, first.model) if part)) or "camera",
        kind="rgb",
        width_px=first.width_px,
        height_px=first.height_px,
        fx_px=first.focal_px,
        fy_px=first.focal_px,
        cx_px=first.width_px / 2.0,
        cy_px=first.height_px / 2.0,
        stabilised=True,
        source=first.focal_source or "",
    )


def check_sizes(camera: Camera, images: Sequence[Path]) -> None:
    """Raises InputError for the first image (by name) that has not the camera's size, or is no image: with the wrong
    camera every place would be wrong in silence."""
    for path in in_order(images):
        _compare_size(camera, path, read_image_pose(path))


def _compare_size(camera: Camera, path: Path, pose: ImagePose) -> None:
    if (pose.width_px, pose.height_px) != (camera.width_px, camera.height_px):
        raise InputError(
            path,
            f"is {pose.width_px} x {pose.height_px} pixels, camera {camera.name} takes {camera.width_px} x "
            f"{camera.height_px}: give the camera that took it",
        )


def _table(images: Sequence[Path | None], poses: Poses, camera: Camera | None, root: Path | None) -> pa.Table:
    files = [
        None if path is None else Path(os.path.relpath(path, root) if root else path).as_posix() for path in images
    ]
    return FRAMES.build(
        {
            "frame_id": [f"f{number:05d}" for number in range(1, len(images) + 1)],
            "file": files,
            "camera": [camera.name if camera is not None else None] * len(images),
        }
        | poses.columns()
    )
