"""Training: it learns, it is repeatable, and a run that was stopped ends as one that was not."""

from __future__ import annotations

import csv
import os
import signal
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.vision.yolo_data import NAMES, write_data, write_weights
from vision.checkpoint import read_trainable, sha256_of
from vision.dataset import LabelledPicture, read_dataset, read_pictures
from vision.detector import load_detector
from vision.errors import InputError, VisionError
from vision.training import LOG, STATE, Progress, TrainSettings, settings_for, train


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledPicture]:
    return read_pictures(read_dataset(write_data(tmp_path_factory.mktemp("data"))))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny.pt")


def _settings(steps: int = 4, **others: Any) -> TrainSettings:
    return TrainSettings(steps=steps, batch=2, side_px=128, frame_px=(160, 128), **others)


@dataclass(frozen=True)
class Trainer:
    """Trains the tiny network on the tiny data set."""

    weights: Path
    pictures: list[LabelledPicture]

    def __call__(self, folder: Path, settings: TrainSettings, progress: Any = None, names: Any = NAMES) -> Path:
        return train(self.weights, names, self.pictures, folder, settings, device="cpu", progress=progress)


@pytest.fixture(scope="module")
def trainer(weights: Path, pictures: list[LabelledPicture]) -> Trainer:
    return Trainer(weights, pictures)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path, trainer: Trainer) -> None:
    straight = trainer(tmp_path / "straight", _settings())

    def stop(progress: Progress) -> None:
        if progress.steps == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path / "stopped", _settings(), stop)
    assert (tmp_path / "stopped" / STATE).exists()
    seen: list[int] = []
    resumed = trainer(tmp_path / "stopped", _settings(), lambda progress: seen.append(progress.steps))
    assert seen == [3, 4]
    assert sha256_of(resumed) == sha256_of(straight)


def test_it_learns_what_it_is_shown(tmp_path: Path, trainer: Trainer) -> None:
    losses: list[float] = []
    made = trainer(tmp_path, _settings(40, rate=3e-3), lambda progress: losses.append(progress.loss))
    assert losses[-1] < 0.8 * losses[1]
    detector = load_detector(made)
    assert detector.sha256 == sha256_of(made)
    rows = list(csv.DictReader((tmp_path / LOG).read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == [20, 40]
    first = read_trainable(trainer.weights).state_dict()
    last = read_trainable(made).state_dict()
    changed = {name.split(".")[1] for name, value in first.items() if not np.allclose(value, last[name], atol=1e-6)}
    assert not changed & {"0", "1", "2"}, "the first layers stay as they were"
    assert {"3", "10", "23"} <= changed


def test_other_classes_get_a_head_of_their_own(tmp_path: Path, trainer: Trainer) -> None:
    names = ("person", "car", "bicycle", "dog")
    made = trainer(tmp_path, _settings(1), names=names)
    assert tuple(read_trainable(made).names.values()) == names
    load_detector(made)


def test_the_file_tells_nothing_of_the_machine(tmp_path: Path, trainer: Trainer) -> None:
    made = trainer(tmp_path, _settings(1))
    assert str(tmp_path).encode() not in made.read_bytes()
    with zipfile.ZipFile(made) as archive:
        assert b"optimizer" not in archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))


def test_another_run_in_the_folder_is_refused(tmp_path: Path, trainer: Trainer) -> None:
    trainer(tmp_path, _settings(1))
    with pytest.raises(InputError, match="another run's"):
        trainer(tmp_path, _settings(1, seed=1))
    (tmp_path / STATE).write_bytes(b"torn")
    with pytest.raises(InputError, match="not the state"):
        trainer(tmp_path, _settings(1))


def test_a_run_ends_by_the_clock(tmp_path: Path, trainer: Trainer) -> None:
    seen: list[float] = []
    settings = TrainSettings(minutes=0.02, batch=2, side_px=128, frame_px=(160, 128))
    trainer(tmp_path, settings, lambda progress: seen.append(progress.share))
    assert seen[-1] == 1.0
    assert seen == sorted(seen)


@pytest.mark.parametrize("settings", [TrainSettings(), TrainSettings(minutes=1, steps=1)])
def test_either_minutes_or_steps(tmp_path: Path, trainer: Trainer, settings: TrainSettings) -> None:
    with pytest.raises(InputError, match="either minutes or steps"):
        trainer(tmp_path, settings)


def test_pictures_without_a_box_teach_nothing(tmp_path: Path, trainer: Trainer) -> None:
    bare = [LabelledPicture(each.path, each.size_px, each.xyxy[:0], each.classes[:0]) for each in trainer.pictures]
    with pytest.raises(InputError, match="not one box"):
        replace(trainer, pictures=bare)(tmp_path, _settings(1))


def test_a_gpu_is_given_more_at_once_and_learns_in_all_layers() -> None:
    few, many = (settings_for(device, minutes=1, steps=None, seed=0) for device in ("cpu", "cuda"))
    assert many.batch > few.batch
    assert many.frozen == 0
    assert few.frozen > 0
    small, tiny = (
        settings_for("cuda", minutes=1, steps=None, seed=0, memory_bytes=gigabytes << 30) for gigabytes in (8, 0)
    )
    assert 1 < tiny.batch < small.batch < many.batch
    assert tiny.rate < small.rate < many.rate


def test_what_the_memory_does_not_do_for_is_said_in_a_line(
    tmp_path: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(run: Any, *_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("vision.training._Run._step", no_room)
    with pytest.raises(VisionError, match="2 pictures at once"):
        trainer(tmp_path, _settings(1))
