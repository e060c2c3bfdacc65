"""What ArduPilot's SITL photographed and from where: its CAMERA_FEEDBACK, with the true pose at that moment.

SITL knows where its vehicle truly is and says so in SIM_STATE, which carries no time; the ATTITUDE sent just before it
does. A photograph's own pose in CAMERA_FEEDBACK is the autopilot's estimate, and is used only where no truth comes.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.values import Trigger

POSE_HZ = 25.0
TRUTH_PATIENCE_S = 1.0
"""Seconds of the vehicle's clock to wait for the truth after a photograph."""

_SAMPLES = 200
_GROUND_SYSTEM, _GROUND_COMPONENT = 254, 191
_SET_MESSAGE_INTERVAL = 511
_STREAMS = (
    (mavlink.MAVLINK_MSG_ID_ATTITUDE, POSE_HZ),
    (mavlink.MAVLINK_MSG_ID_SIM_STATE, POSE_HZ),
    (mavlink.MAVLINK_MSG_ID_SYSTEM_TIME, 2.0),
)


class Photographs:
    """Turns the messages of SITL's second line into triggers. Feed it bytes; it returns what was photographed."""

    def __init__(self, home_alt_amsl_m: float, system: int = 1) -> None:
        self._home_alt_amsl_m = home_alt_amsl_m
        self._system = system
        self._mav = mavlink.MAVLink(None, _GROUND_SYSTEM, _GROUND_COMPONENT)
        self._mav.robust_parsing = True
        self._boot_s = 0.0
        self._utc_of_boot_s: float | None = None
        self._truth: deque[tuple[float, Any]] = deque(maxlen=_SAMPLES)
        self._waiting: deque[Any] = deque()
        self._heard: set[int] = set()

    def questions(self) -> bytes:
        """What to send to SITL about once a second: a heartbeat, so that it counts us in, and the streams we want."""
        mav = self._mav
        asked = [mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3)]
        asked += [
            mavlink.MAVLink_command_long_message(
                self._system, 1, _SET_MESSAGE_INTERVAL, 0, message, 1e6 / rate_hz, 0, 0, 0, 0, 0
            )
            for message, rate_hz in _STREAMS
        ]
        packed = b""
        for message in asked:
            packed += message.pack(mav)
            mav.seq = (mav.seq + 1) % 256
        return packed

    def hear(self, data: bytes) -> list[Trigger]:
        """The photographs whose pose is known by now, in order."""
        for message in self._mav.parse_buffer(data) or []:
            kind = message.get_type()
            if kind in ("ATTITUDE", "SYSTEM_TIME"):
                self._boot_s = message.time_boot_ms / 1000.0
                if kind == "SYSTEM_TIME" and message.time_unix_usec:
                    self._utc_of_boot_s = message.time_unix_usec / 1e6 - self._boot_s
            elif kind == "SIM_STATE":
                self._truth.append((self._boot_s, message))
            elif kind == "CAMERA_FEEDBACK" and message.img_idx not in self._heard:
                self._heard.add(message.img_idx)
                self._waiting.append(message)
        return self._ready(at_once=False)

    def rest(self) -> list[Trigger]:
        """The photographs still waiting for a truth that comes no more."""
        return self._ready(at_once=True)

    def _ready(self, at_once: bool) -> list[Trigger]:
        found = []
        while self._waiting:
            photo = self._waiting[0]
            taken_s = self._boot_time(photo)
            true = self._true_pose(taken_s)
            if true is None and not at_once and self._boot_s < taken_s + TRUTH_PATIENCE_S:
                break
            self._waiting.popleft()
            found.append(self._trigger(photo, true))
        return found

    def _boot_time(self, photo: Any) -> float:
        if self._utc_of_boot_s is None:
            return self._boot_s
        return float(photo.time_usec / 1e6 - self._utc_of_boot_s)

    def _true_pose(self, time_s: float) -> dict[str, float] | None:
        """SIM_STATE interpolated to a moment; None where none lies on both sides of it."""
        for (before_s, before), (after_s, after) in pairwise(self._truth):
            if before_s <= time_s <= after_s:
                share = 0.0 if after_s == before_s else (time_s - before_s) / (after_s - before_s)
                a, b = _pose(before), _pose(after)
                return {name: a[name] + share * _step(name, a[name], b[name]) for name in a}
        return None

    def _trigger(self, photo: Any, true: dict[str, float] | None) -> Trigger:
        pose = true or {
            "lat_deg": photo.lat / 1e7,
            "lon_deg": photo.lng / 1e7,
            "alt_amsl_m": photo.alt_rel + self._home_alt_amsl_m,
            "yaw_deg": photo.yaw,
            "pitch_deg": photo.pitch,
            "roll_deg": photo.roll,
        }
        return Trigger(
            index=photo.img_idx,
            time_utc_s=photo.time_usec / 1e6,
            alt_home_m=pose["alt_amsl_m"] - self._home_alt_amsl_m,
            **pose,
        )


def _pose(truth: Any) -> dict[str, float]:
    return {
        "lat_deg": truth.lat_int / 1e7 if truth.lat_int else truth.lat / 1e7,
        "lon_deg": truth.lon_int / 1e7 if truth.lon_int else truth.lon / 1e7,
        "alt_amsl_m": truth.alt,
        "yaw_deg": math.degrees(truth.yaw),
        "pitch_deg": math.degrees(truth.pitch),
        "roll_deg": math.degrees(truth.roll),
    }


def _step(name: str, start: float, end: float) -> float:
    """From one value to the next; angles and longitudes the short way round."""
    return end - start if name in ("lat_deg", "alt_amsl_m") else (end - start + 180.0) % 360.0 - 180.0
