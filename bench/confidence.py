"""How often sightings of each confidence are right: `python -m bench.confidence [--first N] [--seeds N]`. Each run is
`picket demo --json` in a process of its own, its detections then located with nothing left out as too weak; the figures
of `mapping.ground.belief` were fitted on seeds 0 to 9. Beside it what taking the frames for independent would say.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.demo_seeds import run_demo
from mapping.ground.frame import LocalFrame
from mapping.ground.locate import locate_flights
from mapping.ground.placing import FlightData
from mapping.ground.scoring import MATCH_RADIUS_M
from mapping.tables import FRAMES
from picket.folder import Flight
from sim.world.scene import scene_from_geojson
from vision.record import read_record
from vision.table import DETECTIONS

EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.01)


def judged(flight: Flight) -> list[tuple[float, float, bool]]:
    """Of each possible object its confidence, what independent frames would say, and whether it is really there."""
    detections, record = DETECTIONS.read(flight.detections), read_record(flight.detections)
    data = FlightData(
        FRAMES.read(flight.frames), detections, flight.camera(), searched=record.searched if record else None
    )
    stated = dict(zip(*(detections[name].to_pylist() for name in ("detection_id", "confidence")), strict=True))
    known = scene_from_geojson(flight.truth).objects
    found = []
    for row in _rows(locate_flights([data], least_confidence={}).sightings):
        local = LocalFrame(row["lat_deg"], row["lon_deg"])
        right = any(
            one.object_class == row["class"] and np.hypot(*local.to_local(one.lat_deg, one.lon_deg)) < MATCH_RADIUS_M
            for one in known
        )
        independent = 1.0 - float(np.prod([1.0 - stated[name] for name in row["detection_ids"]]))
        found.append((row["confidence"], independent, right))
    return found


def _rows(sightings: pa.Table) -> list[dict[str, Any]]:
    return list(sightings.to_pylist())


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a reliability table."""
    parser = argparse.ArgumentParser(description="How often sightings of each confidence are right.")
    parser.add_argument("--first", type=int, default=10, help="the first seed")
    parser.add_argument("--seeds", type=int, default=4, help="how many")
    options = parser.parse_args(arguments)
    rows: list[tuple[float, float, bool]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for seed in range(options.first, options.first + options.seeds):
            summary, _ = run_demo(seed, Path(temporary))
            rows += judged(Flight(Path(summary["flight"])))
    right = np.array([row[2] for row in rows])
    print(f"{len(rows)} possible objects of {options.seeds} night scenes, {int(right.sum())} really there")
    for place, name in enumerate(("picket", "independent frames")):
        said = np.array([row[place] for row in rows])
        print(f"\n{name:20} {'said':>6} {'right':>6} {'of':>5}")
        for low, high in itertools.pairwise(EDGES):
            among = (said >= low) & (said < high)
            if among.any():
                share = f"{said[among].mean():6.2f} {right[among].mean():6.2f} {int(among.sum()):5}"
                print(f"{low:8.2f} to {min(high, 1.0):4.2f}     {share}")
        print(f"{'mean squared error':24} {np.mean((said - right) ** 2):9.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
