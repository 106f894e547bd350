"""Rounding to what can be paid."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.pricing.money import minor_unit, rounded


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("5.125", "INR", "5.13"),
        ("5.1249999", "INR", "5.12"),
        ("-5.125", "INR", "-5.13"),
        ("100", "EUR", "100.00"),
        ("10.5", "JPY", "11"),
        ("10.4999", "jpy", "10"),
        ("1.2345", "KWD", "1.235"),
        ("1.00005", "CLF", "1.0001"),
    ],
)
def test_rounds_half_up_to_the_minor_unit(amount: str, currency: str, expected: str) -> None:
    assert str(rounded(Decimal(amount), currency)) == expected


def test_an_unknown_currency_has_two_digits() -> None:
    assert minor_unit("ZZZ") == Decimal("0.01")


def test_the_largest_number_of_ocpi_can_be_rounded() -> None:
    assert rounded(Decimal("1e308"), "INR") == Decimal("1e308")
