"""`python -m sim`: one simulated vehicle with its camera, as a process of its own.

Prints one JSON line `{"port": N}` on stdout when it listens. Ends on SIGTERM or SIGINT (or, if asked, after a
landing or with standard input) once every photograph taken has been written. Bad input is one line on stderr and exit
2; a port that is taken is one line and exit 1.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sim.errors import SimulationError
from sim.process import (
    Flags,
    add_process_flags,
    camera_of,
    check_port,
    home_of,
    say_port,
    told_to_stop,
    wind_of,
)
from sim.vehicle.faults import fault_of
from sim.vehicle.physics import capacity_for_mah
from sim.vehicle.server import Server
from sim.vehicle.signatures import KEY_BYTES
from sim.vehicle.values import Airframe, VehicleSettings
from vision.errors import InputError


def parser() -> argparse.ArgumentParser:
    """The flags of the process; parsing raises InputError where they make no sense."""
    flags = Flags(prog="python -m sim", description="A simulated vehicle on MAVLink.")
    flags.add_argument("--seed", type=int, default=0, help="chooses the errors of its sensors and the gusts")
    flags.add_argument("--start", metavar="UTC", help="its clock at power-up, as 2026-11-22T18:15:00Z")
    flags.add_argument(
        "--airframe",
        choices=[each.value for each in Airframe],
        default=Airframe.PRACTICE.value,
        help="whose drag it has: the practice drone's, or that of ArduPilot SITL's quadrotor",
    )
    add_process_flags(flags)
    flags.add_argument("--udp-listen", type=int, metavar="PORT", help="also wait for a ground station on this UDP port")
    flags.add_argument("--udp", metavar="HOST:PORT", help="also call a ground station at this UDP address")
    flags.add_argument("--signing-key", type=Path, metavar="FILE", help="sign the links with the 32 bytes in it")
    flags.add_argument(
        "--fault", action="append", default=[], metavar="KIND@WHEN[+SECONDS][=VALUE]", help="let something go wrong"
    )
    flags.add_argument("--exit-when-landed", action="store_true", help="end after the first flight")
    return flags


def settings_of(options: argparse.Namespace) -> VehicleSettings:
    """The vehicle's settings from the flags; InputError for values that make no sense."""
    lat_deg, lon_deg, alt_m = home_of(options.home)
    speed, from_deg = wind_of(options)
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
        airframe=Airframe(options.airframe),
        system=options.system,
        **given,
    )


def key_of(file: Path | None) -> bytes | None:
    """The signing key in a file: its 32 bytes, or else the SHA-256 of the passphrase on its only line, as ground
    stations make it. InputError where it is neither."""
    if file is None:
        return None
    try:
        content = file.read_bytes()
        words = [] if len(content) == KEY_BYTES else content.decode("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(str(file), f"holds no signing key: {error}") from error
    if len(content) == KEY_BYTES:
        return content
    if len(words) != 1 or not words[0].strip():
        raise InputError(str(file), f"is no key: write {KEY_BYTES} random bytes, or a passphrase on one line")
    return hashlib.sha256(words[0].strip().encode("utf-8")).digest()


def address_of(text: str | None) -> tuple[str, int] | None:
    """The UDP address in HOST:PORT; InputError where it is none."""
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= 65535:
        raise InputError("--udp", f"{text!r} is no address; write it as 127.0.0.1:14550")
    return host, int(port)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process; returns its exit code."""
    try:
        options = parser().parse_args(arguments)
        settings = settings_of(options)
        check_port(options.port)
        if options.udp_listen is not None and not 0 < options.udp_listen <= 65535:
            raise InputError("--udp-listen", f"{options.udp_listen} is no UDP port")
        faults = [fault_of(text) for text in options.fault]
        key, call = key_of(options.signing_key), address_of(options.udp)
        with camera_of(options) as on_trigger:
            stop = told_to_stop(options.while_stdin_open)
            server = Server(settings, options.port, on_trigger, faults, key, options.udp_listen, call)
            say_port(server.port)
            server.run(stop, options.exit_when_landed)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except SimulationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
