"""Runs the simulated vehicle as a child process: a ground station must not share memory with what it flies."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from missions.plan import Position
from sim.errors import SimulationError

START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 120.0


@contextmanager
def simulator(
    home: Position,
    *,
    home_amsl_m: float,
    endurance_s: float,
    camera: str,
    speedup: float,
    seed: int,
    scene: Path,
    images: Path,
) -> Iterator[str]:
    """A simulated vehicle at `home` with a battery for `endurance_s`, its camera (a name or a file) over the `scene`
    writing to `images`; yields the URL to connect to.

    On leaving, the vehicle is ended and its camera finishes the frames it has still to draw. Raises SimulationError
    where it does not start or ends by itself with an error.
    """
    command = [
        *(sys.executable, "-m", "sim"),
        f"--home={home.lat_deg:.7f},{home.lon_deg:.7f},{home_amsl_m:.1f}",
        *("--port", "0", "--speedup", str(speedup), "--seed", str(seed), "--endurance", str(endurance_s)),
        *("--scene", str(scene), "--camera", camera, "--images", str(images), "--while-stdin-open"),
    ]
    # A session of its own: Ctrl-C is for the ground station, which calls the vehicle home.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield f"tcp:127.0.0.1:{_port_of(process, command)}"
    finally:
        process.terminate()
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
    if process.returncode:
        raise SimulationError(f"the simulator ended with code {process.returncode}: what it said stands above")


def _port_of(process: subprocess.Popen[str], command: Sequence[str]) -> int:
    if process.stdout is None:
        raise SimulationError("the simulator was started without its output")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(START_TIMEOUT_S) else ""
    try:
        return int(json.loads(line)["port"])
    except (ValueError, KeyError, TypeError) as error:
        raise SimulationError(f"the simulator did not start; run `{' '.join(command)}` to see why") from error
