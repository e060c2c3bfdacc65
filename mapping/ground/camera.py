"""The camera as a measuring instrument: pinhole and Brown distortion, pixels to rays and back, ground resolution.

The camera frame is x right, y down, z out of the lens; pixels count from the top-left corner of the picture. Cameras
come from the catalogue `cameras.toml`, from a TOML file of the user's own, or from an OpenCV calibration (JSON with
K, D, xresolution, yresolution). Which way a camera looks is `mapping.ground.pose`, where its rays meet the ground
`mapping.ground.georeference`.
"""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vision.errors import InputError

Floats = npt.NDArray[np.float64]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

_CATALOGUE = "cameras.toml"
_MOST_STEPS = 20
_BLOCK = 8192  # pixels undistorted at once: what stays in the processor's cache is done several times faster
_FOLD_MARGIN = 0.99  # of the radius where the distortion polynomial turns back: beyond it a pixel has no one ray


@dataclass(frozen=True)
class Camera:
    """One camera with one lens. `distortion` is k1, k2, p1, p2, k3 (OpenCV's order), on normalised coordinates.

    `mount_pitch_deg` is where it points relative to the vehicle (0 forward, -90 down) with the top of the picture
    towards the nose (or the sky); a `stabilised` camera keeps that pitch against the horizon and takes only the
    vehicle's yaw. `min_interval_s` is the shortest time between two frames, `source` says where the numbers are from.
    """

    name: str
    kind: Literal["thermal", "rgb"]
    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    mount_pitch_deg: float = -90.0
    stabilised: bool = False
    min_interval_s: float = 1.0
    source: str = ""


class _CameraText(BaseModel):
    """What a camera's TOML table may hold: focal length in pixels, or in mm with the pixel pitch or sensor width."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    kind: Literal["thermal", "rgb"]
    width_px: Annotated[int, Field(gt=0)]
    height_px: Annotated[int, Field(gt=0)]
    focal_length_mm: Positive | None = None
    pixel_pitch_um: Positive | None = None
    sensor_width_mm: Positive | None = None
    sensor_height_mm: Positive | None = None
    fx_px: Positive | None = None
    fy_px: Positive | None = None
    cx_px: Finite | None = None
    cy_px: Finite | None = None
    distortion: tuple[Finite, Finite, Finite, Finite, Finite] = (0.0, 0.0, 0.0, 0.0, 0.0)
    mount_pitch_deg: Annotated[float, Field(ge=-90, le=90)] = -90.0
    stabilised: bool = False
    min_interval_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    source: str

    @model_validator(mode="after")
    def _one_focal_length(self) -> Self:
        by_pixels = self.fx_px is not None
        by_sensor = self.focal_length_mm is not None and (self.pixel_pitch_um or self.sensor_width_mm) is not None
        if by_pixels == by_sensor:
            raise ValueError("give fx_px, or focal_length_mm with pixel_pitch_um or sensor_width_mm (one of the two)")
        return self

    def camera(self, name: str) -> Camera:
        """The camera this table describes; the principal point is the middle of the picture unless given."""
        if self.fx_px is not None:
            fx, fy = self.fx_px, self.fy_px or self.fx_px
        else:
            focal_mm = self.focal_length_mm or 0.0
            if self.pixel_pitch_um is not None:
                fx = fy = focal_mm * 1000.0 / self.pixel_pitch_um
            else:
                fx = focal_mm * self.width_px / (self.sensor_width_mm or 1.0)
                fy = fx if self.sensor_height_mm is None else focal_mm * self.height_px / self.sensor_height_mm
        return Camera(
            name=self.name or name,
            kind=self.kind,
            width_px=self.width_px,
            height_px=self.height_px,
            fx_px=fx,
            fy_px=fy,
            cx_px=self.width_px / 2.0 if self.cx_px is None else self.cx_px,
            cy_px=self.height_px / 2.0 if self.cy_px is None else self.cy_px,
            distortion=self.distortion,
            mount_pitch_deg=self.mount_pitch_deg,
            stabilised=self.stabilised,
            min_interval_s=self.min_interval_s,
            source=self.source,
        )


def _described(source: str | Path, name: str, table: Any) -> Camera:
    try:
        return _CameraText.model_validate(table).camera(name)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(source, f"{first['msg']}; mend the camera's description", place) from error


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Camera]:
    """The cameras Picket knows by name."""
    text = resources.files("mapping.ground").joinpath(_CATALOGUE).read_text(encoding="utf-8")
    return {name: _described(_CATALOGUE, name, table) for name, table in tomllib.loads(text).items()}


def load_camera(name_or_path: str | Path) -> Camera:
    """The camera of that catalogue name, or described by that file (`.toml`, or a `.json` OpenCV calibration).

    A calibration does not say how the camera is fixed: it is taken as strapped down, looking straight down, the top
    of the picture towards the nose. Raises InputError with the known names where the name is not one of them and no
    such file exists, and with the place at fault where the file does not describe a camera.
    """
    known = catalogue()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    path = Path(name_or_path)
    if not path.is_file():
        raise InputError(str(name_or_path), f"no such camera or camera file; known cameras: {', '.join(sorted(known))}")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() == ".json":
            return _calibrated(path, json.loads(text))
        return _described(path, path.stem, tomllib.loads(text))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(path, f"not a camera file ({error}); give TOML, or JSON with K and D") from error


def describe_camera(camera: Camera) -> dict[str, Any]:
    """The camera as a table that `load_camera` reads from a TOML file."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(camera).items()}


def _calibrated(path: Path, content: Any) -> Camera:
    """A camera from OpenCV's intrinsic matrix K and distortion D, as CanberraUAV's cuav writes them."""
    try:
        matrix = np.asarray(content["K"], dtype=np.float64)
        coefficients = np.asarray(content["D"], dtype=np.float64).ravel()
        width, height = int(content["xresolution"]), int(content["yresolution"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(path, f"no calibration ({error}); it needs K, D, xresolution and yresolution") from error
    if matrix.shape != (3, 3) or not 4 <= coefficients.size <= 5:
        raise InputError(path, f"K is {matrix.shape} and D has {coefficients.size} numbers; give 3 x 3 and 4 or 5")
    distortion = [*coefficients.tolist(), 0.0][:5]
    table = {
        "kind": "rgb",
        "width_px": width,
        "height_px": height,
        "fx_px": float(matrix[0, 0]),
        "fy_px": float(matrix[1, 1]),
        "cx_px": float(matrix[0, 2]),
        "cy_px": float(matrix[1, 2]),
        "distortion": distortion,
        "source": f"calibration {path.name}",
    }
    return _described(path, path.stem, table)


@lru_cache(maxsize=64)
def _largest_radius(distortion: tuple[float, float, float, float, float]) -> float:
    """The undistorted radius up to which the radial polynomial grows, so that a pixel has one ray (inf if always)."""
    k1, k2, _, _, k3 = distortion
    roots = np.roots([7.0 * k3, 5.0 * k2, 3.0 * k1, 1.0]) if any((k1, k2, k3)) else np.empty(0)
    turning = [float(root.real) for root in roots if abs(root.imag) < 1e-12 and root.real > 0.0]
    return _FOLD_MARGIN * math.sqrt(min(turning)) if turning else math.inf


def _distort(camera: Camera, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Brown's model on normalised coordinates (OpenCV, calib3d, "Detailed description")."""
    k1, k2, p1, p2, k3 = camera.distortion
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return (
        x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
        y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
    )


@lru_cache(maxsize=64)
def _radial_inverse(distortion: tuple[float, float, float, float, float]) -> tuple[Floats, float, float]:
    """What the radial part divides radii by, tabled at distorted radii in equal steps from 0 on, with that step and the
    largest undistorted radius: as far as a pixel has one ray, or out to 87 degrees from the axis."""
    k1, k2, _, _, k3 = distortion
    reach = min(_largest_radius(distortion), 20.0)
    radius = np.linspace(0.0, reach, 20_000)[1:]
    r2 = radius * radius
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    distorted = np.linspace(0.0, radius[-1] * radial[-1], 4096)
    return np.interp(distorted, radius * radial, 1.0 / radial), float(distorted[1]), reach


def _slopes(camera: Camera, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """The derivatives of `_distort`: dxd/dx, dxd/dy = dyd/dx, dyd/dy."""
    k1, k2, p1, p2, k3 = camera.distortion
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    slope = 2.0 * (k1 + r2 * (2.0 * k2 + r2 * 3.0 * k3))
    return (
        radial + slope * x * x + 2.0 * p1 * y + 6.0 * p2 * x,
        slope * x * y + 2.0 * p1 * x + 2.0 * p2 * y,
        radial + slope * y * y + 6.0 * p1 * y + 2.0 * p2 * x,
    )


def _undistort(camera: Camera, xd: Floats, yd: Floats) -> tuple[Floats, Floats]:
    """Newton's method on `_distort`, begun from the inverse of the radial part; NaN where no ray ends there."""
    table, step, reach = _radial_inverse(camera.distortion)
    entry = np.minimum(np.nan_to_num(np.sqrt(xd * xd + yd * yd) / step), len(table) - 1.0).astype(np.intp)
    scale = table.take(entry)
    x, y = xd * scale, yd * scale
    for _ in range(_MOST_STEPS):
        ex, ey = _distort(camera, x, y)
        ex, ey = ex - xd, ey - yd
        off = np.abs(ex) + np.abs(ey)
        if np.nanmax(off, initial=0.0) < 1e-12:
            break
        a, b, d = _slopes(camera, x, y)
        determinant = a * d - b * b
        determinant = np.where(np.abs(determinant) < 1e-6, 1e-6, determinant)
        x, y = x - (d * ex - b * ey) / determinant, y - (a * ey - b * ex) / determinant
    with np.errstate(invalid="ignore"):
        sound = (off < 1e-9) & (x * x + y * y <= reach * reach)
    return np.where(sound, x, np.nan), np.where(sound, y, np.nan)


def normalised(camera: Camera, pixels: npt.ArrayLike) -> tuple[Floats, Floats]:
    """x and y, (N,) each, where the rays of (N, 2) pixels cross the plane one unit in front of the camera, distortion
    taken out; NaN for pixels that the distortion model does not reach."""
    points = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    x = (points[:, 0] - camera.cx_px) / camera.fx_px
    y = (points[:, 1] - camera.cy_px) / camera.fy_px
    if not any(camera.distortion):
        return x, y
    for first in range(0, len(x), _BLOCK):
        part = slice(first, first + _BLOCK)
        x[part], y[part] = _undistort(camera, x[part], y[part])
    return x, y


def pixel_steps(camera: Camera, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """How far (x, y) of `normalised` move for one pixel to the right (dx, dy) and one pixel down (dx, dy)."""
    if not any(camera.distortion):
        zero = np.zeros_like(x)
        return zero + 1.0 / camera.fx_px, zero, zero, zero + 1.0 / camera.fy_px
    a, b, d = _slopes(camera, x, y)
    determinant = a * d - b * b
    right, below = 1.0 / (determinant * camera.fx_px), 1.0 / (determinant * camera.fy_px)
    return d * right, -b * right, -b * below, a * below


def pixel_rays(camera: Camera, pixels: npt.ArrayLike) -> Floats:
    """(N, 3) unit vectors in the camera frame (x right, y down, z out) of (N, 2) pixels, distortion taken out.

    NaN for pixels that the distortion model does not reach: calibrations do not always cover the corners.
    """
    x, y = normalised(camera, pixels)
    rays = np.stack([x, y, np.ones_like(x)], axis=1)
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def project(camera: Camera, rays: npt.ArrayLike) -> Floats:
    """(N, 2) pixels of (N, 3) rays or points in the camera frame, inside the picture or not.

    NaN for what lies behind the camera, and for what lies so far aside that the distortion polynomial would fold it
    back into the picture.
    """
    points = np.asarray(rays, dtype=np.float64).reshape(-1, 3)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        depth = np.where(points[:, 2] > 0.0, points[:, 2], np.nan)
        x, y = points[:, 0] / depth, points[:, 1] / depth
        if any(camera.distortion):
            beyond = np.hypot(x, y) > _largest_radius(camera.distortion)
            x, y = _distort(camera, np.where(beyond, np.nan, x), np.where(beyond, np.nan, y))
        return np.stack([x * camera.fx_px + camera.cx_px, y * camera.fy_px + camera.cy_px], axis=1)


def outline_pixels(camera: Camera, per_side: int = 8) -> Floats:
    """(4 * per_side, 2) pixels round the border of the picture, clockwise from its top-left corner, not closed.

    Where the distortion model does not reach the border, the point is drawn towards the principal point until it
    does, so that every point of the outline has a ray.
    """
    if per_side < 1:
        raise ValueError("per_side must be at least 1")
    along = np.arange(per_side) / per_side
    zero, one = np.zeros(per_side), np.ones(per_side)
    fractions = np.concatenate(
        [np.stack(side, axis=1) for side in ((along, zero), (one, along), (1.0 - along, one), (zero, 1.0 - along))]
    )
    centre = np.array([camera.cx_px, camera.cy_px])
    points: Floats = fractions * np.array([camera.width_px, camera.height_px], dtype=np.float64)
    for _ in range(200):
        unreached = np.isnan(pixel_rays(camera, points)[:, 0])
        if not unreached.any():
            break
        points[unreached] = centre + 0.99 * (points[unreached] - centre)
    return points


def ground_sample_distance_m(camera: Camera, height_m: float) -> float:
    """Metres of level ground under one pixel in the middle of a picture taken straight down from `height_m`."""
    return height_m / camera.fx_px


def height_for_ground_sample_distance_m(camera: Camera, gsd_m: float) -> float:
    """The height over the ground from which one pixel covers `gsd_m` metres, camera straight down."""
    return gsd_m * camera.fx_px
