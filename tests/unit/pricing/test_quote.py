"""Quotes: how much energy, and what it costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from bridge.errors import QuoteUnavailable
from bridge.ocpi.tariffs import Tariff, TariffRestrictions
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import Line, LineKind, Quote
from bridge.pricing.quote import quote
from tests.unit.pricing.examples import (
    EIGHTEEN_AND_TEN,
    INDIA,
    START,
    component,
    element,
    limit,
    tariff,
)

D = Decimal
HOUR = timedelta(hours=1)


def amount(value: str, unit: str = "INR") -> Quantity:
    return Quantity(measure=Measure.AMOUNT, value=D(value), unit=unit, stated=value)


def energy(kwh: str) -> Quantity:
    return Quantity(measure=Measure.ENERGY, value=D(kwh), unit="kWh", stated=kwh)


def minutes(value: str) -> Quantity:
    return Quantity(measure=Measure.DURATION, value=D(value) * 60, unit="MINUTES", stated=value)


def quoted(
    quantity: Quantity | None,
    priced: Tariff = EIGHTEEN_AND_TEN,
    *,
    power_kw: str = "30",
    start: datetime | None = None,
    end: datetime | None = None,
    time_zone: str = INDIA,
) -> Quote:
    return quote(
        priced,
        quantity,
        D(power_kw),
        start,
        end,
        time_zone,
        now=START,
        ttl_s=900,
        default_kwh=D("5"),
        max_kwh=D("100"),
    )


def test_a_hundred_rupees_buy_five_kwh_at_eighteen_and_ten() -> None:
    result = quoted(amount("100"))
    assert result.kwh == D(5)
    assert result.price == D("100.00")
    assert result.currency == "INR"
    assert result.lines == (
        Line(kind=LineKind.ENERGY, amount=D("90.00"), quantity=D(5), unit_price=D(18)),
        Line(kind=LineKind.FLAT, amount=D("10.00")),
    )


def test_each_quote_has_its_own_id_and_expires() -> None:
    first, second = quoted(None), quoted(None)
    assert first.id != second.id
    assert first.expires_at == START + timedelta(minutes=15)


def test_energy_is_taken_as_it_is() -> None:
    result = quoted(energy("7.25"))
    assert (result.kwh, result.price) == (D("7.25"), D("140.50"))


def test_a_time_is_energy_at_full_power() -> None:
    result = quoted(minutes("20"), power_kw="7.4")
    assert (result.kwh, result.price) == (D("2.466"), D("54.39"))


def test_a_time_is_billed_to_the_second() -> None:
    hourly = tariff(element(component("TIME", "60")))
    assert quoted(minutes("25"), hourly, power_kw="3.3").price == D("25.00")


def test_nothing_said_is_the_default() -> None:
    assert quoted(None).kwh == D(5)


class TestBudget:
    def test_vat_and_fees_are_within_it(self) -> None:
        taxed = tariff(
            element(component("ENERGY", "18", vat="18"), component("FLAT", "10", vat="5"))
        )
        result = quoted(amount("100"), taxed)
        assert (result.kwh, result.price) == (D("4.213"), D("99.98"))
        assert quoted(energy("4.214"), taxed).price > D(100)

    def test_it_is_met_as_rounded_on_the_wire(self) -> None:
        cheap = tariff(element(component("ENERGY", "0.25")))
        result = quoted(amount("1"), cheap)
        assert (result.kwh, result.price) == (D("4.019"), D("1.00")), "1.00475 is 1.00"

    def test_a_fraction_below_the_minor_unit_buys_nothing(self) -> None:
        assert quoted(amount("100.009")).price == D("100.00")

    def test_prices_may_change_on_the_way(self) -> None:
        stepped = tariff(
            element(component("ENERGY", "20"), when=TariffRestrictions(min_kwh=D(3))),
            element(component("ENERGY", "10"), component("FLAT", "10")),
        )
        assert quoted(amount("100"), stepped).kwh == D(6)
        assert quoted(amount("35"), stepped).kwh == D("2.5")

    def test_a_step_is_bought_as_a_whole(self) -> None:
        stepped = tariff(element(component("ENERGY", "18", step_size=500)))
        result = quoted(amount("100"), stepped)
        assert (result.kwh, result.price) == (D("5.5"), D("99.00"))

    def test_a_minimum_price_is_paid_anyway(self) -> None:
        priced = tariff(element(component("ENERGY", "18")), min_price=limit("50"))
        result = quoted(amount("50"), priced)
        assert (result.kwh, result.price) == (D("2.778"), D("50.00")), "50.004 is 50.00"

    def test_a_maximum_price_makes_the_rest_free(self) -> None:
        priced = tariff(element(component("ENERGY", "18")), max_price=limit("90"))
        assert quoted(amount("89"), priced).kwh == D("4.944")
        assert quoted(amount("90"), priced).kwh == D(100)

    def test_it_buys_no_more_than_the_slot_can_give(self) -> None:
        result = quoted(amount("1000"), power_kw="22", start=START + HOUR, end=START + HOUR * 3 / 2)
        assert (result.kwh, result.price) == (D(11), D("208.00"))

    @pytest.mark.parametrize("start", [None, START - HOUR])
    def test_a_slot_that_has_begun_counts_from_now(self, start: datetime | None) -> None:
        result = quoted(amount("1000"), power_kw="22", start=start, end=START + HOUR / 2)
        assert result.kwh == D(11)

    def test_without_a_slot_there_is_a_largest_amount(self) -> None:
        assert quoted(amount("99999")).kwh == D(100)
        assert quoted(amount("99999"), start=START + HOUR).kwh == D(100)

    def test_a_free_tariff_gives_all_that_is_allowed(self) -> None:
        result = quoted(amount("0"), tariff(element(component("FLAT", "0"))))
        assert (result.kwh, result.price) == (D(100), D(0))

    @pytest.mark.parametrize(
        ("budget", "priced"),
        [
            ("10.00", EIGHTEEN_AND_TEN),
            ("5", EIGHTEEN_AND_TEN),
            ("0", EIGHTEEN_AND_TEN),
            ("-5", EIGHTEEN_AND_TEN),
            ("10.01", tariff(*EIGHTEEN_AND_TEN.elements, min_price=limit("10.02"))),
            ("5", tariff(element(component("FLAT", "0")), min_price=limit("10.02"))),
        ],
    )
    def test_too_little_is_told_with_the_minimum(self, budget: str, priced: Tariff) -> None:
        with pytest.raises(QuoteUnavailable, match=r"the minimum is 10\.02 INR"):
            quoted(amount(budget), priced)

    def test_another_currency_is_refused(self) -> None:
        with pytest.raises(QuoteUnavailable, match="INR, not in EUR"):
            quoted(amount("100", "EUR"))
        assert quoted(amount("100", "inr")).kwh == D(5)

    def test_a_slot_that_is_over_gives_nothing(self) -> None:
        with pytest.raises(QuoteUnavailable, match="no energy fits"):
            quoted(amount("100"), end=START - HOUR)


@pytest.mark.parametrize("nothing", [energy("0"), energy("-1"), minutes("0")])
def test_no_energy_is_refused(nothing: Quantity) -> None:
    with pytest.raises(QuoteUnavailable, match="no energy fits"):
        quoted(nothing)


@pytest.mark.parametrize("endless", [energy("1e300"), minutes("1e300"), energy("5041")])
def test_an_endless_session_is_refused(endless: Quantity) -> None:
    with pytest.raises(QuoteUnavailable, match="longer than a week"):
        quoted(endless)


def test_a_budget_without_end_is_none() -> None:
    assert quoted(amount("1e300")).kwh == D(100)


@pytest.mark.parametrize("power_kw", ["0", "-1"])
def test_without_power_there_is_no_quote(power_kw: str) -> None:
    with pytest.raises(QuoteUnavailable, match="power"):
        quoted(None, power_kw=power_kw)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(QuoteUnavailable, match="time zone"):
        quoted(None, time_zone="Asia/Nowhere")


def test_the_price_is_that_of_the_slot_not_of_now() -> None:
    evening = tariff(
        element(component("ENERGY", "25"), when=TariffRestrictions(start_time="18:00")),
        element(component("ENERGY", "18")),
    )
    assert quoted(energy("2"), evening).price == D("36.00")
    assert quoted(energy("2"), evening, start=START + HOUR * 6).price == D("50.00")
    assert quoted(energy("2"), evening, start=START - HOUR * 18).price == D("36.00")
