"""Weights by the names ultralytics gives its own, for users with internet: fetched once into the user's cache. Nothing
else here ever asks the network for anything, and this only where a user names such weights and they are not there.
"""

from __future__ import annotations

import re
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path

from vision.errors import VisionError
from vision.files import whole_file
from vision.networks.cache import cache_folder

RELEASE = "https://github.com/ultralytics/assets/releases/download/v8.4.0"
"""Where ultralytics keeps its weights."""

_DETECTION = re.compile(r"yolov8[nsmlx]\.pt|yolo(11|12|26)[nsmlx]\.pt")
_TIMEOUT_S = 20.0


def named_weights(path: Path, announce: Callable[[str], None] | None = None) -> Path:
    """`path` where there is such a file, or it is none of ultralytics' names; else the file of that name in the cache,
    downloaded where it is not there yet, which `announce` is told. Raises VisionError where it cannot be."""
    if path.exists() or str(path) != path.name or not _DETECTION.fullmatch(path.name):
        return path
    kept = cache_folder() / "weights" / path.name
    if kept.is_file():
        return kept
    address = f"{RELEASE}/{path.name}"
    if announce:
        announce(f"{path.name} is no file here; downloading ultralytics' weights of that name from {address}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer,
            whole_file(kept) as beside,
            beside.open("wb") as stream,
        ):
            shutil.copyfileobj(answer, stream)
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise VisionError(f"{path}: no such file, and it cannot be downloaded from {address} ({reason})") from error
    return kept
