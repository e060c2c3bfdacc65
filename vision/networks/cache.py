"""Where Picket keeps what it can make again: the user's cache folder, with a place for each network on each kind of
processor. What is kept there is `choosing`'s subject.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

_FORM = 1  # of what is kept; another number makes it anew


def cache_folder() -> Path:
    """The folder for what can be made again (`PICKET_CACHE` names another)."""
    named = os.environ.get("PICKET_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "picket" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "picket"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "picket"


def place_for(sha256: str) -> Path:
    """The folder for what was made of, and found out about, the network with that SHA-256 on this processor with these
    versions of the libraries that run it."""
    return cache_folder() / "networks" / f"{sha256[:16]}-{_circumstances()}"


def processor_place() -> Path:
    """The file for what was found out about this processor itself."""
    return cache_folder() / "networks" / f"processor-{_circumstances()}.json"


def _circumstances() -> str:
    told = "\n".join([str(_FORM), processor(), *(f"{name} {version(name)}" for name in ("openvino", "torch"))])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


@cache
def processor() -> str:
    """What tells one kind of processor from another: its name and the instructions it announces."""
    told: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            told.setdefault(name.strip(), value.strip())
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    kept = ("model name", "flags", "CPU implementer", "CPU part", "Features")
    return "\n".join([platform.machine(), *(told[name] for name in kept if name in told)])
