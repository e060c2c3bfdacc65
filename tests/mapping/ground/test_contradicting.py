"""What a person named and no one thing explains is told from what errors explain."""

from __future__ import annotations

import numpy as np
import pytest

from mapping.ground.errors import FLIGHT_WIDE
from mapping.ground.fusion import FusedObject, Observation, fuse
from tests.mapping.ground.test_fusion import ground

STEP_S = 1.0


def marked(
    places: np.ndarray, class_name: str = "object", flights: list[int] | None = None, *, timed: bool = True
) -> FusedObject:
    """The one object of marks (N, 2) at these places, one a second: noise 0.4 m, 1 m common to each flight."""
    observations = [
        Observation(row, class_name, "it", 1.8e9 + STEP_S * row if timed else float("nan"), flight)
        for row, flight in enumerate(flights or [0] * len(places))
    ]
    (found,) = fuse(observations, ground(places))
    return found


def held(found: FusedObject, place: np.ndarray) -> bool:
    off = place - [found.east_m, found.north_m]
    return bool(off @ np.linalg.inv(found.covariance) @ off <= 5.991)


@pytest.mark.parametrize("timed", [True, False])
def test_marks_far_apart_contradict_each_other_and_the_ellipse_holds_them_all(timed: bool) -> None:
    near, far = np.array([[0.0, 0.0], [0.5, -0.3], [0.2, 0.4]]), np.array([[80.0, 0.0]])
    assert not marked(near, timed=timed).contradicts
    found = marked(np.concatenate([near, far]), timed=timed)
    assert found.contradicts
    assert found.velocity is None
    assert all(held(found, place) for place in np.concatenate([near, far]))
    assert not held(found, np.array([20.0, 40.0]))  # wide only where they lie


def test_what_nobody_named_never_contradicts() -> None:
    apart = ground(np.array([[0.0, 0.0], [80.0, 0.0]]))
    assert [one.contradicts for one in fuse([Observation(row, "person") for row in range(2)], apart)] == [False, False]


def test_marks_that_errors_explain_are_one_place() -> None:
    """Of 300 things, each marked in five frames, none contradicts itself; nor do two flights 3 m off each other."""
    rng = np.random.default_rng(6)
    places = np.repeat(rng.normal(0.0, 1.0, (300, 1, 2)), 5, axis=1) + rng.normal(0.0, 0.4, (300, 5, 2))
    assert not any(marked(one).contradicts for one in places)
    shifted = places[0] + np.array([0.0, 0.0, 3.0, 3.0, 3.0])[:, None]
    assert not marked(shifted, flights=[0, 0, 1, 1, 1]).contradicts
    assert marked(shifted).contradicts  # within one flight the common error is the same


def test_flights_that_put_it_far_apart_contradict_each_other() -> None:
    places = np.array([[0.0, 0.0], [0.2, 0.1], [30.0, 0.0], [30.1, 0.2]])
    found = marked(places, flights=[0, 0, 1, 1])
    assert found.contradicts
    assert all(held(found, place) for place in places)


def test_a_walker_contradicts_nothing_but_one_who_turns_back_does() -> None:
    rng = np.random.default_rng(8)
    step = np.arange(12.0)
    errors = rng.normal(0.0, 0.3, (12, 2))
    straight = marked(np.stack([1.4 * step, 0.0 * step], axis=1) + errors, "person")
    assert straight.velocity is not None
    assert not straight.contradicts
    there_and_back = np.stack([1.4 * np.minimum(step, 16.0 - step), 0.0 * step], axis=1) + errors
    turned = marked(there_and_back, "person")
    assert turned.contradicts
    assert held(turned, there_and_back[-1])


def test_a_common_error_is_no_contradiction() -> None:
    """A wrong height pushes marks apart that were made from two sides."""
    factors = np.zeros((2, 2, len(FLIGHT_WIDE)))
    factors[0, 0, 2], factors[1, 0, 2] = 1.5, -1.5
    observations = [Observation(row, "object", "it", 1.8e9 + row) for row in range(2)]
    (found,) = fuse(observations, ground(np.array([[-3.0, 0.0], [3.0, 0.0]]), factors=factors))
    assert not found.contradicts
