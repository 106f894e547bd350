"""Opening windows agree with the clock on the wall, at every instant of every zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.catalog.hours import open_within, outlook, windows
from bridge.ocpi.locations import ExceptionalPeriod, Hours, Location, RegularHours
from tests.unit.catalog.world import location

ZONES = ["Asia/Kolkata", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "UTC"]
MINUTE = timedelta(minutes=1)

# The days of 2026 on which a clock of these zones is changed, and some others.
days = st.sampled_from(
    [
        datetime(2026, month, day, tzinfo=UTC)
        for month, day in [(3, 28), (3, 29), (10, 24), (10, 25), (4, 4), (9, 5), (10, 3), (6, 15)]
    ]
)
instants = st.builds(
    lambda day, minutes: day + minutes * MINUTE, days, st.integers(-24 * 60, 72 * 60)
)
clock = st.builds(
    lambda hour, minute: f"{hour:02}:{minute:02}",
    st.integers(0, 23),
    st.sampled_from([0, 15, 30, 59]),
)
regular = st.builds(RegularHours, weekday=st.integers(1, 7), period_begin=clock, period_end=clock)
periods = st.builds(
    lambda start, minutes: ExceptionalPeriod(
        period_begin=start, period_end=start + minutes * MINUTE
    ),
    instants,
    st.integers(-60, 3 * 24 * 60),
)


@st.composite
def places(draw: st.DrawFn) -> Location:
    usual = draw(st.lists(regular, max_size=6))
    hours = Hours(
        twentyfourseven=not usual,
        regular_hours=tuple(usual),
        exceptional_openings=tuple(draw(st.lists(periods, max_size=2))),
        exceptional_closings=tuple(draw(st.lists(periods, max_size=2))),
    )
    return location(opening_times=hours, time_zone=draw(st.sampled_from(ZONES)))


def is_open(place: Location, at: datetime) -> bool:
    """Tell from the wall clock alone whether a Location is open at an instant."""
    hours = place.opening_times
    assert hours is not None
    if _within(hours.exceptional_closings, at):
        return False
    wall = at.astimezone(ZoneInfo(place.time_zone)).replace(tzinfo=None)
    return (
        hours.twentyfourseven
        or _within(hours.exceptional_openings, at)
        or any(_shows(period, wall) for period in hours.regular_hours)
    )


def _within(periods: Sequence[ExceptionalPeriod], at: datetime) -> bool:
    return any(period.period_begin <= at < period.period_end for period in periods)


def _shows(period: RegularHours, wall: datetime) -> bool:
    begin, end = time.fromisoformat(period.period_begin), time.fromisoformat(period.period_end)
    today = wall.isoweekday() == period.weekday
    yesterday = (wall.isoweekday() - 2) % 7 + 1 == period.weekday
    if begin < end:
        return today and begin <= wall.time() < end
    return (today and begin <= wall.time()) or (yesterday and wall.time() < end)


@settings(deadline=None)
@given(place=places(), start=instants, hours=st.integers(1, 80))
def test_windows_are_when_the_clock_on_the_wall_says_open(
    place: Location, start: datetime, hours: int
) -> None:
    end = start + timedelta(hours=hours)
    found = windows(place, start, end)
    probes = [start + number * MINUTE for number in range(0, hours * 60, 7)]
    edges = [edge.astimezone(UTC) for window in found for edge in window]
    for probe in (
        probes + [edge for edge in edges if edge < end] + [edge - MINUTE for edge in edges]
    ):
        if start <= probe < end:
            inside = any(window.start <= probe < window.end for window in found)
            assert inside == is_open(place, probe), probe


@settings(deadline=None)
@given(place=places(), start=instants, hours=st.integers(1, 400))
def test_windows_are_in_order_apart_and_inside(
    place: Location, start: datetime, hours: int
) -> None:
    end = start + timedelta(hours=hours)
    edges = [edge.astimezone(UTC) for window in windows(place, start, end) for edge in window]
    assert edges == sorted(set(edges))
    assert all(start <= edge <= end for edge in edges)


@settings(deadline=None)
@given(place=places(), start=instants, hours=st.integers(1, 400))
def test_open_within_is_whether_there_is_a_window(
    place: Location, start: datetime, hours: int
) -> None:
    end = start + timedelta(hours=hours)
    assert open_within(place, start, end) == bool(windows(place, start, end))


@settings(deadline=None)
@given(place=places(), now=instants, minutes=st.integers(1, 30 * 60))
def test_what_is_shown_stays_the_same_until_it_says(
    place: Location, now: datetime, minutes: int
) -> None:
    shown = outlook(place, now)
    assert shown.until > now
    later = min(now + minutes * MINUTE, shown.until - timedelta(seconds=1))
    if later >= now:
        assert outlook(place, later) == shown
