"""When a commercial term holds: its conditions are those of a tariff (OCPI 2.2.1 mod_tariffs)."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from bridge.ocpi.tariffs import TariffRestrictions
from bridge.orders.terms import Offer
from bridge.pricing.clock import shown_at
from bridge.pricing.restrictions import Moment, clock_minutes, conditions, local_time


def in_time(at: datetime, start: datetime | None, until: datetime | None) -> bool:
    """Tell whether an instant lies between two others; None = open, ``until`` is exclusive."""
    return (start is None or start <= at) and (until is None or at < until)


def holds_at(when: TariffRestrictions | None, start: datetime, place: tzinfo) -> bool:
    """Tell whether conditions hold as charging starts; those on what comes later do not look."""
    moment = Moment(local_time(start, place), Decimal(0), 0)
    return all(holds(moment) for holds in conditions(when))


def offered_at(offer: Offer, start: datetime, place: tzinfo) -> bool:
    """Tell whether charging that starts then falls into an offer's time."""
    return in_time(start, offer.valid_from, offer.valid_until) and holds_at(
        offer.when, start, place
    )


def offered_within(offer: Offer, start: datetime, end: datetime, place: tzinfo) -> bool:
    """Tell whether charging may start at some time of a stretch and fall into an offer's time."""
    first = start if offer.valid_from is None else max(start, offer.valid_from)
    if first > end or (offer.valid_until is not None and first >= offer.valid_until):
        return False
    flips = () if offer.when is None else clock_minutes(offer.when)
    length_s = int((end - first).total_seconds())
    starts = (first + timedelta(seconds=s) for s in (0, *shown_at(flips, first, length_s, place)))
    return any(at <= end and offered_at(offer, at, place) for at in starts)
