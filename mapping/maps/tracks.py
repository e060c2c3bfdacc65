"""Flown tracks as a page draws them: lines in colours of height, and the points from which a flight is played again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from mapping.ground.frame import longitudes_near
from mapping.maps.layers import Feature, thinned
from mapping.maps.sightings import floats

TRACK_TOLERANCE_M = 0.5
REPLAY_POINTS = 1500
TONES = 6
"""How many colours the track has at most, lowest first; `page/page.css` names them."""
LEAST_STEP_M = 5.0
STAYS_M = 1.0
"""A height has to leave its colour's band by this much before the colour changes, or a wind would make it flicker."""


@dataclass(frozen=True)
class HeightScale:
    """What the colours of a track mean: (T + 1,) limits of its bands in metres, and over what."""

    limits_m: tuple[float, ...]
    over: str
    column: str

    def tones(self, heights_m: np.ndarray) -> np.ndarray:
        """(N,) the number of the band each height is in, from 0; an unknown height keeps the band before it."""
        low, step = self.limits_m[0], self.limits_m[1] - self.limits_m[0]
        last, found = 0, []
        for height in heights_m.tolist():
            bottom = low + last * step
            if math.isfinite(height) and not bottom - STAYS_M <= height <= bottom + step + STAYS_M:
                last = min(max(int((height - low) // step), 0), len(self.limits_m) - 2)
            found.append(last)
        return np.asarray(found, dtype=np.int64)


def height_scale(tracks: Mapping[str, pa.Table]) -> HeightScale | None:
    """The scale for all these tracks together, above take-off where each point knows that, None where no height is
    known."""
    for column, over in (("alt_home_m", "take-off"), ("alt_amsl_m", "sea level")):
        known = [heights[np.isfinite(heights)] for track in tracks.values() if len(heights := floats(track, column))]
        if not known or not all(map(len, known)):
            continue
        every = np.concatenate(known)
        low, high = float(np.floor(every.min())), float(np.ceil(every.max()))
        bands = int(np.clip(math.ceil((high - low) / LEAST_STEP_M), 1, TONES))
        step = max(math.ceil((high - low) / bands), 1)
        return HeightScale(tuple(low + step * k for k in range(bands + 1)), over, column)
    return None


def track_features(track: pa.Table, scale: HeightScale | None, around_lon_deg: float) -> list[Feature]:
    """A flown track as lines, each of one band of height, thinned to `TRACK_TOLERANCE_M`; it is broken where the
    position is unknown. Longitudes are those within 180 degrees of `around_lon_deg`."""
    lat, lon = floats(track, "lat_deg"), longitudes_near(floats(track, "lon_deg"), around_lon_deg)
    known = np.isfinite(lon) & np.isfinite(lat)
    tones = scale.tones(floats(track, scale.column)) if scale else np.zeros(len(lat), dtype=np.int64)
    features = []
    start = 0
    for place in range(1, len(lat) + 1):
        ends = place == len(lat) or not known[place] or not known[start]
        if not ends and tones[place] == tones[start]:
            continue
        stop = place if ends else place + 1  # lines of two colours meet in the point where the colour changes
        if known[start] and stop - start > 1:
            line = shapely.LineString(np.column_stack([lon[start:stop], lat[start:stop]]))
            features.append(Feature(thinned(line, TRACK_TOLERANCE_M), tone=int(tones[start]) if scale else None))
        start = place
    return features


def replay(tracks: Mapping[str, pa.Table], around_lon_deg: float) -> list[dict[str, Any]]:
    """What a page needs to play the flights again: name, start and at most `REPLAY_POINTS` points [lat, lon, seconds
    since the start] of each track that has at least two of known place and time."""
    flights = []
    for name, track in tracks.items():
        lat, lon = floats(track, "lat_deg"), longitudes_near(floats(track, "lon_deg"), around_lon_deg)
        moments = track.column("time_utc").to_numpy(zero_copy_only=False).astype("datetime64[us]")
        known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat) & ~np.isnat(moments))
        if len(known) < 2:
            continue
        kept = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), REPLAY_POINTS)).round().astype(int))]
        seconds = (moments[kept] - moments[kept[0]]) / np.timedelta64(1, "s")
        points = zip(lat[kept].round(6).tolist(), lon[kept].round(6).tolist(), seconds.round(1).tolist(), strict=True)
        start = track.column("time_utc")[int(kept[0])].as_py()
        flights.append({"name": name, "start": start, "points": [list(point) for point in points]})
    return flights


def scale_json(scale: HeightScale | None) -> dict[str, Any] | None:
    """The scale for the legend."""
    return None if scale is None else {"limits": list(scale.limits_m), "over": scale.over}
