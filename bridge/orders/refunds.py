"""What a cancellation gives back, by how long before the start it comes (use case 1, B9; 8.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from bridge.orders.order import Order
from bridge.orders.terms import Refunds, RefundStep


def share_back(order: Order, now: datetime, otherwise: Decimal) -> Decimal:
    """Return the share of what was paid that a driver gets back who cancels now.

    Args:
        otherwise: where no terms were agreed.
    """
    refunds = order.agreed.refunds
    if refunds is None:
        return otherwise
    return next((step.share for step in steps_left(refunds, order, now)), Decimal(0))


def no_show_share(order: Order, otherwise: Decimal) -> Decimal:
    """Return the same where nobody came."""
    refunds = order.agreed.refunds
    return otherwise if refunds is None else refunds.no_show_share


def steps_left(refunds: Refunds, order: Order, now: datetime) -> tuple[RefundStep, ...]:
    """Return the steps whose time has not passed, the one that holds now first.

    An order without a start of its own starts now: only the last step is left.
    """
    ahead = max((order.start or now) - now, timedelta())
    return tuple(step for step in refunds.steps if timedelta(seconds=step.before_s) <= ahead)
