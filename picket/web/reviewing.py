"""What officers judge, held ready for their browsers: each mission's sightings as they are now, the boxes and frames
that saw them, and the reviews so far, kept up as they come in.

A mission's tables are read once and again when one of their files changes; reviews are read on from the last one
known, so that other posts that share the database are seen too. What a review means is `picket.reviews`' subject.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from picket.folder import Mission
from picket.results import Results, measured_results
from picket.reviews.record import Broken, Judgement, Review, Version
from picket.reviews.standing import UNREVIEWED, Reviewed, Standing, bare_id, reviewed, standing_of, version_of
from picket.web.ledgers import Ledger, Ledgers
from picket.web.places import NotFoundError

Row = Mapping[str, Any]
SETTLE_AFTER_S = 2.0


@dataclass(frozen=True)
class Look:
    """One box or mark that is part of a sighting: its row, its frame's row and which flight's frame that is."""

    box: Row
    frame: Row
    flight: str


@dataclass
class Bench:
    """A mission's sightings laid out for judging. `rows` are those of the sightings table by id, in its order;
    `standings` is kept up with the reviews, which are read from `ledger`; `vanished` are reviews of sightings that are
    no longer there."""

    stamp: str
    results: Results
    rows: Mapping[str, Row]
    boxes: Mapping[str, Row]
    frames: Mapping[str, Row]
    by_bare_id: Mapping[str, Sequence[str]]
    boxes_of_frame: Mapping[str, Sequence[Row]]
    standings: dict[str, Standing] = field(default_factory=dict)
    vanished: Mapping[str, tuple[Review, ...]] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    ledger: Ledger | None = None

    @property
    def broken(self) -> Broken | None:
        """Where the chain of the reviews is broken."""
        return self.ledger.broken if self.ledger else None

    @property
    def last(self) -> int:
        """The number of the last review known."""
        return self.reviews[-1].number if self.reviews else 0

    def row(self, sighting_id: str) -> Row:
        """A sighting's row. Raises NotFoundError where there is none."""
        if sighting_id not in self.rows:
            raise NotFoundError("there is no such sighting any more: it was located anew; load the page again")
        return self.rows[sighting_id]

    def version(self, sighting_id: str) -> Version:
        """A sighting as it is now."""
        return version_of(self.row(sighting_id), self.results.flight_names)

    def standing(self, sighting_id: str) -> Standing:
        """What stands for a sighting."""
        return self.standings.get(sighting_id, UNREVIEWED)

    def looks(self, sighting_id: str) -> list[Look]:
        """The boxes and marks a sighting was fused from, the surest first."""
        own = [self.boxes[name] for name in self.row(sighting_id)["detection_ids"] or [] if name in self.boxes]
        own.sort(key=lambda box: (-(box["confidence"] or 0.0), box["detection_id"]))
        return [self.look(box["detection_id"]) for box in own if box["frame_id"] in self.frames]

    def look(self, detection_id: str) -> Look:
        """One box or mark. Raises NotFoundError where there is none."""
        box = self.boxes.get(detection_id)
        frame = self.frames.get(box["frame_id"]) if box else None
        if box is None or frame is None:
            raise NotFoundError("there is no such box")
        return Look(box, frame, self.flight_of(box["frame_id"]))

    def flight_of(self, frame_id: str) -> str:
        """The name of the flight a frame belongs to."""
        names = self.results.flight_names
        return next((name for name in names if frame_id.startswith(f"{name}/")), names[0])

    def picture(self, frame_id: str) -> Path:
        """The file of a frame's picture. Raises NotFoundError where there is none."""
        frame = self.frames.get(frame_id)
        if frame is None or frame["file"] is None:
            raise NotFoundError("there is no such frame")
        return self.results.root / str(frame["file"])

    def take(self, new: Sequence[Review]) -> None:
        """Keep up with reviews that came in. Raises PicketError where one cannot be understood."""
        first = not self.reviews
        self.reviews.extend(new)
        touched = {one.sighting_id for one in new}
        unknown = touched - set(self.by_bare_id)
        if first or unknown:
            self._take_all()
            return
        for bare in touched:
            history = [one for one in self.reviews if one.sighting_id == bare]
            for sighting_id in self.by_bare_id[bare]:
                self.standings[sighting_id] = standing_of(history, self.version(sighting_id), self.results.flight_names)

    def _take_all(self) -> None:
        found: Reviewed = reviewed(self.results.sightings, self.results.flight_names, self.reviews)
        self.standings, self.vanished = dict(found.standings), found.vanished


class Benches:
    """The benches of all missions. Safe to use from several threads; `marking` is held while a marks file changes."""

    def __init__(self, ledgers: Ledgers) -> None:
        self.ledgers = ledgers
        self.marking = threading.Lock()
        self._settling: threading.Timer | None = None
        self._lock = threading.Lock()
        self._locks: dict[Path, threading.Lock] = {}
        self._benches: dict[Path, Bench] = {}

    def of(self, mission: Mission) -> Bench:
        """The mission's bench as of now. Raises InputError where nothing was located yet or a file of it is broken,
        PicketError where the reviews cannot be read."""
        with self._lock_of(mission):
            return self._kept_up(mission)

    def judge(self, mission: Mission, asked: Judgement) -> tuple[Review, Bench]:
        """Keep a judgement. Raises like `ReviewStore.add`."""
        review = self.ledgers.to_write(mission).add(asked)
        self._settle_soon()
        return review, self.of(mission)

    def _settle_soon(self) -> None:
        """Let the officer go on, and bring the database into one file a moment later."""
        with self._lock:
            if self._settling is None or not self._settling.is_alive():
                self._settling = threading.Timer(SETTLE_AFTER_S, self.ledgers.settle)
                self._settling.daemon = True
                self._settling.start()

    def close(self) -> None:
        """Close all databases."""
        self.ledgers.close()

    def _lock_of(self, mission: Mission) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(mission.root, threading.Lock())

    def _kept_up(self, mission: Mission) -> Bench:
        stamp = _stamp(mission)
        ledger = self.ledgers.of(mission)
        bench = self._benches.get(mission.root)
        if bench is not None and not bench.reviews:
            bench.ledger = ledger
        if bench is None or bench.stamp != stamp or bench.ledger is not ledger:
            bench = _laid_out(mission, stamp)
            bench.ledger = ledger
            if ledger is not None:
                ledger.check()
        new = ledger.reviews[len(bench.reviews) :] if ledger else ()
        if new:
            bench.take(new)
        self._benches[mission.root] = bench
        return bench


def _laid_out(mission: Mission, stamp: str) -> Bench:
    results = measured_results(mission.root)
    rows = {row["sighting_id"]: row for row in results.sightings.to_pylist()}
    by_bare_id: dict[str, list[str]] = {}
    for name in rows:
        by_bare_id.setdefault(bare_id(name), []).append(name)
    boxes = results.boxes.to_pylist()
    boxes_of_frame: dict[str, list[Row]] = {}
    for box in boxes:
        boxes_of_frame.setdefault(box["frame_id"], []).append(box)
    return Bench(
        stamp=stamp,
        results=results,
        rows=rows,
        boxes={row["detection_id"]: row for row in boxes},
        frames={row["frame_id"]: row for row in results.frames.to_pylist()},
        by_bare_id=by_bare_id,
        boxes_of_frame=boxes_of_frame,
    )


def _stamp(mission: Mission) -> str:
    """Changes whenever one of the files changes that a bench is laid out from."""
    files = [mission.sightings]
    for flight in mission.flights():
        files += [flight.summary, flight.sightings, flight.frames, flight.detections, flight.marks]
    ages = []
    for file in files:
        try:
            found = file.stat()
            ages.append(f"{found.st_mtime_ns}.{found.st_size}.{found.st_ino}")
        except OSError:
            ages.append("-")
    return f"{hash(tuple(ages)) & (1 << 64) - 1:016x}"
