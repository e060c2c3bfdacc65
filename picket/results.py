"""What a flight or a mission has to show, read once for reports and exports: its tables, the ground that was looked at
and what the steps before had to say. The files and their names are `picket.folder`'s subject.

Where several flights stand together, the ids of frames and detections begin with the flight's name, as they do in the
sightings of a whole mission.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from mapping.ground.searched import Coverage, read_coverage
from mapping.maps.exports.content import NOTHING_LOOKED_AT, ExportContent
from mapping.maps.verdicts import with_verdicts
from mapping.maps.wording import counted
from mapping.tables import FRAMES, SIGHTINGS, TRACK
from picket.basis import basis_of, tables_digest
from picket.folder import SETTINGS_FILE, Flight, Mission, open_flight, open_mission
from picket.freshness import outdated
from picket.reviews.database import url_from_environment
from picket.reviews.record import FIRST, broken_at
from picket.reviews.standing import reviewed
from picket.reviews.store import reviews_in
from vision.errors import InputError
from vision.table import DETECTIONS


@dataclass(frozen=True)
class Results:
    """What a folder has to show. `boxes` are detections and marks, `tracks` stand by the flight's name, `frames.file`
    is relative to `root`. `located` is False where there are no sightings because nothing was located yet; `outdated`
    is a sentence where the sightings no longer rest on what the folder holds, `unproven` where the chain of reviews is
    broken; `basis` names what was read, see `picket.basis`.
    """

    root: Path
    mission: Mission | None
    flights: tuple[Flight, ...]
    located: bool
    sightings: pa.Table
    frames: pa.Table
    boxes: pa.Table
    tracks: Mapping[str, pa.Table]
    coverage: Coverage | None = None
    notes: tuple[str, ...] = ()
    outdated: str | None = None
    unproven: str | None = None
    basis: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What nobody who reads the results may miss."""
        return tuple(said for said in (self.unproven, self.outdated) if said)

    @property
    def flight_names(self) -> list[str]:
        """The names of the flights, as ids begin with them."""
        return [flight.root.resolve().name for flight in self.flights]

    @property
    def simulated(self) -> bool:
        """Whether any of it was flown in the simulator."""
        return any(flight.facts().get("simulated") for flight in self.flights)

    def export(self) -> ExportContent:
        """The same, as exports take it."""
        return ExportContent(
            source=self.root.resolve().name,
            sightings=self.sightings,
            software=f"Picket {version('picket')}",
            frames=self.frames,
            tracks=self.tracks,
            detections=self.boxes,
            coverage=self.coverage or NOTHING_LOOKED_AT,
            images_root=self.root,
            notes=(*self.warnings, *self.notes),
            simulated=self.simulated,
        )


def open_results(path: Path) -> Results:
    """The results of the flight or the mission at `path`, with what officers said of them. Raises InputError where
    there is neither, or a mission in which nothing was detected, marked or located yet, PicketError where the reviews
    cannot be read."""
    tables = tables_digest(open_mission(path)) if (path / SETTINGS_FILE).is_file() else ""
    return with_reviews(measured_results(path), tables)


def flight_results(flight: Flight) -> Results:
    """The results of one flight, with what officers said of them. Raises InputError where one of its files is not what
    it should be, PicketError where the reviews cannot be read."""
    return with_reviews(_flight_results(flight))


def with_reviews(results: Results, tables: str = "") -> Results:
    """The results with the verdicts that stand, as columns of the sightings, and a note on how many were given;
    `unproven` is set where their chain is broken. `tables` is the digest of the tables before they were read. Raises
    PicketError where a review does not say what it was given on."""
    if results.mission is None:
        return results
    reviews = reviews_in(results.mission.root, url_from_environment())
    head = (reviews[-1].number, reviews[-1].digest) if reviews else (0, FIRST)
    results = replace(results, basis=basis_of(tables, head))
    if not reviews:
        return results
    broken = broken_at(reviews)
    found = reviewed(results.sightings, results.flight_names, reviews)
    said = [f"Reviews: {len(reviews)} in this mission; the last one's digest is {reviews[-1].digest}."]
    if found.vanished:
        gone = counted(len(found.vanished), "sighting")
        said.append(f"Officers judged {gone} that locating anew has changed into others; see `picket review`.")
    judged = with_verdicts(results.sightings, found.verdicts())
    unproven = str(broken) if broken else None
    return replace(results, sightings=judged, notes=(*results.notes, *said), unproven=unproven)


def measured_results(path: Path) -> Results:
    """The same as `open_results`, without any review."""
    if not (path / SETTINGS_FILE).is_file():
        flight = open_flight(path)
        return _flight_results(flight)
    mission = open_mission(path)
    flown = [flight for flight in mission.flights() if flight.left_the_ground()]
    if mission.sightings.exists():
        return _mission_results(mission, [flight for flight in flown if flight.frames.exists()])
    found = [flight for flight in flown if flight.sightings.exists()]
    found = found or [flight for flight in flown if flight.detections.exists()]
    if not found:
        raise InputError(path, "nothing was found in it yet; run `picket detect` and `picket locate` on its flights")
    left_out = tuple(
        f"Flight {flight.root.name} is left out: nothing of it was located." for flight in flown if flight not in found
    )
    if len(found) == 1:
        results = _flight_results(found[0])
        return replace(results, notes=(*left_out, *results.notes))
    return _together(mission, [_flight_results(flight) for flight in found], left_out)


def _flight_results(flight: Flight) -> Results:
    """The results of one flight, without any review."""
    located = flight.sightings.exists()
    boxes = [DETECTIONS.read(path) for path in (flight.detections, flight.marks) if path.exists()]
    return Results(
        root=flight.root,
        mission=flight.mission,
        flights=(flight,),
        located=located,
        sightings=SIGHTINGS.read(flight.sightings) if located else SIGHTINGS.columns.empty_table(),
        frames=FRAMES.read(flight.frames),
        boxes=pa.concat_tables(boxes) if boxes else DETECTIONS.columns.empty_table(),
        tracks={flight.root.resolve().name: TRACK.read(flight.track)} if flight.track.exists() else {},
        coverage=_coverage(flight),
        notes=tuple(dict.fromkeys([*flight.notes(), *flight.located_notes()])),
        outdated=outdated(flight),
    )


def _mission_results(mission: Mission, flights: Sequence[Flight]) -> Results:
    """The results of a mission that was located as a whole."""
    together = _together(mission, [_flight_results(flight) for flight in flights], ())
    return replace(
        together,
        located=True,
        sightings=SIGHTINGS.read(mission.sightings),
        coverage=_coverage(mission),
        notes=tuple(dict.fromkeys([*mission.located_notes(), *together.notes])),
        outdated=outdated(mission),
    )


def _together(mission: Mission, parts: Sequence[Results], remarks: Sequence[str]) -> Results:
    """Several flights side by side: nothing is fused, every id begins with its flight's name."""
    named = [(part, f"{part.root.name}/") for part in parts]
    frames = [_prefixed(_prefixed(part.frames, "frame_id", name), "file", f"flights/{name}") for part, name in named]
    boxes = [_prefixed(_prefixed(part.boxes, "frame_id", name), "detection_id", name) for part, name in named]
    sightings = [
        _prefixed(_prefixed(part.sightings, "sighting_id", name), "detection_ids", name) for part, name in named
    ]
    return Results(
        root=mission.root,
        mission=mission,
        flights=tuple(flight for part in parts for flight in part.flights),
        located=any(part.located for part in parts),
        sightings=pa.concat_tables(sightings),
        frames=pa.concat_tables(frames),
        boxes=pa.concat_tables(boxes),
        tracks={name: track for part in parts for name, track in part.tracks.items()},
        coverage=Coverage(tuple(piece for part in parts if part.coverage for piece in part.coverage.pieces)),
        notes=tuple(dict.fromkeys([*remarks, *(note for part in parts for note in part.notes)])),
        outdated=" ".join(part.outdated for part in parts if part.outdated) or None,
    )


def check_target(target: Path, results: Results, *, force: bool) -> None:
    """Raises InputError where `target` exists and not `force`, is a folder, or is one of the files the flights and
    their mission are made of, `force` or not."""
    if target.is_dir():
        raise InputError(target, "is a folder; name a file to write")
    own = [path for flight in results.flights for path in flight.own_files()]
    own += results.mission.own_files() if results.mission else []
    place = target.resolve()
    if any(place == path.resolve() or path.resolve() in place.parents for path in own):
        raise InputError(
            target, "belongs to the flight or the mission itself and is not overwritten; choose another name"
        )
    if target.exists() and not force:
        raise InputError(target, "already exists and is kept; choose another name, or say --force to replace it")


def _coverage(folder: Flight | Mission) -> Coverage | None:
    return read_coverage(folder.coverage) if folder.coverage.exists() else None


def _prefixed(table: pa.Table, column: str, prefix: str) -> pa.Table:
    """The table with `prefix` before every text (or every text of every list) in one of its columns."""

    def before(value: str | list[str] | None) -> str | list[str] | None:
        if isinstance(value, list):
            return [prefix + one for one in value]
        return None if value is None else prefix + value

    field_ = table.schema.field(column)
    values = pa.array([before(value) for value in table[column].to_pylist()], field_.type)
    return table.set_column(table.schema.get_field_index(column), field_, values)
