"""Text files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mapping.errors import MappingError


def write_whole(path: Path, text: str) -> None:
    """Write `text` as UTF-8 beside `path`, then rename it; raises MappingError where that cannot be done."""
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(text, "utf-8", newline="")
        os.replace(beside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise MappingError(f"{path}: cannot be written ({error.strerror})") from error
