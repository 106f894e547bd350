"""Uses of offers that not everybody can have: who has one, and how long it stands."""

from __future__ import annotations

import enum
from typing import NamedTuple

from bridge.orders.customer import customer_of
from bridge.orders.order import LineKind, Order, OrderState
from bridge.orders.terms import Offer


class Use(NamedTuple):
    """An order's use of an offer.

    Args:
        customers: what the customer is kept by; the offer is used under each.
    """

    offer: Offer
    order_key: str
    customers: tuple[str, ...] = ()


class Limit(enum.StrEnum):
    """Which limit of an offer is reached."""

    USES = "uses"
    USES_PER_CUSTOMER = "uses_per_customer"


def is_limited(offer: Offer) -> bool:
    """Tell whether the uses of an offer are counted."""
    return offer.uses is not None or offer.uses_per_customer is not None


def uses_of(order: Order) -> list[Use]:
    """Return the uses of limited offers that an order has, or would have if it were placed."""
    customers = customer_of(order.billing, order.customer).keys()
    return [Use(offer, order.key, customers) for offer in order.agreed.offers if is_limited(offer)]


def keeps_uses(order: Order) -> bool:
    """Tell whether the uses of a placed order stand: not if it was cancelled, or earned nothing."""
    if order.state is OrderState.CANCELLED:
        return False
    if order.bill is None or order.bill.provisional:
        return True
    return any(line.kind is LineKind.OFFER for line in order.bill.quote.lines)
