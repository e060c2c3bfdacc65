"""How much ground a pixel in the middle of each frame shows, from the poses in the table of frames. What follows for
the search is `vision.frame`'s subject.
"""

from __future__ import annotations

import math

import pyarrow as pa

from picket.folder import Flight

_FLATTEST_DEG = 15.0  # a camera that looks up more than this sees pixels of all sizes


def gsds_m(frames: pa.Table, flight: Flight) -> list[float | None]:
    """Metres on the ground across one pixel in the middle of each frame of a flight (level ground at the height of
    take-off), None where height, attitude or camera is not known or the camera looks towards the horizon."""
    if not flight.facts().get("camera"):
        return [None] * frames.num_rows
    focal_px = flight.camera().fx_px
    found: list[float | None] = []
    for height_m, pitch_deg in zip(frames["alt_home_m"].to_pylist(), frames["pitch_deg"].to_pylist(), strict=True):
        known = height_m is not None and pitch_deg is not None and height_m > 0 and pitch_deg <= -_FLATTEST_DEG
        found.append(height_m / math.sin(math.radians(-max(pitch_deg, -90.0))) / focal_px if known else None)
    return found
