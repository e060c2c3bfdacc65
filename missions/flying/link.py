"""The line to one vehicle: DroneKit for connection, state, modes and arming, plain messages for everything it lacks.

A `Link` stores and reads back missions, fences and rally points (by the state machines of `missions.flying.protocol`),
reads and sets parameters, sends commands and waits for their acknowledgement. Every wait ends: with an answer, or with
a VehicleError of one line. What to do with a vehicle is left to `missions.flying.preflight` and `.flight`, keeping what
was heard to `missions.flying.recorder`.
"""

from __future__ import annotations

import contextlib
import math
import queue
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from missions.errors import VehicleError
from missions.flying.dronekit_compat import dronekit, end_on_disconnect, mavlink, no_exit
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
    differences,
)
from missions.items import MissionItem, integer_frame
from vision.errors import InputError

GROUND_SYSTEM = 255
GROUND_COMPONENT = 190
"""The ids of a ground station (MAV_COMP_ID_MISSIONPLANNER)."""

CONNECT_TIMEOUT_S = 3.0
"""For one attempt to open a TCP connection; pymavlink makes three, a second apart."""

DEFAULT_BAUD = 57600
"""Of telemetry radios; a USB port takes any."""

STREAM_HZ = 4
POSE_HZ = 10
ANSWER_S = 1.5
ATTEMPTS = 6
CONTRADICTIONS = 3
"""So often a vehicle may answer a parameter otherwise than asked: the first answers can be echoes of its list."""

PARAMETER_LIST_S = 90.0
"""A full parameter list takes up to a minute over a slow radio."""

_ADDRESS = re.compile(r"((tcp|tcpin|udp|udpin|udpout|udpbcast):)?[^:\s]+:\d{1,5}|(/dev/[^\s,]+|COM\d+)(,\d+)?")
_TRANSFER_MESSAGES = ("MISSION_COUNT", "MISSION_REQUEST", "MISSION_REQUEST_INT", "MISSION_ITEM_INT", "MISSION_ACK")
_REQUEST_MESSAGE = 512
_SET_MESSAGE_INTERVAL = 511

Listener = Callable[[Any], None]


class Vehicle(dronekit.Vehicle):
    """DroneKit's vehicle, kept to one autopilot and made to come back from every wait."""

    def __init__(self, handler: Any, heard: Listener, sent: Listener) -> None:
        """`heard` gets every message that arrives, from whomever, `sent` every message that leaves."""
        self.handler = handler
        self.autopilot: tuple[int, int] | None = None
        handler.forward_message(lambda _connection, message: heard(message))
        handler.master.mav.set_send_callback(sent)
        end_on_disconnect(handler.master)
        super().__init__(handler)

    def notify_message_listeners(self, name: str, msg: Any) -> None:
        """Hand DroneKit what comes from the autopilot being flown, and nothing else.

        DroneKit takes the heartbeat of a gimbal or of a second vehicle on the same link for that of its own, and with
        it their mode and arming.
        """
        source = (msg.get_srcSystem(), msg.get_srcComponent())
        if self.autopilot is None and name == "HEARTBEAT" and msg.autopilot != mavlink.MAV_AUTOPILOT_INVALID:
            self.autopilot = source
        if source == self.autopilot:
            super().notify_message_listeners(name, msg)

    def initialize(self, rate: int = STREAM_HZ, heartbeat_timeout: float = 30.0) -> None:
        """Wait for the vehicle, then ask for its streams and parameters. DroneKit's own waits here without an end where
        no parameter ever arrives. Raises VehicleError after `heartbeat_timeout` seconds without a heartbeat."""
        self._heartbeat_error = 0
        self._heartbeat_started = True
        self.handler.start()
        deadline_s = time.monotonic() + heartbeat_timeout
        while self.autopilot is None or self.last_heartbeat is None:
            if not self.alive:
                raise VehicleError("the connection was closed before the vehicle said anything")
            if time.monotonic() > deadline_s:
                raise VehicleError(f"no vehicle answered within {heartbeat_timeout:.0f} s; check address and power")
            time.sleep(0.02)
        self.handler.target_system = self.autopilot[0]
        self.handler.master.mav.request_data_stream_send(*self.autopilot, mavlink.MAV_DATA_STREAM_ALL, rate, 1)
        self.handler.master.mav.param_request_list_send(*self.autopilot)

    @property
    def alive(self) -> bool:
        """False once the connection was closed, by either end."""
        return bool(self.handler._alive)

    def close(self) -> None:
        """End DroneKit's threads and close the connection; may be called twice."""
        self.handler._alive = False
        threads = (self.handler.mavlink_thread_in, self.handler.mavlink_thread_out)
        for thread in threads:
            if thread is not None and thread.is_alive():
                thread.join(5.0)
        self.handler.mavlink_thread_in = self.handler.mavlink_thread_out = None
        with contextlib.suppress(OSError):
            self.handler.master.close()


class Link:
    """A connected vehicle. Made by `connect`; `vehicle` is DroneKit's."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.vehicle = vehicle
        self.system, self.component = vehicle.autopilot or (1, 1)
        self.vehicle_time_s = 0.0
        self._parameters_complete = False
        for name in ("ATTITUDE", "GLOBAL_POSITION_INT", "SYSTEM_TIME"):
            vehicle.add_message_listener(name, self._keep_time)
        vehicle.add_attribute_listener("parameters", self._keep_complete)
        for message in (mavlink.MAVLINK_MSG_ID_ATTITUDE, mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT):
            self.send("command_long", _SET_MESSAGE_INTERVAL, 0, message, 1e6 / POSE_HZ, 0, 0, 0, 0, 0)
        self.ask_about_itself()

    def _keep_time(self, _vehicle: Any, _name: str, message: Any) -> None:
        self.vehicle_time_s = message.time_boot_ms / 1000.0

    def _keep_complete(self, *_: Any) -> None:
        self._parameters_complete = True

    @property
    def alive(self) -> bool:
        """False once the connection was closed, by either end."""
        return self.vehicle.alive

    @property
    def silence_s(self) -> float:
        """Seconds since the vehicle's last heartbeat."""
        return float(self.vehicle.last_heartbeat or 0.0)

    @property
    def firmware(self) -> str:
        """What flies the vehicle, in words."""
        version = self.vehicle.version
        if version.major is None:
            return "firmware of unknown version"
        return f"{version}".removeprefix("APM:")

    def send(self, name: str, *fields: Any) -> None:
        """Send the MAVLink message `name` to the autopilot: `fields` without its target system and component."""
        encode = getattr(self.vehicle.message_factory, f"{name}_encode")
        self.vehicle.send_mavlink(encode(self.system, self.component, *fields))

    @contextlib.contextmanager
    def hear(self, *names: str) -> Iterator[Callable[[float], Any | None]]:
        """Hear the named messages; yields a function that returns the next one, or None after so many seconds. It
        raises VehicleError where the connection was closed."""
        inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def listen(_vehicle: Any, _name: str, message: Any) -> None:
            if getattr(message, "target_system", 0) in (0, GROUND_SYSTEM):
                inbox.put(message)

        def next_message(timeout_s: float) -> Any | None:
            try:
                return inbox.get(timeout=timeout_s)
            except queue.Empty:
                if not self.alive:
                    raise VehicleError("the vehicle closed the connection") from None
                return None

        for name in names:
            self.vehicle.add_message_listener(name, listen)
        try:
            yield next_message
        finally:
            for name in names:
                self.vehicle.remove_message_listener(name, listen)

    def wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until `condition` holds; False where it does not within `timeout_s` (of our clock). Raises VehicleError
        where the connection was closed."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if not self.alive:
                raise VehicleError("the vehicle closed the connection")
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.02)
        return True

    def store(self, items: Sequence[MissionItem], mission_type: MissionType) -> None:
        """Store a list on the vehicle, read it back and compare item by item. Raises VehicleError saying why not."""
        upload = Upload(items, mission_type)
        self._run(upload)
        found = differences(items, self.read(mission_type), mission_type)
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise VehicleError(f"the vehicle holds something else than it was given: {found[0]}{more}")

    def read(self, mission_type: MissionType) -> tuple[MissionItem, ...]:
        """The list the vehicle holds. Raises VehicleError saying why not."""
        download = Download(mission_type)
        self._run(download)
        return download.items

    def _run(self, transfer: Upload | Download) -> None:
        with self.hear(*_TRANSFER_MESSAGES) as next_message:
            outgoing = transfer.start(time.monotonic())
            while True:
                for message in outgoing:
                    self._send_transfer(message, transfer.mission_type)
                if transfer.ended:
                    break
                heard = next_message(0.05)
                now_s = time.monotonic()
                if heard is None:
                    outgoing = transfer.tick(now_s)
                elif heard.mission_type == transfer.mission_type:
                    outgoing = transfer.receive(_value_of(heard), now_s)
                else:
                    outgoing = []
        if transfer.failure is not None:
            raise VehicleError(transfer.failure)

    def _send_transfer(self, message: Message, mission_type: MissionType) -> None:
        if isinstance(message, Count):
            self.send("mission_count", message.count, mission_type)
        elif isinstance(message, RequestList):
            self.send("mission_request_list", mission_type)
        elif isinstance(message, Request):
            self.send("mission_request_int", message.sequence, mission_type)
        elif isinstance(message, Acknowledge):
            self.send("mission_ack", message.result, mission_type)
        else:
            item = message.item
            self.send(
                "mission_item_int",
                *(message.sequence, integer_frame(item.frame), item.command, 0, int(item.autocontinue), *item.params),
                *(round(item.lat_deg * 1e7), round(item.lon_deg * 1e7), item.alt_m, mission_type),
            )

    def wait_for_parameters(self) -> bool:
        """Wait until the vehicle's parameter list is complete, so that a parameter not in it is known to be unknown."""
        return self.wait(lambda: self._parameters_complete, PARAMETER_LIST_S)

    def parameter(self, name: str) -> float | None:
        """A parameter's present value, asked for by name; None where the vehicle does not know it."""
        if self._parameters_complete and name not in self.vehicle.parameters:
            return None
        return self._parameter_exchange(name, lambda: self.send("param_request_read", name.encode(), -1), None)

    def set_parameter(self, name: str, value: float) -> None:
        """Set a parameter and hear it back from the vehicle. Raises VehicleError where it keeps another value."""
        real32 = mavlink.MAV_PARAM_TYPE_REAL32
        heard = self._parameter_exchange(name, lambda: self.send("param_set", name.encode(), value, real32), value)
        if heard is None or not same_value(heard, value):
            kept = "did not answer" if heard is None else f"kept {heard:g}"
            raise VehicleError(f"the vehicle did not take parameter {name} = {value:g}: it {kept}")

    def _parameter_exchange(self, name: str, ask: Callable[[], None], wanted: float | None) -> float | None:
        """Ask until an answer about `name` comes (and equals `wanted`, if given); the last value heard."""
        heard: float | None = None
        with self.hear("PARAM_VALUE") as next_message:
            for attempt in range(ATTEMPTS):
                if heard is not None and attempt >= CONTRADICTIONS:
                    break
                ask()
                deadline_s = time.monotonic() + ANSWER_S
                while (left_s := deadline_s - time.monotonic()) > 0:
                    message = next_message(left_s)
                    if message is not None and message.param_id == name:
                        heard = float(message.param_value)
                        if wanted is None or same_value(heard, wanted):
                            return heard
        return heard

    def command(self, number: int, *params: float, patience_s: float = ANSWER_S) -> int | None:
        """Send a COMMAND_LONG and wait for its acknowledgement: a MAV_RESULT (0 = accepted), or None for no answer."""
        seven = (*params, *(0.0,) * (7 - len(params)))
        with self.hear("COMMAND_ACK") as next_message:
            for attempt in range(ATTEMPTS):
                self.send("command_long", number, attempt, *seven)
                deadline_s = time.monotonic() + patience_s
                while (left_s := deadline_s - time.monotonic()) > 0:
                    message = next_message(left_s)
                    if message is None or message.command != number:
                        continue
                    if message.result != mavlink.MAV_RESULT_IN_PROGRESS:
                        return int(message.result)
                    deadline_s = time.monotonic() + patience_s
        return None

    def ask_about_itself(self) -> None:
        """Ask for the vehicle's firmware and home, which are not in its streams; they arrive as attributes."""
        for number in (mavlink.MAVLINK_MSG_ID_AUTOPILOT_VERSION, mavlink.MAVLINK_MSG_ID_HOME_POSITION):
            self.send("command_long", _REQUEST_MESSAGE, 0, number, 0, 0, 0, 0, 0, 0)

    def set_mode(self, name: str, patience_s: float = 5.0) -> bool:
        """Ask for a flight mode until the vehicle is in it; False where it is not after `patience_s`."""
        deadline_s = time.monotonic() + patience_s
        while time.monotonic() < deadline_s:
            self.vehicle.mode = dronekit.VehicleMode(name)
            if self.wait(lambda: bool(self.vehicle.mode.name == name), 1.0):
                return True
        return bool(self.vehicle.mode.name == name)

    def close(self) -> None:
        """Close the connection; no thread remains."""
        self.vehicle.close()


def connect(url: str, heard: Listener, sent: Listener, *, timeout_s: float = 30.0) -> Link:
    """Connect to the vehicle at `url` (tcp:HOST:PORT, udp:HOST:PORT, or a serial port such as /dev/ttyUSB0,57600).

    `heard` and `sent` get every message of the connection, from DroneKit's threads. Raises InputError where `url` is no
    address, VehicleError where nobody answers within `timeout_s`.
    """
    if not _ADDRESS.fullmatch(url):
        raise InputError("--connect", f"{url!r} is no address; write tcp:HOST:PORT, udp:HOST:PORT or a serial port")
    port = url.rpartition(":")[2]
    if port.isdigit() and not 0 < int(port) <= 65535:
        raise InputError("--connect", f"{port} in {url!r} is no port; ports go from 1 to 65535")
    address, _, baud = url.partition(",")
    before = socket.getdefaulttimeout()
    # The only way to bound pymavlink's connect(), which otherwise takes minutes where packets vanish.
    socket.setdefaulttimeout(CONNECT_TIMEOUT_S)
    try:
        with no_exit():
            vehicle: Vehicle = dronekit.connect(
                address,
                _initialize=False,
                baud=int(baud or DEFAULT_BAUD),
                source_system=GROUND_SYSTEM,
                source_component=GROUND_COMPONENT,
                vehicle_class=lambda handler: Vehicle(handler, heard, sent),
            )
    except ImportError as error:
        raise VehicleError(f"{url}: a serial port needs the package pyserial, which is not installed") from error
    except OSError as error:
        raise VehicleError(f"{url}: cannot connect ({error.strerror or error})") from error
    except ValueError as error:
        raise InputError("--connect", f"{url!r} is no address ({error})") from error
    finally:
        socket.setdefaulttimeout(before)
    try:
        vehicle.initialize(rate=STREAM_HZ, heartbeat_timeout=timeout_s)
        return Link(vehicle)
    except BaseException as error:
        vehicle.close()
        if isinstance(error, VehicleError):
            raise VehicleError(f"{url}: {error}") from None
        raise


def same_value(a: float, b: float) -> bool:
    """Whether two parameter values are equal as far as float32 tells."""
    return math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-5)


def _value_of(message: Any) -> Message:
    """A MAVLink message of the mission protocol as the value the state machines take."""
    kind = message.get_type()
    if kind == "MISSION_COUNT":
        return Count(message.count)
    if kind == "MISSION_ACK":
        return Acknowledge(message.type)
    if kind in ("MISSION_REQUEST", "MISSION_REQUEST_INT"):
        return Request(message.seq)
    item = MissionItem(
        frame=message.frame,
        command=message.command,
        params=(message.param1, message.param2, message.param3, message.param4),
        lat_deg=message.x / 1e7,
        lon_deg=message.y / 1e7,
        alt_m=message.z,
        autocontinue=bool(message.autocontinue),
    )
    return Item(message.seq, item)
