"""How near drones come to each other that fly sorties of one plan at once, and when they may take off so that none
comes too near. By the plan's own speeds and times: that a drone keeps to them is checked by nobody in the air, so each
is reckoned to be early or late by a little, and by more the longer it has flown. Ways home of drones called home early
are not looked at here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from missions.drones import Drone
from missions.plan import Plan, Sortie
from missions.planning.local import frame_of
from missions.speeds import sortie_speeds

Floats = npt.NDArray[np.float64]

HORIZONTAL_M = 30.0
VERTICAL_M = 10.0
"""Apart is who has one of the two between himself and the other."""
STEP_S = 2.0
"""The times of a track."""
EARLY_OR_LATE_S, EARLY_OR_LATE_SHARE, EARLY_OR_LATE_MOST_S = 10.0, 0.02, 40.0
"""How far a drone may be from where the plan has it: at first, more per second flown, and at most."""
_AIRBORNE_M = 1.0
_DELAY_S = 10.0


def track_of(times_s: Floats, places: Floats) -> Floats:
    """(N, 3) metres east, north and up every STEP_S, from take-off until landed, of straight motion between `places`
    (M, 3) at `times_s` (M,)."""
    when = np.arange(0.0, times_s[-1] + STEP_S, STEP_S)
    return np.column_stack([np.interp(when, times_s, column) for column in places.T])


def sortie_track(plan: Plan, sortie: Sortie, drone: Drone) -> Floats:
    """The track of a sortie from home up, along its waypoints and down at home; (N, 3) as `track_of` has it, home at
    the origin."""
    frame = frame_of(plan.home)
    corners = [(0.0, 0.0, sortie.waypoints[0].alt_home_m)]
    for waypoint in sortie.waypoints:
        east_m, north_m = frame.to_local(waypoint.lat_deg, waypoint.lon_deg)
        corners.append((float(east_m), float(north_m), waypoint.alt_home_m))
    return flown_track(np.array(corners), sortie_speeds(plan, sortie), drone, sortie.flight_time_s)


def flown_track(corners: Floats, speeds_m_s: Sequence[float], drone: Drone, flight_time_s: float) -> Floats:
    """The track, as `track_of` has it, of a flight straight up to the first of its corners (N, 3), on to each of the
    others at `speeds_m_s` (N - 1,) and straight down, that takes so long in all."""
    up_s = float(corners[0, 2]) / drone.climb_rate_m_s
    down_s = float(corners[-1, 2]) / drone.descent_rate_m_s
    legs_s = np.linalg.norm(np.diff(corners, axis=0), axis=1) / np.asarray(speeds_m_s)
    # what turns, climbs on the way and the slow end of the landing take is spread over the legs
    legs_s *= max(flight_time_s - up_s - down_s, 0.0) / max(float(legs_s.sum()), 1e-9)
    on_ground = np.array([1.0, 1.0, 0.0])
    places = np.vstack([corners[:1] * on_ground, corners, corners[-1:] * on_ground])
    return track_of(np.cumsum([0.0, up_s, *legs_s, down_s]), places)


def nearest_m(first: Floats, second: Floats, later_s: float) -> float:
    """The least horizontal distance of two tracks while both are in the air and less than VERTICAL_M apart in height
    (infinite where that is never so), the second begun `later_s` after the first (negative: before it)."""
    nearest = math.inf
    steps = int(EARLY_OR_LATE_MOST_S // STEP_S)
    for slip in range(-steps, steps + 1):
        shift = round(later_s / STEP_S) + slip
        one, other = first[max(0, shift) :], second[max(0, -shift) :]
        # a drone is that far off its time only once it has flown for long enough
        flown_s = max(0.0, abs(slip) * STEP_S - EARLY_OR_LATE_S) / EARLY_OR_LATE_SHARE
        skip = max(0, math.ceil(flown_s / STEP_S) - abs(shift))
        count = min(len(one), len(other))
        if count <= skip:
            continue
        apart = one[skip:count] - other[skip:count]
        both = (one[skip:count, 2] > _AIRBORNE_M) & (other[skip:count, 2] > _AIRBORNE_M)
        both &= np.abs(apart[:, 2]) < VERTICAL_M
        if both.any():
            nearest = min(nearest, float(np.hypot(apart[both, 0], apart[both, 1]).min()))
    return nearest


def starts_apart(tracks: Sequence[Floats], wished_s: Sequence[float]) -> list[float]:
    """When each drone may take off: as wished, or later by steps of 10 s until it keeps apart from those before it in
    the list."""
    begun: list[tuple[float, Floats]] = []
    for track, wish_s in zip(tracks, wished_s, strict=True):
        begun.append((start_apart_s(track, wish_s, begun), track))
    return [start_s for start_s, _ in begun]


def start_apart_s(track: Floats, wish_s: float, begun: Sequence[tuple[float, Floats]]) -> float:
    """When a drone may take off: as wished, or later by steps of 10 s until it keeps apart from those that fly the
    tracks `begun` at their times. There is always such a moment: when the others have landed."""
    start_s = wish_s
    while any(nearest_m(other, track, start_s - other_s) < HORIZONTAL_M for other_s, other in begun):
        start_s += _DELAY_S
    return start_s


def least_distance_m(tracks: Sequence[Floats], starts_s: Sequence[float]) -> float:
    """The least of `nearest_m` between any two drones that begin at these moments."""
    pairs = combinations(zip(starts_s, tracks, strict=True), 2)
    return min((nearest_m(a, b, b_s - a_s) for (a_s, a), (b_s, b) in pairs), default=math.inf)
