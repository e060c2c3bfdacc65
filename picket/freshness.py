"""Whether the sightings of a flight or a mission still rest on the files they were made from. Detections searched anew,
other marks, completed frames, another calibration or a damaged file leave sightings and pages behind that tell of
something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from picket.folder import Flight, Mission
from vision.checkpoint import sha256_of
from vision.errors import InputError
from vision.files import read_json


def inputs_of(flights: Sequence[Flight], root: Path) -> dict[str, str]:
    """The SHA-256 of every file that the sightings of these flights rest on, by its path below `root`."""
    files = [path for one in flights for path in _basis(one) if path.is_file()]
    return {path.relative_to(root).as_posix(): sha256_of(path) for path in files}


def _basis(flight: Flight) -> list[Path]:
    """What a flight's sightings rest on, if it is there."""
    described = flight.facts().get("camera_file")
    files = [flight.detections, flight.marks, flight.frames, flight.calibration]
    return [*files, flight.root / described] if described else files


def outdated(folder: Flight | Mission) -> str | None:
    """A sentence where the sightings of this folder were made from other files than it now holds; None where all is
    well, nothing was located, or nobody noted what from. Raises InputError where that note is unreadable."""
    if not (folder.sightings.exists() and folder.located.exists()):
        return None
    noted = read_json(folder.located, "what `picket locate` wrote").get("inputs")
    if noted is None:
        return None
    if not isinstance(noted, dict):
        raise InputError(folder.located, "is no text by file; run `picket locate --force` again", "inputs")
    flights = [folder] if isinstance(folder, Flight) else _flights(folder)
    changed = _changed(noted, inputs_of(flights, folder.root))
    if not changed:
        return None
    return (
        f"The sightings are older than what they should rest on: {', '.join(changed)} changed since. "
        "Run `picket locate --force` again."
    )


def _flights(mission: Mission) -> list[Flight]:
    return [flight for flight in mission.flights() if flight.detections.exists() or flight.marks.exists()]


def _changed(noted: Mapping[str, object], now: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*noted, *now} if noted.get(name) != now.get(name))
