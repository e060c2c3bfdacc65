"""Whether the ground side keeps up with a fast vehicle on one core: a flight at speedup 20 with vehicle and ground side
on the same core, and what was lost of the messages and the photos. `python -m bench.link_keeps_up [--sitl BINARY]` (or
the environment's PICKET_SITL; without it our own simulator flies).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from mapping.ground.camera import load_camera
from mapping.ground.telemetry import read_tlog
from missions.areas.read import read_area
from missions.drones import load_drone
from missions.flying.flight import fly
from missions.flying.recorder import Recorder
from missions.planning.planner import make_plan
from picket.simulator import Practice, practice_vehicle
from tests.drawing import drawn, home, polygon

CAMERA, DRONE = "boson640-14", "x500"
SPEEDUP = 20.0
AREA = drawn(
    polygon("patrol", [(88.895, 23.035), (88.898, 23.035), (88.898, 23.0375), (88.895, 23.0375)]), home(88.895, 23.035)
)
"""Three hundred metres by two hundred and eighty, home in a corner."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 where a photo was lost."""
    parser = argparse.ArgumentParser(description="A fast vehicle and the ground side on one core.")
    parser.add_argument("--sitl", type=Path, default=os.environ.get("PICKET_SITL") or None)
    options = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    drone = load_drone(DRONE)
    with tempfile.TemporaryDirectory() as scratch:
        area = Path(scratch) / "area.geojson"
        area.write_text(json.dumps(AREA))
        plan = make_plan(read_area(area), drone, load_camera(CAMERA), height_m=60.0)
        folder = Path(scratch) / "flight"
        practice = Practice(plan.home, 10.0, SPEEDUP, drone.endurance_s, sitl=options.sitl)
        threads_before = set(threading.enumerate())
        with practice_vehicle(practice) as url, Recorder(folder, load_camera(CAMERA), {}) as recorder:
            wall_s, cpu_s = time.monotonic(), time.process_time()
            outcome = fly(
                plan, 1, url, recorder, confirm=lambda checks: True, progress=lambda status: None, lost_after_s=60.0
            )
            wall_s, cpu_s = time.monotonic() - wall_s, time.process_time() - cpu_s
        link = json.loads((folder / "flight.json").read_text())["link"]
        kept = {trigger.img_idx for trigger in read_tlog(folder / "telemetry.tlog").triggers()}
    lost_photos = max(kept, default=0) - len(kept)
    print(f"{'SITL' if options.sitl else 'our simulator'} at speedup {SPEEDUP:.0f}, one core for both: {outcome.ended}")
    print(
        f"{outcome.duration_s:.0f} s of flight in {wall_s:.0f} s, the ground side took {cpu_s / wall_s:.0%} of the core"
    )
    print(f"messages heard {link['received']}, lost {link['lost']}, damaged {link['damaged']}, late {link['late']}")
    print(f"photos taken {max(kept, default=0)}, heard of {outcome.photos_taken}, in the record {len(kept)}")
    left = {thread.name for thread in set(threading.enumerate()) - threads_before}
    print(f"threads left: {', '.join(sorted(left)) or 'none'}")
    return int(bool(lost_photos) or outcome.photos_taken != len(kept) or outcome.ended != "landed")


if __name__ == "__main__":
    sys.exit(main())
