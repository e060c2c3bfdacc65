"""What a test or a trainer lets go wrong, and when: the vehicle's faults, and those of the lines to the ground.

A fault is written KIND@WHEN[+SECONDS][=VALUE], as `gps-loss@30+20` or `link-corrupt@boot:0=0.1`. WHEN counts simulated
seconds from the first arming, from power-up (`boot:`), or from a photograph (`photo:4`). Here is what is wrong now and
what noise does to bytes; what follows from it is the business of those who ask (`estimator`, `failsafes`, `lines`).
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from vision.errors import InputError

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

KINDS: dict[str, tuple[float, ...]] = {
    "gps-loss": (),
    "gps-glitch": (50.0,),
    "battery": (20.0,),
    "wind": (15.0, 270.0),
    "camera-silent": (),
    "rc-loss": (),
    "reboot": (),
    "mission-change": (),
    "link-pause": (),
    "link-cut": (),
    "link-late": (2.0,),
    "link-shuffle": (1.0,),
    "link-double": (1.0,),
    "link-drop": (0.1,),
    "link-corrupt": (0.05,),
}
"""Kind to the values it takes when none are given: metres, per cent left, m/s and degrees, seconds, shares of 1."""
SHARES = frozenset({"link-double", "link-drop", "link-corrupt"})
ORIGINS = ("arming", "boot", "photo")


@dataclass(frozen=True)
class Fault:
    """One fault: its kind, from when to when it holds (simulated seconds after `origin`), and its values.

    `origin` is "arming", "boot" or "photo"; with "photo", `after` is the number of the photograph, else seconds.
    """

    kind: str
    after: float
    origin: str = "arming"
    seconds: float = math.inf
    values: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        """The first value."""
        return self.values[0]


def fault_of(text: str) -> Fault:
    """The fault that `text` describes. Raises InputError where it describes none."""

    def bad(problem: str) -> InputError:
        return InputError("--fault", f"{text!r} {problem}")

    kind, at, rest = text.partition("@")
    if kind not in KINDS:
        raise bad(f"is no fault; there are {', '.join(KINDS)}")
    if not at:
        raise bad("does not say when; write it as gps-loss@30+20")
    moment, _, given = rest.partition("=")
    moment, _, lasting = moment.partition("+")
    origin, colon, after = moment.partition(":")
    if not colon:
        origin, after = "arming", moment
    if origin not in ORIGINS:
        raise bad("counts from nothing there is: give seconds, boot:SECONDS or photo:NUMBER")
    default = KINDS[kind]
    try:
        start, seconds = float(after), float(lasting) if lasting else math.inf
        values = tuple(float(part) for part in given.split(":")) if given else default
    except ValueError as error:
        raise bad("has something that is no number") from error
    if not (math.isfinite(start) and start >= 0.0 and seconds > 0.0):
        raise bad("is at no time there is")
    if len(values) != len(default) or not all(math.isfinite(value) for value in values):
        raise bad(f"takes {len(default)} numbers after =" if default else "takes no value")
    if kind in SHARES and not 0.0 <= values[0] <= 1.0:
        raise bad("takes a share between 0 and 1")
    if kind not in ("gps-glitch",) and values and values[0] < 0.0:
        raise bad("takes no negative value")
    return Fault(kind, start, origin, seconds, values)


class Faults:
    """The faults of one vehicle: which of them hold now. Made once; `update` once a step of the slow clock."""

    def __init__(self, vehicle: SimulatedVehicle, faults: Sequence[Fault] = ()) -> None:
        self._vehicle = vehicle
        self._waiting: list[Fault] = list(faults)
        self._holding: list[tuple[float, Fault]] = []
        self.active: dict[str, Fault] = {}
        self.armed_s: float | None = None

    def inject(self, fault: Fault) -> None:
        """Add one more; it acts at once where its moment has passed."""
        self._waiting.append(fault)

    def update(self) -> None:
        """Begin what has come due and end what is over."""
        vehicle = self._vehicle
        if vehicle.armed and self.armed_s is None:
            self.armed_s = vehicle.time_s
        if not self._waiting and not self._holding:
            return
        now = vehicle.time_s
        for fault in list(self._waiting):
            start = self._start_s(fault)
            if start is not None and now >= start:
                self._waiting.remove(fault)
                self._holding.append((now + fault.seconds, fault))
                self.active[fault.kind] = fault
                begin = getattr(self, "_" + fault.kind.replace("-", "_"), None)
                if begin is not None:
                    begin(fault)
        for until, fault in list(self._holding):
            if now >= until:
                self._holding.remove((until, fault))
                self.active.pop(fault.kind, None)
                if fault.kind == "wind":
                    vehicle.wind.blow(vehicle.settings.wind_speed_m_s, vehicle.settings.wind_from_deg)

    def _start_s(self, fault: Fault) -> float | None:
        if fault.origin == "boot":
            return fault.after
        if fault.origin == "photo":
            if self._vehicle.trigger.index < fault.after:
                return None
            return 0.0
        return None if self.armed_s is None else self.armed_s + fault.after

    # what happens once, when it begins

    def _battery(self, fault: Fault) -> None:
        battery = self._vehicle.battery
        battery.used_mah = max(battery.used_mah, battery.capacity_mah * (1.0 - min(100.0, fault.value) / 100.0))

    def _wind(self, fault: Fault) -> None:
        self._vehicle.wind.blow(*fault.values)

    def _reboot(self, fault: Fault) -> None:
        self._vehicle.reboot()

    def _mission_change(self, fault: Fault) -> None:
        self._vehicle.store.mission = self._vehicle.store.mission[:-2] or self._vehicle.store.mission[:1]
        self._vehicle.list_changed(0)
        self._vehicle.say(mavlink.MAV_SEVERITY_INFO, "Flight plan received")


class Noise:
    """What the faults of the line do to the bytes of one station, in both directions."""

    def __init__(self, faults: Faults, seed: str) -> None:
        self._faults = faults
        self._rng = random.Random(seed)
        self._late: list[tuple[float, int, bytes]] = []
        self._count = 0

    @property
    def silent(self) -> bool:
        """True while nothing passes."""
        return "link-pause" in self._faults.active or "link-cut" in self._faults.active

    def outgoing(self, packet: bytes, now_s: float) -> bytes:
        """What of the vehicle's `packet` goes out at once; the rest comes from `overdue`."""
        active = self._faults.active
        if not active and not self._late:
            return packet
        if self.silent or self._lost():
            return b""
        copies = 2 if "link-double" in active and self._rng.random() < active["link-double"].value else 1
        parts = [self._bent(packet) for _ in range(copies)]
        delay = active["link-late"].value if "link-late" in active else 0.0
        spread = active["link-shuffle"].value if "link-shuffle" in active else 0.0
        if delay or spread:
            for part in parts:
                self._count += 1
                heapq.heappush(self._late, (now_s + delay + spread * self._rng.random(), self._count, part))
            return b""
        return b"".join(parts)

    def overdue(self, now_s: float) -> bytes:
        """What was held back and is due."""
        parts = []
        while self._late and self._late[0][0] <= now_s:
            parts.append(heapq.heappop(self._late)[2])
        return b"".join(parts)

    def incoming(self, data: bytes) -> bytes:
        """What of the ground's bytes arrives."""
        if not self._faults.active:
            return data
        if self.silent or self._lost():
            return b""
        return self._bent(data)

    def _lost(self) -> bool:
        fault = self._faults.active.get("link-drop")
        return fault is not None and self._rng.random() < fault.value

    def _bent(self, packet: bytes) -> bytes:
        fault = self._faults.active.get("link-corrupt")
        if fault is None or not packet or self._rng.random() >= fault.value:
            return packet
        bent = bytearray(packet)
        bent[self._rng.randrange(len(bent))] ^= 1 << self._rng.randrange(8)
        return bytes(bent)
