"""Flies one sortie: prepares the vehicle, asks a person, takes off, watches, and says how it ended.

The mission itself is flown by the autopilot, inside the fence it holds. What is watched for in flight is
`missions.flying.following`'s subject, what is recorded `missions.flying.recorder`'s, the single checks
`missions.flying.preflight`'s, what the vehicle is given `missions.flying.preparation`'s.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from missions.drones import Drone, load_drone
from missions.errors import StoppedError, VehicleError
from missions.flying.following import FlightOutcome, Following, safe_teller
from missions.flying.holding import Holding
from missions.flying.interrupts import STOPPED, Interrupts
from missions.flying.leftovers import left_on_vehicle
from missions.flying.link import CONNECT_TIMEOUT_S, Link, connect
from missions.flying.logs import LOG_FILE, fetch_log
from missions.flying.parameters import Parameters
from missions.flying.preflight import Check, preflight_checks, several_heard
from missions.flying.preparation import await_ready, changes, prepare
from missions.flying.progress import FlightStatus
from missions.flying.protocol import Lists
from missions.flying.recorder import Recorder
from missions.flying.signing import Signing
from missions.flying.takeoff import HEARTBEAT_FRESH_S, TakeOff
from missions.flying.takeup import BRING_IT_DOWN, held_in_the_air, sortie_in_the_air
from missions.flying.waiting import Waiting
from missions.flying.watch import Watch
from missions.items import DO_SET_CAM_TRIGG_DIST, MissionItem, mission_items
from missions.plan import Plan, Sortie
from vision.errors import InputError, VisionError

KNOWN_S = 3.0
"""How long to wait for the vehicle's version and serial number; old firmware has none."""

__all__ = ["FlightOutcome", "fly"]


def fly(
    plan: Plan,
    sortie_number: int,
    url: str,
    recorder: Recorder,
    *,
    confirm: Callable[[list[Check]], bool],
    progress: Callable[[FlightStatus], None],
    tell: Callable[[str], None] = lambda line: None,
    drone: Drone | None = None,
    signing: Signing | None = None,
    interrupts: Interrupts | None = None,
    system: int | None = None,
    lost_after_s: float | None = None,
    answer_s: float = CONNECT_TIMEOUT_S,
    in_the_air: Sequence[Sortie] | None = None,
) -> FlightOutcome:
    """Fly one sortie of `plan` with the vehicle at `url` and record it.

    `confirm` sees the checks before take-off and says whether to fly; where one has failed there is no flight whatever
    it says; after a yes everything is looked at once more. `progress` is called five times a second, `tell` with a line
    for the pilot whenever something happens. Ctrl-C, SIGTERM or a closed terminal before the take-off ends it
    (KeyboardInterrupt, or VehicleError where it was to arm); the first in flight calls the vehicle home, the second
    leaves it to its own failsafes. The parameters that were changed are put back after the landing, and where there was
    no take-off; so are those an earlier flight recorded beside this one had to leave.

    `drone` (by default the catalogue's of the plan's name) gives the battery's reserve and the wind it holds against.
    `signing` and `system` are `missions.flying.link.connect`'s. `interrupts`, where several flights share a process,
    counts what the caller makes of the signals. A vehicle silent for `lost_after_s` is lost; by default once it has
    been gone for longer than the flight can last. One that does not answer within `answer_s` is not there.

    With `in_the_air` a vehicle that is flying already is taken up, where it holds the mission of this sortie or of one
    of those given there: nothing is set, asked or armed; it is watched, recorded and called home like any other, and
    what an earlier flight changed on it is put back after the landing. Without, an armed vehicle is refused.

    `recorder` is left open: images may still be coming. Raises InputError where the plan has no such sortie or `url` is
    no address, VehicleError where the vehicle does not answer, refuses, fails a check or was not confirmed.
    """
    try:
        sortie = plan.sortie(sortie_number)
    except KeyError as error:
        raise InputError("--sortie", str(error.args[0])) from error
    drone = drone or load_drone(plan.drone)
    recorder.update(
        plan=plan.name,
        drone=plan.drone,
        sortie=sortie.number,
        connection=url,
        photos_expected=sortie.photos,
    )
    say = safe_teller(tell, recorder.event)
    with interrupts_of(interrupts) as counted:
        link: Link | None = None
        try:
            link = connect(
                url,
                *(recorder.received, recorder.sent),
                timeout_s=answer_s,
                system=system,
                signing=signing,
                waiting=Waiting(say),
            )
            link.line.note = _line_teller(link, recorder, say)
            flight = _Flight(link, plan, sortie, drone, recorder, counted, confirm, progress, say, lost_after_s)
            outcome = flight.fly(in_the_air)
        except VehicleError as error:
            ended = "interrupted" if isinstance(error, StoppedError) else "refused"
            recorder.event(ended, reason=str(error))
            recorder.update(ended=ended, reason=str(error))
            raise
        except KeyboardInterrupt:
            recorder.event("interrupted", reason=STOPPED)
            recorder.update(ended="interrupted", reason=STOPPED)
            raise
        finally:
            counted.hold()
            if link is not None:
                link.close()
                recorder.update(link=asdict(link.counts))
        recorder.update(**{name: value for name, value in asdict(outcome).items() if name != "photos_expected"})
    return outcome


def interrupts_of(given: Interrupts | None) -> contextlib.AbstractContextManager[Interrupts]:
    """The caller's own count, or one that takes the signals over for the flight."""
    return contextlib.nullcontext(given) if given is not None else Interrupts()


def _line_teller(link: Link, recorder: Recorder, tell: Callable[[str], None]) -> Callable[..., None]:
    """Keeps what becomes of the line, and says so in flight; before, a line that closes is the end of it all."""

    def note(kind: str, **values: Any) -> None:
        recorder.event(kind, **values)
        if kind == "link_closed" and link.line.reopens:
            tell(f"the connection is closed ({values.get('reason')}): the vehicle flies on, it is opened again")
        elif kind == "link_opened":
            tell("the connection is open again")

    return note


@dataclass
class _Flight:
    """The parts of one flight that its steps share."""

    link: Link
    plan: Plan
    sortie: Sortie
    drone: Drone
    recorder: Recorder
    interrupts: Interrupts
    confirm: Callable[[list[Check]], bool]
    progress: Callable[[FlightStatus], None]
    tell: Callable[[str], None]

    lost_after_s: float | None
    missed: bool = False
    """Whether the link lost some of the flight."""

    def fly(self, in_the_air: Sequence[Sortie] | None) -> FlightOutcome:
        link, recorder = self.link, self.recorder
        link.wait_for_answer(self._waiting())
        link.wait(lambda: link.known, KNOWN_S)
        recorder.update(
            vehicle={
                "system": link.system,
                "component": link.component,
                "firmware": link.firmware,
                "identity": link.identity,
            }
        )
        flying = bool(link.vehicle.armed)
        if flying:
            if in_the_air is None:
                raise VehicleError(f"the vehicle is armed already: {BRING_IT_DOWN}")
            self.sortie = sortie_in_the_air(link, self.plan, [self.sortie, *in_the_air])
            self.interrupts.hold()
        items = mission_items(self.sortie, self.plan)
        watch = Watch(link, self.plan, self.sortie, items, recorder.event)
        parameters = Parameters(link, recorder.event)
        parameters.adopt(left_on_vehicle(recorder.folder, link.identity), self.tell)
        take_off = TakeOff(link, watch, self.interrupts)
        on_ground = not flying
        try:
            if flying:
                holding = self._take_up(watch)
            else:
                holding = self._prepare(items, watch, parameters)
                on_ground = False
                try:
                    take_off.go()
                except VehicleError as error:
                    recorder.event("take_off_failed", reason=str(error))
                    on_ground = take_off.stand_down()
                    if on_ground or not take_off.asked_to_arm:
                        raise
            outcome = self._follow(items, watch, holding)
            on_ground = not link.vehicle.armed and link.silence_s < HEARTBEAT_FRESH_S
        finally:
            self.interrupts.hold()
            lost = list(parameters.before)
            if on_ground and link.alive:
                lost = self._tidy_up(take_off, parameters)
                if self.missed:
                    self._fetch_log()
            if lost:
                recorder.event("parameters_not_restored", names=lost)
                self.tell(f"not put back on the vehicle: {', '.join(lost)}; {self._who_puts_back()}")
        return outcome

    def _who_puts_back(self) -> str:
        if self.link.identity:
            return "the next flight recorded beside this one does it"
        return "it says no serial number, so that is yours to do: events.jsonl has what they were"

    def _waiting(self) -> Callable[[str], None]:
        """Says what is waited for, and ends the wait where a person stops it or several vehicles are heard."""
        waiting = Waiting(self.tell)

        def wait(what: str) -> None:
            self.interrupts.check()
            if several := several_heard(self.link):
                raise VehicleError(several)
            waiting(what)

        return wait

    def _take_up(self, watch: Watch) -> Holding:
        """Watch a vehicle that is flying this sortie already; what it holds of the plan."""
        self.link.line.reopens = True
        self.missed = True
        self.recorder.update(sortie=self.sortie.number, photos_expected=self.sortie.photos, takes_up=True)
        watch.attach()
        self.tell(
            f"the vehicle is in the air with the mission of sortie {self.sortie.number}: taken up, watched and "
            "recorded until it has landed; Ctrl-C calls it home"
        )
        return held_in_the_air(self.link, self.plan, self.sortie, self.drone, self.recorder.event, self.tell)

    def _prepare(self, items: Sequence[MissionItem], watch: Watch, parameters: Parameters) -> Holding:
        """Everything before the take-off: what the vehicle is given, the checks, a person's word, the checks again.
        What the vehicle holds then."""
        self.interrupts.check()
        lists = prepare(self.link, self.plan, self.sortie, self.drone, items, parameters, self._waiting())
        await_ready(self.link, watch, self._waiting())
        self.recorder.update(parameters_before=dict(parameters.before))
        self._decide(self._look(lists, watch))
        self._look_again(lists, watch, parameters)
        self.interrupts.hold()
        if self.link.vehicle.armed:
            raise VehicleError("somebody else armed the vehicle")
        self.link.line.reopens = True
        return Holding(self.link, lists, parameters.wanted, self.recorder.event)

    def _follow(self, items: Sequence[MissionItem], watch: Watch, holding: Holding) -> FlightOutcome:
        following = Following(
            *(self.link, self.sortie, items, watch, holding, self.recorder, self.interrupts),
            drone=self.drone,
            progress=self.progress,
            tell=self.tell,
            lost_after_s=self.lost_after_s,
        )
        outcome = following.follow()
        self.missed = self.missed or following.missed
        return outcome

    def _look(self, lists: Lists, watch: Watch) -> list[Check]:
        checks = preflight_checks(
            self.link,
            self.plan,
            self.sortie,
            drone=self.drone,
            recorder=self.recorder,
            watch=watch,
            stored=tuple(mission_type.words for mission_type in lists),
            fence_enabled=bool(self.link.parameter("FENCE_ENABLE")),
        )
        for check in checks:
            self.recorder.event("check", name=check.name, ok=check.ok, detail=check.detail)
        return checks

    def _decide(self, checks: list[Check]) -> None:
        try:
            confirmed = self.confirm(checks)
        except EOFError:
            confirmed = False
        except Exception as error:
            # A prompt has its own words for Ctrl-C.
            if self.interrupts.count:
                raise KeyboardInterrupt(STOPPED) from error
            raise
        self._refuse_failed(checks)
        self.interrupts.check()
        if not confirmed:
            raise VehicleError("not flown: nobody confirmed the take-off")
        self.recorder.event("confirmed")

    def _look_again(self, lists: Lists, watch: Watch, parameters: Parameters) -> None:
        """A person may take their time to say yes, and others may be at the vehicle meanwhile."""
        changed = changes(self.link, lists, parameters)
        if changed:
            raise VehicleError("no go: changed since the checks: " + "; ".join(changed))
        self._refuse_failed(self._look(lists, watch))

    def _refuse_failed(self, checks: list[Check]) -> None:
        failed = [f"{check.name}: {check.detail}" for check in checks if not check.ok]
        if failed:
            self.recorder.update(no_go=failed)
            raise VehicleError("no go: " + "; ".join(failed))

    def _tidy_up(self, take_off: TakeOff, parameters: Parameters) -> list[str]:
        """Stop the camera, which a flight called home may have left triggering, and restore the parameters; two
        interrupts end that. The names of those that could not be restored."""
        try:
            if take_off.asked_to_arm and self.link.command(DO_SET_CAM_TRIGG_DIST, 0) != 0:
                self.recorder.event("camera_not_stopped")
        except VehicleError:
            self.recorder.event("camera_not_stopped")
        return parameters.put_back(give_up=lambda: self.interrupts.count >= 2)

    def _fetch_log(self) -> None:
        """Get what the link lost from the vehicle's own log; Ctrl-C ends that."""
        self.tell("the link missed some of the flight: getting the vehicle's own log (Ctrl-C: not now)")
        pressed = self.interrupts.count
        try:
            size = fetch_log(self.link, self.recorder.folder / LOG_FILE, lambda: self.interrupts.count > pressed)
        except (VehicleError, VisionError) as error:
            self.recorder.event("log_not_fetched", reason=str(error))
            self.tell(f"not fetched ({error}); bring it in later with `picket ingest FLIGHT --log FILE`")
        else:
            self.recorder.event("log_fetched", bytes=size)
