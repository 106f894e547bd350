"""What is to be done outside for an order and is no OCPI call: written down first, then done.

An errand may be done twice, after a crash in between: ``id`` is the same then, and tells.
"""

from __future__ import annotations

from datetime import datetime
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


Errand: TypeAlias = OtpErrand
"""An entry of an errand lane; those of one order are done in their order."""


def kind_of(errand: Errand) -> str:
    """Return the word for a kind of errand in log, metrics and journal."""
    match errand:
        case OtpErrand():
            return "otp"
