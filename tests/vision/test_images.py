"""Pictures are read as the sensor wrote them, and what is none is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision.errors import InputError
from vision.images import read_image


def test_colours_come_as_blue_green_red(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 6, 3), (255, 128, 0), np.uint8)).save(tmp_path / "a.png")
    pixels = read_image(tmp_path / "a.png")
    assert pixels.shape == (4, 6, 3)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_every_kind_becomes_three_channels(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new("RGB", (6, 4), (255, 255, 255)).convert(mode).save(path)
    assert read_image(path).tolist() == np.full((4, 6, 3), 255).tolist()


def test_exif_orientation_does_not_turn_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (6, 4)).save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == (4, 6, 3)


def test_what_is_no_picture_is_one_line(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 64), dtype=np.uint8)).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1500])
    (tmp_path / "text.jpg").write_text("no picture\n")
    (tmp_path / "empty.jpg").touch()
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    for name in ("cut.jpg", "text.jpg", "empty.jpg", "deep.png", "absent.jpg"):
        with pytest.raises(InputError) as refused:
            read_image(tmp_path / name)
        assert name in str(refused.value)
        assert "\n" not in str(refused.value)
