"""What strangers' ground stations are given: a vehicle as a process, a mission, a fence and a rally point."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

HOME = (23.04, 88.9, 12.0)
SPEEDUP = 10
CORNERS = ((-100, -100), (200, -100), (200, 200), (-100, 200))
WAYS = ((60, 0), (60, 40))
RALLY = (-30, 0)
HEIGHT_M = 20.0


def place(north_m: float, east_m: float) -> tuple[float, float]:
    """Latitude and longitude so far from home."""
    per_degree = 111_319.5
    return HOME[0] + north_m / per_degree, HOME[1] + east_m / (per_degree * math.cos(math.radians(HOME[0])))


@dataclass(frozen=True)
class Row:
    """One item as every ground station knows it."""

    command: int
    frame: int = 3
    param1: float = 0.0
    lat_deg: float = 0.0
    lon_deg: float = 0.0
    alt_m: float = 0.0


@dataclass(frozen=True)
class Lists:
    """What is uploaded."""

    mission: tuple[Row, ...]
    fence: tuple[Row, ...]
    rally: tuple[Row, ...]


@contextmanager
def running() -> Iterator[int]:
    """A vehicle; yields its TCP port."""
    command = [sys.executable, "-m", "sim", f"--home={HOME[0]},{HOME[1]},{HOME[2]}", "--port", "0"]
    with subprocess.Popen(
        [*command, "--speedup", str(SPEEDUP), "--while-stdin-open"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()
            assert process.wait(30) == 0


@pytest.fixture
def port() -> Iterator[int]:
    """The TCP port of a vehicle."""
    with running() as number:
        yield number


@pytest.fixture
def lists() -> Lists:
    """A square fence, a rally point and a mission: take off, two waypoints, home."""
    ways = [Row(16, 3, 0.0, *place(*way), HEIGHT_M) for way in WAYS]
    return Lists(
        mission=(Row(16, 0, 0.0, *HOME), Row(22, alt_m=HEIGHT_M), *ways, Row(20, 0)),
        fence=tuple(Row(5001, 3, float(len(CORNERS)), *place(*corner)) for corner in CORNERS),
        rally=(Row(5100, 3, 0.0, *place(*RALLY), 30.0),),
    )
