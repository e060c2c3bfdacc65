"""`picket train` from a data set to weights that `picket detect` takes, and practice frames with true boxes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mapping.ground.camera import load_camera
from picket.cli import main
from picket.practice import write_practice_frames
from tests.vision.yolo_data import write_data, write_weights
from vision.checkpoint import sha256_of
from vision.dataset import read_dataset, read_pictures
from vision.training import best_device


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny.pt")


def test_trains_measures_and_says_so(tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_data(tmp_path / "data")
    data.write_text(data.read_text().replace('"train": ', '"val": "images/train", "train": '))
    made = tmp_path / "made"
    arguments = ["train", str(data), "-o", str(made), "--weights", str(weights), "--steps", "1", "--json"]
    assert main([*arguments, "--practice", "1"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["pictures"] == 5
    assert summary["sha256"] == sha256_of(made / "weights.pt")
    assert {name: score["truths"] for name, score in summary["scores"].items()} == {
        "person": 8,
        "vehicle": 4,
        "bicycle": 0,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--minutes", "1", "--steps", "1"], "goes without --steps"),
        (["--device", "tpu"], "neither cpu nor cuda"),
        (["--weights", "none.pt", "--steps", "1"], "none.pt"),
    ],
)
def test_bad_options_are_named(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(tmp_path / "data")
    assert main(["train", str(data), "-o", str(tmp_path / "made"), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@pytest.mark.skipif(best_device() == "cuda", reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_missed_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(tmp_path / "data")
    (tmp_path / "data/images/train/0.png").write_bytes(b"")
    assert main(["train", str(data), "-o", str(tmp_path / "made"), "--device", "cuda"]) == 1
    assert "torch finds no GPU" in capsys.readouterr().err


def test_pictures_to_measure_on_are_checked_before_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_data(tmp_path / "data")
    (tmp_path / "apart").mkdir()
    shutil.copy(tmp_path / "data/images/train/0.png", tmp_path / "apart/lone.png")
    data.write_text(data.read_text().replace('"train": ', '"val": "../apart", "train": '))
    assert main(["train", str(data), "-o", str(tmp_path / "made"), "--steps", "1"]) == 2
    assert "lone.txt" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_classes_that_are_none_of_ours_are_learnt_and_not_measured(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(tmp_path / "data")
    words = data.read_text().replace('"train": ', '"val": "images/train", "train": ')
    data.write_text(words.replace("person", "deer").replace("vehicle", "boar").replace("bicycle", "hare"))
    arguments = ["train", str(data), "-o", str(tmp_path / "made"), "--weights", str(weights), "--steps", "1", "--json"]
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["scores"] == {}
    assert "deer, boar, hare" in told.err


def test_practice_frames_have_true_boxes(tmp_path: Path) -> None:
    camera = load_camera("boson640-14")
    drawn = write_practice_frames(tmp_path, 2, camera, ("car", "person"), seed=3)
    dataset = read_dataset(drawn)
    pictures = read_pictures(dataset)
    assert dataset.names == ("car", "person")
    assert all(len(picture.classes) for picture in pictures)
    people = 0
    for picture in pictures:
        pixels = picture.pixels().astype(float)
        assert pixels.shape == (camera.height_px, camera.width_px)
        for box in picture.xyxy[picture.classes == 1]:
            x1, y1, x2, y2 = np.round(box).astype(int)
            people += 1
            assert pixels[y1:y2, x1:x2].max() > np.median(pixels) + 20  # people are warm
    assert people
    again = write_practice_frames(tmp_path / "again", 2, camera, ("car", "person"), seed=3)
    name = "images/practice-00001.jpg"
    assert (again.parent / name).read_bytes() == (tmp_path / name).read_bytes()
