"""`picket sim`: a simulated vehicle any ground station can connect to."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from picket.options import SeedOption
from picket.output import say


def sim(
    home: Annotated[
        str, typer.Option(metavar="LAT,LON,ALT", help="Where it stands: degrees and metres above sea level.")
    ] = "23.0412,88.8972,10",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port on 127.0.0.1; 0 = any free one.")] = 5760,
    speedup: Annotated[float, typer.Option(min=0, help="Simulated seconds per second; 0 = as fast as it goes.")] = 1.0,
    seed: SeedOption = 0,
) -> None:
    """Run a simulated ArduCopter-like vehicle on MAVLink until interrupted."""
    say(f"a vehicle at {home}, MAVLink on tcp:127.0.0.1:{port or '(see below)'}; Ctrl-C ends it")
    command = [sys.executable, "-m", "sim", f"--home={home}", "--port", str(port), "--speedup", str(speedup)]
    with subprocess.Popen([*command, "--seed", str(seed), "--while-stdin-open"], stdin=subprocess.PIPE) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            code = process.wait()
    if code > 0:
        raise typer.Exit(code)
