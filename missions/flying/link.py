"""What is said to one vehicle and heard from it: DroneKit for its state, plain messages for everything DroneKit lacks.

A `Link` stores and reads back missions, fences and rally points, reads and sets parameters, sends commands and waits
for their acknowledgement. Every wait ends: with an answer, or with a VehicleError of one line. The bytes are
`missions.flying.line`'s subject, what to do with a vehicle `missions.flying.flight`'s, keeping what was heard
`missions.flying.recorder`'s.
"""

from __future__ import annotations

import contextlib
import math
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from missions.errors import VehicleError
from missions.flying.dronekit_compat import mavlink, mavutil
from missions.flying.line import GROUND_SYSTEM, Line, LinkCounts, Listener
from missions.flying.protocol import Download, MissionType, Upload, differences
from missions.flying.signing import Signing
from missions.flying.transfers import carry_out
from missions.flying.transport import address_of
from missions.flying.vehicle import STREAM_HZ, Vehicle
from missions.items import MissionItem

POSE_HZ = 10
WIND_HZ = 1
ANSWER_S = 1.5
ATTEMPTS = 10
CONTRADICTIONS = 3
"""So often a vehicle may answer a parameter otherwise than asked: the first answers can be echoes of its list."""

CONNECT_TIMEOUT_S = 30.0
PARAMETER_LIST_S = 90.0
"""A full parameter list takes up to a minute over a slow radio."""

FIRST_ANSWER_S = 8.0
"""How long a vehicle that is heard has to answer anything at all; it is asked again every second."""

REBOOT_S = 2.0
REBOOT_IN_A_ROW = 3
"""The boot clock goes back by more than this, in so many messages in a row: a restart, and not a late message."""

_REQUEST_MESSAGE = 512
_SET_MESSAGE_INTERVAL = 511
_DO_SET_MODE = 176


class Link:
    """A connected vehicle. Made by `connect`; `vehicle` is DroneKit's."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.vehicle = vehicle
        self.line = vehicle.line
        self.system, self.component = vehicle.autopilot or (1, 1)
        self.vehicle_time_s = 0.0
        """The vehicle's clock since it was switched on; after a restart in flight it goes on from where it was."""
        self.restarts = 0
        self._restarted_at_s = 0.0
        self._behind = 0
        self._parameters_complete = False
        self._serial: str | None = None
        self._answered = False
        vehicle.add_message_listener("AUTOPILOT_VERSION", self._keep_serial)
        for name in ("AUTOPILOT_VERSION", "COMMAND_ACK", "PARAM_VALUE"):
            vehicle.add_message_listener(name, self._keep_answered)
        for name in ("ATTITUDE", "GLOBAL_POSITION_INT", "SYSTEM_TIME"):
            vehicle.add_message_listener(name, self._keep_time)
        vehicle.add_attribute_listener("parameters", self._keep_complete)
        self.ask_for_streams()
        self.ask_about_itself()

    def _keep_time(self, _vehicle: Any, _name: str, message: Any) -> None:
        time_s = self._restarted_at_s + message.time_boot_ms / 1000.0
        if time_s >= self.vehicle_time_s:
            self.vehicle_time_s, self._behind = time_s, 0
        elif time_s < self.vehicle_time_s - REBOOT_S:
            self._behind += 1
            if self._behind >= REBOOT_IN_A_ROW:
                self._restarted_at_s, self._behind = self.vehicle_time_s, 0
                self.restarts += 1

    def _keep_serial(self, _vehicle: Any, _name: str, message: Any) -> None:
        long = bytes(message.uid2)
        self._serial = long.hex() if any(long) else f"{message.uid:x}" if message.uid else ""

    def _keep_answered(self, *_: Any) -> None:
        self._answered = True

    def _keep_complete(self, *_: Any) -> None:
        self._parameters_complete = True

    @property
    def alive(self) -> bool:
        """False once the line is closed for good."""
        return self.line.alive

    @property
    def counts(self) -> LinkCounts:
        """How many messages came so far, and how."""
        return self.line.counts

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

    @property
    def known(self) -> bool:
        """True once the vehicle has said its version and serial number."""
        return self._serial is not None

    @property
    def identity(self) -> str:
        """Which vehicle this is, among all: its autopilot's serial number and its system id; empty where it says no
        serial number, for then it cannot be told from others."""
        return f"{self._serial}/{self.system}" if self._serial else ""

    def ask_for_streams(self) -> None:
        """Ask for everything a flight needs: once in the beginning, and whenever the vehicle may have forgotten it."""
        self.send("request_data_stream", mavlink.MAV_DATA_STREAM_ALL, STREAM_HZ, 1)
        for message, rate_hz in (
            (mavlink.MAVLINK_MSG_ID_ATTITUDE, POSE_HZ),
            (mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT, POSE_HZ),
            (mavlink.MAVLINK_MSG_ID_WIND, WIND_HZ),
        ):
            self.send("command_long", _SET_MESSAGE_INTERVAL, 0, message, 1e6 / rate_hz, 0, 0, 0, 0, 0)

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

    def store(
        self,
        items: Sequence[MissionItem],
        mission_type: MissionType,
        waiting: Callable[[str], None] = lambda what: None,
    ) -> None:
        """Store a list on the vehicle, read it back and compare item by item. `waiting` is called again and again
        meanwhile. Raises VehicleError saying why not."""

        def never() -> bool:
            waiting(f"the vehicle to store and give back {mission_type.words}: {len(items)} items")
            return False

        carry_out(self, Upload(items, mission_type), never)
        found = differences(items, self.read(mission_type, never), mission_type)
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise VehicleError(f"the vehicle holds something else than it was given: {found[0]}{more}")

    def read(self, mission_type: MissionType, give_up: Callable[[], bool] = lambda: False) -> tuple[MissionItem, ...]:
        """The list the vehicle holds. Raises VehicleError saying why not, also where `give_up` ends it."""
        download = Download(mission_type)
        carry_out(self, download, give_up)
        return download.items

    def wait_for_answer(self, waiting: Callable[[str], None] = lambda what: None) -> None:
        """Wait until the vehicle has answered anything. Raises VehicleError, saying why that may be, where it is heard
        and answers nothing."""
        for _ in range(round(FIRST_ANSWER_S)):
            if self.wait(lambda: self._answered, 1.0):
                return
            waiting("the vehicle's first answer")
            self.ask_about_itself()
        if self.line.signed_heard and not self.line.signs:
            raise VehicleError("this vehicle signs its link and answers nobody who does not: give --signing-key FILE")
        raise VehicleError(
            "the vehicle is heard but answers nothing: the way to it is cut (a radio or a line that only receives), or "
            "it hears another ground station only"
        )

    def wait_for_parameters(self, waiting: Callable[[str], None] = lambda what: None) -> bool:
        """Wait until the vehicle's parameter list is complete, so that a parameter not in it is known to be unknown."""

        def complete() -> bool:
            waiting(f"the vehicle's parameters, {len(self.vehicle.parameters)} so far")
            return self._parameters_complete

        return self.wait(complete, PARAMETER_LIST_S)

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
        number = (mavutil.mode_mapping_byname(self.vehicle._vehicle_type) or {}).get(name)
        deadline_s = time.monotonic() + patience_s
        while number is not None and time.monotonic() < deadline_s:
            self.send("command_long", _DO_SET_MODE, 0, mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED, number, *(0,) * 5)
            if self.wait(lambda: bool(self.vehicle.mode.name == name), 1.0):
                return True
        return bool(self.vehicle.mode.name == name)

    def close(self) -> None:
        """Close the connection; no thread remains."""
        self.vehicle.close()


def connect(
    url: str,
    heard: Listener,
    sent: Listener,
    *,
    timeout_s: float = CONNECT_TIMEOUT_S,
    system: int | None = None,
    signing: Signing | None = None,
    waiting: Callable[[str], None] = lambda what: None,
) -> Link:
    """Connect to the vehicle at `url` (see `missions.flying.transport.address_of`), of several there to that of the
    MAVLink system id `system`. With `signing` everything said is signed, and what is heard unsigned is refused.

    `heard` and `sent` get every message of the connection, from the line's threads; `waiting` is called with what is
    waited for. Raises InputError where `url` is no
    address, VehicleError where nobody answers within `timeout_s`.
    """
    address = address_of(url)
    try:
        line = Line(address, heard, sent, signing=signing, system=system)
    except OSError as error:
        raise VehicleError(f"{url}: cannot connect ({error.strerror or error})") from error
    try:
        vehicle = Vehicle(line)
        vehicle.initialize(heartbeat_timeout=timeout_s, waiting=waiting)
        return Link(vehicle)
    except BaseException as error:
        line.close()
        if isinstance(error, VehicleError):
            raise VehicleError(f"{url}: {error}") from None
        raise


def same_value(a: float, b: float) -> bool:
    """Whether two parameter values are equal as far as float32 tells."""
    return math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-5)
