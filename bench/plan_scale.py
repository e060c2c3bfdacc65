"""How planning grows with the area: `python -m bench.plan_scale`. Squares at 5 cm/px for a long-ranged drone, up to
50 km2, each in a process of its own; processor seconds, so that a busy machine does not count."""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np
from shapely.geometry import box

from bench.plan_areas import area_of
from mapping.ground.camera import load_camera
from missions.drones import load_drone
from missions.planning.planner import make_plan

SIZES_KM2 = (3.0, 6.0, 12.0, 25.0, 50.0)


def _plan(size_km2: float) -> None:
    half = 500.0 * math.sqrt(size_km2)
    area = area_of("square", box(-half, -half, half, half))
    drone, camera = load_drone("hexsoon-td860"), load_camera("boson640-14")
    started = time.process_time()
    plan = make_plan(area, drone, camera, gsd_cm=5.0)
    seconds = time.process_time() - started
    photos = sum(sortie.photos for sortie in plan.sorties)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{photos} {len(plan.sorties)} {plan.coverage} {seconds} {peak_gb}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a size and how cost grows; 1 where 50 km2 takes more than 10 s or 1 GB."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given:
        _plan(float(given[0]))
        return 0
    print(f"{'km2':>5} {'photos':>7} {'sorties':>7} {'imaged':>8} {'seconds':>7} {'GB':>5} {'us per photo x log':>18}")
    rows = []
    for size in SIZES_KM2:
        run = subprocess.run(
            [sys.executable, "-m", "bench.plan_scale", str(size)], stdout=subprocess.PIPE, text=True, check=True
        )
        photos, sorties, imaged, seconds, peak_gb = (float(value) for value in run.stdout.split())
        rows.append((photos, seconds, peak_gb))
        per = 1e6 * seconds / (photos * math.log(photos))
        print(
            f"{size:5.0f} {photos:7.0f} {sorties:7.0f} {imaged:8.2%} {seconds:7.2f} {peak_gb:5.2f} {per:18.2f}",
            flush=True,
        )
    counts, times, _ = (np.array(column) for column in zip(*rows, strict=True))
    growth = np.polyfit(np.log(counts * np.log(counts)), np.log(times), 1)[0]
    print(f"seconds grow with (photos x log photos) to the power {growth:.2f}")
    return int(rows[-1][1] > 10.0 or rows[-1][2] > 1.0)


if __name__ == "__main__":
    sys.exit(main())
