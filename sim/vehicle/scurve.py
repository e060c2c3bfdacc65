"""Jerk-limited motion along a line: the speed profile that ArduCopter 4.5 flies its legs with.

Acceleration is built up and taken away by raised-cosine jerk pulses; profile and rules follow ArduPilot's
`AP_Math/SCurve` (GPL-3.0-or-later), worked out anew from the symmetry of its ramps. One line only: how legs are joined
is `track`.

With a jerk J, the pulse's rise time r, and `hold` at J, a ramp of acceleration from 0 to A = J (r + hold) and back to
0, with a time c at A between, gains the speed A (T + c) in 2 T + c seconds, T = 2 r + hold. By symmetry the mean speed
is that at the middle, so the distance is (V + A (T + c) / 2) (2 T + c).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace

_CONSTANT, _RISING, _FALLING = 0, 1, 2
_Segment = tuple[int, float, float, float, float, float]
"""(kind, jerk, duration, and at its start: acceleration, speed, position)."""


@dataclass(frozen=True, slots=True)
class Kinematics:
    """Limits along a line: snap, jerk, acceleration, speed (m and s)."""

    snap: float
    jerk: float
    acceleration: float
    speed: float


@dataclass(frozen=True, slots=True)
class _Ramp:
    jerk: float = 0.0
    rise_s: float = 0.0
    hold_s: float = 0.0
    cruise_s: float = 0.0


def _ramp(limits: Kinematics, start: float, end: float, length_m: float) -> _Ramp:
    """The quickest change from speed `start` up to `end` within `length_m`; less where that is too short."""
    if end <= start or length_m <= 0.0:
        return _Ramp()
    jerk, most = limits.jerk, limits.acceleration
    rise = jerk * math.pi / (2.0 * limits.snap)
    reached = min(most, (end - start) / (2.0 * rise), (length_m + 4.0 * start * rise) / (4.0 * rise * rise))
    if reached < jerk * rise:
        # no time for the whole jerk
        if start == 0.0:
            rise = min(
                rise,
                (length_m * math.pi / (8.0 * limits.snap)) ** 0.25,
                (end * math.pi / (4.0 * limits.snap)) ** (1.0 / 3.0),
                math.sqrt(most * math.pi / (2.0 * limits.snap)),
            )
            jerk = 2.0 * limits.snap * rise / math.pi
        else:
            jerk = reached / rise
        return _Ramp(jerk, rise, 0.0, _cruise(start, end, jerk * rise, 2.0 * rise, length_m))
    turn = rise + most / jerk
    if most * turn > end - start or (start + most * turn / 2.0) * 2.0 * turn > length_m:
        # the full acceleration is not reached: A (r + A / J) = the gain, or as much as the length allows
        most = min(most, (math.sqrt(rise * rise + 4.0 * (end - start) / jerk) - rise) * jerk / 2.0)
        most = _fitting(start, most, jerk, rise, length_m)
        return _Ramp(jerk, rise, max(0.0, most / jerk - rise), 0.0)
    return _Ramp(jerk, rise, most / jerk - rise, _cruise(start, end, most, turn, length_m))


def _fitting(start: float, most: float, jerk: float, rise: float, length_m: float) -> float:
    """The acceleration, at most `most`, whose ramp up and down again fits into `length_m`."""

    def covered(acceleration: float) -> float:
        turn = rise + acceleration / jerk
        return (start + acceleration * turn / 2.0) * 2.0 * turn

    if covered(most) <= length_m:
        return most
    low, high = 0.0, most
    for _ in range(50):
        middle = (low + high) / 2.0
        low, high = (middle, high) if covered(middle) <= length_m else (low, middle)
    return low


def _cruise(start: float, end: float, acceleration: float, turn: float, length_m: float) -> float:
    """Seconds at full acceleration between a ramp up and a ramp down of `turn` seconds each."""
    if acceleration <= 0.0:
        return 0.0
    by_speed = (end - start) / acceleration - turn
    half = acceleration / 2.0
    linear = start + 3.0 * half * turn
    rest = turn * (2.0 * start + acceleration * turn) - length_m
    by_length = (math.sqrt(max(0.0, linear * linear - 4.0 * half * rest)) - linear) / acceleration
    return max(0.0, min(by_speed, by_length))


class Profile:
    """Position, speed and acceleration over time along a line of `length_m`, from rest to rest."""

    def __init__(self, length_m: float, limits: Kinematics) -> None:
        self.limits = limits
        self._plan(length_m)

    def _plan(self, length_m: float) -> None:
        limits = self.limits
        self.length_m = length_m
        self._starts: list[float] = []
        self._segments: list[_Segment] = []
        self._end = (0.0, 0.0, 0.0, 0.0)
        self._ramp = _Ramp()
        if length_m <= 0.0:
            self.turn_in_s = self.turn_out_s = self.speed_up_s = self.end_s = 0.0
            return
        ramp = self._ramp = _ramp(limits, 0.0, limits.speed, length_m / 2.0)
        self._append_ramp(ramp, 1.0)
        self.turn_in_s = self._end[0] - (2.0 * ramp.rise_s + ramp.hold_s)
        """When the acceleration begins to fall: a turn onto this line may last until then."""
        self.speed_up_s = self._end[0]
        self._finish(ramp)

    def _finish(self, ramp: _Ramp) -> None:
        """The stretch of constant speed and `ramp` backwards to a stop, so that it ends in the right place."""
        speed, position = self._end[2], self._end[3]
        braking_s = 2.0 * (2.0 * ramp.rise_s + ramp.hold_s) + ramp.cruise_s
        cruise_m = max(0.0, self.length_m - position - speed / 2.0 * braking_s)
        if speed > 0.0:
            self._append(_CONSTANT, 0.0, cruise_m / speed)
        self.turn_out_s = self._end[0]
        self._append_ramp(ramp, -1.0)
        self.end_s = self._end[0]

    def _append_ramp(self, ramp: _Ramp, sign: float) -> None:
        jerk = sign * ramp.jerk
        for direction in (jerk, -jerk):
            self._append(_RISING, direction, ramp.rise_s)
            self._append(_CONSTANT, direction, ramp.hold_s)
            self._append(_FALLING, direction, ramp.rise_s)
            if direction == jerk:
                self._append(_CONSTANT, 0.0, ramp.cruise_s)
        # free of rounding
        self._end = (self._end[0], 0.0, max(0.0, self._end[2]), self._end[3])

    def _append(self, kind: int, jerk: float, duration_s: float) -> None:
        if duration_s <= 0.0:
            return
        time_s, acceleration, speed, position = self._end
        segment = (kind, jerk, duration_s, acceleration, speed, position)
        self._starts.append(time_s)
        self._segments.append(segment)
        self._end = (time_s + duration_s, *_inside(segment, duration_s))

    def at(self, time_s: float) -> tuple[float, float, float]:
        """(acceleration, speed, position) at a time; what lies beyond the ends stands still."""
        if time_s >= self.end_s:
            return 0.0, 0.0, self.length_m
        place = bisect_right(self._starts, time_s) - 1
        if place < 0:
            return 0.0, 0.0, 0.0
        return _inside(self._segments[place], time_s - self._starts[place])

    def change_speed(self, time_s: float, speed: float) -> None:
        """Go on at another speed from `time_s` on: an acceleration under way is cut short as far as it can be, then
        the speed changes. Where too little is left of the line for that, or it is braking already, nothing changes."""
        if self.length_m <= 0.0 or abs(speed - self.limits.speed) < 1e-6 or speed <= 0.0:
            return
        self.limits = replace(self.limits, speed=speed)
        if time_s >= self.turn_out_s:
            return
        if time_s <= 0.0:
            self._plan(self.length_m)
            return
        reached = self.at(self.speed_up_s)[1]
        if time_s < self.turn_in_s and self._ramp.cruise_s > 0.0 and speed < reached:
            left_s = min(self._ramp.cruise_s, self.turn_in_s - time_s)
            least = reached - left_s * self._ramp.jerk * (self._ramp.rise_s + self._ramp.hold_s)
            if speed >= least:
                self._plan(self.length_m)
                return
            self.limits = replace(self.limits, speed=least)
            self._plan(self.length_m)
            self.limits = replace(self.limits, speed=speed)
        begin_s = max(time_s, self.speed_up_s)
        _, before, position = self.at(begin_s)
        kept = bisect_right(self._starts, begin_s)
        old = (self._starts[:], self._segments[:], self._end, self.turn_out_s, self.end_s, self.speed_up_s)
        if kept and self._segments[kept - 1][1] == 0.0 and begin_s > self._starts[kept - 1]:
            kind, jerk, _, *state = self._segments[kept - 1]
            shortened = (kind, jerk, begin_s - self._starts[kept - 1], *state)
            del self._starts[kept - 1 :], self._segments[kept - 1 :]
            self._starts.append(begin_s - shortened[2])
            self._segments.append(shortened)  # type: ignore[arg-type]
        else:
            del self._starts[kept:], self._segments[kept:]
        self._end = (begin_s, 0.0, before, position)
        left_m = self.length_m - position
        ramp = _ramp(self.limits, min(before, speed), max(before, speed), left_m / 2.0)
        self._append_ramp(ramp, 1.0 if speed > before else -1.0)
        self.speed_up_s = self._end[0]
        after = self._end[2]
        limits = self.limits
        stop = _ramp(limits, 0.0, after, max(0.0, self.length_m - self._end[3]))
        braking_s = 2.0 * (2.0 * stop.rise_s + stop.hold_s) + stop.cruise_s
        if self._end[3] + after / 2.0 * braking_s > self.length_m + 1e-6:
            self._starts, self._segments, self._end, self.turn_out_s, self.end_s, self.speed_up_s = old
            return
        self._finish(stop)


def _inside(segment: _Segment, time_s: float) -> tuple[float, float, float]:
    """(acceleration, speed, position) `time_s` into a segment."""
    kind, jerk, duration, acceleration, speed, position = segment
    square = time_s * time_s
    if kind == _CONSTANT:
        return (
            acceleration + jerk * time_s,
            speed + (acceleration + 0.5 * jerk * time_s) * time_s,
            position + (speed + (0.5 * acceleration + jerk * time_s / 6.0) * time_s) * time_s,
        )
    # jerk(t) = J / 2 (1 -+ cos(b t)): rising from 0 to J, or falling from J to 0
    half = 0.5 * jerk
    b = math.pi / duration
    sign = 1.0 if kind == _RISING else -1.0
    angle = b * time_s
    a = half * (time_s - sign * math.sin(angle) / b)
    v = half * (0.5 * square + sign * (math.cos(angle) - 1.0) / (b * b))
    p = half * (square * time_s / 6.0 + sign * (math.sin(angle) / b - time_s) / (b * b))
    return (
        acceleration + a,
        speed + acceleration * time_s + v,
        position + speed * time_s + 0.5 * acceleration * square + p,
    )
