"""Pictures are read as the sensor wrote them, and what is none is named."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision.errors import InputError
from vision.images import read_image, stretched


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
    for name in ("cut.jpg", "text.jpg", "empty.jpg", "absent.jpg"):
        with pytest.raises(InputError) as refused:
            read_image(tmp_path / name)
        assert name in str(refused.value)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("name", "kind"), [("a.png", np.uint16), ("a.tif", np.uint16), ("a.tiff", np.float32)])
def test_radiometric_pictures_are_stretched(tmp_path: Path, name: str, kind: type) -> None:
    """Hundredths of kelvin: a person of 30 degrees on ground of 10, and one pixel of fire."""
    values = np.full((100, 100), 28315, kind)
    values[:, 50:] = 28515
    values[40:50, 40:50] = 30315
    values[0, 0] = 60000
    Image.fromarray(values).save(tmp_path / name)
    grey = read_image(tmp_path / name)
    assert grey.dtype == np.uint8
    assert (grey[..., 0] == grey[..., 2]).all()
    assert [int(grey[y, x, 0]) for y, x in ((99, 0), (99, 99), (45, 45), (0, 0))] == [0, 26, 255, 255]


def test_what_cannot_be_stretched_is_black() -> None:
    assert not stretched(np.full((3, 3), 7, np.uint16)).any()
    assert not stretched(np.full((3, 3), np.nan)).any()
    assert stretched(np.array([[0.0, 1.0, np.nan, np.inf]]))[0].tolist() == [0, 255, 0, 0]


def test_five_hundred_broken_pictures_are_each_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    whole = {}
    for suffix in ("jpg", "png", "tif"):
        picture.save(tmp_path / f"whole.{suffix}")
        whole[suffix] = np.frombuffer((tmp_path / f"whole.{suffix}").read_bytes(), np.uint8)
    refused: list[tuple[str, str]] = []
    for number in range(500):
        suffix = ("jpg", "png", "tif")[number % 3]
        content = whole[suffix].copy()
        hit = rng.integers(0, len(content), rng.integers(1, 40))
        content[hit] = rng.integers(0, 256, len(hit))
        path = tmp_path / f"{number}.{suffix}"
        path.write_bytes(content[: rng.integers(1, len(content) + 1)].tobytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd tags before it decides
            try:
                assert read_image(path).shape[2] == 3
            except InputError as error:
                refused.append((str(path), str(error)))
    assert len(refused) > 250
    assert all(said.startswith(path) and "\n" not in said for path, said in refused)


def test_of_a_radiometric_jpeg_the_visible_picture_is_read(tmp_path: Path) -> None:
    """DJI's R-JPEG keeps temperatures in application segments of a picture that anything can show."""
    shown = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    Image.fromarray(shown).save(tmp_path / "plain.jpg", quality=95)
    content = (tmp_path / "plain.jpg").read_bytes()
    raw = np.random.default_rng(0).integers(0, 256, 640 * 512 * 2, dtype=np.uint8).tobytes()
    parts = [raw[k : k + 65_000] for k in range(0, len(raw), 65_000)]
    segments = b"".join(b"\xff\xe3" + (len(part) + 2).to_bytes(2, "big") + part for part in parts)
    path = tmp_path / "DJI_0001_R.JPG"
    path.write_bytes(content[:2] + segments + content[2:])
    assert np.array_equal(read_image(path), read_image(tmp_path / "plain.jpg"))
    path.write_bytes(content[:2] + segments[:-5])
    with pytest.raises(InputError, match="DJI_0001_R"):
        read_image(path)
