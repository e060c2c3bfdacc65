"""The mission folder and the flight folder: what lies where, and opening them with a clear word where it does not.

The layout is in `docs/formats.md`. This module knows names and places only; what is in
the files belongs to the rooms that write them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import psutil
import tomli_w

from mapping.ground.camera import Camera, load_camera
from missions.drones import Drone, load_drone
from missions.flying.recorder import recover
from picket.replacing import settled
from vision.errors import InputError
from vision.files import read_json, read_text, write_whole

SETTINGS_FILE = "mission.toml"
FLIGHT_FILE = "flight.json"
TRUTH_FILE = "truth.geojson"
CARD = ".card"

LIST_OF_TEXTS = "a list of sentences"
KINDS: Mapping[type, str] = MappingProxyType({str: "a text", bool: "true or false", int: "a whole number"})
_NAMES = dict.fromkeys(("camera", "camera_file", "drone", "drone_file"), str)
FACTS: Mapping[str, type | str] = MappingProxyType(
    {
        **_NAMES,
        "plan": str,
        "ended": str,
        "simulated": bool,
        "complete": bool,
        "process": int,
        "took_off_utc": str,
        "notes": LIST_OF_TEXTS,
    }
)
"""What Picket reads in flight.json, and of which kind it is."""
SETTINGS: Mapping[str, type | str] = MappingProxyType(_NAMES)
"""The same of mission.toml."""
Loaded = TypeVar("Loaded")

_PROCESSES = 2**31
"""Numbers of processes are smaller."""


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
    def log(self) -> Path:
        """The vehicle's own log, where one was brought in."""
        return self.root / "vehicle.bin"

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
    def card(self) -> Path:
        """Where a practice camera keeps its pictures; gone once they are among the flight's images."""
        return self.root / CARD

    @property
    def detections(self) -> Path:
        return self.root / "detections.parquet"

    @property
    def journal(self) -> Path:
        """What a search has found so far; gone when its table is written."""
        return self.root / "detections.part.jsonl"

    @property
    def marks(self) -> Path:
        """What a person marked, as rows of a detections table."""
        return self.root / "marks.parquet"

    @property
    def calibration(self) -> Path:
        """What locating found of the errors that all its frames share."""
        return self.root / "calibration.json"

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

    def own_files(self) -> list[Path]:
        """What the flight is made of: no page or export may take the place of any of it, or lie in its folders."""
        names = ("events.jsonl", "detection.json", "camera.toml", "camera.json")
        files = (
            self.summary,
            self.telemetry,
            self.log,
            self.track,
            self.frames,
            self.images,
            self.detections,
            self.marks,
            self.calibration,
        )
        return [
            *files,
            self.places,
            self.sightings,
            self.coverage,
            self.located,
            self.truth,
            *map(self.root.joinpath, names),
        ]

    @property
    def mission(self) -> Mission | None:
        """The mission this flight belongs to, or None for one recorded elsewhere."""
        candidate = self.root.parent.parent
        return Mission(settled(candidate)) if (candidate / SETTINGS_FILE).is_file() else None

    def facts(self) -> dict[str, Any]:
        """What flight.json says. Raises InputError where it is not JSON, or an entry is of the wrong kind."""
        return _checked(self.summary, read_json(self.summary, "a flight folder made by picket"), FACTS)

    def is_being_flown(self) -> bool:
        """Whether the process that records it is still at work."""
        facts = self.facts()
        return not facts.get("complete", True) and is_running(facts.get("process"))

    def left_the_ground(self) -> bool:
        """False for an attempt that ended before the vehicle flew, however it ended; records that do not say whether it
        did go by how they ended."""
        facts = self.facts()
        if "took_off_utc" in facts:
            return facts["took_off_utc"] is not None
        return self.frames.exists() or facts.get("ended") not in ("refused", "failed")

    def notes(self) -> list[str]:
        """What was noticed when the flight was brought in, as sentences."""
        return list(self.facts().get("notes") or [])

    def located_notes(self) -> list[str]:
        """The assumptions the sightings rest on, as sentences."""
        return _located_notes(self.located)

    def camera(self) -> Camera:
        """The camera the frames were taken with."""
        source = described(self.root, self.facts(), "camera")
        if not source:
            raise InputError(
                self.summary, "names no camera: ingest the images again with --camera NAME or FILE", "camera"
            )
        return _named_in(self.summary, "camera", source, load_camera)


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

    @property
    def sightings(self) -> Path:
        """The sightings of all flights together."""
        return self.root / "sightings.parquet"

    @property
    def coverage(self) -> Path:
        return self.root / "coverage.geojson"

    @property
    def located(self) -> Path:
        """What locating all flights together assumed and could not place."""
        return self.root / "located.json"

    def own_files(self) -> list[Path]:
        """What the mission is made of: no page or export may take the place of any of it, or lie in its plan."""
        files = (self.settings_file, self.area, self.plan.parent, self.sightings, self.coverage, self.located)
        return [*files, *(self.root / f"picket.db{ending}" for ending in ("", "-wal", "-shm"))]

    def located_notes(self) -> list[str]:
        """The assumptions the mission's sightings rest on, as sentences."""
        return _located_notes(self.located)

    def settings(self) -> dict[str, Any]:
        """What mission.toml says. Raises InputError naming line and column where it is no TOML, or the setting that is
        missing or of the wrong kind."""
        text = read_text(self.settings_file, "a mission made by `picket plan`")
        try:
            settings = _checked(self.settings_file, tomllib.loads(text), SETTINGS)
        except tomllib.TOMLDecodeError as error:
            raise InputError(self.settings_file, f"not TOML ({error}); plan the mission again") from error
        for name in ("camera", "drone"):
            if not described(self.root, settings, name):
                raise InputError(self.settings_file, f"names no {name}; plan the mission again", name)
        return settings

    def camera(self) -> Camera:
        """The camera the mission was planned for."""
        return _named_in(self.settings_file, "camera", described(self.root, self.settings(), "camera"), load_camera)

    def drone(self) -> Drone:
        """The drone the mission was planned for."""
        return _named_in(self.settings_file, "drone", described(self.root, self.settings(), "drone"), load_drone)

    def flights(self) -> list[Flight]:
        """The flights flown so far, oldest first."""
        folder = self.root / "flights"
        return [Flight(settled(path)) for path in sorted(folder.glob("*")) if (path / FLIGHT_FILE).is_file()]


def _located_notes(path: Path) -> list[str]:
    known = read_json(path, "what `picket locate` wrote") if path.exists() else {}
    notes: list[str] = _checked(path, known, {"notes": LIST_OF_TEXTS}).get("notes", [])
    return notes


def _checked(source: Path, known: dict[str, Any], kinds: Mapping[str, type | str]) -> dict[str, Any]:
    """`known` as it is; raises InputError where one of the entries in `kinds` is of another kind (None is of each)."""
    for name, kind in kinds.items():
        value = known.get(name)
        if kind == LIST_OF_TEXTS:
            well = value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value))
        else:
            well = value is None or isinstance(value, kind)  # type: ignore[arg-type]
        if not well:
            wanted = kind if isinstance(kind, str) else KINDS[kind]
            raise InputError(source, f"is {value!r:.40}, but must be {wanted}; mend it, or make the folder again", name)
    return known


def _named_in(source: Path, name: str, value: str, load: Callable[[str], Loaded]) -> Loaded:
    """What `load` finds for a name or file that stands in `source`; its InputError then names that place first."""
    try:
        return load(value)
    except InputError as error:
        raise InputError(source, str(error), name) from error


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
    return Mission(settled(path))


def open_flight(path: Path) -> Flight:
    """The flight at `path`, or the only flight of the mission at `path`; raises InputError where there is none.

    A flight whose recording was cut off (the process that flew it is gone) is completed from its log first.
    """
    flight = _find_flight(path)
    facts = flight.facts()
    if not facts.get("complete", True) and not is_running(facts.get("process")):
        recover(flight.root, flight.camera())
    return flight


def is_running(process: object) -> bool:
    """Whether there is a process of this number; False for what is no number of one."""
    return isinstance(process, int) and 0 < process < _PROCESSES and psutil.pid_exists(process)


def _find_flight(path: Path) -> Flight:
    if not path.exists():
        raise InputError(path, "no such folder; fly a mission with `picket fly` or bring images with `picket ingest`")
    if (path / FLIGHT_FILE).is_file():
        return Flight(settled(path))
    if (path / SETTINGS_FILE).is_file():
        flights = [flight for flight in Mission(settled(path)).flights() if flight.left_the_ground()]
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
