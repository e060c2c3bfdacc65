"""Which parameters earlier flights had to leave changed on a vehicle, from the records beside this flight's.

A flight that was killed, lost or left cannot put back what it set; its `events.jsonl` says what that was. Putting it
back is `missions.flying.parameters`' part, in the next flight of the same vehicle. A practice vehicle is new each time:
nothing is left on it, and what its records say is no real vehicle's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
    """What the real flights recorded beside `folder`, itself one, left changed on the vehicle of that identity, by
    name; nothing on one without (an empty identity), for it cannot be told from others. A record that cannot be read
    says nothing."""
    left: dict[str, Left] = {}
    if not identity or _facts(folder).get("simulated"):
        return left
    for flight in sorted(path.parent for path in folder.parent.glob(f"*/{FLIGHT_FILE}")):
        facts = _facts(flight)
        if flight == folder or facts.get("simulated") or _identity(facts) != identity:
            continue
        for event in read_events(flight / EVENTS_FILE):
            name = str(event.get("name"))
            if event.get("event") == "parameter":
                was = left[name].was if name in left else float(event["was"])
                left[name] = Left(was, float(event["value"]))
            elif event.get("event") in ("parameter_restored", "parameter_found_changed"):
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


def _facts(flight: Path) -> dict[str, Any]:
    try:
        facts = json.loads((flight / FLIGHT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _identity(facts: Mapping[str, Any]) -> str:
    vehicle = facts.get("vehicle")
    return str(vehicle.get("identity") or "") if isinstance(vehicle, dict) else ""
