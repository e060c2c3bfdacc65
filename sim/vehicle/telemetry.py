"""How often each ground station gets what.

Rates start from the SR0_* parameters, follow REQUEST_DATA_STREAM and SET_MESSAGE_INTERVAL per link, and count simulated
time. What the messages hold is `reports`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink
from pymavlink.dialects.v20.ardupilotmega import MAVLink_message as Message

from sim.vehicle.reports import BUILDERS

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

STREAMS: dict[int, tuple[str, tuple[int, ...]]] = {
    mavlink.MAV_DATA_STREAM_EXTENDED_STATUS: (
        "SR0_EXT_STAT",
        (
            mavlink.MAVLINK_MSG_ID_SYS_STATUS,
            mavlink.MAVLINK_MSG_ID_MISSION_CURRENT,
            mavlink.MAVLINK_MSG_ID_GPS_RAW_INT,
            mavlink.MAVLINK_MSG_ID_FENCE_STATUS,
            mavlink.MAVLINK_MSG_ID_EXTENDED_SYS_STATE,
        ),
    ),
    mavlink.MAV_DATA_STREAM_POSITION: ("SR0_POSITION", (mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT,)),
    mavlink.MAV_DATA_STREAM_EXTRA1: ("SR0_EXTRA1", (mavlink.MAVLINK_MSG_ID_ATTITUDE,)),
    mavlink.MAV_DATA_STREAM_EXTRA2: ("SR0_EXTRA2", (mavlink.MAVLINK_MSG_ID_VFR_HUD,)),
    mavlink.MAV_DATA_STREAM_EXTRA3: (
        "SR0_EXTRA3",
        (
            mavlink.MAVLINK_MSG_ID_SYSTEM_TIME,
            mavlink.MAVLINK_MSG_ID_BATTERY_STATUS,
            mavlink.MAVLINK_MSG_ID_EKF_STATUS_REPORT,
            mavlink.MAVLINK_MSG_ID_WIND,
        ),
    ),
}
"""MAV_DATA_STREAM to the parameter of its rate and the messages in it, as ArduPilot groups them."""


class Schedule:
    """How often one link gets what, in simulated seconds."""

    def __init__(self, vehicle: SimulatedVehicle) -> None:
        self._vehicle = vehicle
        self._interval: dict[int, float] = {}
        self._own: set[int] = set()
        self._due: dict[int, float] = {}
        self._next = 0.0
        for parameter, messages in STREAMS.values():
            self._rate(messages, vehicle.params[parameter])
        self._rate((mavlink.MAVLINK_MSG_ID_HEARTBEAT,), 1.0)

    def _rate(self, messages: tuple[int, ...], rate_hz: float) -> None:
        for number in messages:
            if number not in self._own:
                self._set(number, 1.0 / rate_hz if rate_hz > 0 else 0.0)

    def _set(self, number: int, interval_s: float) -> None:
        if interval_s <= 0.0:
            self._interval.pop(number, None)
            self._due.pop(number, None)
            return
        self._interval[number] = max(0.02, min(2000.0, interval_s))
        self._due[number] = self._vehicle.time_s
        self._next = 0.0

    def stream(self, number: int, rate_hz: float) -> None:
        """REQUEST_DATA_STREAM: set the rate of one stream or, with 0, of all; 0 Hz stops."""
        for stream, (_, messages) in STREAMS.items():
            if number in (mavlink.MAV_DATA_STREAM_ALL, stream):
                self._rate(messages, min(50.0, rate_hz))

    def interval_s(self, number: int) -> float:
        """Seconds between two messages of a kind, 0 where it is not sent."""
        return self._interval.get(number, 0.0)

    def set_interval(self, number: int, interval_us: float) -> bool:
        """SET_MESSAGE_INTERVAL: -1 stops, 0 is the default rate; False for a message there is none of."""
        if number not in BUILDERS or not math.isfinite(interval_us):
            return False
        if interval_us == 0:
            self._own.discard(number)
            for parameter, messages in STREAMS.values():
                if number in messages:
                    self._rate((number,), self._vehicle.params[parameter])
        else:
            self._own.add(number)
            self._set(number, interval_us * 1e-6 if interval_us > 0 else 0.0)
        return True

    def messages(self) -> list[Message]:
        """The messages that have come due."""
        now = self._vehicle.time_s + 1e-9
        if now < self._next:
            return []
        ready: list[Message] = []
        for number, due in self._due.items():
            if due <= now:
                message = BUILDERS[number](self._vehicle)
                if message is not None:
                    ready.append(message)
                interval = self._interval[number]
                self._due[number] = due + interval if due + interval > now - interval else now + interval
        self._next = min(self._due.values(), default=math.inf)
        return ready
