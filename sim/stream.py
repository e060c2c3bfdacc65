"""One non-blocking TCP connection with what is still to be sent on it. Whoever reads too slowly can be waited for; who
reads nothing for long is gone. What the bytes mean is for those who hold it: a station of the vehicle, a relay's line.
"""

from __future__ import annotations

import contextlib
import socket
import time

HIGH_WATER_BYTES = 64 * 1024
STALLED_S = 10.0
_READ_BYTES = 65536


class Stream:
    """A connection taken over; `gone` once it has ended or nothing was read from it for `stalled_s` seconds."""

    def __init__(self, connection: socket.socket, *, high_water_bytes: int = HIGH_WATER_BYTES) -> None:
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.gone = False
        self.pending = bytearray()
        self.stalled_s = STALLED_S
        self._high_water_bytes = high_water_bytes
        self._progress_s = time.monotonic()

    def read(self) -> bytes:
        """What has come in; marks the stream as gone where it has ended."""
        try:
            data = self.connection.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:
            data = b""
        self.gone |= not data
        return data

    def flush(self) -> None:
        """Hand the kernel as much as it takes."""
        if not self.pending:
            self._progress_s = time.monotonic()
            return
        try:
            sent = self.connection.send(self.pending)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.gone = True
            return
        if sent:
            del self.pending[:sent]
            self._progress_s = time.monotonic()
        elif time.monotonic() - self._progress_s > self.stalled_s:
            self.gone = True

    @property
    def full(self) -> bool:
        """True while nothing more should be put on it."""
        return len(self.pending) > self._high_water_bytes

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self.connection.close()
