"""How fast large frames are searched, beside SAHI and supervision's slicer with the same weights, tiles and frames, and
beside the floor, bare forward passes of the same network on the same windows; and how much each finds:
`python -m bench.detect_speed [--peer-python PYTHON] [--frames N]`. The frames are of 3840 x 2048 px, 24 validation
frames of HIT-UAV each, in full resolution, so that what there is to find is known. `PYTHON` is an interpreter with
`sahi` and `supervision`; without it they are left out, which it says.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from bench.detect_thermal import DATA, Spent, Stopwatch
from vision.batch import DEFAULT_CONFIDENCE, detect_frames, search_settings
from vision.classes import CLASSES, class_of
from vision.detector import DEFAULT_WEIGHTS, NetworkDetector, load_detector
from vision.engines.cores import worker_count
from vision.evaluation import Truth, evaluate, f1, read_split
from vision.frame import SearchSettings, windows_of
from vision.images import read_image
from vision.letterbox import letterbox
from vision.table import DETECTIONS

ACROSS, DOWN = 6, 4
WIDTH_PX, HEIGHT_PX = 640, 512
TILE_PX, OVERLAP = 640, 0.2
PEERS = ("sahi", "supervision")
QUIET = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}


def compose(data: Path, folder: Path, count: int) -> tuple[list[tuple[str, Path]], dict[str, Truth]]:
    """Large frames put together from small ones (in an order drawn once), and what people drew in them."""
    small, drawn = read_split(data)
    pictures = [small[k][1] for k in np.random.default_rng(0).permutation(len(small))]
    pictures = [path for path in pictures if read_image(path).shape[:2] == (HEIGHT_PX, WIDTH_PX)]
    frames, truths = [], {}
    for number in range(min(count, len(pictures) // (ACROSS * DOWN))):
        parts = pictures[number * ACROSS * DOWN : (number + 1) * ACROSS * DOWN]
        whole = np.zeros((DOWN * HEIGHT_PX, ACROSS * WIDTH_PX, 3), np.uint8)
        boxes, classes = [np.empty((0, 4))], list[str]()
        for k, path in enumerate(parts):
            x, y = k % ACROSS * WIDTH_PX, k // ACROSS * HEIGHT_PX
            whole[y : y + HEIGHT_PX, x : x + WIDTH_PX] = read_image(path)
            truth = drawn[path.stem]
            boxes.append(truth.xyxy + np.array([x, y, x, y]))
            classes += truth.classes
        frames.append((f"m{number}", folder / f"m{number}.jpg"))
        cv2.imwrite(str(frames[-1][1]), whole, [cv2.IMWRITE_JPEG_QUALITY, 95])
        truths[f"m{number}"] = Truth(np.concatenate(boxes), tuple(classes))
    return frames, truths


def picket(
    frames: Sequence[tuple[str, Path]], detector: NetworkDetector, how: SearchSettings
) -> tuple[pa.Table, Spent]:
    """What Picket finds, and what it took once the network was ready."""
    detect_frames(frames[:1], detector, how)
    watch = Stopwatch()
    table = detect_frames(frames, detector, how).table
    return table, watch.spent()


def floor(frames: Sequence[tuple[str, Path]], detector: NetworkDetector, how: SearchSettings) -> tuple[int, Spent]:
    """How many windows the frames have, and what bare forward passes of the network on them take, on as many threads;
    the pictures lie ready."""
    inputs = []
    for _, path in frames:
        image = read_image(path)
        for window in windows_of(image.shape[1], image.shape[0], how, input_px=detector.input_px, fixed=detector.fixed):
            x1, y1, x2, y2 = window.xyxy
            fit = letterbox(x2 - x1, y2 - y1, window.input_px, detector.network.about.stride_px, detector.fixed)
            inputs.append(fit.fill([image[y1:y2, x1:x2]]))
    with ThreadPoolExecutor(worker_count()) as pool:
        list(pool.map(detector.network.forward, inputs[: 2 * worker_count()]))
        watch = Stopwatch()
        list(pool.map(detector.network.forward, inputs))
        return len(inputs), watch.spent()


def peer(name: str, python: Path, frames: Sequence[tuple[str, Path]], weights: Path) -> tuple[pa.Table, Spent] | str:
    """What the peer finds and what it took once its network was ready, or why it could not be asked."""
    asked = {
        "peer": name,
        "weights": str(weights.resolve()),
        "frames": [str(path) for _, path in frames],
        "warm_up": str(frames[0][1]),
        "tile": TILE_PX,
        "overlap": OVERLAP,
        "confidence": DEFAULT_CONFIDENCE,
    }
    script = Path(__file__).with_name("detect_speed_peer.py")
    with tempfile.TemporaryDirectory() as home:
        said = subprocess.run(
            [str(python), str(script)],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **QUIET, "YOLO_CONFIG_DIR": home},
        )
    if said.returncode:
        return (said.stderr.strip().splitlines() or ["failed"])[-1]
    told = json.loads(said.stdout.splitlines()[-1])
    rows = []
    for (frame_id, _), boxes in zip(frames, told["boxes"], strict=True):
        for k, (x1, y1, x2, y2, sure, label) in enumerate(boxes):
            corners = {"x1_px": x1, "y1_px": y1, "x2_px": x2, "y2_px": y2}
            known = {"detection_id": f"{frame_id}-{k}", "frame_id": frame_id, "class": class_of(label), "label": label}
            rows.append({**known, "confidence": sure, **corners, "model": name})
    return DETECTIONS.from_rows(rows), Spent(told["wall_s"], told["cores_s"])


def line(name: str, table: pa.Table, truths: Mapping[str, Truth], spent: Spent, than: Spent | None = None) -> str:
    """One row: F1 of all classes and of each, and what a frame took; `than` what ours took."""
    scores = evaluate(table, truths, CLASSES, confidence=DEFAULT_CONFIDENCE)
    found = " ".join(f"{f1([score]):7.3f}" for score in scores)
    times = f"{spent.wall_s / len(truths):8.2f} {spent.cores_s / len(truths):8.2f}"
    ratio = f"   {spent.wall_s / than.wall_s:5.1f} x {spent.cores_s / than.cores_s:5.1f} x" if than else ""
    return f"{name:28} {f1(scores):6.3f} {found} {times}{ratio}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 also where there are no data, which it says."""
    parser = argparse.ArgumentParser(description="Speed of searching large frames, beside SAHI and supervision.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with images/val and labels/val")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    parser.add_argument("--frames", type=int, default=4, help="how many large frames")
    parser.add_argument(
        "--peer-python", type=Path, default=os.environ.get("PICKET_PEER_PYTHON"), help="has sahi and supervision"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        frames, truths = compose(options.data, Path(folder), options.frames)
        if not frames:
            print(f"no thermal frames in {options.data / 'images' / 'val'}; give their folder with --data")
            return 0
        detector = load_detector(options.weights)
        print(f"{len(frames)} frames of {ACROSS * WIDTH_PX} x {DOWN * HEIGHT_PX} px, {worker_count()} cores")
        print(f"picket runs {detector.runs}: {detector.reason}")
        print(
            f"{'':28} {'F1':>6} {'person':>7} {'vehicle':>7} {'bicycle':>7} {'clock s':>8} {'cores s':>8}   than picket"
        )
        fitted, same = search_settings(), search_settings(tile_px=TILE_PX, overlap=OVERLAP)
        table, ours = picket(frames, detector, fitted)
        print(line("picket", table, truths, ours), flush=True)
        for name, how in (("its own tiles", fitted), (f"tiles of {TILE_PX} px", same)):
            if how is same:
                table, spent = picket(frames, detector, how)
                print(line(f"picket, {name}", table, truths, spent, ours), flush=True)
            else:
                spent = ours
            windows, bare = floor(frames, detector, how)
            print(
                f"{'  floor of ' + name:28} {windows / len(frames):.0f} windows a frame, bare forward passes "
                f"{bare.wall_s / len(frames):.2f} s by the clock, {bare.cores_s / len(frames):.2f} s of cores: picket "
                f"takes {spent.wall_s / bare.wall_s:.2f} x and {spent.cores_s / bare.cores_s:.2f} x",
                flush=True,
            )
        for name in PEERS:
            if options.peer_python is None:
                print(f"{name:28} left out: give an interpreter that has it with --peer-python")
                continue
            answer = peer(name, options.peer_python, frames, options.weights)
            print(
                f"{name:28} {answer}"
                if isinstance(answer, str)
                else line(f"{name}, {TILE_PX} px", *(answer[0], truths, answer[1]), ours),
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
