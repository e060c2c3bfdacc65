"""`picket doctor`: whether this machine has what Picket needs, in plain words."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer

from mapping.errors import MappingError
from mapping.ground.geoid import undulation_m
from mapping.maps.page import render_page
from mapping.maps.pdf import browser
from picket.options import JsonOption
from picket.output import console, plain, summarise
from vision.detector import load_detector

REQUIRED_PACKAGES = (
    *("dronekit", "pymavlink", "shapely", "pyproj", "rasterio", "numpy", "scipy", "pyarrow", "folium"),
    *("geopandas", "pyogrio", "mgrs"),
    *("torch", "ultralytics-opencv-headless"),
)
LEAST_DISK_GB = 2.0
LEAST_MEMORY_GB = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, what was seen, and whether Picket can do without it."""

    subject: str
    well: bool
    detail: str
    required: bool = True


def doctor(as_json: JsonOption = False) -> None:
    """Check this machine: Python, packages, weights, map assets, browser, disk, memory, graphics card."""
    findings = [finding for look in LOOKS for finding in look()]
    for finding in findings:
        mark = (
            "[green]ok  [/green]"
            if finding.well
            else "[red]MEND[/red]"
            if finding.required
            else "[yellow]none[/yellow]"
        )
        console.print(f"{mark} {plain(finding.subject)}: {plain(finding.detail)}", soft_wrap=True)
    healthy = all(finding.well for finding in findings if finding.required)
    summarise({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}, as_json=as_json)
    if not healthy:
        raise typer.Exit(1)


def _python() -> Iterator[Finding]:
    text = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("Python", sys.version_info >= (3, 11), text)


def _packages() -> Iterator[Finding]:
    for name in REQUIRED_PACKAGES:
        try:
            yield Finding(name, True, version(name))
        except PackageNotFoundError:
            yield Finding(name, False, "not installed: run `make setup`")


def _weights() -> Iterator[Finding]:
    try:
        detector = load_detector()
    except (ValueError, RuntimeError) as error:
        yield Finding("weights", False, str(error))
    else:
        yield Finding("weights", True, f"thermal, sha-256 {detector.sha256[:12]}, run by {detector.runs}")


def _map_assets() -> Iterator[Finding]:
    try:
        render_page("doctor", (0.0, 0.0), {})
    except MappingError as error:
        yield Finding("map assets", False, str(error))
    else:
        yield Finding("map assets", True, "complete")


def _geoid() -> Iterator[Finding]:
    try:
        undulation_m(0.0, 0.0)
    except MappingError as error:
        yield Finding("geoid", False, str(error))
    else:
        yield Finding("geoid", True, "EGM96")


def _machine() -> Iterator[Finding]:
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    yield Finding("disk", free_gb >= LEAST_DISK_GB, f"{free_gb:.0f} GB free here")
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    yield Finding("memory", memory_gb >= LEAST_MEMORY_GB, f"{memory_gb:.0f} GB")
    with tempfile.TemporaryDirectory() as folder:
        yield Finding("temporary files", os.access(folder, os.W_OK), tempfile.gettempdir())


def _extras() -> Iterator[Finding]:
    import torch

    card = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    yield Finding("graphics card", bool(card), card or "the processor does the searching, more slowly", required=False)
    found = browser()
    yield Finding("Chromium", bool(found), found or "only `picket report --pdf` and tests need it", required=False)


LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _weights,
    _map_assets,
    _geoid,
    _machine,
    _extras,
)
