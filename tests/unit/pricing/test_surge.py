"""For which part of a charging period conditions hold."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from msgspec.structs import replace

from bridge.ocpi.tariffs import DayOfWeek, TariffRestrictions
from bridge.pricing.periods import Usage
from bridge.pricing.restrictions import zone
from bridge.pricing.surge import held
from tests.unit.pricing.examples import INDIA, charging, reserved

D = Decimal
R = TariffRestrictions


def parts(when: TariffRestrictions | None, *used: Usage, place: str = INDIA) -> list[Fraction]:
    return list(held(when, used, zone(place)))


@pytest.mark.parametrize(
    ("when", "part"),
    [
        (None, "1"),
        (R(start_time="12:00"), "1"),
        (R(start_time="12:30"), "1/2"),
        (R(end_time="12:01"), "1/60"),
        (R(start_time="12:10", end_time="12:20"), "1/6"),
        (R(start_time="12:45", end_time="12:15"), "1/2"),
        (R(start_time="13:00"), "0"),
        (R(day_of_week=(DayOfWeek.WEDNESDAY,)), "1"),
        (R(day_of_week=(DayOfWeek.THURSDAY,)), "0"),
        (R(min_duration=900, max_duration=1800), "1/4"),
        (R(min_kwh=D(2)), "4/5"),
        (R(max_kwh=D("2.5")), "1/4"),
        (R(min_kwh=D(1), max_kwh=D(2), start_time="12:09"), "1/20"),
        (R(min_kwh=D(3), max_kwh=D(3)), "0"),
    ],
)
def test_an_hour_of_ten_kwh_from_noon(when: TariffRestrictions | None, part: str) -> None:
    assert parts(when, charging("10")) == [Fraction(part)]


def test_what_came_before_counts() -> None:
    hours = [charging("3", after_min=60 * hour) for hour in range(3)]
    half = Fraction(1, 2)
    assert parts(R(min_kwh=D("4.5")), *hours) == [0, half, 1]
    assert parts(R(min_duration=5400), *hours) == [0, half, 1]
    assert parts(R(min_kwh=D(6)), *hours) == [0, 0, 1]


def test_a_volume_between_two_seconds_counts_from_the_next_one() -> None:
    assert parts(R(min_kwh=D("0.5")), charging("7", minutes=1)) == [Fraction(55, 60)]


def test_the_time_of_a_reservation_is_no_time_of_charging() -> None:
    used = (reserved(minutes=60), charging("10"))
    assert parts(None, *used) == [0, 1]
    assert parts(R(max_duration=1800), *used) == [0, Fraction(1, 2)]


def test_midnight_is_that_of_the_location() -> None:
    evening = charging("10", after_min=11 * 60 + 30)
    assert parts(R(day_of_week=(DayOfWeek.WEDNESDAY,)), evening) == [Fraction(1, 2)]


def test_the_hour_that_comes_twice_comes_twice() -> None:
    """On 25 October the clock of Amsterdam goes from 3:00 back to 2:00."""
    start = datetime.fromisoformat("2026-10-24T23:00:00+00:00")
    used = replace(charging("4"), start=start, end=datetime.fromisoformat("2026-10-25T03:00Z"))
    two_to_three = R(start_time="02:00", end_time="03:00")
    assert parts(two_to_three, used, place="Europe/Amsterdam") == [Fraction(1, 2)]


def test_a_period_without_a_length_counts_as_it_began() -> None:
    used = charging("10", minutes=0)
    assert parts(R(end_time="12:30"), used) == [1]
    assert parts(R(start_time="12:30"), used) == [0]


def test_after_a_week_the_clock_divides_no_more() -> None:
    """Mornings, from noon on: half of seven days, and nothing of the eighth."""
    eight_days = charging("10", minutes=8 * 24 * 60)
    assert parts(R(end_time="12:00"), eight_days) == [Fraction(7, 16)]


def test_power_and_current_hold_when_nothing_is_known_of_them() -> None:
    strong = R(min_power=D(22))
    assert parts(strong, charging("10")) == [1]
    assert parts(strong, replace(charging("10"), min_power=D(11), max_power=D(11))) == [0]
