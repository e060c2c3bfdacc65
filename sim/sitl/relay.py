"""Passes MAVLink between ArduPilot and any number of ground stations on one TCP port of this machine.

Whole messages only, so that two stations never cut into each other's; bytes are otherwise not looked at or changed
(signatures stay valid). A station that reads too slowly holds ArduPilot's line back rather than lose telemetry; one
that reads nothing for long is dropped. Without a station what ArduPilot says is thrown away, as on an open radio.
"""

from __future__ import annotations

import contextlib
import socket
import time

from mapping.ground.framing import take_messages

HIGH_WATER_BYTES = 64 * 1024
STALLED_S = 10.0
STATIONS_MOST = 8
_READ_BYTES = 65536


class Line:
    """One non-blocking connection with what is still to be sent on it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.gone = False
        self.heard = bytearray()
        self.pending = bytearray()
        self._progress_s = time.monotonic()

    def read(self) -> bytes:
        """What has come in; marks the line as gone where it has ended."""
        try:
            data = self.connection.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:
            data = b""
        self.gone |= not data
        return data

    def flush(self) -> None:
        """Hand the kernel as much as it takes."""
        if not self.pending:
            self._progress_s = time.monotonic()
            return
        try:
            sent = self.connection.send(self.pending)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.gone = True
            return
        if sent:
            del self.pending[:sent]
            self._progress_s = time.monotonic()
        elif time.monotonic() - self._progress_s > STALLED_S:
            self.gone = True

    @property
    def full(self) -> bool:
        """True while nothing more should be put on it."""
        return len(self.pending) > HIGH_WATER_BYTES


class Relay:
    """The stations on one listening port, and ArduPilot's line. `step` does what there is to do now."""

    def __init__(self, listener: socket.socket, vehicle: socket.socket) -> None:
        listener.setblocking(False)
        self.listener = listener
        self.vehicle = Line(vehicle)
        self.stations: list[Line] = []

    def readers(self) -> list[socket.socket]:
        """What to wait for: ArduPilot's line not while a station still has too much to read."""
        waiting = [self.listener, *(station.connection for station in self.stations)]
        if not any(station.full for station in self.stations):
            waiting.append(self.vehicle.connection)
        return waiting

    def writers(self) -> list[socket.socket]:
        """The lines with something to be sent."""
        return [line.connection for line in (self.vehicle, *self.stations) if line.pending]

    def step(self, readable: list[socket.socket]) -> None:
        """Take what has come in, pass it on, send what is queued."""
        if self.listener in readable:
            self._accept()
        if self.vehicle.connection in readable:
            data = self.vehicle.read()
            if self.stations:
                self.vehicle.heard += data
                whole = b"".join(take_messages(self.vehicle.heard))
                for station in self.stations:
                    station.pending += whole
        for station in self.stations:
            if station.connection in readable:
                station.heard += station.read()
                self.vehicle.pending += b"".join(take_messages(station.heard))
        for line in (self.vehicle, *self.stations):
            line.flush()
        for station in [station for station in self.stations if station.gone]:
            self.stations.remove(station)
            station.connection.close()

    def _accept(self) -> None:
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        if len(self.stations) >= STATIONS_MOST:
            connection.close()
        else:
            self.stations.append(Line(connection))

    def close(self) -> None:
        """Close the stations' connections."""
        for station in self.stations:
            with contextlib.suppress(OSError):
                station.connection.close()
        self.stations.clear()
