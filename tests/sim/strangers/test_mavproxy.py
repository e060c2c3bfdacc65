"""MAVProxy, run as its users run it: commands typed at its console, and what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ANSWER_S = 60.0


class Console:
    """MAVProxy's console."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._said = ""
        self._read = 0
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while part := os.read(self._process.stdout.fileno(), 65536):
            self._said += part.decode(errors="replace")

    def expect(self, pattern: str) -> None:
        """Wait until it says something that matches, after what was last waited for."""
        until_s = time.monotonic() + ANSWER_S
        while time.monotonic() < until_s:
            found = re.compile(pattern).search(self._said, self._read)
            if found:
                self._read = found.end()
                return
            time.sleep(0.02)
        raise AssertionError(f"MAVProxy never said {pattern!r}; it said\n{self._said}")

    def type(self, command: str, *patterns: str) -> None:
        """Type a command and wait for its answers, one after the other."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()
        for pattern in patterns:
            self.expect(pattern)

    def ask(self, command: str, pattern: str) -> None:
        """Type a command again and again until it is answered so."""
        until_s = time.monotonic() + ANSWER_S
        while not re.compile(pattern).search(self._said, self._read):
            assert time.monotonic() < until_s, f"MAVProxy never said {pattern!r}; it said\n{self._said}"
            self.type(command)
            time.sleep(0.3)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._thread.join()


@contextmanager
def mavproxy(port: int, folder: Path) -> Iterator[Console]:
    """MAVProxy connected to a vehicle, with nothing of its user's own."""
    command = [sys.executable, "-m", "MAVProxy.mavproxy", "--master", f"tcp:127.0.0.1:{port}"]
    with subprocess.Popen(
        [*command, "--state-basedir", str(folder), "--aircraft", "stranger"],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "TERM": "dumb"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        console = Console(process)
        try:
            yield console
        finally:
            console.close()


def write(path: Path, rows: Sequence[Any]) -> Path:
    """The rows in a file as MAVProxy loads them."""
    lines = [
        f"{number}\t0\t{row.frame}\t{row.command}\t{row.param1}\t0\t0\t0\t{row.lat_deg:.7f}\t{row.lon_deg:.7f}\t"
        f"{row.alt_m}\t1"
        for number, row in enumerate(rows)
    ]
    path.write_text("\n".join(["QGC WPL 110", *lines, ""]))
    return path


def read(path: Path) -> list[tuple[int, float, float, float, float]]:
    """(command, param1, latitude, longitude, altitude) of what MAVProxy saved."""
    rows = [line.split() for line in path.read_text().splitlines()[1:]]
    return [(int(r[3]), float(r[4]), float(r[8]), float(r[9]), float(r[10])) for r in rows]


def as_read(rows: Sequence[Any]) -> list[tuple[int, float, float, float, float]]:
    """The rows as `read` gives them."""
    return [(r.command, r.param1, r.lat_deg, r.lon_deg, r.alt_m) for r in rows]


def test_it_fetches_uploads_downloads_flies_returns_and_lands(port: int, lists: Any, tmp_path: Path) -> None:
    with mavproxy(port, tmp_path) as console:
        console.expect("Mode STABILIZE")
        console.expect(r"Received \d+ parameters")
        console.type("param fetch", r"Received \d+ parameters")
        console.type("param set RTL_ALT 2000")
        # a pilot's ten seconds on the ground are one here
        console.type("param set DISARM_DELAY 0")
        console.ask("param show RTL_ALT", r"RTL_ALT +2000")
        console.ask("param show DISARM_DELAY", r"DISARM_DELAY +0")

        console.type(f"wp load {write(tmp_path / 'm.txt', lists.mission)}", "TYPE_MISSION: ACCEPTED")
        console.type(f"fence load {write(tmp_path / 'f.txt', lists.fence)}", "TYPE_FENCE: ACCEPTED")
        console.type(f"rally load {write(tmp_path / 'r.txt', lists.rally)}", "TYPE_RALLY: ACCEPTED")
        for module, rows in (("wp", lists.mission), ("fence", lists.fence), ("rally", lists.rally)):
            saved = tmp_path / f"{module}-out.txt"
            console.type(f"{module} list", rf"Saved {len(rows)} ")
            console.type(f"{module} save {saved}", rf"Saved {len(rows)} [a-z ]*to {re.escape(str(saved))}")
            # item 0 of a mission is home, and the vehicle's own
            first = 1 if module == "wp" else 0
            got, sent = read(saved)[first:], as_read(rows)[first:]
            for received, expected in zip(got, sent, strict=True):
                # it writes places with six digits; a fence has no height
                assert received[:4] == pytest.approx(expected[:4], abs=1e-6)
                assert module == "fence" or received[4] == expected[4]

        console.type("fence enable", "fence enabled")
        console.type("mode guided", "Mode GUIDED")
        console.type("arm throttle", "ARMED")
        console.type("takeoff 15", "NAV_TAKEOFF: ACCEPTED", "height 15")
        console.type("mode loiter", "Mode LOITER")
        console.type("mode auto", "waypoint 2", "waypoint 3", "waypoint 4")
        console.type("mode brake", "Mode BRAKE")
        console.type("mode rtl", "Mode RTL")
        console.expect("DISARMED")
        console.type("mode guided", "Mode GUIDED")
        console.type("arm throttle", "ARMED")
        console.type("takeoff 15", "NAV_TAKEOFF: ACCEPTED", "height 15")
        console.type("mode land", "Mode LAND")
        console.expect("DISARMED")
