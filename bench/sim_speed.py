"""How fast the practice vehicle flies at `--speedup 0`, with a ground station connected that reads all its telemetry:
`python -m bench.sim_speed [--sitl BINARY]` (or the environment's PICKET_SITL). A real ArduPilot SITL, asked for more
than it can give, flies the same mission beside it where there is one. Times are of the machine: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ["MAVLINK20"] = "1"
from pymavlink import mavutil
from pymavlink.dialects.v20 import ardupilotmega as mavlink

HOME = (23.0412, 88.8972, 10.0)
AT_LEAST = 100.0
SITL_INSTANCE = 14
SITL_SPEEDUP = 1000
READY_S, FLIGHT_S = 120.0, 600.0
LINES, LENGTH_M, SPACING_M, HEIGHT_M = 14, 300.0, 15.0, 40.0


@dataclass(frozen=True)
class Pace:
    """One flight: simulated, real and processor seconds from arming to disarming, and messages that were heard."""

    simulated_s: float
    real_s: float
    core_s: float
    messages: int

    @property
    def ratio(self) -> float:
        """Simulated seconds per second of one core: what other programs on the machine take does not count."""
        return self.simulated_s / self.core_s


def mission() -> list[mavlink.MAVLink_message]:
    """A survey of parallel lines, photographed every 15 m."""
    per_degree = 111_319.5

    def way(
        command: int, north: float = 0.0, east: float = 0.0, *params: float, up: float = HEIGHT_M
    ) -> tuple[object, ...]:
        lat = round((HOME[0] + north / per_degree) * 1e7)
        lon = round((HOME[1] + east / (per_degree * math.cos(math.radians(HOME[0])))) * 1e7)
        return 3, command, 0, 1, *(*params, 0.0, 0.0, 0.0, 0.0)[:4], lat, lon, up

    rows = [way(mavlink.MAV_CMD_NAV_WAYPOINT), way(mavlink.MAV_CMD_NAV_TAKEOFF)]
    rows.append(way(mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST, 0.0, 0.0, 15.0, 0.0, 1.0))
    for line in range(LINES):
        ends = (0.0, LENGTH_M) if line % 2 == 0 else (LENGTH_M, 0.0)
        rows += [way(mavlink.MAV_CMD_NAV_WAYPOINT, end, line * SPACING_M) for end in ends]
    rows.append(way(mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH))
    return [mavlink.MAVLink_mission_item_int_message(1, 1, number, *row, 0) for number, row in enumerate(rows)]


@contextmanager
def ours() -> Iterator[tuple[int, int]]:
    """Our vehicle; yields its process and its TCP port."""
    command = [sys.executable, "-m", "sim", f"--home={HOME[0]},{HOME[1]},{HOME[2]}", "--port", "0", "--speedup", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(json.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()


@contextmanager
def theirs(binary: Path) -> Iterator[tuple[int, int]]:
    """ArduPilot's SITL; yields its process and its TCP port."""
    home = ",".join(str(number) for number in (*HOME, 0))
    with tempfile.TemporaryDirectory() as folder:
        extra = Path(folder, "bench.parm")
        extra.write_text("CAM1_TYPE 1\nFRAME_CLASS 1\nBATT_MONITOR 4\nARMING_CHECK 0\nFS_THR_ENABLE 0\n")
        command = [str(binary), "--model", "quad", "--speedup", str(SITL_SPEEDUP), "--home", home]
        with subprocess.Popen(
            [*command, "--defaults", str(extra), "-I", str(SITL_INSTANCE)],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield process.pid, 5760 + 10 * SITL_INSTANCE
            finally:
                process.kill()


def core_s(process: int) -> float:
    """Processor seconds a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flown(process: int, port: int) -> Pace:
    """Fly the mission and read everything; raises TimeoutError where the vehicle does not."""
    link = mavutil.mavlink_connection(f"tcp:127.0.0.1:{port}", source_system=255, retries=20)
    send = link.mav

    def hear(*kinds: str, until_s: float) -> mavlink.MAVLink_message:
        while time.monotonic() < until_s:
            message = link.recv_match(type=list(kinds), blocking=True, timeout=1.0)
            if message is not None:
                return message
        raise TimeoutError(f"no {' or '.join(kinds)}")

    try:
        ready_s = time.monotonic() + READY_S
        hear("HEARTBEAT", until_s=ready_s)
        # what a ground station asks for as a rule
        for stream, rate in ((1, 2), (2, 2), (3, 1), (6, 10), (10, 10), (11, 4), (12, 2)):
            send.request_data_stream_send(1, 1, stream, rate, 1)
        while not hear("EKF_STATUS_REPORT", until_s=ready_s).flags & mavlink.EKF_PRED_POS_HORIZ_ABS:
            pass
        send.param_set_send(1, 1, b"AUTO_OPTIONS", 3, mavlink.MAV_PARAM_TYPE_REAL32)
        items = mission()
        send.mission_count_send(1, 1, len(items), 0)
        while (asked := hear("MISSION_REQUEST", "MISSION_ACK", until_s=ready_s)).get_type() != "MISSION_ACK":
            send.send(items[asked.seq])
        armed = False
        while not armed:
            send.command_long_send(1, 1, mavlink.MAV_CMD_DO_SET_MODE, 0, 1, 3, 0, 0, 0, 0, 0)
            send.command_long_send(1, 1, mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 0, 1, 0, 0, 0, 0, 0, 0)
            armed = bool(hear("HEARTBEAT", until_s=ready_s).base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED)
        began_ms, last_ms, heard = None, 0, 0
        began_s, used_s = time.monotonic(), core_s(process)
        while time.monotonic() < began_s + FLIGHT_S:
            message = link.recv_match(blocking=True, timeout=1.0)
            if message is None:
                continue
            heard += 1
            if message.get_type() == "GLOBAL_POSITION_INT":
                last_ms = message.time_boot_ms
                began_ms = last_ms if began_ms is None else began_ms
            elif message.get_type() == "HEARTBEAT" and not message.base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED:
                real_s = time.monotonic() - began_s
                used = core_s(process) - used_s
                return Pace((last_ms - (began_ms or 0)) / 1000.0, real_s, used, heard)
        raise TimeoutError("still in the air")
    finally:
        link.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line a vehicle and whether the claim holds."""
    parser = argparse.ArgumentParser(description="The practice vehicle at full speed.")
    parser.add_argument("--sitl", type=Path, default=os.environ.get("PICKET_SITL"), help="the arducopter binary")
    options = parser.parse_args(arguments)
    print(f"{'vehicle':16} {'simulated s':>11} {'real s':>7} {'core s':>7} {'per core':>9} {'messages':>9}")
    paces: dict[str, Pace] = {}
    with ours() as (process, port):
        paces["picket sim"] = flown(process, port)
    if options.sitl is not None:
        with theirs(options.sitl) as (process, port):
            paces["ArduPilot SITL"] = flown(process, port)
    for name, pace in paces.items():
        print(
            f"{name:16} {pace.simulated_s:11.1f} {pace.real_s:7.1f} {pace.core_s:7.2f} {pace.ratio:8.0f}x "
            f"{pace.messages:9}"
        )
    if options.sitl is None:
        print("no SITL on this machine (PICKET_SITL names none)")
    else:
        print(
            f"ours is {paces['picket sim'].ratio / paces['ArduPilot SITL'].ratio:.1f} times as fast as SITL on one core"
        )
    held = paces["picket sim"].ratio >= AT_LEAST
    print(
        f"\nat least {AT_LEAST:.0f} times real time on one core, telemetry read: {'holds' if held else 'DOES NOT HOLD'}"
    )
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
