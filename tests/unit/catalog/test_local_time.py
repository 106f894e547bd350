"""Wall clocks, above all on the two days a year when they are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.catalog.local_time import Stretch, next_strike, start_of_day, stretches, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    "name", ["Asia/Calcuta", "", "Asia", "../etc/passwd", "/etc/localtime", "x\0y", "é" * 300]
)
def test_a_time_zone_that_does_not_exist_is_utc(name: str) -> None:
    assert zone_of(name) is UTC


def test_a_time_zone_that_exists() -> None:
    assert zone_of("Asia/Kolkata") == ZoneInfo("Asia/Kolkata")


def test_a_zone_without_summer_time_is_one_stretch() -> None:
    year = list(stretches(ZoneInfo("Asia/Kolkata"), utc(2026, 1, 1), utc(2027, 1, 1)))
    assert year == [Stretch(utc(2026, 1, 1), utc(2027, 1, 1), 5.5 * HOUR)]


def test_a_year_is_cut_at_the_second_the_clock_is_changed() -> None:
    assert list(stretches(BERLIN, utc(2026, 1, 1), utc(2027, 1, 1))) == [
        Stretch(utc(2026, 1, 1), utc(2026, 3, 29, 1), 1 * HOUR),
        Stretch(utc(2026, 3, 29, 1), utc(2026, 10, 25, 1), 2 * HOUR),
        Stretch(utc(2026, 10, 25, 1), utc(2027, 1, 1), 1 * HOUR),
    ]


def test_a_clock_may_be_changed_by_half_an_hour() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    offsets = [one.offset for one in stretches(lord_howe, utc(2026, 4, 1), utc(2026, 4, 30))]
    assert offsets == [11 * HOUR, 10.5 * HOUR]


def test_no_time_at_all_has_no_stretch() -> None:
    assert list(stretches(BERLIN, utc(2026, 1, 1), utc(2026, 1, 1))) == []


def test_a_day_without_midnight_begins_when_the_clock_is_put_forward() -> None:
    santiago = ZoneInfo("America/Santiago")
    assert start_of_day(santiago, date(2026, 9, 6)) == utc(2026, 9, 6, 4)
    assert start_of_day(santiago, date(2026, 9, 6)).astimezone(santiago).hour == 1


def test_the_next_strike_is_a_time_of_today() -> None:
    strike = next_strike(BERLIN, utc(2026, 1, 5, 6), {time(8), time(20)})
    assert strike == utc(2026, 1, 5, 7)


def test_a_strike_that_is_now_is_over() -> None:
    strike = next_strike(BERLIN, utc(2026, 1, 5, 7), {time(8), time(20)})
    assert strike == utc(2026, 1, 5, 19)


def test_midnight_always_strikes() -> None:
    assert next_strike(BERLIN, utc(2026, 1, 5, 20), ()) == utc(2026, 1, 5, 23)


def test_a_time_that_is_left_out_strikes_when_the_clock_is_put_forward() -> None:
    strike = next_strike(BERLIN, utc(2026, 3, 29, 0, 30), {time(2, 30)})
    assert strike == utc(2026, 3, 29, 1)


def test_a_time_that_comes_twice_strikes_twice() -> None:
    strikes = []
    now = utc(2026, 10, 24, 23)
    for _ in range(4):
        now = next_strike(BERLIN, now, {time(2, 30)})
        strikes.append(now)
    assert strikes == [
        utc(2026, 10, 25, 0, 30),
        utc(2026, 10, 25, 1),  # put back from 03:00 to 02:00
        utc(2026, 10, 25, 1, 30),
        utc(2026, 10, 25, 23),
    ]
