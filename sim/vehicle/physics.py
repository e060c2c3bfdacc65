"""The body in the air: a point mass that accelerates as asked within its tilt, the attitude that this takes, the
ground, the wind and the battery.

What is left out: rotation as a dynamic (the body leans as it is asked to, a quarter of a second later), ground
effect, motor and propeller limits beyond ANGLE_MAX, and terrain (the ground is level). The practice drone's drag is
linear in air speed, as rotor drag of small multirotors nearly is; at 10 m/s it asks for 8 degrees of tilt. All scalars:
this runs 50 times a second.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

GRAVITY_M_S2 = 9.80665
DRAG_PER_S, DRAG_PER_M = 0.138, 0.0
"""Deceleration per air speed and per its square, of the practice drone: tan(8 degrees) x g at 10 m/s."""
JERK_M_S3 = 5.0
"""ArduCopter's PSC_JERK_XY and PSC_JERK_Z."""
FEED_FORWARD_M_S2 = 5.0
"""A commanded velocity that changes faster than this jumps; it is corrected, not anticipated."""
VELOCITY_GAIN_PER_S, VELOCITY_INTEGRAL_PER_S2, VELOCITY_DERIVATIVE = 2.0, 1.0, 0.5
"""PSC_VELXY_P, _I and _D."""
VELOCITY_INTEGRAL_MOST_M_S2 = 10.0
VELOCITY_FILTER_S = 1.0 / (math.tau * 5.0)
"""PSC_VELXY_IMAX; the time constant of PSC_VELXY_FLTE and _FLTD, 5 Hz."""
TILT_LAG_S = 0.25
YAW_ACCELERATION_RAD_S2 = math.radians(120.0)
MASS_KG = 2.0
CLIMB_EFFICIENCY = 0.5
IDLE_POWER_W = 30.0
AVIONICS_POWER_W = 8.0
EMPTY_V, FULL_V = 13.2, 16.8


def _towards(speed_m_s: float, from_deg: float) -> tuple[float, float]:
    towards = math.radians(from_deg + 180.0)
    return speed_m_s * math.cos(towards), speed_m_s * math.sin(towards)


@dataclass(slots=True)
class Wind:
    """Mean wind and its gusts (a first-order Gauss-Markov process of 5 s), as velocity of the air in m/s."""

    mean_north_m_s: float
    mean_east_m_s: float
    gust_m_s: float
    north_m_s: float = 0.0
    east_m_s: float = 0.0

    @classmethod
    def blowing(cls, speed_m_s: float, from_deg: float, gust_m_s: float) -> Wind:
        """Wind of a speed from a direction, with gusts of a standard deviation."""
        north, east = _towards(speed_m_s, from_deg)
        return cls(north, east, gust_m_s, north, east)

    def blow(self, speed_m_s: float, from_deg: float) -> None:
        """Let the mean wind be another from now on."""
        self.mean_north_m_s, self.mean_east_m_s = _towards(speed_m_s, from_deg)

    def calm(self) -> None:
        """Back to the mean wind."""
        self.north_m_s, self.east_m_s = self.mean_north_m_s, self.mean_east_m_s

    def update(self, rng: random.Random, dt: float) -> None:
        """Advance the gusts by `dt` seconds."""
        keep = math.exp(-dt / 5.0)
        kick = self.gust_m_s * math.sqrt(1.0 - keep * keep)
        self.north_m_s = self.mean_north_m_s + keep * (self.north_m_s - self.mean_north_m_s) + kick * rng.gauss(0, 1)
        self.east_m_s = self.mean_east_m_s + keep * (self.east_m_s - self.mean_east_m_s) + kick * rng.gauss(0, 1)


@dataclass(slots=True)
class Command:
    """What the autopilot asks of the body: a velocity, the accelerations it may use, and a heading. With a `lean`, the
    horizontal push of the rotors (north and east, m/s^2) takes the place of the horizontal velocity: nothing is held.
    With `ahead`, the horizontal acceleration (m/s^2) by which the velocity changes, it is followed as ArduPilot does,
    whose controller knows nothing of drag and wind; without, it is followed well.
    """

    north_m_s: float = 0.0
    east_m_s: float = 0.0
    up_m_s: float = 0.0
    acceleration_m_s2: float = 2.5
    acceleration_up_m_s2: float = 1.0
    yaw_rad: float = 0.0
    yaw_rate_rad_s: float = math.radians(60.0)
    lean: tuple[float, float] | None = None
    ahead: tuple[float, float] | None = None


@dataclass(slots=True)
class Follower:
    """ArduPilot's controller of the horizontal velocity along one axis: what it has learnt of drag and wind it takes
    along through a turn, which is why a vehicle runs wide."""

    integral: float = 0.0
    _error: float = 0.0
    _rate: float = 0.0

    def hold(self, push_m_s2: float) -> None:
        """Something else steers; `push_m_s2` is what holds against the air now."""
        self.integral, self._error, self._rate = push_m_s2, 0.0, 0.0

    def follow(self, error_m_s: float, dt: float) -> float:
        """The push (m/s^2) that answers an error of the velocity."""
        share = dt / (dt + VELOCITY_FILTER_S)
        before = self._error
        self._error += (error_m_s - before) * share
        self._rate += ((self._error - before) / dt - self._rate) * share
        most = VELOCITY_INTEGRAL_MOST_M_S2
        self.integral += VELOCITY_INTEGRAL_PER_S2 * self._error * dt
        self.integral = max(-most, min(most, self.integral))
        return VELOCITY_GAIN_PER_S * self._error + self.integral + VELOCITY_DERIVATIVE * self._rate


@dataclass(slots=True)
class Body:
    """True state: position in metres north, east and up of the spot it woke up on, velocity, acceleration, the velocity
    last asked for, and attitude in radians."""

    north_m: float = 0.0
    east_m: float = 0.0
    up_m: float = 0.0
    v_north_m_s: float = 0.0
    v_east_m_s: float = 0.0
    v_up_m_s: float = 0.0
    roll_rad: float = 0.0
    pitch_rad: float = 0.0
    yaw_rad: float = 0.0
    roll_rate_rad_s: float = 0.0
    pitch_rate_rad_s: float = 0.0
    yaw_rate_rad_s: float = 0.0
    a_north_m_s2: float = 0.0
    a_east_m_s2: float = 0.0
    a_up_m_s2: float = 0.0
    asked_north_m_s: float = 0.0
    asked_east_m_s: float = 0.0
    asked_up_m_s: float = 0.0
    push_north_m_s2: float = 0.0
    push_east_m_s2: float = 0.0
    thrust_g: float = 0.0
    on_ground: bool = True
    drag_per_s: float = DRAG_PER_S
    drag_per_m: float = DRAG_PER_M
    _north: Follower = field(default_factory=Follower)
    _east: Follower = field(default_factory=Follower)

    def step(self, command: Command, wind: Wind, dt: float, tilt_max_rad: float) -> None:
        """Fly for `dt` seconds under power towards the commanded velocity and heading."""
        if self.on_ground and command.up_m_s <= 0.0:
            self._rest()
            return
        self.on_ground = False
        drag_north, drag_east = self._drag(wind)
        limit = command.acceleration_m_s2
        a_north = self._wanted(command.north_m_s, self.asked_north_m_s, self.v_north_m_s, dt)
        a_east = self._wanted(command.east_m_s, self.asked_east_m_s, self.v_east_m_s, dt)
        size = math.hypot(a_north, a_east)
        if size > limit:
            a_north, a_east = a_north * limit / size, a_east * limit / size
        a_up = self._wanted(command.up_m_s, self.asked_up_m_s, self.v_up_m_s, dt)
        a_up = max(-command.acceleration_up_m_s2, min(command.acceleration_up_m_s2, a_up))
        self.asked_north_m_s, self.asked_east_m_s = command.north_m_s, command.east_m_s
        self.asked_up_m_s = command.up_m_s
        change = JERK_M_S3 * dt
        a_north = self.a_north_m_s2 + max(-change, min(change, a_north - self.a_north_m_s2))
        a_east = self.a_east_m_s2 + max(-change, min(change, a_east - self.a_east_m_s2))
        a_up = self.a_up_m_s2 + max(-change, min(change, a_up - self.a_up_m_s2))
        thrust_north, thrust_east, thrust_up = a_north + drag_north, a_east + drag_east, a_up + GRAVITY_M_S2
        if command.ahead is None:
            self._north.hold(drag_north)
            self._east.hold(drag_east)
        else:
            thrust_north = command.ahead[0] + self._north.follow(command.north_m_s - self.v_north_m_s, dt)
            thrust_east = command.ahead[1] + self._east.follow(command.east_m_s - self.v_east_m_s, dt)
            a_north, a_east = thrust_north - drag_north, thrust_east - drag_east
        if command.lean is not None:
            thrust_north, thrust_east = command.lean
            a_north, a_east = thrust_north - drag_north, thrust_east - drag_east
        most = thrust_up * math.tan(tilt_max_rad)
        size = math.hypot(thrust_north, thrust_east)
        if size > most:
            thrust_north, thrust_east = thrust_north * most / size, thrust_east * most / size
            a_north, a_east = thrust_north - drag_north, thrust_east - drag_east
        self.a_north_m_s2, self.a_east_m_s2, self.a_up_m_s2 = a_north, a_east, a_up
        self._turn(command, dt)
        # the body leans a little later than it is asked to, and its push with it
        share = min(1.0, dt / TILT_LAG_S)
        self.push_north_m_s2 += (thrust_north - self.push_north_m_s2) * share
        self.push_east_m_s2 += (thrust_east - self.push_east_m_s2) * share
        self._tilt(self.push_north_m_s2, self.push_east_m_s2, thrust_up, dt)
        self._move(self.push_north_m_s2 - drag_north, self.push_east_m_s2 - drag_east, a_up, dt)

    def fall(self, wind: Wind, dt: float) -> None:
        """Go on for `dt` seconds without power: what an empty battery or a disarming in the air does."""
        self.thrust_g = 0.0
        if self.on_ground:
            self._rest()
            return
        north, east = self._drag(wind)
        self._move(-north, -east, -GRAVITY_M_S2 - DRAG_PER_S * self.v_up_m_s, dt)

    def _drag(self, wind: Wind) -> tuple[float, float]:
        north, east = self.v_north_m_s - wind.north_m_s, self.v_east_m_s - wind.east_m_s
        if self.drag_per_m == 0.0:
            return self.drag_per_s * north, self.drag_per_s * east
        # the square goes by the axes of the body, as in SITL
        cosine, sine = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        ahead, right = north * cosine + east * sine, east * cosine - north * sine
        ahead *= self.drag_per_s + self.drag_per_m * abs(ahead)
        right *= self.drag_per_s + self.drag_per_m * abs(right)
        return ahead * cosine - right * sine, ahead * sine + right * cosine

    @staticmethod
    def _wanted(asked: float, asked_before: float, speed: float, dt: float) -> float:
        """Acceleration that follows a velocity: what the velocity itself changes by, and a correction of the error that
        the jerk limit can undo in time (square root law)."""
        error = asked - speed
        correction = min(VELOCITY_GAIN_PER_S * abs(error), math.sqrt(1.6 * JERK_M_S3 * abs(error)))
        ahead = (asked - asked_before) / dt
        return math.copysign(correction, error) + (ahead if abs(ahead) < FEED_FORWARD_M_S2 else 0.0)

    def _rest(self) -> None:
        self.a_north_m_s2 = self.a_east_m_s2 = self.a_up_m_s2 = 0.0
        self.asked_north_m_s = self.asked_east_m_s = self.asked_up_m_s = 0.0
        self.v_north_m_s = self.v_east_m_s = self.v_up_m_s = 0.0
        self.roll_rad = self.pitch_rad = 0.0
        self.roll_rate_rad_s = self.pitch_rate_rad_s = self.yaw_rate_rad_s = 0.0
        self.push_north_m_s2 = self.push_east_m_s2 = self.thrust_g = 0.0

    def _turn(self, command: Command, dt: float) -> None:
        error = (command.yaw_rad - self.yaw_rad + math.pi) % math.tau - math.pi
        # the square root keeps the turn within its angular deceleration, the product ends it softly
        wanted = math.copysign(min(math.sqrt(YAW_ACCELERATION_RAD_S2 * abs(error)), 4.0 * abs(error)), error)
        wanted = max(-command.yaw_rate_rad_s, min(command.yaw_rate_rad_s, wanted))
        change = YAW_ACCELERATION_RAD_S2 * dt
        self.yaw_rate_rad_s += max(-change, min(change, wanted - self.yaw_rate_rad_s))
        self.yaw_rad = (self.yaw_rad + self.yaw_rate_rad_s * dt) % math.tau

    def _tilt(self, thrust_north: float, thrust_east: float, thrust_up: float, dt: float) -> None:
        # thrust along R(yaw, pitch, roll) (0, 0, -1) in NED, ZYX: tan(pitch) = -forward / up, sin(roll) = right / size
        cosine, sine = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        forward = thrust_north * cosine + thrust_east * sine
        right = thrust_east * cosine - thrust_north * sine
        size = math.sqrt(forward * forward + right * right + thrust_up * thrust_up)
        self.thrust_g = size / GRAVITY_M_S2
        pitch, roll = math.atan2(-forward, thrust_up), math.asin(right / size)
        self.pitch_rate_rad_s, self.roll_rate_rad_s = (pitch - self.pitch_rad) / dt, (roll - self.roll_rad) / dt
        self.pitch_rad, self.roll_rad = pitch, roll

    def _move(self, a_north: float, a_east: float, a_up: float, dt: float) -> None:
        self.v_north_m_s += a_north * dt
        self.v_east_m_s += a_east * dt
        self.v_up_m_s += a_up * dt
        self.north_m += self.v_north_m_s * dt
        self.east_m += self.v_east_m_s * dt
        self.up_m += self.v_up_m_s * dt
        if self.up_m <= 0.0 and self.v_up_m_s <= 0.0:
            self.up_m = 0.0
            self.on_ground = True
            self._rest()


@dataclass(slots=True)
class Battery:
    """Four lithium cells: charge drawn, and the voltage and current that follow from load and charge."""

    capacity_mah: float
    hover_power_w: float
    used_mah: float = 0.0
    current_a: float = 0.0
    voltage_v: float = FULL_V

    @property
    def remaining(self) -> float:
        """Share of the capacity that is left, 0 to 1."""
        return max(0.0, 1.0 - self.used_mah / self.capacity_mah)

    def draw(self, body: Body, armed: bool, dt: float) -> None:
        """Draw what `dt` seconds take: induced power grows with thrust to the power 1.5 (momentum theory), climbing
        adds m g v over an efficiency."""
        power = AVIONICS_POWER_W
        if armed:
            power += IDLE_POWER_W
            if not body.on_ground:
                power += (self.hover_power_w - IDLE_POWER_W) * body.thrust_g**1.5
                power += MASS_KG * GRAVITY_M_S2 * max(0.0, body.v_up_m_s) / CLIMB_EFFICIENCY
        open_voltage = EMPTY_V + (FULL_V - EMPTY_V) * self.remaining if self.remaining > 0.0 else 0.0
        self.current_a = power / max(open_voltage, 10.0)
        self.voltage_v = max(0.0, open_voltage - 0.02 * self.current_a)
        self.used_mah += self.current_a * dt / 3.6


def capacity_for_mah(endurance_s: float, hover_power_w: float) -> float:
    """Capacity of the four cells that are empty after `endurance_s` of hovering, or of a cruise in still air, which
    takes hardly more."""
    return endurance_s * (hover_power_w + AVIONICS_POWER_W) / ((EMPTY_V + FULL_V) / 2.0) / 3.6
