"""Bytes to and from a vehicle over TCP, UDP or a serial port, and what an address of one looks like.

A transport knows nothing of MAVLink. Whether and when to open it again is `missions.flying.line`'s subject.
"""

from __future__ import annotations

import re
import select
import socket
from dataclasses import dataclass
from typing import Any, Protocol

from missions.errors import VehicleError
from vision.errors import InputError

CONNECT_TIMEOUT_S = 3.0
"""For one attempt to open a TCP connection."""

SEND_TIMEOUT_S = 2.0
"""How long one write may take before the line counts as closed: nobody reads at the other end."""

DEFAULT_BAUD = 57600
"""Of telemetry radios; a USB port takes any."""

_READ_BYTES = 65536
_KINDS = ("tcp", "udp", "udpin", "udpout", "udpbcast")
_ADDRESS = re.compile(
    rf"((?P<kind>{'|'.join(_KINDS)}):)?(?P<host>[^:\s]+):(?P<port>\d{{1,5}})"
    r"|(?P<device>/dev/[^\s,]+|COM\d+)(,(?P<baud>\d+))?"
)


@dataclass(frozen=True)
class Address:
    """Where a vehicle is to be had: a network address (`kind`, `host`, `port`) or a serial `device` with its `baud`."""

    text: str
    kind: str
    host: str = ""
    port: int = 0
    device: str = ""
    baud: int = DEFAULT_BAUD


class Transport(Protocol):
    """An open way to a vehicle. Every method raises OSError where it has been closed."""

    def read(self, timeout_s: float) -> bytes:
        """The bytes that have come, empty where none come within `timeout_s`."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def close(self) -> None:
        """Close it; may be called twice."""


def address_of(url: str) -> Address:
    """What `url` says: tcp:HOST:PORT, udp:HOST:PORT (listens there), udpout:HOST:PORT (speaks there),
    udpbcast:HOST:PORT or a serial port such as /dev/ttyUSB0,57600. Raises InputError where it is none of them."""
    match = _ADDRESS.fullmatch(url)
    if match is None or match["host"] in _KINDS:
        raise InputError("--connect", f"{url!r} is no address; write tcp:HOST:PORT, udp:HOST:PORT or a serial port")
    if match["device"]:
        return Address(url, "serial", device=match["device"], baud=int(match["baud"] or DEFAULT_BAUD))
    port = int(match["port"])
    if not 0 < port <= 65535:
        raise InputError("--connect", f"{port} in {url!r} is no port; ports go from 1 to 65535")
    kind = {"udp": "udpin", None: "tcp"}.get(match["kind"], match["kind"])
    return Address(url, str(kind), host=match["host"], port=port)


def open_transport(address: Address) -> Transport:
    """Open it. Raises OSError where that fails, VehicleError where a serial port lacks its package."""
    if address.kind == "serial":
        return _Serial(address)
    if address.kind == "tcp":
        return _Tcp(address)
    return _Udp(address)


class _Tcp:
    def __init__(self, address: Address) -> None:
        self._socket = socket.create_connection((address.host, address.port), timeout=CONNECT_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(SEND_TIMEOUT_S)

    def read(self, timeout_s: float) -> bytes:
        if not _readable(self._socket, timeout_s):
            return b""
        data = self._socket.recv(_READ_BYTES)
        if not data:
            raise ConnectionResetError("the vehicle closed the connection")
        return data

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def close(self) -> None:
        self._socket.close()


class _Udp:
    """Listens and answers whoever spoke last ("udpin"), or speaks to one address or to all of a network."""

    def __init__(self, address: Address) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._peer: Any = None
        try:
            if address.kind == "udpin":
                self._socket.bind((address.host, address.port))
            else:
                self._peer = (socket.gethostbyname(address.host), address.port)
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, int(address.kind == "udpbcast"))
        except OSError:
            self._socket.close()
            raise

    def read(self, timeout_s: float) -> bytes:
        if not _readable(self._socket, timeout_s):
            return b""
        try:
            data, self._peer = self._socket.recvfrom(_READ_BYTES)
        except ConnectionRefusedError:
            # The answer to something sent before the vehicle listens, or while it restarts.
            return b""
        return data

    def write(self, data: bytes) -> None:
        if self._peer is not None:
            try:
                self._socket.sendto(data, self._peer)
            except ConnectionRefusedError:
                return

    def close(self) -> None:
        self._socket.close()


class _Serial:
    def __init__(self, address: Address) -> None:
        try:
            import serial
        except ImportError as error:
            raise VehicleError(
                f"{address.text}: a serial port needs the package pyserial, which is not installed"
            ) from error
        self._port = serial.Serial(address.device, address.baud, timeout=0, write_timeout=SEND_TIMEOUT_S)

    def read(self, timeout_s: float) -> bytes:
        if not _readable(self._port, timeout_s):
            return b""
        data = self._port.read(_READ_BYTES)
        if not data:
            raise ConnectionResetError("the serial port was unplugged")
        return bytes(data)

    def write(self, data: bytes) -> None:
        self._port.write(data)

    def close(self) -> None:
        self._port.close()


def _readable(source: Any, timeout_s: float) -> bool:
    try:
        return bool(select.select([source], [], [], timeout_s)[0])
    except ValueError as error:  # closed meanwhile by another thread
        raise ConnectionResetError("the connection was closed") from error
