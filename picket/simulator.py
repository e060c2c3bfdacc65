"""Runs a practice vehicle as a child process: a ground station must not share memory with what it flies.

The vehicle is our own simulator or ArduPilot's SITL; both are a process that says its port in one line, draws what its
camera sees, and ends with the process that started it.
"""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from missions.plan import Position
from sim.errors import SimulationError

START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Practice:
    """A practice vehicle: where it stands, how fast its time runs, how long its battery lasts, what its camera sees.

    `camera` is a name or a file, `scene` what there is on the ground, `images` where its photographs go. `sitl` is the
    binary of ArduPilot's SITL, None for our own simulator; `seed` is our simulator's. `more` are further flags.
    """

    home: Position
    home_amsl_m: float
    speedup: float
    endurance_s: float
    camera: str | None = None
    scene: Path | None = None
    images: Path | None = None
    seed: int = 0
    sitl: Path | None = None
    more: tuple[str, ...] = ()

    def command(self) -> list[str]:
        """What to run."""
        which = ["sim", "--seed", str(self.seed)] if self.sitl is None else ["sim.sitl", "--binary", str(self.sitl)]
        command = [
            *(sys.executable, "-m", *which),
            f"--home={self.home.lat_deg:.7f},{self.home.lon_deg:.7f},{self.home_amsl_m:.1f}",
            *("--port", "0", "--speedup", str(self.speedup), "--endurance", str(self.endurance_s)),
            "--while-stdin-open",
        ]
        if self.scene is not None:
            command += ["--scene", str(self.scene), "--camera", str(self.camera), "--images", str(self.images)]
        return [*command, *self.more]


@contextmanager
def practice_vehicle(practice: Practice) -> Iterator[str]:
    """Start a practice vehicle; yields the URL to connect to.

    On leaving, it is ended and its camera finishes the frames it has still to draw. Raises SimulationError with its own
    last words where it does not start or ends by itself with an error.
    """
    command = practice.command()
    with tempfile.TemporaryFile() as said:
        # A session of its own: Ctrl-C is for the ground station, which calls the vehicle home.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
        )
        ended_by_itself = False
        try:
            yield f"tcp:127.0.0.1:{_port_of(process, command, said)}"
            ended_by_itself = process.poll() is not None
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
        if process.returncode or ended_by_itself:
            raise SimulationError(f"the simulated vehicle ended with code {process.returncode}: {last_word(said)}")


def _port_of(process: subprocess.Popen[str], command: Sequence[str], said: IO[bytes]) -> int:
    if process.stdout is None:
        raise SimulationError("the simulator was started without its output")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(START_TIMEOUT_S) else ""
    try:
        return int(json.loads(line)["port"])
    except (ValueError, KeyError, TypeError) as error:
        why = last_word(said) or f"run `{' '.join(command)}` to see why"
        raise SimulationError(f"the simulated vehicle did not start: {why}") from error


def last_word(said: IO[bytes]) -> str:
    """The last line it wrote to its errors."""
    said.seek(0)
    lines = [line.strip() for line in said.read().decode("utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
