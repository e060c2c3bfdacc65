"""Looks in frames shortly after each other become the tracks of those who made them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from mapping.ground.overlooked import pictures
from mapping.ground.sequences import in_sequence
from mapping.ground.tracks import Looks

Row = tuple[float, float, float]
"""Seconds, metres east and north."""
GROUND = shapely.box(-100.0, -100.0, 100.0, 100.0)


def walk(start: tuple[float, float], velocity: tuple[float, float], count: int, step_s: float = 2.0) -> list[Row]:
    """Somebody who goes straight on, seen every so many seconds."""
    return [
        (step_s * k, start[0] + velocity[0] * step_s * k, start[1] + velocity[1] * step_s * k) for k in range(count)
    ]


def tracked(
    *people: list[Row],
    class_name: str = "person",
    sigma_m: float = 0.2,
    seed: int = 0,
    factors: np.ndarray | None = None,
) -> list[list[int]]:
    """Of each of these objects the numbers of the tracks its looks are in, the flight having these errors."""
    rows = np.array([row for one in people for row in one])
    place = rows[:, 1:] + sigma_m * np.random.default_rng(seed).normal(size=(len(rows), 2))
    frame = np.unique(rows[:, 0], return_inverse=True)[1].astype(np.intp)
    count = len(rows)
    looks = Looks(
        frame=frame,
        time_s=1e9 + rows[:, 0],
        flight=np.zeros(count, dtype=np.intp),
        class_name=np.full(count, class_name),
        place=place,
        noise=np.tile(sigma_m**2 * np.eye(2), (count, 1, 1)),
        factors=np.zeros((count, 2, 1)) if factors is None else factors,
        chance=np.full(count, -9.0),
    )
    views = np.full(int(frame.max()) + 1, GROUND, dtype=np.object_)
    label = in_sequence(looks, pictures(looks, views))
    return [part.tolist() for part in np.split(label, np.cumsum([len(one) for one in people])[:-1])]


def one_each(parts: list[list[int]]) -> bool:
    """True where every object is one track, and no two are the same."""
    return all(len(set(part)) == 1 for part in parts) and len({part[0] for part in parts}) == len(parts)


@pytest.mark.parametrize("seed", range(5))
def test_two_whose_ways_cross_keep_their_ways(seed: int) -> None:
    """They pass 0.6 m from each other: by places alone either could be the other."""
    parts = tracked(walk((-6.0, 0.0), (1.5, 0.0), 5), walk((0.0, -5.4), (0.0, 1.5), 5), seed=seed)
    assert one_each(parts)


def test_who_overtakes_another_stays_who_he_is() -> None:
    parts = tracked(walk((0.0, 0.0), (1.0, 0.0), 6), walk((-6.0, 1.0), (2.2, 0.0), 6))
    assert one_each(parts)


@pytest.mark.parametrize("speed", [0.7, 1.4, 12.0])
def test_a_long_way_is_one_track(speed: float) -> None:
    name = "vehicle" if speed > 5.0 else "person"
    assert one_each(tracked(walk((-90.0, 3.0), (speed, 0.0), 14, step_s=1.0), class_name=name))


def test_who_may_be_either_of_two_is_neither() -> None:
    """One is seen, then two at the same distance on either side: nothing tells which of them it was."""
    here, left, right = tracked([(0.0, 0.0, 0.0)], [(2.0, -2.0, 0.0)], [(2.0, 2.0, 0.0)], sigma_m=0.05)
    assert here[0] not in {left[0], right[0]}


def test_a_third_look_tells_which_of_two_it_was() -> None:
    went, other = tracked([(0.0, 0.0, 0.0), (2.0, 2.0, 0.0), (4.0, 4.0, 0.0)], [(2.0, -2.0, 0.0)], sigma_m=0.1)
    assert len(set(went)) == 1
    assert other[0] not in went


def test_two_of_one_frame_and_those_too_fast_are_apart() -> None:
    assert one_each(tracked([(0.0, 0.0, 0.0)], [(0.0, 0.5, 0.0)]))
    assert one_each(tracked([(0.0, 0.0, 0.0)], [(2.0, 30.0, 0.0)]))


def test_what_no_detector_s_class_moves_is_left_alone() -> None:
    parts = tracked(walk((0.0, 0.0), (1.0, 0.0), 3), class_name="bench")
    assert len(set(parts[0])) == 3


def test_what_an_error_of_the_whole_flight_shifts_is_still_one() -> None:
    """Three looks at one who stands, thrown 3 m to and fro by an error that the flight may well have."""
    rows = [(0.0, 0.0, 0.0), (2.0, 3.0, 0.0), (4.0, 0.0, 0.0)]
    shifts = np.zeros((3, 2, 1))
    assert len(set(tracked(rows, sigma_m=0.1)[0])) > 1
    shifts[1, 0, 0] = 3.0
    assert len(set(tracked(rows, sigma_m=0.1, factors=shifts)[0])) == 1
