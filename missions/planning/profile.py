"""Heights along a way over uneven ground: as few changes of climb as the tolerance allows, no steeper than it needs,
never above the ceiling over the ground. Works on one dimension, the distance along the way; what the ground is and
where the way goes are others' subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from missions.errors import NotFlyableError

Floats = npt.NDArray[np.float64]

STEEPEST = 2.0
"""The steepest way asked of a multicopter, in metres of height per metre of way (63 degrees)."""

_SLACK_M = 1e-6


@dataclass(frozen=True)
class HeightBand:
    """Heights above the ground: `wanted_m` is flown where the ground allows it, from `lowest_m` to `highest_m` is
    allowed; where the ground rises faster than a drone can climb the top gives way, up to `ceiling_m`."""

    wanted_m: float
    lowest_m: float
    highest_m: float
    ceiling_m: float


@dataclass(frozen=True, eq=False)
class HeightProfile:
    """Heights along a way, straight between the samples `at` (K,) of the way, `height_m` (K,). `lowest_agl_m` and
    `highest_agl_m` are what this comes to over the ground, `steepest` the greatest climb per metre of way."""

    at: npt.NDArray[np.intp]
    height_m: Floats
    lowest_agl_m: float
    highest_agl_m: float
    steepest: float


def height_profile(
    distance_m: Floats, ground_m: Floats, band: HeightBand, slope: float, corners: Sequence[int] = ()
) -> HeightProfile:
    """The heights to fly over ground of the heights `ground_m` (N,) at the rising distances `distance_m` (N,).

    The ground counts as straight between samples, so sample it as finely as it is known. `slope` is the climb and
    descent per metre of way that costs the drone no speed; where the band asks for more it is doubled until the band
    holds (an autopilot slows down on steep ways), up to `STEEPEST`. A height is given at the first and last sample, at
    the samples `corners`, where the way turns, and between these at as few as keep the band: greedy, by the cone of
    slopes that still fit (O'Rourke, Comm. ACM 24, 1981). Raises NotFlyableError where even the steepest way leaves the
    ceiling, naming the distance.
    """
    lower, upper, top = (ground_m + height_m for height_m in (band.lowest_m, band.highest_m, band.ceiling_m))
    floor = _least_over(distance_m, lower, slope)
    while slope < STEEPEST and np.any(floor > upper + _SLACK_M):
        slope = min(2.0 * slope, STEEPEST)
        floor = _least_over(distance_m, lower, slope)
    if np.any(floor > top + _SLACK_M):
        where = float(distance_m[np.argmax(floor - top)])
        raise NotFlyableError(
            f"the ground rises too steeply {where:.0f} m along the way: {band.lowest_m:.0f} m above it on one side "
            f"is more than {band.ceiling_m:.0f} m on the other"
        )
    roof = np.maximum(floor, _most_under(distance_m, np.clip(upper, floor, top), slope))
    wanted = np.clip(_least_over(distance_m, ground_m + band.wanted_m, slope), floor, roof)
    stops = np.unique([0, len(distance_m) - 1, *corners])
    at, height = _fewest_pieces(distance_m, floor, roof, wanted, stops, slope)
    over = np.interp(distance_m, distance_m[at], height) - ground_m
    run = np.diff(distance_m[at])
    climbs = np.abs(np.diff(height))[run > 0] / run[run > 0]
    return HeightProfile(at, height, float(over.min()), float(over.max()), float(climbs.max(initial=0.0)))


def _least_over(distance_m: Floats, height_m: Floats, slope: float) -> Floats:
    """The least heights that are never under `height_m` and nowhere steeper than `slope`."""
    rise = slope * distance_m
    before = np.maximum.accumulate(height_m + rise) - rise
    after = np.maximum.accumulate((height_m - rise)[::-1])[::-1] + rise
    return np.asarray(np.maximum(before, after))


def _most_under(distance_m: Floats, height_m: Floats, slope: float) -> Floats:
    """The greatest heights that are never over `height_m` and nowhere steeper than `slope`."""
    return -_least_over(distance_m, -height_m, slope)


def _fewest_pieces(
    distance_m: Floats, floor: Floats, roof: Floats, wanted: Floats, stops: npt.NDArray[np.intp], slope: float
) -> tuple[npt.NDArray[np.intp], Floats]:
    """Straight pieces from stop to stop between `floor` and `roof`: the samples where they meet, and their heights.

    Each piece goes as far as one line from its beginning fits; floor and roof being nowhere steeper than `slope`, there
    is always a next one that is not either."""
    at, heights = [0], [float(wanted[0])]
    s, low, high, aim = (values.tolist() for values in (distance_m, floor, roof, wanted))
    for stop in stops[1:].tolist():
        while at[-1] < stop:
            begin, height = at[-1], heights[-1]
            least, most = -slope, slope
            end = begin
            for sample in range(begin + 1, stop + 1):
                run = s[sample] - s[begin]
                if run <= 0.0:
                    end = sample
                    continue
                next_least = max(least, (low[sample] - height) / run)
                next_most = min(most, (high[sample] - height) / run)
                if next_least > next_most + _SLACK_M / run:
                    break
                least, most, end = next_least, max(next_least, next_most), sample
            run = s[end] - s[begin]
            at.append(end)
            heights.append(height if run <= 0.0 else height + run * min(max((aim[end] - height) / run, least), most))
    return np.array(at, dtype=np.intp), np.array(heights)
