"""What it costs that a connector is held until charging begins, as far as the tariff tells."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from bridge.orders.order import LineKind
from bridge.pricing.adjustments import Adjustment, Part, merged
from bridge.pricing.periods import Usage
from bridge.pricing.rates import Rates
from bridge.pricing.tariff import TIME, charges_of, summed

_HOUR: Final = 3600


def held(ready: Rates, until: datetime, seconds: int, place: tzinfo) -> tuple[Adjustment, ...]:
    """Return the price of a reservation that is used after so long; nothing where it is free.

    It stands beside the session's cost: min_price and max_price are not looked at.
    """
    if seconds <= 0:
        return ()
    usage = Usage(start=until - timedelta(seconds=seconds), end=until, reservation_s=seconds)
    lines = summed(charges_of([ready], [usage], place), None).lines
    parts = merged(Part(line.vat or None, line.excl_vat, line.incl_vat) for line in lines)
    if not any(part.incl_vat for part in parts):
        return ()
    hourly = lines[0] if len(lines) == 1 and lines[0].dimension is TIME else None
    return (
        Adjustment(
            kind=LineKind.RESERVATION,
            parts=parts,
            quantity=None if hourly is None else (hourly.quantity or Decimal(0)) / _HOUR,
            unit_price=None if hourly is None else hourly.unit_price,
        ),
    )
