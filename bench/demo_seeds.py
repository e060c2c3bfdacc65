"""What the demo finds at several seeds, how far off, how long each stage takes, and how much memory it needs:
`python -m bench.demo_seeds [--seeds N]`. Each run is `picket demo --json` in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

CLASSES = ("person", "vehicle")
POLL_S = 0.5


def run_demo(seed: int, folder: Path) -> tuple[dict[str, Any], float]:
    """The JSON summary of one demo, and the greatest memory (PSS) of all its processes together, in bytes. Raises
    RuntimeError where the demo fails."""
    command = [sys.executable, "-m", "picket", "demo", "--json", "--seed", str(seed), "-o", str(folder / f"{seed}")]
    with (folder / f"{seed}.log").open("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        peak_bytes = 0.0
        while process.poll() is None:
            peak_bytes = max(peak_bytes, _memory_bytes(process.pid))
            time.sleep(POLL_S)
        printed, _ = process.communicate()
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"seed {seed}: the demo failed: {log.read()[-500:]}")
    return json.loads(printed), peak_bytes


def _memory_bytes(pid: int) -> float:
    total = 0.0
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line a seed and the totals."""
    parser = argparse.ArgumentParser(description="The demo at several seeds.")
    parser.add_argument("--seeds", type=int, default=6, help="how many, from 0 on")
    options = parser.parse_args(arguments)
    print(
        f"{'seed':>5} {'class':8} {'there':>5} {'found':>5} {'recall':>6} {'precision':>9}   "
        f"{'median':>6} {'p90':>5} m {'seconds':>7} {'GB':>5}"
    )
    truth, found, wrong = (dict.fromkeys(CLASSES, 0) for _ in range(3))
    medians, seconds = [], []
    with tempfile.TemporaryDirectory() as temporary:
        for seed in range(options.seeds):
            summary, peak_bytes = run_demo(seed, Path(temporary))
            error, spent = summary["position_error_m"], sum(summary["seconds"].values())
            medians.append(error["median"])
            seconds.append(spent)
            for name in CLASSES:
                truth[name] += summary["truth"][name]
                found[name] += summary["found"][name]
                wrong[name] += summary["false"].get(name, 0)
                print(
                    f"{seed:5} {name:8} {summary['truth'][name]:5} {summary['found'][name]:5} "
                    f"{summary['recall'][name]:6.2f} {summary['precision'][name]:9.2f}   "
                    f"{error['median']:6.2f} {error['p90']:5.2f}   {spent:7.0f} {peak_bytes / 1e9:5.2f}",
                    flush=True,
                )
    print()
    for name in CLASSES:
        print(f"{name}: {found[name]} of {truth[name]} found, {wrong[name]} false")
    print(
        f"median error {np.median(medians):.2f} m (worst seed {max(medians):.2f} m), {np.median(seconds):.0f} s a run"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
