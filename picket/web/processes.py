"""The processes of jobs: how one is begun and sent signals, what it says is read, and one that an earlier app began is
found again by the note beside what it says. When to do any of it is `picket.web.jobs`' subject."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

from picket.folder import is_running
from picket.output import PROGRESS_VARIABLE
from vision.files import write_whole

NOTE_FILE = "job.json"
LOOK_EVERY_S = 0.1
_ENDED = "ended"


class Process(Protocol):
    """What a job needs of its process, begun by this app or by one that is gone."""

    pid: int
    stdin: IO[bytes] | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...


class Adopted:
    """A process that an app began which is gone. Its exit code is nobody's to know: it ended well if it left a summary
    in `folder`. Nothing can be written to it."""

    stdin: IO[bytes] | None = None

    def __init__(self, pid: int, began: str, folder: Path) -> None:
        self.pid, self.folder, self._began = pid, folder, began

    def poll(self) -> int | None:
        """None while it runs, else 0 or 1."""
        if _is_same(self.pid, self._began):
            return None
        return 0 if summary_of(self.folder) else 1

    def wait(self, timeout: float | None = None) -> int:
        """As of `subprocess.Popen`."""
        until_s = math.inf if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until_s:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(LOOK_EVERY_S)
        return code

    def send_signal(self, sig: int) -> None:
        """As of `subprocess.Popen`."""
        if self.poll() is None:
            os.kill(self.pid, sig)


def begin(arguments: Sequence[str], folder: Path, more: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Begin a command that says what it says into files of `folder`, with `more` in its environment. Raises OSError,
    and ValueError for arguments no process can have."""
    environment = {**os.environ, **more, PROGRESS_VARIABLE: "json", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            env=environment,
            start_new_session=True,
        )


def send(process: Process, number: int) -> None:
    """A signal to the command alone: it ends its own helpers. SIGKILL goes to all of them."""
    with suppress(ProcessLookupError, PermissionError):
        if number == signal.SIGKILL:
            if process.poll() is None:
                os.killpg(process.pid, number)
        elif process.poll() is None:
            process.send_signal(number)


def folder_for(folder: Path, job_id: str) -> Path:
    """Where a job of this app says what it says."""
    return folder / f"{os.getpid()}-{job_id}"


def write_note(folder: Path, process: Process, about: Mapping[str, Any]) -> None:
    """Note beside what a process says whose it is, for an app that comes after this one."""
    who = {"app": os.getpid(), "app_began": _began(os.getpid()), "pid": process.pid, "began": _began(process.pid)}
    write_whole(folder / NOTE_FILE, json.dumps({**who, **about}))


def left_running(folder: Path) -> Iterator[tuple[Path, Adopted, dict[str, Any]]]:
    """What apps that are gone left running: now in a folder of this app, its process, and what was noted of it. What
    has ended is removed."""
    for left in sorted(folder.glob("*-*")):
        note = _note(left)
        number = left.name.partition("-")[0]
        app = note.get("app", int(number) if number.isascii() and number.isdigit() else None)
        if app is None or _is_same(app, note.get("app_began", "")):
            continue
        process = Adopted(note.get("pid", 0), note.get("began", ""), folder_for(folder, left.name.partition("-")[2]))
        if process.pid and _is_same(process.pid, note["began"]):
            with suppress(OSError):  # another app was quicker
                left.rename(process.folder)
                yield process.folder, process, note
        else:
            if note.get("litter"):
                clear_litter(Path(note["litter"]))
            shutil.rmtree(left, ignore_errors=True)


def clear_litter(made: Path) -> None:
    """Remove the half-made folders that a killed command left beside the one it was making."""
    for left in made.parent.glob(f".{made.name}.new.*"):
        shutil.rmtree(left, ignore_errors=True)


def message_of(line: str) -> dict[str, Any] | None:
    """A line meant for this app; None for one meant for people."""
    if not line.startswith('{"picket":'):
        return None
    try:
        message = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and isinstance(message.get("picket"), str) else None


def summary_of(folder: Path, hidden: str = "") -> dict[str, Any]:
    """What a command summed up at its end, without the path `hidden`; empty where there is nothing."""
    try:
        last = (folder / "stdout").read_text("utf-8").strip().rpartition("\n")[2]
        summary = json.loads(last.replace(hidden, "") if hidden else last)
    except (OSError, ValueError, RecursionError):
        return {}
    return summary if isinstance(summary, dict) else {}


def was_there(pid: object, when_s: float) -> bool:
    """Whether the process of this number runs and began before a time (seconds since 1970): numbers are given again."""
    if not isinstance(pid, int) or not is_running(pid):
        return False
    ticks = _began(pid)
    if ticks == _ENDED:
        return False
    try:
        line = next(line for line in Path("/proc/stat").read_text("ascii").splitlines() if line.startswith("btime "))
    except (OSError, StopIteration):
        return True
    return bool(ticks) and int(line.split()[1]) + int(ticks) / os.sysconf("SC_CLK_TCK") <= when_s + 2.0


def _is_same(pid: int, began: str) -> bool:
    """Whether a process runs that is the one which began then (where that is known)."""
    now = _began(pid)
    return is_running(pid) and now != _ENDED and (not began or not now or now == began)


def _began(pid: int) -> str:
    """What tells a process from a later one of its number: when it began, in ticks since the machine did; "ended" for
    one that only waits to be noticed by its parent, empty where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return _ENDED if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""


def _note(folder: Path) -> dict[str, Any]:
    try:
        note = json.loads((folder / NOTE_FILE).read_text("utf-8"))
        whole = isinstance(note, dict) and all(isinstance(note[name], int) for name in ("app", "pid"))
        return note if whole and all(isinstance(note[name], str) for name in ("app_began", "began")) else {}
    except (OSError, ValueError, LookupError):
        return {}


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")
