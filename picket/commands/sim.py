"""`picket sim`: a simulated vehicle any ground station can connect to."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from picket.options import JsonOption, SeedOption
from picket.output import say, summarise
from picket.simulator import last_word
from sim.errors import SimulationError
from sim.process import check_port, home_of
from vision.errors import InputError


def sim(
    home: Annotated[
        str, typer.Option(metavar="LAT,LON,ALT", help="Where it stands: degrees and metres above sea level.")
    ] = "23.0412,88.8972,10",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port on 127.0.0.1; 0 = any free one.")] = 5760,
    speedup: Annotated[float, typer.Option(min=0, help="Simulated seconds per second; 0 = as fast as it goes.")] = 1.0,
    seed: SeedOption = 0,
    wind: Annotated[str, typer.Option(metavar="SPEED,FROM", help="Wind in m/s and the degrees it comes from.")] = "0,0",
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND@WHEN[+SECONDS][=VALUE]", help="Let something go wrong; may be given several times."),
    ] = None,
    udp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Also call a ground station at this UDP address.")
    ] = None,
    signing_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Key to sign the links with: 32 bytes, or a line of words.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a simulated ArduCopter-like vehicle on MAVLink until interrupted."""
    home_of(home)
    check_port(port)
    command = [sys.executable, "-m", "sim", f"--home={home}", "--port", str(port), "--speedup", str(speedup)]
    command += ["--seed", str(seed), f"--wind={wind}", "--while-stdin-open"]
    for option, value in (*(("--fault", each) for each in fault or ()), ("--udp", udp), ("--signing-key", signing_key)):
        command += [f"{option}={value}"] if value is not None else []
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, text=True) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if line:
                url = f"tcp:127.0.0.1:{json.loads(line)['port']}"
                say(f"a vehicle at {home}, MAVLink on {url}; Ctrl-C ends it")
                summarise({"url": url, "home": home, "seed": seed}, as_json=as_json)
            code = process.wait()
        except KeyboardInterrupt:
            if process.stdin:
                process.stdin.close()  # which ends the vehicle, where it did not hear the Ctrl-C itself
            code = process.wait()
        if code > 0:
            problem = last_word(said) or f"the simulator ended with code {code}"
            raise InputError("picket sim", problem) if code == 2 else SimulationError(problem)
