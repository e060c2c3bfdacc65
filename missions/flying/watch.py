"""Hears what a vehicle says in flight and keeps it as events and as the latest state: modes, texts, photos, fence,
battery. Decides nothing; that is `missions.flying.flight`'s part."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from missions import items as commands
from missions.flying.link import Link
from missions.flying.progress import FlightStatus, RouteProgress
from missions.items import MissionItem
from missions.plan import Plan, Position, Sortie

BATTERY_STEP_PCT = 10
_TEXT_LENGTH = 50
"""A STATUSTEXT of full length goes on in the next one with the same id."""


class Watch:
    """The state of one flight as heard. Its listeners run in DroneKit's thread; its values may be read from any."""

    def __init__(
        self, link: Link, plan: Plan, sortie: Sortie, items: Sequence[MissionItem], event: Callable[..., None]
    ) -> None:
        """`items` are the sortie's as stored on the vehicle; `event(kind, **values)` keeps what happened."""
        self.photos: set[int] = set()
        self.message = ""
        self.vehicle_utc_s: float | None = None
        self.item_reached = 0
        self.armed_at_s: float | None = None
        self._disarmed_at_s: float | None = None
        self._link = link
        self._sortie = sortie
        self._event = event
        self._route = RouteProgress(plan.home, items)
        self._last_waypoint = max(
            (n for n, item in enumerate(items) if item.command == commands.NAV_WAYPOINT), default=0
        )
        self._texts: dict[int, str] = {}
        self._breached: bool | None = None
        self._battery_told: int | None = None
        vehicle = link.vehicle
        vehicle.add_attribute_listener("mode", self._hear_mode)
        vehicle.add_attribute_listener("armed", self._hear_armed)
        vehicle.add_attribute_listener("battery", self._hear_battery)
        for name, listener in (
            ("STATUSTEXT", self._hear_text),
            ("MISSION_ITEM_REACHED", self._hear_reached),
            ("CAMERA_FEEDBACK", self._hear_photo),
            ("FENCE_STATUS", self._hear_fence),
            ("SYSTEM_TIME", self._hear_time),
        ):
            vehicle.add_message_listener(name, listener)

    @property
    def route_done(self) -> bool:
        """True once the last waypoint was reached, or the vehicle is past it on its way home."""
        return max(self.item_reached, self._link.vehicle.commands.next - 1) >= self._last_waypoint

    def status(self) -> FlightStatus:
        """The state at this moment."""
        vehicle = self._link.vehicle
        place, battery = vehicle.location.global_relative_frame, vehicle.battery
        position = None if place.lat is None or place.lon is None else Position(place.lat, place.lon)
        level = None if battery is None or battery.level is None or battery.level < 0 else int(battery.level)
        return FlightStatus(
            progress=self._route.fraction(vehicle.commands.next, position) if self.armed_at_s is not None else 0.0,
            mode=str(vehicle.mode.name),
            armed=bool(vehicle.armed),
            position=position,
            height_home_m=place.alt,
            speed_m_s=vehicle.groundspeed,
            battery_pct=level,
            photos_taken=len(self.photos),
            photos_expected=self._sortie.photos,
            flown_s=self._flown_s(),
            message=self.message,
        )

    def _flown_s(self) -> float:
        if self.armed_at_s is None:
            return 0.0
        until_s = self._link.vehicle_time_s if self._disarmed_at_s is None else self._disarmed_at_s
        return max(0.0, until_s - self.armed_at_s)

    def _tell(self, kind: str, **values: Any) -> None:
        self._event(kind, vehicle_s=round(self._link.vehicle_time_s, 3), **values)

    def _hear_mode(self, _vehicle: Any, _name: str, mode: Any) -> None:
        self._tell("mode", mode=mode.name)

    def _hear_armed(self, _vehicle: Any, _name: str, armed: bool) -> None:
        if armed:
            self.armed_at_s = self._link.vehicle_time_s
        self._disarmed_at_s = None if armed else self._link.vehicle_time_s
        self._tell("armed" if armed else "disarmed")

    def _hear_battery(self, _vehicle: Any, _name: str, battery: Any) -> None:
        if battery is None or battery.level is None or battery.level < 0:
            return
        step = math.ceil(battery.level / BATTERY_STEP_PCT)
        if step != self._battery_told:
            self._battery_told = step
            self._tell("battery", level_pct=battery.level, voltage_v=battery.voltage)

    def _hear_text(self, _vehicle: Any, _name: str, message: Any) -> None:
        text = self._texts.pop(message.id, "") + message.text if message.id else message.text
        if message.id and len(message.text) >= _TEXT_LENGTH:
            self._texts[message.id] = text
            return
        self.message = text.strip()
        self._tell("text", severity=message.severity, text=self.message)

    def _hear_reached(self, _vehicle: Any, _name: str, message: Any) -> None:
        self.item_reached = max(self.item_reached, message.seq)
        self._tell("reached", item=message.seq)

    def _hear_photo(self, _vehicle: Any, _name: str, message: Any) -> None:
        if message.img_idx not in self.photos:
            self.photos.add(message.img_idx)
            self._tell("photo", index=message.img_idx)

    def _hear_fence(self, _vehicle: Any, _name: str, message: Any) -> None:
        breached = bool(message.breach_status)
        if breached and not self._breached:
            self._tell("fence_breached", kind_of_breach=message.breach_type, count=message.breach_count)
        elif self._breached and not breached:
            self._tell("fence_cleared")
        self._breached = breached

    def _hear_time(self, _vehicle: Any, _name: str, message: Any) -> None:
        self.vehicle_utc_s = message.time_unix_usec / 1e6
