"""Each restriction by itself, at its edges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from bridge.errors import QuoteUnavailable
from bridge.ocpi.tariffs import DayOfWeek, ReservationRestrictionType, TariffRestrictions
from bridge.pricing.restrictions import Moment, clock_minutes, conditions, is_local, zone

R = TariffRestrictions
D = Decimal


def holds(when: TariffRestrictions, moment: Moment) -> bool:
    return all(condition(moment) for condition in conditions(when))


def at(local: str) -> Moment:
    return Moment(datetime.fromisoformat(local), D(0), 0)


@pytest.mark.parametrize(
    ("start", "end", "inside", "outside"),
    [
        ("09:00", "18:00", ["09:00", "17:59:59"], ["08:59:59", "18:00", "00:00"]),
        ("22:00", "06:00", ["22:00", "23:59", "00:00", "05:59"], ["06:00", "21:59:59"]),
        ("20:00", "00:00", ["20:00", "23:59:59"], ["00:00", "19:59"]),
        ("00:00", "17:00", ["00:00", "16:59:59"], ["17:00", "23:59"]),
        ("00:00", "00:00", ["00:00", "12:00", "23:59:59"], []),
        ("08:00", "08:00", ["07:59", "08:00", "20:00"], []),
        ("20:00", None, ["20:00", "23:59:59"], ["00:00", "19:59"]),
        (None, "06:00", ["00:00", "05:59:59"], ["06:00", "23:00"]),
        (None, "00:00", ["00:00", "23:59"], []),
    ],
)
def test_time_of_day(
    start: str | None, end: str | None, inside: list[str], outside: list[str]
) -> None:
    when = R(start_time=start, end_time=end)
    assert all(holds(when, at(f"2026-03-04T{time}")) for time in inside)
    assert not any(holds(when, at(f"2026-03-04T{time}")) for time in outside)


def test_dates_include_the_first_and_exclude_the_last() -> None:
    when = R(start_date="2026-03-04", end_date="2026-03-06")
    held = [day for day in range(2, 9) if holds(when, at(f"2026-03-0{day}T00:00"))]
    assert held == [4, 5]


def test_a_date_may_be_open_on_one_side() -> None:
    assert holds(R(start_date="2026-03-04"), at("2199-01-01T00:00"))
    assert not holds(R(start_date="2026-03-04"), at("2026-03-03T23:59"))
    assert holds(R(end_date="2026-03-04"), at("1999-01-01T00:00"))
    assert not holds(R(end_date="2026-03-04"), at("2026-03-04T00:00"))


def test_weekdays() -> None:
    when = R(day_of_week=(DayOfWeek.MONDAY, DayOfWeek.SUNDAY))
    held = [day for day in range(2, 9) if holds(when, at(f"2026-03-0{day}T12:00"))]
    assert held == [2, 8]


@pytest.mark.parametrize(("kwh", "held"), [("9.999", False), ("10", True), ("19.999", True)])
def test_energy_includes_the_least_and_excludes_the_most(kwh: str, held: bool) -> None:
    moment = Moment(datetime(2026, 3, 4), D(kwh), 0)
    assert holds(R(min_kwh=D(10), max_kwh=D(20)), moment) is held
    assert not holds(R(min_kwh=D(10), max_kwh=D(20)), Moment(datetime(2026, 3, 4), D(20), 0))


@pytest.mark.parametrize(("elapsed_s", "held"), [(599, False), (600, True), (1199, True)])
def test_duration_includes_the_least_and_excludes_the_most(elapsed_s: int, held: bool) -> None:
    moment = Moment(datetime(2026, 3, 4), D(0), elapsed_s)
    assert holds(R(min_duration=600, max_duration=1200), moment) is held
    assert not holds(R(max_duration=1200), Moment(datetime(2026, 3, 4), D(0), 1200))


def with_current(low: int, high: int) -> Moment:
    return Moment(datetime(2026, 3, 4), D(0), 0, min_current=D(low), max_current=D(high))


def with_power(low: int, high: int) -> Moment:
    return Moment(datetime(2026, 3, 4), D(0), 0, min_power=D(low), max_power=D(high))


@pytest.mark.parametrize(
    ("least", "most", "measured"),
    [
        (R(min_current=D(32)), R(max_current=D(32)), with_current),
        (R(min_power=D(32)), R(max_power=D(32)), with_power),
    ],
)
def test_least_looks_at_the_lower_bound_and_most_at_the_upper_one(
    least: TariffRestrictions,
    most: TariffRestrictions,
    measured: Callable[[int, int], Moment],
) -> None:
    assert holds(least, measured(32, 40))
    assert not holds(least, measured(31, 40))
    assert holds(most, measured(10, 31))
    assert not holds(most, measured(10, 32))
    assert holds(least, at("2026-03-04T00:00"))
    assert holds(most, at("2026-03-04T00:00"))


def test_all_that_is_given_must_hold() -> None:
    when = R(start_time="09:00", end_time="18:00", day_of_week=(DayOfWeek.WEDNESDAY,))
    assert holds(when, at("2026-03-04T10:00"))
    assert not holds(when, at("2026-03-05T10:00"))
    assert not holds(when, at("2026-03-04T08:00"))


def test_nothing_given_always_holds() -> None:
    assert conditions(None) == conditions(R()) == ()


@pytest.mark.parametrize(
    ("when", "minutes"),
    [
        (R(start_time="09:00", end_time="18:30"), {0, 540, 1110}),
        (R(end_time="18:30"), {0, 1110}),
        (R(start_date="2026-03-04"), {0}),
        (R(end_date="2026-03-04"), {0}),
        (R(day_of_week=(DayOfWeek.MONDAY,)), {0}),
        (R(min_kwh=D(1), min_duration=1, reservation=ReservationRestrictionType.RESERVATION), None),
    ],
)
def test_the_wall_clock_matters_at_these_minutes(
    when: TariffRestrictions, minutes: set[int] | None
) -> None:
    assert clock_minutes(when) == (minutes or set())
    assert is_local(when) is (minutes is not None)


@pytest.mark.parametrize("name", ["Asia/Nowhere", "", "../etc/passwd", "Europe"])
def test_a_time_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(QuoteUnavailable, match="time zone"):
        zone(name)
