"""Read one picture from disk as the detector wants it: blue, green, red, 8 bit, each pixel where the sensor wrote it.
What the metadata say of the camera's place is `mapping`'s subject.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import cv2
import numpy as np

from vision.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})
"""Endings of the files taken for pictures, in lower case."""

Picture = str | PathLike[str]
"""What `read_image` reads."""

_DEEP_MODES = ("I", "F")
_SPARSE = 8  # every so many pixels are looked at
_COLOURLESS = 6.0  # mean difference of the channels, of 255
DARKEST_PCT, BRIGHTEST_PCT = 0.5, 99.5
"""Per cent of the pixels of a deep picture that become black and white at most: see `stretched`."""


def read_image(path: Picture) -> np.ndarray:
    """The picture at `path`, uint8 (H, W, 3) in the order blue, green, red; a grey one has three equal channels.

    Never turned by its EXIF orientation: pixel places must agree with the camera's model. A grey picture of more than
    8 bits (16 bit radiometric, floating point) is `stretched`. Raises InputError where there is no file, it is no
    picture, or it is cut short.
    """
    from PIL import Image, UnidentifiedImageError

    if not Path(path).is_file():
        raise InputError(path, "no such picture")
    try:
        with Image.open(path) as image:
            if image.mode.startswith(_DEEP_MODES):
                return np.asarray(cv2.cvtColor(stretched(np.asarray(image)), cv2.COLOR_GRAY2BGR))
            grey = image.mode in ("1", "L", "LA")
            pixels = np.asarray(image.convert("L" if grey else "RGB"))
    except (UnidentifiedImageError, ModuleNotFoundError) as error:  # ultralytics asks for another reader's module
        raise InputError(path, "not a picture that can be read (its content is no format known here)") from error
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them stumble over
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(path, f"not a picture that can be read ({reason})") from error
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR if grey else cv2.COLOR_RGB2BGR))


def stretched(values: np.ndarray) -> np.ndarray:
    """Grey values of any depth (H, W) as uint8: the values that 0.5 % and 99.5 % of the pixels do not exceed become
    black and white, straight between. So the few hottest pixels do not darken the rest, and one picture's greys do not
    depend on another's. What is not finite becomes black; a picture of one value is black."""
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, dtype=np.uint8)
    dark, bright = np.percentile(values[finite], [DARKEST_PCT, BRIGHTEST_PCT])
    if bright <= dark:
        return np.zeros(values.shape, dtype=np.uint8)
    grey = (np.where(finite, values, dark).astype(np.float64) - dark) * (255.0 / (bright - dark))
    return np.asarray(np.clip(np.round(grey), 0, 255).astype(np.uint8))


def in_colour(path: Picture) -> bool:
    """Whether the picture at `path` shows colours: its channels differ by more than compression makes them differ.
    Raises InputError where it cannot be read."""
    sparse = read_image(path)[::_SPARSE, ::_SPARSE].astype(np.int16)
    return bool(np.mean(np.ptp(sparse, axis=2)) > _COLOURLESS)
