"""Passes MAVLink between ArduPilot and any number of ground stations on one TCP port of this machine.

Whole messages only, so that two stations never cut into each other's; bytes are otherwise not looked at or changed
(signatures stay valid). A station that reads too slowly holds ArduPilot's line back rather than lose telemetry; one
that reads nothing for long is dropped. Without a station what ArduPilot says is thrown away, as on an open radio.
"""

from __future__ import annotations

import socket

from mapping.ground.framing import take_messages
from sim.stream import Stream

STATIONS_MOST = 8


class Line(Stream):
    """A connection with what of a message has come in so far."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self.heard = bytearray()


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
            station.close()

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
            station.close()
        self.stations.clear()
