"""From pixels to places: where the ray of a pixel meets the ground, and how far off that may be.

Errors come in two kinds, kept apart because they behave differently when frames are averaged. Noise is new in every
frame (attitude, the pixel itself, trigger jitter, wander of the position). Bias is one and the same error in all frames
of a flight (position, height over the ground, clock, a camera not mounted square), but it moves a place by a different
amount in every frame: a height error moves places away from each frame's own nadir. So bias is carried as `factors`,
the shift that one sigma of each flight-wide error causes, and adds up exactly whatever is averaged or compared later.

Joining places into objects is `mapping.ground.fusion`, the ground itself `mapping.ground.terrain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from mapping.ground.camera import Camera, pixel_rays
from mapping.ground.frame import LocalFrame, longitudes_near
from mapping.ground.pose import Poses
from mapping.ground.terrain import FlatGround, Miss, Terrain

Floats = npt.NDArray[np.float64]

FLIGHT_WIDE = ("position east", "position north", "height", "clock", "boresight x", "boresight y", "boresight z")
"""The flight-wide errors, in the order of the last axis of `GroundPoints.factors`."""

_EDGE_PX = 2.0  # a box that ends this near to the picture's edge is cut by it
_GRAZING_SIGMAS = 3.0
_LONGEST_GAP_S = 10.0
_HEIGHT_OVER_DEPTH = {"person": 3.4, "bicycle": 1.0, "vehicle": 0.45}  # 1.7 m / 0.5 m, 1.1 / 1.1, 1.6 / 3.5


@dataclass(frozen=True)
class ErrorBudget:
    """One-sigma errors that a frame does not state itself.

    `pixel_px` is how well a box gives the pixel of the object, `jitter_s` the scatter of the trigger, `wander_m` that
    of the position from frame to frame: noise. A frame's sigma of attitude is of the camera, mount and compass
    included: `attitude_bias_share` of its variance is common to the flight, the rest is noise. The `unstated_` values
    stand in where a frame's own sigma is unknown.

    How far the ground lies from where it is taken to be adds to the height error of the whole flight:
    `level_ground_m` where it counts as level (an assumption: fields and plains; hills need an elevation model),
    `elevation_model_m` where a model has it (the usual error of public models relative to the take-off point).
    """

    pixel_px: float = 2.0
    jitter_s: float = 0.02
    wander_m: float = 0.1
    attitude_bias_share: float = 0.75
    level_ground_m: float = 3.0
    elevation_model_m: float = 2.0
    unstated_position_m: float = 3.0
    unstated_height_m: float = 5.0
    unstated_attitude_deg: float = 2.0
    unstated_time_s: float = 0.1


@dataclass(frozen=True, eq=False)
class GroundPoints:
    """(N,) places on the ground, NaN where a pixel has none (`miss` says why).

    `east_m`, `north_m` are in the frame `local`. `noise` (N, 2, 2) is a covariance in square metres (east, north);
    `factors` (N, 2, 7) holds the shift east and north, in metres, for one sigma of each of `FLIGHT_WIDE`.
    """

    local: LocalFrame
    east_m: Floats
    north_m: Floats
    lat_deg: Floats
    lon_deg: Floats
    alt_amsl_m: Floats
    noise: Floats
    factors: Floats
    miss: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.east_m)

    def take(self, index: npt.NDArray[np.intp]) -> GroundPoints:
        """The places at these indices."""
        columns = {one.name: getattr(self, one.name)[index] for one in fields(self) if one.name != "local"}
        return GroundPoints(self.local, **columns)

    @property
    def hit(self) -> npt.NDArray[np.bool_]:
        """(N,) True where the pixel has a place."""
        return self.miss == Miss.NONE

    @property
    def bias(self) -> Floats:
        """(N, 2, 2) covariance in square metres of the flight-wide errors."""
        return np.asarray(self.factors @ self.factors.transpose(0, 2, 1))

    @property
    def covariance(self) -> Floats:
        """(N, 2, 2) covariance in square metres of noise and bias together."""
        return np.asarray(self.noise + self.bias)


def local_frame(poses: Poses) -> LocalFrame:
    """A local frame in the middle of the poses that have a position; at (0, 0) where none has."""
    placed = np.isfinite(poses.lat_deg) & np.isfinite(poses.lon_deg)
    if not placed.any():
        return LocalFrame(0.0, 0.0)
    lat, lon = poses.lat_deg[placed], poses.lon_deg[placed]
    return LocalFrame(float(np.median(lat)), float(longitudes_near(np.median(longitudes_near(lon, lon[0])), 0.0)))


def camera_origins(
    poses: Poses, terrain: Terrain, local: LocalFrame, home: tuple[float, float] | None = None
) -> Floats:
    """(F, 3) places of the cameras: east and north in `local`, height in the terrain's own heights; NaN if unknown."""
    east, north = local.to_local(poses.lat_deg, poses.lon_deg)
    return np.stack([east, north, terrain.camera_height_m(poses.alt_home_m, poses.alt_amsl_m, home)], axis=1)


def camera_axes(poses: Poses, local: LocalFrame) -> Floats:
    """(F, 3, 3): columns are the camera's right, down and out in (east, north, up) of the local grid; NaN if unknown.

    The grid's north is the meridian of its origin; beside it true north is turned by the meridian convergence
    atan(tan(dlon) sin(lat)) (Snyder, Map Projections, USGS PP 1395, transverse Mercator).
    """
    ned = poses.rotation.as_matrix()
    convergence = np.arctan(np.tan(np.radians(poses.lon_deg - local.lon0_deg)) * np.sin(np.radians(poses.lat_deg)))
    cos, sin = np.cos(convergence)[:, None], np.sin(convergence)[:, None]
    north, east = ned[:, 0], ned[:, 1]
    axes = np.stack([east * cos - north * sin, north * cos + east * sin, -ned[:, 2]], axis=1)
    axes[np.isnan(poses.yaw_deg + poses.pitch_deg + poses.roll_deg)] = np.nan
    return axes


def ground_velocity(poses: Poses, local: LocalFrame) -> Floats:
    """(F, 2) velocity east and north in m/s from the neighbouring frames; 0 where none is within 10 s."""
    east, north = local.to_local(poses.lat_deg, poses.lon_deg)
    velocity = np.zeros((len(poses), 2))
    order = np.argsort(poses.time_s, kind="stable")
    order = order[np.isfinite(poses.time_s[order]) & np.isfinite(east[order])]
    if len(order) < 2:
        return velocity
    place, time = np.stack([east, north], axis=1)[order], poses.time_s[order]
    near = (np.diff(time) > 0.0) & (np.diff(time) <= _LONGEST_GAP_S)
    shift, lapse = np.diff(place, axis=0) * near[:, None], np.diff(time) * near
    total, duration = np.zeros_like(place), np.zeros(len(time))
    total[1:] += shift
    total[:-1] += shift
    duration[1:] += lapse
    duration[:-1] += lapse
    velocity[order] = total / np.where(duration > 0.0, duration, np.inf)[:, None]
    return velocity


def locate_pixels(
    pixels: npt.ArrayLike,
    frame_index: npt.ArrayLike,
    poses: Poses,
    camera: Camera,
    terrain: Terrain,
    *,
    home: tuple[float, float] | None = None,
    local: LocalFrame | None = None,
    budget: ErrorBudget | None = None,
    pixel_sigma_px: npt.ArrayLike | None = None,
    flight_wide: Floats | None = None,
) -> GroundPoints:
    """Places of (N, 2) pixels, pixel k in the frame `poses[frame_index[k]]`, in the order given.

    `pixel_sigma_px` (N,) says how well each pixel is known, by default as the budget has it (see `contact_sigmas`).
    `flight_wide` (7, k) says what is known of this flight's own biases in place of the frames' sigmas: a square root of
    their covariance, in metres, seconds and radians in the order of `FLIGHT_WIDE` (see `mapping.ground.calibration`).
    `home` is the take-off point (latitude, longitude), needed to use an elevation model without its bias. Rays at or
    over the horizon, farther than 5 km, or flatter on the ground than three sigma of attitude have no place: their
    error would be larger than their distance.

    For a place P = C + s d on ground with normal n, a small shift a of the camera or of the ray's end moves it by
    a - d (n.a) / (n.d), because it stays on the ground; a turn w of the camera moves the ray's end by s (w x d).
    Every error goes through that one map (J S J^T).
    """
    points = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    index = np.asarray(frame_index, dtype=np.intp).reshape(-1)
    local = local or local_frame(poses)
    budget = budget or ErrorBudget()
    count = len(points)
    rays = pixel_rays(camera, points)
    frame_origins, frame_axes = camera_origins(poses, terrain, local, home), camera_axes(poses, local)
    posed = np.asarray(np.isfinite(frame_origins).all(axis=1) & np.isfinite(frame_axes).all(axis=(1, 2)))
    miss = np.where(np.isnan(rays[:, 0]), Miss.NO_RAY, Miss.NONE).astype(np.int8)
    miss[~posed[index]] = Miss.NO_POSE
    sound = np.flatnonzero(miss == Miss.NONE)
    index, rays = index[sound], rays[sound]
    sigma_px = np.broadcast_to(
        np.asarray(budget.pixel_px if pixel_sigma_px is None else pixel_sigma_px, dtype=np.float64), (count,)
    )
    origin, axes = frame_origins[index], frame_axes[index]
    direction = (axes @ rays[:, :, None])[:, :, 0]
    hits = terrain.meet(local, origin, direction)
    attitude = np.radians(_stated(poses.sigma_attitude_deg, budget.unstated_attitude_deg))[index]
    falling = np.einsum("ij,ij->i", hits.normal, direction)
    flat = -falling < np.sin(np.minimum(_GRAZING_SIGMAS * attitude, 0.5 * np.pi))
    miss[sound] = np.where((hits.miss == Miss.NONE) & flat, Miss.TOO_FAR, hits.miss)

    slant = np.where(miss[sound] == Miss.NONE, hits.slant_m, np.nan)
    landing = _Landing(direction, hits.normal, falling)
    velocity = ground_velocity(poses, local)[index]
    found = np.full((count, 3), np.nan)
    found[sound] = origin + direction * slant[:, None]
    noise = np.full((count, 2, 2), np.nan)
    noise[sound] = _noise(landing, slant, axes, rays[:, 2], velocity, attitude, camera, budget, sigma_px[sound])
    factors = np.full((count, 2, len(FLIGHT_WIDE)), np.nan)
    ground_m = budget.level_ground_m if isinstance(terrain, FlatGround) else budget.elevation_model_m
    one_sigma = _bias_sigmas(poses.take(index), budget, ground_m) if flight_wide is None else np.ones((len(index), 4))
    shifts = _shifts(landing, slant, axes, velocity, one_sigma)
    factors[sound] = shifts if flight_wide is None else shifts @ flight_wide
    lat, lon = local.to_geodetic(found[:, 0], found[:, 1])
    alt = np.full(count, np.nan)
    alt[sound] = found[sound, 2] + terrain.datum_amsl_m(poses.alt_home_m, poses.alt_amsl_m)[index]
    return GroundPoints(local, found[:, 0], found[:, 1], lat, lon, alt, noise, factors, miss)


@dataclass(frozen=True, eq=False)
class _Landing:
    """How shifts of a ray move the place where it meets the ground; `falling` is normal . direction."""

    direction: Floats
    normal: Floats
    falling: Floats

    def shift(self, moved: Floats) -> Floats:
        """(N, 2) shift east and north of the place, for a shift (N, 3) of the camera or of the ray's end."""
        with np.errstate(divide="ignore", invalid="ignore"):
            along = np.einsum("ij,ij->i", self.normal, moved) / self.falling
        return np.asarray(moved[:, :2] - self.direction[:, :2] * along[:, None])

    def turned(self, variance: Floats) -> Floats:
        """(N, 2, 2) covariance for turns of equal `variance` (m^2 at the ray's end) about every axis: the map of
        `shift` times its transpose, written out (a turn about the ray itself moves nothing)."""
        d, n = self.direction[:, :2], self.normal[:, :2]
        falling = self.falling[:, None, None]
        crossed = d[:, :, None] * n[:, None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.eye(2) - (crossed + crossed.transpose(0, 2, 1)) / falling
            spread += d[:, :, None] * d[:, None, :] / falling**2
        return np.asarray(variance[:, None, None] * spread)


def _noise(
    landing: _Landing,
    slant: Floats,
    axes: Floats,
    ray_depth: Floats,
    velocity: Floats,
    attitude_rad: Floats,
    camera: Camera,
    budget: ErrorBudget,
    sigma_px: Floats,
) -> Floats:
    """(N, 2, 2) covariance of what is new in every frame. A pixel moves the unit ray by (I - r r^T) x z / f; the lens
    distortion's stretch of that (a few per cent) is left out."""
    covariance = landing.turned((1.0 - budget.attitude_bias_share) * (slant * attitude_rad) ** 2)
    per_pixel = sigma_px * slant * ray_depth
    level = np.zeros((len(slant), 1))
    moved = (
        axes[:, :, 0] * (per_pixel / camera.fx_px)[:, None],
        axes[:, :, 1] * (per_pixel / camera.fy_px)[:, None],
        np.hstack([velocity * budget.jitter_s, level]),
        np.broadcast_to([budget.wander_m, 0.0, 0.0], (len(slant), 3)),
        np.broadcast_to([0.0, budget.wander_m, 0.0], (len(slant), 3)),
    )
    for one in moved:
        shift = landing.shift(one)
        covariance += shift[:, :, None] * shift[:, None, :]
    return covariance


def _bias_sigmas(poses: Poses, budget: ErrorBudget, ground_m: float) -> Floats:
    """(N, 4) one-sigma flight-wide errors of position (an axis), height, clock and boresight (an axis, in radians).
    Camera too high and ground too low are one and the same shift, so both make up the height."""
    attitude = np.radians(_stated(poses.sigma_attitude_deg, budget.unstated_attitude_deg))
    return np.stack(
        [
            _stated(poses.sigma_position_m, budget.unstated_position_m),
            np.hypot(_stated(poses.sigma_height_m, budget.unstated_height_m), ground_m),
            _stated(poses.sigma_time_s, budget.unstated_time_s),
            attitude * np.sqrt(budget.attitude_bias_share),
        ],
        axis=1,
    )


def _shifts(landing: _Landing, slant: Floats, axes: Floats, velocity: Floats, sigmas: Floats) -> Floats:
    """(N, 2, 7) shifts of the places for errors of this size in each of FLIGHT_WIDE, in that order."""
    position, height, clock, boresight = sigmas.T
    zero = np.zeros_like(slant)
    arm = (slant * boresight)[:, None] * landing.direction
    moved = [
        np.stack([position, zero, zero], axis=1),
        np.stack([zero, position, zero], axis=1),
        np.stack([zero, zero, height], axis=1),
        np.stack([velocity[:, 0] * clock, velocity[:, 1] * clock, zero], axis=1),
        *(np.cross(axes[:, :, axis], arm) for axis in range(3)),
    ]
    shifts = np.stack([landing.shift(one) for one in moved], axis=2)
    shifts[np.isnan(slant)] = np.nan
    return shifts


def _stated(sigma: Floats, otherwise: float) -> Floats:
    return np.where(np.isfinite(sigma), sigma, otherwise)


def contact_sigmas(boxes: npt.ArrayLike, camera: Camera, budget: ErrorBudget | None = None) -> Floats:
    """(N,) how well (N, 4) boxes give the pixel where their object stands, in pixels: as the budget has it, and half
    the box's longer side where the picture's edge cuts it, because then nobody knows how much of it is outside."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    sides = np.abs(corners[:, 2:] - corners[:, :2])
    far = np.array([camera.width_px, camera.height_px]) - _EDGE_PX
    cut = (corners[:, :2] <= _EDGE_PX).any(axis=1) | (corners[:, 2:] >= far).any(axis=1)
    least = (budget or ErrorBudget()).pixel_px
    return np.where(cut & (sides > 0.0).all(axis=1), np.maximum(least, 0.5 * sides.max(axis=1, initial=0.0)), least)


def contact_points(
    boxes: npt.ArrayLike,
    frame_index: npt.ArrayLike,
    poses: Poses,
    camera: Camera,
    classes: Sequence[str] | None = None,
) -> Floats:
    """(N, 2) pixels where the objects in (N, 4) boxes x1, y1, x2, y2 stand on the ground: the middle of their base.

    From straight above that is the middle of the box; the more oblique the view, the nearer it is to the edge of the
    box that is down in the world (the bottom edge only where roll is small). Seen at depression a, an object of
    height H and depth L covers H cos a + L sin a of the picture from top to bottom, and the middle of its base is
    (H cos a) / (H cos a + L sin a) of the way from the middle of the box to that edge. H / L is a typical one of the
    class (person 3.4, bicycle 1.0, vehicle 0.45; 1.0 for any other). Where the attitude is unknown: the middle.
    """
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    index = np.asarray(frame_index, dtype=np.intp).reshape(-1)
    middle, half = 0.5 * (corners[:, :2] + corners[:, 2:]), 0.5 * np.abs(corners[:, 2:] - corners[:, :2])
    down = poses.rotation.as_matrix()[:, 2][index]
    rays = pixel_rays(camera, middle)
    sine = np.einsum("ij,ij->i", down, rays)
    cosine = np.sqrt(np.clip(1.0 - sine**2, 0.0, 1.0))
    names = classes if classes is not None else [""] * len(corners)
    aspect = np.array([_HEIGHT_OVER_DEPTH.get(name, 1.0) for name in names])
    with np.errstate(divide="ignore", invalid="ignore"):
        toward = (down[:, :2] - rays[:, :2] / rays[:, 2:] * down[:, 2:]) * [camera.fx_px, camera.fy_px]
        share = aspect * cosine / (aspect * cosine + np.clip(sine, 0.0, None))
        toward /= np.linalg.norm(toward, axis=1, keepdims=True)
        reach = np.min(half / np.abs(toward), axis=1)
        shift = toward * (share * reach)[:, None]
    known = np.asarray(np.isfinite(poses.yaw_deg + poses.pitch_deg + poses.roll_deg))[index]
    usable = known & np.isfinite(shift).all(axis=1)
    return np.asarray(middle + np.where(usable[:, None], shift, 0.0))
