"""The mission protocol as ArduPilot speaks it, for mission, fence and rally (mission_type 0, 1, 2).

COUNT is answered with MISSION_REQUEST (never _INT); ITEM_INT and ITEM are both taken; the last one is answered with
MISSION_ACK. A request is sent again after 1 s without an item, and 8 s without one end the transfer. A list is written
whole at the end of its transfer: until then, and after one that broke off, the old one stands. (ArduPilot cuts a
mission off at COUNT and writes item by item; half a mission is no way to practise.) The clock here is the ground's, not
the simulated one: a ground station needs its seconds to answer however fast the world runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pymavlink.dialects.v20 import ardupilotmega as mavlink
from pymavlink.dialects.v20.ardupilotmega import MAVLink_message as Message

from sim.vehicle import storage
from sim.vehicle.storage import Item, Storage

REPEAT_S = 1.0
TIMEOUT_S = 8.0


class Link(Protocol):
    """One ground station's connection."""

    def send(self, message: Message) -> None:
        """Queue one message to it."""


@dataclass
class Upload:
    """A transfer from the ground under way."""

    link: Link
    system: int
    component: int
    count: int
    next_index: int
    requested_s: float
    heard_s: float
    items: list[Item] = field(default_factory=list)
    rest: list[Item] = field(default_factory=list)

    def comes_from(self, message: Message, link: Link) -> bool:
        """True where `message` is from the ground station that began this transfer."""
        source = (message.get_srcSystem(), message.get_srcComponent())
        return self.link is link and source == (self.system, self.component)


class ItemService:
    """Serves the three lists to any number of links; at most one upload of each at a time."""

    def __init__(self, store: Storage, say: Callable[[int, str], None], stored: Callable[[int], None]) -> None:
        """`say(severity, text)` sends a STATUSTEXT; `stored(mission_type)` is called after a list has changed."""
        self._store = store
        self._say = say
        self._stored = stored
        self._uploads: dict[int, Upload] = {}

    def handle(self, message: Message, link: Link, now_s: float) -> bool:
        """Take one message of the protocol; False where it is none."""
        name = message.get_type()
        if name == "MISSION_COUNT":
            self._count(message, link, now_s)
        elif name in ("MISSION_ITEM", "MISSION_ITEM_INT"):
            self._item(message, link, now_s)
        elif name == "MISSION_REQUEST_LIST":
            self._list(message, link)
        elif name in ("MISSION_REQUEST", "MISSION_REQUEST_INT"):
            self._request(message, link)
        elif name == "MISSION_CLEAR_ALL":
            self._clear(message, link)
        elif name == "MISSION_ACK":
            self._acknowledged(message, link)
        elif name == "MISSION_WRITE_PARTIAL_LIST":
            self._partial(message, link, now_s)
        else:
            return False
        return True

    def update(self, now_s: float) -> None:
        """Repeat requests that went unanswered and give up on the dead."""
        for kind, upload in list(self._uploads.items()):
            if now_s - upload.heard_s > TIMEOUT_S:
                del self._uploads[kind]
                self._say(mavlink.MAV_SEVERITY_WARNING, "Mission upload timeout")
                self._ack(upload.link, upload.system, upload.component, kind, mavlink.MAV_MISSION_OPERATION_CANCELLED)
            elif now_s - upload.requested_s > REPEAT_S:
                self._ask(kind, upload, now_s)

    def forget(self, link: Link) -> None:
        """Drop the transfers of a link that has gone."""
        for kind in [kind for kind, upload in self._uploads.items() if upload.link is link]:
            del self._uploads[kind]

    def _ack(self, link: Link, system: int, component: int, kind: int, result: int) -> None:
        link.send(mavlink.MAVLink_mission_ack_message(system, component, result, kind))

    def _answer(self, message: Message, link: Link, result: int) -> None:
        self._ack(link, message.get_srcSystem(), message.get_srcComponent(), message.mission_type, result)

    def _items(self, kind: int) -> list[Item] | None:
        return {0: self._store.mission, 1: list(self._store.fence), 2: list(self._store.rally)}.get(kind)

    def _count(self, message: Message, link: Link, now_s: float) -> None:
        kind = message.mission_type
        if kind not in (0, 1, 2):
            self._answer(message, link, mavlink.MAV_MISSION_UNSUPPORTED)
            return
        current = self._uploads.get(kind)
        if current is not None and not current.comes_from(message, link):
            self._answer(message, link, mavlink.MAV_MISSION_DENIED)
            return
        most = (storage.MISSION_MAX, storage.FENCE_MAX, storage.RALLY_MAX)[kind]
        if message.count > most:
            self._answer(message, link, mavlink.MAV_MISSION_NO_SPACE)
            return
        system, component = message.get_srcSystem(), message.get_srcComponent()
        upload = Upload(link, system, component, message.count, 0, now_s, now_s)
        if message.count == 0:
            self._uploads.pop(kind, None)
            self._finish(kind, upload)
            return
        self._uploads[kind] = upload
        self._ask(kind, upload, now_s)

    def _ask(self, kind: int, upload: Upload, now_s: float) -> None:
        upload.requested_s = now_s
        upload.link.send(
            mavlink.MAVLink_mission_request_message(upload.system, upload.component, upload.next_index, kind)
        )

    def _item(self, message: Message, link: Link, now_s: float) -> None:
        kind = message.mission_type
        upload = self._uploads.get(kind)
        if upload is None:
            self._answer(message, link, mavlink.MAV_MISSION_ERROR)
            return
        if not upload.comes_from(message, link):
            self._answer(message, link, mavlink.MAV_MISSION_DENIED)
            return
        if message.seq != upload.next_index:
            self._answer(message, link, mavlink.MAV_MISSION_INVALID_SEQUENCE)
            return
        item = storage.item_of(message)
        check = (storage.mission_item, storage.fence_item, storage.rally_item)[kind]
        if kind == 0 and message.seq == 0:
            # home is the vehicle's own: whatever the ground writes there, this stays
            item = self._store.mission[0]
        elif not isinstance(item, int):
            item = check(item)
        if isinstance(item, int):
            del self._uploads[kind]
            self._answer(message, link, item)
            return
        upload.heard_s = now_s
        upload.next_index += 1
        upload.items.append(item)
        if upload.next_index < upload.count:
            self._ask(kind, upload, now_s)
            return
        del self._uploads[kind]
        self._finish(kind, upload)

    def _finish(self, kind: int, upload: Upload) -> None:
        result = mavlink.MAV_MISSION_ACCEPTED
        if kind == 0:
            self._store.put_mission([*upload.items, *upload.rest])
        elif kind == 1:
            result = self._store.put_fence(upload.items)
        else:
            self._store.put_rally(upload.items)
        if result == mavlink.MAV_MISSION_ACCEPTED:
            self._stored(kind)
            if kind == 0:  # of a fence or rally points ArduPilot says nothing
                self._say(mavlink.MAV_SEVERITY_INFO, "Flight plan received")
        self._ack(upload.link, upload.system, upload.component, kind, result)

    def _acknowledged(self, message: Message, link: Link) -> None:
        """An answer that is no yes, from whoever is uploading, ends the upload."""
        upload = self._uploads.get(message.mission_type)
        if upload is not None and upload.comes_from(message, link) and message.type != mavlink.MAV_MISSION_ACCEPTED:
            del self._uploads[message.mission_type]

    def _partial(self, message: Message, link: Link, now_s: float) -> None:
        """Some items of the mission are to be replaced by others; the rest of the list stays."""
        first, last = message.start_index, message.end_index
        mission = self._store.mission
        if message.mission_type != 0 or not 0 < first <= last < len(mission):
            self._answer(message, link, mavlink.MAV_MISSION_ERROR)
            return
        current = self._uploads.get(0)
        if current is not None and not current.comes_from(message, link):
            self._answer(message, link, mavlink.MAV_MISSION_DENIED)
            return
        system, component = message.get_srcSystem(), message.get_srcComponent()
        upload = Upload(link, system, component, last + 1, first, now_s, now_s, mission[:first], mission[last + 1 :])
        self._uploads[0] = upload
        self._ask(0, upload, now_s)

    def _list(self, message: Message, link: Link) -> None:
        items = self._items(message.mission_type)
        if items is None:
            self._answer(message, link, mavlink.MAV_MISSION_UNSUPPORTED)
        elif message.mission_type in self._uploads:
            self._answer(message, link, mavlink.MAV_MISSION_DENIED)
        else:
            system, component = message.get_srcSystem(), message.get_srcComponent()
            link.send(mavlink.MAVLink_mission_count_message(system, component, len(items), message.mission_type))

    def _request(self, message: Message, link: Link) -> None:
        kind = message.mission_type
        items = self._items(kind)
        if items is None:
            self._answer(message, link, mavlink.MAV_MISSION_UNSUPPORTED)
            return
        if kind in self._uploads:
            self._answer(message, link, mavlink.MAV_MISSION_DENIED)
            return
        if message.seq >= len(items):
            self._answer(message, link, mavlink.MAV_MISSION_INVALID_SEQUENCE)
            return
        item = items[message.seq]
        head = (message.get_srcSystem(), message.get_srcComponent(), message.seq, item.frame, item.command, 0, 1)
        params = (item.param1, item.param2, item.param3, item.param4)
        if message.get_type() == "MISSION_REQUEST_INT":
            link.send(mavlink.MAVLink_mission_item_int_message(*head, *params, item.x, item.y, item.z, kind))
        else:
            link.send(mavlink.MAVLink_mission_item_message(*head, *params, item.lat_deg, item.lon_deg, item.z, kind))

    def _clear(self, message: Message, link: Link) -> None:
        kind = message.mission_type
        kinds = (0, 1, 2) if kind == mavlink.MAV_MISSION_TYPE_ALL else (kind,)
        if kinds[0] not in (0, 1, 2):
            self._answer(message, link, mavlink.MAV_MISSION_UNSUPPORTED)
            return
        if any(each in self._uploads for each in kinds):
            self._answer(message, link, mavlink.MAV_MISSION_ERROR)
            return
        for each in kinds:
            if each == 0:
                self._store.put_mission(())
            elif each == 1:
                self._store.put_fence(())
            else:
                self._store.put_rally(())
            self._stored(each)
        self._answer(message, link, mavlink.MAV_MISSION_ACCEPTED)
