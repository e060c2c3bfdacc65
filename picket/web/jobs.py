"""Long work: our own commands as processes of their own, with progress, an estimate, a cancel button and a clean end.

A job is `picket VERB ... --json` told by its environment to write its progress as lines of JSON on stderr
(`picket.output`). Both streams go to files, not to pipes, so that a command never dies because this app has: a flight
goes on and is recorded whatever happens here. What a command does is its own subject.
"""

from __future__ import annotations

import logging
import math
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from signal import SIGINT, SIGKILL
from types import MappingProxyType
from typing import Any, Literal

from picket.web import processes
from picket.web.events import Hub
from picket.web.processes import LOOK_EVERY_S, Process

LOG = logging.getLogger("picket.web")
State = Literal["running", "cancelling", "done", "failed", "cancelled"]
TOPIC = "jobs"
PICKET = (sys.executable, "-m", "picket")
TELL_EVERY_S = 0.25
MOST_RUNNING = 8
MOST_KEPT = 50
LINES_KEPT = 200
NAMED = ("id", "kind", "title", "mission", "who")
"""What a job is called by, in the order of its fields."""
PATIENCE_S = 20.0
AT_LEAST_S = 1.0
"""How long something must have run before what is left of it can be guessed."""


class JobRefusedError(RuntimeError):
    """Why work was not begun or cannot be cancelled, in one sentence."""


@dataclass(frozen=True)
class Job:
    """Work as it stands: what it is, who asked, how far it is (`done` of `total`, both 0 where unknown), in words, and
    how it ended. Times in seconds; `left_s` is an estimate, None while there is none."""

    id: str
    kind: str
    title: str
    mission: str
    who: str
    state: State = "running"
    step: str = ""
    done: float = 0
    total: float = 0
    detail: str = ""
    elapsed_s: float = 0.0
    left_s: float | None = None
    problem: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ("done", "failed", "cancelled")


Then = Callable[[Job], None]
Hear = Callable[[str, Mapping[str, Any]], None]


def _nothing(*_: object) -> None:
    return None


class _Running:
    """One process and what is known of it. Used by its own thread; `job` is replaced as a whole."""

    def __init__(self, job: Job, process: Process, folder: Path, patience_s: float | None) -> None:
        self.job, self.process, self.folder, self.patience_s = job, process, folder, patience_s
        self.began_s = self.step_began_s = time.monotonic()
        self.first_done = 0.0
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.outlives = self.once = self.over = False
        self.litter: Path | None = None
        self.then: Then = _nothing
        self.hear: Hear = _nothing
        self.cancelled_s: float | None = None
        self.offset = 0
        self.rest = b""


class Jobs:
    """All work of this app. Safe to use from several threads."""

    def __init__(
        self,
        folder: Path,
        hub: Hub,
        environment: Mapping[str, str] = MappingProxyType({}),
        program: Sequence[str] = PICKET,
        hidden: str = "",
    ) -> None:
        """`folder` holds what running work says; `hub` is told how it goes (topic "jobs"); every command gets
        `environment` in its own. `program` is what is run; `hidden` is left out of all it says."""
        self._folder, self._hub, self._environment, self._program = folder, hub, environment, program
        self._hidden = hidden
        self._lock = threading.RLock()
        self._all: dict[str, _Running] = {}

    def start(
        self,
        kind: str,
        arguments: Sequence[str],
        *,
        title: str,
        mission: str,
        who: str,
        patience_s: float | None = PATIENCE_S,
        outlives: bool = False,
        once: bool = False,
        litter: Path | None = None,
        about: Mapping[str, Any] = MappingProxyType({}),
        then: Then | None = None,
        hear: Hear | None = None,
    ) -> Job:
        """Begin `picket ARGUMENTS --json`. Raises JobRefusedError where `check_free` does, or it cannot begin.

        A job that does not heed SIGINT for `patience_s` is killed; None never kills it. `outlives` leaves it running
        when the app ends; `once` lets it be cancelled once only. `litter` is the folder it makes, beside which a killed
        one may leave a half-made one. `about` is noted for an app that takes it up. `then` is called with the ended
        job, from another thread; so is `hear`, with the kind and the content of every message but progress, and with
        `said` and each line meant for people.
        """
        with self._lock:
            self.check_free(kind, mission)
            job = Job(secrets.token_hex(8), kind, title, mission, who)
            folder = processes.folder_for(self._folder, job.id)
            folder.mkdir(parents=True)
            try:
                process = processes.begin([*self._program, *arguments, "--json"], folder, self._environment)
            except (OSError, ValueError) as error:
                shutil.rmtree(folder, ignore_errors=True)
                raise JobRefusedError(f"{title}: cannot begin ({error})") from error
            one = _Running(job, process, folder, patience_s)
            one.outlives, one.once, one.litter = outlives, once, litter
            with suppress(OSError, ValueError):  # without the note it runs as well
                processes.write_note(folder, process, _noted(one, about))
            self._watched(one, then, hear)
        return job

    def check_free(self, kind: str, mission: str) -> None:
        """Raise JobRefusedError where the same kind of work is under way for the mission, or too much is."""
        with self._lock:
            running = [one.job for one in self._all.values() if not (one.job.ended or one.over)]
        busy = [job for job in running if job.mission == mission and (kind == job.kind or "plan" in (kind, job.kind))]
        if busy:
            raise JobRefusedError(f"{busy[0].title}: still under way, begun by {busy[0].who}; wait, or cancel it")
        if len(running) >= MOST_RUNNING:
            raise JobRefusedError(f"{len(running)} jobs are under way already; wait until one has ended")

    def take_up(self, known: Callable[[Job, Mapping[str, Any]], tuple[Then, Hear] | None]) -> None:
        """Follow from now on what an app that is gone left running, and remove what else it left. `known` gets each job
        and what was noted about it, and says who is told of it (`then` and `hear`), if anybody is."""
        for folder, process, note in processes.left_running(self._folder):
            try:
                job_id, kind, title, mission, who = (str(note[name]) for name in NAMED)
                job = Job(job_id, kind, title, mission, who)
                one = _Running(job, process, folder, None if note["patience_s"] is None else float(note["patience_s"]))
                one.outlives, one.once = bool(note["outlives"]), bool(note["once"])
                one.litter = Path(note["litter"]) if note["litter"] else None
                one.began_s -= max(0.0, time.time() - float(note["began_s"]))
                told = known(job, note["about"]) or (None, None)
            except (LookupError, TypeError, ValueError) as error:
                LOG.error("a job of an earlier app is not followed: %s", error)
                continue
            with self._lock:
                self._watched(one, *told)

    def refused(self, kind: str, *, title: str, mission: str, who: str, problem: str) -> None:
        """Tell everybody of work that was to follow other work and could not begin."""
        job = Job(secrets.token_hex(8), kind, title, mission, who, state="failed", problem=problem)
        self._hub.publish(TOPIC, {"job": described(job)})

    def _watched(self, one: _Running, then: Then | None, hear: Hear | None) -> None:
        one.then, one.hear = then or _nothing, hear or _nothing
        self._all[one.job.id] = one
        self._forget_old()
        self._tell(one)
        threading.Thread(target=self._watch, args=(one,), name=f"job {one.job.kind}", daemon=True).start()

    def all(self, mission: str | None = None) -> list[Job]:
        """The jobs of a mission, or all, oldest first."""
        with self._lock:
            return [one.job for one in self._all.values() if mission is None or one.job.mission == mission]

    def get(self, job_id: str) -> Job:
        """A job as it stands. Raises KeyError for none."""
        with self._lock:
            return self._all[job_id].job

    def log(self, job_id: str) -> list[str]:
        """The last lines a job said to people. Raises KeyError for none."""
        with self._lock:
            return list(self._all[job_id].lines)

    def cancel(self, job_id: str) -> Job:
        """Ask a job to end and leave things clean (SIGINT); again does it again, but for a flight, which a second one
        would leave to its failsafes. Raises KeyError for none and JobRefusedError where it has ended."""
        with self._lock:
            one = self._all[job_id]
            if one.job.ended:
                raise JobRefusedError(f"{one.job.title}: has ended already")
            if one.once and one.cancelled_s is not None:
                raise JobRefusedError(f"{one.job.title}: has been called home already")
            one.job = replace(one.job, state="cancelling")
            one.cancelled_s = one.cancelled_s or time.monotonic()
        processes.send(one.process, SIGINT)
        self._tell(one)
        return one.job

    def answer(self, job_id: str, text: str) -> None:
        """Give a line to a job that asked a question. Raises KeyError for none, JobRefusedError where it has ended."""
        with self._lock:
            one = self._all[job_id]
        try:
            if one.process.stdin is None:
                raise JobRefusedError(f"{one.job.title}: was begun by an earlier app and can only be called off")
            one.process.stdin.write(f"{text}\n".encode())
            one.process.stdin.flush()
        except (OSError, ValueError) as error:
            raise JobRefusedError(f"{one.job.title}: has ended already") from error

    def close(self) -> None:
        """End all work that does not outlive the app, and wait for it; what outlives it goes on by itself."""
        with self._lock:
            ending = [one for one in self._all.values() if not one.job.ended and not one.outlives]
        for one in ending:
            try:
                self.cancel(one.job.id)
            except JobRefusedError:  # practice that flies home already
                processes.send(one.process, SIGINT)
        for one in ending:
            try:
                one.process.wait(PATIENCE_S if one.patience_s is None else one.patience_s)
            except subprocess.TimeoutExpired:
                processes.send(one.process, SIGKILL)
        until_s = time.monotonic() + PATIENCE_S
        while any(not one.job.ended for one in ending) and time.monotonic() < until_s:
            time.sleep(LOOK_EVERY_S)

    def _watch(self, one: _Running) -> None:
        told_s = time.monotonic()
        while True:
            code = one.process.poll()
            heard = self._read(one)
            with self._lock:
                one.job = replace(one.job, elapsed_s=time.monotonic() - one.began_s)
            if code is not None:
                break
            late = one.cancelled_s is not None and one.patience_s is not None
            if late and time.monotonic() - (one.cancelled_s or 0) > (one.patience_s or 0):
                processes.send(one.process, SIGKILL)
            if heard and time.monotonic() - told_s >= TELL_EVERY_S:
                told_s = time.monotonic()
                self._tell(one)
            time.sleep(LOOK_EVERY_S)
        self._end(one, code)

    def _end(self, one: _Running, code: int) -> None:
        summary = processes.summary_of(one.folder, self._hidden)
        cancelled = one.cancelled_s is not None and code != 0
        state: State = "done" if code == 0 else "cancelled" if cancelled else "failed"
        said = [line.removeprefix("picket: ") for line in one.lines if line.startswith("picket: ")]
        problem = "" if state != "failed" else said[-1] if said else f"ended without a word (exit code {code})"
        if one.process.stdin is not None:
            with suppress(OSError):
                one.process.stdin.close()
        if one.litter is not None and code < 0:
            processes.clear_litter(one.litter)
        shutil.rmtree(one.folder, ignore_errors=True)
        with self._lock:
            ended = replace(one.job, state=state, problem=problem, summary=summary, left_s=None)
            one.over = True  # what follows it may be of the same kind
        try:
            one.then(ended)
        except Exception as error:  # whatever comes after it, it has ended, and is seen to have
            LOG.error("after %s: %s: %s", one.job.title, type(error).__name__, error)
        with self._lock:
            one.job = ended
        self._tell(one)

    def _read(self, one: _Running) -> bool:
        """Take in what the job said since last time; whether it said anything."""
        try:
            with (one.folder / "stderr").open("rb") as stream:
                stream.seek(one.offset)
                new = stream.read()
        except OSError:  # somebody has removed it: the job goes on unheard
            return False
        one.offset += len(new)
        *lines, one.rest = (one.rest + new).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").strip()
            try:
                self._heard(one, text.replace(self._hidden, "") if self._hidden else text)
            except Exception as error:  # an odd line must not end the watch over a flight
                LOG.error("%s said %.200r: %s: %s", one.job.title, text, type(error).__name__, error)
        return bool(lines)

    def _heard(self, one: _Running, line: str) -> None:
        message = processes.message_of(line)
        if message is None:
            if line:
                with self._lock:
                    one.lines.append(line)
                one.hear("said", {"text": line})
            return
        kind = message.pop("picket")
        if kind != "progress":
            one.hear(kind, message)
            self._hub.publish(f"{kind}:{one.job.mission}", {"job": one.job.id, **message})
            return
        step, done, total = str(message.get("title", "")), float(message["done"]), float(message["total"])
        if not (math.isfinite(done) and math.isfinite(total)):
            return
        now_s = time.monotonic()
        if step != one.job.step:
            one.step_began_s, one.first_done = now_s, done
        spent_s, moved = now_s - one.step_began_s, done - one.first_done
        left_s = spent_s * (total - done) / moved if moved > 0 and spent_s >= AT_LEAST_S else None
        with self._lock:
            detail = str(message.get("detail", ""))
            one.job = replace(one.job, step=step, done=done, total=total, detail=detail, left_s=left_s)

    def _tell(self, one: _Running) -> None:
        self._hub.publish(TOPIC, {"job": described(one.job)})

    def _forget_old(self) -> None:
        ended = [key for key, one in self._all.items() if one.job.ended]
        for key in ended[: max(0, len(self._all) - MOST_KEPT)]:
            del self._all[key]


def _noted(one: _Running, about: Mapping[str, Any]) -> dict[str, Any]:
    """What `take_up` needs to know of a job."""
    job = {name: getattr(one.job, name) for name in NAMED}
    ways = {"patience_s": one.patience_s, "outlives": one.outlives, "once": one.once}
    litter = None if one.litter is None else str(one.litter)
    return {**job, **ways, "litter": litter, "began_s": time.time(), "about": dict(about)}


def described(job: Job) -> dict[str, Any]:
    """A job as JSON."""
    return {**asdict(job), "elapsed_s": round(job.elapsed_s, 1), "ended": job.ended}
