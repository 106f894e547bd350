"""Slots: a stretch of time in which a connector is kept for an order (use case 2, decisions 23).

With it goes its EVSE: that serves one vehicle at a time, whatever its connectors.
"""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_CEILING, Decimal

import msgspec

from bridge.orders.intents import Measure, Quantity
from bridge.orders.item import ItemKey
from bridge.orders.order import Order, OrderState
from bridge.orders.transitions import OVER, PLACED


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A connector kept for an order from ``start`` until right before ``end``.

    Args:
        until: nothing is kept after this: the end of a firm slot, the life of a quote before.
        firm: the order is placed.
    """

    order_key: str
    item: ItemKey
    start: datetime
    end: datetime
    until: datetime
    firm: bool


def slot_of(order: Order | None) -> Slot | None:
    """Return what is kept for an order as it stands; nothing any more once it is over."""
    if order is None or not order.booked or order.start is None or order.end is None:
        return None
    firm = order.state in PLACED
    if order.state in OVER or not (firm or order.state is OrderState.INITIALISED):
        return None
    expires_at = None if order.quote is None else order.quote.expires_at
    return Slot(
        order_key=order.key,
        item=order.item.key.folded(),
        start=order.start,
        end=order.end,
        until=order.end if firm or expires_at is None else expires_at,
        firm=firm,
    )


def planned_s(quantity: Quantity | None, kwh: Decimal, power_kw: Decimal) -> int | None:
    """Return how long charging is planned to take: the time asked for, else that of the energy.

    None when the power is not known.
    """
    if quantity is not None and quantity.measure is Measure.DURATION:
        return int(quantity.value)
    if power_kw <= 0:
        return None
    return int((kwh * 3600 / power_kw).to_integral_value(ROUND_CEILING))
