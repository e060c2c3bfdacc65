"""How well the shipped weights find people and vehicles on real thermal frames, and how fast, beside ultralytics' own
`predict` with the same weights: `python -m bench.detect_thermal [--data DIR]`. The frames are the validation split of
HIT-UAV (`images/val`, `labels/val` in YOLO's layout), which the weights were not trained on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vision.batch import DEFAULT_CONFIDENCE, detect_frames, search_settings
from vision.checkpoint import sha256_of
from vision.classes import CLASSES
from vision.detector import DEFAULT_WEIGHTS, INPUT_PX, load_detector
from vision.engines.cores import worker_count
from vision.evaluation import (
    WHOLE_CURVE,
    ClassScore,
    Truth,
    evaluate,
    read_split,
    recall_at_precision,
    recall_by_size,
)
from vision.files import write_whole
from vision.frame import BLOWN_UP
from vision.merge import SAME_IOU
from vision.networks.with_torch import load_torch
from vision.offline import import_ultralytics
from vision.table import DETECTIONS
from vision.visibility import RECALL, STEPS_PX

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "thermal"
PRECISE = 0.85
WHOLE_PX = round(BLOWN_UP * INPUT_PX)
"""Longer side of a frame of 640 px where it enters the network."""
TIMES_OF_DAY = {"by day": "0_", "by night": "1_"}
"""HIT-UAV's file names begin with it."""


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and of all cores together; the second says more where the machine is busy."""

    wall_s: float
    cores_s: float


class Stopwatch:
    """Measures from where it was made."""

    def __init__(self) -> None:
        self._wall, self._cores = time.perf_counter(), time.process_time()

    def spent(self) -> Spent:
        return Spent(wall_s=time.perf_counter() - self._wall, cores_s=time.process_time() - self._cores)


def picket_detections(frames: Sequence[tuple[str, Path]], weights: Path, confidence: float) -> tuple[pa.Table, Spent]:
    """The detections of Picket's own pipeline, and what it took after loading."""
    detector = load_detector(weights)
    watch = Stopwatch()
    result = detect_frames(frames, detector, search_settings(confidence=confidence))
    return result.table, watch.spent()


def ultralytics_detections(
    frames: Sequence[tuple[str, Path]], weights: Path, confidence: float
) -> tuple[pa.Table, Spent]:
    """The detections of `ultralytics.YOLO(weights).predict`, and what it took after loading."""
    import_ultralytics()
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(worker_count())
    network: Any = YOLO(weights)
    rows = []
    watch = Stopwatch()
    for frame_id, path in frames:
        picture = network.predict(
            path, imgsz=WHOLE_PX, conf=confidence, iou=SAME_IOU, max_det=1000, device="cpu", verbose=False
        )[0]
        for k, (x1, y1, x2, y2, score, number) in enumerate(picture.boxes.data.tolist()):
            label = picture.names[int(number)]
            rows.append(
                {
                    "detection_id": f"{frame_id}-{k:03d}",
                    "frame_id": frame_id,
                    "class": label,
                    "label": label,
                    "confidence": score,
                    "x1_px": x1,
                    "y1_px": y1,
                    "x2_px": x2,
                    "y2_px": y2,
                    "model": "ultralytics",
                }
            )
    return DETECTIONS.from_rows(rows), watch.spent()


def bare_network(weights: Path, pictures: int) -> Spent:
    """What bare forward passes of `pictures` frames of 640 x 512 px, as large as they enter the network, take on one
    core."""
    import torch

    network = load_torch(weights)
    torch.set_num_threads(1)
    batch = torch.from_numpy(np.zeros((1, 576, WHOLE_PX, 3), np.float32)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        network.network(batch)
        watch = Stopwatch()
        for _ in range(pictures):
            network.network(batch)
    return watch.spent()


def _print_scores(name: str, table: pa.Table, truths: Mapping[str, Truth], confidence: float) -> tuple[ClassScore, ...]:
    scores = evaluate(table, truths, CLASSES, confidence=confidence)
    for score in scores:
        print(
            f"{name:12} {score.name:9} {score.truths:6} {score.detections:10} "
            f"{score.precision:10.3f} {score.recall:7.3f} {score.average_precision:6.3f}"
        )
    return scores


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 also where there are no data, which it says."""
    parser = argparse.ArgumentParser(description="Precision and recall of the detector on real thermal frames.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with images/val and labels/val")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    parser.add_argument("--confidence", type=float, default=DEFAULT_CONFIDENCE)
    parser.add_argument("--alone", action="store_true", help="leave out the comparison with ultralytics' predict")
    parser.add_argument("--write-recall", action="store_true", help="keep recall by size beside the shipped weights")
    options = parser.parse_args(arguments)

    frames, truths = read_split(options.data)
    if not frames:
        print(f"no thermal frames in {options.data / 'images' / 'val'}; give their folder with --data", file=sys.stderr)
        return 0
    print(f"{len(frames)} frames, boxes of confidence >= {options.confidence:g}, right at IoU >= 0.5")
    print(f"{'':12} {'class':9} {'truths':>6} {'detections':>10} {'precision':>10} {'recall':>7} {'AP50':>6}")
    table, _ = picket_detections(frames, options.weights, WHOLE_CURVE)
    _print_scores("picket", table, truths, options.confidence)
    by_size = {name: recall_by_size(table, truths, name, STEPS_PX, confidence=options.confidence) for name in CLASSES}
    for name, sizes in by_size.items():
        print(f"{name:12} " + ", ".join(f"{one.least_px:g} px {one.found}/{one.truths}" for one in sizes if one.truths))
    for name in CLASSES:
        recall, sure = recall_at_precision(table, truths, name, PRECISE)
        print(f"{name:12} recall {recall:.3f} at precision {PRECISE:g}, from confidence {sure:.2f} on")
    for time_of_day, first in TIMES_OF_DAY.items():
        then = {frame_id: truth for frame_id, truth in truths.items() if frame_id.startswith(first)}
        if then:
            _print_scores(time_of_day, table, then, options.confidence)
    if options.write_recall:
        content = {
            "weights": sha256_of(options.weights),
            "data": "HIT-UAV, validation split",
            "confidence": options.confidence,
            "classes": {name: [asdict(one) for one in sizes] for name, sizes in by_size.items()},
        }
        write_whole(RECALL, json.dumps(content, indent=1) + "\n")
    _, ours = picket_detections(frames, options.weights, options.confidence)
    times = [("picket", ours)]
    if not options.alone:
        table, _ = ultralytics_detections(frames, options.weights, WHOLE_CURVE)
        _print_scores("ultralytics", table, truths, options.confidence)
        _, theirs = ultralytics_detections(frames, options.weights, options.confidence)
        times.append(("ultralytics", theirs))
    pictures = 30
    times.append(("network alone on one core", bare_network(options.weights, pictures)))
    print()
    for name, spent in times:
        count = pictures if "alone" in name else len(frames)
        each = (spent.wall_s / count * 1e3, spent.cores_s / count * 1e3)
        print(f"{name:26} {each[0]:6.0f} ms a frame by the clock, {each[1]:6.0f} ms of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
