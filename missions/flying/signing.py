"""MAVLink 2 signing: the key file, its clock, and a parser that refuses what is not signed with that key.

Key, signature and replay rule are MAVLink's (mavlink.io/en/guide/message_signing.html): 32 bytes, or the SHA-256 of a
passphrase as MAVProxy and QGroundControl make it. A signature carries a time that must grow, also over restarts: the
last one used is kept beside the key file. Giving a vehicle its key is left to those programs, over a cable.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Any

from missions.flying.dronekit_compat import mavlink
from vision.errors import InputError, VisionError
from vision.files import write_whole

KEY_BYTES = 32
EPOCH_UNIX_S = 1_420_070_400
"""2015-01-01: signatures count from there, in steps of 10 microseconds."""

STEPS_A_SECOND = 100_000
AHEAD_S = 60
"""The kept time is this far ahead of the used one, so that it need not be written for every message."""

_UNSIGNED_ALLOWED = {mavlink.MAVLINK_MSG_ID_RADIO_STATUS, mavlink.MAVLINK_MSG_ID_RADIO}
"""What a telemetry radio puts in by itself; it holds no key."""


class Signing:
    """A key with its clock. One may serve several links: each gets a link id of its own, and no time is used twice."""

    def __init__(self, key: bytes, clock_file: Path) -> None:
        """Raises InputError where `clock_file` holds no clock, VisionError where it cannot be written."""
        self.key = key
        self._clock_file = clock_file
        self._lock = threading.Lock()
        self._links = 0
        self._last = max(_read_clock(clock_file), _now())
        self._keep()

    def timestamp(self) -> int:
        """A time of signature that was never given before, by this process or an earlier one. A disk that is full by
        now must not silence a flight: then what this machine's clock says stands for the kept one next time."""
        with self._lock:
            self._last = max(self._last + 1, _now())
            if self._last >= self._kept:
                with contextlib.suppress(VisionError):
                    self._keep()
            return self._last

    def _keep(self) -> None:
        self._kept = self._last + AHEAD_S * STEPS_A_SECOND
        write_whole(self._clock_file, f"{self._kept}\n")

    def heard(self, timestamp: int) -> None:
        """Keep the clock at least where a vehicle's rightly signed message had it."""
        with self._lock:
            self._last = max(self._last, timestamp)

    def new_link(self) -> int:
        """The id of one more link, 0 to 255."""
        with self._lock:
            self._links += 1
            return (self._links - 1) % 256


class SignedMAVLink(mavlink.MAVLink):
    """pymavlink's parser and packer with a `Signing`, or without one (None). `unsigned` and `wrong` count the messages
    refused for lack of a signature, and for one by another key or from the past. DroneKit addresses some messages to
    nobody: these go to `target_system`."""

    def __init__(self, file: Any, system: int, component: int, signing: Signing | None) -> None:
        super().__init__(file, srcSystem=system, srcComponent=component)
        self.robust_parsing = True
        self.target_system = 0
        self.unsigned = 0
        self.wrong = 0
        self._signing = signing
        self._sending = threading.Lock()
        if signing is not None:
            self.signing.secret_key = signing.key
            self.signing.link_id = signing.new_link()
            self.signing.timestamp = signing.timestamp()
            self.signing.sign_outgoing = True
            self.signing.allow_unsigned_callback = self._allow

    def _allow(self, _self: Any, message_id: int) -> bool:
        if message_id in _UNSIGNED_ALLOWED:
            return True
        self.unsigned += 1
        return False

    def check_signature(self, msgbuf: bytearray, srcSystem: int, srcComponent: int) -> bool:
        """As pymavlink does, but a message with a wrong signature does not move the clock: there it does, and one
        forged message from the future would silence a vehicle for good."""
        stream = (msgbuf[-13], srcSystem, srcComponent)
        before = self.signing.stream_timestamps.get(stream)
        if super().check_signature(msgbuf, srcSystem, srcComponent):
            if self._signing is not None:
                self._signing.heard(self.signing.timestamp)
            return True
        if before is None:
            self.signing.stream_timestamps.pop(stream, None)
        else:
            self.signing.stream_timestamps[stream] = before
        self.wrong += 1
        self.unsigned -= 1  # `_allow` is asked about it next
        return False

    def send(self, mavmsg: Any, force_mavlink1: bool = False) -> None:
        """Address one message to `target_system` where it names nobody, pack, sign and hand it on; from any thread."""
        with self._sending:
            if getattr(mavmsg, "target_system", None) == 0:
                mavmsg.target_system = self.target_system
            if self._signing is not None:
                self.signing.timestamp = self._signing.timestamp()
            super().send(mavmsg, force_mavlink1=force_mavlink1)


def load_signing(path: Path) -> Signing:
    """The key in a file: its 32 bytes, or else the SHA-256 of the passphrase on its only line. Raises InputError where
    there is none, or others can read it."""
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(path, f"no key can be read there ({error.strerror}); give a file of your own") from error
    if os.name == "posix" and mode & 0o077:
        raise InputError(path, f"others on this machine can read this key; close it with `chmod 600 {path}`")
    key = content if len(content) == KEY_BYTES else _of_passphrase(path, content)
    try:
        return Signing(key, path.with_name(f"{path.name}.clock"))
    except VisionError as error:
        raise InputError(path, f"its clock cannot be kept beside it ({error}); put the key elsewhere") from error


def _of_passphrase(path: Path, content: bytes) -> bytes:
    with contextlib.suppress(UnicodeDecodeError):
        lines = content.decode("utf-8").splitlines()
        if len(lines) == 1 and lines[0].strip():
            return hashlib.sha256(lines[0].strip().encode("utf-8")).digest()
    raise InputError(path, f"is no key: write {KEY_BYTES} random bytes, or a passphrase on one line")


def _now() -> int:
    """This machine's clock as a time of signature."""
    return int((time.time() - EPOCH_UNIX_S) * STEPS_A_SECOND)


def _read_clock(path: Path) -> int:
    if not path.exists():
        return 0
    try:
        return int(path.read_text(encoding="ascii"))
    except (ValueError, OSError) as error:
        raise InputError(
            path, "holds no time of signature; delete it only if this key was never used at a later time than now"
        ) from error
