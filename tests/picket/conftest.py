"""A small mission to fly: a patrol area of a hundred metres with its home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from picket.cli import main
from picket.folder import Mission
from tests.drawing import drawn, home, polygon

AREA = drawn(
    polygon("patrol", [(88.8950, 23.0350), (88.8960, 23.0350), (88.8960, 23.0360), (88.8950, 23.0360)]),
    home(88.8955, 23.0352),
)


@pytest.fixture
def mission(tmp_path: Path) -> Mission:
    area = tmp_path / "small area ä.geojson"
    area.write_text(json.dumps(AREA))
    assert main(["plan", str(area), "-o", str(tmp_path / "mission")]) == 0
    return Mission(tmp_path / "mission")
