"""The wall clocks of Locations: time zones by name, and what happens when a clock is changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MIDNIGHT = time()


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """Return the time zone of an IANA name; UTC for a name that nobody knows.

    A CPO's misspelt ``time_zone`` must not take its chargers off the map.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no plain name; names a directory
        return UTC


class Stretch(NamedTuple):
    """A stretch of time, both ends in UTC, in which the UTC offset does not change."""

    start: datetime
    end: datetime
    offset: timedelta

    def wall(self, instant: datetime) -> datetime:
        """Return what the clock on the wall shows, without a zone."""
        return instant.replace(tzinfo=None) + self.offset

    def instant(self, wall: datetime) -> datetime:
        """Return the UTC instant at which the clock on the wall shows this; maybe outside."""
        return (wall - self.offset).replace(tzinfo=UTC)

    def dates(self) -> Iterator[date]:
        """Return every calendar day the stretch touches, and the one before."""
        day = self.wall(self.start).date() - DAY
        last = self.wall(self.end).date()
        while day <= last:
            yield day
            day += DAY


def stretches(zone: tzinfo, start: datetime, end: datetime) -> Iterator[Stretch]:
    """Cut a span of time where the clock is put forward or back.

    With one offset for each stretch, wall times that exist twice or not at all (the two days a
    year) need no rules of their own. Two changes within a day are not told apart; no zone has them.
    """
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    while start < end:
        stop = _next_change(zone, start, end)
        yield Stretch(start, stop, _offset(zone, start))
        start = stop


def start_of_day(zone: tzinfo, day: date) -> datetime:
    """Return the UTC instant at which a calendar day begins, 00:00 or what comes instead."""
    return datetime.combine(day, MIDNIGHT, zone).astimezone(UTC)


def next_strike(zone: tzinfo, now: datetime, times: Collection[time]) -> datetime:
    """Return the first instant after ``now`` when the clock on the wall shows one of the times.

    Midnight always counts, and so does the moment at which the clock is put forward or back.
    """
    strikes = {MIDNIGHT, *times}
    for stretch in stretches(zone, now, now + 2 * DAY):
        if stretch.start > now:
            return stretch.start
        instants = (
            stretch.instant(datetime.combine(day, strike))
            for day in stretch.dates()
            for strike in strikes
        )
        coming = [instant for instant in instants if now < instant < stretch.end]
        if coming:
            return min(coming)
    raise AssertionError("two days without a midnight")


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _next_change(zone: tzinfo, start: datetime, end: datetime) -> datetime:
    """Return the instant of the first change of the offset after ``start``, or ``end``."""
    offset = _offset(zone, start)
    before = start
    while before < end:
        after = min(before + DAY, end)
        if _offset(zone, after) != offset:
            return _bisect(zone, offset, int(before.timestamp()), int(after.timestamp()))
        before = after
    return end


def _bisect(zone: tzinfo, offset: timedelta, before: int, after: int) -> datetime:
    """Find the second of a change of the offset; in POSIX seconds, ``before`` is before it."""
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == offset:
            before = middle
        else:
            after = middle
    return datetime.fromtimestamp(after, UTC)
