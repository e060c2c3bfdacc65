"""Detections of one object in many frames become one object, and never two of one frame."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fusion import Survey, Tally, groups_of, many, survey
from mapping.ground.errors import FLIGHT_WIDE
from mapping.ground.frame import LocalFrame
from mapping.ground.fusion import FusedObject, Observation, fuse
from mapping.ground.georeference import GroundPoints

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


def test_what_a_person_named_is_one_wherever_it_is_and_takes_in_what_was_detected_there() -> None:
    places = np.array([[0.0, 0.0], [80.0, 0.0], [0.1, 0.0], [20.0, 0.1], [20.2, 0.0]])
    named = ["barrel", "barrel", "tent", None, None]
    classes = ["object", "vehicle", "vehicle", "vehicle", "person"]
    observations = [Observation(n, one, name) for n, (one, name) in enumerate(zip(classes, named, strict=True))]
    assert grouped(fuse(observations, ground(places))) == {(0, 1), (2,), (3,), (4,)}
    places[3] = places[4] = (0.0, 0.2)
    assert grouped(fuse(observations, ground(places))) == {(0, 1), (2, 3), (4,)}
    anything = [Observation(0, "object", "find"), Observation(1, "person")]
    assert grouped(fuse(anything, ground(np.zeros((2, 2))))) == {(0, 1)}


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


@settings(max_examples=60)
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


def seen_every_second(track: np.ndarray, rng: np.random.Generator, noise_m: float = 0.3) -> np.ndarray:
    return track + rng.normal(0.0, noise_m, track.shape)


def at(frames: list[int], class_name: str, step_s: float = 1.0) -> list[Observation]:
    return [Observation(frame, class_name, time_s=1.8e9 + frame * step_s) for frame in frames]


@pytest.mark.parametrize(("class_name", "speed"), [("person", 1.4), ("vehicle", 6.0), ("vehicle", 15.0)])
@pytest.mark.parametrize("seed", range(3))
def test_what_moves_is_one_object_with_a_speed_where_it_was_last(class_name: str, speed: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    heading = rng.uniform(0.0, 2.0 * np.pi)
    direction = np.array([np.sin(heading), np.cos(heading)])
    way = speed * np.arange(5)[:, None] * direction
    parked = np.tile([[40.0, 40.0]], (5, 1))
    observations = at(list(range(5)), class_name) + at(list(range(5)), class_name)
    points = ground(seen_every_second(np.concatenate([way, parked]), rng), noise_m=0.3)
    moving, still = fuse(observations, points)
    assert moving.members == (0, 1, 2, 3, 4)
    assert moving.velocity is not None
    assert np.hypot(*(np.array(moving.velocity) - speed * direction)) < 0.6
    assert np.hypot(moving.east_m - way[-1, 0], moving.north_m - way[-1, 1]) < 1.0
    assert still.members == (5, 6, 7, 8, 9)
    assert still.velocity is None


def test_a_walker_seen_again_is_one_and_another_at_rest_nearby_stays_apart() -> None:
    rng = np.random.default_rng(5)
    frames = [0, 1, 2, 3, 30, 31, 32, 33]
    way = 1.4 * np.array(frames)[:, None] * np.array([0.6, 0.8])
    rest = np.tile(way[5] + [4.0, -3.0], (4, 1))
    observations = at(frames, "person") + at([30, 31, 32, 33], "person")
    points = ground(seen_every_second(np.concatenate([way, rest]), rng, 0.2), noise_m=0.2)
    assert grouped(fuse(observations, points)) == {tuple(range(8)), (8, 9, 10, 11)}


def named(observations: list[Observation], name: str) -> list[Observation]:
    return [replace(one, named=name) for one in observations]


def test_what_a_person_named_moves_like_anything_else_of_its_class() -> None:
    rng = np.random.default_rng(3)
    way = 1.4 * np.arange(8)[:, None] * np.array([0.6, 0.8])
    points = ground(seen_every_second(way, rng), noise_m=0.3)
    (walker,) = fuse(named(at(list(range(8)), "person"), "walker"), points)
    assert walker.velocity == pytest.approx((0.84, 1.12), abs=0.15)
    assert np.hypot(walker.east_m - way[-1, 0], walker.north_m - way[-1, 1]) < 0.8
    (thing,) = fuse(named(at(list(range(8)), "object"), "thing"), points)
    assert thing.velocity is None  # nobody said that it can
    (leaping,) = fuse(named(at(list(range(8)), "person"), "walker"), ground(10.0 * way))
    assert leaping.velocity is None  # at 14 m/s: marked on two people


@pytest.mark.parametrize("class_name", ["person", "object"])
def test_a_walker_marked_at_first_and_detected_later_is_one(class_name: str) -> None:
    rng = np.random.default_rng(4)
    way = 1.4 * np.arange(12)[:, None] * np.array([0.6, 0.8])
    stands = np.tile(way[7] + [0.5, 0.0], (5, 1))
    frames = list(range(12))
    observations = named(at(frames[:5], class_name), "walker") + at(frames[5:], "person") + at(frames[:5], "person")
    points = ground(seen_every_second(np.concatenate([way, stands]), rng, 0.2), noise_m=0.2)
    walker, other = fuse(observations, points)
    assert walker.members == tuple(range(12))
    assert walker.velocity == pytest.approx((0.84, 1.12), abs=0.1)
    assert other.members == tuple(range(12, 17))
    assert other.velocity is None


@pytest.mark.parametrize("seed", range(4))
def test_who_walks_slowly_is_one_over_several_passes_though_each_tells_no_motion_from_rest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = [pass_ * 20 + step for pass_ in range(5) for step in range(3)]
    way = 0.7 * 1.5 * np.array(frames)[:, None] * np.array([0.6, 0.8])
    observations = at(frames, "person", 1.5)
    views = np.array([shapely.box(-30.0, -30.0, 90.0, 110.0)] * (max(frames) + 1), dtype=np.object_)
    (found,) = fuse(observations, ground(seen_every_second(way, rng, 0.45), noise_m=0.45), views)
    assert found.velocity is not None
    assert np.hypot(*found.velocity) == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_two_who_stand_are_no_walker_where_one_pass_saw_first_the_one_and_then_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [(0, 0), (1, 0), (2, 1), (3, 1), *((30 + k, who) for k in range(3) for who in (0, 1))]
    frames, who = (list(column) for column in zip(*pairs, strict=True))
    places = seen_every_second(np.array([[0.0, 0.0], [5.0, 0.0]])[who], rng, 0.4)
    views = np.array([shapely.box(-20.0, -20.0, 20.0, 20.0)] * 33, dtype=np.object_)
    found = fuse(at(frames, "person", 2.0), ground(places, noise_m=0.4), views)
    assert grouped(found) == {tuple(n for n, one in enumerate(who) if one == person) for person in (0, 1)}


def test_a_frame_without_a_time_says_where_things_are_and_nothing_of_motion() -> None:
    rng = np.random.default_rng(6)
    rest = np.tile([[40.0, 40.0]], (5, 1))
    way = np.concatenate([1.4 * np.arange(5)[:, None] * np.array([0.6, 0.8]), rest])
    observations = at(list(range(5)), "person") + at(list(range(5)), "person")
    for unknown in (2, 7):
        observations[unknown] = replace(observations[unknown], time_s=float("nan"))
    views = np.full(5, shapely.box(-20.0, -20.0, 60.0, 60.0), dtype=np.object_)
    found = fuse(observations, ground(seen_every_second(way, rng), noise_m=0.3), views)
    assert (5, 6, 7, 8, 9) in grouped(found)
    assert sorted(number for one in found for number in one.members) == list(range(10))


def test_flights_may_come_in_any_order() -> None:
    rng = np.random.default_rng(7)
    objects = 30.0 * np.arange(6)[:, None] * np.array([1.0, 0.0])
    order = rng.permutation(60)
    thing, flight = order % 6, order // 6
    points = ground(objects[thing] + rng.normal(0.0, 0.3, (60, 2)), noise_m=0.3)
    observations = [
        Observation(int(at_), "vehicle", time_s=900.0 * number + 5.0 * what, flight=int(number))
        for at_, (what, number) in enumerate(zip(thing.tolist(), flight.tolist(), strict=True))
    ]
    found = fuse(observations, points)
    assert len(found) == 6
    assert all(len({int(thing[number]) for number in one.members}) == 1 for one in found)


def test_places_without_times_are_not_taken_for_motion() -> None:
    places = np.array([[4.0 * number, 0.0] for number in range(4)])
    found = fuse([Observation(frame, "person") for frame in range(4)], ground(places, noise_m=0.2))
    assert len(found) == 4
    assert all(one.velocity is None for one in found)


def test_an_error_that_grows_along_the_line_is_no_motion() -> None:
    """A height error moves the place of one object steadily while the drone passes over it."""
    factors = np.zeros((4, 2, len(FLIGHT_WIDE)))
    factors[:, 1, 2] = [-1.5, -0.5, 0.5, 1.5]
    places = np.column_stack([np.zeros(4), 1.3 * factors[:, 1, 2]])
    (found,) = fuse(at([0, 1, 2, 3], "person"), ground(places, noise_m=0.15, factors=factors))
    assert found.velocity is None
    (walked,) = fuse(at([0, 1, 2, 3], "person"), ground(places, noise_m=0.15))
    assert walked.velocity is not None


def test_a_common_shift_between_two_flights_is_found_from_all_objects() -> None:
    """Objects 5 m apart, the second flight's places 4 m off: each object has a neighbour nearer than itself."""
    rng = np.random.default_rng(3)
    objects = np.array([[0.0, 0.0], [5.0, 0.0], [10.0, 1.0], [24.0, 7.0], [3.0, 22.0], [8.0, 22.0], [30.0, 30.0]])
    factors = np.zeros((2 * len(objects), 2, len(FLIGHT_WIDE)))
    factors[:, 0, 0] = factors[:, 1, 1] = 3.0
    places = np.concatenate([objects, objects + np.array([3.6, 1.0])]) + rng.normal(0.0, 0.2, (14, 2))
    observations = [
        Observation(int(number >= 7), "vehicle", time_s=3600.0 * (number >= 7), flight=int(number >= 7))
        for number in range(14)
    ]
    found = fuse(observations, ground(places, noise_m=0.2, factors=factors))
    assert grouped(found) == {(number, number + 7) for number in range(7)}
    # two flights know the place better than one, whose error of 3 m is its own
    assert np.sqrt(found[0].covariance[0, 0]) == pytest.approx(3.0 / np.sqrt(2.0), rel=0.02)


@pytest.mark.parametrize(
    "how",
    [
        Survey(objects=80, side_m=110.0),
        Survey(objects=80, side_m=110.0, pitch_deg=-45.0, attitude_deg=0.3),
        Survey(objects=80, side_m=110.0, frontlap=0.85, walkers=0.2, drivers=0.08),
        Survey(objects=80, side_m=110.0, sorties=2),
    ],
    ids=["straight down", "ahead", "twice a second, a quarter moves", "two sorties"],
)
def test_objects_of_a_survey_become_one_sighting_each(how: Survey) -> None:
    tally = Tally()
    for seed in range(3):
        seen = survey(np.random.default_rng(seed), how)
        tally.add(seen, groups_of(fuse(seen.observations, seen.points, seen.views)))
    assert tally.once / tally.seen >= 0.97
    assert tally.mixed / tally.seen <= 0.015


def test_many_detections_are_told_apart() -> None:
    seen = many(np.random.default_rng(0), 4000)
    found = fuse(seen.observations, seen.points, seen.views)
    right = sum(len(set(seen.truth[list(one.members)])) == 1 and len(one.members) == 4 for one in found)
    assert right >= 0.99 * 1000


def test_movers_of_a_survey_are_mostly_one_track_and_hardly_ever_another_s() -> None:
    """A quarter moves, attitudes are off by a degree: what is at rest shows how frames lie to each other."""
    tally = Tally()
    for seed in range(4):
        seen = survey(np.random.default_rng(100 + seed), Survey(attitude_deg=1.0, walkers=0.2, drivers=0.08))
        tally.add(seen, groups_of(fuse(seen.observations, seen.points, seen.views)))
    assert tally.once >= 0.97 * tally.seen
    assert tally.moving_once >= 0.8 * tally.moving
    assert tally.mixed <= 0.01 * tally.seen


def test_a_lone_person_seen_at_a_slant_is_one_sighting() -> None:
    """A large error along the line of sight is no second person where nobody else is about."""
    wide = np.tile(np.diag([25.0, 2.0]), (8, 1, 1))
    once = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        places = rng.normal(0.0, 1.0, (8, 2)) * np.sqrt([25.0, 2.0])
        points = replace(ground(places), noise=wide)
        seen = [Observation(frame, "person", time_s=1e9 + 2.0 * frame) for frame in range(8)]
        once += len(fuse(seen, points)) == 1
    assert once >= 18
