"""What must hold before the motors start or a mode is entered, in ArduCopter's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.fence import FLOOR, breaches, fence_present
from sim.vehicle.values import Mode

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

NEEDS_POSITION = frozenset({Mode.AUTO, Mode.GUIDED, Mode.LOITER, Mode.RTL, Mode.BRAKE})

RALLY_REQUIRED = 32
"""Bit of ARMING_MIS_ITEMS."""


def starts_with_take_off(vehicle: SimulatedVehicle) -> bool:
    """True where the first navigation command of the mission is a take-off."""
    for item in vehicle.store.mission[1:]:
        if item.command < mavlink.MAV_CMD_NAV_LAST:
            return item.command == mavlink.MAV_CMD_NAV_TAKEOFF
    return False


def mode_refused(vehicle: SimulatedVehicle, mode: Mode) -> str:
    """Why `mode` cannot be entered now; empty where it can."""
    if mode in NEEDS_POSITION and not vehicle.ready:
        return "requires position"
    if mode == Mode.RTL and not vehicle.home_known:
        return "requires home"
    if mode == Mode.AUTO:
        if len(vehicle.store.mission) <= 1:
            return "init failed"
        if vehicle.armed and vehicle.landed and not starts_with_take_off(vehicle):
            vehicle.say(mavlink.MAV_SEVERITY_CRITICAL, "Auto: Missing Takeoff Cmd")
            return "init failed"
    return ""


def prearm_failure(vehicle: SimulatedVehicle) -> str:
    """The first check that fails before arming in any mode; empty where none does."""
    params = vehicle.params
    if not int(params["ARMING_CHECK"]):
        return ""
    if not vehicle.ready:
        return "Need Position Estimate"
    if vehicle.failsafes.battery_level or vehicle.battery.remaining < 0.05:
        return "Battery 1 unhealthy: charge it"
    if vehicle.fence_enabled:
        if not fence_present(params, vehicle.store.shapes):
            return "Fences enabled, but none selected"
        home = vehicle.home_point if vehicle.home_known else vehicle.position
        # the floor holds only in the air
        if breaches(vehicle.fence, params, vehicle.position, home)[0] & ~FLOOR:
            return "vehicle outside fence"
    if int(params["ARMING_MIS_ITEMS"]) & RALLY_REQUIRED and not vehicle.store.rally:
        return "Missing mission item: Rally"
    return ""


def arm_refused(vehicle: SimulatedVehicle) -> str:
    """The whole text that refuses arming, "PreArm: ..." or "Arm: ..."; empty where nothing does."""
    reason = prearm_failure(vehicle)
    if reason:
        return f"PreArm: {reason}"
    if vehicle.mode in (Mode.RTL, Mode.LAND, Mode.BRAKE):
        return f"Arm: {vehicle.mode.name} mode not armable"
    if vehicle.mode == Mode.AUTO:
        if not int(vehicle.params["AUTO_OPTIONS"]) & 1:
            return "Arm: AUTO mode not armable"
        if len(vehicle.store.mission) <= 1:
            return "Arm: No mission loaded"
        if not starts_with_take_off(vehicle):
            return "Arm: Missing Takeoff Cmd"
    return ""
