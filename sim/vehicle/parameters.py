"""The vehicle's parameters: ArduCopter 4.5's names, types and defaults for what this vehicle heeds, and for what
ground stations read at every connection.

Left out are the hundreds of tuning and driver parameters. Setting an unknown name is ignored, as on the real one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

INT8, INT16, INT32, REAL32 = 2, 4, 6, 9
"""MAV_PARAM_TYPE of the four types ArduPilot stores."""

_RANGES = {INT8: (-128, 127), INT16: (-32768, 32767), INT32: (-(2**31), 2**31 - 1)}

DEFAULTS: tuple[tuple[str, int, float], ...] = (
    ("ACRO_OPTIONS", INT8, 0),
    ("AHRS_EKF_TYPE", INT8, 3),
    ("AHRS_ORIENTATION", INT8, 0),
    ("ANGLE_MAX", INT16, 3000),
    ("ARMING_ACCTHRESH", REAL32, 0.75),
    ("ARMING_CHECK", INT32, 1),
    ("ARMING_MIS_ITEMS", INT32, 0),
    ("ARMING_OPTIONS", INT32, 0),
    ("ARMING_RUDDER", INT8, 2),
    ("ATC_SLEW_YAW", REAL32, 6000),
    ("AUTO_OPTIONS", INT32, 0),
    ("AVOID_ENABLE", INT8, 3),
    ("AVOID_MARGIN", REAL32, 2),
    ("BATT_CAPACITY", INT32, 3300),
    ("BATT_CRT_MAH", REAL32, 0),
    ("BATT_CRT_VOLT", REAL32, 0),
    ("BATT_FS_CRT_ACT", INT8, 0),
    ("BATT_FS_LOW_ACT", INT8, 0),
    ("BATT_FS_VOLTSRC", INT8, 0),
    ("BATT_LOW_MAH", REAL32, 0),
    ("BATT_LOW_TIMER", INT8, 10),
    ("BATT_LOW_VOLT", REAL32, 10.5),
    ("BATT_MONITOR", INT8, 4),
    ("BRD_BOOT_DELAY", INT16, 0),
    ("BRD_TYPE", INT8, 0),
    ("CAM_AUTO_ONLY", INT8, 0),
    ("CAM_MAX_ROLL", INT16, 0),
    ("CAM1_INTRVAL_MIN", REAL32, 0),
    ("CAM1_TRIGG_DIST", REAL32, 0),
    ("CAM1_TYPE", INT8, 1),
    ("CIRCLE_RADIUS", REAL32, 1000),
    ("CIRCLE_RATE", REAL32, 20),
    ("COMPASS_USE", INT8, 1),
    ("DISARM_DELAY", INT8, 10),
    ("EK3_ENABLE", INT8, 1),
    ("FENCE_ACTION", INT8, 1),
    ("FENCE_ALT_MAX", REAL32, 100),
    ("FENCE_ALT_MIN", REAL32, -10),
    ("FENCE_ENABLE", INT8, 0),
    ("FENCE_MARGIN", REAL32, 2),
    ("FENCE_OPTIONS", INT16, 0),
    ("FENCE_RADIUS", REAL32, 300),
    ("FENCE_TOTAL", INT8, 0),
    ("FENCE_TYPE", INT8, 7),
    ("FLTMODE_CH", INT8, 5),
    ("FLTMODE1", INT8, 0),
    ("FLTMODE2", INT8, 0),
    ("FLTMODE3", INT8, 0),
    ("FLTMODE4", INT8, 0),
    ("FLTMODE5", INT8, 0),
    ("FLTMODE6", INT8, 0),
    ("FORMAT_VERSION", INT16, 120),
    ("FRAME_CLASS", INT8, 1),
    ("FRAME_TYPE", INT8, 1),
    ("FS_CRASH_CHECK", INT8, 1),
    ("FS_DR_ENABLE", INT8, 2),
    ("FS_DR_TIMEOUT", INT16, 30),
    ("FS_EKF_ACTION", INT8, 1),
    ("FS_EKF_THRESH", REAL32, 0.8),
    ("FS_GCS_ENABLE", INT8, 0),
    ("FS_GCS_TIMEOUT", REAL32, 5),
    ("FS_OPTIONS", INT32, 16),
    ("FS_THR_ENABLE", INT8, 0),
    ("FS_THR_VALUE", INT16, 975),
    ("FS_VIBE_ENABLE", INT8, 1),
    ("GPS_TYPE", INT8, 1),
    ("GUID_OPTIONS", INT32, 0),
    ("GUID_TIMEOUT", REAL32, 3),
    ("INITIAL_MODE", INT8, 0),
    ("INS_ENABLE_MASK", INT8, 127),
    ("LAND_ALT_LOW", INT16, 1000),
    ("LAND_SPEED", INT16, 50),
    ("LAND_SPEED_HIGH", INT16, 0),
    ("LOG_BACKEND_TYPE", INT8, 1),
    ("LOG_BITMASK", INT32, 176126),
    ("LOG_DISARMED", INT8, 0),
    ("LOIT_SPEED", REAL32, 1250),
    ("MIS_OPTIONS", INT16, 0),
    ("MIS_RESTART", INT8, 0),
    ("MIS_TOTAL", INT16, 0),
    ("MNT1_TYPE", INT8, 0),
    ("MOT_PWM_MAX", INT16, 2000),
    ("MOT_PWM_MIN", INT16, 1000),
    ("MOT_SPIN_ARM", REAL32, 0.1),
    ("MOT_THST_HOVER", REAL32, 0.35),
    ("OA_TYPE", INT8, 0),
    ("PILOT_SPEED_DN", INT16, 0),
    ("PILOT_SPEED_UP", INT16, 250),
    ("PILOT_TKOFF_ALT", REAL32, 0),
    ("PLND_ENABLED", INT8, 0),
    ("RALLY_INCL_HOME", INT8, 1),
    ("RALLY_LIMIT_KM", REAL32, 0.3),
    ("RALLY_TOTAL", INT16, 0),
    ("RC_OPTIONS", INT32, 32),
    ("RC1_MAX", INT16, 1900),
    ("RC1_MIN", INT16, 1100),
    ("RC1_TRIM", INT16, 1500),
    ("RC2_MAX", INT16, 1900),
    ("RC2_MIN", INT16, 1100),
    ("RC2_TRIM", INT16, 1500),
    ("RC3_MAX", INT16, 1900),
    ("RC3_MIN", INT16, 1100),
    ("RC3_TRIM", INT16, 1500),
    ("RC4_MAX", INT16, 1900),
    ("RC4_MIN", INT16, 1100),
    ("RC4_TRIM", INT16, 1500),
    ("RCMAP_PITCH", INT8, 2),
    ("RCMAP_ROLL", INT8, 1),
    ("RCMAP_THROTTLE", INT8, 3),
    ("RCMAP_YAW", INT8, 4),
    ("RNGFND1_TYPE", INT8, 0),
    ("RTL_ALT", INT32, 1500),
    ("RTL_ALT_FINAL", INT16, 0),
    ("RTL_ALT_TYPE", INT8, 0),
    ("RTL_CLIMB_MIN", INT16, 0),
    ("RTL_CONE_SLOPE", REAL32, 3),
    ("RTL_LOIT_TIME", INT32, 5000),
    ("RTL_OPTIONS", INT32, 0),
    ("RTL_SPEED", INT16, 0),
    ("SERIAL0_BAUD", INT32, 115),
    ("SERIAL0_PROTOCOL", INT8, 2),
    ("SIM_BATT_VOLTAGE", REAL32, 0),
    ("SIM_GPS_DISABLE", INT8, 0),
    ("SIM_RC_FAIL", INT8, 0),
    ("SIM_WIND_DIR", REAL32, 180),
    ("SIM_WIND_SPD", REAL32, 0),
    ("SIMPLE", INT8, 0),
    ("SR0_ADSB", INT16, 0),
    ("SR0_EXT_STAT", INT16, 2),
    ("SR0_EXTRA1", INT16, 10),
    ("SR0_EXTRA2", INT16, 4),
    ("SR0_EXTRA3", INT16, 2),
    ("SR0_PARAMS", INT16, 10),
    ("SR0_POSITION", INT16, 10),
    ("SR0_RAW_CTRL", INT16, 0),
    ("SR0_RAW_SENS", INT16, 0),
    ("SR0_RC_CHAN", INT16, 0),
    ("STAT_BOOTCNT", INT16, 1),
    ("STAT_FLTTIME", INT32, 0),
    ("STAT_RUNTIME", INT32, 0),
    ("SYSID_ENFORCE", INT8, 0),
    ("SYSID_MYGCS", INT16, 255),
    ("SYSID_THISMAV", INT16, 1),
    ("TELEM_DELAY", INT8, 0),
    ("TERRAIN_ENABLE", INT8, 0),
    ("THROW_MOT_START", INT8, 0),
    ("TKOFF_SLEW_TIME", REAL32, 2),
    ("WP_NAVALT_MIN", REAL32, 0),
    ("WP_YAW_BEHAVIOR", INT8, 2),
    ("WPNAV_ACCEL", REAL32, 250),
    ("WPNAV_ACCEL_C", REAL32, 0),
    ("WPNAV_ACCEL_Z", REAL32, 100),
    ("WPNAV_JERK", REAL32, 1),
    ("WPNAV_RADIUS", REAL32, 200),
    ("WPNAV_RFND_USE", INT8, 1),
    ("WPNAV_SPEED", REAL32, 1000),
    ("WPNAV_SPEED_DN", REAL32, 150),
    ("WPNAV_SPEED_UP", REAL32, 250),
    ("WPNAV_TER_MARGIN", REAL32, 10),
)
"""(name, MAV_PARAM_TYPE, default). CAM1_TYPE is 1, not ArduPilot's 0: this vehicle comes with its camera; the SR0 rates
are those a companion computer would set (10 Hz of attitude and position). BATT_MONITOR is 4: a power module."""

READ_ONLY = frozenset({"FORMAT_VERSION", "MIS_TOTAL", "RALLY_TOTAL", "STAT_BOOTCNT"})


class Parameters:
    """The parameters of one vehicle, by name, in a fixed order (`PARAM_VALUE.param_index`)."""

    def __init__(self, overrides: dict[str, float] | None = None) -> None:
        self._types = {name: kind for name, kind, _ in DEFAULTS}
        self._values = {name: float(default) for name, _, default in DEFAULTS}
        self._names = tuple(self._values)
        self._index = {name: index for index, name in enumerate(self._names)}
        for name, value in (overrides or {}).items():
            self.put(name, value)

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def kind(self, name: str) -> int:
        """MAV_PARAM_TYPE of `name`; KeyError where there is no such parameter."""
        return self._types[name]

    def index(self, name: str) -> int:
        """Place of `name` in the list, from 0."""
        return self._index[name]

    def name_at(self, index: int) -> str | None:
        """Name at a place in the list, None outside it."""
        return self._names[index] if 0 <= index < len(self._names) else None

    def put(self, name: str, value: float) -> None:
        """Store a value whatever guards it: for the vehicle itself (totals, overrides). KeyError for unknown names."""
        self._values[name] = self._fitted(self._types[name], value)

    def set(self, name: str, value: float) -> bool:
        """Store what the ground asked for, rounded and clipped to the parameter's type. False, and nothing stored,
        for an unknown or read-only name and for NaN or infinity (ArduPilot: the same)."""
        if name not in self._values or name in READ_ONLY or not math.isfinite(value):
            return False
        self.put(name, value)
        return True

    @staticmethod
    def _fitted(kind: int, value: float) -> float:
        if kind == REAL32:
            return max(-3.4e38, min(3.4e38, value))
        low, high = _RANGES[kind]
        rounded = math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)
        return float(max(low, min(high, rounded)))
