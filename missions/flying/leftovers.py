"""Which parameters earlier flights had to leave changed on a vehicle, from the records beside this flight's.

A flight that was killed, lost or left cannot put back what it set; its `events.jsonl` says what that was. Putting it
back is `missions.flying.parameters`' part, in the next flight of the same vehicle.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from missions.flying.recorder import EVENTS_FILE, FLIGHT_FILE


@dataclass(frozen=True)
class Left:
    """A parameter that a flight set to `value` and nobody put back to what it `was`."""

    was: float
    value: float


def left_on_vehicle(folder: Path, identity: str) -> dict[str, Left]:
    """What the flights recorded beside `folder` left changed on the vehicle of that identity, by name. A record that
    cannot be read says nothing."""
    left: dict[str, Left] = {}
    for flight in sorted(path.parent for path in folder.parent.glob(f"*/{FLIGHT_FILE}")):
        if flight == folder or _identity(flight) != identity:
            continue
        for event in read_events(flight / EVENTS_FILE):
            name = str(event.get("name"))
            if event.get("event") == "parameter":
                was = left[name].was if name in left else float(event["was"])
                left[name] = Left(was, float(event["value"]))
            elif event.get("event") == "parameter_restored":
                left.pop(name, None)
    return left


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a flight in order; what is cut off or damaged is passed over."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _identity(flight: Path) -> str | None:
    try:
        return str(json.loads((flight / FLIGHT_FILE).read_text(encoding="utf-8"))["vehicle"]["identity"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
