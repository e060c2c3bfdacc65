"""MAVLink 2 signing on the vehicle's side.

With a key every frame that goes out is signed, and what comes in unsigned or wrongly signed is dropped (but for
RADIO_STATUS, which radios put in). Signatures are pymavlink's; one clock and one memory of time stamps hold for all
stations, so that what one has heard cannot be played to another. The clock moves with what is sent and heard, not with
GPS: simulated time may run faster than a ground station's.
"""

from __future__ import annotations

from pymavlink.dialects.v20 import ardupilotmega as mavlink

UNSIGNED = frozenset({mavlink.MAVLINK_MSG_ID_RADIO_STATUS, mavlink.MAVLINK_MSG_ID_RADIO})
KEY_BYTES = 32


class Line(mavlink.MAVLink):
    """pymavlink's parser, which forgets the time stamp of a frame whose signature turns out wrong: it would otherwise
    lock out the true sender."""

    def check_signature(self, msgbuf: bytearray, srcSystem: int, srcComponent: int) -> bool:
        """True where the frame is signed with our key and newer than the last one of its stream."""
        stream = (msgbuf[-13], srcSystem, srcComponent)
        before = self.signing.stream_timestamps.get(stream)
        if super().check_signature(msgbuf, srcSystem, srcComponent):
            return True
        if before is None:
            self.signing.stream_timestamps.pop(stream, None)
        else:
            self.signing.stream_timestamps[stream] = before
        return False


def _unsigned(line: mavlink.MAVLink, number: int) -> bool:
    return number in UNSIGNED


def signing(key: bytes | None) -> mavlink.MAVLinkSigning:
    """The signing state of one vehicle, shared by its stations; without a key nothing is signed or refused."""
    state = mavlink.MAVLinkSigning()
    state.allow_unsigned_callback = _unsigned
    set_key(state, key, 0)
    return state


def set_key(state: mavlink.MAVLinkSigning, key: bytes | None, timestamp: int) -> None:
    """Sign with `key` from now on (None: not at all); the clock goes to `timestamp` (10 us since 2015) if that is
    later."""
    state.secret_key = key
    state.sign_outgoing = key is not None
    state.timestamp = max(state.timestamp, timestamp)
