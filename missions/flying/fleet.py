"""Several vehicles flown at once, each its own sortie, kept apart: one decision, one person, one record each.

Every vehicle is flown by `missions.flying.flight` in a thread of its own, on a line of its own, and only ever talks to
the system id it was given. Nobody takes off before all are checked and one person has said yes to all; the signals
that reach this process reach every flight. Which sortie is whose, and when each may start, is the caller's.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from missions.drones import Drone
from missions.errors import MissionError, StoppedError, VehicleError
from missions.flying.flight import FlightOutcome, fly
from missions.flying.interrupts import STOPPED, Interrupts
from missions.flying.link import CONNECT_TIMEOUT_S
from missions.flying.preflight import Check
from missions.flying.progress import FlightStatus
from missions.flying.recorder import Recorder
from missions.flying.sharing import shared_line
from missions.flying.signing import Signing
from missions.flying.transport import address_of
from missions.plan import Plan
from vision.errors import InputError

POLL_S = 0.1
NOT_FLOWN = f"not flown: {STOPPED}"


@dataclass(frozen=True)
class Member:
    """One vehicle of a fleet: its MAVLink system id, where it is to be had, its sortie, and when it may take off, in
    seconds on the fleet's clock, which every other vehicle's take-off sets by that vehicle's own `start_s`."""

    system: int
    url: str
    sortie: int
    start_s: float = 0.0


def check_members(members: Sequence[Member]) -> None:
    """Raises InputError where two of them cannot be told apart, or an address is none."""
    for what, values in (
        ("system id", [member.system for member in members]),
        ("sortie", [member.sortie for member in members]),
    ):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            raise InputError("--drone", f"two drones have {what} {twice[0]}; each needs its own")
    for member in members:
        if not 1 <= member.system <= 254:
            raise InputError("--drone", f"{member.system} is no system id of a vehicle; they go from 1 to 254")
        address_of(member.url)


@dataclass
class _Together:
    """What the flights of a fleet wait for together."""

    members: Sequence[Member]
    condition: threading.Condition = field(default_factory=threading.Condition)
    checks: dict[int, list[Check]] = field(default_factory=dict)
    ended: dict[int, FlightOutcome | BaseException] = field(default_factory=dict)
    flown_s: dict[int, float] = field(default_factory=dict)
    refusal: VehicleError | None = None
    decided: bool = False

    def all_checked(self) -> bool:
        return len(self.checks.keys() | self.ended.keys()) == len(self.members)

    def may_start(self, member: Member) -> bool:
        """Once every vehicle meant to start earlier has flown for as long as it is to be ahead, or is down again.
        Raises VehicleError where one of them is still in the air and nobody hears how far ahead it is."""
        for other in self.members:
            if other.start_s >= member.start_s or self.flown_s.get(other.system, 0.0) >= member.start_s - other.start_s:
                continue
            outcome = self.ended.get(other.system)
            if outcome is None:
                return False
            if isinstance(outcome, FlightOutcome) and outcome.ended in ("left", "lost"):
                raise VehicleError(f"not started: drone {other.system} is still in the air, and nobody hears where")
        return True


def fly_fleet(
    plans: Mapping[int, Plan],
    members: Sequence[Member],
    recorders: Mapping[int, Recorder],
    *,
    confirm: Callable[[Mapping[int, list[Check]]], bool],
    progress: Callable[[int, FlightStatus], None],
    tell: Callable[[int, str], None],
    drone: Drone | None = None,
    signing: Signing | None = None,
    lost_after_s: float | None = None,
    answer_s: float = CONNECT_TIMEOUT_S,
) -> dict[int, FlightOutcome | MissionError]:
    """Fly one sortie with each vehicle at once and record each; how each ended, by system id, or why it did not fly.

    `plans` are what each holds, by system id: the same but for the rally points and the height of the way home.
    `confirm` sees the checks of all vehicles, by system id, and answers for all; where one check of one vehicle has
    failed, or a vehicle is not to be had, none takes off. `progress` and `tell` are called from the flights' threads.
    Ctrl-C, SIGTERM or a closed terminal stops all before the take-off, later calls all home; the second leaves them to
    their own failsafes; a vehicle that was stopped before its take-off has a StoppedError. Raises InputError where the
    members cannot be told apart. `answer_s` is how long each vehicle has to answer at first.
    """
    check_members(members)
    together = _Together(members)
    presses = {member.system: Interrupts() for member in members}
    with contextlib.ExitStack() as stack:
        signals = stack.enter_context(Interrupts())
        signals.hold()
        urls = stack.enter_context(_own_lines(members))

        def one(member: Member) -> None:
            outcome: FlightOutcome | BaseException
            try:
                outcome = fly(
                    plans[member.system],
                    member.sortie,
                    urls[member.system],
                    recorders[member.system],
                    confirm=lambda checks: _wait_for_all(together, member, presses[member.system], checks),
                    progress=lambda status: _heard(together, member, status, progress),
                    tell=lambda line: tell(member.system, line),
                    drone=drone,
                    signing=signing,
                    interrupts=presses[member.system],
                    system=member.system,
                    lost_after_s=lost_after_s,
                    answer_s=answer_s,
                )
            except BaseException as error:
                # Whatever it is, it must not leave the others waiting; it is raised from the main thread.
                outcome = error
            with together.condition:
                together.ended[member.system] = outcome
                together.condition.notify_all()

        threads = [
            threading.Thread(target=one, args=(member,), name=f"drone {member.system}", daemon=True)
            for member in members
        ]
        for thread in threads:
            thread.start()
        failed = _lead(together, signals, presses, confirm)
        for thread in threads:
            thread.join()
    if failed is not None:
        raise failed
    return _results(together)


@contextlib.contextmanager
def _own_lines(members: Sequence[Member]) -> Iterator[dict[int, str]]:
    """An address for each vehicle that is its alone, by system id: lines that several share are opened once."""
    users: dict[str, list[int]] = {}
    for member in members:
        users.setdefault(member.url, []).append(member.system)
    with contextlib.ExitStack() as stack:
        urls: dict[int, str] = {}
        for url, systems in users.items():
            if len(systems) > 1 and address_of(url).kind != "tcp":
                urls |= stack.enter_context(shared_line(url, systems))
            else:
                urls |= dict.fromkeys(systems, url)
        yield urls


def _heard(
    together: _Together, member: Member, status: FlightStatus, progress: Callable[[int, FlightStatus], None]
) -> None:
    together.flown_s[member.system] = status.flown_s
    progress(member.system, status)


def _wait_for_all(together: _Together, member: Member, presses: Interrupts, checks: list[Check]) -> bool:
    """The answer for this vehicle, once there is one for all and it may start. In its flight's thread."""
    with together.condition:
        together.checks[member.system] = checks
        together.condition.notify_all()
        together.condition.wait_for(lambda: together.decided)
        if together.refusal is not None:
            raise type(together.refusal)(str(together.refusal))
        while not together.may_start(member):
            presses.check()
            together.condition.wait(POLL_S)
    return True


def _lead(
    together: _Together,
    signals: Interrupts,
    presses: Mapping[int, Interrupts],
    confirm: Callable[[Mapping[int, list[Check]]], bool],
) -> Exception | None:
    """Ask once all are checked, then pass the signals on until all flights have ended; what failed in the asking."""
    passed = 0
    failed: Exception | None = None
    while True:
        with together.condition:
            together.condition.wait(POLL_S)
            if len(together.ended) == len(together.members):
                return failed
            asking = together.all_checked() and not together.decided
        if asking:
            refusal, failed = _decide(together, signals, confirm)
            with together.condition:
                together.refusal, together.decided = refusal, True
                together.condition.notify_all()
        for _ in range(passed, signals.count):
            for one in presses.values():
                one.press()
        passed = signals.count
        if passed and not together.decided:
            with together.condition:
                together.refusal, together.decided = StoppedError(NOT_FLOWN), True
                together.condition.notify_all()


def _decide(
    together: _Together, signals: Interrupts, confirm: Callable[[Mapping[int, list[Check]]], bool]
) -> tuple[VehicleError | None, Exception | None]:
    """Why nobody flies (None: they do), and what failed in the asking."""
    absent = sorted(together.ended)
    if absent:
        return VehicleError(f"not flown: drone {absent[0]} is not ready"), None
    signals.raises = True
    try:
        confirmed = confirm(dict(sorted(together.checks.items())))
    except EOFError:
        confirmed = False
    except KeyboardInterrupt:
        return StoppedError(NOT_FLOWN), None
    except Exception as error:
        return StoppedError(NOT_FLOWN), None if signals.count else error
    finally:
        signals.hold()
    failed = [system for system, checks in together.checks.items() if not all(check.ok for check in checks)]
    if failed:
        return VehicleError(f"not flown: no go for drone {min(failed)}"), None
    return (None if confirmed else VehicleError("not flown: nobody confirmed the take-off")), None


def _results(together: _Together) -> dict[int, FlightOutcome | MissionError]:
    results: dict[int, FlightOutcome | MissionError] = {}
    for system, ended in sorted(together.ended.items()):
        if isinstance(ended, KeyboardInterrupt):
            results[system] = StoppedError(NOT_FLOWN)
        elif isinstance(ended, FlightOutcome | MissionError):
            results[system] = ended
        else:
            raise ended
    return results
