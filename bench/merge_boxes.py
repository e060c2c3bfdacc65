"""A million boxes of a thousand frames made one per object, beside torchvision's suppression by classes (which knows no
tiles: it cannot tell half a lorry from a lorry): `python -m bench.merge_boxes`."""

from __future__ import annotations

import sys
import time

import numpy as np

from vision.merge import merge
from vision.offline import import_ultralytics

FRAMES, BOXES = 1000, 1000


def scattered(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Boxes of one frame of 4000 x 3000 px as tiles leave them: each object found about three times."""
    rng = np.random.default_rng(seed)
    middle = np.repeat(rng.uniform((0, 0), (4000, 3000), (BOXES // 3 + 1, 2)), 3, axis=0)[:BOXES]
    size = np.repeat(rng.uniform(8, 80, (BOXES // 3 + 1, 2)), 3, axis=0)[:BOXES]
    corner = middle + rng.normal(0, 1.5, (BOXES, 2)) - size / 2
    boxes = np.concatenate([corner, corner + size], axis=1)
    return boxes, rng.uniform(0.1, 1, BOXES), np.arange(BOXES) // 3 % 3, rng.integers(0, 40, BOXES)


def main() -> int:
    """Print seconds and ratio."""
    import_ultralytics()
    import torch
    import torchvision

    torch.set_num_threads(1)
    frames = [scattered(seed) for seed in range(FRAMES)]
    started = time.process_time()
    kept = sum(len(merge(boxes, scores, classes, window=window)) for boxes, scores, classes, window in frames)
    ours = time.process_time() - started
    as_tensors = [tuple(map(torch.from_numpy, frame)) for frame in frames]
    started = time.process_time()
    theirs_kept = sum(
        len(torchvision.ops.batched_nms(boxes, scores, classes, 0.5)) for boxes, scores, classes, _ in as_tensors
    )
    theirs = time.process_time() - started
    print(f"{FRAMES * BOXES:,} boxes on {FRAMES:,} frames, one core")
    print(f"picket       {ours:6.1f} s, {kept:,} kept")
    print(f"torchvision  {theirs:6.1f} s, {theirs_kept:,} kept (one core, in C++; ratio {ours / theirs:.1f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
