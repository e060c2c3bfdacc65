"""Where something should have been seen and was not: frames whose picture holds its place, without it.

What stands somewhere is found in most of the frames that show its place. Something found there now that the frames of
a minute earlier and later show without it has come and gone. What is concluded from that is left to those who ask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from mapping.ground.planar import Floats
from mapping.ground.tracks import Looks, Tracks

_EDGE_M = 1.0  # so near the edge of a picture a place may be outside it
_AROUND_S = 120.0  # what was there a while ago may have left since


@dataclass(frozen=True, eq=False)
class Pictures:
    """The ground that frames show, and when (F,): UTC seconds, NaN where no detection tells."""

    ground: shapely.STRtree
    time_s: Floats

    @property
    def none(self) -> bool:
        """Whether no frame's ground is known."""
        return len(self.ground) == 0 or bool(shapely.is_missing(self.ground.geometries).all())

    @property
    def area_m2(self) -> float:
        """The area of ground that was looked at, in all frames together: what is in sight of two counts twice."""
        return 0.0 if self.none else float(np.nansum(shapely.area(self.ground.geometries)))

    def misses(self, tracks: Tracks, among: npt.NDArray[np.bool_] | None = None) -> Floats:
        """(G,) how many frames around the time of each track, or of those `among` them, show its place without it.
        Nothing counts as missed where no frame's ground is known."""
        if self.none or not len(tracks):
            return np.zeros(len(tracks))
        asked = np.arange(len(tracks)) if among is None else np.flatnonzero(among)
        track, frame = self.ground.query(shapely.points(tracks.place[asked]), predicate="within")
        track = asked[track]
        lapse = np.maximum(tracks.first_s[track] - self.time_s[frame], self.time_s[frame] - tracks.last_s[track])
        shown = np.bincount(track[lapse <= _AROUND_S], minlength=len(tracks))
        return np.maximum(shown - tracks.count, 0).astype(np.float64)


def pictures(looks: Looks, views: npt.NDArray[np.object_] | None) -> Pictures:
    """The frames that `looks.frame` counts in the order of time, by the polygons of ground (F,) that they show (None
    for a frame without one)."""
    if views is None:
        return Pictures(shapely.STRtree([]), np.empty(0))
    frames, first = np.unique(looks.frame, return_index=True)
    time_s = looks.time_s[first]
    known = np.isfinite(time_s)
    when = np.full(len(views), np.nan)
    if known.any():
        when = np.interp(np.arange(len(views)), frames[known], time_s[known])
    return Pictures(shapely.STRtree(shapely.buffer(views, -_EDGE_M)), when)
