"""`make bench`: runs every claim's script and writes what they print to `bench/RESULTS.md`; `python -m bench NAME...`
runs those claims only and leaves the other sections as they are."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path

from vision.files import write_whole

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"
CLAIMS = {
    "detect_thermal": "The detector on real thermal frames it was not trained on",
    "detect_speed": "Large frames searched, beside SAHI, supervision's slicer and the floor",
    "detect_memory": "Peak memory of searching 200 and 2,000 frames",
    "demo_seeds": "The demo at several seeds: what was there, what was found, how far off",
    "plan_random": "Random areas of every kind: legs outside the fence, the share imaged",
    "plan_peers": "Flight time over twelve real-shaped areas, beside QGroundControl's survey and drone-flightplan",
    "plan_scale": "How planning grows with the area, up to 50 km2 at 5 cm/px",
    "web_preview": "How soon the plan page's preview answers while somebody drags",
    "sim_speed": "The practice vehicle at full speed, beside a real ArduPilot SITL",
    "sitl_parity": "Our simulator against a real ArduPilot SITL: five missions on both",
    "merge_boxes": "A million boxes made one per object",
    "link_keeps_up": "Vehicle and ground side on one core at twenty times real time: what was lost",
    "killed_flights": "Flights killed at fifty random moments: what is left of their records",
    "report_size": "How large reports are and how soon they can be used, beside plain folium maps",
    "web_load": "Twenty watching a flight and four judging at once; the server killed meanwhile: what was lost",
    "locate_speed": "Pixels to places on one core, beside a plain loop over rays",
    "fusion": "One sighting per object: surveys with missed and false detections, walkers and drivers; and the speed",
    "confidence": "How often sightings of each confidence are right",
    "locate_honesty": "Whether 95 % ellipses hold the truth in 95 % of cases, by simulation",
    "recorded_flight": "A real flight, without calibration and with: marked barrels against their surveyed places",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the claims named (all where none is) one after the other and put what they said in the place of their
    sections; the others keep theirs. Returns 1 where one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure claims, write bench/RESULTS.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"claims to measure, of {', '.join(CLAIMS)}")
    names = parser.parse_args(arguments).names
    unknown = [name for name in names if name not in CLAIMS]
    if unknown:
        parser.error(f"no claim {unknown[0]}; there are {', '.join(CLAIMS)}")
    failed = False
    for name in names or CLAIMS:
        print(f"== {CLAIMS[name]}", file=sys.stderr, flush=True)
        run = subprocess.run(
            [sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=False
        )
        print(run.stdout, flush=True)
        failed |= run.returncode != 0
        said = run.stdout.rstrip() or "(not measured: see what it said)"
        keep(RESULTS, name, f"Measured {datetime.now(UTC):%Y-%m-%d}.\n\n```\n{said}\n```")
    return int(failed)


def keep(results: Path, name: str, said: str) -> None:
    """Put what claim `name` said into its section of the file, sections in the order of `CLAIMS`. Read and written
    anew for each claim, so that two runs for different claims do not undo one another's."""
    sections = {**_sections(results), name: said}
    head = (
        f"# Measured\n\nPicket {version('picket')}, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}. Written by `make bench`; on a shared machine: read ratios, not times."
    )
    parts = [
        f"## {title}\n\n`python -m bench.{claim}`\n\n{sections[claim]}"
        for claim, title in CLAIMS.items()
        if claim in sections
    ]
    write_whole(results, "\n\n".join([head, *parts]) + "\n")


def _sections(results: Path) -> dict[str, str]:
    """What stands in the file now, by claim; claims that are no longer made are left out."""
    text = results.read_text(encoding="utf-8") if results.exists() else ""
    found = {}
    heads = list(re.finditer(r"^## [^\n]*\n\n`python -m bench\.(\w+)`\n\n", text, flags=re.MULTILINE))
    for head, following in zip_longest(heads, heads[1:]):
        if head[1] in CLAIMS:
            found[head[1]] = text[head.end() : following.start() if following else len(text)].rstrip()
    return found


if __name__ == "__main__":
    sys.exit(main())
