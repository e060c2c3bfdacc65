"""ArduPilot's own log (DataFlash, `.bin`), read into the same telemetry as a ground station's: position (POS), attitude
(ATT), pictures (CAM), gimbal (MNT) and UTC (GPS), all on the vehicle's boot clock. What is made of it is
`mapping.ground.telemetry`'s subject."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymavlink import DFReader

from mapping.ground.telemetry import TelemetryLog, Trigger
from vision.errors import InputError

_MAGIC = b"\xa3\x95"
_GPS_EPOCH_S = 315964800.0  # 1980-01-06 UTC
_LEAP_S = 18.0  # GPS is ahead of UTC by so much since 2017
_WEEK_S = 604800.0
_CAMERA = 0
"""The instance of camera and gimbal that counts where there are several."""


def is_dataflash(path: Path) -> bool:
    """True for a file that begins as a DataFlash log does."""
    try:
        with path.open("rb") as stream:
            return stream.read(2) == _MAGIC
    except OSError:
        return False


def read_dataflash(path: str | Path) -> TelemetryLog:
    """The telemetry in a DataFlash log. Raises InputError where there is no such file, it is no DataFlash log, or no
    position or no time in UTC is in it."""
    path = Path(path)
    if not path.is_file():
        raise InputError(path, "no such log; give the .bin the autopilot wrote")
    if not is_dataflash(path):
        raise InputError(path, "is no DataFlash log: give the .bin the autopilot wrote (--log) or a .tlog (--tlog)")
    log, clocks = TelemetryLog(), 0
    try:
        reader = DFReader.DFReader_binary(str(path))
    except Exception as error:  # pymavlink's reader raises whatever a broken file makes it stumble over
        raise InputError(path, "cannot be read as a DataFlash log; get it from the vehicle again") from error
    try:
        while (message := reader.recv_match(type=list(_TAKEN))) is not None:
            kind = message.get_type()
            clocks += kind == "GPS" and message.Status >= 3
            _TAKEN[kind](log, message, message.TimeUS / 1e6)
    except Exception as error:  # as above
        raise InputError(path, "is damaged in the middle; get it from the vehicle again") from error
    finally:
        reader.close()
    if not log.has_position:
        raise InputError(path, "no position (POS) in it: give the log of a flight")
    if not clocks:
        raise InputError(path, "no GPS fix in it, so nothing says what its times are in UTC")
    return log


def _position(log: TelemetryLog, message: Any, boot_s: float) -> None:
    log.add_position(boot_s, message.Lat, message.Lng, message.Alt, message.RelHomeAlt)


def _attitude(log: TelemetryLog, message: Any, boot_s: float) -> None:
    log.add_attitude(boot_s, message.Yaw % 360.0, message.Pitch, message.Roll)


def _gps(log: TelemetryLog, message: Any, boot_s: float) -> None:
    if message.Status >= 3 and getattr(message, "I", 0) == 0:
        log.add_clock(boot_s, _GPS_EPOCH_S + message.GWk * _WEEK_S + message.GMS / 1e3 - _LEAP_S)


def _gimbal(log: TelemetryLog, message: Any, boot_s: float) -> None:
    if getattr(message, "I", _CAMERA) == _CAMERA:
        log.add_gimbal(boot_s, message.YawB, message.Pitch, message.Roll)


def _picture(log: TelemetryLog, message: Any, boot_s: float) -> None:
    """The number is the autopilot's where the log has it (from 4.3 on), else the order of the pictures."""
    if getattr(message, "I", _CAMERA) != _CAMERA:
        return
    trigger = Trigger(
        time_s=boot_s,
        img_idx=int(getattr(message, "Img", log.pictures + 1)),
        lat_deg=message.Lat,
        lon_deg=message.Lng,
        alt_amsl_m=message.Alt,
        alt_home_m=message.RelAlt,
        yaw_deg=message.Y % 360.0,
        pitch_deg=message.P,
        roll_deg=message.R,
    )
    log.add_trigger(trigger, None)


_TAKEN: dict[str, Callable[[TelemetryLog, Any, float], None]] = {
    "POS": _position,
    "ATT": _attitude,
    "GPS": _gps,
    "MNT": _gimbal,
    "CAM": _picture,
}
