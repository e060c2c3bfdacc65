"""One network tried on sample pictures in a process of its own: how much processor time a picture takes and which
boxes come out. A process of its own, because some machines announce instructions that they do not have: OpenVINO dies
of them, and takes its process along. `python -m vision.networks.trial` reads a request from stdin and
answers on stdout; `choosing` asks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vision.decoding import decode
from vision.letterbox import letterbox
from vision.networks import Network

SAMPLE = Path(__file__).parent / "sample.jpg"
"""Four frames of HIT-UAV's training split (Suo et al., CC BY 4.0), two by two, 640 x 512 px each."""

_ROUNDS = 3
_LEAST_CONFIDENCE = 0.05
_INPUT_PX = 640
_TIMEOUT_S = 300.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Trial:
    """How a network did: `cpu_ms` for each picture, and its boxes in each, rows as `vision.decoding.decode` has
    them."""

    cpu_ms: float
    boxes: tuple[np.ndarray, ...]


def sample_pictures() -> list[np.ndarray]:
    """The pictures every network is tried on, uint8 (512, 640) grey."""
    mosaic = np.asarray(cv2.imread(str(SAMPLE), cv2.IMREAD_GRAYSCALE))
    return [mosaic[y : y + 512, x : x + 640] for y in (0, 512) for x in (0, 640)]


def run(network: Network, pictures: Sequence[np.ndarray]) -> Trial:
    """Try a network here: the least processor time of a few rounds, for the machine may have other work."""
    about = network.about
    wanted = range(len(about.names))
    boxes, spent = [], []
    inputs = []
    for picture in pictures:
        fit = letterbox(picture.shape[1], picture.shape[0], _INPUT_PX, about.stride_px, about.fixed)
        inputs.append(fit.fill([picture]))
        boxes.append(decode(network.forward(inputs[-1])[0], _LEAST_CONFIDENCE, wanted))
    for _ in range(_ROUNDS):
        started = time.process_time()
        for pixels in inputs:
            network.forward(pixels)
        spent.append((time.process_time() - started) / len(inputs) * 1e3)
    return Trial(cpu_ms=min(spent), boxes=tuple(boxes))


def run_apart(path: Path, backend: str, isa: str | None) -> Trial | str:
    """Try the network at `path` in a process of its own: how it did, or in a few words why it cannot be used."""
    request = json.dumps({"path": str(path.resolve()), "backend": backend, "isa": isa})
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "vision.networks.trial"],
            input=request,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            cwd=_ROOT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"could not be tried ({type(error).__name__})"
    if answer.returncode < 0:
        return f"was ended by signal {-answer.returncode} (instructions this machine does not have?)"
    if answer.returncode:
        return (answer.stderr.strip().splitlines() or ["failed"])[-1][:200]
    told = json.loads(answer.stdout.splitlines()[-1])
    return Trial(told["cpu_ms"], tuple(np.array(rows, np.float32).reshape(-1, 6) for rows in told["boxes"]))


def main() -> int:
    """Answer the request on stdin."""
    request = json.loads(sys.stdin.read())
    network: Network
    if request["backend"] == "torch":
        from vision.networks.with_torch import load_torch

        network = load_torch(Path(request["path"]))
    else:
        from vision.networks.with_openvino import load_openvino

        network = load_openvino(Path(request["path"]), isa=request["isa"])
    found = run(network, sample_pictures())
    print(json.dumps({"cpu_ms": found.cpu_ms, "boxes": [rows.tolist() for rows in found.boxes]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
