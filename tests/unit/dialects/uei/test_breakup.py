"""A breakup without negative prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.dialects.uei.breakup import charged
from bridge.orders.order import Line
from tests.unit.dialects.uei.given import line


def amounts(*lines: Line) -> list[Decimal]:
    """Return what is charged for each line."""
    return [each.charged for each in charged(lines)]


ENERGY, FEE = line("ENERGY", "90.00"), line("FEE", "10.00")


def test_without_a_discount_a_line_is_charged_as_it_is() -> None:
    assert amounts(ENERGY, FEE) == [90, 10]


@pytest.mark.parametrize("kind", ["OFFER", "LOYALTY", "B2B", "MAXIMUM", "CREDIT"])
def test_what_is_taken_off_lowers_energy(kind: str) -> None:
    assert amounts(FEE, line(kind, "-18.00"), ENERGY) == [10, 0, 72]


def test_what_energy_does_not_bear_lowers_the_next_line() -> None:
    assert amounts(ENERGY, FEE, line("CREDIT", "-95.00")) == [0, 5, 0]


def test_a_refund_is_no_line() -> None:
    back = line("UNUSED_PREPAYMENT", "9.00"), line("REFUND", "-9.00")

    assert [each.line for each in charged((ENERGY, *back, FEE))] == [ENERGY, FEE]


def test_less_than_nothing_is_nothing() -> None:
    assert amounts(line("CREDIT", "-1")) == [0]


def test_nothing_has_no_sign() -> None:
    assert [str(amount) for amount in amounts(line("ENERGY", "-0.00"))] == ["0"]
