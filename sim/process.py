"""What the practice vehicles have in common as processes: flags for the place, the port and the camera, how they say
that they listen, and how they are told to stop. Which vehicle it is, is `sim.__main__`'s and `sim.sitl`'s subject.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from mapping.ground.camera import load_camera
from sim.vehicle.values import Trigger
from sim.world.camera import CameraWorker
from sim.world.scene import scene_from_geojson
from vision.errors import InputError


class Flags(argparse.ArgumentParser):
    """A parser that raises InputError where the flags make no sense."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong instead of printing it and exiting."""
        raise InputError(self.prog, message)


def add_process_flags(flags: argparse.ArgumentParser) -> None:
    """The flags every practice vehicle takes."""
    flags.add_argument(
        "--home",
        required=True,
        metavar="LAT,LON,ALT",
        help="where it stands; ALT in m above sea level; south of the equator as --home=-35.3,149.1,600",
    )
    flags.add_argument(
        "--speedup", type=float, default=1.0, help="simulated seconds per second, 0 = as fast as it goes"
    )
    flags.add_argument("--system", type=int, default=1, help="its MAVLink system id")
    flags.add_argument("--wind", default="0,0", metavar="SPEED,FROM", help="m/s and the degrees it comes from")
    flags.add_argument("--gusts", type=float, default=0.0, metavar="SIGMA", help="m/s")
    flags.add_argument("--endurance", type=float, metavar="S", help="seconds of hovering its battery is good for")
    flags.add_argument("--port", type=int, default=5760, help="TCP port on 127.0.0.1, 0 = any free one")
    flags.add_argument("--scene", type=Path, help="GeoJSON of people and vehicles on the ground")
    flags.add_argument("--camera", help="name or file of the camera it carries")
    flags.add_argument("--images", type=Path, help="folder for the photographs")
    flags.add_argument("--while-stdin-open", action="store_true", help="end when whoever started it is gone")


def wind_of(options: argparse.Namespace) -> tuple[float, float]:
    """The wind's speed in m/s and the degrees it comes from, once the other flags of every practice vehicle make sense;
    InputError where one does not."""
    speed, from_deg = numbers("--wind", options.wind, 2)
    for option, value in (("--speedup", options.speedup), ("--wind", speed), ("--gusts", options.gusts)):
        if not math.isfinite(value) or value < 0.0:
            raise InputError(option, f"{value} is below zero")
    if not 1 <= options.system <= 250:
        raise InputError("--system", f"{options.system} is no vehicle's system id; give 1 to 250")
    return speed, from_deg


def numbers(option: str, text: str, count: int) -> list[float]:
    """`count` finite numbers separated by commas; InputError naming the option otherwise."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise InputError(option, f"{text!r} is not {count} numbers separated by commas")
    return values


def home_of(text: str) -> tuple[float, float, float]:
    """Latitude, longitude (degrees) and height above sea level (m) of --home; InputError for what is no place."""
    lat_deg, lon_deg, alt_m = numbers("--home", text, 3)
    if abs(lat_deg) > 89.0 or abs(lon_deg) > 180.0:
        raise InputError("--home", f"{text!r} is no place on earth one can fly from")
    return lat_deg, lon_deg, alt_m


def check_port(port: int) -> None:
    """Raises InputError for a number that is no TCP port."""
    if not 0 <= port <= 65535:
        raise InputError("--port", f"{port} is no TCP port; 0 takes any free one")


@contextmanager
def camera_of(options: argparse.Namespace) -> Iterator[Callable[[Trigger], None] | None]:
    """What takes the photographs: a camera over a scene, drained at the end of the block, or None without a scene.
    InputError for an unknown camera, a scene that is none, or a scene without camera and folder."""
    given = {"--scene": options.scene, "--camera": options.camera, "--images": options.images}
    missing = [option for option, value in given.items() if value is None]
    if len(missing) == len(given):
        yield None
        return
    if missing:
        raise InputError(missing[0], "--scene, --camera and --images go together: give all three or none")
    camera = load_camera(options.camera)
    with CameraWorker(scene_from_geojson(options.scene), camera, options.images) as worker:
        yield worker.take


def told_to_stop(with_stdin: bool) -> threading.Event:
    """An event that is set by SIGTERM or SIGINT and, if asked, when standard input ends: as it does when the process
    at its other end dies, however it dies."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    def read_to_the_end() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if with_stdin:
        threading.Thread(target=read_to_the_end, name="stdin", daemon=True).start()
    return stop


def say_port(port: int) -> None:
    """Print `{"port": N}` for whoever started this process; where nobody reads it any more, that is found out soon
    enough."""
    try:
        print(json.dumps({"port": port}), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
