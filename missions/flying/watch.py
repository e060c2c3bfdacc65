"""Hears what a vehicle says in flight and keeps it as events and as the latest state: modes, texts, photos, fence,
battery, satellites, wind. What is wrong with it is `missions.flying.faults`' subject, what to do `.following`'s."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

from missions import items as commands
from missions.flying.dronekit_compat import mavlink
from missions.flying.holding import Holding
from missions.flying.link import Link
from missions.flying.progress import FlightStatus, RouteProgress, Signs, distance_m
from missions.items import MissionItem, imaging_at
from missions.plan import Plan, Position, Sortie

BATTERY_STEP_PCT = 10
GAP_S = 3.0
"""Positions further apart, on the vehicle's clock, mean that the link was silent between them."""

JUST_SAID_S = 10.0
"""On the vehicle's clock: what it said then belongs to what it does now."""

_TEXT_LENGTH = 50
"""A STATUSTEXT of full length goes on in the next one with the same id."""

_NOT_ARMED = ("PreArm:", "Arm:")
_LATE_TEXTS_MOST = 32


class Watch:
    """The state of one flight as heard. Its listeners run in the line's thread; its values may be read from any."""

    def __init__(
        self, link: Link, plan: Plan, sortie: Sortie, items: Sequence[MissionItem], event: Callable[..., None]
    ) -> None:
        """`items` are the sortie's as stored on the vehicle; `event(kind, **values)` keeps what happened."""
        self.message = ""
        self._warning = ""
        self._warned_s = 0.0
        self.vehicle_utc_s: float | None = None
        self.item_reached = 0
        self.armed_at_s: float | None = None
        self.gps_fix: int | None = None
        self.wind_m_s: float | None = None
        self.breach: int | None = None
        """The kind of breach (FENCE_BREACH) while the vehicle is outside its fence."""
        self.last_photo: dict[str, float] | None = None
        self.arming_ok: bool | None = None
        """Whether the vehicle's own checks before arming hold; None where it does not say."""
        self.arming_text = ""
        self._photos: set[tuple[int, int]] = set()
        self._disarmed_at_s: float | None = None
        self._link = link
        self._sortie = sortie
        self._event = event
        self._home = plan.home
        self._route = RouteProgress(plan.home, items)
        self._imaging = imaging_at(items)
        self._photo_place: Position | None = None
        self._position_s = 0.0
        self._last_waypoint = max(
            (n for n, item in enumerate(items) if item.command == commands.NAV_WAYPOINT), default=0
        )
        self._texts: dict[int, str] = {}
        self._battery_told: int | None = None
        self._battery_at_take_off: int | None = None
        self._lock = threading.Lock()
        vehicle = link.vehicle
        vehicle.add_attribute_listener("mode", self._hear_mode)
        vehicle.add_attribute_listener("armed", self._hear_armed)
        vehicle.add_attribute_listener("battery", self._hear_battery)
        for name, listener in (
            ("STATUSTEXT", self._hear_text),
            ("SYS_STATUS", self._hear_health),
            ("MISSION_ITEM_REACHED", self._hear_reached),
            ("CAMERA_FEEDBACK", self._hear_photo),
            ("FENCE_STATUS", self._hear_fence),
            ("GPS_RAW_INT", self._hear_gps),
            ("WIND", self._hear_wind),
            ("GLOBAL_POSITION_INT", self._hear_position),
            ("SYSTEM_TIME", self._hear_time),
        ):
            vehicle.add_message_listener(name, listener)

    @property
    def route_done(self) -> bool:
        """True once the last waypoint was reached, or the vehicle is past it on its way home."""
        return max(self.item_reached, self._link.vehicle.commands.next - 1) >= self._last_waypoint

    @property
    def photos_taken(self) -> int:
        """How many photos the vehicle said it took since the watch began."""
        return len(self._photos)

    @property
    def photos_missing(self) -> tuple[int, ...]:
        """The numbers between the first and the last photo heard of that were not heard of; the vehicle numbers its
        photos from one each time it is switched on."""
        with self._lock:
            heard = sorted(self._photos)
        missing: list[int] = []
        for (start, number), (next_start, next_number) in itertools.pairwise(heard):
            if start == next_start:
                missing += range(number + 1, next_number)
        return tuple(missing)

    def status(self) -> FlightStatus:
        """The state at this moment."""
        vehicle = self._link.vehicle
        place = vehicle.location.global_relative_frame
        flown_s = self._flown_s()
        return FlightStatus(
            progress=self._route.fraction(vehicle.commands.next, self._position) if self.armed_at_s is not None else 0,
            mode=str(vehicle.mode.name),
            armed=bool(vehicle.armed),
            position=self._position,
            height_home_m=place.alt,
            speed_m_s=vehicle.groundspeed,
            battery_pct=self.battery_pct,
            photos_taken=self.photos_taken,
            photos_expected=self._sortie.photos,
            flown_s=flown_s,
            message=self.message,
            battery_expected_pct=self._battery_expected(flown_s),
            photos_missing=len(self.photos_missing),
            wind_m_s=self.wind_m_s,
            from_home_m=None if self._position is None else distance_m(self._position, self._home),
        )

    def attach(self) -> None:
        """Begin with a vehicle that is in the air already: its flight counts from here."""
        self.armed_at_s = self._link.vehicle_time_s
        self._tell("taken_up", mode=str(self._link.vehicle.mode.name), item=int(self._link.vehicle.commands.next))

    @property
    def last_word(self) -> str:
        """What the vehicle warned of in the last moments; empty where that was nothing. Why it does something of itself
        it says as a warning; what is mere information, such as the item it has come to, is no reason."""
        return self._warning if self._link.vehicle_time_s - self._warned_s < JUST_SAID_S else ""

    def signs(self, holding: Holding) -> Signs:
        """What else tells a fault at this moment, with what the vehicle still holds."""
        return Signs(
            vehicle_s=self._link.vehicle_time_s,
            silence_s=self._link.silence_s,
            line_open=self._link.line.open,
            restarts=self._link.restarts,
            breach=self.breach,
            gps_fix=self.gps_fix,
            wind_m_s=self.wind_m_s,
            unphotographed_m=self._unphotographed_m(),
            changed_lists=holding.changed_lists,
            parameter_changes=holding.parameter_changes,
            home_moved_m=holding.home_moved_m,
            photos_missing=self.photos_missing,
            way_home_m=0.0 if (here := self._position) is None else distance_m(here, self._home),
        )

    @property
    def battery_pct(self) -> int | None:
        """How full the battery is; None where the vehicle does not say."""
        battery = self._link.vehicle.battery
        return None if battery is None or battery.level is None or battery.level < 0 else int(battery.level)

    @property
    def _position(self) -> Position | None:
        place = self._link.vehicle.location.global_relative_frame
        return None if place.lat is None or place.lon is None else Position(place.lat, place.lon)

    def _battery_expected(self, flown_s: float) -> float | None:
        if self._battery_at_take_off is None:
            return None
        share = min(1.0, flown_s / self._sortie.flight_time_s) if self._sortie.flight_time_s > 0 else 1.0
        return self._battery_at_take_off - share * self._sortie.battery_used_pct

    def _flown_s(self) -> float:
        if self.armed_at_s is None:
            return 0.0
        until_s = self._link.vehicle_time_s if self._disarmed_at_s is None else self._disarmed_at_s
        return max(0.0, until_s - self.armed_at_s)

    def _unphotographed_m(self) -> float | None:
        """The way since the last photo, or since photos became due."""
        vehicle, here = self._link.vehicle, self._position
        number = vehicle.commands.next
        due = (
            vehicle.armed and vehicle.mode.name == "AUTO" and 0 < number < len(self._imaging) and self._imaging[number]
        )
        if not due or here is None:
            self._photo_place = None
            return None
        if self._photo_place is None:
            self._photo_place = here
        return distance_m(self._photo_place, here)

    def _tell(self, kind: str, **values: Any) -> None:
        self._event(kind, vehicle_s=round(self._link.vehicle_time_s, 3), **values)

    def _hear_mode(self, _vehicle: Any, _name: str, mode: Any) -> None:
        self._tell("mode", mode=mode.name)

    def _hear_armed(self, _vehicle: Any, _name: str, armed: bool) -> None:
        if armed:
            self.armed_at_s = self._link.vehicle_time_s
            self._battery_at_take_off = self.battery_pct
        self._disarmed_at_s = None if armed else self._link.vehicle_time_s
        self._tell("armed" if armed else "disarmed")

    def _hear_battery(self, _vehicle: Any, _name: str, battery: Any) -> None:
        level = self.battery_pct
        if level is None:
            return
        step = math.ceil(level / BATTERY_STEP_PCT)
        if step != self._battery_told:
            self._battery_told = step
            self._tell("battery", level_pct=level, voltage_v=battery.voltage)

    def _hear_text(self, _vehicle: Any, _name: str, message: Any) -> None:
        text = self._texts.pop(message.id, "") + message.text if message.id else message.text
        if message.id and len(message.text) >= _TEXT_LENGTH:
            if len(self._texts) >= _LATE_TEXTS_MOST:
                self._texts.clear()
            self._texts[message.id] = text
            return
        self.message = text.strip()
        if message.severity <= mavlink.MAV_SEVERITY_NOTICE:
            self._warning, self._warned_s = self.message, self._link.vehicle_time_s
        if self.message.startswith(_NOT_ARMED):
            self.arming_text = self.message
        self._tell("text", severity=message.severity, text=self.message)

    def _hear_health(self, _vehicle: Any, _name: str, message: Any) -> None:
        checks = mavlink.MAV_SYS_STATUS_PREARM_CHECK
        if message.onboard_control_sensors_present & checks:
            self.arming_ok = bool(message.onboard_control_sensors_health & checks)

    def _hear_reached(self, _vehicle: Any, _name: str, message: Any) -> None:
        self.item_reached = max(self.item_reached, message.seq)
        self._tell("reached", item=message.seq)

    def _hear_photo(self, _vehicle: Any, _name: str, message: Any) -> None:
        photo = (self._link.restarts, message.img_idx)
        if photo in self._photos:
            return
        with self._lock:
            self._photos.add(photo)
        self._photo_place = self._position
        self.last_photo = {"index": message.img_idx, "lat_deg": message.lat / 1e7, "lon_deg": message.lng / 1e7}
        self._tell("photo", index=message.img_idx)

    def _hear_fence(self, _vehicle: Any, _name: str, message: Any) -> None:
        self.breach = message.breach_type if message.breach_status else None

    def _hear_position(self, _vehicle: Any, _name: str, message: Any) -> None:
        """Photos of a time when nothing was heard may have been taken: the way counts from here."""
        if self._link.vehicle_time_s - self._position_s > GAP_S:
            self._photo_place = self._position
        self._position_s = self._link.vehicle_time_s

    def _hear_gps(self, _vehicle: Any, _name: str, message: Any) -> None:
        self.gps_fix = message.fix_type

    def _hear_wind(self, _vehicle: Any, _name: str, message: Any) -> None:
        """A vehicle that does not estimate the wind sends 0."""
        self.wind_m_s = float(message.speed) or None

    def _hear_time(self, _vehicle: Any, _name: str, message: Any) -> None:
        self.vehicle_utc_s = message.time_unix_usec / 1e6
