"""What a ray that looks for the ground comes to: a place on it, or the reason why not; and how a ray falls over a
round earth. The ground itself is `mapping.ground.terrain`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAX_RANGE_M = 10_000.0
EARTH_RADIUS_M = 6_371_000.0
_BENT = 0.5 / EARTH_RADIUS_M  # a level line leaves the earth by distance squared times this: 8 cm at 1 km, 2 m at 5 km


class Miss(IntEnum):
    """Why a ray has no place on the ground; `NONE` where it has one."""

    NONE = 0
    NO_POSE = 1
    HORIZON = 2
    TOO_FAR = 3
    NO_TERRAIN = 4
    BELOW_GROUND = 5
    NO_RAY = 6


@dataclass(frozen=True)
class RayHits:
    """Where (N,) rays meet the ground: `slant_m` along the ray (NaN where they do not), `normal` (N, 3) of the ground
    there (east, north, up; unit length), `miss` (N,) of `Miss`, `unsure_m` (N,) how far the ground may be from what
    lies between its known points."""

    slant_m: Floats
    normal: Floats
    miss: npt.NDArray[np.int8]
    unsure_m: Floats


def height_on_ray(height: Floats, rise: Floats, slant: Floats) -> Floats:
    """The height over the round earth at `slant` along rays that begin at `height` and climb `rise` a metre."""
    return height + slant * (rise + slant * (1.0 - rise * rise) * _BENT)


def slant_to_fall(drop: Floats, rise: Floats) -> Floats:
    """How far along rays that climb `rise` a metre (negative: fall) the height is `drop` lower, over a round earth; NaN
    where it never is."""
    bent = (1.0 - rise * rise) * _BENT
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(rise * rise - 4.0 * bent * drop)
        return np.where(rise < 0.0, 2.0 * drop / (root - rise), np.nan)
