"""Keeps everything that is heard of a flight, as it comes, so that nothing is lost whenever the program ends.

A `Recorder` writes `flight.json` from its first moment, every message heard and sent to `telemetry.tlog` and every
event to `events.jsonl`, each in one write to the operating system, and once a second the track, the frames and the
images that have arrived. After a SIGKILL all of it is readable; flight.json says `complete` only once everything is
there, and `recover` completes what is not. What a telemetry log means is `mapping.ground.telemetry`'s subject.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import struct
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

from mapping.ground.camera import Camera
from mapping.ground.frames import frames_from_log
from mapping.ground.metadata import write_image_pose
from mapping.ground.pose import Poses
from mapping.ground.telemetry import TelemetryLog, read_tlog
from mapping.tables import FRAMES, TRACK
from missions.flying.interrupts import STOPPED
from vision.errors import InputError, VisionError
from vision.files import read_json, whole_file, write_whole
from vision.images import IMAGE_SUFFIXES

FLIGHT_FILE = "flight.json"
TELEMETRY_FILE = "telemetry.tlog"
EVENTS_FILE = "events.jsonl"
TRACK_FILE = "track.parquet"
FRAMES_FILE = "frames.parquet"
IMAGES_FOLDER = "images"

CUT_OFF = "the recording was cut off before the flight ended"

CHECKPOINT_S = 1.0
CHECKPOINT_SHARE = 0.1
"""Of one core, at most, for the checkpoints of a long flight."""

IMAGE_PATIENCE_S = 15.0
"""How long to wait after the last image for one that is still missing."""

TELEMETRY_BYTES_A_SECOND = 20_000
"""Of a telemetry log with the streams asked for, on the safe side."""

IMAGE_BYTES_A_PIXEL = 1.0
"""Of a JPEG, on the safe side."""

SPARE_FILE = ".spare"
SPARE_BYTES = 256 * 1024
"""Kept aside so that on a full disk the end of the flight can still be written down."""

_PACKAGES = ("picket", "dronekit", "pymavlink", "numpy", "pyarrow")


class Recorder:
    """Records one flight into one folder. Use it as a context manager, or call `close`.

    `received` and `sent` may be called from any thread and cost microseconds; tables and images are kept by a thread of
    the recorder's own. A failure to write (a full disk) is no reason to stop: `failure` and flight.json tell of it.
    """

    def __init__(
        self, folder: Path, camera: Camera, facts: Mapping[str, Any], *, images_source: Path | None = None
    ) -> None:
        """`facts` go into flight.json (drone, sortie, plan ...). `images_source` is the folder where the camera's
        images appear while it works (its card, a simulator's output); they are copied, the source is left as it is.

        Raises InputError where `folder` already holds a flight.
        """
        if (folder / FLIGHT_FILE).exists() or (folder / TELEMETRY_FILE).exists():
            raise InputError(folder, "already holds a flight; choose another folder")
        self.folder = folder
        self.failure: str | None = None
        self._camera = camera
        self._images_source = images_source
        self._lock = threading.Lock()
        self._pending: queue.SimpleQueue[tuple[Any, float]] = queue.SimpleQueue()
        self._log = TelemetryLog()
        self._copied: set[str] = set()
        self._changed = False
        self._closed = False
        (folder / IMAGES_FOLDER).mkdir(parents=True, exist_ok=True)
        self._facts: dict[str, Any] = {
            "camera": camera.name,
            "process": os.getpid(),
            "started_utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "ended": None,
            "reason": None,
            "took_off_utc": None,
            "complete": False,
            "versions": {name: version for name in _PACKAGES if (version := _version(name))},
            **facts,
        }
        self._write_facts()
        (folder / SPARE_FILE).write_bytes(bytes(SPARE_BYTES))
        self._unwritten: list[bytes] = []
        self._telemetry = os.open(folder / TELEMETRY_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._events = os.open(folder / EVENTS_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="recorder", daemon=True)
        self._keeper.start()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._facts["ended"] is None:
            stopped = isinstance(error, KeyboardInterrupt)
            words = " ".join(f"{error}".split()) or (STOPPED if stopped else f"ended by a {type(error).__name__}")
            self.update(ended="interrupted" if stopped else "failed", reason=words)
        self.close()

    def received(self, message: Any) -> None:
        """Keep a message from the vehicle, but for pieces of its own log, which are no telemetry."""
        if message.get_type() == "LOG_DATA":
            return
        now_us = time.time_ns() // 1000
        self._write_frame(now_us, message)
        self._pending.put((message, now_us / 1e6))

    def sent(self, message: Any) -> None:
        """Keep a message to the vehicle."""
        self._write_frame(time.time_ns() // 1000, message)

    def _write_frame(self, now_us: int, message: Any) -> None:
        frame = struct.pack(">Q", now_us) + bytes(message.get_msgbuf())
        with self._lock:
            if not self._closed:
                self._append(self._telemetry, frame)

    def event(self, kind: str, **values: Any) -> None:
        """Keep something that happened, with the time. On a full disk it waits in memory until there is room."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time_utc": now, "event": kind, **values}, ensure_ascii=False)
        with self._lock:
            if not self._closed:
                self._unwritten.append(f"{line}\n".encode())
                self._write_events()

    def _write_events(self) -> None:
        while self._unwritten and self._append(self._events, self._unwritten[0]):
            del self._unwritten[0]

    def _append(self, descriptor: int, data: bytes) -> bool:
        """Append all of `data` or nothing; whether that went well."""
        before = os.lseek(descriptor, 0, os.SEEK_END)
        try:
            written = os.write(descriptor, data)
            while written < len(data):
                written += os.write(descriptor, data[written:])
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, before)
            self._fail(f"cannot be written ({error.strerror})")
            return False
        return True

    def _fail(self, problem: str) -> None:
        if self.failure is None:
            self.failure = f"{self.folder}: {problem}"

    def update(self, **facts: Any) -> None:
        """Add to flight.json, or change what it says (`ended`, `reason`, `photos_taken` ...)."""
        with self._lock:
            self._facts.update(facts)
        try:
            self._write_facts()
        except VisionError as error:
            self.failure = self.failure or str(error)

    def _write_facts(self) -> None:
        _write_json(self.folder / FLIGHT_FILE, self._facts)

    def room(self, photos: int, duration_s: float) -> tuple[float, float]:
        """Bytes needed for a flight of that many photos and seconds, and bytes free where it is recorded."""
        images = photos * self._camera.width_px * self._camera.height_px * IMAGE_BYTES_A_PIXEL
        needed = SPARE_BYTES + duration_s * TELEMETRY_BYTES_A_SECOND + (images if self._images_source else 0.0)
        return needed, float(shutil.disk_usage(self.folder).free)

    def close(self) -> None:
        """Wait for the images that are still to come, write track and frames for the last time and the poses into the
        images. May be called twice. A flight whose end nobody stated counts as interrupted."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._keeper.join()
        self._await_images()
        self._checkpoint()
        (self.folder / SPARE_FILE).unlink(missing_ok=True)
        for refusal in self._write_poses_or_say():
            self.event("image_without_pose", reason=refusal)
        if self.failure is not None:
            self.event("recording_failed", reason=self.failure)
        with self._lock:
            self._closed = True
            for descriptor in (self._telemetry, self._events):
                with contextlib.suppress(OSError):
                    os.fsync(descriptor)
                os.close(descriptor)
        if self._facts["ended"] is None:
            self.update(ended="interrupted", reason=self._facts["reason"] or CUT_OFF)
        if self.failure is None:
            self.update(complete=True)
        else:
            self.update(recording_failed=self.failure)

    def _write_poses_or_say(self) -> list[str]:
        try:
            return _write_poses(self.folder)
        except (OSError, VisionError) as error:
            self._fail(f"poses cannot be written into the images ({error})")
            return []

    def _keep(self) -> None:
        pause_s = CHECKPOINT_S
        while not self._ended.wait(pause_s):
            started_s = time.monotonic()
            self._checkpoint()
            pause_s = max(CHECKPOINT_S, (time.monotonic() - started_s) / CHECKPOINT_SHARE)

    def _checkpoint(self) -> None:
        """Take in what has come since the last time, and write track and frames where that changed them."""
        try:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._log.add(*self._pending.get_nowait())
                    self._changed = True
            self._copy_images()
            if self._changed:
                _write_tables(self.folder, self._log, self._camera)
                self._changed = False
            os.fsync(self._telemetry)
            os.fsync(self._events)
        except Exception as error:
            # Whatever goes wrong with the tables: telemetry and events are still being kept, and hold all of it.
            self._fail(f"track and frames cannot be kept ({type(error).__name__}: {error})")

    def _copy_images(self) -> None:
        """Copy the images that have appeared."""
        if self._images_source is None or not self._images_source.is_dir():
            return
        new = sorted(
            path
            for path in self._images_source.iterdir()
            if path.suffix.lower() in IMAGE_SUFFIXES and path.name not in self._copied
        )
        for path in new:
            with whole_file(self.folder / IMAGES_FOLDER / path.name) as beside:
                shutil.copy2(path, beside)
            self._copied.add(path.name)
            self._changed = True

    def _await_images(self) -> None:
        """Images come later than the word of them: wait while they still do."""
        if self._images_source is None:
            return
        self._checkpoint()
        last_s, had = time.monotonic(), len(self._copied)
        while len(self._copied) < len(self._log.triggers()) and time.monotonic() - last_s < IMAGE_PATIENCE_S:
            time.sleep(0.2)
            with contextlib.suppress(OSError, VisionError):
                self._copy_images()
            if len(self._copied) > had:
                last_s, had = time.monotonic(), len(self._copied)


def recover(folder: Path, camera: Camera) -> None:
    """Complete the folder of a flight whose recording was cut off: track and frames from its telemetry, poses into its
    images, half-written files gone, and in flight.json `complete`, with `ended` "interrupted" where it said nothing.
    Harmless on a complete flight. Raises InputError where there is no flight or its telemetry holds no position."""
    path = folder / FLIGHT_FILE
    facts = read_json(path, "a flight folder that was being recorded")
    for half in (*folder.glob(".*.part"), *(folder / IMAGES_FOLDER).glob(".*.part"), folder / SPARE_FILE):
        half.unlink(missing_ok=True)
    _cut_last_line(folder / EVENTS_FILE)
    _write_tables(folder, read_tlog(folder / TELEMETRY_FILE, allow_cut=True), camera)
    _write_poses(folder)
    if facts.get("ended") is None:
        facts |= {"ended": "interrupted", "reason": facts.get("reason") or CUT_OFF}
    if not facts.get("complete"):
        _write_json(path, {**facts, "complete": True})


def _cut_last_line(path: Path) -> None:
    """Take away a last line that a power cut left without its end."""
    if path.is_file():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)


def _images(folder: Path) -> list[Path]:
    return sorted(p for p in (folder / IMAGES_FOLDER).iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)


def _write_tables(folder: Path, log: TelemetryLog, camera: Camera) -> None:
    TRACK.write(log.track(), folder / TRACK_FILE)
    FRAMES.write(frames_from_log(log, camera, _images(folder), root=folder, every_trigger=True), folder / FRAMES_FILE)


def _write_poses(folder: Path) -> list[str]:
    """Write each frame's pose into its image, so that other tools can use it. Says which images would not take it (no
    JPEG, or metadata of the camera's own that would be lost); they stay as they are."""
    if not (folder / FRAMES_FILE).is_file():
        return []
    frames = FRAMES.read(folder / FRAMES_FILE)
    poses, refused = Poses.from_frames(frames), []
    for index, name in enumerate(frames["file"].to_pylist()):
        if name is None:
            continue
        try:
            write_image_pose(folder / name, poses, index, model=frames["camera"][index].as_py())
        except InputError as error:
            refused.append(str(error))
    return refused


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
