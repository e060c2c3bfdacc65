"""Pairs of tracks within reach: none is overlooked, and most that are far apart are left out."""

from __future__ import annotations

import numpy as np

from mapping.ground.reaching import reachable
from mapping.ground.tracks import Looks, Tracks, fit

TOP_M_S = 4.0


def walkers(rng: np.random.Generator, count: int) -> Tracks:
    """Tracks of three looks a second apart, somewhere in a square kilometre and twenty minutes."""
    start, speed = rng.uniform(0.0, 1000.0, (count, 2)), rng.normal(0.0, 1.0, (count, 2))
    begin, step = rng.uniform(0.0, 1200.0, count), np.arange(3.0)
    size = 3 * count
    looks = Looks(
        frame=np.arange(size),
        time_s=1e9 + (begin[:, None] + step).ravel(),
        flight=np.zeros(size, dtype=np.intp),
        class_name=np.full(size, "person"),
        place=(start[:, None] + speed[:, None] * step[:, None]).reshape(-1, 2),
        noise=np.tile(0.01 * np.eye(2), (size, 1, 1)),
        factors=np.zeros((size, 2, 1)),
        chance=np.full(size, -9.0),
    )
    return fit(looks, np.repeat(np.arange(count), 3))


def wanted(tracks: Tracks, horizon_s: np.ndarray) -> set[tuple[int, int]]:
    """By looking at all pairs: where the one would be by its course when the other begins."""
    found = set()
    for i in range(len(tracks)):
        for j in range(len(tracks)):
            since = tracks.first_s[j] - tracks.last_s[i]
            if not (tracks.first_s[j] > tracks.first_s[i] and since <= max(horizon_s[i], horizon_s[j])):
                continue
            who, other, sense = (i, j, 1.0) if horizon_s[i] >= horizon_s[j] else (j, i, -1.0)
            end = tracks.first_s[other] if sense > 0.0 else tracks.last_s[other]
            lapse = end - tracks.middle_s[who]
            there = tracks.place[other] + tracks.velocity[other] * (end - tracks.middle_s[other])
            miss = there - tracks.place[who] - tracks.velocity[who] * lapse
            sigma = np.sqrt(np.linalg.eigvalsh(tracks.velocity_covariance[who]).max())
            if np.linalg.norm(miss) < 3.0 * sigma * abs(lapse) + 5.0:
                found.add((i, j))
    return found


def test_all_that_a_course_may_lead_to_is_found_and_little_else() -> None:
    rng = np.random.default_rng(4)
    tracks = walkers(rng, 150)
    horizon = rng.uniform(8.0, 200.0, len(tracks))
    everyone, changed = np.arange(len(tracks)), np.ones(len(tracks), dtype=np.bool_)
    believed = (tracks.velocity, tracks.velocity_covariance)
    i, j = reachable(tracks, everyone, changed, believed, horizon, TOP_M_S)
    pairs = set(zip(i.tolist(), j.tolist(), strict=True))
    assert len(pairs) == len(i)
    assert wanted(tracks, horizon) <= pairs
    assert len(pairs) < 0.2 * len(tracks) ** 2
    changed = rng.random(len(tracks)) < 0.1
    i, j = reachable(tracks, everyone, changed, believed, horizon, TOP_M_S)
    some = set(zip(i.tolist(), j.tolist(), strict=True))
    assert some == {(a, b) for a, b in some if changed[a] or changed[b]}
    assert {(a, b) for a, b in wanted(tracks, horizon) if changed[a] or changed[b]} <= some


def test_a_lone_track_reaches_nobody() -> None:
    tracks = walkers(np.random.default_rng(1), 1)
    i, j = reachable(
        tracks,
        np.array([0]),
        np.array([True]),
        (tracks.velocity, tracks.velocity_covariance),
        np.array([50.0]),
        TOP_M_S,
    )
    assert len(i) == len(j) == 0
