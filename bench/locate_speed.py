"""How many pixels a second get their place and its covariance on one core: several frames, a distorting lens, level
ground, hills and mountains; beside it a plain loop over rays that does the same sums one ray at a time, without errors.
`python -m bench.locate_speed [--count N]`. Times are of the processor (all
its threads together), not of the clock on the wall.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import fsolve

from bench.locate_honesty import LAT, LOCAL, LON, SIGMAS, fractal, written
from mapping.ground.camera import Camera, load_camera
from mapping.ground.elevation import ElevationModel
from mapping.ground.georeference import camera_axes, camera_origins, locate_pixels
from mapping.ground.pose import Poses
from mapping.ground.terrain import FlatGround, Terrain, read_terrain

FRAMES, ABOVE_M, FEW = 200, 80.0, 300
LENS = (-0.12, 0.05, 0.001, -0.0005, 0.0)
CELL_M = 20.0


def flight(rng: np.random.Generator, pitch_deg: float, terrain: Terrain) -> tuple[Poses, tuple[float, float] | None]:
    """Frames 80 m over the ground within a kilometre, looking everywhere."""
    lat, lon = LOCAL.to_geodetic(*rng.uniform(-500.0, 500.0, (2, FRAMES)))
    above, home = np.full(FRAMES, ABOVE_M), None
    if isinstance(terrain, ElevationModel):
        home = (LAT, LON)
        above = above + terrain.height_amsl_m(lat, lon) - float(terrain.height_amsl_m(LAT, LON))
    return Poses.from_columns(
        FRAMES,
        time_s=np.arange(FRAMES),
        lat_deg=lat,
        lon_deg=lon,
        alt_home_m=above,
        yaw_deg=rng.uniform(0.0, 360.0, FRAMES),
        pitch_deg=pitch_deg + rng.normal(0.0, 3.0, FRAMES),
        roll_deg=rng.normal(0.0, 3.0, FRAMES),
        **SIGMAS,
    ), home


def one_by_one(
    pixels: np.ndarray,
    frame: np.ndarray,
    poses: Poses,
    camera: Camera,
    terrain: Terrain,
    home: tuple[float, float] | None,
) -> list[tuple[float, float]]:
    """The plain way: per ray a solver for the distortion, then steps of half a cell and bisection; no errors."""
    origins, axes = camera_origins(poses, terrain, LOCAL, home), camera_axes(poses, LOCAL)
    k1, k2, p1, p2, k3 = camera.distortion

    def bent(at: np.ndarray) -> np.ndarray:
        x, y = at
        r2 = x * x + y * y
        radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        return np.array(
            [
                x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
                y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
            ]
        )

    def ground(at: np.ndarray) -> float:
        return float(terrain.own_height_m(*LOCAL.to_geodetic(at[0], at[1])))

    found = []
    for (u, v), number in zip(pixels, frame, strict=True):
        seen = np.array([(u - camera.cx_px) / camera.fx_px, (v - camera.cy_px) / camera.fy_px])
        x, y = fsolve(lambda at, seen=seen: bent(at) - seen, seen)
        ray = axes[number] @ np.array([x, y, 1.0])
        ray /= np.linalg.norm(ray)
        origin = origins[number]
        if isinstance(terrain, FlatGround):
            slant = origin[2] / -ray[2]
        else:
            low = 0.0
            while (origin + low * ray)[2] > ground(origin + low * ray) and low < 5000.0:
                low += CELL_M / 2.0
            high = low - CELL_M / 2.0
            for _ in range(16):
                slant = 0.5 * (low + high)
                at = origin + slant * ray
                low, high = (low, slant) if at[2] > ground(at) else (slant, high)
        at = origin + slant * ray
        lat, lon = LOCAL.to_geodetic(at[0], at[1])
        found.append((float(lat), float(lon)))
    return found


def _seconds(work: Callable[[], object], times: int) -> float:
    """The shortest of several runs, in seconds of processor time."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def run(count: int) -> list[tuple[str, float, float, float]]:
    """(what, places a second, those of the plain loop, largest distance of the two in m) of every ground."""
    rng = np.random.default_rng(5)
    camera = replace(load_camera("boson640-14"), distortion=LENS)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        hills, peaks = (
            read_terrain(written(Path(folder) / f"{relief}.tif", 1500.0 + fractal(rng, 480, CELL_M, relief), CELL_M))
            for relief in (60.0, 250.0)
        )
        cases: list[tuple[str, float, Terrain, int]] = [
            ("level ground, straight down", -90.0, FlatGround(), count),
            ("level ground, 40 degrees down", -40.0, FlatGround(), count),
            ("hills, straight down", -90.0, hills, count // 10),
            ("hills, 40 degrees down", -40.0, hills, count // 10),
            ("mountains, 40 degrees down", -40.0, peaks, count // 10),
        ]
        for name, pitch_deg, terrain, size in cases:
            poses, home = flight(rng, pitch_deg, terrain)
            pixels = rng.uniform([0.0, 0.0], [camera.width_px, camera.height_px], (size, 2))
            frame = rng.integers(0, FRAMES, size)
            ask = partial(locate_pixels, pixels, frame, poses, camera, terrain, home=home, local=LOCAL)
            loop = partial(one_by_one, pixels[:FEW], frame[:FEW], poses, camera, terrain, home)
            ours = size / _seconds(ask, 3)
            theirs = FEW / _seconds(loop, 1)
            places, other = ask(), np.array(loop())
            east, north = LOCAL.to_local(*other.T)
            apart = np.hypot(places.east_m[:FEW] - east, places.north_m[:FEW] - north)
            lines.append((name, ours, theirs, float(np.nanquantile(apart, 0.99))))
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Places a second on one core.")
    parser.add_argument("--count", type=int, default=500_000, help="pixels on level ground; a tenth with terrain")
    asked = parser.parse_args(arguments)
    print(f"{FRAMES} frames, a distorting lens; ours with the covariance of every place, the loop without")
    print(f"{'':32} {'places/s':>10} {'a loop':>8} {'ratio':>7} {'apart at 99 %':>14}")
    for name, ours, theirs, apart in run(asked.count):
        print(f"{name:32} {ours:10,.0f} {theirs:8,.0f} {ours / theirs:7,.0f} {apart * 1000:11.1f} mm")
    return 0


if __name__ == "__main__":
    sys.exit(main())
