"""Read one picture from disk as the detector wants it: blue, green, red, 8 bit, exactly as the sensor wrote it. What
the metadata say of the camera's place is `mapping`'s subject.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import cv2
import numpy as np

from vision.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})
"""Endings of the files taken for pictures, in lower case."""

_DEEP_MODES = ("I", "F")


def read_image(path: str | PathLike[str]) -> np.ndarray:
    """The picture at `path`, uint8 (H, W, 3) in the order blue, green, red; a grey one has three equal channels.

    Never turned by its EXIF orientation: pixel places must agree with the camera's model. Raises InputError
    where there is no file, it is no picture, it is cut short, or it holds more than 8 bits a channel.
    """
    from PIL import Image

    if not Path(path).is_file():
        raise InputError(path, "no such picture")
    try:
        with Image.open(path) as image:
            if image.mode.startswith(_DEEP_MODES):
                raise InputError(path, "a picture of more than 8 bits a channel; convert it to 8 bit first")
            grey = image.mode in ("1", "L", "LA")
            pixels = np.asarray(image.convert("L" if grey else "RGB"))
    except InputError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them stumble over
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(path, f"not a picture that can be read ({reason})") from error
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR if grey else cv2.COLOR_RGB2BGR))
