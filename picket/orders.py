"""Who ordered what of a flight: names that the program which runs `picket fly` for several people hands to its record.

One file, a line of JSON for each order, appended to by that program and read by the flight, which keeps each as an
event `ordered` in its own record. The orders themselves come by other ways: the answer to a question, a signal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

MOST_READ = 64 * 1024
"""Of orders at once; a person gives a handful."""


class Record(Protocol):
    """Keeps an event of a flight."""

    def __call__(self, kind: str, /, *, order: str, by: str) -> None: ...


def give(path: Path, order: str, by: str) -> None:
    """Append an order and the name of who gave it. Raises OSError."""
    line = json.dumps({"order": order, "by": by})
    with path.open("ab") as stream:
        stream.write(f"{line}\n".encode())


class Orders:
    """What has been ordered and is in no record yet. Without a file there is never any."""

    def __init__(self, path: Path | None = None) -> None:
        self._path, self._read = path, 0

    def keep(self, record: Record) -> None:
        """Hand every order that is new to `record`. A file that is gone or a line that is none is passed over: a flight
        goes on whoever ordered it."""
        if self._path is None:
            return
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._read)
                new = stream.read(MOST_READ)
        except OSError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                said = json.loads(line)
                order, by = str(said["order"]), str(said["by"])
            except (ValueError, LookupError, TypeError):
                continue
            record("ordered", order=order[:200], by=by[:200])
