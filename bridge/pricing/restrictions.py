"""TariffRestrictions as conditions on a moment (OCPI 2.2.1 mod_tariffs)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from bridge.errors import QuoteUnavailable
from bridge.ocpi.tariffs import DayOfWeek, TariffRestrictions

DAY_MINUTES: Final = 24 * 60
_WEEKDAYS: Final = {day: number for number, day in enumerate(DayOfWeek)}


class Moment(msgspec.Struct, frozen=True, gc=False):
    """What restrictions look at, as it is when a period starts.

    Args:
        local: wall clock at the Location; any time when the tariff has no ``clock_minutes``.
        kwh, elapsed_s: energy and whole seconds since the session began, without reservation.
        min_current, max_current, min_power, max_power: of the period, as in ``Usage``.
    """

    local: datetime
    kwh: Decimal
    elapsed_s: int
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None


Condition: TypeAlias = Callable[[Moment], bool]


def zone(time_zone: str) -> tzinfo:
    """Return the zone of a Location. Raises QuoteUnavailable when there is none of that name."""
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise QuoteUnavailable(f"the location's time zone {time_zone!r} is unknown") from error


def local_time(moment: datetime, place: tzinfo) -> datetime:
    """Return the wall clock at a Location. Raises QuoteUnavailable where the calendar ends."""
    try:
        return moment.astimezone(place)
    except OverflowError as error:
        raise QuoteUnavailable(f"there is no local time for {moment.isoformat()}") from error


def is_local(restrictions: TariffRestrictions) -> bool:
    """Tell whether the wall clock matters."""
    r = restrictions
    return bool(r.start_time or r.end_time or r.start_date or r.end_date or r.day_of_week)


def clock_minutes(restrictions: TariffRestrictions) -> frozenset[int]:
    """Return the minutes of the day at which the answer can change; none when it never does.

    Dates and weekdays change at midnight, and so does a window with an open side.
    """
    if not is_local(restrictions):
        return frozenset()
    bounds = (restrictions.start_time, restrictions.end_time)
    return frozenset((0, *(_minute(bound) for bound in bounds if bound)))


def conditions(restrictions: TariffRestrictions | None) -> tuple[Condition, ...]:
    """Return what must all hold for the element to apply, apart from ``reservation``.

    Current and power hold when nothing is known of them.
    """
    return () if restrictions is None else tuple(_conditions(restrictions))


def _conditions(r: TariffRestrictions) -> Iterator[Condition]:
    if r.start_time is not None or r.end_time is not None:
        yield _time_of_day(r.start_time, r.end_time)
    if r.start_date is not None or r.end_date is not None:
        # ISO dates compare as text.
        yield _date(r.start_date or "", r.end_date or "~")
    if r.day_of_week:
        yield _weekday(frozenset(_WEEKDAYS[day] for day in r.day_of_week))
    if r.min_kwh is not None or r.max_kwh is not None:
        yield _kwh(r.min_kwh, r.max_kwh)
    if r.min_duration is not None or r.max_duration is not None:
        yield _duration(r.min_duration, r.max_duration)
    if r.min_current is not None or r.max_current is not None:
        yield _current(r.min_current, r.max_current)
    if r.min_power is not None or r.max_power is not None:
        yield _power(r.min_power, r.max_power)


def _time_of_day(start: str | None, end: str | None) -> Condition:
    """Look at the time of day; an open side is the end of the day, and so is an end at 00:00.

    From 22:00 to 06:00 goes over midnight; from a time to the same time is the whole day.
    """
    first = _minute(start) if start is not None else 0
    last = (_minute(end) if end is not None else 0) or DAY_MINUTES
    if first < last:
        return lambda m: first <= m.local.hour * 60 + m.local.minute < last
    return lambda m: not last <= m.local.hour * 60 + m.local.minute < first


def _date(first: str, end: str) -> Condition:
    return lambda m: first <= m.local.date().isoformat() < end


def _weekday(days: frozenset[int]) -> Condition:
    return lambda m: m.local.weekday() in days


def _kwh(least: Decimal | None, below: Decimal | None) -> Condition:
    return lambda m: _within(m.kwh, m.kwh, least, below)


def _duration(least: int | None, below: int | None) -> Condition:
    return lambda m: (
        (least is None or m.elapsed_s >= least) and (below is None or m.elapsed_s < below)
    )


def _current(least: Decimal | None, below: Decimal | None) -> Condition:
    return lambda m: _within(m.min_current, m.max_current, least, below)


def _power(least: Decimal | None, below: Decimal | None) -> Condition:
    return lambda m: _within(m.min_power, m.max_power, least, below)


def _within(
    low: Decimal | None, high: Decimal | None, least: Decimal | None, below: Decimal | None
) -> bool:
    return (least is None or low is None or low >= least) and (
        below is None or high is None or high < below
    )


def _minute(time: str) -> int:
    """Return the minute of the day of ``HH:MM``."""
    return int(time[:2]) * 60 + int(time[3:])
