"""`python -m sim`: one simulated vehicle with its camera, as a process of its own.

Prints one JSON line `{"port": N}` on stdout when it listens. Ends on SIGTERM or SIGINT (or, if asked, after a
landing or with standard input) once every photograph taken has been written. Bad input is one line on stderr and exit
2; a port that is taken is one line and exit 1.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

from mapping.ground.camera import load_camera
from sim.errors import SimulationError
from sim.vehicle.physics import capacity_for_mah
from sim.vehicle.server import serve
from sim.vehicle.values import Trigger, VehicleSettings
from sim.world.camera import CameraWorker
from sim.world.scene import scene_from_geojson
from vision.errors import InputError


class _Flags(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError("python -m sim", message)


def parser() -> argparse.ArgumentParser:
    """The flags of the process; parsing raises InputError where they make no sense."""
    flags = _Flags(prog="python -m sim", description="A simulated vehicle on MAVLink.")
    flags.add_argument(
        "--home",
        required=True,
        metavar="LAT,LON,ALT",
        help="where it stands; ALT in m above sea level; south of the equator as --home=-35.3,149.1,600",
    )
    flags.add_argument("--port", type=int, default=5760, help="TCP port on 127.0.0.1, 0 = any free one")
    flags.add_argument(
        "--speedup", type=float, default=1.0, help="simulated seconds per second, 0 = as fast as possible"
    )
    flags.add_argument("--seed", type=int, default=0, help="chooses the errors of its sensors and the gusts")
    flags.add_argument("--start", metavar="UTC", help="its clock at power-up, as 2026-11-22T18:15:00Z")
    flags.add_argument("--wind", default="0,0", metavar="SPEED,FROM", help="m/s and the degrees it comes from")
    flags.add_argument("--gusts", type=float, default=0.0, metavar="SIGMA", help="m/s")
    flags.add_argument("--endurance", type=float, metavar="S", help="seconds of hovering its battery is good for")
    flags.add_argument("--scene", type=Path, help="GeoJSON of people and vehicles on the ground")
    flags.add_argument("--camera", help="name or file of the camera it carries")
    flags.add_argument("--images", type=Path, help="folder for the photographs")
    flags.add_argument("--exit-when-landed", action="store_true", help="end after the first flight")
    flags.add_argument("--while-stdin-open", action="store_true", help="end when whoever started it is gone")
    return flags


def numbers(option: str, text: str, count: int) -> list[float]:
    """`count` finite numbers separated by commas; InputError naming the option otherwise."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise InputError(option, f"{text!r} is not {count} numbers separated by commas")
    return values


def settings_of(options: argparse.Namespace) -> VehicleSettings:
    """The vehicle's settings from the flags; InputError for values that make no sense."""
    lat_deg, lon_deg, alt_m = numbers("--home", options.home, 3)
    if abs(lat_deg) > 89.0 or abs(lon_deg) > 180.0:
        raise InputError("--home", f"{options.home!r} is no place on earth one can fly from")
    speed, from_deg = numbers("--wind", options.wind, 2)
    for option, value in (("--speedup", options.speedup), ("--wind", speed), ("--gusts", options.gusts)):
        if not math.isfinite(value) or value < 0.0:
            raise InputError(option, f"{value} is below zero")
    given: dict[str, float] = {}
    if options.endurance is not None:
        if not 60.0 <= options.endurance <= 86_400.0:
            raise InputError("--endurance", f"{options.endurance} is not between 60 and 86400 seconds")
        given["battery_capacity_mah"] = capacity_for_mah(options.endurance, VehicleSettings.hover_power_w)
    if options.start is not None:
        try:
            moment = datetime.fromisoformat(options.start)
        except ValueError as error:
            raise InputError("--start", f"{options.start!r} is no time; write it as 2026-11-22T18:15:00Z") from error
        if moment.tzinfo is None:
            raise InputError("--start", f"{options.start!r} has no time zone; end it with Z")
        given["start_utc_s"] = moment.timestamp()
    return VehicleSettings(
        home_lat_deg=lat_deg,
        home_lon_deg=lon_deg,
        home_alt_amsl_m=alt_m,
        speedup=options.speedup,
        seed=options.seed,
        wind_speed_m_s=speed,
        wind_from_deg=from_deg,
        gust_m_s=options.gusts,
        **given,
    )


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


def _end_with_stdin(stop: threading.Event) -> None:
    """Set `stop` when standard input ends, as it does when the process at its other end dies, however it dies."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


def _say_port(port: int) -> None:
    print(json.dumps({"port": port}), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process; returns its exit code."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    try:
        options = parser().parse_args(arguments)
        settings = settings_of(options)
        if not 0 <= options.port <= 65535:
            raise InputError("--port", f"{options.port} is no TCP port; 0 takes any free one")
        with camera_of(options) as on_trigger:
            signal.signal(signal.SIGTERM, end)
            signal.signal(signal.SIGINT, end)
            if options.while_stdin_open:
                threading.Thread(target=_end_with_stdin, args=(stop,), name="stdin", daemon=True).start()
            serve(settings, options.port, on_trigger, stop, _say_port, options.exit_when_landed)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except SimulationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
