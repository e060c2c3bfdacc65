"""Flights under way as this app knows them: one reader of what `picket fly` tells, any number of browsers that watch.

`picket fly` runs as a job. What it tells (checks, questions, how it flies) is kept here, so that whoever opens the page
in the middle of a flight sees all of it, and is sent on to those who listen (topic `flight:MISSION`). The record of the
flight is `picket fly`'s own and does not depend on anything here; what flies after the landing are ordinary jobs.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from picket import orders
from picket.folder import Flight, Mission
from picket.web.events import Hub
from picket.web.ground import Basemap
from picket.web.jobs import Hear, Job, JobRefusedError, Jobs, Then, described
from picket.web.processes import was_there
from vision.errors import InputError
from vision.images import IMAGE_SUFFIXES

KIND = "fly"
MOST_POINTS = 4000
LINES_KEPT = 120
STEPS = (("detect", "Searching the pictures"), ("locate", "Locating what was found"), ("report", "Writing the report"))
"""What is done with a flight once it is down, in this order, and the words of its job."""


@dataclass(frozen=True)
class Asked:
    """How a sortie is to be flown: `vehicle` is a MAVLink address, None for practice at `speedup`. `orders` is the file
    in which the flight reads who orders what."""

    sortie: int
    vehicle: str | None = None
    speedup: float = 20.0
    seed: int = 0
    orders: str = ""

    def arguments(self, mission: Mission) -> list[str]:
        """What follows `picket`."""
        how = (
            ["--sim", f"--speedup={self.speedup:g}", f"--seed={self.seed}"]
            if self.vehicle is None
            else [f"--connect={self.vehicle}"]
        )
        return ["fly", str(mission.root), f"--sortie={self.sortie}", f"--orders={self.orders}", *how]


@dataclass
class Watched:
    """What there is to see of one flight. `track` are [lat, lon, height over home, photos so far]; `lines` what was
    said, each with the seconds since the start."""

    job: str
    asked: Asked
    who: str
    began_s: float
    checks: Sequence[Mapping[str, Any]] = ()
    question: str | None = None
    status: Mapping[str, Any] | None = None
    status_s: float = 0.0
    track: list[list[float | None]] = field(default_factory=list)
    lines: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    ended: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """For a browser."""
        return {
            "job": self.job,
            "sortie": self.asked.sortie,
            "vehicle": self.asked.vehicle,
            "who": self.who,
            "checks": list(self.checks),
            "question": self.question,
            "status": self.status,
            "status_age_s": None if self.status is None else round(time.monotonic() - self.status_s, 1),
            "track": self.track,
            "lines": [list(line) for line in self.lines],
            "ended": self.ended,
        }


class Flying:
    """The flights of this app, the last one of every mission. Safe to use from several threads."""

    def __init__(self, jobs: Jobs, hub: Hub, basemap: Basemap | None = None) -> None:
        self._jobs, self._hub, self._basemap = jobs, hub, basemap
        self._lock = threading.Lock()
        self._flights: dict[str, Watched] = {}

    def begin(self, mission: Mission, asked: Asked, who: str) -> Job:
        """Begin to fly a sortie. Raises JobRefusedError where one of this mission is being flown, by whomever."""
        name = mission.root.name
        self._jobs.check_free(KIND, name)
        check_nothing_flies(mission)
        asked = replace(asked, orders=str(Path(tempfile.mkdtemp(prefix="picket-orders-")) / "orders"))
        with self._lock:
            real = asked.vehicle is not None
            try:
                job = self._jobs.start(
                    KIND,
                    asked.arguments(mission),
                    title=f"{'Flying' if real else 'Practising'} sortie {asked.sortie}",
                    mission=name,
                    who=who,
                    patience_s=None,
                    outlives=real,
                    once=True,
                    about=asdict(asked),
                    then=lambda job: self._landed(name, job),
                    hear=self._hearer(name),
                )
            except JobRefusedError:
                _forget_orders(asked)
                raise
            self._flights[name] = Watched(job.id, asked, who, time.monotonic())
        self._order(name, "fly", who)
        return job

    def taken_up(self, job: Job, about: Mapping[str, Any]) -> tuple[Then, Hear] | None:
        """Follow a flight that an app which is gone began: what it tells is read from its beginning."""
        if job.kind != KIND:
            return None
        with self._lock:
            self._flights[job.mission] = Watched(job.id, Asked(**about), job.who, time.monotonic())
        return lambda ended: self._landed(job.mission, ended), self._hearer(job.mission)

    def state(self, mission: Mission) -> dict[str, Any] | None:
        """The flight under way, or the last one this app knows of; None where there is none."""
        with self._lock:
            watched = self._flights.get(mission.root.name)
            return None if watched is None else watched.to_json()

    def answer(self, mission: Mission, job_id: str, yes: bool, who: str) -> None:
        """Answer the question a flight has asked. Raises JobRefusedError where it has asked none."""
        with self._lock:
            watched = self._of(mission, job_id)
            if watched.question is None:
                raise JobRefusedError("the flight has asked nothing; somebody else may have answered")
            watched.question = None
        self._order(mission.root.name, "arm and take off" if yes else "do not fly", who)
        self._jobs.answer(job_id, "y" if yes else "n")
        self._publish(mission.root.name, {"what": "answered", "yes": yes})

    def home(self, mission: Mission, job_id: str, who: str) -> Job:
        """Call the vehicle home: one Ctrl-C. Raises JobRefusedError where it was called already, or nothing flies."""
        with self._lock:
            self._of(mission, job_id)
        job = self._jobs.cancel(job_id)
        self._order(mission.root.name, "return home", who)
        return job

    def go_on(self, flight: Flight, mission: Mission, steps: Sequence[str], who: str) -> Job:
        """Begin the first of these steps with a flight; each of the others follows when the one before it is done."""
        step, rest = steps[0], steps[1:]
        of = mission.root if step == "report" else flight.root
        arguments = [step, str(of), "--force"]
        if step == "report" and self._basemap is not None:
            arguments += self._basemap.options(mission)
        return self._jobs.start(
            step,
            arguments,
            title=dict(STEPS)[step],
            mission=mission.root.name,
            who=who,
            then=lambda job: self._next(flight, mission, rest, who, job),
        )

    def _next(self, flight: Flight, mission: Mission, steps: Sequence[str], who: str, job: Job) -> None:
        if job.state == "done" and steps:
            try:
                self.go_on(flight, mission, steps, who)
            except JobRefusedError as error:
                name, title = mission.root.name, dict(STEPS)[steps[0]]
                self._jobs.refused(steps[0], title=title, mission=name, who=who, problem=str(error))

    def _of(self, mission: Mission, job_id: str) -> Watched:
        watched = self._flights.get(mission.root.name)
        if watched is None or watched.job != job_id or watched.ended is not None:
            raise JobRefusedError("that flight is over")
        return watched

    def _order(self, name: str, order: str, who: str) -> None:
        """Keep who ordered what, in the flight's own record and for all who watch. Nothing is held up by it."""
        with self._lock:
            asked = self._flights[name].asked
        with suppress(OSError):
            orders.give(Path(asked.orders), order, who)
        self._said(name, f"{who}: {order}")

    def _said(self, name: str, text: str) -> None:
        with self._lock:
            watched = self._flights[name]
            line = (round(time.monotonic() - watched.began_s, 1), text)
            watched.lines.append(line)
        self._publish(name, {"what": "said", "line": list(line)})

    def _hearer(self, name: str) -> Callable[[str, Mapping[str, Any]], None]:
        def heard(kind: str, message: Mapping[str, Any]) -> None:
            with self._lock:
                watched = self._flights.get(name)
                if watched is None or watched.ended is not None:
                    return
                if kind != "said":
                    _take(watched, message)
                    return
            self._said(name, str(message["text"]))

        return heard

    def _landed(self, name: str, job: Job) -> None:
        with self._lock:
            watched = self._flights.get(name)
            if watched is None:
                return
            job = replace(job, elapsed_s=round(job.elapsed_s, 1))
            watched.question = None
            watched.ended = described(job)
        _forget_orders(watched.asked)
        self._publish(name, {"what": "ended", "ended": watched.ended})

    def _publish(self, name: str, message: Mapping[str, Any]) -> None:
        self._hub.publish(f"flight:{name}", message)


def _forget_orders(asked: Asked) -> None:
    with suppress(OSError):
        file = Path(asked.orders)
        file.unlink(missing_ok=True)
        file.parent.rmdir()


def check_nothing_flies(mission: Mission) -> None:
    """Raise JobRefusedError where a flight of the mission is under way, begun by this app or elsewhere."""
    for flight in mission.flights():
        with suppress(InputError, OSError):
            if flight.is_being_flown() and was_there(flight.facts()["process"], flight.summary.stat().st_mtime):
                raise JobRefusedError(f"{flight.root.name} is being flown; wait until it has landed")


def newest_picture(mission: Mission) -> Path | None:
    """The picture that came last of the mission's flight under way; None where nothing flies or none has come."""
    for flight in mission.flights():
        with suppress(InputError, OSError):
            if flight.is_being_flown():
                come = [path for folder in (flight.images, flight.card) for path in folder.glob("[!.]*")]
                pictures = [path for path in come if path.suffix.lower() in IMAGE_SUFFIXES]
                return max(pictures, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)
    return None


def _take(watched: Watched, message: Mapping[str, Any]) -> None:
    """Keep what a message of a flight says."""
    what = message.get("what")
    if what == "checks":
        watched.checks = list(message["checks"])
    elif what == "question":
        watched.question = str(message["question"])
    elif what == "status":
        watched.status = message
        watched.status_s = time.monotonic()
        watched.question = None
        place = [message["lat_deg"], message["lon_deg"]]
        if None not in place and (not watched.track or watched.track[-1][:2] != place):
            watched.track.append([*place, message["height_home_m"], message["photos_taken"]])
        if len(watched.track) > MOST_POINTS:
            watched.track = watched.track[::2]
