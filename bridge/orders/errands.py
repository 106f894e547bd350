"""What is to be done outside for an order and is no OCPI call: written down first, then done.

An errand may be done twice, after a crash in between: ``id`` is the same then, and tells.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec

from bridge.orders.customer import Customer


class _Errand(msgspec.Struct, frozen=True, kw_only=True, tag_field="errand"):
    """What all errands have.

    Args:
        id: the same however often it is sent; whoever takes it can recognise it.
        transaction_id: of the Beckn transaction, for whoever takes it.
    """

    id: str
    order_key: str
    transaction_id: str


class OtpErrand(_Errand, frozen=True, kw_only=True, tag="otp"):
    """A one-time password on its way to its driver; the only place where it stands.

    Args:
        to: the one contact it goes to.
        until: of no use afterwards.
    """

    code: str
    to: Customer
    until: datetime

    def __repr__(self) -> str:
        """Return what may be shown of it anywhere."""
        return f"OtpErrand(id={self.id!r})"


class CollectErrand(_Errand, frozen=True, kw_only=True, tag="collect"):
    """A request to a driver to pay, at the address he gave for it (UPI).

    Args:
        payment_id: ours; the gateway's word on it repeats it.
    """

    payment_id: str
    amount: Decimal
    currency: str
    source_address: str

    def __repr__(self) -> str:
        """Return what may be shown of it anywhere."""
        return f"CollectErrand(id={self.id!r})"


class RefundErrand(_Errand, frozen=True, kw_only=True, tag="refund"):
    """Money that goes back to a driver.

    Args:
        payment_id: ours, of the payment that it is of.
        paid_with: the gateway's own word for that payment, where it is known.
    """

    payment_id: str
    amount: Decimal
    currency: str
    paid_with: str | None = None


Errand: TypeAlias = OtpErrand | CollectErrand | RefundErrand
"""An entry of an errand lane; those of one order are done in their order."""


def kind_of(errand: Errand) -> str:
    """Return the word for a kind of errand in log, metrics and journal."""
    match errand:
        case OtpErrand():
            return "otp"
        case CollectErrand():
            return "collect"
        case RefundErrand():
            return "refund"
