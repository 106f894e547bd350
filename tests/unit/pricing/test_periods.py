"""Reading ChargingPeriods."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.pricing.periods import seconds, usages
from tests.unit.pricing.examples import START, period

END = START + timedelta(hours=1)


def test_periods_are_sorted_and_end_where_the_next_one_starts() -> None:
    first, last = usages(
        [period(20, PARKING_TIME="0.5"), period(0, ENERGY="3", TIME="0.3333")], END
    )
    assert (first.start, first.end) == (START, START + timedelta(minutes=20))
    assert (last.start, last.end) == (START + timedelta(minutes=20), END)
    assert (first.energy_kwh, first.charging_s, first.parking_s) == (Decimal(3), 1200, 0)
    assert (last.energy_kwh, last.charging_s, last.parking_s) == (Decimal(0), 0, 1800)


@pytest.mark.parametrize(
    ("hours", "expected"), [("0.4167", 1500), ("1.973", 7103), ("0.00015", 1), ("0", 0)]
)
def test_hours_become_whole_seconds(hours: str, expected: int) -> None:
    assert seconds(Decimal(hours)) == expected


def test_volumes_of_one_type_add_up() -> None:
    twice = period(ENERGY="1.5").dimensions + period(ENERGY="2").dimensions
    (usage,) = usages([replace(period(ENERGY="1"), dimensions=twice)], END)
    assert usage.energy_kwh == Decimal("3.5")


def test_a_reservation_period_has_reservation_time() -> None:
    (usage,) = usages([period(RESERVATION_TIME="0.25")], END)
    assert usage.reservation_s == 900


def test_a_reservation_of_no_length_is_still_one() -> None:
    (usage,) = usages([period(RESERVATION_TIME="0")], END)
    assert usage.reservation_s == 0


def test_zero_reservation_time_among_other_volumes_makes_no_reservation() -> None:
    (usage,) = usages([period(ENERGY="1", TIME="0.5", PARKING_TIME="0", RESERVATION_TIME="0")], END)
    assert usage.reservation_s is None


def test_a_period_that_lists_zeros_alone_makes_no_reservation() -> None:
    (usage,) = usages([period(ENERGY="0", TIME="0", RESERVATION_TIME="0")], END)
    assert usage.reservation_s is None


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ({"MIN_POWER": "5", "MAX_POWER": "9"}, ("5", "9")),
        ({"POWER": "7", "MAX_POWER": "9"}, ("7", "9")),
        ({"MIN_POWER": "5", "POWER": "7"}, ("5", "7")),
        ({"MAX_POWER": "9"}, ("9", "9")),
        ({"MIN_POWER": "5"}, ("5", "5")),
        ({"POWER": "7"}, ("7", "7")),
    ],
)
def test_a_missing_bound_is_the_average_or_the_other_one(
    volumes: dict[str, str], expected: tuple[str, str]
) -> None:
    (usage,) = usages([period(ENERGY="1", **volumes)], END)
    assert (usage.min_power, usage.max_power) == tuple(map(Decimal, expected))
    assert (usage.min_current, usage.max_current) == (None, None)


def test_currents_are_read_like_powers() -> None:
    (usage,) = usages([period(ENERGY="1", MIN_CURRENT="10", MAX_CURRENT="16")], END)
    assert (usage.min_current, usage.max_current) == (Decimal(10), Decimal(16))
    assert usage.min_power is None


def test_no_periods_are_no_usage() -> None:
    assert usages([], END) == ()
