"""`picket detect`: pictures of what was found, and options that do not go together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mapping.ground.camera import load_camera
from picket.cli import main
from picket.practice import write_practice_frames


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    write_practice_frames(folder, 2, load_camera("boson640-14"), ("person", "vehicle"), seed=1)
    return folder / "images"


def test_preview_draws_what_was_found(tmp_path: Path, images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flight, preview = tmp_path / "flight", tmp_path / "preview"
    assert (
        main(["detect", str(images), "-o", str(flight), "--backend", "torch", "--preview", str(preview), "--json"]) == 0
    )
    summary = json.loads(capsys.readouterr().out)
    assert summary["contact_sheet"] == str(preview / "contact-sheet.jpg")
    drawn = sorted((preview / "frames").iterdir())
    assert 1 <= len(drawn) <= 2
    assert all(np.ptp(np.asarray(Image.open(path)).astype(int), axis=2).max() > 60 for path in drawn)
    again = ["detect", str(flight), "--backend", "torch", "--preview", str(preview)]
    assert main(again) == 2
    assert "in the way" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--address", "127.0.0.1:1"], ["--workers", "2"], ["--images-at", "s3://b/f"]])
def test_a_cluster_is_asked_for_by_name(images: Path, option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(images), *option]) == 2
    assert "--engine" in capsys.readouterr().err
