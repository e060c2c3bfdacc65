"""A detector behind one small interface: pictures in, boxes out. Loads any YOLO network, fits pictures to it and says
what its labels mean. Which program runs the network is `networks`' subject; cutting frames into tiles, joining boxes
across them and writing tables is left to `frame` and `batch`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from vision.checkpoint import check_weights, sha256_of
from vision.classes import classes_of
from vision.decoding import decode
from vision.downloading import named_weights
from vision.errors import InputError
from vision.letterbox import letterbox
from vision.networks import Network

DEFAULT_WEIGHTS: Path = Path(__file__).parent / "weights" / "thermal.pt"

INPUT_PX = 640
"""Long side of the pictures a network was made for that does not say so itself. How large a frame's windows enter it is
`frame`'s subject."""


@dataclass(frozen=True)
class Boxes:
    """What was seen in one picture: `xyxy` (N, 4) float32 in pixels of that picture (x1, y1, x2, y2), `confidence` (N,)
    float32, the model's own `label` of each and which of our `classes` it means, by descending confidence."""

    xyxy: np.ndarray
    confidence: np.ndarray
    label: tuple[str, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.label)


class Detector(Protocol):
    """Whatever finds people and vehicles in pictures; `sha256` names the weights it does so with,
    `thermal` says that they know heat pictures only."""

    @property
    def sha256(self) -> str: ...

    @property
    def thermal(self) -> bool: ...

    @property
    def runs(self) -> str:
        """Which program runs the network: another may differ in the last digit."""
        ...

    @property
    def batch(self) -> int:
        """How many pictures of `input_px` are worth looking at together."""
        ...

    @property
    def input_px(self) -> int:
        """The longer side a picture is best scaled to."""
        ...

    @property
    def fixed(self) -> tuple[int, int] | None:
        """The only size (width, height) the network takes in, None where it takes any."""
        ...

    def detect(self, images: Sequence[np.ndarray], confidence: float, *, input_px: int | None = None) -> list[Boxes]:
        """The boxes of at least `confidence` in each picture, uint8 (H, W, 3) in BGR or (H, W) grey, whose longer side
        is scaled to `input_px` (None: to what is best for the network) where the network takes any size."""
        ...


@dataclass(frozen=True)
class Recipe:
    """What makes the same detector again, also on another machine: plain values. `backend` is never `auto`."""

    weights: Path
    backend: str
    classes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkDetector:
    """A detection network; made by `load_detector`. `class_of_number` says which of the network's labels, by number,
    means which of our classes; the other labels are left out. `thermal` says that it is known to be trained on grey
    heat pictures and nothing else. Any number of threads may detect at once."""

    network: Network
    class_of_number: Mapping[int, str]
    sha256: str
    recipe: Recipe
    reason: str = ""
    notes: tuple[str, ...] = ()
    input_px: int = INPUT_PX
    thermal: bool = False

    @property
    def runs(self) -> str:
        """See `Detector.runs`."""
        return self.recipe.backend

    @property
    def batch(self) -> int:
        """See `Detector.batch`."""
        return self.network.batch

    @property
    def fixed(self) -> tuple[int, int] | None:
        """See `Detector.fixed`."""
        return self.network.about.fixed

    def detect(self, images: Sequence[np.ndarray], confidence: float, *, input_px: int | None = None) -> list[Boxes]:
        """See `Detector.detect`. Pictures of one size are looked at together."""
        by_size: dict[tuple[int, int], list[int]] = {}
        for k, image in enumerate(images):
            by_size.setdefault(image.shape[:2], []).append(k)
        found: dict[int, Boxes] = {}
        for members in by_size.values():
            found.update(
                zip(
                    members,
                    self._same_size([images[k] for k in members], confidence, input_px or self.input_px),
                    strict=True,
                )
            )
        return [found[k] for k in range(len(images))]

    def _same_size(self, images: Sequence[np.ndarray], confidence: float, input_px: int) -> list[Boxes]:
        height, width = images[0].shape[:2]
        about = self.network.about
        fit = letterbox(width, height, input_px, about.stride_px, about.fixed)
        boxes = []
        for output in self.network.forward(fit.fill(images)):
            rows = decode(output, confidence, self.class_of_number)
            numbers = [int(number) for number in rows[:, 5]]
            boxes.append(
                Boxes(
                    xyxy=fit.restore(rows[:, :4], width, height),
                    confidence=rows[:, 4],
                    label=tuple(about.names[number] for number in numbers),
                    classes=tuple(self.class_of_number[number] for number in numbers),
                )
            )
        return boxes


def load_detector(
    weights: Path | None = None,
    *,
    backend: str = "auto",
    classes: Mapping[str, str] | None = None,
    threads: int | None = None,
    announce: Callable[[str], None] | None = None,
) -> NetworkDetector:
    """The detector in the file `weights` (the shipped thermal weights where None): a `.pt` file, an ONNX file, or the
    folder (or `.xml`) of an OpenVINO network.

    Names of ultralytics' own weights that are no files are downloaded (see `downloading`).
    `backend` is one of `networks.choosing.BACKENDS`; `classes` says what the model's own labels mean where their names
    do not (see `classes.classes_of`); `threads` will detect at once (None: as many as `engines.local` has); `announce`
    is told when a trial of what runs fastest begins.
    Raises InputError where the file is missing, is no detection network, or would run code when read (see
    `checkpoint`), and where none of its labels is a person, a vehicle or a bicycle; VisionError where the
    backend asked for cannot run it here.
    """
    from vision.engines.cores import worker_count
    from vision.networks import choosing, with_openvino, with_torch

    path = DEFAULT_WEIGHTS if weights is None else named_weights(Path(weights), announce)
    own = path.suffix.lower() == ".pt"
    if own:
        check_weights(path)
    elif path.suffix.lower() not in (".onnx", ".xml") and not path.is_dir():
        raise InputError(path, "no such network; give a .pt, an .onnx or the folder of an OpenVINO network")
    sha256 = sha256_of(path) if own else _sha256_of_all(with_openvino.files_of(path))
    choice = choosing.choose(path, sha256, backend, announce)
    network: Network
    if choice.backend == "torch":
        network = with_torch.load_torch(path, gpu=with_torch.gpu_there())
    else:
        network = with_openvino.load_openvino(choice.path, threads=threads or worker_count(), isa=choice.isa)
    if choice.backend == "openvino-int8":
        sha256 = _sha256_of_all(with_openvino.files_of(choice.path))
    meaning = classes_of(network.about.names, classes or {})
    if not meaning:
        labels = ", ".join(list(network.about.names.values())[:5])
        raise InputError(
            path, f"knows no person, vehicle or bicycle, only {labels}; say what they mean with a file (--classes)"
        )
    return NetworkDetector(
        network=network,
        class_of_number=meaning,
        sha256=sha256,
        recipe=Recipe(path, choice.backend, dict(classes or {})),
        reason=choice.reason,
        notes=choice.notes,
        input_px=network.about.input_px or INPUT_PX,
        thermal=path in (DEFAULT_WEIGHTS, choosing.twin_of(DEFAULT_WEIGHTS)),
    )


def _sha256_of_all(files: Sequence[Path]) -> str:
    """One SHA-256 for a network of several files: of their contents' own, in order."""
    told = "".join(sha256_of(file) for file in files)
    return told if len(files) == 1 else hashlib.sha256(told.encode()).hexdigest()
