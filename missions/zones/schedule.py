"""When a zone is in force: dates, weekdays, daily periods, and the sun's hours at the place. The sun's own reckoning is
astral's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import Enum

from astral import Observer, SunDirection
from astral.sun import sunrise, sunset, time_at_elevation

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_CIVIL_TWILIGHT_DEG = -6.0


class SunEvent(Enum):
    """The events of ED-318: civil twilight begins and ends with the sun's centre 6 degrees below the horizon."""

    MORNING_TWILIGHT = "BMCT"
    SUNRISE = "SR"
    SUNSET = "SS"
    EVENING_TWILIGHT = "EECT"


Moment = time | SunEvent
"""A time of day with its offset from UTC, or an event of the sun."""


@dataclass(frozen=True)
class Daily:
    """A part of certain days. `days` are numbers from Monday (0); empty means every day. `start` None is the beginning
    of the day, `end` None its end; an end at or before the start is on the next day."""

    days: frozenset[int] = frozenset()
    start: Moment | None = None
    end: Moment | None = None


@dataclass(frozen=True)
class Period:
    """From `start` to `end` (None: since ever, for ever), and within that at the `daily` times, or all of it."""

    start: datetime | None = None
    end: datetime | None = None
    daily: tuple[Daily, ...] = ()


@dataclass(frozen=True)
class Window:
    """The time a flight may take, in UTC, both ends included."""

    start: datetime
    end: datetime


def in_force(periods: Sequence[Period], window: Window, lat_deg: float, lon_deg: float) -> bool:
    """Whether any of the periods has a moment of the window; without periods always. Where the sun does not rise or set
    on a day, a period that hangs on it counts for the whole day."""
    return not periods or any(_overlaps(period, window, lat_deg, lon_deg) for period in periods)


def ended_before(periods: Sequence[Period], moment: datetime) -> bool:
    """Whether all of the periods were over before `moment`; without periods never."""
    return bool(periods) and all(period.end is not None and period.end < moment for period in periods)


def _overlaps(period: Period, window: Window, lat_deg: float, lon_deg: float) -> bool:
    start = window.start if period.start is None else max(window.start, period.start)
    end = window.end if period.end is None else min(window.end, period.end)
    if start > end:
        return False
    if not period.daily:
        return True
    return any(
        first <= end and last >= start
        for daily in period.daily
        for first, last in _times(daily, start, end, lat_deg, lon_deg)
    )


def _times(
    daily: Daily, start: datetime, end: datetime, lat_deg: float, lon_deg: float
) -> Iterator[tuple[datetime, datetime]]:
    """The times of `daily` on every day that may touch the stretch from `start` to `end`."""
    solar = timezone(timedelta(hours=round(lon_deg / 15.0)))
    zones = [moment.tzinfo for moment in (daily.start, daily.end) if isinstance(moment, time)]
    local = next((zone for zone in zones if zone is not None), solar if zones == [] else UTC)
    day, last = start.astimezone(local).date() - timedelta(days=2), end.astimezone(local).date()
    while day <= last + timedelta(days=1):
        if not daily.days or day.weekday() in daily.days:
            whole = datetime.combine(day, time(), local)
            opens = whole if daily.start is None else _moment(daily.start, day, local, solar, lat_deg, lon_deg)
            closes = (
                whole + timedelta(days=1)
                if daily.end is None
                else _moment(daily.end, day, local, solar, lat_deg, lon_deg)
            )
            if opens is None or closes is None:
                yield whole, whole + timedelta(days=1)
            else:
                yield opens, closes if closes > opens else closes + timedelta(days=1)
        day += timedelta(days=1)


def _moment(
    moment: Moment, day: date, local: tzinfo, solar: timezone, lat_deg: float, lon_deg: float
) -> datetime | None:
    """`moment` on that day; None where the sun does not reach it."""
    if isinstance(moment, time):
        return datetime.combine(day, moment.replace(tzinfo=None), moment.tzinfo or local)
    observer = Observer(lat_deg, lon_deg)
    try:
        if moment is SunEvent.SUNRISE:
            return sunrise(observer, day, solar)
        if moment is SunEvent.SUNSET:
            return sunset(observer, day, solar)
        direction = SunDirection.RISING if moment is SunEvent.MORNING_TWILIGHT else SunDirection.SETTING
        return time_at_elevation(observer, _CIVIL_TWILIGHT_DEG, day, direction, solar)
    except ValueError:
        return None
