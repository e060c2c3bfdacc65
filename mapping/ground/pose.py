"""Where a camera was and which way it looked: the one place for attitude conventions, and poses as columns of numbers.

Yaw from true north clockwise, pitch up positive, roll right-wing-down positive, in the order ZYX (NED). The angles of a
camera are those of a body whose nose is the optical axis, as a gimbal reports them: pitch -90 looks straight down with
the top of the picture towards the yaw. Reading logs is `mapping.ground.telemetry`, rays to ground
`mapping.ground.georeference`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.spatial.transform import Rotation, Slerp

from mapping.ground.camera import Camera
from mapping.tables import UTC

Floats = npt.NDArray[np.float64]

# Columns are the camera's x (right), y (down), z (out) in the frame of a body whose nose is the optical axis.
_BODY_FROM_CAMERA = Rotation.from_matrix([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class Poses:
    """Poses of the camera as (N,) float64 columns, NaN where unknown; `time_s` is UTC in seconds since 1970.

    The sigmas are one-sigma errors: horizontal position (per axis), height, attitude (per axis of rotation) and time.
    """

    time_s: Floats
    lat_deg: Floats
    lon_deg: Floats
    alt_amsl_m: Floats
    alt_home_m: Floats
    yaw_deg: Floats
    pitch_deg: Floats
    roll_deg: Floats
    sigma_position_m: Floats
    sigma_height_m: Floats
    sigma_attitude_deg: Floats
    sigma_time_s: Floats

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def rotation(self) -> Rotation:
        """NED from camera frame for every pose; identity angles stand in where the attitude is unknown."""
        return rotation_ned_from_camera(
            np.nan_to_num(self.yaw_deg), np.nan_to_num(self.pitch_deg), np.nan_to_num(self.roll_deg)
        )

    def take(self, index: npt.ArrayLike) -> Poses:
        """The poses at these indices (or where this mask is True)."""
        chosen = np.asarray(index)
        return Poses(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def replaced(self, index: npt.ArrayLike, others: Poses) -> Poses:
        """These poses with those at `index` replaced by `others`, row for row."""
        made = {}
        for field in fields(self):
            column = getattr(self, field.name).copy()
            column[np.asarray(index)] = getattr(others, field.name)
            made[field.name] = column
        return Poses(**made)

    def columns(self) -> dict[str, pa.Array]:
        """The pose columns of a `mapping.tables.FRAMES` table, null where unknown."""
        found = {
            field.name: pa.array(getattr(self, field.name), from_pandas=True)
            for field in fields(self)
            if field.name != "time_s"
        }
        return {"time_utc": times_utc(self.time_s), **found}

    @staticmethod
    def from_frames(frames: pa.Table) -> Poses:
        """The poses in a `mapping.tables.FRAMES` table, row for row."""
        names = [field.name for field in fields(Poses) if field.name != "time_s"]
        return Poses(time_s=seconds_utc(frames["time_utc"]), **{name: _floats(frames[name]) for name in names})

    @staticmethod
    def from_columns(count: int, **columns: npt.ArrayLike) -> Poses:
        """`count` poses from the columns given (arrays, or one number for all); NaN in every other column."""
        made = {
            field.name: np.array(np.broadcast_to(np.asarray(columns.pop(field.name, np.nan), dtype=np.float64), count))
            for field in fields(Poses)
        }
        if columns:
            raise TypeError(f"poses have no column {', '.join(columns)}")
        return Poses(**made)


def _floats(column: Any) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def seconds_utc(column: pa.ChunkedArray | pa.Array) -> Floats:
    """Seconds since 1970 of a UTC timestamp column, NaN where null."""
    return _floats(column.cast(UTC).cast(pa.int64())) / 1e6


def times_utc(time_s: npt.ArrayLike) -> pa.Array:
    """A UTC timestamp column of seconds since 1970, null where NaN; rounded to microseconds."""
    seconds = np.asarray(time_s, dtype=np.float64)
    micros = np.round(np.where(np.isfinite(seconds), seconds, 0.0) * 1e6).astype(np.int64)
    return pa.array(micros, mask=~np.isfinite(seconds)).cast(UTC)


def rotation_ned_from_body(yaw_deg: npt.ArrayLike, pitch_deg: npt.ArrayLike, roll_deg: npt.ArrayLike) -> Rotation:
    """R = Rz(yaw) Ry(pitch) Rx(roll): turns vectors (forward, right, down) into (north, east, down). Angles of shape
    (N,), or scalars for a single rotation."""
    angles = np.stack(np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (yaw_deg, pitch_deg, roll_deg))))
    return Rotation.from_euler("ZYX", np.moveaxis(angles, 0, -1), degrees=True)


def rotation_ned_from_camera(yaw_deg: npt.ArrayLike, pitch_deg: npt.ArrayLike, roll_deg: npt.ArrayLike) -> Rotation:
    """Turns vectors of the camera frame (right, down, out) into (north, east, down), for the camera's own angles of
    shape (N,), or scalars for a single rotation. At pitch -90 the pixel ray (x, y, 1) becomes Rz(yaw) (-y, x, 1)."""
    return rotation_ned_from_body(yaw_deg, pitch_deg, roll_deg) * _BODY_FROM_CAMERA


def euler_ned(rotation: Rotation) -> tuple[Floats, Floats, Floats]:
    """(yaw, pitch, roll) in degrees of a rotation made by `rotation_ned_from_body`: yaw 0-360, pitch -90 to 90, roll
    -180 to 180. The three reproduce the rotation everywhere, straight up and down too, where roll is given as 0.

    Roll is read after yaw and pitch are undone (Slabaugh's and Eigen's way), not independently: near the pole the
    textbook formulas for yaw and roll lose their digits in different directions.
    """
    matrix = rotation.as_matrix()
    r00, r10, r20 = matrix[..., 0, 0], matrix[..., 1, 0], matrix[..., 2, 0]
    level = np.hypot(r00, r10)
    pole = level < 1e-9
    yaw = np.where(pole, np.arctan2(-matrix[..., 0, 1], matrix[..., 1, 1]), np.arctan2(r10, r00))
    pitch = np.arctan2(-r20, level)
    sin, cos = np.sin(yaw), np.cos(yaw)
    roll = np.arctan2(
        sin * matrix[..., 0, 2] - cos * matrix[..., 1, 2], cos * matrix[..., 1, 1] - sin * matrix[..., 0, 1]
    )
    roll = np.where(pole, 0.0, roll)
    # 360 itself comes out of the modulo for a yaw a hair below north
    yaw_deg = np.degrees(yaw) % 360.0
    return np.where(yaw_deg >= 360.0, 0.0, yaw_deg), np.degrees(pitch), np.degrees(roll)


def camera_attitude(
    camera: Camera, yaw_deg: npt.ArrayLike, pitch_deg: npt.ArrayLike, roll_deg: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """(yaw, pitch, roll) of the camera in degrees, from the vehicle's, in the shape given; NaN in, NaN out.

    A strapped-down camera is turned with the vehicle, `mount_pitch_deg` about its right-hand axis. A stabilised one
    follows the vehicle's yaw alone: its pitch is `mount_pitch_deg` against the horizon, its roll 0.
    """
    yaw, pitch, roll = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (yaw_deg, pitch_deg, roll_deg)))
    unknown = ~(np.isfinite(yaw) & np.isfinite(pitch) & np.isfinite(roll))
    if camera.stabilised:
        found = (yaw % 360.0, np.full_like(yaw, camera.mount_pitch_deg), np.zeros_like(yaw))
    else:
        vehicle = rotation_ned_from_body(*(np.where(unknown, 0.0, angle) for angle in (yaw, pitch, roll)))
        found = euler_ned(vehicle * rotation_ned_from_body(0.0, camera.mount_pitch_deg, 0.0))
    one, two, three = (np.where(unknown, np.nan, angle) for angle in found)
    return one, two, three


def turned_about_camera(poses: Poses, turn_rad: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """(yaw, pitch, roll) in degrees of the cameras turned by the rotation vector `turn_rad` (3,) about their own axes
    (right, down, out); NaN where the attitude is unknown."""
    unknown = ~np.isfinite(poses.yaw_deg + poses.pitch_deg + poses.roll_deg)
    turned = poses.rotation * Rotation.from_rotvec(np.asarray(turn_rad, dtype=np.float64)) * _BODY_FROM_CAMERA.inv()
    yaw, pitch, roll = (np.where(unknown, np.nan, angle) for angle in euler_ned(turned))
    return yaw, pitch, roll


def interpolate(time_s: Floats, columns: Sequence[Floats], at_s: Floats, max_gap_s: float) -> list[Floats]:
    """Columns sampled at increasing `time_s`, linearly between samples at `at_s`.

    NaN before the first and after the last sample, and between two samples more than `max_gap_s` apart.
    """
    outside = _outside(time_s, at_s, max_gap_s)
    if outside.all():
        return [np.full(len(at_s), np.nan) for _ in columns]
    return [np.where(outside, np.nan, np.interp(at_s, time_s, column)) for column in columns]


def interpolate_attitude(
    time_s: Floats, yaw_deg: Floats, pitch_deg: Floats, roll_deg: Floats, at_s: Floats, max_gap_s: float
) -> tuple[Floats, Floats, Floats]:
    """Attitude sampled at strictly increasing `time_s`, turned along the shortest rotation between samples (slerp);
    NaN where `interpolate` gives NaN."""
    outside = _outside(time_s, at_s, max_gap_s)
    if outside.all():
        nothing = np.full(len(at_s), np.nan)
        return nothing, nothing.copy(), nothing.copy()
    rotations = rotation_ned_from_body(yaw_deg, pitch_deg, roll_deg)
    found = euler_ned(Slerp(time_s, rotations)(np.where(outside, time_s[0], at_s)))
    yaw, pitch, roll = (np.where(outside, np.nan, angle) for angle in found)
    return yaw, pitch, roll


def _outside(time_s: Floats, at_s: Floats, max_gap_s: float) -> npt.NDArray[np.bool_]:
    """True where `at_s` is no sample's time and no pair of samples at most `max_gap_s` apart encloses it."""
    if len(time_s) < 2:
        return np.ones(len(at_s), dtype=np.bool_)
    after = np.clip(np.searchsorted(time_s, at_s, side="left"), 1, len(time_s) - 1)
    enclosed = (at_s >= time_s[after - 1]) & (at_s <= time_s[after])
    sampled = (at_s == time_s[after - 1]) | (at_s == time_s[after])
    return ~(sampled | (enclosed & (time_s[after] - time_s[after - 1] <= max_gap_s)))
