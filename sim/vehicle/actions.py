"""Commands that act at once, whether they come from a mission on its way or straight from the ground."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.fence import fence_present
from sim.vehicle.storage import Item

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

SKIPPED = frozenset(
    {
        mavlink.MAV_CMD_CONDITION_DISTANCE,
        mavlink.MAV_CMD_DO_LAND_START,
        mavlink.MAV_CMD_DO_SET_ROI,
        mavlink.MAV_CMD_DO_MOUNT_CONTROL,
        mavlink.MAV_CMD_DO_SET_SERVO,
        mavlink.MAV_CMD_DO_SET_RELAY,
    }
)
"""Stored and accepted in a mission, with nothing here to act on."""


def carry_out(vehicle: SimulatedVehicle, item: Item) -> int:
    """Do what `item` says, now; returns a MAV_RESULT (UNSUPPORTED for what is no immediate command)."""
    command = item.command
    if command == mavlink.MAV_CMD_DO_CHANGE_SPEED:
        return _change_speed(vehicle, item)
    if command == mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST:
        if not vehicle.params["CAM1_TYPE"]:
            return mavlink.MAV_RESULT_UNSUPPORTED
        vehicle.trigger.every(item.param1, at_once=item.param3 == 1)
    elif command in (mavlink.MAV_CMD_DO_DIGICAM_CONTROL, mavlink.MAV_CMD_IMAGE_START_CAPTURE):
        if not vehicle.params["CAM1_TYPE"]:
            return mavlink.MAV_RESULT_UNSUPPORTED
        if command == mavlink.MAV_CMD_IMAGE_START_CAPTURE and item.param3 != 1:
            return mavlink.MAV_RESULT_UNSUPPORTED
        vehicle.trigger.ask()
    elif command == mavlink.MAV_CMD_CONDITION_YAW:
        vehicle.steering.fixed_yaw_rad = turned_yaw_rad(
            vehicle.body.yaw_rad, item.param1, item.param3, bool(item.param4)
        )
    elif command == mavlink.MAV_CMD_DO_FENCE_ENABLE:
        return _enable_fence(vehicle, item.param1)
    elif command == mavlink.MAV_CMD_DO_SET_HOME:
        return _set_home(vehicle, item)
    elif command not in SKIPPED:
        return mavlink.MAV_RESULT_UNSUPPORTED
    return mavlink.MAV_RESULT_ACCEPTED


def _change_speed(vehicle: SimulatedVehicle, item: Item) -> int:
    if item.param2 <= 0.0:
        return mavlink.MAV_RESULT_FAILED
    kind = {0: "speed", 1: "speed", 2: "up", 3: "down"}.get(int(item.param1))
    if kind is None:
        return mavlink.MAV_RESULT_FAILED
    vehicle.steering.change_speed(kind, item.param2)
    return mavlink.MAV_RESULT_ACCEPTED


def _enable_fence(vehicle: SimulatedVehicle, asked: float) -> int:
    if asked not in (0, 1):
        return mavlink.MAV_RESULT_FAILED
    if asked and not fence_present(vehicle.params, vehicle.store.shapes):
        return mavlink.MAV_RESULT_FAILED
    vehicle.fence_enabled = bool(asked)
    return mavlink.MAV_RESULT_ACCEPTED


def _set_home(vehicle: SimulatedVehicle, item: Item) -> int:
    if not vehicle.ready:
        return mavlink.MAV_RESULT_FAILED
    if item.param1 == 1 or (item.x == 0 and item.y == 0):
        vehicle.set_home(vehicle.position)
    elif abs(item.x) > 900_000_000 or abs(item.y) > 1_800_000_000:
        return mavlink.MAV_RESULT_DENIED
    else:
        north, east = vehicle.frame.to_local(item.lat_deg, item.lon_deg)
        vehicle.set_home((north, east, item.z - vehicle.settings.home_alt_amsl_m))
    return mavlink.MAV_RESULT_ACCEPTED


def turned_yaw_rad(current_rad: float, degrees: float, direction: float, relative: bool) -> float:
    """Heading asked for by CONDITION_YAW: absolute, or `degrees` to the side that the sign of `direction` says."""
    if not relative:
        return math.radians(degrees) % math.tau
    return (current_rad + math.radians(degrees) * (-1.0 if direction < 0 else 1.0)) % math.tau
