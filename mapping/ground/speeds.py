"""How fast things go, and what a track says of whether its object moves: shared by all who link moving objects."""

from __future__ import annotations

import numpy as np

from mapping.ground.planar import Floats, log_density
from mapping.ground.tracks import MOVES, Tracks

TURNING = 0.15
"""How far, of the way since, a moving object may be off its straight course."""

_TURNING_S = 8.0  # over what time a course comes to be as far off a straight line as it may be
_FAST_M_S = {"person": 1.2, "bicycle": 4.0, "vehicle": 8.0}
_TOP_M_S = {"person": 4.0, "bicycle": 12.0, "vehicle": 30.0}
_LOG_MISSED, _MOST_MISSED = 1.9, 3.0
"""A detector misses what it should see about once in seven times; what it misses once it misses again, so that many
times say little more than three."""


def speeds_m_s(class_name: str) -> tuple[float, float] | None:
    """How fast the class goes in m/s, one sigma of either component, and at most; None for what does not move."""
    fast = _FAST_M_S.get(class_name)
    return None if fast is None else (fast, _TOP_M_S[class_name])


def believed(tracks: Tracks, fast_m_s: float) -> tuple[Floats, Floats]:
    """Velocities (G, 2) and their covariances (G, 2, 2) with the prior that objects move at about `fast_m_s`."""
    prior = fast_m_s**2 * np.eye(2)
    gain = prior @ np.linalg.inv(tracks.velocity_covariance + prior)
    return (gain @ tracks.velocity[:, :, None])[:, :, 0], prior - gain @ prior


def turning_m_s(speed_m_s: Floats, lapse_s: Floats) -> Floats:
    """One sigma of how much either component of the velocity may have changed after that time."""
    return TURNING * (1.0 - np.exp(-lapse_s / _TURNING_S)) * speed_m_s


def moving_resting(tracks: Tracks, fast_m_s: float) -> tuple[Floats, Floats]:
    """(G,), (G,) how likely each track's velocity is if it moves as its class does, and if it rests, in logarithms."""
    moving, _ = log_density(tracks.velocity, tracks.velocity_covariance + fast_m_s**2 * np.eye(2))
    resting, _ = log_density(tracks.velocity, tracks.velocity_covariance)
    return moving, resting


def rests(tracks: Tracks, fast_m_s: float, misses: Floats) -> Floats:
    """(G,) how much likelier each track is of anything, at rest or moving, than of something that moves as its class
    does, in logarithms: little for what moved in sight, or was missed where it should stand."""
    moving, resting = moving_resting(tracks, fast_m_s)
    return either(moving, resting, misses) - moving


def either(moving: Floats, resting: Floats, misses: Floats) -> Floats:
    """The log-likelihood of what moves or is at rest, given that of either, and how often it was missed at its
    place."""
    return np.asarray(np.logaddexp(np.log(MOVES) + moving, np.log1p(-MOVES) + resting + unseen(misses)))


def unseen(misses: Floats) -> Floats:
    """How likely, in logarithms, what is at rest is missed so often at its place."""
    return -_LOG_MISSED * np.clip(misses, 0.0, _MOST_MISSED)
