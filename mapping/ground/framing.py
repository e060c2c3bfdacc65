"""Where one MAVLink message ends and the next begins in a stream of bytes, and who sent it. Framing only: checksums,
signatures and meaning are the receiver's. Source: mavlink.io/en/guide/serialization.html.
"""

from __future__ import annotations

_MAVLINK1, _MAVLINK2 = 0xFE, 0xFD
_SIGNED = 0x01
_SIGNATURE_BYTES = 13


def take_messages(buffer: bytearray) -> list[bytes]:
    """Take every whole message, of MAVLink 1 or 2, off the front of `buffer`; what is no message is dropped."""
    taken = []
    while buffer:
        if buffer[0] not in (_MAVLINK1, _MAVLINK2):
            starts = [at for at in (buffer.find(_MAVLINK1), buffer.find(_MAVLINK2)) if at >= 0]
            del buffer[: min(starts, default=len(buffer))]
            continue
        if len(buffer) < 3:
            break
        signature = _SIGNATURE_BYTES if buffer[0] == _MAVLINK2 and buffer[2] & _SIGNED else 0
        length = buffer[1] + (8 if buffer[0] == _MAVLINK1 else 12) + signature
        if len(buffer) < length:
            break
        taken.append(bytes(buffer[:length]))
        del buffer[:length]
    return taken


def system_of(message: bytes) -> int:
    """The system id of the sender of a whole message."""
    return message[3] if message[0] == _MAVLINK1 else message[5]
