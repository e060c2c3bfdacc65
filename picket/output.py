"""What a command says: one JSON summary on stdout when asked, everything else (progress, notes) on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """One line for a person, on stderr. Whatever `text` holds is printed as it is."""
    console.print(escape(text), soft_wrap=True)


def notes(lines: list[str] | tuple[str, ...]) -> None:
    """What a step assumed or noticed, a line each, on stderr."""
    for line in lines:
        console.print(f"[yellow]note[/yellow] {escape(line)}", soft_wrap=True)


def summarise(summary: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the summary as one JSON object on stdout where `--json` was given; else nothing."""
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; yields a function to call with (done, total)."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
        console=console,
        transient=not console.is_terminal,
    ) as bar:
        task = bar.add_task(title, total=None, detail="")

        def update(done: int, total: int, detail: str = "") -> None:
            bar.update(task, completed=done, total=total, detail=escape(detail))

        yield update
