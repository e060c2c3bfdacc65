"""A thermal frame of a scene: the ground's texture warped into the picture by the true pose through the true lens, then
people and vehicles drawn over it as solid things, then the sensor. Also the true box of everything in a frame.

The ground is flat and level with home; trees, huts and water are painted on it. How warm things are is the subject of
`texture` and `shapes`, noise and grey levels of `sensor`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mapping.ground.camera import Camera
from sim.world.ground import Ground
from sim.world.projection import CameraPose, View
from sim.world.scene import Object, Scene
from sim.world.sensor import expose
from sim.world.shapes import Part, person_parts, vehicle_parts
from sim.world.texture import FINEST_M, STEP_K, GroundTexture

Floats = npt.NDArray[np.float64]

FARTHEST = 12.0
"""Ground farther away than this many camera heights is lost in haze."""
SKY_K = -9.0
_BLOCK_PX = 8
_SUPER = 4
_CLOSE_PX = 400
"""Objects at least this large in the picture need no finer drawing than its pixels."""
_WINDOW_PX = 2048


@dataclass(frozen=True)
class TrueBox:
    """The box round an object in a frame, in pixels from the top-left corner, cut at the frame's edges; `visible` is
    the fraction of the uncut box that lies in the frame."""

    object_id: str
    object_class: str
    x1_px: float
    y1_px: float
    x2_px: float
    y2_px: float
    visible: float


class Renderer:
    """Renders frames of one scene and remembers the ground it has painted. Not thread-safe."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._texture = GroundTexture(Ground(scene.seed))
        self._solids = [_Solid(scene, item) for item in scene.objects]

    def frame(self, camera: Camera, pose: CameraPose, shot: int = 0) -> np.ndarray:
        """The (H, W) uint8 frame of `camera` at `pose`; `shot` numbers the frame, for its noise."""
        view = View(camera, pose, self.scene.frame)
        kelvin = self._ground(view)
        drawn = [(solid, boxed) for solid in self._solids if (boxed := solid.box(view)) is not None]
        drawn.sort(key=lambda each: -float(np.linalg.norm(each[0].centre - view.position)))
        for solid, box in drawn:
            _draw(kelvin, solid, box, view)
        return expose(kelvin, self.scene.seed, shot)

    def boxes(self, camera: Camera, pose: CameraPose) -> list[TrueBox]:
        """True boxes of the objects in the frame, in the order of the scene."""
        view = View(camera, pose, self.scene.frame)
        found = []
        for solid in self._solids:
            box = solid.box(view)
            if box is None:
                continue
            x1, y1 = max(box[0], 0.0), max(box[1], 0.0)
            x2, y2 = min(box[2], float(camera.width_px)), min(box[3], float(camera.height_px))
            if x1 < x2 and y1 < y2:
                visible = (x2 - x1) * (y2 - y1) / ((box[2] - box[0]) * (box[3] - box[1]))
                found.append(TrueBox(solid.item.id, solid.item.object_class, x1, y1, x2, y2, visible))
        return found

    def _ground(self, view: View) -> np.ndarray:
        """Kelvin (H, W) float32 of the bare ground."""
        camera = view.camera
        east, north, hit = view.ground_map(FARTHEST, _BLOCK_PX)
        box = (float(east.min()), float(north.min()), float(east.max()), float(north.max()))
        pitch = view.position[2] / camera.fx_px
        level = max(0, math.floor(math.log2(max(pitch, 1e-6) / FINEST_M) + 0.4))
        extent = max(box[2] - box[0], box[3] - box[1])
        level = max(level, math.ceil(math.log2(max(extent / (FINEST_M * _WINDOW_PX), 1e-6))))
        picture, west, top, pitch = self._texture.window(level, box)
        size = (east.shape[1] * _BLOCK_PX, east.shape[0] * _BLOCK_PX)
        kept = (slice(_BLOCK_PX, _BLOCK_PX + camera.height_px), slice(_BLOCK_PX, _BLOCK_PX + camera.width_px))
        x = cv2.resize(((east - west) / pitch - 0.5).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)[kept]
        y = cv2.resize(((top - north) / pitch - 0.5).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)[kept]
        warped = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        kelvin = warped.astype(np.float32) * np.float32(STEP_K)
        if not hit.all():
            seen = cv2.resize(hit.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)[kept]
            kelvin = kelvin * seen + np.float32(SKY_K) * (1 - seen)
        return kelvin


def render(scene: Scene, camera: Camera, pose: CameraPose, shot: int = 0) -> np.ndarray:
    """The (H, W) uint8 thermal frame of a scene. For many frames of one scene keep a `Renderer`."""
    return Renderer(scene).frame(camera, pose, shot)


def true_boxes(scene: Scene, camera: Camera, pose: CameraPose) -> list[TrueBox]:
    """The box of every object of a scene that is at least partly in the frame, from its extent in three dimensions."""
    return Renderer(scene).boxes(camera, pose)


class _Solid:
    """An object of the scene with its parts turned and moved into the world."""

    def __init__(self, scene: Scene, item: Object) -> None:
        self.item = item
        east, north = scene.frame.to_local(item.lat_deg, item.lon_deg)
        self.centre = np.array([float(east), float(north), item.height_m / 2])
        draw = np.random.default_rng([scene.seed & 0xFFFFFFFF, 0x0B1EC7, *item.id.encode()])
        if item.object_class == "person":
            parts = person_parts(item.kind, item.height_m, draw)
        else:
            parts = vehicle_parts(item.kind, (item.length_m, item.width_m, item.height_m), item.warmth, draw)
        heading = math.radians(item.heading_deg)
        forward, left = (math.sin(heading), math.cos(heading)), (-math.cos(heading), math.sin(heading))
        turn = np.array([[forward[0], forward[1], 0.0], [left[0], left[1], 0.0], [0.0, 0.0, 1.0]])
        ground = np.array([float(east), float(north), 0.0])
        self.parts = [Part(p.points_m @ turn + ground, p.radii_m, p.kelvin, p.glow_m) for p in parts]
        solid = [part for part in self.parts if part.glow_m == 0.0]
        self._points = np.vstack([part.points_m for part in solid])
        self._radii = np.concatenate([part.radii_m for part in solid])
        self._reach_m = float(np.linalg.norm(self._points - self.centre, axis=1).max()) + 0.2

    def box(self, view: View) -> tuple[float, float, float, float] | None:
        """x1, y1, x2, y2 in pixels, beyond the frame's edges too; None where it is wholly out of the frame."""
        middle, scale = view.to_pixels(self.centre[None])
        if not math.isfinite(float(scale[0])) or not np.isfinite(middle).all():
            return None
        reach = 2.0 * self._reach_m * float(scale[0])
        if not (
            -reach < middle[0, 0] < view.camera.width_px + reach
            and -reach < middle[0, 1] < view.camera.height_px + reach
        ):
            return None
        pixels, scales = view.to_pixels(self._points)
        if not np.isfinite(pixels).all():
            return None
        around = (self._radii * scales)[:, None]
        low, high = (pixels - around).min(axis=0), (pixels + around).max(axis=0)
        if high[0] <= 0 or high[1] <= 0 or low[0] >= view.camera.width_px or low[1] >= view.camera.height_px:
            return None
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


_CIRCLE = np.stack([np.cos(np.arange(16) * math.pi / 8), np.sin(np.arange(16) * math.pi / 8)], axis=1)


def _draw(kelvin: np.ndarray, solid: _Solid, box: tuple[float, float, float, float], view: View) -> None:
    """Draw an object's parts into kelvin, four times finer than the pixels, then average."""
    _, scale = view.to_pixels(solid.centre[None])
    margin = 3 + math.ceil(1.2 * float(scale[0])) if any(part.glow_m for part in solid.parts) else 3
    height, width = kelvin.shape
    # What a close object has beyond the frame is not drawn, but for the margin that its glow needs.
    left, top = max(math.floor(box[0]), 0) - margin, max(math.floor(box[1]), 0) - margin
    right, bottom = min(math.ceil(box[2]), width) + margin, min(math.ceil(box[3]), height) + margin
    clipped = (slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width)))
    inside = (
        slice(clipped[0].start - top, clipped[0].stop - top),
        slice(clipped[1].start - left, clipped[1].stop - left),
    )
    finer = _SUPER if right - left < _CLOSE_PX and bottom - top < _CLOSE_PX else 1
    fine_shape = ((bottom - top) * finer, (right - left) * finer)
    value, cover = np.zeros(fine_shape, np.float32), np.zeros(fine_shape, np.float32)
    size = (right - left, bottom - top)
    for part in solid.parts:
        pixels, scales = view.to_pixels(part.points_m)
        outline = (pixels[:, None] + (part.radii_m * scales)[:, None, None] * _CIRCLE[None]).reshape(-1, 2)
        # A fine pixel's centre is its index plus a half, from the patch's corner.
        fine = (outline - (left, top)) * finer - 0.5
        hull = cv2.convexHull(np.rint(fine * 16).astype(np.int32))
        if part.glow_m:
            glow = np.zeros(fine_shape, np.float32)
            cv2.fillConvexPoly(glow, hull, part.kelvin, cv2.LINE_8, 4)
            glow = _shrunk(glow, size)
            soft = np.asarray(cv2.GaussianBlur(glow, (0, 0), max(part.glow_m * float(scale[0]), 0.3)), np.float32)
            kelvin[clipped] += soft[inside]
        else:
            cv2.fillConvexPoly(value, hull, part.kelvin, cv2.LINE_8, 4)
            cv2.fillConvexPoly(cover, hull, 1.0, cv2.LINE_8, 4)
    kelvin[clipped] = kelvin[clipped] * (1 - _shrunk(cover, size)[inside]) + _shrunk(value, size)[inside]


def _shrunk(fine: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.float32)
