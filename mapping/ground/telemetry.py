"""What a flight's telemetry says: where the vehicle was, how it lay, and when it took pictures, all in UTC.

Messages are taken one by one, from a log that is read afterwards or from a link while flying; the answers are the same.
Only the autopilot (component 1 of the first system heard) counts: what ground stations say about themselves does not.
Which picture belongs to which trigger is `mapping.ground.frames`' subject; conventions of attitude are
`mapping.ground.pose`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pymavlink import mavutil
from scipy.spatial.transform import Rotation

from mapping.ground.accuracy import AT_TRIGGER, Accuracy, accuracy_of
from mapping.ground.camera import Camera
from mapping.ground.clock import EARLIEST_UTC_S, LATE_S, LATEST_UTC_S, fit_clock
from mapping.ground.frame import longitudes_near
from mapping.ground.growing import Rows
from mapping.ground.pose import Poses, camera_attitude, euler_ned, interpolate, interpolate_attitude, times_utc
from mapping.tables import TRACK
from vision.errors import InputError

Floats = npt.NDArray[np.float64]

MAX_GAP_S = 3.0
"""Positions and attitudes further apart than this are not joined: between them the pose is unknown."""

_AUTOPILOT_COMPONENT = 1
_REBOOT_S = 2.0  # the boot clock going back further than messages can overtake each other means a reboot
_YAW_LOCK, _YAW_IN_VEHICLE_FRAME, _YAW_IN_EARTH_FRAME = 16, 32, 64  # GIMBAL_DEVICE_FLAGS
_MAVLINK = (0xFE, 0xFD)  # versions 1 and 2
_WHOLE_LOG = "get the whole log, or say --allow-cut-log to use it as far as it goes"
_NOT_A_LOG_BYTES = 1 << 18  # a log has a message within its first 256 KiB


@dataclass(frozen=True)
class Trigger:
    """One CAMERA_FEEDBACK: the autopilot triggered picture `img_idx`, with the vehicle (not the camera) so."""

    time_s: float
    img_idx: int
    lat_deg: float
    lon_deg: float
    alt_amsl_m: float
    alt_home_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True)
class _Feedback:
    """A trigger as it was told: its time is the message's own stamp, whatever clock that is."""

    segment: int
    received_s: float | None
    told: Trigger


class TelemetryLog:
    """The telemetry of one flight, taken message by message and answered for at any time.

    UTC comes from the vehicle's boot clock, which is even, plus one offset for each time it was switched on. The offset
    is SYSTEM_TIME's where that is plausible (between 2015 and 2100, keeping pace with the boot clock), as its median
    difference. Otherwise it is fitted to the times of receipt with slope 1: the promptest messages (2nd percentile of
    the delay, around its median, so that a receiver's clock being set midway does not matter) show the clock.
    """

    def __init__(self) -> None:
        self._system: int | None = None
        self._segment = 0
        self._last_boot_s = -math.inf
        # All rows begin with the segment (number of reboots so far) and the boot clock.
        self._arrivals = Rows(3)  # received_s
        self._system_times = Rows(3)  # unix_s
        self._positions = Rows(6)  # lat_deg, lon_deg, alt_amsl_m, alt_home_m
        self._attitudes = Rows(5)  # yaw_deg, pitch_deg, roll_deg
        self._gimbals = Rows(5)  # yaw_deg, pitch_deg, roll_deg of the camera, yaw relative to the vehicle
        self._fixes = Rows(2)  # fix type, horizontal accuracy in m (0: not said)
        self._feedback: list[_Feedback] = []

    def add(self, message: Any, received_s: float) -> None:
        """Take one pymavlink message, received at `received_s` (UTC, seconds since 1970); others than the autopilot's
        position, attitude, clock and camera messages are let pass."""
        kind = message.get_type()
        if kind not in _TAKEN or message.get_srcComponent() != _AUTOPILOT_COMPONENT:
            return
        if self._system is None:
            self._system = message.get_srcSystem()
        elif message.get_srcSystem() != self._system:
            return
        _TAKEN[kind](self, message, received_s)

    def _boot(self, message: Any, received_s: float) -> float:
        boot_s = message.time_boot_ms / 1e3
        if boot_s < self._last_boot_s - _REBOOT_S:
            self._segment += 1
            self._last_boot_s = boot_s
        self._last_boot_s = max(self._last_boot_s, boot_s)
        self._arrivals.append((self._segment, boot_s, received_s))
        return boot_s

    def add_position(self, boot_s: float, lat_deg: float, lon_deg: float, alt_amsl_m: float, alt_home_m: float) -> None:
        """Take one position at this time of the boot clock; the 0, 0 of a receiver without a fix is let pass."""
        if lat_deg == 0.0 and lon_deg == 0.0:
            return
        self._positions.append((self._segment, boot_s, lat_deg, lon_deg, alt_amsl_m, alt_home_m))

    def add_attitude(self, boot_s: float, yaw_deg: float, pitch_deg: float, roll_deg: float) -> None:
        """Take one attitude of the vehicle; angles that are no numbers are let pass."""
        if math.isfinite(yaw_deg + pitch_deg + roll_deg):
            self._attitudes.append((self._segment, boot_s, yaw_deg, pitch_deg, roll_deg))

    def add_gimbal(self, boot_s: float, yaw_in_vehicle_deg: float, pitch_deg: float, roll_deg: float) -> None:
        """Take what a gimbal says of its camera: yaw against the vehicle's nose, pitch and roll against the horizon."""
        if math.isfinite(yaw_in_vehicle_deg + pitch_deg + roll_deg):
            self._gimbals.append((self._segment, boot_s, yaw_in_vehicle_deg, pitch_deg, roll_deg))

    def add_clock(self, boot_s: float, unix_s: float) -> None:
        """Take what the vehicle takes for UTC at this time of its boot clock."""
        self._system_times.append((self._segment, boot_s, unix_s))

    @property
    def pictures(self) -> int:
        """How many triggers were taken so far."""
        return len(self._feedback)

    def add_trigger(self, trigger: Trigger, received_s: float | None) -> None:
        """Take one trigger; its time is UTC, or the boot clock where that fits the time of receipt (in UTC), which
        stands in where it is neither. None for a log that nobody received: then it is the boot clock."""
        self._feedback.append(_Feedback(self._segment, received_s, trigger))

    def _take_position(self, message: Any, received_s: float) -> None:
        boot_s = self._boot(message, received_s)
        heights = (message.alt / 1e3, message.relative_alt / 1e3)
        self.add_position(boot_s, message.lat / 1e7, message.lon / 1e7, *heights)

    def _take_attitude(self, message: Any, received_s: float) -> None:
        boot_s = self._boot(message, received_s)
        self.add_attitude(boot_s, *(math.degrees(angle) for angle in (message.yaw, message.pitch, message.roll)))

    def _take_gimbal(self, message: Any, received_s: float) -> None:
        boot_s = self._boot(message, received_s)
        w, x, y, z = message.q
        if not math.isfinite(w + x + y + z) or w == x == y == z == 0.0:
            return
        yaw, pitch, roll = (float(angle) for angle in euler_ned(Rotation.from_quat([x, y, z, w])))
        flags = message.flags
        to_north = flags & _YAW_IN_EARTH_FRAME or (flags & _YAW_LOCK and not flags & _YAW_IN_VEHICLE_FRAME)
        if to_north and len(self._attitudes):
            yaw -= self._attitudes.last()[2]
        self.add_gimbal(boot_s, yaw, pitch, roll)

    def _take_system_time(self, message: Any, received_s: float) -> None:
        self.add_clock(self._boot(message, received_s), message.time_unix_usec / 1e6)

    def _take_feedback(self, message: Any, received_s: float) -> None:
        trigger = Trigger(
            time_s=message.time_usec / 1e6,
            img_idx=message.img_idx,
            lat_deg=message.lat / 1e7,
            lon_deg=message.lng / 1e7,
            alt_amsl_m=message.alt_msl,
            alt_home_m=message.alt_rel,
            yaw_deg=message.yaw % 360.0,
            pitch_deg=message.pitch,
            roll_deg=message.roll,
        )
        self.add_trigger(trigger, received_s)

    def _take_fix(self, message: Any, received_s: float) -> None:
        self._fixes.append((message.fix_type, getattr(message, "h_acc", 0) / 1e3))

    def accuracy(self, camera: Camera | None = None, *, at_trigger: bool = False) -> Accuracy:
        """What to expect of poses from this log, by the receiver's usual fix and its own word on it."""
        fixes = self._fixes.table()
        fixes = fixes[fixes[:, 0] >= 2.0]
        if not len(fixes):
            return accuracy_of(camera, at_trigger=at_trigger)
        kind, claimed = np.median(fixes, axis=0)
        return accuracy_of(camera, fix_type=int(kind), horizontal_m=float(claimed), at_trigger=at_trigger)

    @property
    def has_position(self) -> bool:
        """True once the vehicle has said where it is."""
        return len(self._positions) > 0

    def _clock(self) -> list[float]:
        """UTC minus boot clock of every segment between reboots."""
        arrivals, system_times = self._arrivals.table(), self._system_times.table()
        return [
            fit_clock(arrivals[arrivals[:, 0] == segment, 1:], system_times[system_times[:, 0] == segment, 1:])
            for segment in range(self._segment + 1)
        ]

    def _timed(self, rows: Rows) -> Floats:
        """Rows (segment, boot_s, values...) as (UTC, values...), in strictly increasing order of time."""
        table = rows.table()
        offsets = np.array(self._clock())
        timed = np.column_stack([table[:, 1] + offsets[table[:, 0].astype(np.intp)], table[:, 2:]])
        _, first = np.unique(timed[:, 0], return_index=True)
        return np.asarray(timed[first])

    def _position_rows(self) -> Floats:
        return self._timed(self._positions)

    def _attitude_rows(self) -> Floats:
        return self._timed(self._attitudes)

    def track(self) -> pa.Table:
        """A `mapping.tables.TRACK` table: a row for every position heard, the attitude interpolated to its time (null
        where it is unknown)."""
        rows = self._position_rows()
        attitude = self._attitude_at(rows[:, 0])
        columns = [pa.array(column, from_pandas=True) for column in (*rows[:, 1:].T, *attitude)]
        return TRACK.build(dict(zip(TRACK.columns.names, (times_utc(rows[:, 0]), *columns), strict=True)))

    def _attitude_at(self, times_s: Floats) -> tuple[Floats, Floats, Floats]:
        rows = self._attitude_rows()
        return interpolate_attitude(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], times_s, MAX_GAP_S)

    def triggers(self) -> list[Trigger]:
        """The pictures the autopilot says it triggered, each once, in order of time; a reboot may use a number again.

        ArduPilot stamps CAMERA_FEEDBACK with GPS time, or with its boot clock where a hot shoe reports the shutter;
        where the stamp is neither, the time of receipt stands in.
        """
        clock = self._clock()
        found: dict[tuple[int, int], Trigger] = {}
        for feedback in list(self._feedback):
            offset = clock[feedback.segment]
            stamp = feedback.told.time_s
            if EARLIEST_UTC_S <= stamp <= LATEST_UTC_S:
                time_s = stamp
            elif feedback.received_s is None or abs(stamp + offset - feedback.received_s) < LATE_S:
                time_s = stamp + offset
            else:
                time_s = feedback.received_s
            found.setdefault((feedback.told.img_idx, feedback.segment), replace(feedback.told, time_s=time_s))
        return sorted(set(found.values()), key=lambda trigger: (trigger.time_s, trigger.img_idx))

    def pose_at(self, times_s: npt.ArrayLike, camera: Camera, accuracy: Accuracy | None = None) -> Poses:
        """The poses of `camera` at (N,) UTC times, position interpolated linearly and attitude by slerp.

        NaN outside the log, between messages more than `MAX_GAP_S` apart, and for times that are NaN.
        """
        accuracy = accuracy or self.accuracy(camera)
        times = np.asarray(times_s, dtype=np.float64)
        asked = np.nan_to_num(times, nan=-math.inf)
        rows = self._position_rows()
        if len(rows):
            rows[:, 2] = longitudes_near(rows[:, 2], rows[0, 2])
        place = interpolate(rows[:, 0], list(rows[:, 1:].T), asked, MAX_GAP_S)
        place[1] = longitudes_near(place[1], 0.0)
        vehicle = self._attitude_at(asked)
        attitude = self._of_gimbal(camera, vehicle[0], asked) or camera_attitude(camera, *vehicle)
        return _poses(camera, times, place, attitude, accuracy)

    def _of_gimbal(self, camera: Camera, yaw_deg: Floats, at_s: Floats) -> tuple[Floats, Floats, Floats] | None:
        """The camera's attitude by its gimbal, NaN where that is silent; None for a log without one, and for a camera
        that is not on one."""
        rows = self._timed(self._gimbals)
        if not len(rows) or not camera.stabilised:
            return None
        turn, pitch, roll = interpolate_attitude(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], at_s, MAX_GAP_S)
        return (yaw_deg + turn) % 360.0, pitch, roll

    def camera_at(self, trigger: Trigger, camera: Camera) -> tuple[float, float, float] | None:
        """(yaw, pitch, roll) of the camera at a trigger by its gimbal, None where that says nothing."""
        found = self._of_gimbal(camera, np.array([trigger.yaw_deg]), np.array([trigger.time_s]))
        if found is None or not math.isfinite(float(sum(angle[0] for angle in found))):
            return None
        return float(found[0][0]), float(found[1][0]), float(found[2][0])


def trigger_poses(
    triggers: list[Trigger], camera: Camera, accuracy: Accuracy = AT_TRIGGER, log: TelemetryLog | None = None
) -> Poses:
    """The poses of `camera` at these triggers, from what the autopilot noted at the moment of each; the attitude from
    the gimbal in `log`, where the camera has one that spoke.

    That is more exact than interpolating the telemetry round it, which comes a few times a second only: on a vehicle
    that rolls by 30 degrees a second, attitude halfway between two messages 0.3 s apart can be out by a degree or more.
    """
    columns = np.array(
        [
            (t.time_s, t.lat_deg, t.lon_deg, t.alt_amsl_m, t.alt_home_m, t.yaw_deg, t.pitch_deg, t.roll_deg)
            for t in triggers
        ],
        dtype=np.float64,
    ).reshape(-1, 8)
    attitude = camera_attitude(camera, columns[:, 5], columns[:, 6], columns[:, 7])
    for row, trigger in enumerate(triggers):
        by_gimbal = log.camera_at(trigger, camera) if log is not None else None
        if by_gimbal is not None:
            attitude[0][row], attitude[1][row], attitude[2][row] = by_gimbal
    return _poses(camera, columns[:, 0], list(columns[:, 1:5].T), attitude, accuracy)


def _poses(
    camera: Camera, times_s: Floats, place: list[Floats], attitude: tuple[Floats, Floats, Floats], accuracy: Accuracy
) -> Poses:
    placed, turned = np.isfinite(place[0]), np.isfinite(attitude[0])
    return Poses(
        time_s=times_s,
        lat_deg=place[0],
        lon_deg=place[1],
        alt_amsl_m=place[2],
        alt_home_m=place[3],
        yaw_deg=attitude[0],
        pitch_deg=attitude[1],
        roll_deg=attitude[2],
        sigma_position_m=np.where(placed, accuracy.position_m, np.nan),
        sigma_height_m=np.where(placed, accuracy.height_m, np.nan),
        sigma_attitude_deg=np.where(turned, accuracy.attitude_deg, np.nan),
        sigma_time_s=np.where(np.isfinite(times_s), accuracy.time_s, np.nan),
    )


_TAKEN = {
    "GLOBAL_POSITION_INT": TelemetryLog._take_position,
    "ATTITUDE": TelemetryLog._take_attitude,
    "GIMBAL_DEVICE_ATTITUDE_STATUS": TelemetryLog._take_gimbal,
    "SYSTEM_TIME": TelemetryLog._take_system_time,
    "CAMERA_FEEDBACK": TelemetryLog._take_feedback,
    "GPS_RAW_INT": TelemetryLog._take_fix,
}


def _first_message(path: Path) -> int:
    """The byte where the first message of a log begins: a time of receipt, then MAVLink's first byte. 0 where none is
    found."""
    with path.open("rb") as stream:
        head = stream.read(_NOT_A_LOG_BYTES)
    for begin in range(max(0, len(head) - 9)):
        if (
            head[begin + 8] in _MAVLINK
            and EARLIEST_UTC_S <= int.from_bytes(head[begin : begin + 8]) / 1e6 <= LATEST_UTC_S
        ):
            return begin
    return 0


def read_tlog(path: str | Path, *, allow_cut: bool = False) -> TelemetryLog:
    """The telemetry in a MAVLink log (`.tlog`); with `allow_cut` also of one that ends in the middle of a message, as
    far as it goes.

    Raises InputError where there is no such file, it is no telemetry log, it is cut short (unless allowed), or no
    position is in it.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(path, "no such telemetry log")
    log, messages, whole_bytes = TelemetryLog(), 0, 0
    try:
        begin = _first_message(path)
        reader = mavutil.mavlogfile(str(path))
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})") from error
    if begin and not allow_cut:
        raise InputError(path, f"begins in the middle of a message: {_WHOLE_LOG}", f"byte {begin}")
    reader.f.seek(begin)
    try:
        while (message := reader.recv_msg()) is not None:
            if message.get_type() != "BAD_DATA":
                whole_bytes = reader.f.tell()
            # Messages of unknown kind are accepted without a checksum: any bytes can look like one.
            if not message.get_type().startswith(("BAD_DATA", "UNKNOWN")):
                messages += 1
                log.add(message, float(message._timestamp))
            elif not messages and reader.f.tell() > _NOT_A_LOG_BYTES:
                break
    finally:
        reader.close()
    if not messages:
        raise InputError(path, "no MAVLink message in it: give the .tlog a ground station recorded")
    if whole_bytes < path.stat().st_size and not allow_cut:
        raise InputError(
            path,
            f"ends in the middle of a message: {_WHOLE_LOG}",
            f"byte {whole_bytes}",
        )
    if not log.has_position:
        raise InputError(path, f"{messages} messages but no position (GLOBAL_POSITION_INT): give the log of a flight")
    return log
