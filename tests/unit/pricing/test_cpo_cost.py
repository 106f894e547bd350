"""Bills at the CPO's own total: its lines, its VAT, and the terms on top (mapping 1.11)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.ocpi.cdrs import CDR
from bridge.ocpi.tariffs import TariffRestrictions
from bridge.orders.order import Bill, LineKind
from bridge.orders.terms import Agreed, Discount, DiscountKind, Fee, Offer, PriceSource, Surcharge
from bridge.pricing.settlement import bill, provisional_bill
from tests.unit.pricing.examples import (
    EIGHTEEN_AND_TEN,
    INDIA,
    cdr,
    component,
    element,
    limit,
    period,
    session,
    tariff,
)

D = Decimal
K = LineKind
THEIRS = Agreed(price_source=PriceSource.CDR)
TAXED = tariff(
    element(component("ENERGY", "18", vat="18"), component("FLAT", "10", vat="18")),
)


def told(total: str, incl_vat: str | None = None, kwh: str = "5", **costs: Any) -> CDR:
    """Return a CDR of an hour of charging."""
    made = cdr(period(ENERGY=kwh, TIME="1"), total_cost=total, incl_vat=incl_vat, total_energy=kwh)
    return replace(made, **costs)


def billed(
    found: CDR, agreed: Agreed = THEIRS, *, paid: str = "0", by: Any = EIGHTEEN_AND_TEN
) -> Bill:
    return bill(by, found, INDIA, D(paid), agreed=agreed)


def lines(found: Bill) -> list[tuple[LineKind, Decimal]]:
    return [(line.kind, line.amount) for line in found.quote.lines]


def test_a_total_alone_is_one_line() -> None:
    found = billed(told("97.50"), paid="118")
    assert lines(found)[:1] == [(K.CHARGING, D("97.50"))]
    assert found.quote.lines[0].quantity == 5
    assert (found.quote.price, found.refund, found.due) == (D("97.50"), D("20.50"), D(0))
    assert found.quote.kwh == 5
    assert found.deviates, "ours is 100"
    assert not billed(told("100")).deviates


def test_our_own_costing_is_the_default() -> None:
    assert billed(told("97.50"), Agreed()).quote.price == 100


def test_costs_that_sum_to_the_total_are_lines() -> None:
    found = billed(
        told(
            "150",
            kwh="5.5",
            total_energy_cost=limit("101"),
            total_fixed_cost=limit("10"),
            total_time_cost=limit("20"),
            total_parking_cost=limit("15"),
            total_reservation_cost=limit("4"),
            total_time=D("1.5"),
            total_parking_time=D("0.5"),
        )
    )
    assert lines(found) == [
        (K.ENERGY, D("101.00")),
        (K.TIME, D("20.00")),
        (K.PARKING_TIME, D("15.00")),
        (K.FLAT, D("10.00")),
        (K.RESERVATION, D("4.00")),
    ]
    assert [line.quantity for line in found.quote.lines] == [D("5.5"), 1, D("0.5"), None, None]
    assert {line.unit_price for line in found.quote.lines} == {None}


def test_where_we_agree_the_unit_price_is_known() -> None:
    found = billed(told("100", total_energy_cost=limit("90"), total_fixed_cost=limit("10")))
    assert found.quote.lines == billed(told("100"), Agreed()).quote.lines


@pytest.mark.parametrize("fixed", ["10", "9.99", "10.02"])
def test_a_rounded_cost_is_still_a_line(fixed: str) -> None:
    found = billed(told("100", total_energy_cost=limit("90"), total_fixed_cost=limit(fixed)))
    assert [kind for kind, _ in lines(found)] == [K.ENERGY, K.FLAT]
    assert sum(amount for _, amount in lines(found)) == found.quote.price == 100


def test_costs_that_do_not_sum_are_not_believed() -> None:
    found = billed(told("100", total_energy_cost=limit("90"), total_fixed_cost=limit("12")))
    assert lines(found) == [(K.CHARGING, D("100.00"))]


class TestVat:
    def test_it_is_the_difference(self) -> None:
        found = billed(told("100", "112.5"))
        assert lines(found) == [(K.CHARGING, D("100.00")), (K.TAX, D("12.50"))]
        assert found.quote.lines[1].vat is None
        assert found.quote.price == D("112.50")

    def test_its_rate_is_known_from_the_tariff_if_that_explains_it(self) -> None:
        found = billed(told("100", "118"), by=TAXED)
        assert found.quote.lines[-1].vat == 18
        assert billed(told("100", "112.5"), by=TAXED).quote.lines[-1].vat is None

    def test_costs_without_their_own_have_that_of_the_total(self) -> None:
        found = billed(
            told("100", "118", total_energy_cost=limit("90"), total_fixed_cost=limit("10")),
            replace(THEIRS, offers=(Offer(id="o", title="o", share=D("0.2")),)),
            by=TAXED,
        )
        assert lines(found) == [
            (K.ENERGY, D("90.00")),
            (K.FLAT, D("10.00")),
            (K.OFFER, D("-18.00")),
            (K.TAX, D("14.76")),
        ]
        assert found.quote.price == D("96.76")

    def test_costs_with_their_own_keep_it(self) -> None:
        found = billed(
            told(
                "100",
                "109",
                total_energy_cost=limit("90", "99"),
                total_fixed_cost=limit("10", "10"),
            ),
            replace(THEIRS, discount=Discount(kind=DiscountKind.B2B, id="b", share=D("0.1"))),
        )
        assert lines(found) == [
            (K.ENERGY, D("90.00")),
            (K.FLAT, D("10.00")),
            (K.B2B, D("-10.00")),
            (K.TAX, D("8.10")),
        ]

    def test_a_total_without_has_none(self) -> None:
        assert lines(billed(told("100"), by=TAXED)) == [(K.CHARGING, D("100.00"))]


def test_the_terms_come_on_top() -> None:
    """The CPO's 95 for energy, of which half was used after 12:30 in India."""
    agreed = replace(
        THEIRS,
        fees=(Fee(id="f", amount=D(10)),),
        surcharges=(
            Surcharge(id="s", share=D("0.2"), when=TariffRestrictions(start_time="12:30")),
            Surcharge(id="k", per_kwh=D(1), when=TariffRestrictions(start_time="12:30")),
        ),
        offers=(Offer(id="o", title="o", share=D("0.2")),),
        discount=Discount(kind=DiscountKind.LOYALTY, id="m", share=D("0.1")),
        overcharge_share=D("0.2"),
    )
    found = billed(told("105", total_energy_cost=limit("95"), total_fixed_cost=limit("10")), agreed)
    assert lines(found) == [
        (K.ENERGY, D("95.00")),
        (K.FLAT, D("10.00")),
        (K.SURCHARGE, D("9.50")),
        (K.SURCHARGE, D("2.50")),
        (K.FEE, D("10.00")),
        (K.OFFER, D("-19.00")),
        (K.LOYALTY, D("-9.60")),
    ]


def test_a_total_that_is_not_broken_down_counts_as_energy() -> None:
    agreed = replace(THEIRS, offers=(Offer(id="o", title="o", share=D("0.2")),))
    assert lines(billed(told("105"), agreed))[1:] == [(K.OFFER, D("-21.00"))]


def test_energy_is_divided_as_we_would() -> None:
    """5 kWh at 12 and 5 at 18: two fifths of the CPO's total were used before the surcharge."""
    priced = tariff(
        element(component("ENERGY", "12"), when=TariffRestrictions(max_kwh=D(5))),
        element(component("ENERGY", "18")),
    )
    found = replace(
        told("200", kwh="10"), charging_periods=(period(ENERGY="5"), period(30, ENERGY="5"))
    )
    agreed = replace(
        THEIRS,
        surcharges=(
            Surcharge(id="s", share=D("0.1"), when=TariffRestrictions(start_time="12:30")),
        ),
    )
    assert lines(billed(found, agreed, by=priced)) == [
        (K.CHARGING, D("200.00")),
        (K.SURCHARGE, D("12.00")),
    ]


def test_energy_that_is_free_with_us_is_divided_by_kwh() -> None:
    priced = tariff(element(component("TIME", "60")))
    agreed = replace(
        THEIRS,
        surcharges=(
            Surcharge(id="s", share=D("0.1"), when=TariffRestrictions(start_time="12:30")),
        ),
    )
    found = billed(told("100"), agreed, by=priced)
    assert found.quote.price == 105


def test_another_currency_bills_nothing() -> None:
    found = billed(replace(told("97.50"), currency="EUR"))
    assert found.quote.price == 100
    assert found.deviates


def test_before_the_cdr_it_is_our_own_costing() -> None:
    found = provisional_bill(
        EIGHTEEN_AND_TEN, session("5", [period(ENERGY="5")]), INDIA, D(118), agreed=THEIRS
    )
    assert (found.quote.price, found.refund) == (D(100), D(18))
