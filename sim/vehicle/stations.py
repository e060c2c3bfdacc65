"""The ground stations at the vehicle's door: one per TCP connection or UDP peer, with its own MAVLink state, its own
telemetry rates and its own noise on the line. Signatures are `signatures`' business.
"""

from __future__ import annotations

import contextlib
import socket

from pymavlink.dialects.v20 import ardupilotmega as mavlink
from pymavlink.dialects.v20.ardupilotmega import MAVLink_message as Message

from sim.stream import Stream
from sim.vehicle import commands
from sim.vehicle.autopilot import SimulatedVehicle
from sim.vehicle.faults import Noise
from sim.vehicle.signatures import Line
from sim.vehicle.telemetry import Schedule

HIGH_WATER_BYTES = 32 * 1024
DATAGRAM_BYTES = 1200


class Station:
    """One ground station; how bytes reach it is for the classes below."""

    def __init__(self, vehicle: SimulatedVehicle, signatures: mavlink.MAVLinkSigning, name: str) -> None:
        self.schedule = Schedule(vehicle)
        self.list_params_from: int | None = None
        self.gone = False
        self._vehicle = vehicle
        self._mav = Line(None, int(vehicle.params["SYSID_THISMAV"]), commands.COMPONENT)
        self._mav.robust_parsing = True
        self._mav.signing = signatures
        self._noise = Noise(vehicle.faults, name)

    @property
    def signing(self) -> mavlink.MAVLinkSigning:
        """The vehicle's signing state."""
        return self._mav.signing

    def send(self, message: Message) -> None:
        """Queue one message, with this link's own sequence number."""
        packet = message.pack(self._mav)
        self._mav.seq = (self._mav.seq + 1) % 256
        self._queue(self._noise.outgoing(packet, self._vehicle.time_s))

    def catch_up(self) -> None:
        """Queue what a fault has held back and is due."""
        late = self._noise.overdue(self._vehicle.time_s)
        if late:
            self._queue(late)

    def parse(self, data: bytes) -> list[Message]:
        """The messages in bytes that have arrived."""
        data = self._noise.incoming(data)
        if not data:
            return []
        messages = self._mav.parse_buffer(data) or []
        return [message for message in messages if message.get_type() not in ("BAD_DATA", "UNKNOWN")]

    def _queue(self, data: bytes) -> None:
        raise NotImplementedError

    def flush(self) -> None:
        """Hand the kernel as much as it takes."""
        raise NotImplementedError

    @property
    def full(self) -> bool:
        """True while the world must wait for this station."""
        return False

    def close(self) -> None:
        """Hang up."""


class TcpStation(Station):
    """A station on a TCP connection: one that reads too slowly holds the world back, one that does not read is let
    go."""

    def __init__(
        self, connection: socket.socket, vehicle: SimulatedVehicle, signatures: mavlink.MAVLinkSigning, name: str
    ) -> None:
        super().__init__(vehicle, signatures, name)
        self.stream = Stream(connection, high_water_bytes=HIGH_WATER_BYTES)
        # a short queue in the kernel, so that what a slow reader sees is not old
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HIGH_WATER_BYTES)

    def receive(self) -> list[Message]:
        """Messages that have arrived; marks the station as gone where its connection has ended."""
        data = self.stream.read()
        self.gone |= self.stream.gone
        return self.parse(data) if data else []

    def _queue(self, data: bytes) -> None:
        self.stream.pending += data

    def flush(self) -> None:
        """Hand the kernel as much as it takes."""
        self.stream.flush()
        self.gone |= self.stream.gone

    @property
    def full(self) -> bool:
        """True while the world must wait for this station."""
        return self.stream.full

    def close(self) -> None:
        """Hang up."""
        self.stream.close()


class UdpStation(Station):
    """A station at a UDP address. What it is too slow to read is lost, as on a radio."""

    def __init__(
        self,
        line: socket.socket,
        address: tuple[str, int],
        vehicle: SimulatedVehicle,
        signatures: mavlink.MAVLinkSigning,
    ) -> None:
        super().__init__(vehicle, signatures, f"udp {address}")
        self.address = address
        self._line = line
        self._packets: list[bytes] = []

    def _queue(self, data: bytes) -> None:
        if data:
            self._packets.append(data)

    def flush(self) -> None:
        """Send what is queued, several messages a datagram."""
        datagram = b""
        for packet in self._packets:
            if datagram and len(datagram) + len(packet) > DATAGRAM_BYTES:
                self._send(datagram)
                datagram = b""
            datagram += packet
        if datagram:
            self._send(datagram)
        self._packets.clear()

    def _send(self, datagram: bytes) -> None:
        # nobody there yet, or its queue is full: both lose the datagram, no more
        with contextlib.suppress(OSError):
            self._line.sendto(datagram, self.address)
