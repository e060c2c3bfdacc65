"""What a command says: one JSON summary on stdout when asked, everything else (progress, notes) on stderr, for people
or, where the environment asks for it, for the program that started it."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EXIT_INTERRUPTED = 130
LINE_EVERY_S = 10.0
TELL_EVERY_S = 0.2
PROGRESS_VARIABLE = "PICKET_PROGRESS"
"""With the value `json` in the environment, progress is told as JSON, for the program that started this one."""


class _Console(Console):
    """A console that falls silent where nobody reads it any more (a closed terminal, a pipe that ended). Rich's own
    ends the program there, and would end the watch over a flying vehicle."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Show something, where there is somebody to see it."""
        try:
            super().print(*objects, **options)
        except OSError:
            self.quiet = True

    def on_broken_pipe(self) -> None:
        """Say nothing more."""
        self.quiet = True


console = _Console(stderr=True, highlight=False, emoji=False)
_STEERS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What steers a terminal, or turns the direction of what it shows."""


def plain(text: str) -> str:
    """`text` so that it is printed as it is; what would steer the terminal is shown by its number. A program that
    listens gets it in one line: a name or a vehicle's word with a line break in it could else be taken for a message of
    ours."""
    shown = " ".join(text.splitlines()) if told() else text
    return escape(_STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", shown))


def say(text: str) -> None:
    """One line for a person, on stderr. Whatever `text` holds is printed as it is."""
    console.print(plain(text), soft_wrap=True)


def notes(lines: list[str] | tuple[str, ...]) -> None:
    """What a step assumed or noticed, a line each, on stderr."""
    for line in lines:
        console.print(f"[yellow]note[/yellow] {plain(line)}", soft_wrap=True)


def summarise(summary: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the summary as one JSON object on stdout where `--json` was given; else nothing."""
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))


def told() -> bool:
    """Whether the program that started this one wants to be told what happens, as JSON."""
    return os.environ.get(PROGRESS_VARIABLE) == "json"


def tell(kind: str, message: Mapping[str, Any]) -> None:
    """A line of JSON on stderr for the program that started this one, where it asked for that; else nothing."""
    if told():
        sys.stderr.write(json.dumps({"picket": kind, **message}, allow_nan=False) + "\n")
        sys.stderr.flush()


class Report(Protocol):
    """What a long step calls with how far it is, and a word about it."""

    def __call__(self, done: int, total: int, detail: str = "") -> None: ...


@contextmanager
def progress_bar(title: str) -> Iterator[Report]:
    """Progress on stderr: a bar with an estimate on a terminal, elsewhere a line every few seconds; JSON for a program
    that asked for it."""
    if told():
        yield _told(title)
        return
    if not console.is_terminal:
        yield _lines(title)
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task(title, total=None, detail="")

        def update(done: int, total: int, detail: str = "") -> None:
            bar.update(task, completed=done, total=total, detail=plain(detail))

        yield update


def _lines(title: str) -> Report:
    """Progress for a log file: nothing for what is quick, then a line every `LINE_EVERY_S`."""
    last_s = time.monotonic()

    def update(done: int, total: int, detail: str = "") -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= LINE_EVERY_S:
            last_s = time.monotonic()
            say(f"{title}: {done} of {total}" + (f", {detail}" if detail else ""))

    return update


def _told(title: str) -> Report:
    """Progress for the program that started this one."""
    last_s = 0.0

    def update(done: int, total: int, detail: str = "") -> None:
        nonlocal last_s
        if done >= total or time.monotonic() - last_s >= TELL_EVERY_S:
            last_s = time.monotonic()
            tell("progress", {"title": title, "done": done, "total": total, "detail": detail})

    return update
