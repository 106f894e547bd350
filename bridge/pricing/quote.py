"""What a planned session will cost, and how much energy a budget buys."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from bridge.errors import QuoteUnavailable
from bridge.ocpi.tariffs import Tariff
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import LineKind, Quote
from bridge.orders.terms import NOTHING_AGREED, Agreed
from bridge.pricing.adjustments import ZERO, Adjustment, discounts, extras, provision
from bridge.pricing.breakup import breakup, gross
from bridge.pricing.clock import turns_of
from bridge.pricing.held import held
from bridge.pricing.money import WIDE, minor_unit, rounded
from bridge.pricing.periods import Usage
from bridge.pricing.plan import LONGEST_S, Plan
from bridge.pricing.rates import rates
from bridge.pricing.restrictions import zone
from bridge.pricing.tariff import ENERGY, FLAT, Charge, Cost, charges_of, shortened, summed

_WH: Final = Decimal("0.001")
_HOUR: Final = 3600
_FIXED: Final = (LineKind.FEE, LineKind.RESERVATION)


def quote(
    tariff: Tariff,
    quantity: Quantity | None,
    power_kw: Decimal,
    start: datetime | None,
    end: datetime | None,
    time_zone: str,
    *,
    now: datetime,
    ttl_s: float,
    default_kwh: Decimal,
    max_kwh: Decimal,
    agreed: Agreed = NOTHING_AGREED,
    held_s: int = 0,
) -> Quote:
    """Price a session at constant power.

    An amount of money buys the largest multiple of 1 Wh whose whole price, with surcharges, fees
    and VAT, does not exceed it, at most what the connector gives until ``end``, or ``max_kwh``
    without one (decisions 21). A provision comes on top of it, a discount buys no more energy.

    Args:
        quantity: None means ``default_kwh``.
        power_kw: maximum power of the connector.
        start: None, or in the past, means now.
        time_zone: of the Location.
        held_s: how long the connector is reserved before; what that costs is in the price.

    Raises:
        QuoteUnavailable: the budget is too small or in another currency, the session is endless
            or of no length, the time zone does not exist.
    """
    if power_kw <= 0:
        raise QuoteUnavailable("the power of the connector is not known")
    place = zone(time_zone)
    ready = rates(tariff)
    begin = now if start is None else max(start, now)
    slot_s = None if end is None else int((end - begin).total_seconds())
    kwh, duration_s = _most(quantity, power_kw, slot_s, default_kwh, max_kwh)
    turns = ready.turns | turns_of(surcharge.when for surcharge in agreed.surcharges)
    plan = Plan(turns, kwh, power_kw, begin, place)
    planned = plan.usages(kwh, duration_s)
    charges = charges_of([ready] * len(planned), planned, place)
    reserved = held(ready, begin, held_s, place)

    def shorter(some_kwh: Decimal) -> _Priced:
        total = summed(shortened(charges, *plan.last(some_kwh)), tariff)
        used = plan.usages(some_kwh) if agreed.surcharges else planned
        return _Priced(used, total, (*reserved, *extras(tariff, total, used, place, agreed)))

    total = summed(charges, tariff)
    more = extras(tariff, total, planned, place, agreed)
    found = _Priced(planned, total, (*reserved, *more))
    if quantity is not None and quantity.measure is Measure.AMOUNT:
        bound = _bound(quantity, tariff.currency)
        if found.price >= bound:
            guess_wh = int(_crossing(found, bound) * 1000)
            guess_wh -= guess_wh % _step_wh(charges)
            kwh, found = _affordable(shorter, bound, most_kwh=kwh, guess_wh=guess_wh)
        least = rounded(found.price, tariff.currency)
        if least > quantity.value:
            raise QuoteUnavailable(
                f"{quantity.stated} {tariff.currency} is too little: "
                f"the minimum is {least} {tariff.currency}"
            )
    used = found.usages if agreed.surcharges else plan.usages(kwh, duration_s)
    adjustments = (
        *found.extras,
        *provision(found.cost, agreed),
        *discounts(found.cost, found.extras, used, place, agreed),
    )
    price, lines = breakup(found.cost, tariff.currency, adjustments)
    return Quote(
        id=str(uuid.uuid4()),
        currency=tariff.currency,
        price=price,
        lines=lines,
        kwh=kwh,
        expires_at=now + timedelta(seconds=ttl_s),
    )


def _most(
    quantity: Quantity | None,
    power_kw: Decimal,
    slot_s: int | None,
    default_kwh: Decimal,
    max_kwh: Decimal,
) -> tuple[Decimal, int | None]:
    """Return the energy to plan for, and its duration where time was asked for."""
    longest_kwh = _given(power_kw, LONGEST_S)
    duration_s = None
    if quantity is None:
        kwh = default_kwh
    elif quantity.measure is Measure.ENERGY:
        kwh = quantity.value
    elif quantity.measure is Measure.DURATION:
        duration_s = int(quantity.value.to_integral_value(ROUND_HALF_UP))
        kwh = _given(power_kw, duration_s)
    elif slot_s is None:
        kwh = min(max_kwh.quantize(_WH, ROUND_DOWN), longest_kwh)
    else:
        kwh = _given(power_kw, min(slot_s, LONGEST_S))
    if kwh <= 0:
        raise QuoteUnavailable("no energy fits into the time that is left")
    if kwh > longest_kwh:
        raise QuoteUnavailable(f"that takes longer than a week at {power_kw} kW")
    return kwh, duration_s


def _given(power_kw: Decimal, duration_s: int) -> Decimal:
    """Return the energy of a time at constant power, in whole Wh."""
    return (power_kw * duration_s / _HOUR).quantize(_WH, ROUND_DOWN, WIDE)


def _bound(budget: Quantity, currency: str) -> Decimal:
    """Return what an unrounded price must stay below, to be within the budget when rounded."""
    if budget.unit.upper() != currency.upper():
        raise QuoteUnavailable(f"the price is in {currency}, not in {budget.unit}")
    unit = minor_unit(currency)
    return budget.value.quantize(unit, ROUND_DOWN, WIDE) + unit / 2


class _Priced(NamedTuple):
    """What some planned energy costs with surcharges and fees."""

    usages: Sequence[Usage]
    cost: Cost
    extras: Sequence[Adjustment]

    @property
    def price(self) -> Decimal:
        """The price with VAT, unrounded."""
        return gross(self.cost, self.extras)


def _crossing(priced: _Priced, bound: Decimal) -> Decimal:
    """Return where, by its lines, a planned session comes to about the bound, in kWh."""
    fixed = ZERO
    grown = [ZERO] * len(priced.usages)
    for line in priced.cost.lines:
        if line.dimension is FLAT:
            fixed += line.incl_vat
        elif line.period is not None:
            grown[line.period] += line.incl_vat
    fixed += sum(each.incl_vat for each in priced.extras if each.kind in _FIXED)
    surge = sum(each.incl_vat for each in priced.extras if each.kind is LineKind.SURCHARGE)
    growing = sum(grown)
    steeper = 1 + surge / growing if growing else Decimal(1)
    spent, kwh = fixed, ZERO
    for usage, growth in zip(priced.usages, grown, strict=True):
        if spent >= bound:
            break
        if spent + growth * steeper >= bound:
            return kwh + (bound - spent) / (growth * steeper) * usage.energy_kwh
        spent += growth * steeper
        kwh += usage.energy_kwh
    return kwh


def _step_wh(charges: Sequence[Charge]) -> int:
    """Return the largest step_size of energy; the price jumps where a whole step is exceeded."""
    steps = [each.rate.step_size for each in charges if each.rate.dimension is ENERGY]
    return max(steps, default=0) or 1


def _affordable(
    priced: Callable[[Decimal], _Priced], bound: Decimal, *, most_kwh: Decimal, guess_wh: int
) -> tuple[Decimal, _Priced]:
    """Return the most energy, in whole Wh, whose price is below the bound, and its cost.

    When there is none, it is 1 Wh. ``most_kwh`` is known to cost too much. Looks around the guess
    in doubling steps, then halves: cost is a straight line over long stretches, so the guess is
    mostly right.
    """
    low, high = 0, int(most_kwh * 1000)
    found = None
    guess, step = guess_wh, 1
    while high - low > 1:
        if not low < guess < high:
            guess = (low + high) // 2
        tried = priced(Decimal(guess) / 1000)
        if tried.price < bound:
            low, found = guess, tried
            guess = low + step
        else:
            high = guess
            guess = high - step
        step *= 2
    low = max(low, 1)
    return Decimal(low) / 1000, found or priced(Decimal(low) / 1000)
