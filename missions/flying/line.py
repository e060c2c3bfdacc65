"""One open line to a vehicle: bytes become messages and messages bytes, and where it breaks it is opened again.

A `Line` stands where DroneKit has its own connection, which ends for good with the first broken pipe. Its reading
thread hands every message on; what comes late, doubled, damaged, unsigned or from a stranger is counted and kept from
changing what is believed of the vehicle. What the messages mean is `missions.flying.link`'s subject.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from missions.errors import VehicleError
from missions.flying.dronekit_compat import mavlink, mavutil
from missions.flying.ordering import Ordering
from missions.flying.signing import SignedMAVLink, Signing
from missions.flying.transport import Address, Transport, open_transport

GROUND_SYSTEM = 255
GROUND_COMPONENT = 190
"""The ids of a ground station (MAV_COMP_ID_MISSIONPLANNER)."""

READ_S = 0.05
REOPEN_S = 1.0
QUEUED_MOST = 2000
LAST_WORDS_S = 0.5
"""How long closing waits for what is still to be sent."""

_ORDERLESS = (
    "CAMERA_",
    "COMMAND_ACK",
    "FILE_TRANSFER",
    "LOG_",
    "MISSION_ACK",
    "MISSION_COUNT",
    "MISSION_ITEM",
    "MISSION_REQUEST",
    "PARAM_VALUE",
    "STATUSTEXT",
)
"""Messages that mean the same whenever they come; all others say how things are, and late ones how they were."""

Listener = Callable[[Any], None]
Note = Callable[..., None]


@dataclass(frozen=True)
class LinkCounts:
    """How many messages came and how many did not come well, since the line was first opened."""

    received: int = 0
    lost: int = 0
    doubled: int = 0
    late: int = 0
    damaged: int = 0
    unsigned: int = 0
    wrongly_signed: int = 0
    not_sent: int = 0


class Line:
    """The handler DroneKit's vehicle works on: `master.mav` packs and sends, listeners are called from one thread."""

    def __init__(
        self, address: Address, heard: Listener, sent: Listener, *, signing: Signing | None, system: int | None
    ) -> None:
        """Opens the line. `heard` gets what arrives and `sent` what leaves; with `system` only what comes from that
        MAVLink system. Raises OSError or VehicleError where it cannot be opened."""
        self._address = address
        self._heard = heard
        self._system = system
        self._transport: Transport | None = open_transport(address)
        self.master = mavutil.mavfile(None, address.text, GROUND_SYSTEM, GROUND_COMPONENT, input=False)
        self.mav = SignedMAVLink(self, GROUND_SYSTEM, GROUND_COMPONENT, signing)
        self.mav.set_send_callback(sent)
        self.master.mav = self.mav
        self.note: Note = lambda kind, **values: None
        """Told when the line closes and when it is open again."""
        self.reopens = False
        """Whether to open it again where it breaks; until this is set a break ends it."""
        self.refused_systems: set[int] = set()
        self.signed_heard = False
        """Whether anything that came carried a signature."""
        self._ordering = Ordering()
        self._received = self._damaged = self._not_sent = 0
        self._message_listeners: list[Callable[[Any, Any], None]] = []
        self._loop_listeners: list[Callable[[Any], None]] = []
        self._outgoing: queue.Queue[bytes | None] = queue.Queue(QUEUED_MOST)
        self._troubles: set[str] = set()
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, name="mavlink_thread_in", daemon=True)
        self._writer = threading.Thread(target=self._write, name="mavlink_thread_out", daemon=True)

    @property
    def open(self) -> bool:
        """Whether the line is open at this moment."""
        return self._transport is not None

    @property
    def alive(self) -> bool:
        """False once the line is closed and stays so."""
        return not self._closing.is_set() and (self.open or self.reopens)

    @property
    def signs(self) -> bool:
        """Whether what is sent is signed."""
        return bool(self.mav.signing.sign_outgoing)

    @property
    def counts(self) -> LinkCounts:
        """What came so far, and how."""
        return LinkCounts(
            self._received,
            self._ordering.lost,
            self._ordering.doubled,
            self._ordering.late,
            self._damaged,
            self.mav.unsigned,
            self.mav.wrong,
            self._not_sent,
        )

    @property
    def target_system(self) -> int:
        """The MAVLink system that is spoken to."""
        return self.mav.target_system

    @target_system.setter
    def target_system(self, system: int) -> None:
        self.mav.target_system = system

    def fix_targets(self, message: Any) -> None:
        """DroneKit's word for addressing a message; `SignedMAVLink.send` does it."""

    def forward_message(self, listener: Callable[[Any, Any], None]) -> None:
        """Call `listener(line, message)` with every message that is to be believed."""
        self._message_listeners.append(listener)

    def forward_loop(self, listener: Callable[[Any], None]) -> None:
        """Call `listener(line)` some twenty times a second and after every read."""
        self._loop_listeners.append(listener)

    def start(self) -> None:
        """Begin to read and write."""
        if not self._reader.is_alive() and not self._closing.is_set():
            self._reader.start()
            self._writer.start()

    def close(self) -> None:
        """Send what is still to be sent and end the threads; may be called twice."""
        deadline_s = time.monotonic() + LAST_WORDS_S
        while self.open and self._writer.is_alive() and not self._outgoing.empty() and time.monotonic() < deadline_s:
            time.sleep(0.01)
        self._closing.set()
        with contextlib.suppress(queue.Full):
            self._outgoing.put_nowait(None)
        for thread in (self._reader, self._writer):
            if thread.is_alive():
                thread.join(5.0)
        self._drop(None)

    def write(self, data: bytes) -> None:
        """Queue packed bytes; where too much waits already they are let go, as a radio does."""
        try:
            self._outgoing.put_nowait(bytes(data))
        except queue.Full:
            self._not_sent += 1

    def _write(self) -> None:
        while (data := self._outgoing.get()) is not None and not self._closing.is_set():
            transport = self._transport
            if transport is None:
                self._not_sent += 1
                continue
            try:
                transport.write(data)
            except OSError as error:
                self._drop(transport, error)

    def _read(self) -> None:
        while not self._closing.is_set():
            self._loop()
            transport = self._transport
            if transport is None:
                if not self.reopens:
                    return
                self._reopen()
                continue
            try:
                data = transport.read(READ_S)
            except OSError as error:
                self._drop(transport, error)
                continue
            if data:
                self.take(data)

    def _loop(self) -> None:
        for listener in self._loop_listeners:
            listener(self)

    def _reopen(self) -> None:
        self._closing.wait(REOPEN_S)
        if self._closing.is_set():
            return
        try:
            opened = open_transport(self._address)
        except (OSError, VehicleError):
            return
        self.mav.buf, self.mav.buf_index = bytearray(), 0
        self._ordering.forget()
        self._transport = opened
        self.note("link_opened")

    def _drop(self, transport: Transport | None, error: OSError | None = None) -> None:
        """Close the transport that failed; once, whichever thread finds it."""
        current = self._transport
        if current is None or transport not in (None, current):
            return
        self._transport = None
        with contextlib.suppress(OSError):
            current.close()
        if error is not None and not self._closing.is_set():
            self.note("link_closed", reason=error.strerror or str(error))

    def take(self, data: bytes) -> None:
        """Parse bytes that have come and hand on the messages in them. Nothing in them can raise."""
        for message in self.mav.parse_buffer(data) or ():
            self._sort(message)

    def _sort(self, message: Any) -> None:
        kind = message.get_type()
        if kind == "BAD_DATA":
            # Before the first message it is an autopilot's boot text.
            if message.reason != "Invalid signature" and self._received:
                self._damaged += 1
            return
        if kind.startswith("UNKNOWN"):  # accepted by pymavlink without a checksum
            return
        system, component = message.get_srcSystem(), message.get_srcComponent()
        if self._system is not None and system != self._system:
            self.refused_systems.add(system)
            return
        frame = bytes(message.get_msgbuf())
        order = self._ordering.take((system, component), message.get_seq(), hash(frame), time.monotonic())
        if order == "doubled":
            return
        self._received += 1
        self.signed_heard |= frame[0] == mavlink.PROTOCOL_MARKER_V2 and bool(frame[2] & mavlink.MAVLINK_IFLAG_SIGNED)
        self._heard(message)
        if order == "new" or kind.startswith(_ORDERLESS):
            for listener in self._message_listeners:
                try:
                    listener(self, message)
                except Exception as error:
                    # It must neither end the line nor keep the message from the others.
                    if kind not in self._troubles:
                        self._troubles.add(kind)
                        self.note("not_understood", message=kind, reason=f"{type(error).__name__}: {error}")
