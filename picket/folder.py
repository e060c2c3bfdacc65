"""The mission folder and the flight folder: what lies where, and opening them with a clear word where it does not.

The layout is in `docs/formats.md`. This module knows names and places only; what is in
the files belongs to the rooms that write them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from mapping.ground.camera import Camera, load_camera
from missions.drones import Drone, load_drone
from missions.flying.recorder import recover
from vision.errors import InputError
from vision.files import read_json, write_whole

SETTINGS_FILE = "mission.toml"
FLIGHT_FILE = "flight.json"
TRUTH_FILE = "truth.geojson"


@dataclass(frozen=True)
class Flight:
    """The places in a flight folder."""

    root: Path

    @property
    def summary(self) -> Path:
        return self.root / FLIGHT_FILE

    @property
    def telemetry(self) -> Path:
        return self.root / "telemetry.tlog"

    @property
    def track(self) -> Path:
        return self.root / "track.parquet"

    @property
    def frames(self) -> Path:
        return self.root / "frames.parquet"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def detections(self) -> Path:
        return self.root / "detections.parquet"

    @property
    def marks(self) -> Path:
        """What a person marked, as rows of a detections table."""
        return self.root / "marks.parquet"

    @property
    def places(self) -> Path:
        return self.root / "places.parquet"

    @property
    def sightings(self) -> Path:
        return self.root / "sightings.parquet"

    @property
    def coverage(self) -> Path:
        return self.root / "coverage.geojson"

    @property
    def located(self) -> Path:
        """What locating assumed and what it could not place."""
        return self.root / "located.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def truth(self) -> Path:
        """What a simulated world really held; absent in a real flight."""
        return self.root / TRUTH_FILE

    @property
    def mission(self) -> Mission | None:
        """The mission this flight belongs to, or None for one recorded elsewhere."""
        candidate = self.root.parent.parent
        return Mission(candidate) if (candidate / SETTINGS_FILE).is_file() else None

    def facts(self) -> dict[str, Any]:
        """What flight.json says. Raises InputError where it is not JSON."""
        return read_json(self.summary, "a flight folder made by picket")

    def left_the_ground(self) -> bool:
        """False for an attempt that was refused, or failed before anything was recorded of it."""
        return self.frames.exists() or self.facts().get("ended") not in ("refused", "failed")

    def located_notes(self) -> list[str]:
        """The assumptions the sightings rest on, as sentences."""
        return list(read_json(self.located, "a flight that was located")["notes"]) if self.located.exists() else []

    def camera(self) -> Camera:
        """The camera the frames were taken with."""
        source = described(self.root, self.facts(), "camera")
        if not source:
            raise InputError(
                self.summary, "names no camera: ingest the images again with --camera NAME or FILE", "camera"
            )
        return load_camera(source)


@dataclass(frozen=True)
class Mission:
    """The places in a mission folder."""

    root: Path

    @property
    def settings_file(self) -> Path:
        return self.root / SETTINGS_FILE

    @property
    def area(self) -> Path:
        return self.root / "area.geojson"

    @property
    def plan(self) -> Path:
        return self.root / "plan" / "plan.geojson"

    @property
    def plan_page(self) -> Path:
        return self.root / "plan" / "plan.html"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    def settings(self) -> dict[str, Any]:
        """What mission.toml says. Raises InputError naming line and column where it is no TOML."""
        try:
            return tomllib.loads(self.settings_file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(self.settings_file, f"not TOML ({error}); plan the mission again") from error

    def camera(self) -> Camera:
        """The camera the mission was planned for."""
        return load_camera(described(self.root, self.settings(), "camera"))

    def drone(self) -> Drone:
        """The drone the mission was planned for."""
        return load_drone(described(self.root, self.settings(), "drone"))

    def flights(self) -> list[Flight]:
        """The flights flown so far, oldest first."""
        folder = self.root / "flights"
        return [Flight(path) for path in sorted(folder.glob("*")) if (path / FLIGHT_FILE).is_file()]


def described(root: Path, known: Mapping[str, Any], what: str) -> str:
    """Where the `drone` or `camera` of a folder is described: the file kept in it, else its name in the catalogue;
    empty where the folder names none."""
    file = known.get(f"{what}_file")
    return str(root / str(file)) if file else str(known.get(what) or "")


def open_mission(path: Path) -> Mission:
    """The mission at `path`; raises InputError where there is none."""
    if not path.exists():
        raise InputError(path, "no such folder; make a mission with `picket plan AREA -o MISSION`")
    if not (path / SETTINGS_FILE).is_file():
        raise InputError(
            path, f"is no mission (it holds no {SETTINGS_FILE}); make one with `picket plan AREA -o MISSION`"
        )
    return Mission(path)


def open_flight(path: Path) -> Flight:
    """The flight at `path`, or the only flight of the mission at `path`; raises InputError where there is none.

    A flight whose recording was cut off (the process that flew it is gone) is completed from its log first.
    """
    flight = _find_flight(path)
    facts = flight.facts()
    if not facts.get("complete", True) and not _is_running(facts.get("process")):
        recover(flight.root, flight.camera())
    return flight


def _is_running(process: object) -> bool:
    if not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _find_flight(path: Path) -> Flight:
    if not path.exists():
        raise InputError(path, "no such folder; fly a mission with `picket fly` or bring images with `picket ingest`")
    if (path / FLIGHT_FILE).is_file():
        return Flight(path)
    if (path / SETTINGS_FILE).is_file():
        flights = [flight for flight in Mission(path).flights() if flight.left_the_ground()]
        if len(flights) == 1:
            return flights[0]
        if flights:
            names = ", ".join(flight.root.name for flight in flights)
            raise InputError(path, f"holds {len(flights)} flights: name one of flights/ ({names})")
        raise InputError(path, "this mission has no flight yet; fly it with `picket fly`")
    raise InputError(
        path, f"is no flight (it holds no {FLIGHT_FILE}); bring pictures in with `picket ingest {path} -o FLIGHT`"
    )


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write mission.toml: what was asked, every default written out; settings that are None are left out."""
    write_whole(path, tomli_w.dumps({key: value for key, value in settings.items() if value is not None}))


@contextmanager
def new_folder(path: Path, *, replace: bool = False, keep: Sequence[str] = ()) -> Iterator[Path]:
    """A folder that appears at `path` only when the block ends well; on an error nothing of it remains and what was
    there before is untouched.

    Raises InputError where `path` already holds something, unless `replace`: then the old folder gives way once the new
    one is whole, and its entries named in `keep` move into the new one.
    """
    occupied = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if occupied and not replace:
        raise InputError(path, "already exists and is kept; choose another name, or say --force to replace it")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.new.", dir=path.parent))
    beside.chmod(0o755)
    try:
        yield beside
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    if not occupied:
        if path.is_dir():
            path.rmdir()
        beside.rename(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent)) / path.name
    path.rename(old)
    beside.rename(path)
    for name in keep:
        if (old / name).exists():
            (old / name).rename(path / name)
    shutil.rmtree(old.parent)
