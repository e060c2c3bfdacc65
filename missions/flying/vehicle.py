"""DroneKit's vehicle, kept to the one autopilot that is flown and made to come back from every wait.

Which of those heard on a line that is, is decided here: an ArduPilot Copter, by its heartbeat. What is said to it is
`missions.flying.link`'s subject.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from missions.errors import VehicleError
from missions.flying.dronekit_compat import dronekit, mavlink
from missions.flying.line import Line

STREAM_HZ = 4
OTHERS_S = 5.0
"""So long a Copter has to be heard beside something else; an antenna tracker speaks before it may be switched on."""

COPTERS = (
    mavlink.MAV_TYPE_QUADROTOR,
    mavlink.MAV_TYPE_COAXIAL,
    mavlink.MAV_TYPE_HELICOPTER,
    mavlink.MAV_TYPE_TRICOPTER,
    mavlink.MAV_TYPE_HEXAROTOR,
    mavlink.MAV_TYPE_OCTOROTOR,
    mavlink.MAV_TYPE_DODECAROTOR,
    mavlink.MAV_TYPE_DECAROTOR,
)
"""What ArduPilot's Copter says it is."""

_NAMES = {mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA: "ArduPilot", mavlink.MAV_AUTOPILOT_PX4: "PX4"}


class Vehicle(dronekit.Vehicle):
    """The autopilot being flown: the first Copter heard on the line."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.autopilot: tuple[int, int] | None = None
        """Its MAVLink system and component, once heard."""
        self.other_copters: set[int] = set()
        """The system ids of other Copters heard on this line."""
        self._others: dict[int, str] = {}
        super().__init__(line)
        self._heartbeat_error = 0
        self._heartbeat_started = True

    def notify_message_listeners(self, name: str, msg: Any) -> None:
        """Hand DroneKit what comes from the autopilot being flown, and nothing else.

        DroneKit takes the heartbeat of a gimbal or of a second vehicle on the same link for that of its own, and with
        it their mode and arming.
        """
        source = (msg.get_srcSystem(), msg.get_srcComponent())
        if name == "HEARTBEAT" and source != self.autopilot:
            self._hear_stranger(source, msg)
        if source == self.autopilot:
            super().notify_message_listeners(name, msg)

    def _hear_stranger(self, source: tuple[int, int], heartbeat: Any) -> None:
        if heartbeat.autopilot == mavlink.MAV_AUTOPILOT_INVALID:
            return  # a ground station, a gimbal, a computer on board
        if heartbeat.autopilot != mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA or heartbeat.type not in COPTERS:
            self._others[source[0]] = _words_of(heartbeat)
        elif self.autopilot is None:
            self.autopilot = source
        elif source[0] != self.autopilot[0]:
            self.other_copters.add(source[0])

    def initialize(
        self,
        rate: int = STREAM_HZ,
        heartbeat_timeout: float = 30.0,
        waiting: Callable[[str], None] = lambda what: None,
    ) -> None:
        """Wait for the vehicle, then ask for its streams and parameters. DroneKit's own waits here without an end where
        no parameter ever arrives. Raises VehicleError after `heartbeat_timeout` seconds without a heartbeat of a
        Copter, sooner where something else is heard."""
        self.line.start()
        began_s = time.monotonic()
        while self.autopilot is None or self.last_heartbeat is None:
            if not self.line.alive:
                raise VehicleError("the connection was closed before the vehicle said anything")
            waited_s = time.monotonic() - began_s
            if self._others and waited_s > min(OTHERS_S, heartbeat_timeout):
                heard = ", ".join(f"{words} (system {system})" for system, words in sorted(self._others.items()))
                raise VehicleError(f"heard is: {heard}; Picket flies ArduPilot Copter and nothing else")
            if waited_s > heartbeat_timeout:
                raise VehicleError(_nobody(self.line, heartbeat_timeout))
            waiting(f"the vehicle's heartbeat, {heartbeat_timeout:.0f} s at most")
            time.sleep(0.02)
        self.line.target_system = self.autopilot[0]
        self.line.master.mav.request_data_stream_send(*self.autopilot, mavlink.MAV_DATA_STREAM_ALL, rate, 1)
        self.line.master.mav.param_request_list_send(*self.autopilot)

    def close(self) -> None:
        """End the threads and close the connection; may be called twice."""
        self.line.close()


def _words_of(heartbeat: Any) -> str:
    """What a heartbeat says it comes from, in words."""
    kind = mavlink.enums["MAV_TYPE"].get(heartbeat.type)
    body = kind.name.removeprefix("MAV_TYPE_").replace("_", " ").lower() if kind else f"type {heartbeat.type}"
    return f"{body} with {_NAMES.get(heartbeat.autopilot, f'autopilot {heartbeat.autopilot}')}"


def _nobody(line: Line, waited_s: float) -> str:
    counts = line.counts
    if line.refused_systems:
        others = ", ".join(str(system) for system in sorted(line.refused_systems))
        return f"no vehicle of the system id asked for within {waited_s:.0f} s; heard was {others}"
    if counts.wrongly_signed:
        return f"{counts.wrongly_signed} messages with a wrong signature and no right one: the vehicle has another key"
    if counts.unsigned:
        return f"{counts.unsigned} unsigned messages and no signed one: give the vehicle the key first, over a cable"
    return f"no vehicle answered within {waited_s:.0f} s; check address and power"
