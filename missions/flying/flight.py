"""Flies one sortie: prepares the vehicle, asks a person, takes off, watches, and says how it ended.

The mission itself is flown by the autopilot, inside the fence it holds; this side watches and can call it home. What
is recorded is `missions.flying.recorder`'s subject, the single checks `missions.flying.preflight`'s, what the vehicle
is given `missions.flying.preparation`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Literal

from missions.errors import VehicleError
from missions.flying.interrupts import STOPPED, Interrupts
from missions.flying.link import Link, connect
from missions.flying.parameters import Parameters
from missions.flying.preflight import Check, preflight_checks
from missions.flying.preparation import Lists, await_ready, changes, prepare
from missions.flying.progress import FlightStatus
from missions.flying.recorder import Recorder
from missions.flying.takeoff import HEARTBEAT_FRESH_S, TakeOff
from missions.flying.watch import Watch
from missions.items import DO_SET_CAM_TRIGG_DIST, mission_items
from missions.plan import Plan, Sortie
from vision.errors import InputError

Ended = Literal["landed", "aborted", "left", "lost"]

STATUS_S = 0.2
SILENT_S = 30.0
"""Silence that is noted. The vehicle has its own failsafe for it and needs this side not: it is still listened for."""

OVERDUE_FACTOR, OVERDUE_S = 2.0, 300.0
"""Called home after this multiple of the planned flight time and this much more, on the vehicle's clock; and where it
is silent by then, lost."""

HOME_PATIENCE_S = 2.0


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
) -> FlightOutcome:
    """Fly one sortie of `plan` with the vehicle at `url` and record it.

    `confirm` sees the checks before take-off and says whether to fly; where one has failed there is no flight whatever
    it says; after a yes everything is looked at once more. `progress` is called five times a second. Ctrl-C, SIGTERM or
    a closed terminal before the take-off ends it (KeyboardInterrupt, or VehicleError where it was to arm); the first in
    flight calls the vehicle home, the second leaves it to its own failsafes. The parameters that were changed are put
    back after the landing, and where there was no take-off.

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
    with Interrupts() as interrupts:
        link: Link | None = None
        try:
            link = connect(url, recorder.received, recorder.sent)
            outcome = _fly(link, plan, sortie, recorder, confirm, progress, interrupts)
        except VehicleError as error:
            recorder.event("refused", reason=str(error))
            recorder.update(ended="refused", reason=str(error))
            raise
        finally:
            interrupts.raises = False
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
    interrupts: Interrupts,
) -> FlightOutcome:
    items = mission_items(sortie, plan)
    watch = Watch(link, plan, sortie, items, recorder.event)
    parameters = Parameters(link, recorder.event)
    if link.vehicle.armed:
        raise VehicleError("the vehicle is armed already; Picket takes over only a vehicle that stands on the ground")
    take_off = TakeOff(link, watch, interrupts)
    on_ground = True
    try:
        lists = prepare(link, plan, sortie, items, parameters)
        await_ready(link, watch)
        recorder.update(
            vehicle={"system": link.system, "component": link.component, "firmware": link.firmware},
            parameters_before=dict(parameters.before),
        )

        def look() -> list[Check]:
            return _look(link, plan, sortie, lists, watch, recorder)

        _decide(look(), confirm, recorder, interrupts)
        _look_again(look, changes(link, lists, parameters))
        interrupts.raises = False
        if link.vehicle.armed:
            raise VehicleError("somebody else armed the vehicle")
        try:
            on_ground = False
            take_off.go()
        except VehicleError as error:
            recorder.event("take_off_failed", reason=str(error))
            on_ground = take_off.stand_down()
            if on_ground or not take_off.asked_to_arm:
                raise
        outcome = _follow(link, sortie, watch, recorder, progress, interrupts)
        on_ground = not link.vehicle.armed and link.silence_s < HEARTBEAT_FRESH_S
    finally:
        interrupts.raises = False
        if on_ground and link.alive:
            _tidy_up(link, take_off, parameters, recorder, interrupts)
        elif parameters.before:
            recorder.event("parameters_not_restored", names=list(parameters.before))
    return outcome


def _look(link: Link, plan: Plan, sortie: Sortie, lists: Lists, watch: Watch, recorder: Recorder) -> list[Check]:
    checks = preflight_checks(
        link,
        plan,
        sortie,
        stored=tuple(mission_type.words for mission_type in lists),
        fence_enabled=bool(link.parameter("FENCE_ENABLE")),
        vehicle_utc_s=watch.vehicle_utc_s,
    )
    for check in checks:
        recorder.event("check", name=check.name, ok=check.ok, detail=check.detail)
    return checks


def _decide(
    checks: list[Check], confirm: Callable[[list[Check]], bool], recorder: Recorder, interrupts: Interrupts
) -> None:
    try:
        confirmed = confirm(checks)
    except Exception as error:
        # A prompt has its own words for Ctrl-C.
        if interrupts.count:
            raise KeyboardInterrupt(STOPPED) from error
        raise
    _refuse_failed(checks)
    if not confirmed:
        raise VehicleError("not flown: nobody confirmed the take-off")
    recorder.event("confirmed")


def _look_again(look: Callable[[], list[Check]], changed: list[str]) -> None:
    """A person may take their time to say yes, and others may be at the vehicle meanwhile."""
    if changed:
        raise VehicleError("no go: changed since the checks: " + "; ".join(changed))
    _refuse_failed(look())


def _refuse_failed(checks: list[Check]) -> None:
    failed = [check for check in checks if not check.ok]
    if failed:
        raise VehicleError("no go: " + "; ".join(f"{check.name}: {check.detail}" for check in failed))


def _tidy_up(link: Link, take_off: TakeOff, parameters: Parameters, recorder: Recorder, interrupts: Interrupts) -> None:
    """Stop the camera, which a flight called home may have left triggering, and restore the parameters; two interrupts
    end that."""
    try:
        if take_off.asked_to_arm and link.command(DO_SET_CAM_TRIGG_DIST, 0) != 0:
            recorder.event("camera_not_stopped")
    except VehicleError:
        recorder.event("camera_not_stopped")
    lost = parameters.put_back(give_up=lambda: interrupts.count >= 2)
    if lost:
        recorder.event("parameters_not_restored", names=lost)


def _follow(
    link: Link,
    sortie: Sortie,
    watch: Watch,
    recorder: Recorder,
    progress: Callable[[FlightStatus], None],
    interrupts: Interrupts,
) -> FlightOutcome:
    """Watch the flight to its end, calling the vehicle home where a person asks for it or it is overdue."""
    tell = _Teller(progress, recorder)
    called_home, left_auto = "", ""
    obeyed = silent = False
    ended: Ended | None = None
    while ended is None:
        status = watch.status()
        tell(status)
        silence_s = link.silence_s
        if silent is not (silence_s > SILENT_S):
            silent = not silent
            recorder.event("silent" if silent else "heard_again", silence_s=round(silence_s, 1))
        if not link.alive or (silent and _overdue(status.flown_s + silence_s, sortie)):
            ended = "lost"
        elif not status.armed and silence_s < HEARTBEAT_FRESH_S:
            ended = "landed"
        elif interrupts.count >= 2:
            ended = "left"
        elif not called_home and (interrupts.count or _overdue(status.flown_s, sortie)):
            called_home = "called home by the pilot" if interrupts.count else "called home: overdue"
            recorder.event("called_home", reason=called_home)
            obeyed = _call_home(link)
        elif called_home and not obeyed and status.mode in ("AUTO", "GUIDED"):
            obeyed = _call_home(link)
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


def _overdue(flown_s: float, sortie: Sortie) -> bool:
    return flown_s > OVERDUE_FACTOR * sortie.flight_time_s + OVERDUE_S


def _call_home(link: Link) -> bool:
    """RTL; whether the vehicle took it. A connection that closes meanwhile is the caller's next finding."""
    try:
        return link.set_mode("RTL", HOME_PATIENCE_S)
    except VehicleError:
        return False


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
