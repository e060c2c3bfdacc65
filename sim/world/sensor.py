"""What a thermal camera makes of kelvin: blur of the lens, noise, vignetting, automatic gain and edge enhancement, down
to 8 bits. What it looks at is `renderer`'s subject.

The levels follow the night frames of HIT-UAV (60-80 m, looking down): mean grey near 125, roads at 150-180, people at
240-250 with a thin dark seam from the camera's sharpening, noise of 1.5-2 grey levels that neighbouring pixels share.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from sim.world.texture import STEP_K

MEAN_GREY = 124.0
GAIN_GREY_PER_K = (10.0, 15.0)
"""Least and most grey levels a kelvin: the gain follows the contrast of the scene between these."""
SPREAD_GREY = 120.0
"""Grey levels the middle 96 % of a scene are spread over, as far as the gain allows."""
BLUR_PX = 0.72
NOISE_K = 0.06


def expose(kelvin: np.ndarray, seed: int, shot: int) -> np.ndarray:
    """The 8-bit picture (H, W) of a scene of apparent temperatures (H, W) float32. The same seed and shot number give
    the same picture; the seed is the camera's (its fixed pattern), the shot's noise is its own."""
    height, width = kelvin.shape
    draw = np.random.default_rng([seed & 0xFFFFFFFF, 0xCA3E7A, shot & 0xFFFFFFFF])
    noise = draw.standard_normal((height, width), dtype=np.float32)
    seen = np.asarray(cv2.GaussianBlur(kelvin, (0, 0), BLUR_PX), np.float32)
    # Smoothed by 0.6 px, white noise of unit variance keeps a standard deviation of 0.47.
    seen = seen + (NOISE_K / 0.47) * np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.6), np.float32)
    seen = seen + _fixed_pattern(seed, height, width)
    low, high = np.percentile(kelvin[::4, ::4], (2.0, 98.0))
    gain = float(np.clip(SPREAD_GREY / max(high - low, STEP_K), *GAIN_GREY_PER_K))
    middle = 0.5 * float(np.median(kelvin[::4, ::4])) + 0.5 * float(kelvin[::4, ::4].mean())
    grey = MEAN_GREY + gain * (seen - middle)
    grey += 0.55 * (grey - cv2.GaussianBlur(grey, (0, 0), 1.6))
    return _SQUEEZED[np.clip(grey + 256.0, 0, 1023).astype(np.int16)]


def _squeeze(grey: np.ndarray) -> np.ndarray:
    """Bend the ends of the scale instead of cutting them: above 205 towards 252, below 60 towards 22."""
    high, low = np.maximum(grey - 205.0, 0.0), np.maximum(60.0 - grey, 0.0)
    middle = np.clip(grey, 60.0, 205.0)
    return middle + 47.0 * (1.0 - np.exp(-high / 47.0)) - 38.0 * (1.0 - np.exp(-low / 38.0))


_SQUEEZED = np.rint(_squeeze(np.arange(-256.0, 768.0) + 0.5)).astype(np.uint8)
"""The 8-bit level of every whole grey from -256 to 767."""


@lru_cache(maxsize=4)
def _fixed_pattern(seed: int, height: int, width: int) -> np.ndarray:
    """Kelvin that the same camera adds to every frame: faint columns and rows, and corners that see the warm lens."""
    draw = np.random.default_rng([seed & 0xFFFFFFFF, 0xF1])
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    corner = (x**2 + y**2) / 2
    pattern = 0.025 * draw.standard_normal((1, width)) + 0.02 * draw.standard_normal((height, 1)) - 0.35 * corner**2
    return pattern.astype(np.float32)
