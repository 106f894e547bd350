"""What a planned session will cost, and how much energy a budget buys."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

from bridge.errors import QuoteUnavailable
from bridge.ocpi.tariffs import Tariff, TariffDimensionType
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import Quote
from bridge.pricing.breakup import breakup
from bridge.pricing.money import WIDE, minor_unit
from bridge.pricing.periods import Usage
from bridge.pricing.plan import LONGEST_S, Plan
from bridge.pricing.rates import rates
from bridge.pricing.restrictions import zone
from bridge.pricing.tariff import Cost, charges_of, shortened, summed

_WH: Final = Decimal("0.001")
_HOUR: Final = 3600


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
) -> Quote:
    """Price a session at constant power.

    An amount of money buys the largest multiple of 1 Wh whose whole price does not exceed it,
    at most what the connector gives until ``end``, or ``max_kwh`` without one (decisions 21).

    Args:
        quantity: None means ``default_kwh``.
        power_kw: maximum power of the connector.
        start: None, or in the past, means now.
        time_zone: of the Location.

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
    plan = Plan(ready.turns, kwh, power_kw, begin, place)
    planned = plan.usages(kwh, duration_s)
    charges = charges_of([ready] * len(planned), planned, place)
    total = summed(charges, tariff)
    if quantity is not None and quantity.measure is Measure.AMOUNT:
        bound = _bound(quantity, tariff.currency)
        if total.price >= bound:
            kwh, total = _affordable(
                lambda some_kwh: summed(shortened(charges, *plan.last(some_kwh)), tariff),
                bound,
                most_kwh=kwh,
                guess_kwh=_crossing(planned, total, bound),
            )
    price, lines = breakup(total, tariff.currency)
    if quantity is not None and quantity.measure is Measure.AMOUNT and price > quantity.value:
        raise QuoteUnavailable(
            f"{quantity.stated} {tariff.currency} is too little: "
            f"the minimum is {price} {tariff.currency}"
        )
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


def _crossing(planned: Sequence[Usage], total: Cost, bound: Decimal) -> Decimal:
    """Return where, by its lines, the cost of a planned session comes to the bound, in kWh."""
    spent = Decimal(0)
    grown = [Decimal(0)] * len(planned)
    for line in total.lines:
        if line.dimension is TariffDimensionType.FLAT:
            spent += line.incl_vat
        elif line.period is not None:
            grown[line.period] += line.incl_vat
    kwh = Decimal(0)
    for usage, growth in zip(planned, grown, strict=True):
        if spent >= bound:
            break
        if spent + growth >= bound:
            return kwh + (bound - spent) / growth * usage.energy_kwh
        spent += growth
        kwh += usage.energy_kwh
    return kwh


def _affordable(
    cost_of: Callable[[Decimal], Cost], bound: Decimal, *, most_kwh: Decimal, guess_kwh: Decimal
) -> tuple[Decimal, Cost]:
    """Return the most energy, in whole Wh, whose price is below the bound, and its cost.

    When there is none, it is 1 Wh. ``most_kwh`` is known to cost too much. Looks around the guess
    in doubling steps, then halves: cost is a straight line over long stretches, so the guess is
    mostly right.
    """
    low, high = 0, int(most_kwh * 1000)
    found = None
    guess, step = int(guess_kwh * 1000), 1
    while high - low > 1:
        if not low < guess < high:
            guess = (low + high) // 2
        cost = cost_of(Decimal(guess) / 1000)
        if cost.price < bound:
            low, found = guess, cost
            guess = low + step
        else:
            high = guess
            guess = high - step
        step *= 2
    low = max(low, 1)
    return Decimal(low) / 1000, found or cost_of(Decimal(low) / 1000)
