"""A tiny YOLO data set, noise with a few bright people and vehicles on it, and a tiny network that knows nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from vision.checkpoint import read_trainable
from vision.detector import DEFAULT_WEIGHTS
from vision.offline import import_ultralytics
from vision.trainable import save_network

NAMES = ("person", "vehicle", "bicycle")


def write_data(folder: Path, pictures: int = 4, size: tuple[int, int] = (320, 256)) -> Path:
    """Draw the data set into `folder`; the path of its YAML file."""
    draw = np.random.default_rng(4)
    for part in ("images/train", "labels/train"):
        (folder / part).mkdir(parents=True)
    width, height = size
    for number in range(pictures):
        pixels = draw.integers(60, 90, (height, width), dtype=np.uint8)
        lines = []
        for which, (w, h) in ((0, (10, 20)), (0, (12, 18)), (1, (50, 26))):
            x, y = int(draw.integers(0, width - w)), int(draw.integers(0, height - h))
            pixels[y : y + h, x : x + w] = 220
            lines.append(f"{which} {(x + w / 2) / width} {(y + h / 2) / height} {w / width} {h / height}\n")
        Image.fromarray(pixels).save(folder / f"images/train/{number}.png")
        (folder / f"labels/train/{number}.txt").write_text("".join(lines))
    path = folder / "data.yaml"
    path.write_text(json.dumps({"path": ".", "train": "images/train", "names": list(NAMES)}))
    return path


def write_weights(path: Path) -> Path:
    """Weights of the shipped network's plan, a quarter as wide, drawn at random."""
    tasks, _ = import_ultralytics()
    import torch

    torch.manual_seed(1)
    plan = dict(read_trainable(DEFAULT_WEIGHTS).yaml) | {"scales": {"n": [0.5, 0.0625, 1024]}, "scale": "n"}
    network = tasks.DetectionModel(plan, nc=len(NAMES), verbose=False)
    network.names = dict(enumerate(NAMES))
    save_network(network, path)
    return path
