"""Watches one flight from the take-off to its end: what is told, when the vehicle is called home, how it ended.

The mission is flown by the autopilot. What is a fault is `missions.flying.faults`' subject, what is heard
`missions.flying.watch`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from missions.drones import Drone
from missions.errors import VehicleError
from missions.flying import faults
from missions.flying.faults import FLYING_THE_PLAN, Faults, Finding
from missions.flying.holding import Holding
from missions.flying.interrupts import Interrupts
from missions.flying.line import LinkCounts
from missions.flying.link import Link
from missions.flying.progress import FlightStatus
from missions.flying.recorder import Recorder
from missions.flying.takeoff import HEARTBEAT_FRESH_S
from missions.flying.takeup import OFF_THE_GROUND_M
from missions.flying.watch import Watch
from missions.items import MissionItem
from missions.plan import Sortie

Ended = Literal["landed", "aborted", "left", "lost"]

STATUS_S = 0.2
OVERDUE_FACTOR, OVERDUE_S = 2.0, 300.0
"""Called home after this multiple of the planned flight time and this much more, on the vehicle's clock; and where it
is silent by then, lost."""

HOME_PATIENCE_S = 2.0
ASK_S = 1.0
"""So often one item of the mission and one thing more is asked for: that all is as stored is known after each round."""

COUNTS_S = 10.0
"""How often, at most, an event says what came badly over the link."""

PHOTOS_A_CHECKPOINT = 10


@dataclass(frozen=True)
class FlightOutcome:
    """How a flight ended: "landed" after the whole route, "aborted" before (and on the ground), "left" in the air to
    its own failsafes, "lost" out of reach. `duration_s` runs from arming to the end, on the vehicle's clock."""

    ended: Ended
    photos_expected: int
    photos_taken: int
    duration_s: float
    reason: str


class Following:
    """One flight being watched; `follow` does it."""

    def __init__(
        self,
        link: Link,
        sortie: Sortie,
        items: Sequence[MissionItem],
        watch: Watch,
        holding: Holding,
        recorder: Recorder,
        interrupts: Interrupts,
        *,
        drone: Drone,
        progress: Callable[[FlightStatus], None],
        tell: Callable[[str], None],
        lost_after_s: float | None,
    ) -> None:
        self._link = link
        self._sortie = sortie
        self._items = items
        self._watch = watch
        self._holding = holding
        self._recorder = recorder
        self._interrupts = interrupts
        self._faults = Faults(sortie, drone)
        self._display = _Display(progress, recorder)
        self._tell = tell
        self._lost_after_s = lost_after_s
        self._called_home = ""
        self._pilot_called = False
        self._obeyed = False
        self._left_auto = ""
        self._mode = ""
        self._took_off = False
        self._kept: tuple[int, int] = (-1, -1)
        self._asked_s = self._counted_s = 0.0
        self._counts = link.counts
        self._was_open, self._restarts = True, link.restarts
        self._failure_told = False
        self.missed = False
        """Whether the link lost some of the flight for longer than a moment."""

    def follow(self) -> FlightOutcome:
        """Watch the flight to its end, calling the vehicle home where a person asks for it, a fault demands it or it is
        overdue."""
        ended: Ended | None = None
        while ended is None:
            status = self._look()
            silence_s = self._link.silence_s
            if self._gone(status, silence_s):
                ended = "lost"
            elif not status.armed and silence_s < HEARTBEAT_FRESH_S:
                ended = "landed"
            elif self._interrupts.count >= 2:
                ended = "left"
            else:
                self._decide(status)
            time.sleep(STATUS_S)
        return self._outcome(ended)

    def _look(self) -> FlightStatus:
        self._look_at_holdings()
        status, signs = self._watch.status(), self._watch.signs(self._holding)
        for finding in self._faults.look(status, signs):
            self._found(finding)
        if signs.restarts != self._restarts or (signs.line_open and not self._was_open):
            self._link.ask_for_streams()
        self.missed = self.missed or not signs.line_open
        self._restarts, self._was_open = signs.restarts, signs.line_open
        self._count()
        if not self._took_off and status.armed and (status.height_home_m or 0.0) > OFF_THE_GROUND_M:
            self._took_off = True
            self._holding.fix_home()
            self._recorder.event("took_off")
            self._recorder.update(took_off_utc=datetime.now(UTC).isoformat(timespec="milliseconds"))
        if self._recorder.failure is not None and not self._failure_told:
            self._failure_told = True
            self._tell(f"the record is not being kept: {self._recorder.failure}")
        keep = (self._watch.item_reached, status.photos_taken // PHOTOS_A_CHECKPOINT)
        if keep != self._kept:
            self._kept = keep
            self._keep()
        self._display(replace(status, alerts=self._faults.alerts))
        return status

    def _found(self, finding: Finding) -> None:
        self._recorder.event(finding.kind, **(finding.values or {}))
        self._tell(finding.text)
        self.missed = self.missed or finding.kind in ("silent", "photos_unheard")
        if finding.kind == "silent_over":
            self._link.ask_for_streams()
        if finding.call_home and not self._called_home:
            self._tell(finding.call_home)
            self._call(finding.call_home)

    def _gone(self, status: FlightStatus, silence_s: float) -> bool:
        if not self._link.alive:
            return True
        if self._lost_after_s is not None:
            return silence_s > self._lost_after_s
        return silence_s > faults.SILENT_S and _overdue(status.flown_s + silence_s, self._sortie)

    def _decide(self, status: FlightStatus) -> None:
        if self._interrupts.count and not self._pilot_called:
            self._pilot_called = True
            self._tell(
                "returning home; recording goes on until it has landed and disarmed. Ctrl-C once more leaves it to its "
                "own failsafes and closes the record"
            )
            self._call("called home by the pilot")
        elif not self._called_home and _overdue(status.flown_s, self._sortie):
            self._tell("overdue: called home")
            self._call("called home: overdue")
        elif self._called_home and not self._obeyed and status.mode in FLYING_THE_PLAN:
            self._obeyed = self._ask_home()
        self._tell_mode(status)

    def _tell_mode(self, status: FlightStatus) -> None:
        """Say every change of mode, with the vehicle's own word; leaving the mission early is the flight's reason."""
        if status.mode == self._mode:
            return
        before, self._mode = self._mode, status.mode
        said = self._watch.last_word
        why = f": {said}" if said else ""
        early = status.mode not in FLYING_THE_PLAN and not self._called_home and not self._watch.route_done
        if early and not self._left_auto:
            left = f"went to {status.mode} after {status.progress:.0%} of the way"
            self._recorder.event("left_auto", mode=status.mode, progress=round(status.progress, 3), text=said)
            self._tell(f"{left}{why}")
            self._left_auto = f"{left} ({said})" if said else left
        elif before:
            self._tell(f"now in {status.mode}, before in {before}{why}")

    def _call(self, reason: str) -> None:
        self._called_home = reason
        self._recorder.event("called_home", reason=reason)
        self._obeyed = self._ask_home()

    def _ask_home(self) -> bool:
        """RTL; whether the vehicle took it. A connection that closes meanwhile is the next finding."""
        try:
            return self._link.set_mode("RTL", HOME_PATIENCE_S)
        except VehicleError:
            return False

    def _look_at_holdings(self) -> None:
        """Ask whether the vehicle still holds what it was given, and read what is in doubt. A person who presses Ctrl-C
        meanwhile is not kept waiting."""
        if not self._link.vehicle.armed or self._link.silence_s > HEARTBEAT_FRESH_S:
            return
        pressed = self._interrupts.count
        self._holding.check(lambda: self._interrupts.count > pressed)
        now_s = time.monotonic()
        if now_s - self._asked_s >= ASK_S:
            self._asked_s = now_s
            self._holding.ask()

    def _count(self) -> None:
        """Say what came badly over the link since the last time."""
        now_s = time.monotonic()
        if now_s - self._counted_s < COUNTS_S:
            return
        counts = self._link.counts
        if self._count_now(counts):
            self._counted_s = now_s

    def _count_now(self, counts: LinkCounts) -> bool:
        more = {
            name: value - getattr(self._counts, name)
            for name, value in asdict(counts).items()
            if name != "received" and value != getattr(self._counts, name)
        }
        if not more:
            return False
        refused = {name: more.pop(name) for name in ("unsigned", "wrongly_signed") if name in more}
        if refused:
            self._recorder.event("messages_refused", **refused)
            self._tell(f"{sum(refused.values())} messages refused: not signed with the key of this flight")
        if more:
            self._recorder.event("link_quality", received=counts.received - self._counts.received, **more)
        self._counts = counts
        return True

    def _keep(self) -> None:
        """How far it is, in flight.json."""
        self._recorder.update(
            item_reached=self._watch.item_reached,
            items=len(self._items),
            route_done=self._watch.route_done,
            photos_taken=self._watch.photos_taken,
            photos_missing=list(self._watch.photos_missing),
            last_photo=self._watch.last_photo,
        )

    def _outcome(self, ended: Ended) -> FlightOutcome:
        status = self._look()
        self._count_now(self._link.counts)
        self._keep()
        reason = self._called_home or self._left_auto
        if ended == "lost":
            closed = not self._link.alive
            reason = "the connection was closed" if closed else f"silent for {self._link.silence_s:.0f} s"
        elif ended == "left":
            reason = "left to its own failsafes by the pilot"
        elif self._called_home or not self._watch.route_done or self._link.restarts:
            ended = "aborted"
            if self._link.restarts:
                reason = reason or "the vehicle was restarted in flight"
            reason = reason or f"disarmed after {status.progress:.0%} of the way"
        outcome = FlightOutcome(
            ended=ended,
            photos_expected=self._sortie.photos,
            photos_taken=self._watch.photos_taken,
            duration_s=round(status.flown_s, 1),
            reason=reason or "the whole route was flown",
        )
        self._recorder.event("ended", **asdict(outcome))
        return outcome


def _overdue(flown_s: float, sortie: Sortie) -> bool:
    return flown_s > OVERDUE_FACTOR * sortie.flight_time_s + OVERDUE_S


class _Display:
    """Calls the progress display, and shows on it where the recording has failed. A display that fails (a closed
    terminal) must not end the watch over a flying vehicle."""

    def __init__(self, progress: Callable[[FlightStatus], None], recorder: Recorder) -> None:
        self._progress: Callable[[FlightStatus], None] | None = progress
        self._recorder = recorder

    def __call__(self, status: FlightStatus) -> None:
        if self._progress is None:
            return
        if self._recorder.failure is not None:
            status = replace(status, alerts=(*status.alerts, f"the record is not being kept: {self._recorder.failure}"))
        try:
            self._progress(status)
        except Exception as error:
            self._progress = None
            self._recorder.event("display_failed", reason=f"{type(error).__name__}: {error}")


def safe_teller(tell: Callable[[str], None], event: Callable[..., Any]) -> Callable[[str], None]:
    """`tell` that neither fails nor says the same line twice in a row."""
    last = ""

    def say(line: str) -> None:
        nonlocal last
        if line == last:
            return
        last = line
        try:
            tell(line)
        except Exception as error:
            event("display_failed", reason=f"{type(error).__name__}: {error}")

    return say
