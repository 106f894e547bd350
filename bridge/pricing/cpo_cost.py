"""What a session costs as the CPO itself says in its CDR (price source ``cdr``; mapping 1.11)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from bridge.ocpi.cdrs import CDR
from bridge.ocpi.tariffs import TariffDimensionType
from bridge.ocpi.types import Price
from bridge.orders.order import LineKind
from bridge.pricing.adjustments import energy_lines
from bridge.pricing.periods import Usage, seconds
from bridge.pricing.tariff import Cost, CostLine

D = TariffDimensionType
ZERO: Final = Decimal(0)
_CENT: Final = Decimal("0.01")


def cost_of_cdr(cdr: CDR, ours: Cost, usages: Sequence[Usage]) -> Cost:
    """Return the CPO's total with its lines: by dimension where these sum to it, else one.

    The price is ``total_cost.incl_vat``, or ``excl_vat`` where there is no other.

    Args:
        ours: our own costing of ``usages``; it tells what the energy of each period is worth, for
            the terms that look at them, and the rate of VAT, which a CDR does not name.
    """
    whole = cdr.total_cost
    lines = _by_dimension(cdr) or [
        _line(LineKind.CHARGING, D.ENERGY, whole, whole, cdr.total_energy)
    ]
    rate = _rate(ours, whole)
    named = [
        replace(line, vat=rate if line.incl_vat != line.excl_vat else None)
        for each in lines
        for line in _spread(each, energy_lines(ours, usages))
    ]
    price = _incl(whole, whole)
    return Cost(
        excl_vat=whole.excl_vat, incl_vat=price, price=price, adjustment=ZERO, lines=tuple(named)
    )


def _by_dimension(cdr: CDR) -> list[CostLine]:
    """Return a line for each cost that the CDR names; none when they are not its total."""
    parking = cdr.total_parking_time or ZERO
    named = (
        (LineKind.ENERGY, D.ENERGY, cdr.total_energy_cost, cdr.total_energy),
        (LineKind.TIME, D.TIME, cdr.total_time_cost, _s(cdr.total_time - parking)),
        (LineKind.PARKING_TIME, D.PARKING_TIME, cdr.total_parking_cost, _s(parking)),
        (LineKind.FLAT, D.FLAT, cdr.total_fixed_cost, None),
        (LineKind.RESERVATION, D.FLAT, cdr.total_reservation_cost, None),
    )
    lines = [
        _line(kind, dimension, price, cdr.total_cost, quantity)
        for kind, dimension, price, quantity in named
        if price is not None and (price.excl_vat or price.incl_vat)
    ]
    allowed = _CENT * len(lines)
    excl = sum((line.excl_vat for line in lines), ZERO)
    incl = sum((line.incl_vat for line in lines), ZERO)
    total = cdr.total_cost
    sums = abs(excl - total.excl_vat) <= allowed and abs(incl - _incl(total, total)) <= allowed
    return lines if sums else []


def _line(
    kind: LineKind,
    dimension: TariffDimensionType,
    price: Price,
    whole: Price,
    quantity: Decimal | None,
) -> CostLine:
    return CostLine(
        kind=kind,
        excl_vat=price.excl_vat,
        incl_vat=_incl(price, whole),
        dimension=dimension,
        quantity=quantity or None,
    )


def _incl(price: Price, whole: Price) -> Decimal:
    """Return a price with VAT; one that does not say has that of the whole."""
    if price.incl_vat is not None:
        return price.incl_vat
    if whole.incl_vat is None or not whole.excl_vat:
        return price.excl_vat
    return price.excl_vat * whole.incl_vat / whole.excl_vat


def _spread(line: CostLine, own: Sequence[CostLine]) -> Sequence[CostLine]:
    """Divide what energy costs among the periods, as our own costing does, or else by kWh.

    Where the two agree, our lines tell the unit prices.
    """
    weights = [each.excl_vat for each in own]
    agree = line.kind is LineKind.ENERGY and line.excl_vat == sum(weights)
    if sum(weights) <= 0:
        weights = [each.quantity or ZERO for each in own]
    total = sum(weights)
    if line.dimension is not D.ENERGY or total <= 0:
        return [line]
    return [
        replace(
            line,
            excl_vat=line.excl_vat * weight / total,
            incl_vat=line.incl_vat * weight / total,
            quantity=each.quantity if agree else (line.quantity or ZERO) * weight / total,
            unit_price=each.unit_price if agree else None,
            period=each.period,
            element=each.element,
        )
        for each, weight in zip(own, weights, strict=True)
    ]


def _rate(ours: Cost, whole: Price) -> Decimal | None:
    """Return the rate of VAT of the frozen tariff, if it is only one and explains the CPO's VAT."""
    rates = {line.vat or None for line in ours.lines if line.dimension is not None}
    rate = rates.pop() if len(rates) == 1 else None
    if rate is None or whole.incl_vat is None:
        return None
    vat = whole.excl_vat * rate / 100
    return rate if abs(whole.excl_vat + vat - whole.incl_vat) <= _CENT else None


def _s(hours: Decimal) -> Decimal:
    return Decimal(seconds(hours))
