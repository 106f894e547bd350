"""What a session cost in the end, or so far, and what that means for the money already paid."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from bridge.ocpi.cdrs import CDR
from bridge.ocpi.sessions import Session
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.types import Price
from bridge.orders.order import Bill, Line, LineKind, Quote
from bridge.orders.terms import NOTHING_AGREED, Agreed, PriceSource
from bridge.pricing.adjustments import discounts, extras
from bridge.pricing.breakup import breakup
from bridge.pricing.cpo_cost import cost_of_cdr
from bridge.pricing.money import rounded
from bridge.pricing.periods import Usage, seconds, usages
from bridge.pricing.rates import rates
from bridge.pricing.restrictions import zone
from bridge.pricing.tariff import Cost, costed

TOLERANCE: Final = Decimal("0.01")
REFUNDED: Final = (LineKind.UNUSED_PREPAYMENT, LineKind.REFUND)
"""The two lines that make a refund visible."""

_WH: Final = Decimal("0.001")


def bill(
    tariff: Tariff,
    cdr: CDR,
    time_zone: str,
    paid: Decimal,
    *,
    tolerance: Decimal = TOLERANCE,
    agreed: Agreed = NOTHING_AGREED,
) -> Bill:
    """Bill a CDR with the tariff and the terms that the driver agreed to.

    The tariff's part is our own costing or the CPO's total, by ``price_source``; a total in
    another currency bills nothing. The terms come on top of either.

    Args:
        tariff: as frozen into the order.
        paid: what the driver has paid, in the tariff's currency.
        tolerance: per line; what the CPO's total may differ before the bill ``deviates``.

    Raises:
        QuoteUnavailable: the time zone does not exist.
    """
    place = zone(time_zone)
    used = _billed(cdr)
    ours = costed(rates(tariff), used, place)
    _, lines = breakup(ours, tariff.currency)
    comparable = cdr.currency.upper() == tariff.currency.upper()
    if agreed.price_source is PriceSource.CDR and comparable:
        final = _priced(tariff, cost_of_cdr(cdr, ours, used), used, place, agreed, cdr.total_energy)
    else:
        final = _priced(tariff, ours, used, place, agreed, _energy(used))
    allowed = tolerance * max(len(lines), 1)
    deviates = not comparable or _differs(ours, cdr.total_cost, allowed)
    return replace(_settled(final, paid), cdr_id=cdr.id, deviates=deviates)


def provisional_bill(
    tariff: Tariff,
    session: Session,
    time_zone: str,
    paid: Decimal,
    *,
    agreed: Agreed = NOTHING_AGREED,
) -> Bill:
    """Bill what a session has delivered up to now, by our own costing; raises as ``bill``."""
    quote = so_far(tariff, session, time_zone, agreed=agreed)
    return replace(_settled(quote, paid), provisional=True)


def so_far(
    tariff: Tariff, session: Session, time_zone: str, *, agreed: Agreed = NOTHING_AGREED
) -> Quote:
    """Price what a session has delivered up to now; raises as ``bill``."""
    place = zone(time_zone)
    used = _told(session)
    return _priced(tariff, costed(rates(tariff), used, place), used, place, agreed, session.kwh)


def _priced(
    tariff: Tariff,
    cost: Cost,
    used: Sequence[Usage],
    place: tzinfo,
    agreed: Agreed,
    kwh: Decimal,
) -> Quote:
    """Return a cost with what the terms add and take off: offers are judged by what was used."""
    more = extras(tariff, cost, used, place, agreed)
    less = discounts(cost, more, used, place, agreed)
    price, lines = breakup(cost, tariff.currency, (*more, *less))
    return _quote(tariff.currency, price, lines, kwh)


def _settled(quote: Quote, paid: Decimal) -> Bill:
    lines, refund, due = settled(quote.lines, quote.price, paid)
    return Bill(quote=replace(quote, lines=lines), refund=refund, due=due)


def settled(
    lines: Sequence[Line], price: Decimal, paid: Decimal
) -> tuple[tuple[Line, ...], Decimal, Decimal]:
    """Return the lines with a refund made visible, the refund, and what is still due.

    The two lines of a refund cancel out, so the price stays the sum (decisions 17).
    """
    if paid <= price:
        return tuple(lines), Decimal(0), price - paid
    refund = paid - price
    shown = (
        Line(kind=LineKind.UNUSED_PREPAYMENT, amount=refund),
        Line(kind=LineKind.REFUND, amount=-refund),
    )
    return (*lines, *shown), refund, Decimal(0)


def resettled(bill: Bill, paid: Decimal, refunded: Decimal) -> Bill:
    """Return a bill as it is when so much was paid, and so much of it sent back already.

    What was sent back and would now be owed is due again: a refund cannot be undone.
    """
    price = bill.quote.price
    had = paid if paid - price >= refunded else paid - refunded
    charged = [line for line in bill.quote.lines if line.kind not in REFUNDED]
    lines, refund, due = settled(charged, price, had)
    quote = bill.quote
    if lines != quote.lines:
        quote = _quote(quote.currency, price, lines, quote.kwh)
    return replace(bill, quote=quote, refund=refund, due=due)


def credited(bill: Bill, paid: Decimal) -> Bill:
    """Return the bill after its CDR was taken back: nothing is owed, and all of it shown."""
    quote = bill.quote
    charged = [line for line in quote.lines if line.kind not in REFUNDED]
    credit = Line(kind=LineKind.CREDIT, amount=-quote.price)
    lines, refund, due = settled((*charged, credit), Decimal(0), paid)
    return Bill(
        quote=_quote(quote.currency, Decimal(0), lines, quote.kwh),
        refund=refund,
        due=due,
        cdr_id=bill.cdr_id,
    )


def cancellation_bill(currency: str, paid: Decimal, refund_share: Decimal) -> Bill:
    """Bill an order that was cancelled before charging.

    Args:
        refund_share: 0 to 1, of what was paid; the rest stays as the fee.
    """
    paid = rounded(paid, currency)
    fee = paid - rounded(paid * refund_share, currency)
    fee_line = Line(kind=LineKind.CANCELLATION_FEE, amount=fee)
    lines, refund, due = settled((fee_line,), fee, paid)
    return Bill(quote=_quote(currency, fee, lines, Decimal(0)), refund=refund, due=due)


def _billed(cdr: CDR) -> tuple[Usage, ...]:
    """Return what a CDR says was used; its totals when the periods tell of no energy."""
    used = usages(cdr.charging_periods, cdr.end_date_time)
    if used and (_energy(used) or not cdr.total_energy):
        return used
    parking = cdr.total_parking_time or Decimal(0)
    return (
        Usage(
            start=cdr.start_date_time,
            end=cdr.end_date_time,
            energy_kwh=cdr.total_energy,
            charging_s=seconds(cdr.total_time - parking),
            parking_s=seconds(parking),
        ),
    )


def _told(session: Session) -> tuple[Usage, ...]:
    """Return what a session has used; all as charging when its periods lag behind."""
    end = session.end_date_time or session.last_updated
    used = usages(session.charging_periods, end)
    if used and abs(_energy(used) - session.kwh) < _WH:
        return used
    duration_s = int((end - session.start_date_time).total_seconds())
    return (
        Usage(
            start=session.start_date_time,
            end=end,
            energy_kwh=session.kwh,
            charging_s=max(duration_s, 0),
        ),
    )


def _energy(used: Sequence[Usage]) -> Decimal:
    return sum((usage.energy_kwh for usage in used), Decimal(0))


def _differs(ours: Cost, theirs: Price, allowed: Decimal) -> bool:
    return abs(ours.excl_vat - theirs.excl_vat) > allowed or (
        theirs.incl_vat is not None and abs(ours.price - theirs.incl_vat) > allowed
    )


def _quote(currency: str, price: Decimal, lines: Sequence[Line], kwh: Decimal) -> Quote:
    return Quote(id=str(uuid.uuid4()), currency=currency, price=price, lines=tuple(lines), kwh=kwh)
