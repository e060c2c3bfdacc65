"""Carries out a transfer of the mission protocol over a link: the state machines' values become messages and back.

The machines are `missions.flying.protocol`'s, the link is `missions.flying.link`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from missions.errors import VehicleError
from missions.flying.protocol import (
    Acknowledge,
    Count,
    Download,
    Item,
    Message,
    MissionType,
    Request,
    RequestList,
    Upload,
)
from missions.items import MissionItem, integer_frame

if TYPE_CHECKING:
    from missions.flying.link import Link

MESSAGES = ("MISSION_COUNT", "MISSION_REQUEST", "MISSION_REQUEST_INT", "MISSION_ITEM_INT", "MISSION_ACK")


def carry_out(link: Link, transfer: Upload | Download, give_up: Callable[[], bool] = lambda: False) -> None:
    """Run a transfer to its end. Raises VehicleError where it fails, the line closes for good or `give_up` says so."""
    with link.hear(*MESSAGES) as next_message:
        outgoing = transfer.start(time.monotonic())
        while True:
            for message in outgoing:
                _send(link, message, transfer.mission_type)
            if transfer.ended:
                break
            if give_up():
                raise VehicleError("given up before the end")
            outgoing = _turn(transfer, next_message)
    if transfer.failure is not None:
        raise VehicleError(transfer.failure)


def _turn(transfer: Upload | Download, next_message: Callable[[float], Any | None]) -> list[Message]:
    heard = next_message(0.05)
    now_s = time.monotonic()
    if heard is None:
        return transfer.tick(now_s)
    if heard.mission_type == transfer.mission_type:
        return transfer.receive(value_of(heard), now_s)
    return []


def _send(link: Link, message: Message, mission_type: MissionType) -> None:
    if isinstance(message, Count):
        link.send("mission_count", message.count, mission_type)
    elif isinstance(message, RequestList):
        link.send("mission_request_list", mission_type)
    elif isinstance(message, Request):
        link.send("mission_request_int", message.sequence, mission_type)
    elif isinstance(message, Acknowledge):
        link.send("mission_ack", message.result, mission_type)
    else:
        item = message.item
        link.send(
            "mission_item_int",
            *(message.sequence, integer_frame(item.frame), item.command, 0, int(item.autocontinue), *item.params),
            *(round(item.lat_deg * 1e7), round(item.lon_deg * 1e7), item.alt_m, mission_type),
        )


def value_of(message: Any) -> Message:
    """A MAVLink message of the mission protocol as the value the state machines take."""
    kind = message.get_type()
    if kind == "MISSION_COUNT":
        return Count(message.count)
    if kind == "MISSION_ACK":
        return Acknowledge(message.type)
    if kind in ("MISSION_REQUEST", "MISSION_REQUEST_INT"):
        return Request(message.seq)
    return Item(message.seq, item_of(message))


def item_of(message: Any) -> MissionItem:
    """A MISSION_ITEM_INT as a value."""
    return MissionItem(
        frame=message.frame,
        command=message.command,
        params=(message.param1, message.param2, message.param3, message.param4),
        lat_deg=message.x / 1e7,
        lon_deg=message.y / 1e7,
        alt_m=message.z,
        autocontinue=bool(message.autocontinue),
    )
