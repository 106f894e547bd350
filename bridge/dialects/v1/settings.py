"""What the operator decides about how a dialect words its messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from decimal import Decimal

import msgspec


class PaymentOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a driver pays.

    Args:
        methods: UPI-TRANSFER, BANK-TRANSFER, PAYMENT-LINK.
        url: payment page; ``$transaction_id`` and ``$amount`` in it are filled in.
        upi_address: virtual payment address of whoever collects.
    """

    methods: tuple[str, ...] = ()
    url: str | None = None
    bank_code: str | None = None
    bank_account_number: str | None = None
    upi_address: str | None = None


class RefundTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What comes back when an order is cancelled before charging.

    Args:
        share: of what was paid, 0 to 1.
        within: ISO 8601 duration.
    """

    share: Decimal
    within: str


class DialectSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at once.

    Args:
        bpp_id: our subscriber id, named as the one who changed a state.
        bpp_name: what our catalogue is called.
        zone: of dates that come without one.
        currency_symbols: by ISO 4217 code, for people.
    """

    bpp_id: str
    bpp_name: str = "EV charging"
    zone: tzinfo
    payment: PaymentOptions
    refund: RefundTerms
    currency_symbols: Mapping[str, str] = msgspec.field(default_factory=lambda: {"INR": "₹"})
