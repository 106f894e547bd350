"""When a commercial term holds: its conditions are those of a tariff (OCPI 2.2.1 mod_tariffs)."""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal

from bridge.ocpi.tariffs import TariffRestrictions
from bridge.orders.terms import Offer
from bridge.pricing.restrictions import Moment, conditions, local_time


def holds_at(when: TariffRestrictions | None, start: datetime, place: tzinfo) -> bool:
    """Tell whether conditions hold as charging starts; those on what comes later do not look."""
    moment = Moment(local_time(start, place), Decimal(0), 0)
    return all(holds(moment) for holds in conditions(when))


def offered_at(offer: Offer, start: datetime, place: tzinfo) -> bool:
    """Tell whether charging that starts then falls into an offer's time."""
    return (
        (offer.valid_from is None or offer.valid_from <= start)
        and (offer.valid_until is None or start < offer.valid_until)
        and holds_at(offer.when, start, place)
    )
