"""Final, provisional and cancellation bills."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.errors import QuoteUnavailable
from bridge.ocpi.cdrs import CDR
from bridge.orders.order import Bill, Line, LineKind
from bridge.pricing.settlement import (
    bill,
    cancellation_bill,
    provisional_bill,
    settled,
    so_far,
)
from tests.unit.pricing.examples import (
    EIGHTEEN_AND_TEN,
    INDIA,
    cdr,
    component,
    element,
    period,
    session,
    tariff,
)

D = Decimal
K = LineKind


def billed(kwh: str, paid: str, *, total_cost: str = "0") -> Bill:
    told = cdr(period(ENERGY=kwh, TIME="1"), total_cost=total_cost, total_energy=kwh)
    return bill(EIGHTEEN_AND_TEN, told, INDIA, D(paid))


def amounts(result: Bill) -> list[tuple[LineKind, Decimal]]:
    return [(line.kind, line.amount) for line in result.quote.lines]


def test_less_than_paid_gives_a_visible_refund() -> None:
    result = billed("3.7", "100")
    assert (result.quote.price, result.refund, result.due) == (D("76.60"), D("23.40"), D(0))
    assert amounts(result) == [
        (K.ENERGY, D("66.60")),
        (K.FLAT, D("10.00")),
        (K.UNUSED_PREPAYMENT, D("23.40")),
        (K.REFUND, D("-23.40")),
    ]
    assert result.quote.kwh == D("3.7")
    assert result.quote.expires_at is None
    assert result.cdr_id == "CDR1"
    assert not result.provisional


def test_a_buffer_that_was_not_needed_comes_back() -> None:
    result = billed("5.5", "118")
    assert (result.quote.price, result.refund, result.due) == (D("109.00"), D("9.00"), D(0))
    assert sum(line.amount for line in result.quote.lines) == D("109.00")


def test_more_than_paid_is_due() -> None:
    result = billed("7", "118")
    assert (result.quote.price, result.refund, result.due) == (D("136.00"), D(0), D("18.00"))
    assert amounts(result) == [(K.ENERGY, D("126.00")), (K.FLAT, D("10.00"))]


def test_exactly_paid_is_settled() -> None:
    result = billed("5", "100")
    assert (result.refund, result.due) == (D(0), D(0))
    assert len(result.quote.lines) == 2


def test_nothing_paid_is_all_due() -> None:
    assert billed("5", "0").due == D("100.00")


class TestDeviation:
    @pytest.mark.parametrize(
        ("total_cost", "deviates"),
        [("76.60", False), ("76.62", False), ("76.58", False), ("76.63", True), ("70", True)],
    )
    def test_a_paisa_per_line_is_tolerated(self, total_cost: str, deviates: bool) -> None:
        assert billed("3.7", "100", total_cost=total_cost).deviates is deviates

    def test_vat_is_compared_where_it_is_given(self) -> None:
        taxed = tariff(element(component("ENERGY", "10", vat="18")))

        def deviates(incl_vat: str | None) -> bool:
            told = cdr(period(ENERGY="5"), total_cost="50", incl_vat=incl_vat, total_energy="5")
            return bill(taxed, told, INDIA, D(0)).deviates

        assert [deviates(incl_vat) for incl_vat in ("59", None, "50")] == [False, False, True]

    def test_the_tolerance_is_a_setting(self) -> None:
        told = cdr(period(ENERGY="5"), total_cost="95", total_energy="5")
        assert bill(EIGHTEEN_AND_TEN, told, INDIA, D(0)).deviates
        assert not bill(EIGHTEEN_AND_TEN, told, INDIA, D(0), tolerance=D(5)).deviates

    def test_another_currency_deviates(self) -> None:
        told = cdr(period(ENERGY="5"), total_cost="100", total_energy="5", currency="EUR")
        assert bill(EIGHTEEN_AND_TEN, told, INDIA, D(0)).deviates


TIMED = tariff(
    element(component("ENERGY", "18"), component("TIME", "6"), component("PARKING_TIME", "60"))
)


def total_of(told: CDR) -> tuple[Decimal, Decimal]:
    quote = bill(TIMED, told, INDIA, D(0)).quote
    return quote.kwh, quote.price


def test_periods_of_a_cdr_are_costed() -> None:
    told = cdr(
        period(ENERGY="3", TIME="0.5"),
        period(30, PARKING_TIME="0.1"),
        total_cost="0",
        total_energy="3",
        total_time="99",
    )
    assert total_of(told) == (D(3), D("63.00"))


def test_totals_stand_in_for_periods_without_energy() -> None:
    told = cdr(
        period(TIME="0.5"),
        total_cost="0",
        total_energy="3",
        total_time="0.6",
        total_parking_time="0.1",
    )
    assert total_of(told) == (D(3), D("63.00"))


def test_totals_stand_in_for_absent_periods() -> None:
    assert total_of(cdr(total_cost="0", total_energy="3", total_time="0.5")) == (D(3), D("57.00"))


def test_a_session_without_any_energy_is_costed_by_its_periods() -> None:
    told = cdr(period(PARKING_TIME="0.5"), total_cost="0", total_time="99")
    assert total_of(told) == (D(0), D("30.00"))


class TestProvisional:
    def test_it_is_marked_and_settled(self) -> None:
        result = provisional_bill(EIGHTEEN_AND_TEN, session("3.7"), INDIA, D(100))
        assert result.provisional
        assert result.cdr_id is None
        assert (result.quote.price, result.quote.kwh) == (D("76.60"), D("3.7"))
        assert (result.refund, result.due) == (D("23.40"), D(0))
        assert sum(line.amount for line in result.quote.lines) == D("76.60")

    def test_periods_that_carry_the_energy_are_used(self) -> None:
        told = session("3", [period(ENERGY="3", TIME="0.25"), period(15, PARKING_TIME="0.75")])
        assert so_far(TIMED, told, INDIA).price == D("54") + D("1.5") + D("45")

    def test_periods_that_lag_behind_are_not(self) -> None:
        told = session("3", [period(ENERGY="2.5", TIME="0.25")], minutes=30)
        assert so_far(TIMED, told, INDIA).price == D("54") + D("3")

    def test_without_periods_all_the_time_was_charging(self) -> None:
        assert so_far(TIMED, session("3", minutes=30), INDIA).price == D("57.00")

    def test_a_session_from_the_future_took_no_time(self) -> None:
        assert so_far(TIMED, session("3", minutes=-30), INDIA).price == D("54.00")

    def test_what_it_cost_so_far_has_no_refund_lines(self) -> None:
        quote = so_far(EIGHTEEN_AND_TEN, session("2"), INDIA)
        assert [line.kind for line in quote.lines] == [K.ENERGY, K.FLAT]
        assert (quote.price, quote.kwh, quote.expires_at) == (D("46.00"), D(2), None)


def test_settled_keeps_lines_when_nothing_comes_back() -> None:
    lines = (Line(kind=K.FLAT, amount=D(10)),)
    assert settled(lines, D(10), D(4)) == (lines, D(0), D(6))


class TestCancellation:
    def test_a_share_comes_back(self) -> None:
        result = cancellation_bill("INR", D(100), D("0.85"))
        assert (result.quote.price, result.refund, result.due) == (D("15.00"), D("85.00"), D(0))
        assert amounts(result) == [
            (K.CANCELLATION_FEE, D("15.00")),
            (K.UNUSED_PREPAYMENT, D("85.00")),
            (K.REFUND, D("-85.00")),
        ]
        assert result.quote.kwh == D(0)

    def test_all_comes_back(self) -> None:
        result = cancellation_bill("INR", D("33.33"), D(1))
        assert (result.quote.price, result.refund) == (D(0), D("33.33"))

    def test_nothing_comes_back(self) -> None:
        result = cancellation_bill("INR", D("33.33"), D(0))
        assert (result.quote.price, result.refund) == (D("33.33"), D(0))
        assert amounts(result) == [(K.CANCELLATION_FEE, D("33.33"))]

    def test_the_refund_is_rounded(self) -> None:
        result = cancellation_bill("INR", D("33.33"), D("0.85"))
        assert (result.quote.price, result.refund) == (D("5.00"), D("28.33"))

    def test_what_was_not_paid_is_not_owed(self) -> None:
        result = cancellation_bill("INR", D(0), D("0.85"))
        assert (result.quote.price, result.refund, result.due) == (D(0), D(0), D(0))


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(QuoteUnavailable):
        bill(EIGHTEEN_AND_TEN, cdr(total_cost="0"), "Asia/Nowhere", D(0))
