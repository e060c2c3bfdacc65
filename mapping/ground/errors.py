"""How far off a place may be: what is known of each source of error, and how it moves the place on the ground.

Errors come in two kinds, kept apart because they behave differently when frames are averaged. Noise is new in every
frame. Bias is one and the same error in all frames of a flight, but it moves a place by a different amount in every
frame: a height error moves places away from each frame's own nadir. So bias is carried as factors, the shift that one
sigma of each common error causes, and adds up exactly whatever is averaged or compared later.

Where rays meet the ground is `mapping.ground.terrain`, who calls this is `mapping.ground.georeference`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapping.ground.camera import Camera, pixel_steps
from mapping.ground.pose import Poses

Floats = npt.NDArray[np.float64]

FLIGHT_WIDE = ("position east", "position north", "height", "clock", "boresight x", "boresight y", "boresight z")
"""The errors of the poses that a whole flight shares, in the order of the columns of `GroundPoints.factors`; the last
column there is `GROUND`."""
GROUND = "ground"
"""How far the ground lies above or below where it is taken to be: the same for all frames that look at one place."""


@dataclass(frozen=True)
class ErrorBudget:
    """One-sigma errors. What a frame says of itself goes first; the `unstated_` values stand in where it says nothing.

    A frame's sigmas are totals. Of position (per horizontal axis), height and time all is common to the flight. Of the
    variance of attitude (per axis of rotation, of the camera: mount, compass and gimbal included) the share
    `attitude_bias_share` is common to the flight and the rest is new in every frame.

    Noise beside them: `pixel_px`, how well a box gives the pixel where its object stands (per axis); `jitter_s`, the
    scatter of the trigger; `wander_m`, that of the position from frame to frame (per axis).

    The ground: `level_ground_m` where it counts as level, an assumption that holds for fields and plains near take-off
    (hills need an elevation model). With a model its heights against the take-off point: `elevation_model_m` (public
    models: 2 m at 90 % within one model on gentle ground, Copernicus DEM product handbook), and where it is steep
    `elevation_shift_m` (per axis), how far the model may lie aside, times the slope.
    """

    pixel_px: float = 2.0
    jitter_s: float = 0.02
    wander_m: float = 0.1
    attitude_bias_share: float = 0.75
    level_ground_m: float = 1.5
    elevation_model_m: float = 1.2
    elevation_shift_m: float = 2.0
    unstated_position_m: float = 3.0
    unstated_height_m: float = 5.0
    unstated_attitude_deg: float = 2.0
    unstated_time_s: float = 0.1


def pose_sigmas(poses: Poses, budget: ErrorBudget) -> Floats:
    """(4, F) one-sigma errors of position (m, an axis), height (m), time (s) and attitude (radians, an axis)."""
    stated = (
        (poses.sigma_position_m, budget.unstated_position_m),
        (poses.sigma_height_m, budget.unstated_height_m),
        (poses.sigma_time_s, budget.unstated_time_s),
        (np.radians(poses.sigma_attitude_deg), np.radians(budget.unstated_attitude_deg)),
    )
    return np.stack([np.where(np.isfinite(sigma), sigma, otherwise) for sigma, otherwise in stated])


@dataclass(frozen=True, eq=False)
class Landing:
    """(N,) rays on the ground, as columns. `x` and `y` are those of `mapping.ground.camera.normalised`, `scale` is one
    over the length of (x, y, 1); `direction` (3, N) and `normal` (3, N) are unit vectors (east, north, up), `axes`
    (9, N) the camera's right, down and out; `slant` is NaN for rays that do not land; `velocity` (2, N) of the camera;
    `unsure_m` (N,) as in `mapping.ground.rays.RayHits`.

    For a place P = C + s d on ground with normal n, a small shift a of the camera or of the ray's end moves it by
    a - d (n.a) / (n.d), because it stays on the ground: the map M below. A turn w of the camera moves the ray's end by
    s (w x d). Every error goes through that one map (J S J^T).
    """

    x: Floats
    y: Floats
    scale: Floats
    direction: Floats
    normal: Floats
    slant: Floats
    axes: Floats
    velocity: Floats
    unsure_m: Floats

    def shifts(self, sigmas: Floats, camera: Camera) -> Shifts:
        """The shifts of the places for errors of `pose_sigmas` (4, N) and of one pixel."""
        position, height, clock, turn = sigmas
        go_east, go_north, rise = self.direction
        falling = (self.normal * self.direction).sum(axis=0) + 0.0 * self.slant
        with np.errstate(divide="ignore", invalid="ignore"):
            east_share, north_share, up_share = self.normal / falling
        # M, column by column
        east = (1.0 - go_east * east_share, -go_north * east_share)
        north = (-go_east * north_share, 1.0 - go_north * north_share)
        up = (-go_east * up_share, -go_north * up_share)
        right, down, out = (
            tuple(part[0] * east[k] + part[1] * north[k] + part[2] * up[k] for k in (0, 1))
            for part in (self.axes[:3], self.axes[3:6], self.axes[6:])
        )
        moving = tuple(self.velocity[0] * east[k] + self.velocity[1] * north[k] for k in (0, 1))
        arm = turn * self.slant * self.scale  # the ray's end is arm / turn times (x, y, 1) of the camera's axes away
        factors = np.empty((2, len(FLIGHT_WIDE), len(rise)))
        for k in (0, 1):
            factors[k, 0], factors[k, 1], factors[k, 2] = position * east[k], position * north[k], height * up[k]
            factors[k, 3] = clock * moving[k]
            factors[k, 4] = arm * (self.y * out[k] - down[k])
            factors[k, 5] = arm * (right[k] - self.x * out[k])
            factors[k, 6] = arm * (self.x * down[k] - self.y * right[k])
        step = pixel_steps(camera, self.x, self.y)
        reach = self.slant * self.scale
        pixels = tuple(
            tuple(reach * (one * right[k] + other * down[k]) for k in (0, 1)) for one, other in (step[:2], step[2:])
        )
        return Shifts(factors, pixels, (east, north), moving, up)


@dataclass(frozen=True, eq=False)
class Shifts:
    """Shifts (east, north) of (N,) places: `factors` (2, 7, N) for one sigma of each of FLIGHT_WIDE, with all of the
    attitude's variance in the boresight; for one pixel right and down, one metre of the camera to the east and north,
    one second of its flight, and one metre up."""

    factors: Floats
    pixels: tuple[tuple[Floats, ...], ...]
    level: tuple[tuple[Floats, ...], ...]
    moving: tuple[Floats, ...]
    up: tuple[Floats, ...]

    def noise(self, budget: ErrorBudget, sigma_px: Floats) -> tuple[Floats, Floats, Floats]:
        """Variance east, covariance, variance north (m^2, each (N,)) of what is new in every frame."""
        turned, own = self.factors[:, 4:], 1.0 - budget.attitude_bias_share
        found = []
        for one, other in ((0, 0), (0, 1), (1, 1)):
            total = own * (turned[one] * turned[other]).sum(axis=0)
            total += sigma_px**2 * (
                self.pixels[0][one] * self.pixels[0][other] + self.pixels[1][one] * self.pixels[1][other]
            )
            total += budget.jitter_s**2 * self.moving[one] * self.moving[other]
            total += budget.wander_m**2 * (
                self.level[0][one] * self.level[0][other] + self.level[1][one] * self.level[1][other]
            )
            found.append(total)
        return found[0], found[1], found[2]

    def bias(self, budget: ErrorBudget) -> Floats:
        """(2, 7, N) shifts for one sigma of each of FLIGHT_WIDE."""
        shared = self.factors.copy()
        shared[:, 4:] *= np.sqrt(budget.attitude_bias_share)
        return shared
