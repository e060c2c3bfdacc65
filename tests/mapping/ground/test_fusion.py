"""Detections of one object in many frames become one object, and never two of one frame."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.ground.frame import LocalFrame
from mapping.ground.fusion import FusedObject, Observation, fuse
from mapping.ground.georeference import FLIGHT_WIDE, GroundPoints

LOCAL = LocalFrame(23.0, 88.9)


def ground(places: np.ndarray, noise_m: float = 0.4, factors: np.ndarray | None = None) -> GroundPoints:
    """Places (N, 2) in metres with that noise, and a common error of 1 m east and north unless given."""
    count = len(places)
    if factors is None:
        factors = np.zeros((count, 2, len(FLIGHT_WIDE)))
        factors[:, 0, 0] = factors[:, 1, 1] = 1.0
    lat, lon = LOCAL.to_geodetic(places[:, 0], places[:, 1])
    noise = np.tile(noise_m**2 * np.eye(2), (count, 1, 1))
    miss = np.zeros(count, dtype=np.int8)
    return GroundPoints(LOCAL, places[:, 0], places[:, 1], lat, lon, np.zeros(count), noise, factors, miss)


def grouped(objects: list[FusedObject]) -> set[tuple[int, ...]]:
    return {one.members for one in objects}


def test_nothing_fuses_to_nothing() -> None:
    assert fuse([], ground(np.empty((0, 2)))) == []


def test_one_object_in_three_frames_is_one_and_its_noise_shrinks_but_not_its_bias() -> None:
    places = np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 0.6]])
    (found,) = fuse([Observation(frame, "person") for frame in range(3)], ground(places))
    assert found.members == (0, 1, 2)
    assert (found.east_m, found.north_m) == pytest.approx((0.1, 0.2))
    assert found.covariance == pytest.approx((0.4**2 / 3 + 1.0) * np.eye(2), rel=1e-4)


def test_biases_that_differ_between_frames_cancel_in_part() -> None:
    """A height error pushes a place outward from each frame's nadir: seen from both sides, it drops out."""
    factors = np.zeros((2, 2, len(FLIGHT_WIDE)))
    factors[0, 0, 2], factors[1, 0, 2] = 1.5, -1.5
    observations = [Observation(0, "person"), Observation(1, "person")]
    (found,) = fuse(observations, ground(np.array([[-2.5, 0.0], [2.5, 0.0]]), factors=factors))
    assert found.east_m == pytest.approx(0.0)
    assert found.covariance[0, 0] == pytest.approx(0.4**2 / 2, rel=1e-4)
    shared = np.zeros_like(factors)
    shared[:, 0, 2] = 1.5
    assert len(fuse(observations, ground(np.array([[-2.5, 0.0], [2.5, 0.0]]), factors=shared))) == 2


def test_two_of_one_frame_are_never_one() -> None:
    places = np.array([[0.0, 0.0], [0.2, 0.0], [0.1, 0.0], [0.12, 0.0]])
    observations = [Observation(frame, "person") for frame in (0, 0, 1, 2)]
    objects = fuse(observations, ground(places))
    assert len(objects) == 2
    for one in objects:
        assert len({observations[member].frame for member in one.members}) == len(one.members)


def test_classes_are_kept_apart() -> None:
    observations = [Observation(0, "person"), Observation(1, "vehicle"), Observation(2, "person")]
    assert grouped(fuse(observations, ground(np.zeros((3, 2))))) == {(0, 2), (1,)}


def test_what_a_person_named_is_one_wherever_it_is() -> None:
    places = np.array([[0.0, 0.0], [80.0, 0.0], [0.1, 0.0], [0.0, 0.1]])
    named = ["barrel", "barrel", "tent", None]
    observations = [Observation(number, "object", name) for number, name in enumerate(named)]
    assert grouped(fuse(observations, ground(places))) == {(0, 1), (2,), (3,)}


def test_an_object_that_began_twice_is_joined() -> None:
    """The first two places are too far apart to be one; the third lies between and settles it."""
    places = np.array([[0.0, 0.0], [2.0, 0.0], [0.9, 0.0], [1.0, 0.0], [1.1, 0.0]])
    objects = fuse([Observation(frame, "person") for frame in range(5)], ground(places, noise_m=0.5))
    assert len(objects) == 1


def test_far_places_are_never_one_however_uncertain() -> None:
    places = np.array([[0.0, 0.0], [40.0, 0.0]])
    assert len(fuse([Observation(0, "vehicle"), Observation(1, "vehicle")], ground(places, noise_m=50.0))) == 2


@pytest.mark.parametrize("seed", range(6))
def test_objects_five_metres_apart_are_told_apart(seed: int) -> None:
    """A 5 m grid, each object in 2 to 4 frames, one in ten detections missing, a common shift of the whole flight."""
    rng = np.random.default_rng(seed)
    objects = 5.0 * np.array(list(itertools.product(range(12), range(12))), dtype=np.float64)
    shift = rng.normal(0.0, 1.0, 2)
    truth, frames, places = [], [], []
    for frame in range(30):
        seen = np.abs(objects[:, 0] - frame * 2.0) < 5.0
        for number in np.flatnonzero(seen & (rng.random(len(objects)) > 0.1)):
            truth.append(int(number))
            frames.append(frame)
            places.append(objects[number] + shift + rng.normal(0.0, 0.4, 2))
    found = fuse([Observation(frame, "person") for frame in frames], ground(np.array(places)))
    mixed = [one for one in found if len({truth[member] for member in one.members}) > 1]
    assert mixed == []
    assert len(set(truth)) <= len(found) <= len(set(truth)) + 2  # the gate turns one in a thousand away
    error = [np.hypot(*(np.array([one.east_m, one.north_m]) - objects[truth[one.members[0]]] - shift)) for one in found]
    assert np.median(error) < 0.35


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.sampled_from(["person", "vehicle"]), st.floats(-8.0, 8.0), st.floats(-8.0, 8.0)
        ),
        max_size=40,
    )
)
def test_every_detection_is_in_one_object_and_frames_never_repeat(rows: list[tuple[int, str, float, float]]) -> None:
    observations = [Observation(frame, name) for frame, name, _, _ in rows]
    points = ground(np.array([row[2:] for row in rows], dtype=np.float64).reshape(-1, 2))
    objects = fuse(observations, points)
    assert sorted(member for one in objects for member in one.members) == list(range(len(rows)))
    for one in objects:
        assert len({observations[member].frame for member in one.members}) == len(one.members)
        assert len({observations[member].class_name for member in one.members}) == 1
        assert np.linalg.eigvalsh(one.covariance).min() > 0.0
    again = fuse(observations, points)
    assert [(one.members, one.east_m, one.north_m) for one in again] == [
        (one.members, one.east_m, one.north_m) for one in objects
    ]


def test_the_fused_ellipse_holds_the_truth_as_often_as_it_says() -> None:
    """600 flights over one object: errors of position and height common to each, noise new in each of 4 frames."""
    rng = np.random.default_rng(2)
    held = []
    for _ in range(600):
        factors = rng.normal(0.0, 0.6, (4, 2, len(FLIGHT_WIDE)))
        places = (factors @ rng.normal(size=len(FLIGHT_WIDE))) + rng.normal(0.0, 0.4, (4, 2))
        objects = fuse([Observation(frame, "person", "known") for frame in range(4)], ground(places, factors=factors))
        place = np.array([objects[0].east_m, objects[0].north_m])
        held.append(place @ np.linalg.inv(objects[0].covariance) @ place <= 5.991)
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_time_grows_with_the_number_of_detections_not_its_square() -> None:
    def seconds(count: int) -> float:
        rng = np.random.default_rng(4)
        objects = rng.uniform(0.0, 6.0 * np.sqrt(count), (count // 4, 2))
        chosen = np.repeat(np.arange(count // 4), 4)
        places = objects[chosen] + rng.normal(0.0, 0.3, (len(chosen), 2))
        # an object is in four frames in a row, and a frame holds about ten
        observations = [Observation(4 * (k // 40) + k % 4, "person") for k in range(len(chosen))]
        points = ground(places)
        begun = time.process_time()
        fuse(observations, points)
        return time.process_time() - begun

    seconds(400)
    assert seconds(8000) / seconds(1000) < 24.0
