"""How a flight's poses change when their clock, mount or place is corrected: the camera is carried along its recorded
way, turned and moved. What the corrections are is `mapping.ground.calibration`'s subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.spatial.transform import Rotation

from mapping.ground.camera import Camera
from mapping.ground.frame import LocalFrame, longitudes_near
from mapping.ground.georeference import ground_velocity
from mapping.ground.pose import (
    Poses,
    camera_attitude,
    euler_ned,
    interpolate,
    interpolate_attitude,
    rotation_ned_from_body,
    seconds_utc,
    turned_about_camera,
)

Floats = npt.NDArray[np.float64]
Record = Callable[[Floats], Poses]
"""The camera's poses at any (N,) UTC times, NaN where the record of the flight does not reach."""

_MAX_GAP_S = 3.0


def record_of_track(track: pa.Table, camera: Camera) -> Record:
    """The poses of `camera` along a `mapping.tables.TRACK` table, position linear and attitude by slerp between rows
    no more than 3 s apart."""
    rows = Poses.from_columns(
        track.num_rows,
        time_s=seconds_utc(track["time_utc"]),
        **{
            name: track[name].to_numpy(zero_copy_only=False)
            for name in ("lat_deg", "lon_deg", "alt_amsl_m", "alt_home_m", "yaw_deg", "pitch_deg", "roll_deg")
        },
    )
    turned = rows.take(np.isfinite(rows.yaw_deg + rows.pitch_deg + rows.roll_deg))
    lon = longitudes_near(rows.lon_deg, float(rows.lon_deg[0])) if len(rows) else rows.lon_deg

    def poses_at(times_s: Floats) -> Poses:
        asked = np.nan_to_num(np.asarray(times_s, dtype=np.float64), nan=-np.inf)
        columns = [rows.lat_deg, lon, rows.alt_amsl_m, rows.alt_home_m]
        place = interpolate(rows.time_s, columns, asked, _MAX_GAP_S)
        body = interpolate_attitude(turned.time_s, turned.yaw_deg, turned.pitch_deg, turned.roll_deg, asked, _MAX_GAP_S)
        attitude = camera_attitude(camera, *body)
        return Poses.from_columns(
            len(asked),
            time_s=times_s,
            lat_deg=place[0],
            lon_deg=longitudes_near(place[1], 0.0),
            alt_amsl_m=place[2],
            alt_home_m=place[3],
            yaw_deg=attitude[0],
            pitch_deg=attitude[1],
            roll_deg=attitude[2],
        )

    return poses_at


def moved_in_time(poses: Poses, seconds: float, record: Record | None) -> Poses:
    """The poses `seconds` later: each is carried on by what the record says the camera did meanwhile, so that a pose
    noted at a trigger keeps what makes it more exact than the record. Where there is no record, position goes on at
    the speed between neighbouring frames and the attitude stays."""
    if seconds == 0.0 or not len(poses):
        return poses
    lat, lon, home, amsl = poses.lat_deg.copy(), poses.lon_deg.copy(), poses.alt_home_m, poses.alt_amsl_m
    yaw, pitch, roll = poses.yaw_deg, poses.pitch_deg, poses.roll_deg
    local = _around(poses)
    if local is None:
        return poses
    east, north = local.to_local(lat, lon)
    velocity = ground_velocity(poses, local)
    shift = velocity * seconds
    if record is not None:
        before, after = record(poses.time_s), record(poses.time_s + seconds)
        step = np.stack(local.to_local(after.lat_deg, after.lon_deg), axis=1)
        step -= np.stack(local.to_local(before.lat_deg, before.lon_deg), axis=1)
        shift = np.where(np.isfinite(step), step, shift)
        climb = np.nan_to_num(after.alt_home_m - before.alt_home_m)
        home, amsl = home + climb, amsl + climb
        known = np.isfinite(before.yaw_deg + after.yaw_deg + yaw + pitch + roll)
        turn = _rotations(after, known) * _rotations(before, known).inv()
        found = euler_ned(turn * _rotations(poses, known))
        yaw, pitch, roll = (np.where(known, new, old) for new, old in zip(found, (yaw, pitch, roll), strict=True))
    lat, lon = local.to_geodetic(east + shift[:, 0], north + shift[:, 1])
    return replace(
        poses,
        time_s=poses.time_s + seconds,
        lat_deg=lat,
        lon_deg=lon,
        alt_home_m=home,
        alt_amsl_m=amsl,
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
    )


def corrected(poses: Poses, biases: Sequence[float] | Floats, record: Record | None) -> Poses:
    """The poses with flight-wide errors taken out, given as the correction to each of
    `mapping.ground.errors.FLIGHT_WIDE`: metres east, north and up, seconds later, radians about the camera's own
    axes (right, down, out)."""
    east_m, north_m, up_m, clock_s, *turn_rad = (float(one) for one in biases)
    moved = moved_in_time(poses, clock_s, record)
    local = _around(moved)
    if local is None:
        return moved
    east, north = local.to_local(moved.lat_deg, moved.lon_deg)
    lat, lon = local.to_geodetic(east + east_m, north + north_m)
    yaw, pitch, roll = turned_about_camera(moved, np.asarray(turn_rad))
    return replace(
        moved,
        lat_deg=lat,
        lon_deg=lon,
        alt_home_m=moved.alt_home_m + up_m,
        alt_amsl_m=moved.alt_amsl_m + up_m,
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
    )


def _around(poses: Poses) -> LocalFrame | None:
    placed = np.flatnonzero(np.isfinite(poses.lat_deg + poses.lon_deg))
    if not placed.size:
        return None
    return LocalFrame(float(poses.lat_deg[placed[0]]), float(poses.lon_deg[placed[0]]))


def _rotations(poses: Poses, known: npt.NDArray[np.bool_]) -> Rotation:
    """Of the poses that are `known`; no turn stands in for the others."""
    return rotation_ned_from_body(
        *(np.where(known, angle, 0.0) for angle in (poses.yaw_deg, poses.pitch_deg, poses.roll_deg))
    )
