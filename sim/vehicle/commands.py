"""What a ground station asks: each message that comes in is acted on and answered here.

Parameters, modes, COMMAND_LONG and COMMAND_INT, stream rates, time sync and guided targets; the mission protocol goes
on to `protocol`. Commands there is nothing for are answered UNSUPPORTED; messages there is nothing for are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from pymavlink.dialects.v20 import ardupilotmega as mavlink
from pymavlink.dialects.v20.ardupilotmega import MAVLink_message as Message

from sim.vehicle.actions import carry_out
from sim.vehicle.autopilot import SimulatedVehicle
from sim.vehicle.guidance import (
    GUIDED_ALTITUDE,
    HEIGHT_MOST_M,
    guided_item,
    local_target,
    manual,
    override,
    position_target,
    reposition,
)
from sim.vehicle.reports import BUILDERS
from sim.vehicle.signatures import set_key
from sim.vehicle.storage import LOCATION_FRAMES, Item
from sim.vehicle.telemetry import Schedule
from sim.vehicle.transfer import refuse
from sim.vehicle.values import Mode

FORCE_MAGIC = 21196
COMPONENT = 1
GUIDED_ITEM = 2
NO_PLACE = 2**31 - 1


class Station(Protocol):
    """One ground station: its link and what it has asked to be told how often."""

    schedule: Schedule
    list_params_from: int | None

    @property
    def signing(self) -> mavlink.MAVLinkSigning:
        """The vehicle's signing state."""

    def send(self, message: Message) -> None:
        """Queue one message to it."""


def handle(vehicle: SimulatedVehicle, message: Message, station: Station, now_s: float) -> None:
    """Act on one message from `station`; `now_s` is the ground's clock."""
    target = getattr(message, "target_system", 0)
    if target not in (0, int(vehicle.params["SYSID_THISMAV"])) or getattr(message, "target_component", 0) not in (
        0,
        COMPONENT,
    ):
        return
    name = message.get_type()
    if name in ("MISSION_ITEM", "MISSION_ITEM_INT") and message.current in (GUIDED_ITEM, GUIDED_ALTITUDE):
        guided_item(vehicle, message, station)
    elif not vehicle.items.handle(message, station, now_s):
        handler = _HANDLERS.get(name)
        if handler is not None:
            handler(vehicle, message, station)


def param_value(vehicle: SimulatedVehicle, name: str) -> Message:
    """PARAM_VALUE of one parameter."""
    params = vehicle.params
    kind = params.kind(name)
    return mavlink.MAVLink_param_value_message(name.encode(), params[name], kind, len(params), params.index(name))


def _param_name(raw: bytes | str) -> str:
    text = raw.decode("ascii", "replace") if isinstance(raw, bytes) else raw
    return text.split("\x00", 1)[0]


def _param_list(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    station.list_params_from = 0


def _param_read(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    by_index = vehicle.params.name_at(message.param_index)
    name = _param_name(message.param_id) if message.param_index == -1 else by_index
    if name is not None and name in vehicle.params:
        station.send(param_value(vehicle, name))


def _param_set(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    name = _param_name(message.param_id)
    if name not in vehicle.params:
        return
    vehicle.set_param(name, message.param_value)
    # told to everyone, with the value that now holds, whether it was taken or not
    vehicle.outbox.append(param_value(vehicle, name))


def _set_mode(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    if message.base_mode & mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED:
        result = _mode_result(vehicle, message.custom_mode)
        station.send(mavlink.MAVLink_command_ack_message(mavlink.MAVLINK_MSG_ID_SET_MODE, result))


def _data_stream(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    station.schedule.stream(message.req_stream_id, message.req_message_rate if message.start_stop else 0)


def _timesync(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    if message.tc1 == 0:
        station.send(mavlink.MAVLink_timesync_message(round(vehicle.time_s * 1e9), message.ts1))


def _ping(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    if message.target_system == 0:
        source = (message.get_srcSystem(), message.get_srcComponent())
        station.send(mavlink.MAVLink_ping_message(message.time_usec, message.seq, *source))


def _set_current(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    if vehicle.run.set_current(message.seq):
        station.send(BUILDERS[mavlink.MAVLINK_MSG_ID_MISSION_CURRENT](vehicle))


def _heartbeat(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    if message.type == mavlink.MAV_TYPE_GCS or message.get_srcSystem() == int(vehicle.params["SYSID_MYGCS"]):
        vehicle.failsafes.hear_ground(message.get_srcSystem())


def _setup_signing(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    """A new key for all links, on the ground only; zeros for key and time take it away. Never repeated on the air."""
    if vehicle.armed:
        vehicle.say(mavlink.MAV_SEVERITY_WARNING, "ERROR: Won't setup signing when armed")
        return
    key = bytes(message.secret_key)
    set_key(station.signing, key if any(key) or message.initial_timestamp else None, message.initial_timestamp)


def _command(vehicle: SimulatedVehicle, message: Message, station: Station) -> None:
    """COMMAND_LONG and COMMAND_INT alike: both become an item, then an answer."""
    item = _item_of(message)
    if item is None:
        result = mavlink.MAV_RESULT_DENIED
    elif message.command in _COMMANDS:
        result = _COMMANDS[message.command](vehicle, item, station)
    elif message.command in _ITEM_COMMANDS:
        result = carry_out(vehicle, item)
    else:
        result = mavlink.MAV_RESULT_UNSUPPORTED
    source = (message.get_srcSystem(), message.get_srcComponent())
    station.send(mavlink.MAVLink_command_ack_message(message.command, result, 0, 0, *source))


def _item_of(message: Message) -> Item | None:
    """The command as an item; NaN means "not given" and becomes 0. None where a number makes no sense."""
    given = (message.param1, message.param2, message.param3, message.param4)
    p1, p2, p3, p4 = (0.0 if math.isnan(value) else value for value in given)
    if message.get_type() == "COMMAND_INT":
        frame = LOCATION_FRAMES.get(message.frame, mavlink.MAV_FRAME_GLOBAL)
        x, y, z = message.x, message.y, message.z
    else:
        frame, z = mavlink.MAV_FRAME_GLOBAL, message.param7
        place = [0.0 if math.isnan(value) else value for value in (message.param5, message.param6)]
        x, y = (round(value * 1e7) if abs(value) <= 200.0 else NO_PLACE for value in place)
    z = 0.0 if math.isnan(z) else z
    if not all(math.isfinite(value) for value in (p1, p2, p3, p4)) or abs(z) > HEIGHT_MOST_M:
        return None
    return Item(frame, message.command, p1, p2, p3, p4, x, y, z)


def _outcome(done: bool) -> int:
    return mavlink.MAV_RESULT_ACCEPTED if done else mavlink.MAV_RESULT_FAILED


def _mode_result(vehicle: SimulatedVehicle, number: float) -> int:
    return _outcome(vehicle.set_mode(int(number)))


def _arm(vehicle: SimulatedVehicle, item: Item, station: Station) -> int:
    force = item.param2 == FORCE_MAGIC
    if item.param1 == 1:
        return _outcome(vehicle.arm(force))
    if item.param1 == 0:
        return _outcome(vehicle.disarm(force))
    return mavlink.MAV_RESULT_UNSUPPORTED


def _do_set_mode(vehicle: SimulatedVehicle, item: Item, station: Station) -> int:
    if not int(item.param1) & mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED:
        return mavlink.MAV_RESULT_UNSUPPORTED
    return _mode_result(vehicle, item.param2)


def _request_message(vehicle: SimulatedVehicle, item: Item, station: Station) -> int:
    builder = BUILDERS.get(int(item.param1))
    message = builder(vehicle) if builder is not None else None
    if message is None:
        return mavlink.MAV_RESULT_FAILED
    station.send(message)
    return mavlink.MAV_RESULT_ACCEPTED


def _send_one(number: int) -> Callable[[SimulatedVehicle, Item, Station], int]:
    def handler(vehicle: SimulatedVehicle, item: Item, station: Station) -> int:
        message = BUILDERS[number](vehicle)
        if message is None:
            return mavlink.MAV_RESULT_FAILED
        station.send(message)
        return mavlink.MAV_RESULT_ACCEPTED

    return handler


def _message_interval(vehicle: SimulatedVehicle, item: Item, station: Station) -> int:
    return _outcome(station.schedule.set_interval(int(item.param1), item.param2))


def _get_message_interval(vehicle: SimulatedVehicle, item: Item, station: Station) -> int:
    if int(item.param1) not in BUILDERS:
        return mavlink.MAV_RESULT_FAILED
    number = int(item.param1)
    interval_us = round(station.schedule.interval_s(number) * 1e6)
    station.send(mavlink.MAVLink_message_interval_message(number, interval_us or -1))
    return mavlink.MAV_RESULT_ACCEPTED


def _jump_to(vehicle: SimulatedVehicle, item: Item, station: Station) -> int:
    if item.param2 == 1:
        vehicle.run.reset()
    if item.param1 == -1 and item.param2 == 1:
        return mavlink.MAV_RESULT_ACCEPTED
    if not vehicle.run.set_current(int(item.param1)):
        return mavlink.MAV_RESULT_DENIED
    return mavlink.MAV_RESULT_ACCEPTED


def _reboot(vehicle: SimulatedVehicle, item: Item, station: Station) -> int:
    if item.param1 not in (1, 3):
        return mavlink.MAV_RESULT_UNSUPPORTED
    if vehicle.armed and item.param2 != FORCE_MAGIC and item.param3 != FORCE_MAGIC:
        return mavlink.MAV_RESULT_FAILED
    station.send(mavlink.MAVLink_command_ack_message(item.command, mavlink.MAV_RESULT_ACCEPTED))
    vehicle.reboot()
    return mavlink.MAV_RESULT_ACCEPTED


_Handler = Callable[[SimulatedVehicle, Item, Station], int]
_COMMANDS: dict[int, _Handler] = {
    mavlink.MAV_CMD_COMPONENT_ARM_DISARM: _arm,
    mavlink.MAV_CMD_DO_SET_MODE: _do_set_mode,
    mavlink.MAV_CMD_NAV_TAKEOFF: lambda vehicle, item, station: _outcome(vehicle.steering.take_off(item.z)),
    mavlink.MAV_CMD_MISSION_START: lambda vehicle, item, station: _outcome(vehicle.start_mission()),
    mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH: lambda vehicle, item, station: _mode_result(vehicle, Mode.RTL),
    mavlink.MAV_CMD_NAV_LAND: lambda vehicle, item, station: _mode_result(vehicle, Mode.LAND),
    mavlink.MAV_CMD_NAV_LOITER_UNLIM: lambda vehicle, item, station: _mode_result(vehicle, Mode.LOITER),
    mavlink.MAV_CMD_DO_REPOSITION: lambda vehicle, item, station: reposition(vehicle, item),
    mavlink.MAV_CMD_GET_HOME_POSITION: _send_one(mavlink.MAVLINK_MSG_ID_HOME_POSITION),
    mavlink.MAV_CMD_REQUEST_AUTOPILOT_CAPABILITIES: _send_one(mavlink.MAVLINK_MSG_ID_AUTOPILOT_VERSION),
    mavlink.MAV_CMD_REQUEST_MESSAGE: _request_message,
    mavlink.MAV_CMD_SET_MESSAGE_INTERVAL: _message_interval,
    mavlink.MAV_CMD_GET_MESSAGE_INTERVAL: _get_message_interval,
    mavlink.MAV_CMD_DO_SET_MISSION_CURRENT: _jump_to,
    mavlink.MAV_CMD_PREFLIGHT_REBOOT_SHUTDOWN: _reboot,
    mavlink.MAV_CMD_RUN_PREARM_CHECKS: lambda vehicle, item, station: _outcome(not vehicle.prearm_failure()),
}
_ITEM_COMMANDS = frozenset(
    {
        mavlink.MAV_CMD_DO_CHANGE_SPEED,
        mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST,
        mavlink.MAV_CMD_DO_DIGICAM_CONTROL,
        mavlink.MAV_CMD_IMAGE_START_CAPTURE,
        mavlink.MAV_CMD_CONDITION_YAW,
        mavlink.MAV_CMD_DO_FENCE_ENABLE,
        mavlink.MAV_CMD_DO_SET_HOME,
    }
)
_HANDLERS: dict[str, Callable[[SimulatedVehicle, Message, Station], None]] = {
    "PARAM_REQUEST_LIST": _param_list,
    "PARAM_REQUEST_READ": _param_read,
    "PARAM_SET": _param_set,
    "SET_MODE": _set_mode,
    "REQUEST_DATA_STREAM": _data_stream,
    "TIMESYNC": _timesync,
    "PING": _ping,
    "MISSION_SET_CURRENT": _set_current,
    "SET_POSITION_TARGET_GLOBAL_INT": position_target,
    "SET_POSITION_TARGET_LOCAL_NED": local_target,
    "RC_CHANNELS_OVERRIDE": override,
    "MANUAL_CONTROL": manual,
    "HEARTBEAT": _heartbeat,
    "SETUP_SIGNING": _setup_signing,
    "FILE_TRANSFER_PROTOCOL": refuse,
    "COMMAND_LONG": _command,
    "COMMAND_INT": _command,
}
