"""How far a session has come: energy, cost so far, and when it may be over (use case 2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from bridge.ocpi.cdrs import CdrDimensionType
from bridge.ocpi.sessions import Session
from bridge.orders.intents import Measure
from bridge.orders.order import Order, OrderState, Quote
from bridge.orders.transitions import RUNNING
from bridge.pricing.settlement import so_far

STEADY: Final = timedelta(minutes=1)
"""A session that is younger has no power of its own yet, unless the CPO tells it."""


class Progress(NamedTuple):
    """A running session.

    Args:
        cost: of what was delivered, by the tariff and the terms that were agreed.
        ends_at: when all that was ordered is delivered if it goes on like this; None = unknown.
    """

    kwh: Decimal
    cost: Quote
    ends_at: datetime | None


def progress(order: Order) -> Progress | None:
    """Return how far the session of an order has come; None when nothing is charging.

    Raises:
        QuoteUnavailable: the time zone of the Location does not exist.
    """
    session = order.session
    if session is None or order.tariff is None or order.state not in RUNNING:
        return None
    cost = so_far(order.tariff, session, order.item.location.time_zone, agreed=order.agreed)
    return Progress(session.kwh, cost, _ends_at(order, session))


def last_of(session: Session | None, kind: CdrDimensionType) -> Decimal | None:
    """Return the newest value of a dimension."""
    if session is None:
        return None
    values = (
        dimension.volume
        for period in reversed(session.charging_periods)
        for dimension in period.dimensions
        if dimension.type is kind
    )
    return next(values, None)


def _ends_at(order: Order, session: Session) -> datetime | None:
    """Return when the quoted energy is there at the power of now, or the time asked for is over."""
    if order.state is not OrderState.CHARGING or order.quote is None:
        return None
    wanted = order.quantity
    if wanted is not None and wanted.measure is Measure.DURATION:
        return session.start_date_time + timedelta(seconds=int(wanted.value))
    left = max(order.quote.kwh - session.kwh, Decimal(0))
    power_kw = _power_kw(order, session)
    if power_kw <= 0:
        return None
    seconds = int(left * 3600 / power_kw)
    return (session.last_updated + timedelta(seconds=seconds)).replace(microsecond=0)


def _power_kw(order: Order, session: Session) -> Decimal:
    """Return the power as told, else as it was on average, else what the connector gives."""
    told = last_of(session, CdrDimensionType.POWER)
    if told is not None and told > 0:
        return told
    elapsed = session.last_updated - session.start_date_time
    if elapsed >= STEADY and session.kwh > 0:
        return session.kwh * 3600 / int(elapsed.total_seconds())
    return order.item.power_kw
