"""Whether an offer can be had: what is known of it before charging (use case 6)."""

from __future__ import annotations

from datetime import datetime, tzinfo

from bridge.orders.item import ChargingItem
from bridge.orders.terms import Offer
from bridge.orders.where import is_for
from bridge.pricing.conditions import holds_at


def obstacle(offer: Offer, item: ChargingItem, start: datetime, place: tzinfo) -> str | None:
    """Return why a connector has not got an offer when charging starts then; None = it has.

    Energy and price are no obstacle: what they come to is known in the end only.

    Args:
        place: time zone of the Location.
    """
    local = start.astimezone(place).isoformat(timespec="minutes")
    if not is_for(offer.where, item):
        return f"it is not for item {item.id}"
    if offer.valid_from is not None and start < offer.valid_from:
        return f"it begins at {_stated(offer.valid_from, place)}, charging at {local}"
    if offer.valid_until is not None and start >= offer.valid_until:
        return f"it ended at {_stated(offer.valid_until, place)}, charging begins at {local}"
    if not holds_at(offer.when, start, place):
        return f"it is for other times or days than {local}"
    return None


def _stated(at: datetime, place: tzinfo) -> str:
    return at.astimezone(place).isoformat(timespec="seconds")
