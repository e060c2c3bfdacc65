"""The vehicle at its doors: ground stations connect over TCP as to SITL's 5760, or over UDP, and simulated time is
paced here.

One thread steps the world and serves every station. A TCP station that reads too slowly holds the world back rather
than lose telemetry; one that has read nothing for 10 s is dropped. Stations come and go without the flight noticing.
This is the only place that looks at the wall clock.
"""

from __future__ import annotations

import errno
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence

from pymavlink.dialects.v20.ardupilotmega import MAVLink_message as Message

from sim.errors import SimulationError
from sim.vehicle import commands
from sim.vehicle.autopilot import STEP_S, SimulatedVehicle
from sim.vehicle.faults import Fault
from sim.vehicle.signatures import signing
from sim.vehicle.stations import Station, TcpStation, UdpStation
from sim.vehicle.values import Trigger, VehicleSettings

LATE_S = 0.25
GROUND_SPEEDUP = 10.0
"""With speedup 0 the world runs at this while disarmed: uploads and arming need the ground's seconds."""
SERVED_EVERY_S = 0.1
"""With speedup 0, in flight: simulated seconds between two looks at the sockets. A look costs more than a step."""
PARAMS_A_TURN = 20
LINKS_MOST = 8


class Server:
    """A vehicle, its doors and its stations. Made bound; `run` serves until told to stop."""

    def __init__(
        self,
        settings: VehicleSettings,
        port: int = 0,
        on_trigger: Callable[[Trigger], None] | None = None,
        faults: Sequence[Fault] = (),
        key: bytes | None = None,
        udp_listen: int | None = None,
        udp_call: tuple[str, int] | None = None,
    ) -> None:
        """`key` signs the links from the start. Raises SimulationError where a port is taken."""
        self.vehicle = SimulatedVehicle(settings, on_trigger, faults)
        self._signing = signing(key)
        self._listener = self._listen(port)
        self.port: int = self._listener.getsockname()[1]
        self.stations: list[Station] = []
        self._udp: socket.socket | None = None
        if udp_listen is not None or udp_call is not None:
            self._udp = self._datagrams(udp_listen or 0)
        if udp_call is not None and self._udp is not None:
            self.stations.append(UdpStation(self._udp, udp_call, self.vehicle, self._signing))
        self._flown = False
        self._accepted = 0

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(LINKS_MOST)
        except (OSError, OverflowError) as error:
            listener.close()
            raise _taken(port, error) from error
        listener.setblocking(False)
        return listener

    def _datagrams(self, port: int) -> socket.socket:
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            line.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            line.close()
            self._listener.close()
            raise _taken(port, error) from error
        line.setblocking(False)
        return line

    def run(self, stop: threading.Event, exit_when_landed: bool = False) -> None:
        """Serve and step until `stop` is set, or until a flight has ended and `exit_when_landed`."""
        try:
            self._loop(stop, exit_when_landed)
        finally:
            self.close()

    def close(self) -> None:
        """Close every socket."""
        for station in self.stations:
            station.close()
        self.stations.clear()
        self._listener.close()
        if self._udp is not None:
            self._udp.close()

    def _loop(self, stop: threading.Event, exit_when_landed: bool) -> None:
        vehicle = self.vehicle
        started_s, simulated_s = time.monotonic(), vehicle.time_s
        speed = -1.0
        served_s = 0.0
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
            if blocked or speed > 0.0 or vehicle.time_s - served_s >= SERVED_EVERY_S:
                served_s = vehicle.time_s
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
        while any(isinstance(s, TcpStation) and s.stream.pending for s in self.stations) and time.monotonic() < until_s:
            if stop.is_set():
                return
            self._serve(0.02)

    def _serve(self, wait_s: float) -> None:
        """Take what has come in within `wait_s`, answer, and send what is queued."""
        cut = "link-cut" in self.vehicle.faults.active
        self._open(not cut)
        tcp = [station for station in self.stations if isinstance(station, TcpStation)]
        readers: list[socket.socket] = [station.stream.connection for station in tcp]
        if self._listener.fileno() >= 0:
            readers.append(self._listener)
        if self._udp is not None:
            readers.append(self._udp)
        writers = [station.stream.connection for station in tcp if station.stream.pending]
        readable, _, _ = select.select(readers, writers, [], wait_s)
        if self._listener in readable:
            self._accept()
        now_s = time.monotonic()
        if self._udp is not None and self._udp in readable:
            self._receive_datagrams(self._udp, now_s)
        for line in tcp:
            if line.stream.connection in readable:
                self._handle(line.receive(), line, now_s)
        for station in self.stations:
            if station.list_params_from is not None and not station.full:
                self._list_params(station)
        self.vehicle.items.update(now_s)
        self._broadcast()
        for station in self.stations:
            station.catch_up()
            station.flush()
        if any(station.gone for station in self.stations) or (cut and self.stations):
            self._part(everyone=cut)

    def _handle(self, messages: list[Message], station: Station, now_s: float) -> None:
        if self.vehicle.time_s < self.vehicle.silent_until_s:
            return
        for message in messages:
            commands.handle(self.vehicle, message, station, now_s)

    def _open(self, wanted: bool) -> None:
        """Listen, or do not: the link that is cut refuses whoever calls."""
        if not wanted:
            self._listener.close()
        elif self._listener.fileno() < 0:
            self._listener = self._listen(self.port)

    def _receive_datagrams(self, line: socket.socket, now_s: float) -> None:
        for _ in range(200):
            try:
                data, address = line.recvfrom(65536)
            except OSError:
                return
            known = [s for s in self.stations if isinstance(s, UdpStation) and s.address == address]
            if not known:
                if len(self.stations) >= LINKS_MOST:
                    continue
                known = [UdpStation(line, address, self.vehicle, self._signing)]
                self.stations.append(known[0])
            self._handle(known[0].parse(data), known[0], now_s)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self.stations) >= LINKS_MOST:
            connection.close()
            return
        self._accepted += 1
        name = f"{self.vehicle.settings.seed} {self._accepted}"
        self.stations.append(TcpStation(connection, self.vehicle, self._signing, name))

    def _part(self, everyone: bool = False) -> None:
        for station in [s for s in self.stations if s.gone or (everyone and isinstance(s, TcpStation))]:
            self.vehicle.items.forget(station)
            self.stations.remove(station)
            station.close()

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
        if self.vehicle.time_s < self.vehicle.silent_until_s:
            self.vehicle.outbox.clear()
            return
        self._broadcast()
        for station in self.stations:
            for message in station.schedule.messages():
                station.send(message)


def _taken(port: int, error: Exception) -> SimulationError:
    in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
    reason = "another program has it; choose another or 0 for any" if in_use else str(error)
    return SimulationError(f"cannot listen on 127.0.0.1:{port}: {reason}")
