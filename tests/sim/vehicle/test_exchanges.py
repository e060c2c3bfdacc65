"""The vehicle's side of the mission protocol on a bad line: a thousand exchanges whose messages are
shuffled, doubled, dropped, late or cut off. What it holds afterwards is a whole list, the old one or the new one.

In process, with a clock of its own: nothing here waits.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.protocol import ItemService
from sim.vehicle.storage import Storage

EXCHANGES = 1000
KINDS = (0, 1, 2)


class Line:
    """A ground station at the end of a bad line: what the vehicle sends arrives here or does not."""

    def __init__(self, system: int = 255) -> None:
        self.arrived: list[mavlink.MAVLink_message] = []
        self.system = system

    def send(self, message: mavlink.MAVLink_message) -> None:
        self.arrived.append(message)


def sent(message: mavlink.MAVLink_message, system: int) -> mavlink.MAVLink_message:
    """The message as the vehicle has it after the line: packed and parsed."""
    packed = message.pack(mavlink.MAVLink(None, system, 190))
    return mavlink.MAVLink(None).parse_buffer(packed)[0]


def items(kind: int, count: int, mark: int) -> list[mavlink.MAVLink_message]:
    """A list of a kind, of which every item carries `mark`."""
    made = []
    for sequence in range(count):
        command, p1, alt = {0: (16, 0.0, 20.0), 1: (5001, float(count), 0.0), 2: (5100, 0.0, 30.0)}[kind]
        place = (230_000_000 + mark * 1000 + sequence, 889_000_000 + mark * 1000)
        made.append(
            mavlink.MAVLink_mission_item_int_message(
                1, 1, sequence, 3, command, 0, 1, p1, 0.0, 0.0, 0.0, *place, alt, kind
            )
        )
    return made


def held(store: Storage, kind: int) -> list[tuple[int, int]]:
    """The places the vehicle holds; item 0 of a mission is its own."""
    stored = (store.mission[1:], store.fence, store.rally)[kind]
    return [(item.x, item.y) for item in stored]


def expected(rows: list[mavlink.MAVLink_message], kind: int) -> list[tuple[int, int]]:
    return [(row.x, row.y) for row in rows][1 if kind == 0 else 0 :]


def exchange(
    service: ItemService, rng: random.Random, rows: list[Any], kind: int, clock_s: float
) -> tuple[float, bool]:
    """One upload over a line that loses, doubles and reorders; (the clock after it, whether it was acknowledged)."""
    line = Line()
    loss, doubling, disorder = rng.choice((0.0, 0.1, 0.4)), rng.choice((0.0, 0.3)), rng.choice((0.0, 0.3))
    gives_up_after = rng.choice((len(rows) // 2, 10**6))
    waiting: list[mavlink.MAVLink_message] = [mavlink.MAVLink_mission_count_message(1, 1, len(rows), kind)]
    acknowledged = False
    for turn in range(400):
        rng.shuffle(waiting) if rng.random() < disorder else None
        going, waiting = waiting, []
        for message in going:
            for _ in range(2 if rng.random() < doubling else 1):
                if rng.random() < loss:
                    continue
                if rng.random() < disorder:
                    waiting.append(message)
                    continue
                service.handle(sent(message, line.system), line, clock_s)
        heard, line.arrived = line.arrived, []
        for answer in heard:
            if rng.random() < loss:
                continue
            if answer.get_type() == "MISSION_ACK":
                # one that refuses an item out of turn ends nothing
                acknowledged |= answer.type == mavlink.MAV_MISSION_ACCEPTED
            elif answer.seq < gives_up_after:
                waiting.append(rows[answer.seq])
                if rng.random() < disorder:
                    waiting.append(rows[rng.randrange(len(rows))])
        if acknowledged:
            break
        clock_s += 0.3
        service.update(clock_s)
        if turn == 5 and rng.random() < 0.2 and not going:
            waiting.append(mavlink.MAVLink_mission_count_message(1, 1, len(rows), kind))
    if not acknowledged and rng.random() < 0.3:
        service.forget(line)
    clock_s += 20.0
    service.update(clock_s)
    return clock_s, acknowledged


def test_no_exchange_leaves_half_a_list() -> None:
    rng = random.Random(20261122)
    store = Storage()
    service = ItemService(store, lambda severity, text: None, lambda kind: None)
    clock_s, taken = 0.0, 0
    before: dict[int, list[tuple[int, int]]] = {kind: [] for kind in KINDS}
    for number in range(EXCHANGES):
        kind = rng.choice(KINDS)
        rows = items(kind, rng.randint(3, 12), number + 1)
        clock_s, acknowledged = exchange(service, rng, rows, kind, clock_s)
        now = held(store, kind)
        assert now in (before[kind], expected(rows, kind)), f"exchange {number}: half a list"
        if acknowledged:
            assert now == expected(rows, kind), f"exchange {number}: said yes to what it does not hold"
            taken += 1
        assert all(held(store, other) == before[other] for other in KINDS if other != kind)
        before[kind] = now
    # most of these lines are bad, and yet
    assert taken > EXCHANGES / 4


@pytest.mark.parametrize("kind", KINDS)
def test_an_upload_that_is_cut_off_leaves_the_old_list(kind: int) -> None:
    store = Storage()
    service = ItemService(store, lambda severity, text: None, lambda kind: None)
    line = Line()
    old, new = items(kind, 4, 1), items(kind, 6, 2)
    for rows, count in ((old, len(old)), (new, 3)):
        service.handle(sent(mavlink.MAVLink_mission_count_message(1, 1, len(rows), kind), 255), line, 0.0)
        for row in rows[:count]:
            service.handle(sent(row, 255), line, 0.0)
    assert held(store, kind) == expected(old, kind)
    service.update(10.0)
    assert line.arrived[-1].type == mavlink.MAV_MISSION_OPERATION_CANCELLED
    assert held(store, kind) == expected(old, kind)


def test_whoever_uploads_may_cancel() -> None:
    store = Storage()
    service = ItemService(store, lambda severity, text: None, lambda kind: None)
    line = Line()
    service.handle(sent(mavlink.MAVLink_mission_count_message(1, 1, 5, 0), 255), line, 0.0)
    cancel = mavlink.MAVLink_mission_ack_message(1, 1, mavlink.MAV_MISSION_OPERATION_CANCELLED, 0)
    service.handle(sent(cancel, 255), line, 0.0)
    line.arrived.clear()
    service.update(3.0)
    assert line.arrived == []
    service.handle(sent(mavlink.MAVLink_mission_request_list_message(1, 1, 0), 255), line, 3.0)
    assert line.arrived[-1].get_type() == "MISSION_COUNT"
