"""What the person who answers for the flight sees and is asked: the checks, the go, the battery, how it flies."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from missions.flying.flight import FlightOutcome
from missions.flying.preflight import Check
from missions.flying.progress import FlightStatus
from picket.output import LINE_EVERY_S, console, say


def show_checks(checks: Sequence[Check], drone: int | None = None) -> bool:
    """Show a preflight list (of one drone of several); whether everything is as it must be."""
    if drone is not None:
        say(f"drone {drone}")
    for check in checks:
        mark = "[green]go   [/green]" if check.ok else "[red]NO GO[/red]"
        console.print(f"{mark} {escape(check.name)}: {escape(check.detail)}", soft_wrap=True)
    return all(check.ok for check in checks)


def ask_take_off(checks: Sequence[Check]) -> bool:
    """Show the list and ask for the go, unless something is not as it must be."""
    return show_checks(checks) and ask("Arm and take off?")


def ask_fleet(checks: Mapping[int, Sequence[Check]]) -> bool:
    """Show every drone's list and ask once for all."""
    return show_fleet(checks) and ask(f"Arm and take off with {len(checks)} drones?")


def show_fleet(checks: Mapping[int, Sequence[Check]]) -> bool:
    """Show every drone's list; whether all is as it must be."""
    shown = [show_checks(listed, drone) for drone, listed in checks.items()]
    return all(shown)


def ask(question: str) -> bool:
    """Whether a person says yes; the end of the input is a no."""
    try:
        return typer.confirm(question, default=False, err=True)
    except typer.Abort:
        if sys.stdin is not None and sys.stdin.isatty():
            raise
        return False


def words_of(status: FlightStatus) -> str:
    """How a flight stands, in a line."""
    parts = [status.mode, f"{status.photos_taken}/{status.photos_expected} photos"]
    if status.photos_missing:
        parts.append(f"{status.photos_missing} missing")
    if status.height_home_m is not None:
        parts.append(f"{status.height_home_m:.0f} m")
    if status.speed_m_s is not None:
        parts.append(f"{status.speed_m_s:.0f} m/s")
    if status.battery_pct is not None:
        planned = "" if status.battery_expected_pct is None else f" (plan {status.battery_expected_pct:.0f})"
        parts.append(f"battery {status.battery_pct} %{planned}")
    if status.wind_m_s is not None:
        parts.append(f"wind {status.wind_m_s:.0f} m/s")
    if status.alert:
        parts.append(status.alert)
    return ", ".join(parts)


@contextmanager
def watching(titles: Mapping[int, str]) -> Iterator[Callable[[int, FlightStatus], None]]:
    """Shows how flights go, a line each: yields what is to be called with the key of a title and a status, from any
    thread. Nothing is shown before the first status, so that questions can be asked. Elsewhere than on a terminal it is
    a line every few seconds."""
    lock = threading.Lock()
    if not console.is_terminal:
        last = dict.fromkeys(titles, time.monotonic())

        def line(key: int, status: FlightStatus) -> None:
            with lock:
                if time.monotonic() - last[key] < LINE_EVERY_S:
                    return
                last[key] = time.monotonic()
                say(f"{titles[key]}: {status.progress:.0%}, {words_of(status)}")

        yield line
        return
    display = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[detail]}"),
        console=console,
        transient=True,
    )
    tasks = {key: display.add_task(title, total=1.0, detail="") for key, title in titles.items()}
    started = False

    def show(key: int, status: FlightStatus) -> None:
        nonlocal started
        with lock:
            if not started:
                started = True
                display.start()
            display.update(tasks[key], completed=status.progress, detail=escape(words_of(status)))

    try:
        yield show
    finally:
        if started:
            display.stop()


def tell_outcome(outcome: FlightOutcome, record: str) -> None:
    """How a flight ended and where its record is."""
    say(
        f"{outcome.ended}: {outcome.photos_taken} of {outcome.photos_expected} photos in "
        f"{outcome.duration_s / 60:.1f} min of flight; record: {record}"
    )
    if outcome.reason:
        say(outcome.reason)
