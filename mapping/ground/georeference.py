"""From pixels to places: where the ray of a pixel meets the ground, and how far off that may be.

All is done in columns and in blocks that stay in the processor's cache. What errors do is `mapping.ground.errors`,
which pixel of a box counts `mapping.ground.contact`, the ground itself `mapping.ground.terrain`; joining places into
objects is `mapping.ground.fusion`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from mapping.ground.camera import Camera, normalised
from mapping.ground.elevation import ElevationModel
from mapping.ground.errors import FLIGHT_WIDE, ErrorBudget, Landing, pose_sigmas
from mapping.ground.frame import LocalFrame, longitudes_near
from mapping.ground.pose import Poses
from mapping.ground.rays import Miss, height_on_ray
from mapping.ground.relief import bend
from mapping.ground.terrain import FlatGround, Terrain
from vision.errors import InputError

Floats = npt.NDArray[np.float64]

_BLOCK = 4096  # places made at once
_GRAZING_SIGMAS = 3.0
_LONGEST_GAP_S = 10.0
_HIGHEST_LAT_DEG = 89.0


@dataclass(frozen=True, eq=False)
class GroundPoints:
    """(N,) places on the ground, NaN where a pixel has none (`miss` says why).

    `east_m`, `north_m` are in the frame `local`. `noise` (N, 2, 2) is a covariance in square metres (east, north);
    `factors` (N, 2, 8) holds the shift east and north, in metres, for one sigma of each of `errors.FLIGHT_WIDE` and,
    last, of the ground's height.
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
        """(N, 2, 2) covariance in square metres of the errors that places share."""
        return np.asarray(self.factors @ self.factors.transpose(0, 2, 1))

    @property
    def covariance(self) -> Floats:
        """(N, 2, 2) covariance in square metres of noise and bias together."""
        return np.asarray(self.noise + self.bias)


def local_frame(poses: Poses) -> LocalFrame:
    """A local frame in the middle of the poses that have a position; at (0, 0) where none has. Raises InputError within
    a degree of a pole, where north is no direction to fly by."""
    placed = np.isfinite(poses.lat_deg) & np.isfinite(poses.lon_deg)
    if not placed.any():
        return LocalFrame(0.0, 0.0)
    lat, lon = poses.lat_deg[placed], poses.lon_deg[placed]
    if np.abs(lat).max() > _HIGHEST_LAT_DEG:
        worst = float(lat[np.abs(lat).argmax()])
        raise InputError(
            "frames", "lies at a pole, where nothing can be placed; mend its position", f"latitude {worst}"
        )
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

    `pixel_sigma_px` (N,) says how well each pixel is known, by default as the budget has it (see
    `mapping.ground.contact`). `flight_wide` (7, k) says what is known of this flight's own biases in place of the
    frames' sigmas: a square root of their covariance, in metres, seconds and radians in the order of `FLIGHT_WIDE` (see
    `mapping.ground.calibration`). `home` is the take-off point (latitude, longitude), needed to use an elevation model
    without its bias. Rays at or over the horizon, farther than 10 km, or flatter on the ground than three sigma of
    attitude have no place: their error would be larger than their distance.
    """
    points = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    index = np.asarray(frame_index, dtype=np.intp).reshape(-1)
    local, budget = local or local_frame(poses), budget or ErrorBudget()
    count = len(points)
    sigma_px = np.broadcast_to(
        np.asarray(budget.pixel_px if pixel_sigma_px is None else pixel_sigma_px, dtype=np.float64), (count,)
    )
    frames = _frames(poses, terrain, local, home, budget)
    width = len(FLIGHT_WIDE) if flight_wide is None else flight_wide.shape[1]
    # a row per quantity: the views with a place in front that are handed out cost nothing
    place, miss = np.empty((3, count)), np.empty(count, dtype=np.int8)
    noise, factors = np.empty((2, 2, count)), np.empty((2, width + 1, count))
    for first in range(0, count, _BLOCK):
        part = slice(first, first + _BLOCK)
        x, y = normalised(camera, points[part])
        landing, sigmas, place[:, part], miss[part] = _landed(x, y, frames.take(index[part], axis=1), terrain, local)
        shifts = landing.shifts(sigmas, camera)
        noise[0, 0, part], noise[0, 1, part], noise[1, 1, part] = shifts.noise(budget, sigma_px[part])
        noise[1, 0, part] = noise[0, 1, part]
        if flight_wide is None:
            factors[:, :-1, part] = shifts.bias(budget)
        else:
            plain = landing.shifts(np.ones_like(sigmas), camera).factors
            factors[:, :-1, part] = flight_wide.T @ plain
        ground_m = _ground_sigma(terrain, landing, budget)
        factors[0, -1, part], factors[1, -1, part] = (ground_m * one for one in shifts.up)
        if isinstance(terrain, ElevationModel):
            from_place = (shifts.factors[:, :4] ** 2).sum(axis=(0, 1)) + (factors[:, -1, part] ** 2).sum(axis=0)
            origin = frames[:3, index[part]]
            errors = (noise[:, :, part], factors[:, :, part])
            _bend(terrain, local, landing, place[:, part], origin, from_place, *errors, miss[part])
    lat, lon = local.to_geodetic(place[0], place[1])
    alt = place[2] + terrain.datum_amsl_m(poses.alt_home_m, poses.alt_amsl_m)[index]
    covariances, shared = noise.transpose(2, 0, 1), factors.transpose(2, 0, 1)
    return GroundPoints(local, place[0], place[1], lat, lon, alt, covariances, shared, miss)


def _frames(
    poses: Poses, terrain: Terrain, local: LocalFrame, home: tuple[float, float] | None, budget: ErrorBudget
) -> Floats:
    """(18, F) what is needed of every frame: place (3), axes (9: right, down, out), velocity (2), sigmas (4)."""
    return np.concatenate(
        [
            camera_origins(poses, terrain, local, home).T,
            camera_axes(poses, local).transpose(2, 1, 0).reshape(9, -1),
            ground_velocity(poses, local).T,
            pose_sigmas(poses, budget),
        ]
    )


def _landed(
    x: Floats, y: Floats, frames: Floats, terrain: Terrain, local: LocalFrame
) -> tuple[Landing, Floats, Floats, npt.NDArray[np.int8]]:
    """Rays through (x, y) of `normalised`, each with its column of `_frames`, on the ground: with the sigmas of their
    frames (4, N), their places (3, N: east, north, height in the terrain's own heights) and misses."""
    origin, axes, velocity, sigmas = frames[:3], frames[3:12], frames[12:14], frames[14:]
    scale = 1.0 / np.sqrt(x * x + y * y + 1.0)
    direction = (x * axes[:3] + y * axes[3:6] + axes[6:]) * scale
    posed = np.isfinite(origin.sum(axis=0) + axes.sum(axis=0))
    miss = np.where(posed, np.where(np.isnan(x), Miss.NO_RAY, Miss.NONE), Miss.NO_POSE).astype(np.int8)
    if (miss == Miss.NONE).all():
        hits = terrain.meet(local, origin.T, direction.T)
        slant, normal, miss, unsure = hits.slant_m, hits.normal.T, hits.miss, hits.unsure_m
    else:
        sound = np.flatnonzero(miss == Miss.NONE)
        hits = terrain.meet(local, origin[:, sound].T, direction[:, sound].T)
        slant, normal, unsure = np.full(len(x), np.nan), np.zeros((3, len(x))), np.zeros(len(x))
        slant[sound], normal[:, sound], miss[sound] = hits.slant_m, hits.normal.T, hits.miss
        unsure[sound] = hits.unsure_m
    falling = -(normal * direction).sum(axis=0)
    flat = falling < np.sin(np.minimum(_GRAZING_SIGMAS * sigmas[3], 0.5 * np.pi))
    miss = np.where((miss == Miss.NONE) & flat, Miss.TOO_FAR, miss).astype(np.int8)
    slant = np.where(miss == Miss.NONE, slant, np.nan)
    place = origin + direction * slant
    place[2] = height_on_ray(origin[2], direction[2], slant)
    return Landing(x, y, scale, direction, normal, slant, axes, velocity, unsure), sigmas, place, miss


def _bend(
    terrain: ElevationModel,
    local: LocalFrame,
    landing: Landing,
    place: Floats,
    origin: Floats,
    from_place: Floats,
    noise: Floats,
    factors: Floats,
    miss: npt.NDArray[np.int8],
) -> None:
    """Let relief bend the first-order errors, in their place. `from_place` (N,) is the part of their variance that
    comes from where the camera and the ground are."""
    hit = np.flatnonzero(miss == Miss.NONE)
    if not hit.size:
        return
    n, f = noise[:, :, hit], factors[:, :, hit]
    total = n + np.einsum("ifn,jfn->ijn", f, f)
    moved = np.clip(from_place[hit] / (total[0, 0] + total[1, 1] + 1e-12), 0.0, 1.0)
    bent = bend(terrain, local, origin[:, hit], place[:, hit], landing.normal[:, hit], total, moved)
    noise[:, :, hit] = np.einsum("ijn,jkn,lkn->iln", bent.turned, n, bent.turned) + bent.scatter
    factors[:, :, hit] = np.einsum("ijn,jfn->ifn", bent.turned, f)
    lost = hit[bent.lost]
    miss[lost] = Miss.TOO_FAR
    place[:, lost] = np.nan
    noise[:, :, lost] = np.nan
    factors[:, :, lost] = np.nan


def _ground_sigma(terrain: Terrain, landing: Landing, budget: ErrorBudget) -> Floats:
    """(N,) how far the ground may lie above or below where it is taken to be."""
    if isinstance(terrain, FlatGround):
        return np.full(len(landing.slant), budget.level_ground_m)
    squared_slope = np.maximum(1.0 / np.maximum(landing.normal[2], 1e-3) ** 2 - 1.0, 0.0)
    aside = budget.elevation_shift_m**2 * squared_slope
    return np.asarray(np.sqrt(budget.elevation_model_m**2 + aside + landing.unsure_m**2))
