"""Environments of their own for the packages that claims are measured beside: their needs are not ours. Not a claim by
itself."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ENVIRONMENTS = Path(sys.prefix) / "peers"


def environment(name: str, packages: Sequence[str]) -> Path | str:
    """The interpreter of an environment with just these pinned packages, made where there is none yet; or why there is
    none, such as a machine without internet."""
    folder = ENVIRONMENTS / name
    python, listed = folder / "bin" / "python", folder / "packages.txt"
    if listed.is_file() and listed.read_text().split() == list(packages):
        return python
    try:
        venv.create(folder, clear=True, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *packages]
        subprocess.run([str(python), *install], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        return " ".join(said.split())[-200:]
    listed.write_text("\n".join(packages) + "\n")
    return python
