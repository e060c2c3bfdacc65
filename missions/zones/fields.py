"""The fields that zone files share whatever their format: texts in several languages, heights, dates and times of day,
each checked, each refused with its place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from shapely.geometry import Polygon

from missions.areas.shapes import shown
from missions.zones.schedule import WEEKDAYS, Daily, Moment, Period, SunEvent
from missions.zones.zone import HeightReference, Limit, Restriction, Zone
from vision.errors import InputError

FEET_M = 0.3048
_UNITS = {"M": 1.0, "FT": FEET_M}
_REFERENCES: dict[str, HeightReference] = {
    "AGL": "AGL",
    "SFC": "AGL",
    "AMSL": "AMSL",
    "MSL": "AMSL",
    "WGS84": "HAE",
    "HAE": "HAE",
}
_RESTRICTIONS = {
    "PROHIBITED": Restriction.PROHIBITED,
    "REQ_AUTHORISATION": Restriction.AUTHORISATION,
    "REQ_AUTHORIZATION": Restriction.AUTHORISATION,
    "CONDITIONAL": Restriction.CONDITIONAL,
    "USPACE": Restriction.U_SPACE,
    "NO_RESTRICTION": Restriction.NONE,
}
"""ED-269 spells it the British way, ED-318 the American."""
_ENDLESS_M = 90_000.0
"""What stands for "without end" in files that have to give a number (99999, FL999)."""
_EVENTS = {event.value: event for event in SunEvent} | {"SUNRISE": SunEvent.SUNRISE, "SUNSET": SunEvent.SUNSET}


class Fields:
    """The JSON object of one zone, with where it stands. Every method raises InputError for what it cannot read."""

    def __init__(self, path: Path, place: str, values: Any) -> None:
        """`values` is the object; `path` and `place` are for messages."""
        self.path = path
        self.place = place
        if not isinstance(values, Mapping):
            raise InputError(path, f"{shown(values)} has to be an object", place)
        self.values = values

    def error(self, problem: str) -> InputError:
        """Bad input at this place."""
        return InputError(self.path, problem, self.place)

    def part(self, name: str, value: Any) -> Fields:
        """The fields of an object inside this one."""
        return Fields(self.path, f"{self.place}, {name}", value)

    def parts(self, name: str) -> list[Fields]:
        """The objects of the list `name`; none where it is not given. A single object counts as a list of one."""
        value = self.values.get(name)
        value = [] if value is None else [value] if isinstance(value, Mapping) else value
        if not isinstance(value, list):
            raise self.error(f"{name} is {shown(value)}; it has to be a list")
        return [self.part(f"{name} {number}", one) for number, one in enumerate(value, 1)]

    def text(self, name: str) -> str:
        """A text; of one in several languages the English, else the first. Empty where there is none."""
        value = self.values.get(name)
        if isinstance(value, list):
            texts = [one for one in value if isinstance(one, Mapping) and isinstance(one.get("text"), str)]
            english = [one for one in texts if str(one.get("lang", "")).lower().startswith("en")]
            value = (english or texts or [{"text": None}])[0]["text"]
        return " ".join(value.split()) if isinstance(value, str) else ""

    def number(self, name: str) -> float | None:
        """A number, also one written as text; None where there is none."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise self.error(f"{name} is {shown(value)}; it has to be a number")
        return number

    def unit_m(self, name: str) -> float:
        """Metres in the unit `name` gives, metres where it gives none."""
        value = self.values.get(name) or "M"
        if str(value).upper() not in _UNITS:
            raise self.error(f"{name} is {shown(value)}; use M or FT")
        return _UNITS[str(value).upper()]

    def limit(self, height: str, reference: str, unit_m: float) -> Limit | None:
        """A height limit; None where there is none, or it stands for "without end"."""
        number = self.number(height)
        if number is None or number >= _ENDLESS_M:
            return None
        named = self.values.get(reference) or "AGL"
        if str(named).upper() not in _REFERENCES:
            raise self.error(f"{reference} is {shown(named)}; use AGL, AMSL or WGS84")
        return Limit(number * unit_m, _REFERENCES[str(named).upper()])

    def date_time(self, name: str) -> datetime | None:
        """A date and time; without an offset it is UTC. None where there is none."""
        value = self.values.get(name)
        if value in (None, ""):
            return None
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise self.error(f"{name} is {shown(value)}; write a date and time such as 2026-11-22T18:00:00Z") from error
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def moment(self, clock: str, event: str) -> Moment | None:
        """A time of day from the field `clock` (without an offset it is UTC), or an event of the sun from either
        field; None where neither is given."""
        value = self.values.get(clock) or self.values.get(event)
        if value in (None, ""):
            return None
        if isinstance(value, str) and value.upper() in _EVENTS:
            return _EVENTS[value.upper()]
        if isinstance(value, str) and value.startswith("24:00"):
            return None
        try:
            moment = time.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise self.error(
                f"{clock} is {shown(value)}; write a time such as 17:00:00Z, or one of {', '.join(_EVENTS)}"
            ) from error
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def days(self, name: str) -> frozenset[int]:
        """Weekdays as numbers from Monday (0); empty where every day is meant."""
        value = self.values.get(name)
        names = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(names, list):
            raise self.error(f'{name} is {shown(value)}; write a list such as ["SAT", "SUN"]')
        found = set()
        for one in names:
            day = str(one).upper()[:3]
            if day != "ANY" and day not in WEEKDAYS:
                raise self.error(f"{name} has {shown(one)}; use {', '.join(WEEKDAYS)} or ANY")
            found |= set(range(7)) if day == "ANY" else {WEEKDAYS.index(day)}
        return frozenset(found) if len(found) < 7 else frozenset()

    def restriction(self, name: str) -> Restriction:
        """What the zone asks, by the words of ED-269 and ED-318."""
        value = self.values.get(name)
        if value not in _RESTRICTIONS:
            raise self.error(f"{name} is {shown(value)}; use one of {', '.join(_RESTRICTIONS)}")
        return _RESTRICTIONS[value]

    def identifier(self, number: int) -> str:
        """What the zone is called in its file, else its number; from here on messages name it."""
        text = self.text("identifier")
        if text:
            self.place += f" ({text[:40]})"
        return text or f"zone {number}"

    def period(self, daily: Sequence[str] = ("schedule", "dailyPeriod")) -> Period:
        """A period of ED-269 or ED-318: start, end, and the daily times of the first of the lists `daily` given."""
        lists = [self.parts(name) for name in daily if self.values.get(name)]
        times = [
            Daily(one.days("day"), one.moment("startTime", "startEvent"), one.moment("endTime", "endEvent"))
            for one in (lists[0] if lists else [])
        ]
        start, end = self.date_time("startDateTime"), self.date_time("endDateTime")
        if start is not None and end is not None and end < start:
            raise self.error("ends before it starts; correct startDateTime and endDateTime")
        # A daily time of every day, all day, is what files write that have to write something.
        return Period(start, end, tuple(one for one in times if one != Daily()) if Daily() not in times else ())


@dataclass(frozen=True)
class HeightFields:
    """What a format calls the fields of a volume's heights."""

    lower: str
    lower_reference: str
    upper: str
    upper_reference: str
    unit: str


def zones_of(
    zone: Fields,
    identifier: str,
    restriction: Restriction,
    periods: tuple[Period, ...],
    heights: Fields,
    called: HeightFields,
    polygons: Sequence[Polygon],
) -> Iterator[Zone]:
    """One volume of a zone of ED-269 or ED-318 as values, one for each of its polygons."""
    unit_m = heights.unit_m(called.unit)
    for polygon in polygons:
        yield Zone(
            identifier=identifier,
            name=zone.text("name"),
            restriction=restriction,
            polygon=polygon,
            lower=heights.limit(called.lower, called.lower_reference, unit_m),
            upper=heights.limit(called.upper, called.upper_reference, unit_m),
            periods=periods,
            message=zone.text("message") or zone.text("restrictionConditions"),
        )


def is_restriction(value: Any) -> bool:
    """Whether a value is one of the words that say what a zone asks."""
    return isinstance(value, str) and value in _RESTRICTIONS
