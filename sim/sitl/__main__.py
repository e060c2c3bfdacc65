"""`python -m sim.sitl`: ArduPilot's SITL with our camera, as a process of its own.

Prints one JSON line `{"port": N}` on stdout when a ground station can connect. Ends on SIGTERM or SIGINT (or, if asked,
with standard input): ArduPilot is killed, and every photograph it took is written. Bad input is one line on stderr and
exit 2; an ArduPilot that does not start, or ends, is one line with its own last words and exit 1.
"""

from __future__ import annotations

import argparse
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sim.errors import SimulationError
from sim.process import (
    Flags,
    add_process_flags,
    camera_of,
    check_port,
    home_of,
    numbers,
    say_port,
    told_to_stop,
    wind_of,
)
from sim.sitl.autopilot import Autopilot, SitlSettings, autopilot
from sim.sitl.photographs import Photographs
from sim.sitl.relay import Line, Relay
from sim.vehicle.values import Trigger
from vision.errors import InputError

ASK_S = 1.0
POLL_S = 0.1


def parser() -> argparse.ArgumentParser:
    """The flags of the process; parsing raises InputError where they make no sense."""
    flags = Flags(prog="python -m sim.sitl", description="ArduPilot's SITL with a camera.")
    add_process_flags(flags)
    flags.add_argument("--binary", type=Path, required=True, help="the arducopter program of ArduPilot's SITL build")
    flags.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="a parameter it starts with; repeatable"
    )
    return flags


def settings_of(options: argparse.Namespace) -> SitlSettings:
    """The vehicle's settings from the flags; InputError for values that make no sense."""
    lat_deg, lon_deg, alt_m = home_of(options.home)
    speed, from_deg = wind_of(options)
    parameters = {}
    for text in options.parameter:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InputError("--parameter", f"{text!r} is not NAME=VALUE")
        parameters[name] = numbers("--parameter", value, 1)[0]
    return SitlSettings(
        home_lat_deg=lat_deg,
        home_lon_deg=lon_deg,
        home_alt_amsl_m=alt_m,
        speedup=options.speedup,
        system=options.system,
        endurance_s=options.endurance,
        wind_speed_m_s=speed,
        wind_from_deg=from_deg,
        gust_m_s=options.gusts,
        parameters=parameters,
    )


def serve(
    running: Autopilot,
    relay: Relay,
    photographs: Photographs,
    on_trigger: Callable[[Trigger], None],
    stop: threading.Event,
) -> None:
    """Pass messages on and hand photographs over until told to stop. Raises SimulationError where ArduPilot ends."""
    camera = Line(running.camera)
    asked_s = -ASK_S
    while not stop.is_set():
        if time.monotonic() - asked_s > ASK_S:
            asked_s = time.monotonic()
            camera.pending += photographs.questions()
            camera.flush()
        readable, _, _ = select.select([*relay.readers(), running.camera], relay.writers(), [], POLL_S)
        relay.step(readable)
        if running.camera in readable:
            for trigger in photographs.hear(camera.read()):
                on_trigger(trigger)
        if camera.gone or relay.vehicle.gone:
            running.process.wait(5.0)
        failure = running.died()
        if failure is not None:
            raise failure
    for trigger in photographs.rest():
        on_trigger(trigger)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process; returns its exit code."""
    try:
        options = parser().parse_args(arguments)
        settings = settings_of(options)
        check_port(options.port)
        with camera_of(options) as on_trigger:
            stop = told_to_stop(options.while_stdin_open)
            with _listener(options.port) as listener, autopilot(options.binary, settings) as running:
                relay = Relay(listener, running.ground)
                photographs = Photographs(settings.home_alt_amsl_m, settings.system)
                say_port(listener.getsockname()[1])
                try:
                    serve(running, relay, photographs, on_trigger or _nobody, stop)
                finally:
                    relay.close()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except SimulationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _nobody(_trigger: Trigger) -> None:
    """Takes the photographs of a vehicle without a camera."""


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise SimulationError(f"cannot listen on 127.0.0.1:{port} ({error.strerror}); choose another or 0") from error


if __name__ == "__main__":
    sys.exit(main())
