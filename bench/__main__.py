"""`make bench`: runs every claim's script and writes what they print to `bench/RESULTS.md`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from vision.files import write_whole

HERE = Path(__file__).resolve().parent
CLAIMS = {
    "detect_thermal": "The detector on real thermal frames it was not trained on",
    "demo_seeds": "The demo at several seeds: what was there, what was found, how far off",
    "plan_random": "Random areas of every kind: legs outside the fence, the share imaged",
    "plan_peers": "Flight time over twelve real-shaped areas, beside QGroundControl's survey and drone-flightplan",
    "plan_scale": "How planning grows with the area, up to 50 km2 at 5 cm/px",
    "sim_speed": "The practice vehicle at full speed, beside a real ArduPilot SITL",
    "sitl_parity": "Our simulator against a real ArduPilot SITL: five missions on both",
    "merge_boxes": "A million boxes made one per object",
    "link_keeps_up": "Vehicle and ground side on one core at twenty times real time: what was lost",
    "killed_flights": "Flights killed at fifty random moments: what is left of their records",
    "locate_speed": "Pixels to places on one core, beside a plain loop over rays",
    "fusion": "One sighting per object: surveys with missed and false detections, walkers and drivers; and the speed",
    "confidence": "How often sightings of each confidence are right",
    "locate_honesty": "Whether 95 % ellipses hold the truth in 95 % of cases, by simulation",
    "recorded_flight": "A real flight, without calibration and with: marked barrels against their surveyed places",
}


def main() -> int:
    """Run all claims one after the other; returns 1 where one of them failed."""
    parts = [
        "# Measured",
        f"{datetime.now(UTC):%Y-%m-%d}, Picket {version('picket')}, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}. Written by `make bench`; on a shared machine: read ratios, not times.",
    ]
    failed = False
    for name, title in CLAIMS.items():
        print(f"== {title}", file=sys.stderr, flush=True)
        run = subprocess.run(
            [sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=False
        )
        print(run.stdout, flush=True)
        failed |= run.returncode != 0
        said = run.stdout.rstrip() or "(not measured: see what it said)"
        parts.append(f"## {title}\n\n`python -m bench.{name}`\n\n```\n{said}\n```")
    write_whole(HERE / "RESULTS.md", "\n\n".join(parts) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
