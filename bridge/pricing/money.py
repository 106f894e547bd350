"""Rounding money to what can be paid."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

# ISO 4217: digits of the minor unit where they are not two.
_DIGITS: Final = {
    **dict.fromkeys(
        (
            *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
            *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_UNITS: Final = {digits: Decimal(1).scaleb(-digits) for digits in (0, 2, 3, 4)}

# Wide enough for every number that OCPI may send us: quantize refuses what it cannot hold.
WIDE: Final = Context(prec=800, rounding=ROUND_HALF_UP)


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency, e.g. 0.01 for INR."""
    return _UNITS[_DIGITS.get(currency.upper(), 2)]


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Round half up, away from zero, to the minor unit of the currency."""
    return amount.quantize(minor_unit(currency), context=WIDE)
