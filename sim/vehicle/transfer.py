"""MAVLink's file transfer, refused: this vehicle has no files.

ArduPilot serves its parameters as a file, and ground stations ask for that first. A plain no sends them to the ordinary
protocol at once, where silence would cost them seconds. Layout: https://mavlink.io/en/services/ftp.html.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink
from pymavlink.dialects.v20.ardupilotmega import MAVLink_message as Message

from sim.vehicle.protocol import Link

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

_HEADER = struct.Struct("<HBBBBBxI")
PAYLOAD_BYTES = 251
TERMINATE, RESET, ACK, NAK = 1, 2, 128, 129
FILE_NOT_FOUND = 10


def refuse(vehicle: SimulatedVehicle, message: Message, station: Link) -> None:
    """Answer one FILE_TRANSFER_PROTOCOL request: sessions end without more, every file is not there."""
    sequence, session, opcode, _, _, _, _ = _HEADER.unpack(bytes(message.payload)[: _HEADER.size])
    if opcode in (ACK, NAK):
        return
    done = opcode in (TERMINATE, RESET)
    reply = _HEADER.pack((sequence + 1) & 0xFFFF, session, ACK if done else NAK, 0 if done else 1, opcode, 0, 0)
    data = reply + (b"" if done else bytes([FILE_NOT_FOUND]))
    station.send(
        mavlink.MAVLink_file_transfer_protocol_message(
            0, message.get_srcSystem(), message.get_srcComponent(), list(data.ljust(PAYLOAD_BYTES, b"\0"))
        )
    )
