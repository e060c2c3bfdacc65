"""What the person who answers for the flight sees and is asked: the checks, the go, the battery, how it flies."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Group
from rich.live import Live
from rich.text import Text

from missions.errors import MissionError
from missions.flying.flight import FlightOutcome
from missions.flying.preflight import Check
from missions.flying.progress import FlightStatus
from picket.output import LINE_EVERY_S, TELL_EVERY_S, console, plain, say, tell, told
from sim.errors import SimulationError

BAR_CELLS = 12
WIND_SHOWN_M_S = 0.5
"""Less is calm, or an estimator that has not begun: neither is worth a word."""


def show_checks(checks: Sequence[Check], drone: int | None = None) -> bool:
    """Show a preflight list (of one drone of several); whether everything is as it must be."""
    listed = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
    tell("flight", {"what": "checks", "drone": drone, "checks": listed})
    if drone is not None:
        say(f"drone {drone}")
    for check in checks:
        mark = "[green]go   [/green]" if check.ok else "[red]NO GO[/red]"
        console.print(f"{mark} {plain(check.name)}: {plain(check.detail)}", soft_wrap=True)
    return all(check.ok for check in checks)


def ask_take_off(checks: Sequence[Check]) -> bool:
    """Show the list and ask for the go, unless something is not as it must be."""
    return show_checks(checks) and ask("Arm and take off?")


def ask_fleet(checks: Mapping[int, Sequence[Check]]) -> bool:
    """Show every drone's list and ask once for all."""
    return show_fleet(checks) and ask(
        f"Arm and take off with {len(checks)} drones?" if len(checks) > 1 else "Arm and take off?"
    )


def show_fleet(checks: Mapping[int, Sequence[Check]]) -> bool:
    """Show every drone's list; whether all is as it must be."""
    shown = [show_checks(listed, drone) for drone, listed in checks.items()]
    return all(shown)


def ask(question: str) -> bool:
    """Whether a person says yes; the end of the input is a no. Raises KeyboardInterrupt where Ctrl-C is the answer."""
    tell("flight", {"what": "question", "question": question})
    words = f"{question} [y/N]: "
    while True:
        console.print(plain(words), end="\n" if told() else "", soft_wrap=True)
        try:
            answer = sys.stdin.readline() if sys.stdin is not None else ""
        except KeyboardInterrupt:
            console.print()
            raise
        if not answer:
            console.print()
        said = answer.strip().lower()
        if said in ("y", "yes"):
            return True
        if said in ("", "n", "no"):
            return False
        words = "y or n: "


def words_of(status: FlightStatus) -> str:
    """How a flight stands, in a line."""
    parts = [status.mode, f"{status.photos_taken}/{status.photos_expected} photos"]
    if status.photos_missing:
        parts.append(f"{status.photos_missing} missing")
    if status.battery_pct is not None:
        planned = "" if status.battery_expected_pct is None else f" (plan {status.battery_expected_pct:.0f})"
        parts.append(f"battery {status.battery_pct} %{planned}")
    return ", ".join(parts)


def place_of(status: FlightStatus) -> str:
    """Where the vehicle is, in a line; empty where it does not say."""
    parts = []
    if status.position is not None:
        parts.append(f"{status.position.lat_deg:.5f} {status.position.lon_deg:.5f}")
    if status.height_home_m is not None:
        parts.append(f"{status.height_home_m:.0f} m above home")
    if status.from_home_m is not None:
        parts.append(f"{status.from_home_m:.0f} m from it")
    if status.speed_m_s is not None:
        parts.append(f"{status.speed_m_s:.0f} m/s")
    if status.wind_m_s is not None and status.wind_m_s >= WIND_SHOWN_M_S:
        parts.append(f"wind {status.wind_m_s:.0f} m/s")
    return ", ".join(parts)


@contextmanager
def watching(titles: Mapping[int, str]) -> Iterator[Callable[[int, FlightStatus], None]]:
    """Shows how flights go, a line each: yields what is to be called with the key of a title and a status, from any
    thread. Nothing is shown before the first status, so that questions can be asked. Elsewhere than on a terminal it is
    a line every few seconds."""
    lock = threading.Lock()
    if told():
        yield _teller(titles)
        return
    if not console.is_terminal:
        last = dict.fromkeys(titles, time.monotonic())

        def line(key: int, status: FlightStatus) -> None:
            with lock:
                if time.monotonic() - last[key] < LINE_EVERY_S:
                    return
                last[key] = time.monotonic()
                alerts = "".join(f"{alert}; " for alert in status.alerts)
                where = ", ".join(filter(None, [words_of(status), place_of(status)]))
                say(f"{titles[key]}: {alerts}{status.progress:.0%}, {where}")

        yield line
        return
    display = _Display(titles)
    try:
        yield display.show
    finally:
        display.end()


def _teller(titles: Mapping[int, str]) -> Callable[[int, FlightStatus], None]:
    """Tells the program that started this one how flights go, a few times a second."""
    lock = threading.Lock()
    last: dict[int, float] = {}

    def status_told(key: int, status: FlightStatus) -> None:
        with lock:
            now_s = time.monotonic()
            if now_s - last.get(key, -TELL_EVERY_S) < TELL_EVERY_S:
                return
            last[key] = now_s
            known = asdict(status)
            place = known.pop("position")
            known |= {"lat_deg": place and place["lat_deg"], "lon_deg": place and place["lon_deg"]}
            finite = {name: None if value != value else value for name, value in known.items()}
            tell("flight", {"what": "status", "sortie": key, **finite})
            done = round(1000 * status.progress)
            tell("progress", {"title": titles[key], "done": done, "total": 1000, "detail": words_of(status)})

    return status_told


class _Display:
    """Flights on a terminal: of each how far it is, where it is, and every fault that holds, each on a line of its
    own, so that a narrow terminal cuts nothing off."""

    def __init__(self, titles: Mapping[int, str]) -> None:
        self._titles = titles
        self._flights: dict[int, FlightStatus] = {}
        self._lock = threading.Lock()
        self._live = Live(console=console, transient=True, auto_refresh=False)
        self._started = False

    def show(self, key: int, status: FlightStatus) -> None:
        """Show a flight's status; from any thread."""
        with self._lock:
            if not self._started:
                self._started = True
                self._live.start()
            self._flights[key] = status
            self._live.update(Group(*self._lines()), refresh=True)

    def _lines(self) -> Iterator[Text]:
        for key, title in self._titles.items():
            status = self._flights.get(key)
            if status is None:
                continue
            yield Text(f"{title}  {_bar(status.progress)} {status.progress:>4.0%}  {words_of(status)}")
            yield Text(f"  {place_of(status)}")
            for alert in status.alerts:
                yield Text(f"  ! {alert}", style="bold red")

    def end(self) -> None:
        """Take it off the screen."""
        if self._started:
            self._live.stop()


def _bar(share: float) -> str:
    done = round(BAR_CELLS * min(1.0, max(0.0, share)))
    return "█" * done + "░" * (BAR_CELLS - done)


def tell_flown(outcome: FlightOutcome | MissionError | SimulationError, record: str, drone: int | None = None) -> None:
    """How a flight (of one drone of several) ended and where its record is, or why it was not flown."""
    whose = "" if drone is None else f"drone {drone}: "
    if isinstance(outcome, FlightOutcome):
        say(
            f"{whose}{outcome.ended}: {outcome.photos_taken} of {outcome.photos_expected} photos in "
            f"{outcome.duration_s / 60:.1f} min of flight; record: {record}"
        )
        if outcome.reason:
            say(f"{whose}{outcome.reason}")
    else:
        say(f"{whose or 'picket: '}{' '.join(str(outcome).split())}")
