"""Frames of the practice world with the true boxes of everything in them, as a YOLO data set: a small share of them
beside real ones keeps weights good at both. What the world looks like is `sim.world`'s subject, training `vision`'s.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from shapely.geometry import box

from mapping.ground.camera import Camera
from mapping.ground.frame import LocalFrame
from sim.world.projection import CameraPose
from sim.world.renderer import Renderer
from sim.world.scene import populate
from vision.classes import class_of
from vision.files import whole_file, write_whole

FRAMES_A_WORLD = 15
_SIDE_M = 260.0
_LAT_DEG, _LON_DEG = 23.0, 88.9
_HEIGHT_M = (35.0, 115.0)
_PITCH_DEG = (-90.0, -45.0)
_LEAST_VISIBLE = 0.35
_LEAST_SIDE_PX = 4.0


def write_practice_frames(folder: Path, count: int, camera: Camera, names: Sequence[str], seed: int) -> Path:
    """Render `count` frames of worlds drawn from `seed` into `folder`/images, their boxes into `folder`/labels by the
    classes `names`; the data set's YAML file. What is none of those classes stands there without a box. Raises
    SimulationError and VisionError where that cannot be done."""
    images, labels = folder / "images", folder / "labels"
    for each in (images, labels):
        each.mkdir(parents=True, exist_ok=True)
    number_of = {class_of(name): number for number, name in reversed(list(enumerate(names)))}
    draw = np.random.default_rng([seed, 0x7EAC])
    frame = LocalFrame(_LAT_DEG, _LON_DEG)
    renderer: Renderer | None = None
    for number in range(count):
        if renderer is None or number % FRAMES_A_WORLD == 0:
            renderer = _world(frame, seed * 1000 + number)
        target = renderer.scene.objects[int(draw.integers(len(renderer.scene.objects)))]
        pose = _looking_at(frame, target.lat_deg, target.lon_deg, draw)
        pixels = renderer.frame(camera, pose, number)
        lines = []
        for true in renderer.boxes(camera, pose):
            width, height = true.x2_px - true.x1_px, true.y2_px - true.y1_px
            which = number_of.get(true.object_class)
            if which is None or true.visible < _LEAST_VISIBLE or min(width, height) < _LEAST_SIDE_PX:
                continue
            x, y = (true.x1_px + true.x2_px) / 2 / camera.width_px, (true.y1_px + true.y2_px) / 2 / camera.height_px
            sides = f"{width / camera.width_px:.6f} {height / camera.height_px:.6f}"
            lines.append(f"{which} {x:.6f} {y:.6f} {sides}\n")
        name = f"practice-{number:05d}"
        with whole_file(images / f"{name}.jpg") as beside:
            beside.write_bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
        write_whole(labels / f"{name}.txt", "".join(lines))
    write_whole(folder / "data.yaml", json.dumps({"path": ".", "train": "images", "names": list(names)}) + "\n")
    return folder / "data.yaml"


def _world(frame: LocalFrame, seed: int) -> Renderer:
    corners = [frame.to_geodetic(east, north) for east, north in ((-_SIDE_M, -_SIDE_M), (_SIDE_M, _SIDE_M))]
    (south, west), (north, east) = (tuple(map(float, corner)) for corner in corners)
    return Renderer(populate(box(west, south, east, north), seed, persons=120, vehicles=50))


def _looking_at(frame: LocalFrame, lat_deg: float, lon_deg: float, draw: np.random.Generator) -> CameraPose:
    """A camera at some height that has a place on the ground somewhere in its picture."""
    height, yaw, pitch = draw.uniform(*_HEIGHT_M), draw.uniform(0, 360), draw.uniform(*_PITCH_DEG)
    back = height / np.tan(np.radians(-pitch)) + draw.uniform(-0.2, 0.2) * height
    aside = draw.uniform(-0.2, 0.2) * height
    east, north = frame.to_local(lat_deg, lon_deg)
    sin, cos = np.sin(np.radians(yaw)), np.cos(np.radians(yaw))
    lat, lon = frame.to_geodetic(float(east) - back * sin + aside * cos, float(north) - back * cos - aside * sin)
    return CameraPose(float(lat), float(lon), float(height), float(yaw), float(pitch), float(draw.uniform(-3, 3)))
