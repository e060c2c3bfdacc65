"""What the vehicle reports: one builder per MAVLink message.

The numbers carry the errors of `noise`; only the camera's trigger knows the truth. Who gets what how often is
`telemetry`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink
from pymavlink.dialects.v20.ardupilotmega import MAVLink_message as Message

from sim.vehicle.values import Mode

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

SENSORS = (
    mavlink.MAV_SYS_STATUS_SENSOR_3D_GYRO
    | mavlink.MAV_SYS_STATUS_SENSOR_3D_ACCEL
    | mavlink.MAV_SYS_STATUS_SENSOR_3D_MAG
    | mavlink.MAV_SYS_STATUS_SENSOR_ABSOLUTE_PRESSURE
    | mavlink.MAV_SYS_STATUS_SENSOR_GPS
    | mavlink.MAV_SYS_STATUS_SENSOR_ANGULAR_RATE_CONTROL
    | mavlink.MAV_SYS_STATUS_SENSOR_ATTITUDE_STABILIZATION
    | mavlink.MAV_SYS_STATUS_SENSOR_YAW_POSITION
    | mavlink.MAV_SYS_STATUS_SENSOR_MOTOR_OUTPUTS
    | mavlink.MAV_SYS_STATUS_AHRS
    | mavlink.MAV_SYS_STATUS_SENSOR_BATTERY
)
CAPABILITIES = (
    mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_FLOAT
    | mavlink.MAV_PROTOCOL_CAPABILITY_PARAM_FLOAT
    | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_INT
    | mavlink.MAV_PROTOCOL_CAPABILITY_COMMAND_INT
    | mavlink.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_GLOBAL_INT
    | mavlink.MAV_PROTOCOL_CAPABILITY_MAVLINK2
    | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_FENCE
    | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_RALLY
)
VERSION_4_5_7 = 4 << 24 | 5 << 16 | 7 << 8 | 255


def _ms(vehicle: SimulatedVehicle) -> int:
    return round((vehicle.time_s - vehicle.boot_s) * 1000.0) & 0xFFFFFFFF


def _i16(value: float) -> int:
    return max(-32768, min(32767, round(value)))


def heartbeat(vehicle: SimulatedVehicle) -> Message:
    """HEARTBEAT of a quadrotor under ArduPilot."""
    base = mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED | mavlink.MAV_MODE_FLAG_STABILIZE_ENABLED
    if vehicle.mode in (Mode.AUTO, Mode.GUIDED, Mode.LOITER, Mode.RTL, Mode.LAND, Mode.BRAKE):
        base |= mavlink.MAV_MODE_FLAG_GUIDED_ENABLED
    if vehicle.armed:
        base |= mavlink.MAV_MODE_FLAG_SAFETY_ARMED
    state = mavlink.MAV_STATE_STANDBY
    if not vehicle.ready:
        state = mavlink.MAV_STATE_BOOT
    elif vehicle.failsafes.active:
        state = mavlink.MAV_STATE_CRITICAL
    elif vehicle.armed and not vehicle.landed:
        state = mavlink.MAV_STATE_ACTIVE
    return mavlink.MAVLink_heartbeat_message(
        mavlink.MAV_TYPE_QUADROTOR, mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA, base, int(vehicle.mode), state, 3
    )


def sys_status(vehicle: SimulatedVehicle) -> Message:
    """SYS_STATUS, with the fence among the sensors and the pre-arm check while disarmed."""
    fence = mavlink.MAV_SYS_STATUS_GEOFENCE
    has_fence = bool(vehicle.store.shapes) or vehicle.fence_enabled
    present = SENSORS | (fence if has_fence else 0) | mavlink.MAV_SYS_STATUS_PREARM_CHECK
    enabled = SENSORS | (fence if vehicle.fence_enabled else 0) | mavlink.MAV_SYS_STATUS_PREARM_CHECK
    health = SENSORS if vehicle.ready else SENSORS & ~mavlink.MAV_SYS_STATUS_AHRS
    if not vehicle.failsafes.breached:
        health |= fence
    if vehicle.armed or not vehicle.prearm_failure():
        health |= mavlink.MAV_SYS_STATUS_PREARM_CHECK
    battery = vehicle.battery
    return mavlink.MAVLink_sys_status_message(
        present,
        enabled,
        health,
        200,
        round(battery.voltage_v * 1000.0),
        _i16(battery.current_a * 100.0),
        round(battery.remaining * 100.0),
        *(0, 0, 0, 0, 0, 0),
    )


def system_time(vehicle: SimulatedVehicle) -> Message:
    """SYSTEM_TIME: UTC once GPS has had a fix, 0 before."""
    known = vehicle.ready or vehicle.home_known
    return mavlink.MAVLink_system_time_message(round(vehicle.utc_s * 1e6) if known else 0, _ms(vehicle))


def gps_raw_int(vehicle: SimulatedVehicle) -> Message:
    """GPS_RAW_INT: the receiver's own fix, noisier than the estimate."""
    usec = max(0, round((vehicle.time_s - vehicle.boot_s) * 1e6))
    if not vehicle.estimator.fix:
        return mavlink.MAVLink_gps_raw_int_message(usec, 1, 0, 0, 0, 9999, 9999, 0, 0, 0)
    body, errors = vehicle.body, vehicle.errors
    north = body.north_m + errors.gps_north_m + vehicle.estimator.glitch_m
    lat, lon = vehicle.frame.to_geodetic(north, body.east_m + errors.gps_east_m)
    speed = math.hypot(body.v_north_m_s, body.v_east_m_s)
    course = math.degrees(math.atan2(body.v_east_m_s, body.v_north_m_s)) % 360.0
    return mavlink.MAVLink_gps_raw_int_message(
        usec,
        3,
        round(lat * 1e7),
        round(lon * 1e7),
        round((vehicle.settings.home_alt_amsl_m + body.up_m + errors.gps_up_m) * 1000.0),
        90,
        140,
        round(speed * 100.0),
        round(course * 100.0) % 36000,
        14,
        0,
        600,
        800,
        200,
    )


def global_position_int(vehicle: SimulatedVehicle) -> Message:
    """GLOBAL_POSITION_INT: the estimate."""
    position, body = vehicle.position, vehicle.body
    if not vehicle.home_known and not vehicle.ready:
        return mavlink.MAVLink_global_position_int_message(_ms(vehicle), 0, 0, 0, 0, 0, 0, 0, 65535)
    lat, lon = vehicle.frame.to_geodetic(position[0], position[1])
    heading = math.degrees(body.yaw_rad + vehicle.errors.yaw_rad) % 360.0
    return mavlink.MAVLink_global_position_int_message(
        _ms(vehicle),
        round(lat * 1e7),
        round(lon * 1e7),
        round(vehicle.alt_amsl_m * 1000.0),
        round(vehicle.height_home_m * 1000.0),
        _i16(body.v_north_m_s * 100.0),
        _i16(body.v_east_m_s * 100.0),
        _i16(-body.v_up_m_s * 100.0),
        round(heading * 100.0) % 36000,
    )


def attitude(vehicle: SimulatedVehicle) -> Message:
    """ATTITUDE in radians, yaw within -pi and pi."""
    body, errors = vehicle.body, vehicle.errors
    yaw = (body.yaw_rad + errors.yaw_rad + math.pi) % math.tau - math.pi
    return mavlink.MAVLink_attitude_message(
        _ms(vehicle),
        body.roll_rad + errors.roll_rad,
        body.pitch_rad + errors.pitch_rad,
        yaw,
        body.roll_rate_rad_s,
        body.pitch_rate_rad_s,
        body.yaw_rate_rad_s,
    )


def vfr_hud(vehicle: SimulatedVehicle) -> Message:
    """VFR_HUD."""
    body = vehicle.body
    air = math.hypot(body.v_north_m_s - vehicle.wind.north_m_s, body.v_east_m_s - vehicle.wind.east_m_s)
    ground = math.hypot(body.v_north_m_s, body.v_east_m_s)
    heading = round(math.degrees(body.yaw_rad + vehicle.errors.yaw_rad)) % 360
    throttle = round(min(100.0, 35.0 * body.thrust_g)) if vehicle.armed else 0
    return mavlink.MAVLink_vfr_hud_message(air, ground, heading, throttle, vehicle.alt_amsl_m, body.v_up_m_s)


def battery_status(vehicle: SimulatedVehicle) -> Message:
    """BATTERY_STATUS of the one battery."""
    battery = vehicle.battery
    cells = [round(battery.voltage_v * 1000.0)] + [65535] * 9
    state = (mavlink.MAV_BATTERY_CHARGE_STATE_OK, mavlink.MAV_BATTERY_CHARGE_STATE_LOW)
    level = vehicle.failsafes.battery_level
    charge = mavlink.MAV_BATTERY_CHARGE_STATE_CRITICAL if level == 2 else state[level]
    return mavlink.MAVLink_battery_status_message(
        0,
        mavlink.MAV_BATTERY_FUNCTION_UNKNOWN,
        mavlink.MAV_BATTERY_TYPE_UNKNOWN,
        32767,
        cells,
        _i16(battery.current_a * 100.0),
        round(battery.used_mah),
        -1,
        round(battery.remaining * 100.0),
        0,
        charge,
    )


def ekf_status_report(vehicle: SimulatedVehicle) -> Message:
    """EKF_STATUS_REPORT: healthy once ready; constant-position mode before."""
    estimator = vehicle.estimator
    return mavlink.MAVLink_ekf_status_report_message(estimator.flags, 0.05, estimator.variance, 0.03, 0.02, 0.0)


def wind(vehicle: SimulatedVehicle) -> Message:
    """WIND: the air as it moves; ArduCopter says its estimate of it."""
    air = vehicle.wind
    speed_m_s = math.hypot(air.north_m_s, air.east_m_s)
    from_deg = math.degrees(math.atan2(-air.east_m_s, -air.north_m_s)) % 360.0
    return mavlink.MAVLink_wind_message(from_deg, speed_m_s, 0.0)


def mission_current(vehicle: SimulatedVehicle) -> Message:
    """MISSION_CURRENT."""
    total = len(vehicle.store.mission) - 1
    in_mission = 1 if vehicle.mode == Mode.AUTO else 2
    return mavlink.MAVLink_mission_current_message(
        vehicle.run.index, total if total else 65535, int(vehicle.run.reported_state()), in_mission
    )


def fence_status(vehicle: SimulatedVehicle) -> Message | None:
    """FENCE_STATUS, while the fence is enabled."""
    if not vehicle.fence_enabled:
        return None
    safes = vehicle.failsafes
    return mavlink.MAVLink_fence_status_message(
        1 if safes.breached else 0, safes.breach_count & 0xFFFF, safes.breach_type, safes.breach_time_ms
    )


def extended_sys_state(vehicle: SimulatedVehicle) -> Message:
    """EXTENDED_SYS_STATE: on the ground, taking off, in the air or landing."""
    landed = mavlink.MAV_LANDED_STATE_IN_AIR
    if vehicle.landed:
        landed = mavlink.MAV_LANDED_STATE_ON_GROUND
    elif vehicle.landing:
        landed = mavlink.MAV_LANDED_STATE_LANDING
    return mavlink.MAVLink_extended_sys_state_message(mavlink.MAV_VTOL_STATE_UNDEFINED, landed)


def autopilot_version(vehicle: SimulatedVehicle) -> Message:
    """AUTOPILOT_VERSION: Copter 4.5.7 is what it is like; the vendor's bytes and the serial number, no real vehicle's,
    say that it is simulated."""
    name = [*b"picketsm"]
    number = vehicle.settings.seed & 0xFFFF
    serial = [*b"picket practice", *number.to_bytes(3, "big")]
    return mavlink.MAVLink_autopilot_version_message(
        CAPABILITIES, VERSION_4_5_7, 0, 0, 0, name, [0] * 8, [0] * 8, 0, 0, number, serial
    )


def home_position(vehicle: SimulatedVehicle) -> Message | None:
    """HOME_POSITION, once there is one."""
    if not vehicle.home_known:
        return None
    home = vehicle.store.mission[0]
    return mavlink.MAVLink_home_position_message(
        home.x, home.y, round(home.z * 1000.0), 0.0, 0.0, 0.0, [1.0, 0.0, 0.0, 0.0], 0.0, 0.0, 0.0
    )


def camera_feedback(vehicle: SimulatedVehicle) -> Message:
    """CAMERA_FEEDBACK of the photograph just taken: the vehicle's angles (not the camera's), yaw 0 to 360, UTC."""
    body, errors = vehicle.body, vehicle.errors
    lat_deg, lon_deg = vehicle.frame.to_geodetic(vehicle.position[0], vehicle.position[1])
    return mavlink.MAVLink_camera_feedback_message(
        round(vehicle.utc_s * 1e6),
        0,
        0,
        vehicle.trigger.index & 0xFFFF,
        round(lat_deg * 1e7),
        round(lon_deg * 1e7),
        vehicle.alt_amsl_m,
        vehicle.height_home_m,
        math.degrees(body.roll_rad + errors.roll_rad),
        math.degrees(body.pitch_rad + errors.pitch_rad),
        math.degrees(body.yaw_rad + errors.yaw_rad) % 360.0,
        0.0,
        mavlink.CAMERA_FEEDBACK_PHOTO,
        vehicle.trigger.index & 0xFFFF,
    )


BUILDERS: dict[int, Callable[[SimulatedVehicle], Message | None]] = {
    mavlink.MAVLINK_MSG_ID_HEARTBEAT: heartbeat,
    mavlink.MAVLINK_MSG_ID_SYS_STATUS: sys_status,
    mavlink.MAVLINK_MSG_ID_SYSTEM_TIME: system_time,
    mavlink.MAVLINK_MSG_ID_GPS_RAW_INT: gps_raw_int,
    mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT: global_position_int,
    mavlink.MAVLINK_MSG_ID_ATTITUDE: attitude,
    mavlink.MAVLINK_MSG_ID_VFR_HUD: vfr_hud,
    mavlink.MAVLINK_MSG_ID_BATTERY_STATUS: battery_status,
    mavlink.MAVLINK_MSG_ID_EKF_STATUS_REPORT: ekf_status_report,
    mavlink.MAVLINK_MSG_ID_WIND: wind,
    mavlink.MAVLINK_MSG_ID_MISSION_CURRENT: mission_current,
    mavlink.MAVLINK_MSG_ID_FENCE_STATUS: fence_status,
    mavlink.MAVLINK_MSG_ID_EXTENDED_SYS_STATE: extended_sys_state,
    mavlink.MAVLINK_MSG_ID_AUTOPILOT_VERSION: autopilot_version,
    mavlink.MAVLINK_MSG_ID_HOME_POSITION: home_position,
}
