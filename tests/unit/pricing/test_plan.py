"""Planning a future session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from bridge.ocpi.tariffs import (
    DayOfWeek,
    Tariff,
    TariffRestrictions,
    TariffType,
)
from bridge.pricing.plan import choose_tariff, energy_price, planned_usages
from bridge.pricing.tariff import cost
from tests.unit.pricing.examples import (
    EIGHTEEN_AND_TEN,
    INDIA,
    START,
    component,
    element,
    tariff,
)

R = TariffRestrictions
D = Decimal
HOUR = timedelta(hours=1)


def course(
    when: TariffRestrictions,
    kwh: str,
    power_kw: str,
    *,
    start: datetime = START,
    time_zone: str = INDIA,
) -> list[tuple[int, Decimal]]:
    """Return the seconds and kWh of each period of a session under one restriction."""
    restricted = tariff(element(component("ENERGY", "1"), when=when))
    planned = planned_usages(restricted, D(kwh), D(power_kw), start, time_zone)
    for earlier, later in pairwise(planned):
        assert earlier.end == later.start
    assert planned[0].start == start
    return [(usage.charging_s, usage.energy_kwh) for usage in planned]


def test_without_restrictions_there_is_one_period() -> None:
    (usage,) = planned_usages(EIGHTEEN_AND_TEN, D(5), D(10), START, INDIA)
    assert (usage.start, usage.end) == (START, START + HOUR / 2)
    assert (usage.energy_kwh, usage.charging_s, usage.parking_s) == (D(5), 1800, 0)
    assert (usage.min_power, usage.max_power) == (D(10), D(10))


def test_split_at_energy() -> None:
    assert course(R(min_kwh=D(2), max_kwh=D(4)), "5", "10") == [
        (720, D(2)),
        (720, D(2)),
        (360, D(1)),
    ]


def test_split_at_energy_that_comes_between_two_seconds() -> None:
    assert course(R(min_kwh=D(5)), "6", "7.4") == [(2432, D(5)), (487, D(1))]


def test_split_at_duration() -> None:
    assert course(R(min_duration=600, max_duration=1200), "5", "12") == [
        (600, D(2)),
        (600, D(2)),
        (300, D(1)),
    ]


def test_split_at_the_time_of_day_of_the_location() -> None:
    assert course(R(start_time="12:15", end_time="12:45"), "10", "10") == [
        (900, D("2.5")),
        (1800, D(5)),
        (900, D("2.5")),
    ]


@pytest.mark.parametrize(
    "when",
    [
        R(day_of_week=(DayOfWeek.THURSDAY,)),
        R(start_date="2026-03-05"),
        R(end_date="2026-03-05"),
        R(start_time="06:00"),
    ],
)
def test_split_at_midnight(when: TariffRestrictions) -> None:
    before_midnight = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)
    assert course(when, "10", "10", start=before_midnight) == [(1800, D(5)), (1800, D(5))]


def test_split_again_every_day() -> None:
    assert [kwh for _, kwh in course(R(start_time="13:00", end_time="14:00"), "50", "1")] == [
        *(D(1), D(1), D(10)),
        *(D(13), D(1), D(10)),
        *(D(13), D(1)),
    ]


def test_no_split_at_the_very_start_or_end() -> None:
    assert course(R(start_time="12:00", end_time="13:00"), "1", "1") == [(3600, D(1))]


@pytest.mark.parametrize(
    ("start", "seconds"),
    [
        # From 01:30 on the wall; 02:00 to 03:00 is left out, and 02:30 with it.
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), [1800, 9000]),
        # From 01:30 on the wall; 02:00 to 03:00 comes twice, and 02:30 with it.
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), [3600, 1800, 1800, 3600]),
    ],
)
def test_split_where_the_clock_is_put_forward_or_back(start: datetime, seconds: list[int]) -> None:
    when = R(start_time="02:30", end_time="23:00")
    split = course(when, "3", "1", start=start, time_zone="Europe/Amsterdam")
    assert [charging_s for charging_s, _ in split] == seconds


def test_the_plan_prices_each_period_as_it_is() -> None:
    evening = tariff(
        element(component("ENERGY", "17"), when=R(start_time="18:00", end_time="21:00")),
        element(component("ENERGY", "16")),
    )
    half_past_five = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    planned = planned_usages(evening, D("5.2"), D("5.2"), half_past_five, INDIA)
    assert cost(evening, planned, INDIA).excl_vat == D("2.6") * 16 + D("2.6") * 17


def test_a_fraction_of_a_second_is_left_out() -> None:
    start = START + timedelta(milliseconds=700)
    (usage,) = planned_usages(EIGHTEEN_AND_TEN, D(5), D(10), start, INDIA)
    assert usage.start == START


class TestChoice:
    def test_none_of_none(self) -> None:
        assert choose_tariff([], START) is None

    @pytest.mark.parametrize(
        "type_",
        [
            TariffType.AD_HOC_PAYMENT,
            TariffType.PROFILE_CHEAP,
            TariffType.PROFILE_FAST,
            TariffType.PROFILE_GREEN,
        ],
    )
    def test_tariffs_for_other_drivers_are_never_chosen(self, type_: TariffType) -> None:
        assert choose_tariff([of_type(type_)], START) is None

    @pytest.mark.parametrize("type_", [TariffType.REGULAR, None])
    def test_a_regular_or_general_one_is(self, type_: TariffType | None) -> None:
        assert choose_tariff([of_type(type_)], START) == of_type(type_)

    def test_it_must_be_in_force(self) -> None:
        hour = tariff(*EIGHTEEN_AND_TEN.elements, valid_from=START, valid_to=START + HOUR)
        in_force = [
            choose_tariff([hour], START + offset) is not None
            for offset in (-timedelta(seconds=1), timedelta(0), HOUR / 2, HOUR)
        ]
        assert in_force == [False, True, True, False]

    def test_regular_goes_before_general_and_the_latest_before_older_ones(self) -> None:
        general = tariff(*EIGHTEEN_AND_TEN.elements, id_="G", last_updated=START + HOUR)
        older = tariff(*EIGHTEEN_AND_TEN.elements, id_="O", type_=TariffType.REGULAR)
        newer = tariff(
            *EIGHTEEN_AND_TEN.elements,
            id_="N",
            type_=TariffType.REGULAR,
            last_updated=START + HOUR / 2,
        )
        assert choose_tariff([general, newer, older], START) == newer
        assert choose_tariff([general, older], START) == older


def of_type(type_: TariffType | None) -> Tariff:
    return tariff(*EIGHTEEN_AND_TEN.elements, type_=type_)


class TestEnergyPrice:
    def test_the_price_of_a_session_that_starts_now(self) -> None:
        stepped = tariff(
            element(component("ENERGY", "25"), when=R(min_kwh=D(5))),
            element(component("ENERGY", "20"), when=R(start_time="12:00", end_time="13:00")),
            element(component("ENERGY", "18"), component("FLAT", "10")),
        )
        assert energy_price(stepped, START, INDIA) == D(20)
        assert energy_price(stepped, START + HOUR, INDIA) == D(18)

    def test_none_without_a_price_for_energy(self) -> None:
        assert energy_price(tariff(element(component("TIME", "60"))), START, INDIA) is None
