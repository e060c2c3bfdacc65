"""Flight time over twelve real-shaped areas beside two other planners: `python -m bench.plan_peers --areas FOLDER
--peer-python PYTHON`.

The others: QGroundControl's survey (parallel lines over the bounding box, the farthest intersections of each with the
outline joined; SurveyComplexItem.cc), at its default of north and with 10 m of turnaround, and at the best of all
whole angles without turnaround; and `drone-flightplan` from PyPI, asked in an environment of its own, made where there
is none yet (or by the interpreter named by --peer-python). All three get the same footprint,
overlaps, speeds, home and battery, and the same kinematic model; the others' lines are cut into sorties by the same
best cutting and may fly straight over anything. A planner that images less than 99.5 % flies its lines closer until it
does.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box, mapping

from bench.peers import environment
from bench.plan_areas import area_of, real_shapes
from mapping.ground.camera import load_camera
from missions.areas.area import Area
from missions.areas.read import read_area
from missions.drones import load_drone
from missions.planning.imaging import Imaging, plan_imaging
from missions.planning.local import to_local
from missions.planning.planner import make_plan
from missions.planning.routing import Router
from missions.planning.sorties import Planner
from missions.planning.survey import Transect

ENOUGH = 0.995
PEER_PACKAGES = (
    "drone-flightplan==1.0.0",
    "geojson==3.3.0",
    "shapely==2.2.0",
    "numpy==2.4.6",
    "pyproj==3.7.2",
    "certifi==2026.10.18",
)
TURNAROUND_M = 10.0
Lines = list[Transect]


def qgroundcontrol(region: Polygon, angle_deg: float, spacing_m: float, turnaround_m: float) -> Lines:
    """QGroundControl's transects, flown to and fro."""
    turned = affinity.rotate(region, angle_deg, origin=(0.0, 0.0))
    west, south, east, north = turned.bounds
    middle, half = (west + east) / 2.0, (max(east - west, north - south) + 2_000.0) / 2.0
    xs = np.arange(middle - half, middle + half, spacing_m)
    lines: list[tuple[float, float, float]] = []
    for x in xs[(xs >= west) & (xs <= east)]:
        crossing = turned.boundary.intersection(LineString([(x, south - 1.0), (x, north + 1.0)]))
        if not crossing.is_empty and crossing.bounds[3] > crossing.bounds[1]:
            lines.append((float(x), crossing.bounds[1] - turnaround_m, crossing.bounds[3] + turnaround_m))
    if len(lines) < 2:
        x = (west + east) / 2.0
        crossing = turned.boundary.intersection(LineString([(x, south - 1.0), (x, north + 1.0)]))
        lines = [(x, crossing.bounds[1] - turnaround_m, crossing.bounds[3] + turnaround_m)]
    angle = math.radians(angle_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    flown = []
    for number, (x, low, high) in enumerate(lines):
        ends = [(x * cos + y * sin, -x * sin + y * cos) for y in ((low, high) if number % 2 == 0 else (high, low))]
        flown.append(Transect(ends[0], ends[1]))
    return flown


def imaged_share(region: Polygon | MultiPolygon, lines: Lines, imaging: Imaging) -> float:
    """The share of the region in at least one picture, photos taken all along the lines."""
    strips = []
    for line in lines:
        start, end = np.array(line.start), np.array(line.end)
        ahead = (end - start) / max(line.length_m, 1e-9)
        aside = np.array([ahead[1], -ahead[0]]) * imaging.across_m / 2.0
        reach = ahead * imaging.along_m / 2.0
        strips.append([start - reach + aside, end + reach + aside, end + reach - aside, start - reach - aside])
    return float(region.intersection(shapely.union_all(shapely.polygons(np.array(strips)))).area / region.area)


class Peer:
    """What the other planners are measured with: our own kinematics and battery, and nothing in the way."""

    def __init__(self, region: Polygon, imaging: Imaging) -> None:
        self.region, self.imaging = region, imaging
        west, south, east, north = region.union(Point(0, 0)).bounds
        free = box(west - 5_000, south - 5_000, east + 5_000, north + 5_000)
        self.planner = Planner(load_drone("x500"), imaging, Router(free), (0.0, 0.0))

    def time_s(self, lines: Lines) -> float:
        """All sorties' time, from whichever end of the lines it is less."""
        tours = (lines, [line.turned() for line in reversed(lines)])
        drafts = [self.planner.sorties(self.planner.tour(tour)) for tour in tours]
        return min(sum(self.planner.cost(draft).time_s for draft in made) for made in drafts)

    def enough(self, lines_at: Callable[[float], Lines]) -> tuple[Lines, float]:
        """The lines at the widest spacing, from the asked one down, that images enough; and what it images."""
        for narrowing in (1.0, 0.97, 0.94, 0.9, 0.85, 0.8):
            lines = lines_at(float(narrowing) * self.imaging.line_spacing_m)
            share = imaged_share(self.region, lines, self.imaging)
            if share >= ENOUGH:
                break
        return lines, share


def flightplan_rows(python: Path, region: Polygon, imaging: Imaging, spacing_m: float) -> Lines:
    """`drone-flightplan`'s rows over a region."""
    task = [{"polygon": mapping(region), "forward_m": imaging.trigger_distance_m, "side_m": spacing_m}]
    script = Path(__file__).with_name("plan_flightplan_peer.py")
    run = subprocess.run(
        [str(python), str(script)], input=json.dumps(task), capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise RuntimeError(f"drone-flightplan failed: {run.stderr[-300:]}")
    return [Transect(tuple(a), tuple(b)) for a, b in json.loads(run.stdout)[0]]


def areas(folder: Path | None) -> dict[str, Area]:
    """The twelve areas: ten by shape, two from files where there is a folder with them."""
    found = {name: area_of(name, shape) for name, shape in real_shapes().items()}
    for name in ("benapole", "freetown"):
        if folder is not None and (folder / f"{name}.geojson").is_file():
            read = read_area(folder / f"{name}.geojson")
            # The others know neither border nor zones: they are left out for all.
            found[name] = Area(name, read.patrol, home=read.home)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print minutes of flight for each area and planner, and the savings over all."""
    parser = argparse.ArgumentParser(description="Flight time beside other planners.")
    parser.add_argument("--areas", type=Path, default=Path(__file__).resolve().parents[2] / "shared/data/areas")
    parser.add_argument("--peer-python", type=Path, help="has drone-flightplan; an environment is made where not given")
    options = parser.parse_args(arguments)
    flightplan = options.peer_python or environment("flightplan", PEER_PACKAGES)
    if isinstance(flightplan, str):
        print(f"drone-flightplan is left out: {flightplan}")
    drone, camera = load_drone("x500"), load_camera("boson640-14")
    imaging = plan_imaging(drone, camera)
    names = ("Picket", "QGC north", "QGC best", "flightplan")
    totals = dict.fromkeys(names, 0.0)
    savings: dict[str, list[float]] = {name: [] for name in names[1:]}
    print(
        f"{'minutes in the air':24}"
        + "".join(f"{name:>12}" for name in names)
        + f"{'imaged: Picket':>16} {'others':>20}"
    )
    for name, area in areas(options.areas).items():
        plan = make_plan(area, drone, camera)
        home = plan.home
        region = max(to_local(area.patrol, home).geoms, key=lambda part: part.area)
        peer = Peer(region, imaging)
        north, north_share = peer.enough(partial(qgroundcontrol, region, 0.0, turnaround_m=TURNAROUND_M))
        times = {"Picket": sum(sortie.flight_time_s for sortie in plan.sorties), "QGC north": peer.time_s(north)}
        length = min(
            range(0, 180, 3), key=lambda a: _rough_s(qgroundcontrol(region, a, imaging.line_spacing_m, 0.0), imaging)
        )
        near = [
            peer.enough(partial(qgroundcontrol, region, angle_deg, turnaround_m=0.0))
            for angle_deg in (length - 1, length, length + 1)
        ]
        best, best_share = min(near, key=lambda found: peer.time_s(found[0]))
        times["QGC best"] = peer.time_s(best)
        shares = [north_share, best_share]
        if isinstance(flightplan, Path):
            rows, share = peer.enough(partial(flightplan_rows, flightplan, region, imaging))
            times["flightplan"] = peer.time_s(rows)
            shares.append(share)
        for key, time_s in times.items():
            totals[key] += time_s
            if key != "Picket":
                savings[key].append(1.0 - times["Picket"] / time_s)
        row = "".join(f"{times.get(key, math.nan) / 60:12.1f}" for key in names)
        print(f"{name:24}{row}{plan.coverage:16.2%} " + " ".join(f"{share:6.1%}" for share in shares), flush=True)
    print(f"{'together':24}" + "".join(f"{totals[key] / 60:12.1f}" for key in names))
    for key in names[1:]:
        if savings[key]:
            print(
                f"Picket takes {1.0 - totals['Picket'] / totals[key]:.1%} less than {key} altogether, "
                f"{np.mean(savings[key]):.1%} on the average area, {min(savings[key]):.1%} at least"
            )
    return 0


def _rough_s(lines: Lines, imaging: Imaging) -> float:
    return sum(line.length_m for line in lines) / imaging.speed_m_s + 9.0 * len(lines)


if __name__ == "__main__":
    sys.exit(main())
