"""Random areas of every kind, planned and then measured without the planner's own proof: `python -m bench.plan_random
[--areas N]`. Prints what lies outside the fence, the least share imaged, and the time planning takes.

Measured from the plan's waypoints alone: each photo's place along its transect, a rectangle of the asked resolution
and, for the overlap, the rectangle of line spacing and trigger distance that a photo stands for; turns as the leg's end
widened by the drone's turn radius and overshoot.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import MultiPolygon

from bench.plan_areas import KINDS, area_of, random_patrol
from mapping.ground.camera import Camera, load_camera
from mapping.ground.frame import LocalFrame
from missions.areas.area import Area
from missions.drones import Drone, load_drone
from missions.errors import NotFlyableError
from missions.plan import Plan
from missions.planning.planner import make_plan

REACTION_S = 0.2


@dataclass(frozen=True)
class Measured:
    """Of one plan: legs that leave the fence (turn and overshoot counted), the share of the area inside at least one
    picture, and the share within half a line spacing and half a trigger distance of a photo."""

    outside: int
    imaged: float
    overlapped: float


def measure(plan: Plan, area: Area, drone: Drone) -> Measured:
    """Look at a plan as a stranger would."""
    frame = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    allowed = MultiPolygon([])
    for number, ring in enumerate(plan.fence.inclusion):
        polygon = frame.geometry_to_local(shapely.Polygon([(p.lon_deg, p.lat_deg) for p in ring]))
        allowed = polygon if number == 0 else allowed.intersection(polygon)
    for ring in plan.fence.exclusion:
        polygon = frame.geometry_to_local(shapely.Polygon([(p.lon_deg, p.lat_deg) for p in ring]))
        allowed = allowed.difference(polygon)
    shapely.prepare(allowed)
    patrol = frame.geometry_to_local(area.patrol)
    outside, pictures, cells = 0, [], []
    for sortie in plan.sorties:
        lat = [plan.home.lat_deg, *(w.lat_deg for w in sortie.waypoints)]
        lon = [plan.home.lon_deg, *(w.lon_deg for w in sortie.waypoints)]
        places = np.column_stack(frame.to_local(lat, lon))
        reach = drone.turn_radius_m + REACTION_S * max(sortie.speed_m_s, sortie.transit_speed_m_s or 0.0)
        legs = shapely.buffer(shapely.linestrings(np.stack([places[:-1], places[1:]], axis=1)), reach)
        outside += int((~shapely.covers(allowed, legs)).sum())
        shooting = False
        for k, waypoint in enumerate(sortie.waypoints, 1):
            if shooting:
                here, step = places[k - 1], places[k] - places[k - 1]
                length = float(np.hypot(*step))
                ahead = step / max(length, 1e-9)
                photos = 1 + math.floor(max(0.0, length - 1.0) / sortie.trigger_distance_m + 1e-9)
                for photo in range(photos):
                    centre = here + ahead * photo * sortie.trigger_distance_m
                    pictures.append(_rectangle(centre, ahead, plan.footprint_along_m, plan.footprint_across_m))
                    cells.append(_rectangle(centre, ahead, sortie.trigger_distance_m, plan.line_spacing_m))
            if waypoint.camera is not None:
                shooting = waypoint.camera == "on"
    imaged, overlapped = (shapely.union_all(shapely.polygons(np.array(shapes))) for shapes in (pictures, cells))
    return Measured(
        outside, patrol.intersection(imaged).area / patrol.area, patrol.intersection(overlapped).area / patrol.area
    )


def _rectangle(centre: np.ndarray, ahead: np.ndarray, along_m: float, across_m: float) -> np.ndarray:
    aside = np.array([ahead[1], -ahead[0]])
    a, b = ahead * along_m / 2.0, aside * across_m / 2.0
    return np.array([centre - a - b, centre + a - b, centre + a + b, centre - a + b])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a kind and the totals; 1 where something lies outside, is not imaged, or failed."""
    parser = argparse.ArgumentParser(description="Random areas, planned and measured.")
    parser.add_argument("--areas", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args(arguments)
    drone, cameras = load_drone("x500"), (load_camera("boson640-14"), load_camera("qx1-16"))
    results: dict[str, list[tuple[Measured, float]]] = {kind: [] for kind in KINDS}
    failed: list[str] = []
    for seed in range(options.first, options.first + options.areas):
        kind, patrol = random_patrol(seed)
        measured = _one(seed, kind, patrol, drone, cameras[seed // len(KINDS) % len(cameras)], failed)
        if measured is not None:
            results[kind].append(measured)
            if options.verbose:
                print(seed, kind, measured, flush=True)
    print(f"{'kind':8} {'areas':>5} {'legs outside':>12} {'least imaged':>12} {'least overlapped':>16} {'slowest':>9}")
    for kind, found in results.items():
        if found:
            print(
                f"{kind:8} {len(found):5} {sum(m.outside for m, _ in found):12} "
                f"{min(m.imaged for m, _ in found):12.2%} "
                f"{min(m.overlapped for m, _ in found):16.2%} {max(s for _, s in found):7.1f} s"
            )
    every = [one for found in results.values() for one in found]
    print(
        f"{len(every)} of {options.areas} planned; {sum(m.outside for m, _ in every)} legs outside the fence; least "
        f"imaged {min(m.imaged for m, _ in every):.2%}; at the asked overlap {min(m.overlapped for m, _ in every):.2%}"
    )
    for line in failed:
        print(line)
    return int(bool(failed) or any(m.outside or m.imaged < 0.995 for m, _ in every))


def _one(
    seed: int, kind: str, patrol: shapely.Geometry, drone: Drone, camera: Camera, failed: list[str]
) -> tuple[Measured, float] | None:
    area = area_of(f"{kind} {seed}", patrol)
    started = time.monotonic()
    try:
        plan = make_plan(area, drone, camera)
    except NotFlyableError as error:
        failed.append(f"{kind} {seed}: {error}")
        return None
    seconds = time.monotonic() - started
    return measure(plan, area, drone), seconds


if __name__ == "__main__":
    sys.exit(main())
