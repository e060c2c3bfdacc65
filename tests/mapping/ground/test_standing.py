"""Which looks may all be of something at rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mapping.ground.standing import stands
from mapping.ground.tracks import Looks

Floats = npt.NDArray[np.float64]


def looks_at(place: Floats, factors: Floats | None = None, sigma_m: float = 0.3) -> Looks:
    """Looks at these places, one a frame and second."""
    count = len(place)
    return Looks(
        frame=np.arange(count),
        time_s=1e9 + np.arange(count, dtype=np.float64),
        flight=np.zeros(count, dtype=np.intp),
        class_name=np.full(count, "person"),
        place=place,
        noise=np.tile(sigma_m**2 * np.eye(2), (count, 1, 1)),
        factors=np.zeros((count, 2, 1)) if factors is None else factors,
        chance=np.full(count, -9.0),
    )


def test_what_is_at_rest_is_hardly_ever_taken_for_more() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(2000), 8)
    place = 10.0 * label[:, None] + rng.normal(0.0, np.hypot(0.3, 0.5), (len(label), 2))
    assert np.count_nonzero(~stands(looks_at(place), label)) <= 3


def test_who_goes_and_comes_back_is_not_at_rest() -> None:
    """An even motion would not show it: the way there and the way back cancel."""
    there = np.abs(np.arange(-10.0, 11.0))
    place = np.column_stack([there, np.zeros(len(there))])
    both = np.concatenate([place, np.zeros_like(place)])
    assert stands(looks_at(both), np.repeat([0, 1], len(place))).tolist() == [False, True]


def test_an_error_that_the_whole_flight_shares_is_no_motion() -> None:
    """Half of the looks are from the other side, where an error of the mounting shifts them by 4 m the other way."""
    side = np.repeat([1.0, -1.0], 6)
    place = np.column_stack([4.0 * side, np.zeros(12)])
    factors = np.zeros((12, 2, 1))
    label = np.zeros(12, dtype=np.intp)
    assert not stands(looks_at(place, factors), label)[0]
    factors[:, 0, 0] = 3.0 * side
    assert stands(looks_at(place, factors), label)[0]


def test_flights_have_errors_of_their_own() -> None:
    """Two flights 5 m apart, each with an error of 3 m."""
    side = np.repeat([0.0, 1.0], 6)
    looks = looks_at(np.column_stack([5.0 * side, np.zeros(12)]), np.tile([[[3.0], [0.0]]], (12, 1, 1)))
    label = np.zeros(12, dtype=np.intp)
    assert not stands(looks, label)[0]
    assert stands(replace(looks, flight=side.astype(np.intp)), label)[0]


def test_a_single_look_and_no_look_at_all() -> None:
    assert stands(looks_at(np.zeros((1, 2))), np.zeros(1, dtype=np.intp)).tolist() == [True]
    assert len(stands(looks_at(np.zeros((0, 2))), np.zeros(0, dtype=np.intp))) == 0
