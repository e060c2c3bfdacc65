"""What the ground says about where to fly at once: guided targets and the pilot's sticks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink
from pymavlink.dialects.v20.ardupilotmega import MAVLink_message as Message

from sim.vehicle.protocol import Link
from sim.vehicle.storage import LOCATION_FRAMES, Item, item_of
from sim.vehicle.values import Mode

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

GUIDED_ALTITUDE = 3
"""`current` of a MISSION_ITEM that changes the height only; 2 is a guided place."""
HEIGHT_MOST_M = 50_000.0
SPEED_MOST_M_S = 100.0
IGNORE_POSITION = 0b111
IGNORE_VELOCITY = 0b111000
BODY_FRAMES = frozenset({mavlink.MAV_FRAME_BODY_NED, mavlink.MAV_FRAME_BODY_OFFSET_NED})


def position_target(vehicle: SimulatedVehicle, message: Message, station: Link) -> None:
    """SET_POSITION_TARGET_GLOBAL_INT: a place, or a velocity where the place is to be ignored."""
    if message.type_mask & IGNORE_POSITION:
        _velocity(vehicle, message, body_frame=False)
        return
    if not abs(message.alt) <= HEIGHT_MOST_M:
        return
    frame = LOCATION_FRAMES.get(message.coordinate_frame)
    if frame is not None:
        place = Item(frame, mavlink.MAV_CMD_NAV_WAYPOINT, x=message.lat_int, y=message.lon_int, z=message.alt)
        vehicle.steering.guide_to(vehicle.point_of(place))


def local_target(vehicle: SimulatedVehicle, message: Message, station: Link) -> None:
    """SET_POSITION_TARGET_LOCAL_NED: a place from the spot it woke up on, or from where it is, or a velocity."""
    frame = message.coordinate_frame
    if message.type_mask & IGNORE_POSITION:
        _velocity(vehicle, message, body_frame=frame in BODY_FRAMES)
        return
    if not all(abs(value) <= HEIGHT_MOST_M for value in (message.x, message.y, message.z)):
        return
    north, east, up = message.x, message.y, -message.z
    if frame in BODY_FRAMES:
        north, east = _turned(vehicle, north, east)
    if frame != mavlink.MAV_FRAME_LOCAL_NED:
        here = vehicle.position
        north, east, up = north + here[0], east + here[1], up + here[2]
    vehicle.steering.guide_to((north, east, up))


def _turned(vehicle: SimulatedVehicle, forward: float, right: float) -> tuple[float, float]:
    cosine, sine = math.cos(vehicle.body.yaw_rad), math.sin(vehicle.body.yaw_rad)
    return forward * cosine - right * sine, forward * sine + right * cosine


def _velocity(vehicle: SimulatedVehicle, message: Message, body_frame: bool) -> None:
    if message.type_mask & IGNORE_VELOCITY:
        return
    north, east, up = message.vx, message.vy, -message.vz
    if not all(abs(value) <= SPEED_MOST_M_S for value in (north, east, up)):
        return
    if body_frame:
        north, east = _turned(vehicle, north, east)
    vehicle.steering.guide_with((north, east, up))


def guided_item(vehicle: SimulatedVehicle, message: Message, station: Link) -> None:
    """A MISSION_ITEM that is no item: `current` 2 is a place to fly to at once, 3 another height."""
    frame = LOCATION_FRAMES.get(message.frame)
    result = mavlink.MAV_MISSION_ERROR
    if frame is None:
        result = mavlink.MAV_MISSION_UNSUPPORTED_FRAME
    elif not isinstance(place := item_of(message), int) and abs(place.z) <= HEIGHT_MOST_M:
        point = vehicle.point_of(replace(place, frame=frame, command=mavlink.MAV_CMD_NAV_WAYPOINT))
        if message.current == GUIDED_ALTITUDE:
            point = (vehicle.position[0], vehicle.position[1], point[2])
        if vehicle.steering.guide_to(point):
            result = mavlink.MAV_MISSION_ACCEPTED
    source = (message.get_srcSystem(), message.get_srcComponent())
    station.send(mavlink.MAVLink_mission_ack_message(*source, result, 0))


def reposition(vehicle: SimulatedVehicle, item: Item) -> int:
    """DO_REPOSITION: the MAV_RESULT; param2 1 changes to GUIDED. No place (0, 0) stops where it is."""
    if vehicle.mode != Mode.GUIDED and not int(item.param2) & 1:
        return mavlink.MAV_RESULT_DENIED
    if not vehicle.set_mode(Mode.GUIDED):
        return mavlink.MAV_RESULT_FAILED
    done = vehicle.steering.guide_to(vehicle.point_of(item))
    return mavlink.MAV_RESULT_ACCEPTED if done else mavlink.MAV_RESULT_FAILED


def override(vehicle: SimulatedVehicle, message: Message, station: Link) -> None:
    """RC_CHANNELS_OVERRIDE, from the ground station that SYSID_MYGCS names."""
    if message.get_srcSystem() == int(vehicle.params["SYSID_MYGCS"]):
        channels = (message.chan1_raw, message.chan2_raw, message.chan3_raw, message.chan4_raw)
        vehicle.sticks.override(channels, vehicle.time_s)


def manual(vehicle: SimulatedVehicle, message: Message, station: Link) -> None:
    """MANUAL_CONTROL, from the ground station that SYSID_MYGCS names."""
    axes = (message.x, message.y, message.z, message.r)
    if message.get_srcSystem() == int(vehicle.params["SYSID_MYGCS"]) and all(abs(axis) <= 1000 for axis in axes):
        vehicle.sticks.manual(*axes, vehicle.time_s)
