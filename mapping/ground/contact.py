"""From a box to the pixel where its object stands, and how well that pixel is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mapping.ground.camera import Camera, pixel_rays
from mapping.ground.errors import ErrorBudget
from mapping.ground.pose import Poses

Floats = npt.NDArray[np.float64]

_EDGE_PX = 2.0  # a box that ends this near to the picture's edge may be cut by it
_HEIGHT_OVER_DEPTH = {"person": 3.4, "bicycle": 1.0, "vehicle": 0.45}  # 1.7 m / 0.5 m, 1.1 / 1.1, 1.6 / 3.5


def cut_by_edge(boxes: Floats, camera: Camera, within_px: float) -> npt.NDArray[np.bool_]:
    """(N,) whether (N, 4) boxes end so near to the picture's edge that they may show a part of their object only."""
    far = np.array([camera.width_px, camera.height_px]) - within_px
    return np.asarray((boxes[:, :2] <= within_px).any(axis=1) | (boxes[:, 2:] >= far).any(axis=1))


def contact_sigmas(boxes: npt.ArrayLike, camera: Camera, budget: ErrorBudget | None = None) -> Floats:
    """(N,) how well (N, 4) boxes give the pixel where their object stands, in pixels: as the budget has it, and half
    the box's longer side where the picture's edge cuts it, because then nobody knows how much of it is outside."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    sides = np.abs(corners[:, 2:] - corners[:, :2])
    cut = cut_by_edge(corners, camera, _EDGE_PX)
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
