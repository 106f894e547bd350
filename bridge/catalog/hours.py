"""When a Location is open: opening windows from its Hours (OCPI 2.2.1, mod_locations 1.4.11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from bridge.catalog.fragments import Window
from bridge.catalog.local_time import DAY, Stretch, start_of_day, stretches, zone_of
from bridge.catalog.spans import Span, cut, merged, without
from bridge.ocpi.locations import ExceptionalPeriod, Hours, Location, RegularHours

WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)
LOOK_AHEAD = timedelta(days=60)
"""How much of a long range :func:`open_within` looks at: a week repeats, holidays end."""


class Outlook(NamedTuple):
    """The opening windows to show, and the instant (UTC) from which others are to be shown."""

    windows: list[Window]
    until: datetime


def windows(location: Location, start: datetime, end: datetime) -> list[Window]:
    """Return when the Location is open between two instants: in order, apart from each other.

    Missing opening times mean always. Both ends are cut at ``start`` and ``end``; the answer is
    in the Location's time zone. Exceptional openings add to regular hours, closings win over both.
    """
    zone = zone_of(location.time_zone)
    return [
        Window(opens.astimezone(zone), closes.astimezone(zone))
        for opens, closes in _open_spans(location.opening_times, zone, start, end)
    ]


def open_spans(location: Location, start: datetime, end: datetime) -> list[Span]:
    """Return the same as :func:`windows`, in UTC."""
    return _open_spans(location.opening_times, zone_of(location.time_zone), start, end)


def open_within(
    location: Location, start: datetime, end: datetime, taken: Sequence[Span] = ()
) -> bool:
    """Tell whether the Location is open, and not taken, at some moment from ``start`` to ``end``.

    ``end`` before or at ``start`` asks for that moment. Of a range longer than 60 days only the
    first 60 are looked at.
    """
    if location.opening_times is None and not taken:
        return True
    zone = zone_of(location.time_zone)
    start = start.astimezone(UTC)
    last = max(start + SECOND, min(end, start + LOOK_AHEAD))
    while start < last:
        stop = min(start + WEEK, last)
        if without(_open_spans(location.opening_times, zone, start, stop), taken):
            return True
        start = stop
    return False


def outlook(location: Location, now: datetime, taken: Sequence[Span] = ()) -> Outlook:
    """Return today's windows that are not over; none left: those of the next day with some.

    What is taken is left out of them.

    Days are the Location's own; a window that lasts until midnight is shown to end at 23:59:59,
    as the pages write it. Empty when the Location stays closed for a week.
    """
    zone = zone_of(location.time_zone)
    day = now.astimezone(zone).date()
    tomorrow = start_of_day(zone, day + DAY)
    for _ in range(8):
        midnight = start_of_day(zone, day + DAY)
        spans = [
            span
            for span in without(
                _open_spans(location.opening_times, zone, start_of_day(zone, day), midnight), taken
            )
            if span[1] > now
        ]
        if spans:
            shown = [
                Window(
                    opens.astimezone(zone),
                    (closes - SECOND if closes == midnight else closes).astimezone(zone),
                )
                for opens, closes in spans
            ]
            return Outlook(shown, min(tomorrow, spans[0][1]))
        day += DAY
    return Outlook([], tomorrow)


def _open_spans(hours: Hours | None, zone: tzinfo, start: datetime, end: datetime) -> list[Span]:
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if hours is None:
        return [(start, end)] if start < end else []
    usual = [(start, end)] if hours.twentyfourseven else _regular(hours, zone, start, end)
    openings = merged(cut([*usual, *_periods(hours.exceptional_openings)], start, end))
    return without(openings, _periods(hours.exceptional_closings))


def _regular(hours: Hours, zone: tzinfo, start: datetime, end: datetime) -> Iterator[Span]:
    """Yield the regular hours around a span of time, each cut where the clock is changed."""
    for stretch in stretches(zone, start, end):
        weekdays = [(day, day.isoweekday()) for day in stretch.dates()]
        for period in hours.regular_hours:
            opens, lasts = _opening(period)
            for day, weekday in weekdays:
                if weekday == period.weekday:
                    begin = datetime.combine(day, opens)
                    yield from _in_stretch(stretch, begin, begin + lasts)


def _opening(period: RegularHours) -> tuple[time, timedelta]:
    """Return when a period begins and how long the clock on the wall says it lasts.

    The standard wants the end after the begin; 00:00, or an end before the begin, is taken to
    be on the next day.
    """
    opens = time.fromisoformat(period.period_begin)
    closes = time.fromisoformat(period.period_end)
    minutes = (closes.hour - opens.hour) * 60 + closes.minute - opens.minute
    return opens, timedelta(minutes=minutes if minutes > 0 else minutes + 24 * 60)


def _in_stretch(stretch: Stretch, begin: datetime, end: datetime) -> Iterator[Span]:
    yield from cut([(stretch.instant(begin), stretch.instant(end))], stretch.start, stretch.end)


def _periods(periods: Iterable[ExceptionalPeriod]) -> list[Span]:
    return [(period.period_begin, period.period_end) for period in periods]
