"""The vehicle on a TCP port: ground stations connect as to SITL's 5760, and simulated time is paced here.

One thread steps the world and serves every link. A link that reads too slowly holds the world back rather than lose
telemetry; one that has read nothing for 10 s is dropped. Links come and go without the flight noticing. This is the
only place that looks at the wall clock.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import threading
import time
from collections.abc import Callable

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.errors import SimulationError
from sim.vehicle import commands
from sim.vehicle.autopilot import STEP_S, SimulatedVehicle
from sim.vehicle.telemetry import Schedule
from sim.vehicle.values import Trigger, VehicleSettings

HIGH_WATER_BYTES = 32 * 1024
STALLED_S = 10.0
LATE_S = 0.25
GROUND_SPEEDUP = 10.0
"""With speedup 0 the world runs at this while disarmed: uploads and arming need the ground's seconds."""
PARAMS_A_TURN = 20
LINKS_MOST = 8


class Station:
    """One ground station's connection."""

    def __init__(self, connection: socket.socket, vehicle: SimulatedVehicle) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # a short queue in the kernel, so that what a slow reader sees is not old
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HIGH_WATER_BYTES)
        self.connection = connection
        self.schedule = Schedule(vehicle)
        self.list_params_from: int | None = None
        self.pending = bytearray()
        self.progress_s = time.monotonic()
        self.gone = False
        self.stalled_s = STALLED_S
        self._mav = mavlink.MAVLink(None, commands.SYSTEM, commands.COMPONENT)
        self._mav.robust_parsing = True

    def send(self, message: mavlink.MAVLink_message) -> None:
        """Queue one message, with this link's own sequence number."""
        self.pending += message.pack(self._mav)
        self._mav.seq = (self._mav.seq + 1) % 256

    def receive(self) -> list[mavlink.MAVLink_message]:
        """Messages that have arrived; marks the link as gone where it has ended."""
        try:
            data = self.connection.recv(65536)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            self.gone = True
            return []
        if not data:
            self.gone = True
            return []
        messages = self._mav.parse_buffer(data) or []
        return [message for message in messages if message.get_type() not in ("BAD_DATA", "UNKNOWN")]

    def flush(self) -> None:
        """Hand the kernel as much as it takes."""
        if not self.pending:
            self.progress_s = time.monotonic()
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
            self.progress_s = time.monotonic()
        elif time.monotonic() - self.progress_s > self.stalled_s:
            self.gone = True

    @property
    def full(self) -> bool:
        """True while the world must wait for this link."""
        return len(self.pending) > HIGH_WATER_BYTES


class Server:
    """A vehicle, its listener and its links. Made bound; `run` serves until told to stop."""

    def __init__(
        self, settings: VehicleSettings, port: int = 0, on_trigger: Callable[[Trigger], None] | None = None
    ) -> None:
        """Raises SimulationError where the port is taken."""
        self.vehicle = SimulatedVehicle(settings, on_trigger)
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind(("127.0.0.1", port))
            self._listener.listen(LINKS_MOST)
        except (OSError, OverflowError) as error:
            self._listener.close()
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            reason = "another program has it; choose another or 0 for any" if in_use else str(error)
            raise SimulationError(f"cannot listen on 127.0.0.1:{port}: {reason}") from error
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.stations: list[Station] = []
        self._flown = False

    def run(self, stop: threading.Event, exit_when_landed: bool = False) -> None:
        """Serve and step until `stop` is set, or until a flight has ended and `exit_when_landed`."""
        try:
            self._loop(stop, exit_when_landed)
        finally:
            self.close()

    def close(self) -> None:
        """Close every socket."""
        for station in self.stations:
            with contextlib.suppress(OSError):
                station.connection.close()
        self.stations.clear()
        self._listener.close()

    def _loop(self, stop: threading.Event, exit_when_landed: bool) -> None:
        vehicle = self.vehicle
        started_s, simulated_s = time.monotonic(), vehicle.time_s
        speed = -1.0
        while not stop.is_set():
            wanted = self._speed()
            now = time.monotonic()
            if wanted != speed:
                speed, started_s, simulated_s = wanted, now, vehicle.time_s
            ahead_s = 0.0
            if speed > 0.0:
                ahead_s = (vehicle.time_s - simulated_s) / speed - (now - started_s)
                if ahead_s < -LATE_S:
                    # too slow for the speed asked: go on from here instead of catching up in a rush
                    started_s, simulated_s = now, vehicle.time_s
            blocked = any(station.full for station in self.stations)
            self._serve(0.02 if blocked else min(0.05, max(0.0, ahead_s)))
            if blocked or ahead_s > 0.001:
                continue
            vehicle.step(STEP_S)
            self._report()
            if exit_when_landed and self._ended():
                self._linger(stop)
                return

    def _speed(self) -> float:
        speedup = self.vehicle.settings.speedup
        return GROUND_SPEEDUP if speedup <= 0.0 and not self.vehicle.armed else speedup

    def _ended(self) -> bool:
        self._flown = self._flown or not self.vehicle.landed
        return self._flown and not self.vehicle.armed

    def _linger(self, stop: threading.Event) -> None:
        """Tell everyone that the flight is over before the sockets close."""
        for _ in range(round(2.0 / STEP_S)):
            self.vehicle.step(STEP_S)
            self._report()
        until_s = time.monotonic() + 2.0
        while any(s.pending for s in self.stations) and time.monotonic() < until_s and not stop.is_set():
            self._serve(0.02)

    def _serve(self, wait_s: float) -> None:
        """Take what has come in within `wait_s`, answer, and send what is queued."""
        readers = [self._listener, *(station.connection for station in self.stations)]
        writers = [station.connection for station in self.stations if station.pending]
        readable, writable, _ = select.select(readers, writers, [], wait_s)
        if self._listener in readable:
            self._accept()
        now_s = time.monotonic()
        for station in self.stations:
            if station.connection in readable:
                for message in station.receive():
                    commands.handle(self.vehicle, message, station, now_s)
            if station.list_params_from is not None and not station.full:
                self._list_params(station)
            if station.connection in writable or station.pending:
                station.flush()
        self.vehicle.items.update(now_s)
        self._broadcast()
        if any(station.gone for station in self.stations):
            self._part()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self.stations) >= LINKS_MOST:
            connection.close()
            return
        self.stations.append(Station(connection, self.vehicle))

    def _part(self) -> None:
        for station in [station for station in self.stations if station.gone]:
            self.vehicle.items.forget(station)
            self.stations.remove(station)
            with contextlib.suppress(OSError):
                station.connection.close()

    def _list_params(self, station: Station) -> None:
        first = station.list_params_from or 0
        for index in range(first, first + PARAMS_A_TURN):
            name = self.vehicle.params.name_at(index)
            if name is None:
                station.list_params_from = None
                return
            station.send(commands.param_value(self.vehicle, name))
        station.list_params_from = first + PARAMS_A_TURN

    def _broadcast(self) -> None:
        for message in self.vehicle.outbox:
            for station in self.stations:
                station.send(message)
        self.vehicle.outbox.clear()

    def _report(self) -> None:
        self._broadcast()
        for station in self.stations:
            for message in station.schedule.messages():
                station.send(message)


def serve(
    settings: VehicleSettings,
    port: int,
    on_trigger: Callable[[Trigger], None] | None,
    stop_event: threading.Event,
    listening: Callable[[int], None],
    exit_when_landed: bool = False,
) -> None:
    """Serve one vehicle until `stop_event` is set; `listening(port)` is called once with the bound port. Raises
    SimulationError where the port is taken."""
    server = Server(settings, port, on_trigger)
    listening(server.port)
    server.run(stop_event, exit_when_landed)
