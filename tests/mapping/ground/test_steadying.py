"""What is at rest shows how far single frames and whole flights are off."""

from __future__ import annotations

import numpy as np
import pytest

from mapping.ground.steadying import steadied
from mapping.ground.tracks import Looks, log_chances

FRAMES, OBJECTS = 20, 8


def looks(rng: np.random.Generator, shift_m: float, own_m: float) -> tuple[Looks, np.ndarray]:
    """Every object in every frame; each frame is shifted as a whole and each look by itself. The true places too."""
    objects = rng.uniform(0.0, 40.0, (OBJECTS, 2))
    frame, thing = (one.ravel() for one in np.meshgrid(np.arange(FRAMES), np.arange(OBJECTS), indexing="ij"))
    place = objects[thing] + rng.normal(0.0, shift_m, (FRAMES, 2))[frame] + rng.normal(0.0, own_m, (len(frame), 2))
    factors = np.zeros((len(frame), 2, 3))
    factors[:, 0, 0] = factors[:, 1, 1] = 1.5
    noise = np.tile((shift_m**2 + own_m**2) * np.eye(2), (len(frame), 1, 1))
    flight, names = np.zeros(len(frame), dtype=np.intp), np.full(len(frame), "person")
    chance = log_chances(place, frame, names)
    return Looks(frame, 1e9 + frame.astype(np.float64), flight, names, place, noise, factors, chance), thing


def steps(found: Looks, thing: np.ndarray, only: int) -> np.ndarray:
    """How far one object seems to move from each frame to the next."""
    return np.diff(found.place[thing == only], axis=0)


@pytest.mark.parametrize("seed", range(3))
def test_shifts_of_whole_frames_are_taken_out_of_what_had_no_part_in_finding_them(seed: int) -> None:
    seen, thing = looks(np.random.default_rng(seed), shift_m=0.6, own_m=0.1)
    found = steadied(seen, thing, np.flatnonzero(thing > 0))
    assert steps(seen, thing, 0).std() > 0.6
    assert steps(found, thing, 0).std() < 0.25
    stated = np.sqrt(np.trace(found.noise[thing == 0], axis1=1, axis2=2).mean() / 2.0)
    assert 0.07 < stated < 0.3


def test_errors_of_single_looks_are_not_taken_for_those_of_frames() -> None:
    seen, thing = looks(np.random.default_rng(4), shift_m=0.0, own_m=0.5)
    found = steadied(seen, thing, np.flatnonzero(thing > 0))
    assert steps(found, thing, 0).std() < 1.2 * steps(seen, thing, 0).std()
    assert np.trace(found.noise, axis1=1, axis2=2).mean() > 0.5 * np.trace(seen.noise, axis1=1, axis2=2).mean()


def test_nothing_at_rest_changes_nothing() -> None:
    seen, thing = looks(np.random.default_rng(5), shift_m=0.3, own_m=0.1)
    assert steadied(seen, thing, np.empty(0, dtype=np.intp)) is seen
    once = np.flatnonzero(seen.frame == 0)
    assert steadied(seen, thing, once) is seen
