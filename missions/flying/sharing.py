"""Several vehicles on one line: a UDP port they all report to, or a radio they share.

The line is opened once; each vehicle gets a port of its own on this machine, on which only its own messages are heard,
and what is said there goes to where that vehicle was heard from. To the rest of Picket each is a vehicle with an
address of its own. Lines that every station opens for itself (TCP) need none of this.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mapping.ground.framing import system_of, take_messages
from missions.errors import VehicleError
from missions.flying.transport import Address, Transport, address_of, open_transport

POLL_S = 0.1
_READ_BYTES = 65536
_HIGH_WATER_BYTES = 256 * 1024
"""Of one vehicle's messages, while its flight does not read them: what comes beyond is lost, as on the air."""


@contextmanager
def shared_line(url: str, systems: Iterable[int]) -> Iterator[dict[int, str]]:
    """Open the line at `url` for the vehicles with these system ids; yields an address for each, by system id.

    Raises InputError where `url` is no address, VehicleError where the line cannot be opened.
    """
    address = address_of(url)
    try:
        line: _UdpLine | _OtherLine = _UdpLine(address) if address.kind == "udpin" else _OtherLine(address)
    except OSError as error:
        raise VehicleError(f"{url}: cannot connect ({error.strerror or error})") from error
    ports = {system: _Port() for system in systems}
    stop = threading.Event()
    thread = threading.Thread(target=_pass_on, args=(line, ports, stop), name=f"shared {url}", daemon=True)
    thread.start()
    try:
        yield {system: f"tcp:127.0.0.1:{port.number}" for system, port in ports.items()}
    finally:
        stop.set()
        thread.join(5.0)
        line.close()
        for port in ports.values():
            port.close()


class _UdpLine:
    """A UDP port many vehicles send to: each is answered where it was last heard from."""

    def __init__(self, address: Address) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._heard: dict[Any, bytearray] = {}
        self._place: dict[int, Any] = {}
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
            self._socket.bind((address.host, address.port))
            self._socket.setblocking(False)
        except OSError:
            self._socket.close()
            raise

    def sources(self) -> list[Any]:
        return [self._socket]

    def read(self) -> list[bytes]:
        """The messages that have come."""
        messages: list[bytes] = []
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                data, place = self._socket.recvfrom(_READ_BYTES)
                heard = self._heard.setdefault(place, bytearray())
                heard += data
                for message in take_messages(heard):
                    self._place[system_of(message)] = place
                    messages.append(message)
        return messages

    def write(self, data: bytes, system: int) -> None:
        place = self._place.get(system)
        if place is not None:
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                self._socket.sendto(data, place)

    def close(self) -> None:
        self._socket.close()


class _OtherLine:
    """A line on which all hear everything, such as a radio."""

    def __init__(self, address: Address) -> None:
        self._transport: Transport = open_transport(address)
        self._heard = bytearray()

    def sources(self) -> list[Any]:
        return []

    def read(self) -> list[bytes]:
        self._heard += self._transport.read(POLL_S / 5)
        return take_messages(self._heard)

    def write(self, data: bytes, system: int) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()


class _Port:
    """One vehicle's port on this machine, and whoever flies it."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.number = int(self.listener.getsockname()[1])
        self.station: socket.socket | None = None
        self._said = bytearray()
        self._pending = bytearray()

    def accept(self) -> None:
        """Take the new station; one at a time."""
        with contextlib.suppress(OSError):
            connection = self.listener.accept()[0]
            connection.setblocking(False)
            self._hang_up()
            self.station = connection

    def hear(self) -> bytes:
        """The whole messages the station has sent."""
        if self.station is None:
            return b""
        try:
            data = self.station.recv(_READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return b""
        self._said += data
        return b"".join(take_messages(self._said))

    def tell(self, message: bytes) -> None:
        if self.station is not None and len(self._pending) < _HIGH_WATER_BYTES:
            self._pending += message

    def flush(self) -> None:
        if self.station is None or not self._pending:
            return
        try:
            del self._pending[: self.station.send(self._pending)]
        except BlockingIOError:
            return
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        if self.station is not None:
            self.station.close()
        self.station = None
        self._said.clear()
        self._pending.clear()

    def close(self) -> None:
        self._hang_up()
        self.listener.close()


def _pass_on(line: _UdpLine | _OtherLine, ports: dict[int, _Port], stop: threading.Event) -> None:
    """Pass messages between the line and the ports until told to stop. A line that breaks closes every port: those who
    fly hear of it as of any broken line."""
    try:
        while not stop.is_set():
            stations = [port.station for port in ports.values() if port.station is not None]
            listeners = [port.listener for port in ports.values()]
            sources = line.sources()
            readable = select.select([*sources, *listeners, *stations], [], [], POLL_S if sources else 0.0)[0]
            for port in ports.values():
                if port.listener in readable:
                    port.accept()
            if not sources or sources[0] in readable:
                for message in line.read():
                    if (heard := ports.get(system_of(message))) is not None:
                        heard.tell(message)
            for system, port in ports.items():
                if port.station in readable:
                    said = port.hear()
                    if said:
                        line.write(said, system)
                port.flush()
    except (OSError, ValueError):
        for port in ports.values():
            port.close()
