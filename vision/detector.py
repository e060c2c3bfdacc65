"""A network behind one small interface: pictures in, boxes out. Loads an ultralytics detection network from a `.pt`
file and runs it on the CPU. Cutting frames into tiles, joining boxes across them and writing tables is left to `frame`
and `batch`.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from vision.checkpoint import read_network, sha256_of
from vision.classes import class_of
from vision.errors import InputError
from vision.offline import import_ultralytics

DEFAULT_WEIGHTS: Path = Path(__file__).parent / "weights" / "thermal.pt"

INPUT_PX = 640
"""Long side a picture is scaled to before it enters the network: of 640, 768, 896 and 960 px the shipped weights find
as much at 640 as at 768, in half the time, and less above (average precision of people 0.72, 0.73, 0.68, 0.66)."""

SAME_IOU = 0.5
"""Boxes of one label in one picture that overlap by more than this are one object."""

_MOST_BOXES = 1000
_NO_TIME_LIMIT_S = 1e6  # ultralytics leaves pictures out when it is late; the same input must give the same boxes
_PAD_GREY = 114  # ultralytics trains with this grey around its pictures


@dataclass(frozen=True)
class Boxes:
    """What was seen in one picture: `xyxy` (N, 4) float32 in pixels of that picture (x1, y1, x2, y2), `confidence` (N,)
    float32 and the model's own `label` of each, by descending confidence."""

    xyxy: np.ndarray
    confidence: np.ndarray
    label: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.label)


class Detector(Protocol):
    """Whatever finds people and vehicles in pictures; `sha256` names the weights it does so with,
    `thermal` says that they know heat pictures only."""

    @property
    def sha256(self) -> str: ...

    @property
    def thermal(self) -> bool: ...

    def detect(self, images: Sequence[np.ndarray], confidence: float) -> list[Boxes]:
        """The boxes of at least `confidence` in each picture, uint8 (H, W, 3) in BGR or (H, W) grey. Pictures of
        one size are looked at together."""
        ...


@dataclass(frozen=True)
class _Letterbox:
    """How a picture of one size is fitted to the network: scaled, then padded to a multiple of its stride."""

    width_px: int
    height_px: int
    left_px: int
    top_px: int
    padded_width_px: int
    padded_height_px: int
    scale_x: float
    scale_y: float


def _letterbox(width_px: int, height_px: int, input_px: int, stride_px: int) -> _Letterbox:
    scale = input_px / max(width_px, height_px)
    width, height = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    padded_width, padded_height = (-(-side // stride_px) * stride_px for side in (width, height))
    return _Letterbox(
        width_px=width,
        height_px=height,
        left_px=(padded_width - width) // 2,
        top_px=(padded_height - height) // 2,
        padded_width_px=padded_width,
        padded_height_px=padded_height,
        scale_x=width / width_px,
        scale_y=height / height_px,
    )


@dataclass(frozen=True)
class UltralyticsDetector:
    """An ultralytics detection network, `names` being its labels by number; made by `load_detector`. `thermal` says
    that it is known to be trained on grey heat pictures and nothing else. Any number of
    threads may detect at once: each has the network to itself, the weights in it are shared."""

    network: Any
    names: dict[int, str]
    stride_px: int
    sha256: str
    input_px: int = INPUT_PX
    thermal: bool = False
    _of_thread: threading.local = field(default_factory=threading.local, init=False, repr=False, compare=False)

    def detect(self, images: Sequence[np.ndarray], confidence: float) -> list[Boxes]:
        """See `Detector.detect`. Labels that are none of our classes are left out."""
        by_size: dict[tuple[int, int], list[int]] = {}
        for k, image in enumerate(images):
            by_size.setdefault(image.shape[:2], []).append(k)
        found: list[Boxes | None] = [None] * len(images)
        for members in by_size.values():
            for k, boxes in zip(members, self._detect_same_size([images[k] for k in members], confidence), strict=True):
                found[k] = boxes
        return [boxes for boxes in found if boxes is not None]

    def _network(self) -> Any:
        """This thread's own copy of the network around the common weights: the head keeps the grid of the picture it
        saw last, which a thread looking at a picture of another shape would change under it."""
        if not hasattr(self._of_thread, "network"):
            common = {id(weight): weight for weight in (*self.network.parameters(), *self.network.buffers())}
            self._of_thread.network = copy.deepcopy(self.network, memo=common)
        return self._of_thread.network

    def _detect_same_size(self, images: Sequence[np.ndarray], confidence: float) -> list[Boxes]:
        import torch

        nms = import_ultralytics()[1]
        height, width = images[0].shape[:2]
        fit = _letterbox(width, height, self.input_px, self.stride_px)
        pixels = np.full((len(images), fit.padded_height_px, fit.padded_width_px, 3), _PAD_GREY, dtype=np.uint8)
        for k, image in enumerate(images):
            pixels[k, fit.top_px : fit.top_px + fit.height_px, fit.left_px : fit.left_px + fit.width_px] = _fit(
                image, fit
            )
        wanted = [number for number, label in self.names.items() if class_of(label) is not None]
        torch.set_num_threads(1)  # torch's threads would wait for each other; see engines/local.py for ours
        with torch.inference_mode():
            # NHWC memory seen as NCHW is the channels-last layout the network was put into: no copy, a third faster
            batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255.0)
            rows = nms.non_max_suppression(
                self._network()(batch),
                conf_thres=confidence,
                iou_thres=SAME_IOU,
                classes=wanted,
                max_det=_MOST_BOXES,
                nc=len(self.names),
                max_time_img=_NO_TIME_LIMIT_S,
            )
        return [self._boxes(found.numpy(), fit, width, height) for found in rows]

    def _boxes(self, rows: np.ndarray, fit: _Letterbox, width_px: int, height_px: int) -> Boxes:
        """Rows of the network (x1, y1, x2, y2, confidence, label number) as boxes in the picture given."""
        offset = np.array([fit.left_px, fit.top_px] * 2, dtype=np.float32)
        scale = np.array([fit.scale_x, fit.scale_y] * 2, dtype=np.float32)
        limit = np.array([width_px, height_px] * 2, dtype=np.float32)
        xyxy = np.clip((rows[:, :4] - offset) / scale, 0.0, limit).astype(np.float32)
        labels = tuple(self.names[int(number)] for number in rows[:, 5])
        return Boxes(xyxy=xyxy, confidence=rows[:, 4].astype(np.float32), label=labels)


def _fit(image: np.ndarray, fit: _Letterbox) -> np.ndarray:
    """The picture scaled to the network's input, red, green, blue, (height, width, 3)."""
    if image.shape[:2] != (fit.height_px, fit.width_px):
        image = np.asarray(cv2.resize(image, (fit.width_px, fit.height_px), interpolation=cv2.INTER_LINEAR))
    if image.ndim == 2 or image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
    return image[:, :, ::-1]


def load_detector(weights: Path | None = None) -> UltralyticsDetector:
    """The detector in the `.pt` file `weights` (the shipped thermal weights where None).

    Raises InputError where the file is missing, is no weights, or would run code when read (see `checkpoint`), and
    where none of its labels is a person, a vehicle or a bicycle.
    """
    path = DEFAULT_WEIGHTS if weights is None else Path(weights)
    network = read_network(path)
    names = getattr(network, "names", None)
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(k, int) for k in names):
        raise InputError(path, "its network does not name its labels; train or export again with ultralytics")
    labels = {number: str(label) for number, label in names.items()}
    if not any(class_of(label) for label in labels.values()):
        raise InputError(path, f"knows no person, vehicle or bicycle, only {', '.join(list(labels.values())[:5])}")
    return UltralyticsDetector(
        network=network,
        names=labels,
        stride_px=int(network.stride.max()),
        sha256=sha256_of(path),
        thermal=path == DEFAULT_WEIGHTS,
    )
