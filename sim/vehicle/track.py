"""Waypoint navigation as ArduCopter 4.5's AC_WPNav: where the vehicle should be at each moment on its way from waypoint
to waypoint, and the velocity to ask of the body to be there.

Each leg has a jerk-limited speed profile (`scurve`). A waypoint that another follows without a stop is rounded: the
next leg's profile begins while this one's still brakes, their motions add, and the sum passes within WPNAV_RADIUS of
the waypoint at no more than the cornering acceleration. A vehicle that cannot keep up slows the clock of its track.
"""

from __future__ import annotations

import math

from sim.vehicle.navigation import Limits, Point, square_root_speed
from sim.vehicle.physics import Body, Command
from sim.vehicle.scurve import Kinematics, Profile

POSITION_GAIN_PER_S = 1.0
"""PSC_POSXY_P and PSC_POSZ_P; `square_root_speed` has it built in."""
INPUT_TIME_CONSTANT_S = 0.15
"""ATC_INPUT_TC."""
SLOW_CLOCK_LEAST, CLOCK_SLACK = 0.1, 0.05


def kinematic_limit(unit: Point, flat: float, up: float, down: float) -> float:
    """The most along the direction `unit` that keeps its horizontal part within `flat`, its vertical within `up` or
    `down`."""
    horizontal = math.hypot(unit[0], unit[1])
    vertical = unit[2]
    most = flat / horizontal if horizontal > 1e-6 else math.inf
    if abs(vertical) > 1e-6:
        most = min(most, (up if vertical > 0.0 else down) / abs(vertical))
    return most


class Leg:
    """A straight line from waypoint to waypoint, with its profile and its own clock."""

    __slots__ = ("end", "length_m", "profile", "start", "time_s", "unit")

    def __init__(self, start: Point, end: Point, limits: Limits) -> None:
        self.start, self.end, self.time_s = start, end, 0.0
        self.length_m = math.dist(start, end)
        self.unit: Point = (0.0, 0.0, 0.0)
        if self.length_m > 1e-6:
            scale = 1.0 / self.length_m
            self.unit = tuple((e - s) * scale for s, e in zip(start, end, strict=True))  # type: ignore[assignment]
        else:
            self.length_m = 0.0
        jerk = limits.jerk
        self.profile = Profile(
            self.length_m,
            Kinematics(
                snap=0.5 * jerk * math.pi / (2.0 * INPUT_TIME_CONSTANT_S),
                jerk=jerk,
                acceleration=kinematic_limit(
                    self.unit, limits.acceleration, limits.acceleration_up, limits.acceleration_up
                )
                if self.length_m
                else limits.acceleration,
                speed=self._speed(limits),
            ),
        )

    def _speed(self, limits: Limits) -> float:
        if not self.length_m:
            return limits.speed
        return kinematic_limit(self.unit, limits.speed, limits.up, limits.down)

    def change_speed(self, limits: Limits) -> None:
        """Fly the rest of it within other limits of speed."""
        self.profile.change_speed(self.time_s, self._speed(limits))

    @property
    def left_s(self) -> float:
        """Seconds of its profile that are left."""
        return self.profile.end_s - self.time_s


class Track:
    """The legs under way: the one before (still slowing down), this one, and the next (already begun in a corner)."""

    def __init__(self, start: Point, limits: Limits) -> None:
        self.limits = limits
        self._before: Leg | None = None
        self._leg: Leg | None = None
        self._next: Leg | None = None
        self._end = start
        self._rate = 1.0
        self._aim: tuple[float, ...] = (*start, 0.0, 0.0, 0.0, 0.0, 0.0)

    def lead_to(self, end: Point, after: Point | None) -> None:
        """Go on to `end`, rounding it towards `after` where that is given."""
        if self._next is not None and self._next.end == end and self._next.time_s > 0.0:
            leg = self._next
        else:
            leg = Leg(self._end, end, self.limits)
        self._before, self._leg, self._end = self._leg, leg, end
        self._next = Leg(end, after, self.limits) if after is not None else None

    def change_limits(self, limits: Limits) -> None:
        """Fly within other limits from here on."""
        self.limits = limits
        for leg in (self._leg, self._next):
            if leg is not None:
                leg.change_speed(limits)

    def steer(self, position: Point, body: Body, dt: float, command: Command) -> bool:
        """Ask for the velocity that follows the track for `dt` seconds; True where the waypoint counts as reached."""
        leg = self._leg
        assert leg is not None
        self._pace(position, body, dt)
        finished = self._advance(leg, dt * self._rate)
        x, y, z, vx, vy, vz, ax, ay = self._aim
        limits = self.limits
        north, east, off = x - position[0], y - position[1], z - position[2]
        size = math.hypot(north, east)
        if size > limits.acceleration:
            # beyond the linear part of ArduPilot's square root controller
            scale = min(limits.speed, square_root_speed(size, limits.acceleration)) / size
            north, east = north * scale, east * scale
        up = math.copysign(square_root_speed(abs(off), limits.acceleration_up), off)
        up = max(-limits.down, min(limits.up, up))
        command.north_m_s, command.east_m_s, command.up_m_s = vx + north, vy + east, vz + up
        command.acceleration_m_s2 = limits.corner_acceleration
        command.acceleration_up_m_s2 = limits.acceleration_up
        command.ahead = (ax, ay)
        if not finished:
            return False
        return self._next is not None or math.dist(position, leg.end) <= limits.corner_m

    def _pace(self, position: Point, body: Body, dt: float) -> None:
        """Slow the clock down for a vehicle that cannot keep up with it."""
        x, y, z, vx, vy, vz, _, _ = self._aim
        speed = math.sqrt(vx * vx + vy * vy + vz * vz)
        wanted = 1.0
        if speed > 1e-6:
            behind = ((x - position[0]) * vx + (y - position[1]) * vy + (z - position[2]) * vz) / speed
            going = (body.v_north_m_s * vx + body.v_east_m_s * vy + body.v_up_m_s * vz) / speed
            wanted = CLOCK_SLACK + (going - POSITION_GAIN_PER_S * behind) / speed
            wanted = max(SLOW_CLOCK_LEAST, min(1.0, wanted))
        self._rate += (wanted - self._rate) * min(1.0, dt * self.limits.jerk / self.limits.acceleration)

    def _advance(self, leg: Leg, dt: float) -> bool:
        """Move the aim on by `dt` of the track's own clock; True where this leg is done."""
        x, y, z = leg.start
        vx = vy = vz = ax = ay = 0.0
        if self._before is not None:
            before = self._before
            before.time_s = min(before.time_s + dt, before.profile.end_s)
            push, speed, along = before.profile.at(before.time_s)
            along -= before.length_m
            ux, uy, uz = before.unit
            x, y, z = x + ux * along, y + uy * along, z + uz * along
            vx, vy, vz = ux * speed, uy * speed, uz * speed
            ax, ay = ux * push, uy * push
            if speed == 0.0 and along >= -1e-9:
                self._before = None
        leg.time_s = min(leg.time_s + dt, leg.profile.end_s)
        push, speed, along = leg.profile.at(leg.time_s)
        ux, uy, uz = leg.unit
        x, y, z = x + ux * along, y + uy * along, z + uz * along
        vx, vy, vz = vx + ux * speed, vy + uy * speed, vz + uz * speed
        ax, ay = ax + ux * push, ay + uy * push
        finished = leg.time_s >= leg.profile.end_s or along >= leg.length_m
        following = self._next
        if following is not None and (following.time_s > 0.0 or self._may_turn(leg, following, along)):
            following.time_s = min(following.time_s + dt, following.profile.end_s)
            push, speed, along = following.profile.at(following.time_s)
            ux, uy, uz = following.unit
            x, y, z = x + ux * along, y + uy * along, z + uz * along
            vx, vy, vz = vx + ux * speed, vy + uy * speed, vz + uz * speed
            ax, ay = ax + ux * push, ay + uy * push
            finished = finished or following.time_s >= leg.left_s
        self._aim = (x, y, z, vx, vy, vz, ax, ay)
        return finished

    def _may_turn(self, leg: Leg, following: Leg, along: float) -> bool:
        """Whether the next leg may begin now: where the middle of the turn would lie within the radius, slower than
        either leg's cruise, and within the cornering acceleration."""
        if leg.time_s < leg.profile.turn_out_s - following.profile.turn_in_s or along < 0.5 * leg.length_m:
            return False
        half_s = 0.5 * leg.left_s
        if leg.left_s >= 0.5 * following.profile.end_s:
            return False
        push, pace, place = leg.profile.at(leg.time_s + half_s)
        push_next, pace_next, place_next = following.profile.at(half_s)
        place -= leg.length_m
        off = [a * place + b * place_next for a, b in zip(leg.unit, following.unit, strict=True)]
        if math.hypot(*off) >= self.limits.corner_m:
            return False
        (ax, ay, _), (bx, by, _) = leg.unit, following.unit
        slowest = min(leg.profile.limits.speed, following.profile.limits.speed)
        return (
            math.hypot(ax * pace + bx * pace_next, ay * pace + by * pace_next) < slowest
            and math.hypot(ax * push + bx * push_next, ay * push + by * push_next) < self.limits.corner_acceleration
        )
