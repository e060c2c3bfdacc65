"""Dates, weekdays, daily periods and the sun: when a zone counts."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.zones.schedule import Daily, Period, SunEvent, Window, ended_before, in_force

MONTREUX = (46.43, 6.91)
CONCERT = Period(
    datetime(2022, 6, 15, 9, tzinfo=UTC),
    datetime(2023, 6, 15, 9, tzinfo=UTC),
    (Daily(frozenset({5, 6}), time(17, tzinfo=UTC), time(23, 59, 59, tzinfo=UTC)),),
)


def at(text: str, minutes: float = 0.0) -> Window:
    start = datetime.fromisoformat(text)
    return Window(start, start + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("text", "minutes", "counts"),
    [
        ("2022-10-15T17:00:00Z", 0, True),  # a Saturday
        ("2022-10-15T16:00:00Z", 59, False),
        ("2022-10-15T16:00:00Z", 61, True),
        ("2022-10-14T18:00:00Z", 30, False),  # a Friday
        ("2022-10-14T18:00:00Z", 24 * 60, True),
        ("2022-10-15T19:30:00+02:00", 0, True),
        ("2022-06-11T18:00:00Z", 0, False),  # a Saturday before it begins
        ("2023-06-17T18:00:00Z", 0, False),  # a Saturday after it has ended
    ],
)
def test_weekend_evenings_of_a_year(text: str, minutes: float, counts: bool) -> None:
    assert in_force((CONCERT,), at(text, minutes), *MONTREUX) is counts


def test_a_night_goes_on_the_next_day() -> None:
    night = Period(daily=(Daily(frozenset({4}), time(22, tzinfo=UTC), time(5, tzinfo=UTC)),))
    assert in_force((night,), at("2026-11-20T23:00:00Z"), *MONTREUX)  # Friday
    assert in_force((night,), at("2026-11-21T04:00:00Z"), *MONTREUX)  # the Saturday after
    assert not in_force((night,), at("2026-11-21T23:00:00Z"), *MONTREUX)
    assert not in_force((night,), at("2026-11-20T04:00:00Z"), *MONTREUX)


def test_weekdays_are_those_of_the_offset() -> None:
    sydney = timezone(timedelta(hours=10))
    monday = Period(daily=(Daily(frozenset({0}), time(8, tzinfo=sydney), time(9, tzinfo=sydney)),))
    assert in_force((monday,), at("2026-11-22T22:30:00Z"), -33.9, 151.2)  # Sunday in UTC, Monday in Sydney
    assert not in_force((monday,), at("2026-11-23T22:30:00Z"), -33.9, 151.2)


@pytest.mark.parametrize(
    ("text", "night", "twilight"),
    [
        # Benapole, 22 November: sunset 17:18, end of civil twilight 17:43, sunrise 6:22 (UTC+6).
        ("2026-11-22T17:00:00+06:00", False, False),
        ("2026-11-22T17:30:00+06:00", True, False),
        ("2026-11-22T18:00:00+06:00", True, True),
        ("2026-11-23T05:30:00+06:00", True, True),
        ("2026-11-23T06:10:00+06:00", True, False),
        ("2026-11-23T06:40:00+06:00", False, False),
    ],
)
def test_the_sun_opens_and_closes(text: str, night: bool, twilight: bool) -> None:
    place = (23.04, 88.9)
    from_sunset = Period(daily=(Daily(start=SunEvent.SUNSET, end=SunEvent.SUNRISE),))
    dark = Period(daily=(Daily(start=SunEvent.EVENING_TWILIGHT, end=SunEvent.MORNING_TWILIGHT),))
    assert in_force((from_sunset,), at(text), *place) is night
    assert in_force((dark,), at(text), *place) is twilight


def test_where_the_sun_does_not_set_its_period_counts_all_day() -> None:
    from_sunset = Period(daily=(Daily(start=SunEvent.SUNSET, end=SunEvent.SUNRISE),))
    assert in_force((from_sunset,), at("2026-06-21T12:00:00Z"), 78.2, 15.6)


def test_none_is_always_and_all_over_is_never() -> None:
    assert in_force((), at("2026-11-22T00:00:00Z"), *MONTREUX)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert ended_before((CONCERT,), now)
    assert not ended_before((CONCERT, Period()), now)
    assert not ended_before((), now)


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 3000),
    st.sets(st.integers(0, 6)),
    st.times(),
    st.times(),
)
def test_a_window_counts_where_any_minute_of_it_does(
    start: datetime, minutes: int, days: set[int], opens: time, closes: time
) -> None:
    daily = Daily(frozenset(days), opens.replace(tzinfo=UTC), closes.replace(tzinfo=UTC))

    def counts(moment: datetime) -> bool:
        clock, day = moment.time(), moment.weekday()
        today = not days or day in days
        yesterday = not days or (day - 1) % 7 in days
        if opens < closes:
            return today and opens <= clock <= closes
        return (today and clock >= opens) or (yesterday and clock <= closes)

    inside = any(counts(start + timedelta(minutes=minute)) for minute in range(minutes + 1))
    found = in_force((Period(daily=(daily,)),), Window(start, start + timedelta(minutes=minutes)), 0.0, 0.0)
    assert found or not inside
    if minutes == 0:
        assert found is inside
