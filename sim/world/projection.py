"""Where the practice camera is, in the metres of a scene: world points to pixels and pixels to level ground. Lens and
angles are `mapping.ground`'s, so that a frame is drawn by the very projection that later places what was seen in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mapping.ground.camera import Camera, pixel_rays, project
from mapping.ground.frame import LocalFrame
from mapping.ground.pose import camera_attitude, rotation_ned_from_camera

Floats = npt.NDArray[np.float64]


class Trigger(Protocol):
    """One release of the shutter: the true position of the camera and the true attitude of the VEHICLE. The members
    the world's camera reads; the simulated vehicle's trigger has them."""

    @property
    def index(self) -> int: ...
    @property
    def time_utc_s(self) -> float: ...
    @property
    def lat_deg(self) -> float: ...
    @property
    def lon_deg(self) -> float: ...
    @property
    def alt_amsl_m(self) -> float: ...
    @property
    def alt_home_m(self) -> float: ...
    @property
    def yaw_deg(self) -> float: ...
    @property
    def pitch_deg(self) -> float: ...
    @property
    def roll_deg(self) -> float: ...


@dataclass(frozen=True)
class CameraPose:
    """Position of the camera, its height over the (flat) ground, and the CAMERA's own attitude."""

    lat_deg: float
    lon_deg: float
    height_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def camera_pose(camera: Camera, trigger: Trigger) -> CameraPose:
    """The pose of a camera mounted on the vehicle that fired this trigger; the ground is level with home."""
    yaw, pitch, roll = camera_attitude(camera, trigger.yaw_deg, trigger.pitch_deg, trigger.roll_deg)
    return CameraPose(trigger.lat_deg, trigger.lon_deg, trigger.alt_home_m, float(yaw), float(pitch), float(roll))


class View:
    """A camera at a pose, in the east, north and up metres of a local frame (up = 0 on the ground)."""

    def __init__(self, camera: Camera, pose: CameraPose, frame: LocalFrame) -> None:
        east, north = frame.to_local(pose.lat_deg, pose.lon_deg)
        self.camera = camera
        self.position = np.array([float(east), float(north), pose.height_m])
        ned = rotation_ned_from_camera(pose.yaw_deg, pose.pitch_deg, pose.roll_deg).as_matrix()
        self.enu_from_camera: Floats = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]) @ ned

    def to_pixels(self, points_m: Floats) -> tuple[Floats, Floats]:
        """(pixels (N, 2), pixels per metre (N,)) of world points (N, 3); NaN behind the camera."""
        in_camera = (np.asarray(points_m, float) - self.position) @ self.enu_from_camera
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(in_camera[:, 2] > 0.1, self.camera.fx_px / in_camera[:, 2], np.nan)
        return project(self.camera, in_camera), scale

    def ground_map(self, farthest: float, step_px: int = 8) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
        """(east, north, hit), each (rows, columns): the ground under the centres of blocks of `step_px` pixels, one
        block beyond every border of the picture, so that a linear blow-up by `step_px` is right for every pixel.

        A ray that meets the ground farther away than `farthest` times the height, or never, is not a hit and is
        brought down at that distance.
        """
        columns = (np.arange(-1, -(-self.camera.width_px // step_px) + 1) + 0.5) * step_px
        rows = (np.arange(-1, -(-self.camera.height_px // step_px) + 1) + 0.5) * step_px
        x, y = np.meshgrid(columns, rows)
        rays = pixel_rays(self.camera, np.stack([x.ravel(), y.ravel()], axis=1)) @ self.enu_from_camera.T
        down = np.nan_to_num(-rays[:, 2], nan=0.0)
        hit = down > 1.0 / farthest
        reach = self.position[2] / np.maximum(down, 1.0 / farthest)
        east = self.position[0] + np.nan_to_num(rays[:, 0]) * reach
        north = self.position[1] + np.nan_to_num(rays[:, 1]) * reach
        return east.reshape(x.shape), north.reshape(x.shape), hit.reshape(x.shape)
