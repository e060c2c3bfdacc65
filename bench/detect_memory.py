"""Peak memory of searching 2,000 frames and of searching 200, each in a process of its own:
`python -m bench.detect_memory [--data DIR] [--counts FEW MANY] [--large]`. The frames are links to a few real ones
(noise of their shape where there are none), or with `--large` to some of 3840 x 2048 px put together from them.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from bench.detect_speed import compose
from bench.detect_thermal import DATA
from vision.batch import detect_frames
from vision.detector import load_detector
from vision.table import DETECTIONS

COUNTS = (200, 2000)
DIFFERENT = 20


def originals(data: Path, folder: Path, *, large: bool) -> list[Path]:
    """A few pictures to link to."""
    if large:
        return [path for _, path in compose(data, folder, DIFFERENT)[0]]
    found = sorted((data / "images" / "val").glob("*.jpg"))[:DIFFERENT]
    if not found:
        rng = np.random.default_rng(0)
        for k in range(DIFFERENT):
            found.append(folder / f"o{k}.png")
            cv2.imwrite(str(found[-1]), rng.integers(0, 255, (512, 640), dtype=np.uint8))
    return found


def search(folder: Path) -> None:
    """Search the frames in a folder as `picket detect` does, and print the peak of this process' memory in MB."""
    frames = [(path.stem, path) for path in sorted(folder.glob("f*"))]
    result = detect_frames(frames, load_detector(), journal=folder / "journal")
    DETECTIONS.write(result.table, folder / "table")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    print(f"{peak:.0f} {len(result.table)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both peaks and their ratio; 0 also where there are no frames to put large ones together from, which it
    says."""
    parser = argparse.ArgumentParser(description="Peak memory of searching few and many frames.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with images/val")
    parser.add_argument("--counts", type=int, nargs=2, default=COUNTS, metavar=("FEW", "MANY"))
    parser.add_argument("--large", action="store_true", help="large frames; mind the time they take")
    parser.add_argument("--search", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.search:
        search(options.search)
        return 0
    peaks = []
    for count in options.counts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pictures = originals(options.data, folder, large=options.large)
            if not pictures:
                print(f"no thermal frames in {options.data / 'images' / 'val'}; give their folder with --data")
                return 0
            for k in range(count):
                (folder / f"f{k:05d}{pictures[0].suffix}").symlink_to(pictures[k % len(pictures)].resolve())
            command = [sys.executable, "-m", "bench.detect_memory", "--search", name]
            said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            peaks.append(float(said.split()[0]))
            print(f"{count:5} frames: peak {peaks[-1]:.0f} MB, {said.split()[1]} detections", flush=True)
    print(f"ratio {peaks[1] / peaks[0]:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
