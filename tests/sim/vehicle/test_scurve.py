"""Speed profiles keep to their limits and end where they should, also where the speed is changed on the way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.vehicle.scurve import Kinematics, Profile

LENGTHS = st.floats(0.1, 2000.0)
SPEEDS = st.floats(0.5, 20.0)
LIMITS = st.builds(Kinematics, st.just(5.24), st.floats(0.5, 20.0), st.floats(0.5, 5.0), SPEEDS)


def check(profile: Profile, most_m_s: float) -> None:
    """Sample it: within its limits, forwards only, at rest in its end."""
    before = 0.0
    for part in range(201):
        acceleration, speed, position = profile.at(profile.end_s * part / 200)
        assert abs(acceleration) <= profile.limits.acceleration + 1e-6
        assert -1e-6 <= speed <= most_m_s + 1e-6
        assert position >= before - 1e-9
        before = position
    assert profile.at(profile.end_s)[2] == pytest.approx(profile.length_m)
    # nothing jumps into its end
    assert profile.at(profile.end_s - 1e-6)[2] == pytest.approx(profile.length_m, abs=1e-3, rel=1e-5)
    assert profile.at(profile.end_s - 1e-6)[1] == pytest.approx(0.0, abs=1e-3)


@settings(max_examples=60)
@given(LENGTHS, LIMITS)
def test_it_ends_where_it_should_within_its_limits(length_m: float, limits: Kinematics) -> None:
    check(Profile(length_m, limits), limits.speed)


@settings(max_examples=60)
@given(LENGTHS, LIMITS, st.floats(0.0, 1.0), SPEEDS)
def test_a_change_of_speed_on_the_way(length_m: float, limits: Kinematics, share: float, speed: float) -> None:
    profile = Profile(length_m, limits)
    moment_s = profile.end_s * share
    before = profile.at(moment_s)
    profile.change_speed(moment_s, speed)
    assert profile.at(moment_s) == pytest.approx(before, abs=1e-6)
    check(profile, max(limits.speed, speed))


def test_the_figures_of_copter() -> None:
    """100 m at 10 m/s with Copter's defaults: 2.8 s to full acceleration, 6.8 s to full speed."""
    profile = Profile(100.0, Kinematics(5.236, 1.0, 2.5, 10.0))
    assert profile.at(2.8)[0] == pytest.approx(2.5, abs=1e-3)
    assert profile.at(6.81)[1] == pytest.approx(10.0, abs=1e-3)
    assert profile.end_s == pytest.approx(16.8, abs=0.01)
