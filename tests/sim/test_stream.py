"""A connection that is written without waiting: slow readers, silent ones, those who hang up; and the relay on it."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.sitl.relay import Relay
from sim.stream import HIGH_WATER_BYTES, Stream


@pytest.fixture
def joined() -> Iterator[tuple[Stream, socket.socket]]:
    """A stream and the far end of its connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        far = socket.create_connection(server.getsockname())
        near, _ = server.accept()
    stream = Stream(near)
    yield stream, far
    stream.close()
    far.close()


def readable(source: socket.socket) -> bool:
    return bool(select.select([source], [], [], 5.0)[0])


def test_what_a_slow_reader_has_not_read_waits_and_is_not_lost(joined: tuple[Stream, socket.socket]) -> None:
    stream, far = joined
    sent = bytes(range(256)) * (64 * 1024)
    stream.pending += sent
    stream.flush()
    assert stream.full
    assert len(stream.pending) > HIGH_WATER_BYTES
    got = bytearray()
    while len(got) < len(sent):
        assert readable(far)
        got += far.recv(1 << 20)
        stream.flush()
    assert bytes(got) == sent
    assert not stream.full
    assert not stream.gone


def test_who_reads_nothing_for_long_or_hangs_up_is_gone(joined: tuple[Stream, socket.socket]) -> None:
    stream, far = joined
    assert stream.read() == b""
    assert not stream.gone
    far.sendall(b"words")
    assert readable(stream.connection)
    assert stream.read() == b"words"
    stream.stalled_s = 0.0
    stream.pending += bytes(64 * 1024 * 1024)
    for _ in range(1000):
        stream.flush()
    assert stream.gone
    stream.gone = False
    far.close()
    assert readable(stream.connection)
    stream.read()
    assert stream.gone


def test_the_relay_passes_whole_messages_both_ways(joined: tuple[Stream, socket.socket]) -> None:
    vehicle, autopilot = joined
    packer = mavlink.MAVLink(None, srcSystem=1)
    first, second = (mavlink.MAVLink_statustext_message(6, text).pack(packer) for text in (b"one", b"two"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay(listener, vehicle.connection)

        def step_until(done: socket.socket) -> bytes:
            for _ in range(200):
                relay.step(select.select(relay.readers(), [], [], 0.02)[0])
                if select.select([done], [], [], 0.0)[0]:
                    return done.recv(4096)
            raise AssertionError("nothing was passed on")

        station = socket.create_connection(listener.getsockname())
        while not relay.stations:
            relay.step(select.select(relay.readers(), [], [], 0.1)[0])
        autopilot.sendall(first + second[:5])
        assert step_until(station) == first, "half a message waits for its other half"
        autopilot.sendall(second[5:])
        assert step_until(station) == second
        station.sendall(first)
        assert step_until(autopilot) == first
        station.close()
        while relay.stations:
            relay.step(select.select(relay.readers(), [], [], 0.1)[0])
        relay.close()
