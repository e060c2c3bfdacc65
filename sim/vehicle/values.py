"""The values that cross the vehicle's borders: its settings, its flight modes, its camera triggers, its local frame.

Pure values; what flies is `autopilot`, what talks is `server`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Mode(IntEnum):
    """ArduCopter's numbers of the flight modes this vehicle has (`custom_mode` of HEARTBEAT)."""

    STABILIZE = 0
    ALT_HOLD = 2
    AUTO = 3
    GUIDED = 4
    LOITER = 5
    RTL = 6
    LAND = 9
    BRAKE = 17


class Airframe(StrEnum):
    """Whose drag the body has: the practice drone's, or that of the heavier default quadrotor of ArduPilot's SITL."""

    PRACTICE = "practice"
    SITL = "sitl"


@dataclass(frozen=True)
class VehicleSettings:
    """Where, when and in what weather the vehicle wakes up.

    `home_*` is the true spot it stands on; the ground is level at `home_alt_amsl_m`. `speedup` is simulated seconds
    per second of the wall clock, 0 = as fast as the machine and the clients allow. Wind blows from `wind_from_deg`.
    The noise of one `seed` is always the same. `battery_capacity_mah` at 4 cells and `hover_power_w` give endurance.
    """

    home_lat_deg: float
    home_lon_deg: float
    home_alt_amsl_m: float = 0.0
    start_utc_s: float = 1_795_370_400.0
    speedup: float = 1.0
    seed: int = 0
    wind_speed_m_s: float = 0.0
    wind_from_deg: float = 0.0
    gust_m_s: float = 0.0
    heading_deg: float = 0.0
    battery_capacity_mah: float = 5000.0
    hover_power_w: float = 250.0
    gps_bias_horizontal_m: float = 0.6
    gps_bias_vertical_m: float = 0.8
    attitude_sigma_deg: float = 0.3
    airframe: Airframe = Airframe.PRACTICE
    system: int = 1


@dataclass(frozen=True)
class Trigger:
    """One photograph: its number (equal to CAMERA_FEEDBACK.img_idx) and the TRUE pose of the vehicle's body."""

    index: int
    time_utc_s: float
    lat_deg: float
    lon_deg: float
    alt_amsl_m: float
    alt_home_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


M_PER_DEG = 111_319.5
"""ArduPilot's metres per degree of latitude (1.113195 cm for 1e-7 of a degree)."""


class TangentFrame:
    """Metres north and east of an origin to degrees and back, as ArduPilot reckons them: on a sphere with the earth's
    equatorial radius (its LOCATION_SCALING_FACTOR), up to 0.7 % off on WGS 84.

    A real autopilot measures its trigger distance and its legs so; photographs come where it would take them. Both
    directions are exact inverses, so the vehicle is always consistent with itself.
    """

    def __init__(self, lat_deg: float, lon_deg: float) -> None:
        self.lat_deg = lat_deg
        self.lon_deg = lon_deg
        self.m_per_lat_deg = M_PER_DEG
        self.m_per_lon_deg = M_PER_DEG * math.cos(math.radians(lat_deg))

    def to_local(self, lat_deg: float, lon_deg: float) -> tuple[float, float]:
        """(north, east) in metres."""
        east_deg = (lon_deg - self.lon_deg + 180.0) % 360.0 - 180.0
        return (lat_deg - self.lat_deg) * self.m_per_lat_deg, east_deg * self.m_per_lon_deg

    def to_geodetic(self, north_m: float, east_m: float) -> tuple[float, float]:
        """(latitude, longitude) in degrees."""
        lon_deg = self.lon_deg + east_m / self.m_per_lon_deg
        if abs(lon_deg) > 180.0:
            lon_deg -= math.copysign(360.0, lon_deg)
        return self.lat_deg + north_m / self.m_per_lat_deg, lon_deg
