"""Whether a flying vehicle still holds what it was given: mission, fence, rally points, parameters, and its home.

Any ground station can change them in flight. ArduPilot tells everyone of a new mission, parameter or home in one
message, which a link may lose, and of a new fence or new rally points not at all. So all of it is asked for again and
again, an item at a time, and where one differs that list is read whole. What then is `missions.flying.faults`' subject.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from missions.errors import VehicleError
from missions.flying.link import Link, same_value
from missions.flying.progress import distance_m
from missions.flying.protocol import Lists, MissionType, differences, item_differences
from missions.flying.transfers import item_of
from missions.plan import Position

_MISSION_RECEIVED = "Flight plan received"
"""What ArduPilot says to everyone when a mission was stored."""


class Holding:
    """What one vehicle was given, and what is known of it since. Its listeners run in the line's thread."""

    def __init__(
        self,
        link: Link,
        lists: Lists,
        parameters: Mapping[str, float],
        note: Callable[..., None] = lambda *_, **__: None,
    ) -> None:
        """The vehicle holds these `lists` and `parameters` (by name) now. `note(kind, **values)` is told."""
        self._link = link
        self._lists = {mission_type: tuple(items) for mission_type, items in lists.items()}
        self._parameters = dict(parameters)
        self._note = note
        self._doubts: dict[MissionType, str] = {}
        self._changed: dict[MissionType, str] = {}
        self._others: dict[str, float] = {}
        self._total: int | None = None
        self._home: Any = None
        lists_but_the_mission = [kind for kind in self._lists if kind is not MissionType.MISSION]
        self._turns: tuple[Iterator[Callable[[], None]], ...] = (
            itertools.cycle(self._questions([MissionType.MISSION])),
            itertools.cycle(
                [
                    *self._questions(lists_but_the_mission),
                    *(partial(link.send, "param_request_read", name.encode(), -1) for name in self._parameters),
                    link.ask_about_itself,
                ]
            ),
        )
        for name, listener in (
            ("STATUSTEXT", self._hear_text),
            ("MISSION_CURRENT", self._hear_current),
            ("MISSION_COUNT", self._hear_count),
            ("MISSION_ITEM_INT", self._hear_item),
            ("PARAM_VALUE", self._hear_parameter),
        ):
            link.vehicle.add_message_listener(name, listener)

    def _questions(self, kinds: Sequence[MissionType]) -> Iterator[Callable[[], None]]:
        """What to ask of these lists: how many items there are, and each; item 0 of a mission is the vehicle's home."""
        for kind in kinds:
            if kind in self._lists:
                yield partial(self._link.send, "mission_request_list", kind)
                for number in range(int(kind is MissionType.MISSION), len(self._lists[kind])):
                    yield partial(self._link.send, "mission_request_int", number, kind)

    def ask(self) -> None:
        """Ask for the next item of the mission and for the next of everything else; for once a second."""
        for turn in self._turns:
            question = next(turn, None)
            if question is not None:
                question()

    def check(self, give_up: Callable[[], bool]) -> None:
        """Read the lists that may have been changed. Where `give_up` ends that the doubt stays."""
        for kind, doubt in list(self._doubts.items()):
            try:
                found = differences(self._lists[kind], self._link.read(kind, give_up), kind)
            except VehicleError as error:
                if give_up():
                    return
                found = [f"{doubt}, and it cannot be read: {error}"]
            self._doubts.pop(kind, None)
            if found:
                self._changed[kind] = found[0]
            else:
                self._changed.pop(kind, None)
                self._note(f"{kind.name.lower()}_stored_again", doubt=doubt)

    def fix_home(self) -> None:
        """From now on home is where it is: the vehicle itself sets it for the last time when it is armed."""
        self._home = self._link.vehicle.home_location

    @property
    def changed_lists(self) -> dict[MissionType, str]:
        """The lists that are others by now, and the first difference of each, in words."""
        return dict(self._changed)

    @property
    def parameter_changes(self) -> tuple[str, ...]:
        """The parameters that have another value by now, in words."""
        return tuple(
            f"{name} is {value:g} instead of {self._parameters[name]:g}" for name, value in list(self._others.items())
        )

    @property
    def home_moved_m(self) -> float:
        """How far home is from where it was fixed, heights included."""
        now = self._link.vehicle.home_location
        if self._home is None or now is None:
            return 0.0
        beside_m = distance_m(Position(self._home.lat, self._home.lon), Position(now.lat, now.lon))
        return math.hypot(beside_m, now.alt - self._home.alt)

    def _doubt(self, kind: MissionType, why: str) -> None:
        if kind in self._lists and kind not in self._changed:
            self._doubts[kind] = why

    def _hear_text(self, _vehicle: Any, _name: str, message: Any) -> None:
        if message.text.strip() == _MISSION_RECEIVED:
            self._changed.pop(MissionType.MISSION, None)
            self._doubt(MissionType.MISSION, "a mission was stored on the vehicle in flight")

    def _hear_current(self, _vehicle: Any, _name: str, message: Any) -> None:
        """Newer firmware says here how many items it holds, not counting as MISSION_COUNT does."""
        if self._total not in (None, message.total):
            self._doubt(
                MissionType.MISSION, f"the vehicle's mission has {message.total} items instead of {self._total}"
            )
        self._total = message.total

    def _hear_count(self, _vehicle: Any, _name: str, message: Any) -> None:
        items = self._of(message)
        if items is not None and message.count != len(items):
            kind = MissionType(message.mission_type)
            self._doubt(kind, f"the vehicle's {kind.words}: {message.count} items instead of {len(items)}")

    def _hear_item(self, _vehicle: Any, _name: str, message: Any) -> None:
        items = self._of(message)
        first = int(message.mission_type == MissionType.MISSION)
        if items is None or not first <= message.seq < len(items):
            return
        found = item_differences(items[message.seq], item_of(message))
        if found:
            kind = MissionType(message.mission_type)
            self._doubt(kind, f"the {kind.words}, item {message.seq}: {found[0]}")

    def _of(self, message: Any) -> tuple[Any, ...] | None:
        """The list a message is about, as it was given; None where it is about none."""
        return self._lists.get(message.mission_type)

    def _hear_parameter(self, _vehicle: Any, _name: str, message: Any) -> None:
        """ArduPilot tells every ground station of a parameter that one of them sets."""
        wanted = self._parameters.get(message.param_id)
        if wanted is None:
            return
        if same_value(wanted, message.param_value):
            self._others.pop(message.param_id, None)
        else:
            self._others[message.param_id] = float(message.param_value)
