"""The camera of the practice drone: takes triggers as they fall, renders each frame at its true pose and leaves it as a
JPEG in a folder. What a frame looks like is `renderer`'s subject, when to trigger the vehicle's.
"""

from __future__ import annotations

import queue
import threading
from pathlib import Path

import cv2

from mapping.ground.camera import Camera
from sim.errors import SimulationError
from sim.world.projection import Trigger, camera_pose
from sim.world.renderer import Renderer
from sim.world.scene import Scene
from vision.files import whole_file

JPEG_QUALITY = 90


def frame_name(index: int) -> str:
    """File name of the frame with that image number, counted from 1 as CAMERA_FEEDBACK does."""
    return f"IMG_{index:05d}.jpg"


class CameraWorker:
    """A camera in a thread of its own. Rendering is numpy and OpenCV, which let go of the interpreter's lock, so the
    autopilot's loop beside it keeps its time.

    A frame is written beside and then renamed: what has its name is whole. Something that goes wrong in the thread is
    raised by the next `take` or by `close`.
    """

    def __init__(self, scene: Scene, camera: Camera, folder: Path) -> None:
        self._scene, self._camera, self._folder = scene, camera, Path(folder)
        self._waiting: queue.Queue[Trigger | None] = queue.Queue()
        self._failure: Exception | None = None
        self._closed = False
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)
        self._thread.start()

    def take(self, trigger: Trigger) -> None:
        """Take a frame: returns at once, the frame follows. Raises SimulationError when an earlier one failed."""
        if self._closed:
            raise SimulationError("the camera is closed")
        self._surface()
        self._waiting.put(trigger)

    def close(self) -> None:
        """Write what is still waiting, then stop. Raises SimulationError when a frame failed; closing twice is
        harmless."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
            self._thread.join()
        self._surface()

    def __enter__(self) -> CameraWorker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _surface(self) -> None:
        if self._failure is not None:
            raise SimulationError(f"the camera failed: {self._failure}") from self._failure

    def _work(self) -> None:
        try:
            renderer = Renderer(self._scene)
            while (trigger := self._waiting.get()) is not None:
                self._write(renderer, trigger)
        except Exception as error:  # whatever it is, it belongs to the caller, not to this thread
            self._failure = error

    def _write(self, renderer: Renderer, trigger: Trigger) -> None:
        picture = renderer.frame(self._camera, camera_pose(self._camera, trigger), trigger.index)
        done, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not done:
            raise SimulationError(f"frame {trigger.index} could not be coded as JPEG")
        with whole_file(self._folder / frame_name(trigger.index)) as beside:
            beside.write_bytes(coded.tobytes())
