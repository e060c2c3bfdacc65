"""What a track says of whether its object moves."""

from __future__ import annotations

import numpy as np
import pytest

from mapping.ground.speeds import believed, either, rests, speeds_m_s, turning_m_s
from mapping.ground.tracks import MOVES, Looks, Tracks, fit


def track(speed_m_s: float, count: int) -> Tracks:
    """Somebody seen every second so many times, going east."""
    looks = Looks(
        frame=np.arange(count),
        time_s=1e9 + np.arange(count),
        flight=np.zeros(count, dtype=np.intp),
        class_name=np.full(count, "person"),
        place=np.column_stack([speed_m_s * np.arange(count), np.zeros(count)]),
        noise=np.tile(0.04 * np.eye(2), (count, 1, 1)),
        factors=np.zeros((count, 2, 1)),
        chance=np.full(count, -9.0),
    )
    return fit(looks, np.zeros(count, dtype=np.intp))


def test_cars_are_faster_than_people_and_benches_do_not_move() -> None:
    person, vehicle = speeds_m_s("person"), speeds_m_s("vehicle")
    assert person is not None
    assert vehicle is not None
    assert person < vehicle
    assert person[0] < person[1]
    assert speeds_m_s("bench") is None


def test_a_single_look_says_nothing_of_the_speed_and_several_say_it() -> None:
    velocity, spread = believed(track(1.4, 1), 1.2)
    assert velocity == pytest.approx(0.0)
    assert spread == pytest.approx(1.2**2 * np.eye(2)[None], rel=0.01)
    velocity, spread = believed(track(1.4, 5), 1.2)
    assert velocity[0] == pytest.approx([1.4, 0.0], abs=0.02)
    assert spread[0, 0, 0] < 0.01


def test_who_moved_in_sight_rests_hardly_and_who_was_missed_where_he_stood_less() -> None:
    nothing, thrice = np.zeros(1), np.full(1, 3.0)
    moved = rests(track(1.4, 5), 1.2, nothing)
    stood, gone = rests(track(0.0, 5), 1.2, nothing), rests(track(0.0, 5), 1.2, thrice)
    assert moved == pytest.approx(np.log(MOVES), abs=0.01)
    assert stood > gone > moved
    assert rests(track(0.0, 1), 1.2, nothing) == pytest.approx(0.0, abs=0.01)


def test_misses_count_up_to_three_and_never_for() -> None:
    values = either(np.zeros(5), np.zeros(5), np.array([-2.0, 0.0, 1.0, 3.0, 9.0]))
    assert values[0] == values[1] == pytest.approx(0.0)
    assert values[1] > values[2] > values[3] == values[4] > np.log(MOVES)


def test_a_course_turns_little_at_once_and_no_more_than_so_much() -> None:
    lapse_s = np.array([0.0, 1.0, 8.0, 1e6])
    turned = turning_m_s(np.full(4, 2.0), lapse_s)
    assert turned[0] == 0.0
    assert (np.diff(turned) > 0.0).all()
    assert turned[3] == pytest.approx(0.3)
