"""The limits navigation keeps to, and what velocity to ask of the body to go straight to a place, hover or land.

Legs between waypoints are `track`'s business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.vehicle.parameters import Parameters
from sim.vehicle.physics import Command

Point = tuple[float, float, float]
"""Metres north, east and up of the local frame's origin, as the autopilot believes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Speeds in m/s, accelerations in m/s^2 and jerk in m/s^3 that navigation may use, and the radius of a waypoint."""

    speed: float
    up: float
    down: float
    acceleration: float
    acceleration_up: float
    corner_m: float
    corner_acceleration: float
    jerk: float


def limits_of(params: Parameters, speed: float | None, up: float | None = None, down: float | None = None) -> Limits:
    """Limits from WPNAV_*, with the speeds a DO_CHANGE_SPEED has set instead of the parameters' where given, all within
    the ranges that ArduCopter documents."""

    def within(low: float, value: float, high: float) -> float:
        return max(low, min(high, value))

    acceleration = within(0.5, params["WPNAV_ACCEL"] / 100.0, 5.0)
    corner = params["WPNAV_ACCEL_C"] / 100.0
    return Limits(
        speed=within(0.2, speed if speed is not None else params["WPNAV_SPEED"] / 100.0, 20.0),
        up=within(0.1, up if up is not None else params["WPNAV_SPEED_UP"] / 100.0, 10.0),
        down=within(0.1, down if down is not None else abs(params["WPNAV_SPEED_DN"]) / 100.0, 5.0),
        acceleration=acceleration,
        acceleration_up=within(0.5, params["WPNAV_ACCEL_Z"] / 100.0, 5.0),
        corner_m=within(0.05, params["WPNAV_RADIUS"] / 100.0, 10.0),
        corner_acceleration=within(0.5, corner if corner > 0.0 else 2.0 * acceleration, 20.0),
        jerk=within(0.5, params["WPNAV_JERK"] if params["WPNAV_JERK"] > 0.0 else acceleration, 20.0),
    )


def stopping_speed(distance_m: float, acceleration: float) -> float:
    """The speed from which one stops in `distance_m` (square root law, ending in a proportional approach)."""
    if distance_m <= 0.0:
        return 0.0
    return min(math.sqrt(1.8 * acceleration * distance_m), 1.2 * distance_m)


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
    above = height_home_m - max(1.0, params["LAND_ALT_LOW"] / 100.0)
    command.up_m_s = -min(fast, max(slow, square_root_speed(above, limits.acceleration_up)))


def square_root_speed(distance_m: float, acceleration: float) -> float:
    """ArduPilot's sqrt_controller with a gain of 1/s: proportional near by, braking at `acceleration` further off."""
    if distance_m <= 0.0:
        return 0.0
    if distance_m <= acceleration:
        return distance_m
    return math.sqrt(2.0 * acceleration * (distance_m - acceleration / 2.0))


def bearing_rad(start: Point, end: Point) -> float | None:
    """Heading from one point to the other in radians from north clockwise, None where they are within half a metre."""
    north, east = end[0] - start[0], end[1] - start[1]
    if math.hypot(north, east) < 0.5:
        return None
    return math.atan2(east, north)
