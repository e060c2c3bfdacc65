"""Train a detection network further on a YOLO data set, on a GPU where there is one, on few cores otherwise: there the
first layers stay as they are (they see edges, and cost a third of the time), and the pictures are mosaics of what
matters (`mosaic`). The learning rate falls over the time or the steps there are, the weights kept are the mean of the
latest (Polyak and Juditsky 1992). A run is repeatable by its seed and goes on where it stopped. What a data set is is
`dataset`'s subject, how good the result is `evaluation`'s.
"""

from __future__ import annotations

import copy
import csv
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from vision.checkpoint import sha256_of
from vision.dataset import LabelledPicture
from vision.errors import InputError, VisionError
from vision.files import whole_file
from vision.mosaic import Mosaics, Sample
from vision.networks.with_torch import gpu_there
from vision.trainable import GAINS, folded, network_for, save_network

WEIGHTS, STATE, LOG = "weights.pt", "state.pt", "log.csv"
"""What a run leaves in its folder: the network, all it needs to go on, and its losses."""

_WARM_UP = 0.03
_LAST_RATE = 0.01
_WHOLE_ONLY_FROM = 0.8
_MEAN_OVER = 0.1
_MOST_GRADIENT = 10.0
_SAVE_EVERY_S = 240.0
_LOG_EVERY = 20
_GPU_BATCH = 64
_GPU_PICTURE_BYTES = 250 << 20  # what a picture takes in a step of the shipped network, with a margin
_STOPS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class TrainSettings:
    """How to train: for so many `minutes` or `steps` (one of the two), mosaics of `side_px`, `batch` pictures a step,
    the first `frozen` layers as they are, `rate` the highest learning rate, `whole` the share of steps on whole frames
    (the last fifth of the run has nothing else)."""

    minutes: float | None = None
    steps: int | None = None
    side_px: int = 512
    frame_px: tuple[int, int] = (640, 512)
    batch: int = 16
    frozen: int = 3
    rate: float = 1.5e-3
    decay: float = 5e-4
    whole: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a run is: `share` of it done (0..1), `steps` made, the mean loss of late."""

    share: float
    steps: int
    loss: float


def train(
    weights: Path,
    names: Sequence[str],
    pictures: Sequence[LabelledPicture],
    folder: Path,
    settings: TrainSettings,
    *,
    device: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Train the network in `weights` further on `pictures`, whose classes are numbers into `names`, and return the
    `.pt` file written: `folder`/weights.pt. A folder that holds the state of an unfinished run with the same settings,
    weights and classes is gone on with. `device` is torch's name of it; None takes a GPU where there is one.

    Raises InputError where the weights cannot be trained, there is nothing to train on, or the folder holds another
    run; VisionError where it cannot be written. A KeyboardInterrupt leaves a state to go on from.
    """
    if (settings.minutes is None) == (settings.steps is None):
        raise InputError("--minutes", "give either minutes or steps")
    if not pictures or not any(len(picture.classes) for picture in pictures):
        raise InputError("pictures", "there is not one box to learn from")
    run = _Run(weights, tuple(names), pictures, Path(folder), settings, device or best_device())
    run.go_on()
    with _stops_held() as stopped:
        run.train(progress, stopped)
    run.save_state()
    if stopped():
        raise KeyboardInterrupt
    return run.folder / WEIGHTS


@contextmanager
def _stops_held() -> Iterator[Callable[[], bool]]:
    """Holds back Ctrl-C and SIGTERM, so that neither cuts a step in two; tells whether one came."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _STOPS}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def best_device() -> str:
    """torch's name of what to train on: a GPU where there is one."""
    return "cuda" if gpu_there() else "cpu"


def memory_of(device: str) -> int | None:
    """The bytes of a GPU's memory, taken or not; None for a CPU."""
    import torch

    return None if device == "cpu" else int(torch.cuda.mem_get_info()[1])


def settings_for(
    device: str, *, minutes: float | None, steps: int | None, seed: int, memory_bytes: int | None = None
) -> TrainSettings:
    """How to train on a device: on a GPU all layers, and pictures enough at once to keep it busy, as far as its memory
    (None: plenty) holds them. The rate rises with the square root of their number, as Adam's noise falls."""
    if device == "cpu":
        return TrainSettings(minutes=minutes, steps=steps, seed=seed)
    room = _GPU_BATCH if memory_bytes is None else memory_bytes // _GPU_PICTURE_BYTES
    batch = min(_GPU_BATCH, 2 ** int(math.log2(max(2, room))))
    rate = 3e-3 * math.sqrt(batch / _GPU_BATCH)
    return TrainSettings(minutes=minutes, steps=steps, seed=seed, batch=batch, frozen=0, side_px=640, rate=rate)


class _Run:
    """A training run: the network, its running mean, the optimiser, and where they are."""

    def __init__(
        self,
        weights: Path,
        names: tuple[str, ...],
        pictures: Sequence[LabelledPicture],
        folder: Path,
        settings: TrainSettings,
        device: str,
    ) -> None:
        import torch

        self.settings, self.folder = settings, folder
        self.mosaics = Mosaics(pictures, settings.side_px)
        self.device = torch.device(device)
        torch.manual_seed(settings.seed)
        self.mean = network_for(weights, names)
        self.identity = {"weights": sha256_of(weights), "names": list(names), **_plain(asdict(settings))}
        self.network = copy.deepcopy(self.mean)
        self.mean.requires_grad_(False).eval().to(self.device)
        self.stem = folded(self.network.model[: settings.frozen])
        for layer in self.network.model[: settings.frozen]:
            layer.requires_grad_(False)
        self.network.args = SimpleNamespace(**GAINS)
        self.network.to(self.device, memory_format=torch.channels_last).train()
        self.stem.to(self.device, memory_format=torch.channels_last).eval()
        self.loss = self.network.init_criterion()
        self.optimiser = _optimiser(self.network, settings)
        self.learned = [
            (value, self.mean.state_dict()[name])
            for name, value in self.network.state_dict().items()
            if int(name.split(".")[1]) >= settings.frozen
        ]
        self.steps, self.spent_s = 0, 0.0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise VisionError(f"{folder}: cannot be made ({error.strerror})") from error

    def share(self, ahead: int = 0) -> float:
        """How much of the run is done so many steps `ahead` of now, 0..1; time is taken as it is now."""
        if self.settings.steps is not None:
            return min(1.0, (self.steps + ahead) / self.settings.steps)
        return min(1.0, self.spent_s / 60.0 / float(self.settings.minutes or 1.0))

    def train(self, progress: Callable[[Progress], None] | None, stopped: Callable[[], bool]) -> None:
        """Take steps until the run is done or `stopped`, saving now and then."""
        late: list[float] = []
        saved_s = self.spent_s
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="mosaics") as maker:
            ahead = maker.submit(self._batch, self.steps, self.share())
            while (share := self.share()) < 1.0 and not stopped():
                began = time.monotonic()
                samples = ahead.result()
                ahead = maker.submit(self._batch, self.steps + 1, self.share(ahead=1))
                losses = self._tried(samples, share)
                self.steps += 1
                self.spent_s += time.monotonic() - began
                late = [*late[1 - _LOG_EVERY :], sum(losses)]
                if self.steps % _LOG_EVERY == 0:
                    self._log(share, losses)
                if self.spent_s - saved_s > _SAVE_EVERY_S:
                    self.save_state()
                    saved_s = self.spent_s
                if progress is not None:
                    progress(Progress(self.share(), self.steps, float(np.mean(late))))

    def _batch(self, step: int, share: float) -> list[Sample]:
        """The pictures of a step. They depend on the seed, the step and whether the end of the run is near."""
        settings, mosaics = self.settings, self.mosaics
        draw = np.random.default_rng([settings.seed, step])
        if share >= _WHOLE_ONLY_FROM or draw.random() < settings.whole or not len(mosaics.places):
            numbers = _numbers(len(mosaics.pictures), settings.batch, settings.seed, step)
            return [mosaics.whole(number, settings.frame_px, draw) for number in numbers]
        numbers = _numbers(len(mosaics.places), 4 * settings.batch, settings.seed, step)
        return [mosaics.mosaic(numbers[k : k + 4], draw) for k in range(0, len(numbers), 4)]

    def _tried(self, samples: Sequence[Sample], share: float) -> tuple[float, ...]:
        """A step; VisionError where the GPU's memory does not do for it."""
        import torch

        try:
            return self._step(samples, share)
        except torch.OutOfMemoryError as error:
            what = f"{len(samples)} pictures at once through this network"
            raise VisionError(
                f"the GPU's memory does not do for {what}: end what else uses it, or train on the CPU (--device cpu)"
            ) from error

    def _step(self, samples: Sequence[Sample], share: float) -> tuple[float, ...]:
        """One step of the optimiser; the three losses."""
        import torch

        rate = self.settings.rate * _rate(share)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        targets = _targets(samples)
        pictures = torch.from_numpy(np.stack([sample.pixels[:, :, ::-1] for sample in samples]))
        # In memory the channels stay last, as the pictures come: so a step takes about a seventh less.
        pictures = pictures.to(self.device).permute(0, 3, 1, 2).float().div_(255.0)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            with torch.no_grad():
                features = self.stem(pictures)
            found = self._after_stem(features)
        found = {name: value.float() if torch.is_tensor(value) else value for name, value in found.items()}
        total, each = self.loss(found, {name: value.to(self.device) for name, value in targets.items()})
        self.optimiser.zero_grad(set_to_none=True)
        total.sum().backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _MOST_GRADIENT * len(samples))
        self.optimiser.step()
        self._average()
        return tuple(float(value) for value in each.values())

    def _after_stem(self, features: Any) -> Any:
        """The network from its first learning layer on, as ultralytics' `_predict_once` walks it."""
        kept: list[Any] = [None] * self.settings.frozen
        for layer in self.network.model[self.settings.frozen :]:
            if layer.f != -1:
                sources = [layer.f] if isinstance(layer.f, int) else layer.f
                inputs = [features if source == -1 else kept[source] for source in sources]
                features = inputs[0] if isinstance(layer.f, int) else inputs
            features = layer(features)
            kept.append(features if layer.i in self.network.save else None)
        return features

    def _average(self) -> None:
        """Move the running mean towards the network: it reaches over the latest tenth of all steps made."""
        import torch

        share = 1.0 / (_MEAN_OVER * self.steps + 1.0)
        with torch.no_grad():
            for value, mean in self.learned:
                if mean.dtype.is_floating_point:
                    mean.lerp_(value, share)
                else:
                    mean.copy_(value)

    def _log(self, share: float, losses: tuple[float, ...]) -> None:
        path = self.folder / LOG
        with path.open("a", encoding="utf-8", newline="") as stream:
            row = csv.writer(stream)
            if stream.tell() == 0:
                row.writerow(["step", "minutes", "share", "box", "cls", "dfl"])
            row.writerow([self.steps, f"{self.spent_s / 60:.1f}", f"{share:.4f}", *(f"{loss:.4f}" for loss in losses)])

    def save_state(self) -> None:
        """Write all that is needed to go on, and the network as it is."""
        import torch

        state = {
            "identity": self.identity,
            "steps": self.steps,
            "spent_s": self.spent_s,
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        with whole_file(self.folder / STATE) as beside:
            torch.save(state, beside)
        save_network(self.mean, self.folder / WEIGHTS)

    def go_on(self) -> None:
        """Take up the state in the folder, where there is one. Raises InputError where it is another run's."""
        import torch

        path = self.folder / STATE
        if not path.exists():
            return
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            other = [key for key, value in self.identity.items() if state["identity"].get(key) != value]
            if not other:
                self.network.load_state_dict(state["network"])
                self.mean.load_state_dict(state["mean"])
                self.optimiser.load_state_dict(state["optimiser"])
                self.steps, self.spent_s = int(state["steps"]), float(state["spent_s"])
                return
        except Exception as error:  # torch raises whatever a damaged archive makes it stumble over
            raise InputError(path, "not the state of a run that can be read; remove it to begin anew") from error
        raise InputError(path, f"another run's ({', '.join(other)} differ); give another folder, or the same options")


def _optimiser(network: Any, settings: TrainSettings) -> Any:
    import torch

    learning = [value for name, value in network.named_parameters() if value.requires_grad and ".dfl." not in name]
    groups = [
        {"params": [value for value in learning if value.ndim > 1], "weight_decay": settings.decay},
        {"params": [value for value in learning if value.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.999))


def _rate(share: float) -> float:
    """The learning rate at a share of the run, of its highest: rising straight, then falling as half a cosine."""
    if share < _WARM_UP:
        return max(0.02, share / _WARM_UP)
    fallen = (share - _WARM_UP) / (1.0 - _WARM_UP)
    return _LAST_RATE + (1.0 - _LAST_RATE) * (1.0 + math.cos(math.pi * fallen)) / 2.0


def _numbers(count: int, wanted: int, seed: int, step: int) -> list[int]:
    """The numbers below `count` whose turn it is in a step of `wanted`: each comes once in every round, rounds are in
    different orders."""
    first = step * wanted
    return [int(_order(count, seed, k // count)[k % count]) for k in range(first, first + wanted)]


def _order(count: int, seed: int, turn: int) -> np.ndarray:
    return np.random.default_rng([seed, turn, count]).permutation(count)


def _targets(samples: Sequence[Sample]) -> dict[str, Any]:
    """The boxes of a batch as the loss wants them: centre and size as fractions of the picture."""
    import torch

    height, width = samples[0].pixels.shape[:2]
    xyxy = np.concatenate([sample.xyxy for sample in samples]) / np.array([width, height] * 2, dtype=np.float32)
    boxes = np.concatenate([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    picture = np.repeat(np.arange(len(samples)), [len(sample.classes) for sample in samples])
    return {
        "batch_idx": torch.from_numpy(picture.astype(np.float32)),
        "cls": torch.from_numpy(np.concatenate([sample.classes for sample in samples]).astype(np.float32))[:, None],
        "bboxes": torch.from_numpy(boxes.astype(np.float32)),
    }


def _plain(value: Any) -> Any:
    return {key: list(each) if isinstance(each, tuple) else each for key, each in value.items()}
