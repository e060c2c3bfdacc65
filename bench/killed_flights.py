"""What is left of a flight whose program is killed at a random moment: fifty flights in the simulator, each ended with
SIGKILL, each folder then opened as any other. `python -m bench.killed_flights [--kills N] [--seed N]`; the figure is
the time between the kill and the last message kept.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mapping.tables import TRACK
from missions.flying.dronekit_compat import mavutil
from picket.folder import Flight, open_flight
from tests.drawing import drawn, home, polygon
from vision.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
SPEEDUP = 20.0
LONGEST_S = 12.0
START_S = 90.0
AREA = drawn(
    polygon("patrol", [(88.895, 23.035), (88.897, 23.035), (88.897, 23.037), (88.895, 23.037)]), home(88.8955, 23.0352)
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where a folder could not be read."""
    parser = argparse.ArgumentParser(description="Flights killed at random moments.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    chance = random.Random(options.seed)
    missing_s: list[float] = []
    unreadable: list[str] = []
    stages = {"before the first position": 0, "on the ground": 0, "in flight": 0}
    with tempfile.TemporaryDirectory() as scratch:
        area, mission = Path(scratch) / "area.geojson", Path(scratch) / "mission"
        area.write_text(json.dumps(AREA))
        subprocess.run([sys.executable, "-m", "picket", "plan", str(area), "-o", str(mission)], cwd=ROOT, check=True)
        for number in range(options.kills):
            flight, killed_s = kill_one(mission, chance.uniform(0.0, LONGEST_S))
            try:
                last_s, stage = read(flight)
            except (InputError, ValueError, OSError) as error:
                unreadable.append(f"{flight.root.name}: {error}")
                continue
            stages[stage] += 1
            missing_s.append(killed_s - last_s)
            print(f"{number + 1}: {stage}, {killed_s - last_s:.2f} s", file=sys.stderr, flush=True)
    print(f"{options.kills} flights killed: {len(missing_s)} folders read, {len(unreadable)} not")
    print("; ".join(f"{count} {stage}" for stage, count in stages.items()))
    if missing_s:
        missing_s.sort()
        middle, worst = missing_s[len(missing_s) // 2], missing_s[-1]
        print(f"between the kill and the last message kept: median {middle:.2f} s, worst {worst:.2f} s")
    for line in unreadable:
        print(line)
    return int(bool(unreadable))


def kill_one(mission: Path, after_s: float) -> tuple[Flight, float]:
    """Fly, and kill so many seconds after the record began. The flight, and when that was (UTC seconds)."""
    before = set((mission / "flights").glob("*"))
    process = subprocess.Popen(
        [sys.executable, "-m", "picket", "fly", str(mission), "--sim", "--speedup", str(SPEEDUP)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline_s = time.monotonic() + START_S
        while not (new := [path for path in set((mission / "flights").glob("*")) - before if begun(path)]):
            if time.monotonic() > deadline_s or process.poll() is not None:
                raise RuntimeError("the flight did not begin")
            time.sleep(0.02)
        time.sleep(after_s)
    finally:
        killed_s = time.time()
        process.kill()
        process.wait()
    return Flight(new[0]), killed_s


def begun(flight: Path) -> bool:
    """Whether something was heard."""
    telemetry = flight / "telemetry.tlog"
    return telemetry.is_file() and telemetry.stat().st_size > 0


def read(flight: Flight) -> tuple[float, str]:
    """Open a flight as every command does; when the last message in it was received, and how far it was.

    Raises InputError, ValueError or OSError where something in it cannot be read."""
    facts = flight.facts()
    events = [json.loads(line) for line in (flight.root / "events.jsonl").read_text().splitlines()]
    log = mavutil.mavlogfile(str(flight.telemetry))
    last_s, positions = 0.0, 0
    while (message := log.recv_msg()) is not None:
        if message.get_type() != "BAD_DATA":
            last_s = float(message._timestamp)
            positions += message.get_type() == "GLOBAL_POSITION_INT" and message.lat != 0
    log.close()
    if facts.get("ended") == "landed":
        raise ValueError("had ended before it was killed")
    if not positions:
        return last_s, "before the first position"
    open_flight(flight.root)
    if TRACK.read(flight.track).num_rows == 0:
        raise ValueError("its track is empty")
    return last_s, "in flight" if any(event["event"] == "armed" for event in events) else "on the ground"


if __name__ == "__main__":
    sys.exit(main())
