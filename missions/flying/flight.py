"""Flies one sortie: prepares the vehicle, asks a person, takes off, watches, and says how it ended.

The mission itself is flown by the autopilot, inside the fence it holds; this side watches and can call it home. What
is recorded is `missions.flying.recorder`'s subject, the single checks `missions.flying.preflight`'s.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from types import FrameType, TracebackType
from typing import Any, Literal

from missions.errors import VehicleError
from missions.flying.link import Link, connect
from missions.flying.parameters import Parameters, Setting, settings
from missions.flying.preflight import Check, preflight_checks
from missions.flying.progress import FlightStatus
from missions.flying.protocol import MissionType
from missions.flying.recorder import Recorder
from missions.flying.watch import Watch
from missions.items import MissionItem, fence_items, mission_items, rally_items
from missions.plan import Plan, Sortie
from vision.errors import InputError

Ended = Literal["landed", "aborted", "left", "lost"]

STATUS_S = 0.2
READY_S = 60.0
"""How long to wait for the vehicle's position, home and clock before the checks are made as things stand."""

ARM_S = 30.0
LINK_LOST_S = 30.0
"""Silence after which a flight counts as lost. The vehicle has its own failsafe for that, and needs this side not."""

OVERDUE_FACTOR, OVERDUE_S = 2.0, 300.0
"""Called home after this multiple of the planned flight time and this much more, on the vehicle's clock."""

LAST_WORDS_S = 0.5
_MISSION_START = 300


@dataclass(frozen=True)
class FlightOutcome:
    """How a flight ended: "landed" after the whole route, "aborted" before (and on the ground), "left" in the air to
    its own failsafes, "lost" out of reach. `duration_s` runs from arming to the end, on the vehicle's clock."""

    ended: Ended
    photos_expected: int
    photos_taken: int
    duration_s: float
    reason: str


def fly(
    plan: Plan,
    sortie_number: int,
    url: str,
    recorder: Recorder,
    *,
    confirm: Callable[[list[Check]], bool],
    progress: Callable[[FlightStatus], None],
    connect_timeout_s: float = 30.0,
) -> FlightOutcome:
    """Fly one sortie of `plan` with the vehicle at `url` and record it.

    `confirm` sees the checks before take-off and says whether to fly; where one has failed there is no flight whatever
    it says. `progress` is called five times a second. The first Ctrl-C (or SIGTERM) in flight calls the vehicle home,
    the second leaves it to its own failsafes. The parameters that were changed are put back after the landing.

    `recorder` is left open: images may still be coming. Raises InputError where the plan has no such sortie or `url` is
    no address, VehicleError where the vehicle does not answer, refuses, fails a check or was not confirmed.
    """
    try:
        sortie = plan.sortie(sortie_number)
    except KeyError as error:
        raise InputError("--sortie", str(error.args[0])) from error
    recorder.update(
        plan=plan.name, drone=plan.drone, sortie=sortie.number, connection=url, photos_expected=sortie.photos
    )
    link: Link | None = None
    try:
        link = connect(url, recorder.received, recorder.sent, timeout_s=connect_timeout_s)
        outcome = _fly(link, plan, sortie, recorder, confirm, progress)
    except VehicleError as error:
        recorder.event("refused", reason=str(error))
        recorder.update(ended="refused", reason=str(error))
        raise
    finally:
        if link is not None:
            link.close()
    recorder.update(**{name: value for name, value in asdict(outcome).items() if name != "photos_expected"})
    return outcome


def _fly(
    link: Link,
    plan: Plan,
    sortie: Sortie,
    recorder: Recorder,
    confirm: Callable[[list[Check]], bool],
    progress: Callable[[FlightStatus], None],
) -> FlightOutcome:
    items = mission_items(sortie, plan)
    watch = Watch(link, plan, sortie, items, recorder.event)
    parameters = Parameters(link, recorder.event)
    if link.vehicle.armed:
        raise VehicleError("the vehicle is armed already; Picket takes over only a vehicle that stands on the ground")
    on_ground = True
    try:
        stored = _prepare(link, plan, sortie, items, parameters)
        _await_ready(link, watch)
        recorder.update(
            vehicle={"system": link.system, "component": link.component, "firmware": link.firmware},
            parameters_before=dict(parameters.before),
        )
        checks = preflight_checks(
            link, plan, sortie, stored=stored, fence_enabled=_fence_on(link), vehicle_utc_s=watch.vehicle_utc_s
        )
        _decide(checks, confirm, recorder)
        with _Interrupts() as interrupts:
            on_ground = False
            try:
                _take_off(link, watch)
                outcome = _follow(link, sortie, watch, recorder, progress, interrupts)
            finally:
                on_ground = not link.vehicle.armed
    finally:
        if on_ground and link.alive:
            lost = parameters.put_back()
            if lost:
                recorder.event("parameters_not_restored", names=lost)
    return outcome


def _prepare(
    link: Link, plan: Plan, sortie: Sortie, items: list[MissionItem], parameters: Parameters
) -> tuple[str, ...]:
    """Set the parameters, store fence, rally points and mission, turn the fence on. The names of what was stored."""
    link.wait_for_parameters()
    for setting in settings(plan, sortie):
        parameters.set(setting)
    lists = {
        MissionType.FENCE: fence_items(plan),
        MissionType.RALLY: rally_items(plan),
        MissionType.MISSION: items,
    }
    for mission_type, listed in lists.items():
        link.store(listed, mission_type)
    parameters.set(Setting("FENCE_ENABLE", 1, needed=True))
    return tuple(mission_type.words for mission_type in lists)


def _fence_on(link: Link) -> bool:
    return bool(link.parameter("FENCE_ENABLE"))


def _await_ready(link: Link, watch: Watch) -> None:
    """Wait for position, home and clock; where they do not come the checks will say so."""
    asked_s = 0.0

    def ready() -> bool:
        nonlocal asked_s
        if link.vehicle.home_location is None and time.monotonic() - asked_s > 1.0:
            asked_s = time.monotonic()
            link.ask_about_itself()
        return bool(
            link.vehicle.is_armable
            and link.vehicle.ekf_ok
            and link.vehicle.home_location is not None
            and watch.vehicle_utc_s
            and link.vehicle.battery is not None
        )

    link.wait(ready, READY_S)


def _decide(checks: list[Check], confirm: Callable[[list[Check]], bool], recorder: Recorder) -> None:
    for check in checks:
        recorder.event("check", name=check.name, ok=check.ok, detail=check.detail)
    confirmed = confirm(checks)
    failed = [check for check in checks if not check.ok]
    if failed:
        raise VehicleError("no go: " + "; ".join(f"{check.name}: {check.detail}" for check in failed))
    if not confirmed:
        raise VehicleError("not flown: nobody confirmed the take-off")
    recorder.event("confirmed")


def _take_off(link: Link, watch: Watch) -> None:
    """Arm in AUTO, where the autopilot takes off by itself; where it will not, arm in GUIDED and start the mission."""
    if link.set_mode("AUTO"):
        _arm(link, watch)
        return
    if not link.set_mode("GUIDED"):
        raise VehicleError(f"the vehicle takes neither AUTO nor GUIDED: {watch.message or 'it does not say why'}")
    _arm(link, watch)
    if link.command(_MISSION_START) != 0:
        link.vehicle.armed = False
        raise VehicleError(f"the vehicle does not start the mission: {watch.message or 'it does not say why'}")


def _arm(link: Link, watch: Watch) -> None:
    """Arm, asking again while the vehicle still has something to check. Raises VehicleError with its reason."""
    deadline_s = time.monotonic() + ARM_S
    while time.monotonic() < deadline_s:
        link.vehicle.armed = True
        if link.wait(lambda: watch.armed_at_s is not None, 2.0):
            return
    raise VehicleError(f"the vehicle does not arm: {watch.message or 'it does not say why'}")


def _follow(
    link: Link,
    sortie: Sortie,
    watch: Watch,
    recorder: Recorder,
    progress: Callable[[FlightStatus], None],
    interrupts: _Interrupts,
) -> FlightOutcome:
    """Watch the flight to its end, calling the vehicle home where a person asks for it or it is overdue."""
    tell = _Teller(progress, recorder)
    called_home, left_auto = "", ""
    ended: Ended | None = None
    while ended is None:
        status = watch.status()
        tell(status)
        if not link.alive or link.silence_s > LINK_LOST_S:
            ended = "lost"
        elif not status.armed:
            ended = "landed"
        elif interrupts.count >= 2:
            ended = "left"
        elif not called_home and (interrupts.count or _overdue(status, sortie)):
            called_home = "called home by the pilot" if interrupts.count else "called home: overdue"
            recorder.event("called_home", reason=called_home)
            _call_home(link)
        elif status.mode not in ("AUTO", "GUIDED") and not left_auto and not watch.route_done:
            left_auto = f"went to {status.mode} after {status.progress:.0%} of the way"
            recorder.event("left_auto", mode=status.mode, progress=round(status.progress, 3), text=watch.message)
            left_auto += f" ({watch.message})" if watch.message else ""
        time.sleep(STATUS_S)
    status = watch.status()
    tell(status)
    reason = called_home or left_auto
    if ended == "lost":
        reason = "the connection was closed" if not link.alive else f"silent for {link.silence_s:.0f} s"
    elif ended == "left":
        reason = "left to its own failsafes by the pilot"
    elif called_home or not watch.route_done:
        ended, reason = "aborted", reason or f"disarmed after {status.progress:.0%} of the way"
    outcome = FlightOutcome(
        ended=ended,
        photos_expected=sortie.photos,
        photos_taken=len(watch.photos),
        duration_s=round(status.flown_s, 1),
        reason=reason or "the whole route was flown",
    )
    recorder.event("ended", **asdict(outcome))
    return outcome


def _overdue(status: FlightStatus, sortie: Sortie) -> bool:
    return status.flown_s > OVERDUE_FACTOR * sortie.flight_time_s + OVERDUE_S


def _call_home(link: Link) -> None:
    """RTL; a connection that closes meanwhile is the caller's next finding."""
    try:
        link.set_mode("RTL")
    except VehicleError:
        return


class _Teller:
    """Calls the progress display, and tells it where the recording has failed. A display that fails (a closed terminal)
    must not end the watch over a flying vehicle."""

    def __init__(self, progress: Callable[[FlightStatus], None], recorder: Recorder) -> None:
        self._progress: Callable[[FlightStatus], None] | None = progress
        self._recorder = recorder

    def __call__(self, status: FlightStatus) -> None:
        if self._progress is None:
            return
        if self._recorder.failure is not None:
            status = replace(status, message=self._recorder.failure)
        try:
            self._progress(status)
        except Exception as error:
            self._progress = None
            self._recorder.event("display_failed", reason=f"{type(error).__name__}: {error}")


class _Interrupts:
    """Counts Ctrl-C and SIGTERM instead of being ended by them, while a vehicle is in the air."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._hear) for number in self._SIGNALS}
        return self

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
