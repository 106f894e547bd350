"""The OCPI cost engine: what a session costs, line by line (OCPI 2.2.1 mod_tariffs, mod_cdrs).

Three steps. ``charges_of`` looks up the price of everything that was used, ``_stepped_up`` rounds
quantities up to the step_size, ``_limited`` adds up and applies min_price and max_price. No money
is rounded here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from decimal import ROUND_CEILING, Decimal
from typing import Final

import msgspec
from msgspec.structs import replace

from bridge.ocpi.tariffs import Tariff, TariffDimensionType
from bridge.ocpi.types import Price
from bridge.orders.order import LineKind
from bridge.pricing.money import WIDE
from bridge.pricing.periods import Usage
from bridge.pricing.rates import Candidates, Rate, Rates, first, rates
from bridge.pricing.restrictions import Moment, local_time, zone

FLAT: Final = TariffDimensionType.FLAT
ENERGY: Final = TariffDimensionType.ENERGY
TIME: Final = TariffDimensionType.TIME
PARKING_TIME: Final = TariffDimensionType.PARKING_TIME

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
_KIND: Final = {
    FLAT: LineKind.FLAT,
    ENERGY: LineKind.ENERGY,
    TIME: LineKind.TIME,
    PARKING_TIME: LineKind.PARKING_TIME,
}
_MICRO: Final = Decimal("0.000001")
_HOUR: Final = Decimal(3600)


class Reservation(enum.StrEnum):
    """What became of a reservation; OCPI does not say it in a CDR."""

    USED = "USED"
    EXPIRED = "EXPIRED"


class CostLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One price applied in one charging period; unrounded.

    Args:
        period: index of the usage; None for MINIMUM and MAXIMUM, which have only amounts.
        element, component: which price of which tariff, by index.
        quantity: billed kWh, billed seconds, or 1 for FLAT.
        unit_price: per kWh, per hour or once, without VAT.
        vat: percent; None when VAT does not apply.
        unverified: the element asks for a current or power that the period does not tell.
    """

    kind: LineKind
    excl_vat: Decimal
    incl_vat: Decimal
    period: int | None = None
    tariff_id: str | None = None
    element: int | None = None
    component: int | None = None
    dimension: TariffDimensionType | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    vat: Decimal | None = None
    unverified: bool = False


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What was used costs this much; unrounded.

    Args:
        excl_vat, incl_vat: each clamped by its own part of min_price and max_price; a limit
            without ``incl_vat`` leaves ``incl_vat`` alone.
        price: what the driver pays: ``incl_vat``, but a limit without ``incl_vat`` binds it too,
            with VAT in the proportion of this session.
        adjustment: the part of ``price`` that a limit added, or took off.
    """

    excl_vat: Decimal
    incl_vat: Decimal
    price: Decimal
    adjustment: Decimal
    lines: tuple[CostLine, ...]


class Charge(msgspec.Struct, frozen=True, gc=False):
    """A rate and how much of it was used in one period: kWh, seconds, or 1 for FLAT."""

    rate: Rate
    quantity: Decimal
    period: int
    reservation: bool
    unverified: bool


def cost(
    tariff: Tariff | Sequence[Tariff],
    usages: Sequence[Usage],
    time_zone: str,
    reservation: Reservation | None = None,
) -> Cost:
    """Price what was used.

    Args:
        tariff: one for all, or one for each usage; limits are those of the first.
        usages: in order of time; restrictions are looked at once, when a usage starts.
        time_zone: of the Location.
        reservation: None means EXPIRED when nothing but a reservation was used.

    Raises:
        QuoteUnavailable: the time zone does not exist, or is without a time for a usage.
    """
    ready = rates(tariff) if isinstance(tariff, Tariff) else [rates(one) for one in tariff]
    return costed(ready, usages, zone(time_zone), reservation)


def costed(
    by_usage: Rates | Sequence[Rates],
    usages: Sequence[Usage],
    place: tzinfo,
    reservation: Reservation | None = None,
) -> Cost:
    """Price what was used with rates that are ready; otherwise as ``cost``."""
    if isinstance(by_usage, Rates):
        tariff: Tariff | None = by_usage.tariff
        by_usage = [by_usage] * len(usages)
    else:
        tariff = by_usage[0].tariff if by_usage else None
    if reservation is None:
        charged = any(usage.reservation_s is None for usage in usages)
        reservation = Reservation.USED if charged else Reservation.EXPIRED
    return summed(charges_of(by_usage, usages, place, reservation), tariff)


def charges_of(
    by_usage: Sequence[Rates],
    usages: Sequence[Usage],
    place: tzinfo,
    reservation: Reservation = Reservation.USED,
) -> list[Charge]:
    """Look up the rate of all that was used; FLAT once, and once more for a reservation."""
    charges: list[Charge] = []
    flat_due = {False: True, True: True}
    kwh = ZERO
    begin: datetime | None = None
    for period, (ready, usage) in enumerate(zip(by_usage, usages, strict=True)):
        reserved = usage.reservation_s is not None
        if begin is None and not reserved:
            begin = usage.start
        local = local_time(usage.start, place) if ready.turns.minutes else usage.start
        moment = _moment(usage, local, kwh, begin)
        candidates = _candidates(ready, reserved, reservation)
        for dimension, quantity in _quantities(usage, flat_due[reserved]):
            rate = first(candidates[dimension], moment)
            if rate is not None:
                charges.append(Charge(rate, quantity, period, reserved, _unverified(rate, usage)))
                if dimension is FLAT:
                    flat_due[reserved] = False
        if not reserved:
            kwh += usage.energy_kwh
    return charges


def _moment(usage: Usage, local: datetime, kwh: Decimal, begin: datetime | None) -> Moment:
    """Return the state at the start of a usage; the time of a reservation does not count."""
    elapsed_s = 0
    if begin is not None:
        elapsed = usage.start - begin
        elapsed_s = elapsed.days * 86400 + elapsed.seconds
    return Moment(
        local,
        kwh,
        elapsed_s,
        usage.min_current,
        usage.max_current,
        usage.min_power,
        usage.max_power,
    )


def _candidates(ready: Rates, reserved: bool, reservation: Reservation) -> Candidates:
    if not reserved:
        return ready.session
    return ready.used if reservation is Reservation.USED else ready.expired


def _quantities(usage: Usage, flat: bool) -> list[tuple[TariffDimensionType, Decimal]]:
    quantities = [(FLAT, ONE)] if flat else []
    if usage.reservation_s is not None:
        if usage.reservation_s > 0:
            quantities.append((TIME, Decimal(usage.reservation_s)))
        return quantities
    if usage.energy_kwh:
        quantities.append((ENERGY, usage.energy_kwh))
    if usage.charging_s > 0:
        quantities.append((TIME, Decimal(usage.charging_s)))
    if usage.parking_s > 0:
        quantities.append((PARKING_TIME, Decimal(usage.parking_s)))
    return quantities


def _unverified(rate: Rate, usage: Usage) -> bool:
    return (rate.current and usage.min_current is None) or (rate.power and usage.min_power is None)


def shortened(charges: Sequence[Charge], period: int, rest: Usage) -> list[Charge]:
    """Return the charges of a session that ends sooner, within ``period``.

    Args:
        rest: what was used in that period until then, no more than it was.
    """
    used = dict(_quantities(rest, flat=True))
    return [
        charge
        if charge.period < period
        else Charge(
            charge.rate,
            used[charge.rate.dimension],
            period,
            charge.reservation,
            charge.unverified,
        )
        for charge in charges
        if charge.period < period or (charge.period == period and charge.rate.dimension in used)
    ]


def summed(charges: Sequence[Charge], tariff: Tariff | None) -> Cost:
    """Round quantities up to the step_size, add up, and apply the limits of a tariff."""
    return _limited(_stepped_up(charges), tariff)


def _stepped_up(charges: Sequence[Charge]) -> list[Charge]:
    """Round quantities up to the step_size, in the last charge of their sort.

    Once for all energy, once for the time dimension that was billed last (its own total, not
    that of the other one), and once for the time of a reservation. OCPI 2.2.1 mod_cdrs, step_size.
    """
    stepped = list(charges)
    energy = time = reserved = None
    for place, charge in enumerate(charges):
        dimension = charge.rate.dimension
        if dimension is FLAT:
            continue
        if charge.reservation:
            reserved = place
        elif dimension is ENERGY:
            energy = place
        else:
            time = place
    for place_of_last, scale in ((energy, 1000), (time, 1), (reserved, 1)):
        if place_of_last is not None and charges[place_of_last].rate.step_size:
            last = charges[place_of_last]
            surplus = _surplus(charges, last, scale)
            if surplus:
                stepped[place_of_last] = replace(last, quantity=last.quantity + surplus)
    return stepped


def _surplus(charges: Sequence[Charge], last: Charge, scale: int) -> Decimal:
    """Return what is missing in all charges of a sort to whole steps.

    Args:
        last: of its sort; the step_size is its own.
        scale: units of the step_size in one of the quantity.
    """
    dimension, reservation, step_size = last.rate.dimension, last.reservation, last.rate.step_size
    total = sum(
        (
            charge.quantity
            for charge in charges
            if charge.rate.dimension is dimension and charge.reservation is reservation
        ),
        ZERO,
    )
    # Noise below a micro-Wh must not cost a step.
    units = (total * scale).quantize(_MICRO, context=WIDE)
    if units <= 0:
        return ZERO
    return (units / step_size).to_integral_value(ROUND_CEILING) * step_size / scale - total


def _limited(charges: Sequence[Charge], tariff: Tariff | None) -> Cost:
    """Add up, then apply min_price and max_price.

    Seconds are divided into hours once, after adding: totals must not depend on how a session
    was cut into periods, not even in the last digit.
    """
    lines: list[CostLine] = []
    once = once_vat = hourly = hourly_vat = ZERO
    for charge in charges:
        rate = charge.rate
        excl = rate.price * charge.quantity
        incl = excl * rate.factor
        if rate.hourly:
            hourly += excl
            hourly_vat += incl
            excl /= _HOUR
            incl /= _HOUR
        else:
            once += excl
            once_vat += incl
        lines.append(
            CostLine(
                kind=LineKind.RESERVATION if charge.reservation else _KIND[rate.dimension],
                excl_vat=excl,
                incl_vat=incl,
                period=charge.period,
                tariff_id=rate.tariff_id,
                element=rate.element,
                component=rate.component,
                dimension=rate.dimension,
                quantity=charge.quantity,
                unit_price=rate.price,
                vat=rate.vat,
                unverified=charge.unverified,
            )
        )
    excl = once + hourly / _HOUR
    incl = price = raw = once_vat + hourly_vat / _HOUR
    proportion = incl / excl if excl else ONE
    for kind, limit, bound in _limits(tariff):
        before_excl, before_incl = excl, incl
        excl = bound(excl, limit.excl_vat)
        if limit.incl_vat is None:
            price = bound(price, limit.excl_vat * proportion)
        else:
            incl = bound(incl, limit.incl_vat)
            price = bound(price, limit.incl_vat)
        if excl != before_excl or incl != before_incl:
            lines.append(
                CostLine(kind=kind, excl_vat=excl - before_excl, incl_vat=incl - before_incl)
            )
    return Cost(
        excl_vat=excl, incl_vat=incl, price=price, adjustment=price - raw, lines=tuple(lines)
    )


def _limits(
    tariff: Tariff | None,
) -> Iterator[tuple[LineKind, Price, Callable[[Decimal, Decimal], Decimal]]]:
    if tariff is not None and tariff.min_price is not None:
        yield LineKind.MINIMUM, tariff.min_price, max
    if tariff is not None and tariff.max_price is not None:
        yield LineKind.MAXIMUM, tariff.max_price, min
