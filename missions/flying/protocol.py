"""The MAVLink mission protocol as two state machines, one that stores a list on a vehicle and one that reads it back.

Pure: no socket, no clock, no MAVLink library. Messages go in and come out as the values below, the time in seconds is
passed in; `missions.flying.link` translates and waits. The same machines serve missions, fences and rally points. A
list that was stored has to be read back and compared (`differences`), because an acknowledgement only says that
something was accepted. Source: mavlink.io/en/services/mission.html, and what ArduPilot 4.5 does where it differs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from missions import items as commands
from missions.items import MissionItem


class MissionType(IntEnum):
    """Which of the vehicle's three lists."""

    MISSION = 0
    FENCE = 1
    RALLY = 2

    @property
    def words(self) -> str:
        """The list's name in a sentence."""
        return ("mission", "fence", "rally points")[self]


Lists = Mapping[MissionType, Sequence[MissionItem]]
"""What a vehicle is given, list by list."""


@dataclass(frozen=True)
class Count:
    """How many items there are: starts an upload, answers a RequestList."""

    count: int


@dataclass(frozen=True)
class RequestList:
    """Asks for the Count; starts a download."""


@dataclass(frozen=True)
class Request:
    """Asks for one item."""

    sequence: int


@dataclass(frozen=True)
class Item:
    """One item of the list."""

    sequence: int
    item: MissionItem


@dataclass(frozen=True)
class Acknowledge:
    """Ends a transfer; `result` is a MAV_MISSION_RESULT, 0 = accepted."""

    result: int


Message = Count | RequestList | Request | Item | Acknowledge

ACCEPTED = 0
ERROR = 1
INVALID_SEQUENCE = 13
OPERATION_CANCELLED = 15
REASONS = {
    ERROR: "error",
    2: "frame of coordinates not supported",
    3: "command not supported",
    4: "no space for so many items",
    5: "invalid item",
    **{number: f"invalid parameter {number - 5}" for number in range(6, 10)},
    10: "invalid latitude",
    11: "invalid longitude",
    12: "invalid height",
    INVALID_SEQUENCE: "item out of sequence",
    14: "denied (flying, or another ground station is writing)",
    OPERATION_CANCELLED: "cancelled by the vehicle",
}
"""MAV_MISSION_RESULT in words."""

RETRY_S = 1.5
"""Silence after which a message is sent again. ArduPilot itself asks again after about 1 s."""

VEHICLE_SILENT_S = 5.0
"""Silence in the middle of an upload after which it begins again: the vehicle has missed several of its own turns."""

ATTEMPTS = 10
"""How often silence is answered before giving up: in a row when reading, in all when storing. On a link that loses a
fifth of all messages both ways a list of fifty items is then read but for one time in five hundred."""

_OF_ANOTHER_TRANSFER = (ACCEPTED, ERROR, INVALID_SEQUENCE, OPERATION_CANCELLED)
"""Results that, while a list is read, may answer a doubled or late item of the upload before."""

SETBACKS = 2
"""So often an upload begins again that the vehicle has answered with a mere error."""


class _Transfer:
    """What both directions share: the retry clock and the way a transfer ends."""

    def __init__(self, mission_type: MissionType) -> None:
        self.mission_type = mission_type
        self.done = False
        self.failure: str | None = None
        self._deadline_s = math.inf
        self._attempts_left = ATTEMPTS

    @property
    def ended(self) -> bool:
        """True once the transfer is done or has failed."""
        return self.done or self.failure is not None

    def _fail(self, reason: str) -> list[Message]:
        self.failure = reason
        return []

    def _out_of_patience(self, now_s: float) -> bool:
        """True when it is time to send again; marks the transfer as failed when that was done often enough."""
        if self.ended or now_s < self._deadline_s:
            return False
        self._deadline_s = now_s + RETRY_S
        self._attempts_left -= 1
        if self._attempts_left <= 0:
            self.failure = f"no answer about the {self.mission_type.words}{self._place()}"
        return not self.ended

    def _place(self) -> str:
        return ""


class Upload(_Transfer):
    """Stores a list on the vehicle, which asks for the items one by one.

    `start`, `receive` and `tick` return the messages to send now. The vehicle drives: it repeats a request whose answer
    was lost, so an item is sent only when asked for. Where it falls silent the transfer begins again from the count,
    which also finds out whether only the last acknowledgement was lost.
    """

    def __init__(self, items: Sequence[MissionItem], mission_type: MissionType) -> None:
        super().__init__(mission_type)
        self._items = tuple(items)
        self._asked: set[int] = set()
        self._erred = False
        self._setbacks = 0

    def start(self, now_s: float) -> list[Message]:
        """The count, with the retry clock set."""
        self._deadline_s = now_s + RETRY_S
        return self._count()

    def receive(self, message: Message, now_s: float) -> list[Message]:
        """Answer the vehicle. Messages that do not belong to this upload, late or doubled, change nothing."""
        if self.ended:
            return []
        if isinstance(message, Request) and 0 <= message.sequence < len(self._items):
            self._asked.add(message.sequence)
            self._deadline_s = now_s + VEHICLE_SILENT_S
            return [Item(message.sequence, self._items[message.sequence])]
        if isinstance(message, Acknowledge):
            return self._acknowledged(message.result, now_s)
        return []

    def tick(self, now_s: float) -> list[Message]:
        """The count again, where the vehicle has been silent or at a loss too long."""
        if not self._out_of_patience(now_s):
            return []
        if self._erred:
            self._setbacks += 1
            if self._setbacks > SETBACKS:
                return self._fail(self._refusal(ERROR))
        return self._count()

    def _count(self) -> list[Message]:
        self._asked.clear()
        self._erred = False
        return [Count(len(self._items))]

    def _acknowledged(self, result: int, now_s: float) -> list[Message]:
        if result == ACCEPTED:
            # Before the last item was asked for it can only be the echo of an earlier transfer.
            self.done = len(self._asked) == len(self._items)
            return []
        if result in (INVALID_SEQUENCE, OPERATION_CANCELLED):
            # The answer to a doubled item, or the vehicle's own time-out: silence or its next request decides.
            return []
        if result == ERROR:
            # ArduPilot says so to every item that comes after it has stopped waiting for one: then it begins again.
            self._erred = True
            self._deadline_s = min(self._deadline_s, now_s + RETRY_S)
            return []
        return self._fail(self._refusal(result))

    def _refusal(self, result: int) -> str:
        reason = REASONS.get(result, f"code {result}")
        return f"the vehicle refused the {self.mission_type.words}{self._place()}: {reason}"

    def _place(self) -> str:
        return f" at item {max(self._asked)} of {len(self._items)}" if self._asked else ""


class Download(_Transfer):
    """Reads a list from the vehicle: asks for the count, then for each item until none is missing.

    `start`, `receive` and `tick` return the messages to send now; `items` is the list once `done`.
    """

    def __init__(self, mission_type: MissionType) -> None:
        super().__init__(mission_type)
        self._count: int | None = None
        self._received: dict[int, MissionItem] = {}

    @property
    def items(self) -> tuple[MissionItem, ...]:
        """The items in order; complete once `done`."""
        return tuple(self._received[sequence] for sequence in sorted(self._received))

    def start(self, now_s: float) -> list[Message]:
        """The question for the list, with the retry clock set."""
        self._deadline_s = now_s + RETRY_S
        return [RequestList()]

    def receive(self, message: Message, now_s: float) -> list[Message]:
        """Take what the vehicle sends, in any order and however often, and ask for what is missing."""
        if self.ended:
            return []
        if isinstance(message, Count) and message.count != self._count:
            self._count = message.count
            self._received.clear()
            return self._next(now_s)
        if isinstance(message, Item) and self._count is not None and 0 <= message.sequence < self._count:
            if message.sequence in self._received:
                return []
            self._received[message.sequence] = message.item
            return self._next(now_s)
        if isinstance(message, Acknowledge) and message.result not in _OF_ANOTHER_TRANSFER:
            return self._fail(
                f"the vehicle does not give out its {self.mission_type.words}: "
                f"{REASONS.get(message.result, f'code {message.result}')}"
            )
        return []

    def tick(self, now_s: float) -> list[Message]:
        """The last question again, where the vehicle has been silent too long."""
        if not self._out_of_patience(now_s):
            return []
        return [RequestList()] if self._count is None else [Request(self._first_missing())]

    def _next(self, now_s: float) -> list[Message]:
        self._deadline_s = now_s + RETRY_S
        self._attempts_left = ATTEMPTS
        if len(self._received) == self._count:
            self.done = True
            return [Acknowledge(ACCEPTED)]
        return [Request(self._first_missing())]

    def _first_missing(self) -> int:
        return next(sequence for sequence in range(len(self._received) + 1) if sequence not in self._received)

    def _place(self) -> str:
        return "" if self._count is None else f" at item {self._first_missing()} of {self._count}"


_KEPT_PARAMS: dict[int, tuple[int, ...]] = {
    commands.NAV_WAYPOINT: (0,),
    commands.NAV_TAKEOFF: (),
    commands.NAV_LAND: (),
    commands.NAV_RETURN_TO_LAUNCH: (),
    commands.DO_CHANGE_SPEED: (0, 1),
    commands.DO_MOUNT_CONTROL: (0, 1, 2),
    commands.DO_SET_CAM_TRIGG_DIST: (0, 2),
    commands.NAV_FENCE_POLYGON_VERTEX_INCLUSION: (0,),
    commands.NAV_FENCE_POLYGON_VERTEX_EXCLUSION: (0,),
    commands.NAV_RALLY_POINT: (),
}
"""Which of an item's four parameters ArduPilot stores, by command; it gives the others back as zero."""

_PLACED = {
    commands.NAV_WAYPOINT,
    commands.NAV_FENCE_POLYGON_VERTEX_INCLUSION,
    commands.NAV_FENCE_POLYGON_VERTEX_EXCLUSION,
    commands.NAV_RALLY_POINT,
}
"""Commands whose latitude and longitude matter. (Copter takes off and returns from where it is.)"""

_HEIGHTED = {commands.NAV_WAYPOINT, commands.NAV_TAKEOFF, commands.NAV_RALLY_POINT}
"""Commands whose height, and so the frame it is measured in, matters."""

_INTEGER_FRAMES = {5: 0, 6: 3, 11: 10}
_DEGREE_STEPS = 1e7
_HEIGHT_TOLERANCE_M = 0.011
_RALLY_HEIGHT_STEP_M = 1.0
_PARAM_TOLERANCE = 1e-4


def differences(sent: Sequence[MissionItem], stored: Sequence[MissionItem], mission_type: MissionType) -> list[str]:
    """What the vehicle holds otherwise than it was given, one sentence each; empty where they agree.

    Item 0 of a mission is the vehicle's home and not compared. Degrees must agree to MAVLink's 1e-7 (one step for
    rounding), heights to the centimetre ArduPilot stores (rally points: whole metres), parameters to float32.
    """
    if len(sent) != len(stored):
        return [f"the {mission_type.words}: {len(sent)} items sent, {len(stored)} stored"]
    first = 1 if mission_type is MissionType.MISSION else 0
    found = []
    for sequence in range(first, len(sent)):
        found += [
            f"the {mission_type.words}, item {sequence}: {text}"
            for text in item_differences(sent[sequence], stored[sequence])
        ]
    return found


def item_differences(sent: MissionItem, stored: MissionItem) -> list[str]:
    """What the vehicle holds otherwise in one item, in words; `differences` says within what tolerances."""
    if sent.command != stored.command:
        return [f"command {sent.command} sent, {stored.command} stored"]
    pairs: list[tuple[str, float, float, float]] = []
    if sent.command in _PLACED:
        pairs += [
            ("latitude", sent.lat_deg, stored.lat_deg, 1.5 / _DEGREE_STEPS),
            ("longitude", sent.lon_deg, stored.lon_deg, 1.5 / _DEGREE_STEPS),
        ]
    if sent.command in _HEIGHTED:
        height_tolerance_m = _RALLY_HEIGHT_STEP_M if sent.command == commands.NAV_RALLY_POINT else _HEIGHT_TOLERANCE_M
        pairs += [
            ("frame", _plain_frame(sent), _plain_frame(stored), 0.0),
            ("height", sent.alt_m, stored.alt_m, height_tolerance_m),
        ]
    for index in _KEPT_PARAMS.get(sent.command, (0, 1, 2, 3)):
        tolerance = _PARAM_TOLERANCE * max(1.0, abs(sent.params[index]))
        if not math.isnan(sent.params[index]):
            pairs.append((f"parameter {index + 1}", sent.params[index], stored.params[index], tolerance))
    return [f"{name} {a:.10g} sent, {b:.10g} stored" for name, a, b, tolerance in pairs if not abs(a - b) <= tolerance]


def _plain_frame(item: MissionItem) -> int:
    return _INTEGER_FRAMES.get(item.frame, item.frame)
