"""Opening windows of a Location, in its own time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.catalog.fragments import Window
from bridge.catalog.hours import open_within, outlook, windows
from bridge.ocpi.locations import ExceptionalPeriod, Hours, Location, RegularHours
from tests.unit.catalog.world import location

KOLKATA = ZoneInfo("Asia/Kolkata")
BERLIN = ZoneInfo("Europe/Berlin")
SECOND = timedelta(seconds=1)

# 2026-03-02 is a Monday.


def ist(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=KOLKATA)


def period(start: datetime, end: datetime) -> ExceptionalPeriod:
    return ExceptionalPeriod(period_begin=start.astimezone(UTC), period_end=end.astimezone(UTC))


def weekly(
    *periods: tuple[int, str, str],
    openings: Iterable[ExceptionalPeriod] = (),
    closings: Iterable[ExceptionalPeriod] = (),
    zone: str = "Asia/Kolkata",
) -> Location:
    hours = Hours(
        twentyfourseven=False,
        regular_hours=tuple(
            RegularHours(weekday=weekday, period_begin=begin, period_end=end)
            for weekday, begin, end in periods
        ),
        exceptional_openings=tuple(openings),
        exceptional_closings=tuple(closings),
    )
    return location(opening_times=hours, time_zone=zone)


def always(*closings: ExceptionalPeriod) -> Location:
    return location(opening_times=Hours(twentyfourseven=True, exceptional_closings=closings))


OFFICE_HOURS = tuple((weekday, "08:00", "18:00") for weekday in range(1, 6))


@pytest.mark.parametrize("place", [location(opening_times=None), always()])
def test_without_opening_times_or_round_the_clock_it_is_always_open(place: Location) -> None:
    assert windows(place, ist(2, 1), ist(9, 2)) == [Window(ist(2, 1), ist(9, 2))]
    assert open_within(place, ist(2, 1), ist(2, 1))


def test_regular_hours_are_wall_times_of_the_location() -> None:
    place = weekly((1, "08:00", "18:00"), (2, "09:30", "12:00"))
    assert windows(place, ist(2, 0), ist(9, 0)) == [
        Window(ist(2, 8), ist(2, 18)),
        Window(ist(3, 9, 30), ist(3, 12)),
    ]
    assert windows(place, ist(2, 0), ist(9, 0))[0].start.tzinfo == KOLKATA


def test_windows_are_cut_at_both_ends() -> None:
    place = weekly((1, "08:00", "18:00"))
    assert windows(place, ist(2, 10), ist(2, 11)) == [Window(ist(2, 10), ist(2, 11))]


def test_two_periods_of_one_day_stay_apart_and_touching_ones_are_joined() -> None:
    place = weekly((1, "08:00", "12:00"), (1, "14:00", "16:00"), (1, "16:00", "18:00"))
    assert windows(place, ist(2, 0), ist(3, 0)) == [
        Window(ist(2, 8), ist(2, 12)),
        Window(ist(2, 14), ist(2, 18)),
    ]


@pytest.mark.parametrize(
    ("end", "closes"), [("00:00", ist(3, 0)), ("02:00", ist(3, 2)), ("22:00", ist(3, 22))]
)
def test_an_end_that_is_no_later_than_the_begin_is_on_the_next_day(
    end: str, closes: datetime
) -> None:
    place = weekly((1, "22:00", end))
    assert windows(place, ist(2, 0), ist(4, 0)) == [Window(ist(2, 22), closes)]
    assert open_within(place, closes - SECOND, closes - SECOND)
    assert not open_within(place, closes, closes)


def test_exceptional_openings_add_to_the_regular_hours() -> None:
    place = weekly(*OFFICE_HOURS, openings=[period(ist(7, 10), ist(7, 14))])
    assert windows(place, ist(6, 12), ist(9, 0)) == [
        Window(ist(6, 12), ist(6, 18)),
        Window(ist(7, 10), ist(7, 14)),
    ]


def test_closings_win_over_regular_hours_and_openings() -> None:
    place = weekly(
        *OFFICE_HOURS,
        openings=[period(ist(2, 17), ist(2, 22))],
        closings=[period(ist(2, 10), ist(2, 11)), period(ist(2, 20), ist(3, 9))],
    )
    assert windows(place, ist(2, 0), ist(4, 0)) == [
        Window(ist(2, 8), ist(2, 10)),
        Window(ist(2, 11), ist(2, 20)),
        Window(ist(3, 9), ist(3, 18)),
    ]


def test_a_place_that_never_closes_has_holidays_too() -> None:
    assert windows(always(period(ist(2, 12), ist(2, 13))), ist(2, 0), ist(3, 0)) == [
        Window(ist(2, 0), ist(2, 12)),
        Window(ist(2, 13), ist(3, 0)),
    ]


def test_an_exceptional_period_that_ends_before_it_begins_is_nothing() -> None:
    wrong = period(ist(2, 13), ist(2, 12))
    assert windows(always(wrong), ist(2, 0), ist(3, 0)) == [Window(ist(2, 0), ist(3, 0))]
    closed = weekly((1, "08:00", "09:00"), openings=[wrong])
    assert windows(closed, ist(2, 10), ist(3, 0)) == []


def test_the_hour_that_is_left_out_in_spring_is_no_opening_hour() -> None:
    place = weekly((7, "01:30", "02:30"), (7, "02:15", "02:45"), zone="Europe/Berlin")
    start = datetime(2026, 3, 29, 0, 0, tzinfo=BERLIN)
    assert windows(place, start, start + timedelta(days=1)) == [
        Window(
            datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN), datetime(2026, 3, 29, 3, 0, tzinfo=BERLIN)
        )
    ]
    (only,) = windows(place, start, start + timedelta(days=1))
    assert only.end.astimezone(UTC) - only.start.astimezone(UTC) == timedelta(minutes=30)


def test_the_hour_that_comes_twice_in_autumn_is_open_twice() -> None:
    place = weekly((7, "02:00", "02:30"), zone="Europe/Berlin")
    opens = windows(
        place, datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)
    )
    assert [(one.start.astimezone(UTC).hour, one.end.astimezone(UTC).minute) for one in opens] == [
        (0, 30),
        (1, 30),
    ]


def test_a_shift_over_the_change_of_the_clock_is_longer_or_shorter() -> None:
    place = weekly((6, "22:00", "06:00"), zone="Europe/Berlin")
    lengths = []
    for day in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        (night,) = windows(place, day, day + timedelta(days=1))
        lengths.append(night.end.astimezone(UTC) - night.start.astimezone(UTC))
    assert lengths == [timedelta(hours=7), timedelta(hours=9)]


def test_an_unknown_time_zone_is_read_as_utc() -> None:
    place = weekly((1, "08:00", "18:00"), zone="Mars/Olympus")
    (window,) = windows(place, datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    assert window == (
        datetime(2026, 3, 2, 8, tzinfo=UTC),
        datetime(2026, 3, 2, 18, tzinfo=UTC),
    )


def test_open_within_asks_for_some_moment_of_the_range() -> None:
    place = weekly((1, "08:00", "18:00"))
    assert open_within(place, ist(2, 0), ist(2, 9))
    assert open_within(place, ist(2, 17, 59), ist(2, 23))
    assert not open_within(place, ist(2, 18), ist(9, 8))
    assert open_within(place, ist(2, 18), ist(9, 8, 0, 1))


def test_open_within_a_range_without_length_asks_for_that_moment() -> None:
    place = weekly((1, "08:00", "18:00"))
    assert open_within(place, ist(2, 8), ist(2, 8))
    assert not open_within(place, ist(2, 18), ist(2, 18))
    assert not open_within(place, ist(2, 7), ist(1, 7))


def test_open_within_knows_the_hour_that_comes_twice() -> None:
    place = weekly((7, "02:45", "02:50"), zone="Europe/Berlin")
    first, second = (
        datetime(2026, 10, 25, 2, minute, tzinfo=BERLIN, fold=fold)
        for minute, fold in ((30, 0), (15, 1))
    )
    assert open_within(place, first, second)


def test_open_within_looks_over_a_holiday_but_not_for_ever() -> None:
    holiday = period(ist(1, 0), ist(29, 0))
    assert open_within(weekly((1, "08:00", "09:00"), closings=[holiday]), ist(1, 0), ist(31, 0))
    for_good = period(ist(1, 0), datetime(2999, 1, 1, tzinfo=UTC))
    shut = weekly((1, "08:00", "09:00"), closings=[for_good])
    assert not open_within(shut, ist(1, 0), datetime(9999, 1, 1, tzinfo=UTC))


def test_what_is_shown_round_the_clock_is_today() -> None:
    shown, until = outlook(location(), ist(4, 12))
    assert shown == [Window(ist(4, 0), ist(4, 23, 59, 59))]
    assert until == ist(5, 0)


def test_what_is_shown_are_the_windows_of_today_that_are_not_over() -> None:
    place = weekly((1, "08:00", "12:00"), (1, "14:00", "18:00"))
    assert outlook(place, ist(2, 9)) == (
        [Window(ist(2, 8), ist(2, 12)), Window(ist(2, 14), ist(2, 18))],
        ist(2, 12),
    )
    assert outlook(place, ist(2, 12)) == ([Window(ist(2, 14), ist(2, 18))], ist(2, 18))


def test_what_is_shown_after_hours_is_the_next_day_that_is_open() -> None:
    place = weekly((1, "08:00", "18:00"), (4, "10:00", "11:00"))
    assert outlook(place, ist(2, 18)) == ([Window(ist(5, 10), ist(5, 11))], ist(3, 0))
    once_a_week = weekly((1, "08:00", "18:00"))
    assert outlook(once_a_week, ist(2, 18)).windows == [Window(ist(9, 8), ist(9, 18))]


def test_nothing_is_shown_of_a_place_that_is_closed_for_weeks() -> None:
    closed = always(period(ist(1, 0), ist(30, 0)))
    assert outlook(closed, ist(2, 9)) == ([], ist(3, 0))


def test_a_day_of_23_hours_is_shown_whole() -> None:
    place = location(time_zone="Europe/Berlin")
    shown, until = outlook(place, datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert [(one.start.isoformat(), one.end.isoformat()) for one in shown] == [
        ("2026-03-29T00:00:00+01:00", "2026-03-29T23:59:59+02:00")
    ]
    assert until == datetime(2026, 3, 29, 22, tzinfo=UTC)
