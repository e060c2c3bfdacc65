"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data and weights beside the checkout (`PICKET_SHARED` overrides it); skips where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("PICKET_SHARED", default))
    if not (folder / "data").is_dir():
        pytest.skip(f"no test data at {folder}: set PICKET_SHARED to the folder that holds data/")
    return folder
