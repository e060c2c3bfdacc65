"""Where something should have been seen and was not: frames whose picture holds its place, without it.

What stands somewhere is found in most of the frames that show its place. Something found there now that the frames of
a minute earlier and later show without it has come and gone. What is concluded from that is left to those who ask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from mapping.ground.planar import Floats, Ints
from mapping.ground.tracks import Looks, Tracks

_EDGE_M = 1.0  # so near the edge of a picture a place may be outside it
_UNKNOWN_M2, _LEAST_M2 = 1e4, 100.0
_AROUND_S = 120.0  # what was there a while ago may have left since


@dataclass(frozen=True, eq=False)
class Pictures:
    """The ground that frames show, when (F,): UTC seconds, NaN where no detection tells, and of what area (F,): an
    estimate where no ground is known, NaN where that of single frames is not."""

    ground: shapely.STRtree
    time_s: Floats
    area_m2: Floats

    @property
    def none(self) -> bool:
        """Whether no frame's ground is known."""
        return len(self.ground) == 0

    @property
    def all_m2(self) -> float:
        """The area of ground that was looked at, in all frames together: what is in sight of two counts twice."""
        return float(np.nansum(self.area_m2))

    def crowd_m2(self, frame: Ints) -> float:
        """How many others there are about a detection, per square metre of its picture, on average over detections in
        these frames (N,): at least as many as on all ground looked at. Objects come together, so that this is more
        than their number over the area."""
        frames, count = np.unique(frame, return_counts=True)
        others = float(np.nansum(count * (count - 1) / self.area_m2[frames])) / len(frame)
        return max(others, len(frame) / self.all_m2)

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
    for a frame without one). There has to be a look."""
    frames, first = np.unique(looks.frame, return_index=True)
    if views is None or bool(shapely.is_missing(views).all()):
        return Pictures(shapely.STRtree([]), np.empty(0), np.full(int(frames[-1]) + 1, _usual_area_m2(looks)))
    time_s = looks.time_s[first]
    known = np.isfinite(time_s)
    when = np.full(len(views), np.nan)
    if known.any():
        when = np.interp(np.arange(len(views)), frames[known], time_s[known])
    return Pictures(shapely.STRtree(shapely.buffer(views, -_EDGE_M)), when, shapely.area(views))


def _usual_area_m2(looks: Looks) -> float:
    """The area of a picture of which only the detections are known: that of a rectangle over which they are spread
    evenly, 12 times the root of the determinant of their covariance; a hectare if no frame has two."""
    frame = np.unique(looks.frame, return_inverse=True)[1]
    count = np.bincount(frame)
    mean = np.stack([np.bincount(frame, one) for one in looks.place.T], axis=1) / count[:, None]
    off = looks.place - mean[frame]
    if len(looks) == len(count):
        return _UNKNOWN_M2
    covariance = off.T @ off / (len(looks) - len(count))
    return max(_LEAST_M2, 12.0 * float(np.sqrt(max(0.0, np.linalg.det(covariance)))))
