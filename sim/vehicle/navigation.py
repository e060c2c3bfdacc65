"""Ways through the air: what velocity to ask of the body to follow a leg, round a corner, climb, hover or land.

Legs are flown at a speed that the acceleration limits allow, along the line from the last waypoint to the next. A
corner is passed at the speed at which a circular arc within WPNAV_RADIUS of the waypoint fits (the "junction
deviation" of Sonny Jeon's grbl: v^2 = a d sin(h) / (1 - sin(h)), h half the angle between the legs); ArduCopter's
S-curves do nearly the same, with limited jerk on top, which is left out here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.vehicle.parameters import Parameters
from sim.vehicle.physics import Command

Point = tuple[float, float, float]
"""Metres north, east and up of the local frame's origin, as the autopilot believes."""

ARRIVED_M = 0.3


@dataclass(frozen=True, slots=True)
class Limits:
    """Speeds in m/s and accelerations in m/s^2 that navigation may use."""

    speed: float
    up: float
    down: float
    acceleration: float
    acceleration_up: float
    corner_m: float


def limits_of(params: Parameters, speed: float | None, up: float | None = None, down: float | None = None) -> Limits:
    """Limits from WPNAV_*, with the speeds a DO_CHANGE_SPEED has set instead of the parameters' where given, all within
    the ranges that ArduCopter documents."""

    def within(low: float, value: float, high: float) -> float:
        return max(low, min(high, value))

    return Limits(
        speed=within(0.2, speed if speed is not None else params["WPNAV_SPEED"] / 100.0, 20.0),
        up=within(0.1, up if up is not None else params["WPNAV_SPEED_UP"] / 100.0, 10.0),
        down=within(0.1, down if down is not None else abs(params["WPNAV_SPEED_DN"]) / 100.0, 5.0),
        acceleration=within(0.5, params["WPNAV_ACCEL"] / 100.0, 5.0),
        acceleration_up=within(0.5, params["WPNAV_ACCEL_Z"] / 100.0, 5.0),
        corner_m=within(0.05, params["WPNAV_RADIUS"] / 100.0, 10.0),
    )


def stopping_speed(distance_m: float, acceleration: float) -> float:
    """The speed from which one stops in `distance_m` (square root law, ending in a proportional approach)."""
    if distance_m <= 0.0:
        return 0.0
    return min(math.sqrt(1.8 * acceleration * distance_m), 1.2 * distance_m)


class Leg:
    """One straight line, with the speed at which its end is passed (0 = stop there)."""

    def __init__(self, start: Point, end: Point, after: Point | None, limits: Limits) -> None:
        """`after` is the waypoint that follows without a stop, None where the leg ends in a stop."""
        self.end = end
        self.limits = limits
        self.unit, self.length_m = _unit(start, end)
        self.start = start
        horizontal = math.hypot(self.unit[0], self.unit[1])
        vertical = self.unit[2]
        self.speed = limits.speed / horizontal if horizontal > 1e-6 else math.inf
        self.acceleration = limits.acceleration / horizontal if horizontal > 1e-6 else math.inf
        if abs(vertical) > 1e-6:
            self.speed = min(self.speed, (limits.up if vertical > 0 else limits.down) / abs(vertical))
            self.acceleration = min(self.acceleration, limits.acceleration_up / abs(vertical))
        self.end_speed, self.switch_m = 0.0, ARRIVED_M
        if after is not None:
            self._corner(after)

    def _corner(self, after: Point) -> None:
        unit, length = _unit(self.end, after)
        if length < 1e-3 or self.length_m < 1e-3:
            return
        cosine = max(-1.0, min(1.0, sum(a * b for a, b in zip(self.unit, unit, strict=True))))
        turn = math.acos(cosine)
        half_sine = math.sin((math.pi - turn) / 2.0)
        limits = self.limits
        acceleration = min(self.acceleration, limits.acceleration)
        straight = half_sine > 0.99999
        square = math.inf if straight else acceleration * limits.corner_m * half_sine / (1.0 - half_sine)
        speed = min(math.sqrt(square), self.speed, math.sqrt(1.8 * acceleration * length))
        lead = speed * speed / acceleration * math.tan(min(turn, 3.0) / 2.0)
        longest = min(self.length_m, length) / 2.0
        if lead > longest:
            speed *= math.sqrt(longest / lead)
            lead = longest
        if speed > 0.3:
            self.end_speed, self.switch_m = speed, max(lead, 0.05)

    def steer(self, position: Point, command: Command) -> bool:
        """Ask for the velocity that follows the leg; True once its end is reached or the corner begins."""
        limits = self.limits
        offset = tuple(p - s for p, s in zip(position, self.start, strict=True))
        along = sum(o * u for o, u in zip(offset, self.unit, strict=True))
        left = self.length_m - along
        end = self.end_speed
        if end > 0.0:
            speed = min(self.speed, math.sqrt(end * end + 1.8 * self.acceleration * max(0.0, left - self.switch_m)))
        else:
            speed = math.copysign(min(self.speed, stopping_speed(abs(left), self.acceleration)), left)
        across = [u * along - o for o, u in zip(offset, self.unit, strict=True)]
        command.north_m_s = self.unit[0] * speed + max(-2.0, min(2.0, across[0]))
        command.east_m_s = self.unit[1] * speed + max(-2.0, min(2.0, across[1]))
        command.up_m_s = self.unit[2] * speed + max(-1.0, min(1.0, across[2]))
        command.acceleration_m_s2 = limits.acceleration
        command.acceleration_up_m_s2 = limits.acceleration_up
        if end > 0.0:
            return left <= self.switch_m
        return math.dist(position, self.end) <= ARRIVED_M


def _unit(start: Point, end: Point) -> tuple[Point, float]:
    length = math.dist(start, end)
    if length < 1e-9:
        return (0.0, 0.0, 0.0), 0.0
    return ((end[0] - start[0]) / length, (end[1] - start[1]) / length, (end[2] - start[2]) / length), length


def hold(position: Point, target: Point, limits: Limits, command: Command) -> float:
    """Ask for the velocity that brings the vehicle straight to `target` and keeps it there; returns the distance."""
    north, east, up = (t - p for t, p in zip(target, position, strict=True))
    flat = math.hypot(north, east)
    speed = min(limits.speed, stopping_speed(flat, limits.acceleration))
    scale = speed / flat if flat > 1e-6 else 0.0
    command.north_m_s, command.east_m_s = north * scale, east * scale
    vertical = stopping_speed(abs(up), limits.acceleration_up)
    command.up_m_s = min(vertical, limits.up) if up > 0 else -min(vertical, limits.down)
    command.acceleration_m_s2 = limits.acceleration
    command.acceleration_up_m_s2 = limits.acceleration_up
    return math.sqrt(flat * flat + up * up)


def descend(position: Point, over: Point, height_home_m: float, params: Parameters, command: Command) -> None:
    """Ask for a landing at the place `over`: WPNAV_SPEED_DN (or LAND_SPEED_HIGH) down to LAND_ALT_LOW above home, then
    LAND_SPEED until the ground stops it."""
    limits = limits_of(params, None)
    hold(position, (over[0], over[1], position[2]), limits, command)
    slow = max(0.3, min(2.0, params["LAND_SPEED"] / 100.0))
    fast = min(5.0, max(slow, abs(params["LAND_SPEED_HIGH"]) / 100.0 or limits.down))
    above = height_home_m - params["LAND_ALT_LOW"] / 100.0
    command.up_m_s = -min(fast, slow + stopping_speed(above, limits.acceleration_up))


def bearing_rad(start: Point, end: Point) -> float | None:
    """Heading from one point to the other in radians from north clockwise, None where they are within half a metre."""
    north, east = end[0] - start[0], end[1] - start[1]
    if math.hypot(north, east) < 0.5:
        return None
    return math.atan2(east, north)
