"""The lines of a quote or bill, made of a cost: rounded, and summing to the price."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from msgspec.structs import replace

from bridge.ocpi.tariffs import TariffDimensionType
from bridge.orders.order import Line, LineKind
from bridge.pricing.money import rounded
from bridge.pricing.tariff import Cost, CostLine

_ORDER: Final = (
    LineKind.ENERGY,
    LineKind.TIME,
    LineKind.PARKING_TIME,
    LineKind.FLAT,
    LineKind.RESERVATION,
)
_HOURLY: Final = (TariffDimensionType.TIME, TariffDimensionType.PARKING_TIME)
_HOUR: Final = 3600
_HOURS_DIGITS: Final = 4

_Price: TypeAlias = tuple[LineKind, TariffDimensionType, Decimal]


def breakup(cost: Cost, currency: str) -> tuple[Decimal, tuple[Line, ...]]:
    """Return the price of a cost and its lines, in the currency's minor unit.

    One line for each kind and unit price, without VAT; one TAX line for each rate that is not 0;
    one for what min_price or max_price changed. The price is rounded first, once.
    """
    lines = [*_charges(cost.lines), *_taxes(cost.lines)]
    if cost.adjustment:
        kind = LineKind.MINIMUM if cost.adjustment > 0 else LineKind.MAXIMUM
        lines.append(Line(kind=kind, amount=cost.adjustment))
    price = rounded(cost.price, currency)
    return price, fitted(lines, price, currency)


def fitted(lines: Sequence[Line], price: Decimal, currency: str) -> tuple[Line, ...]:
    """Round each line; what is then missing to the price goes on the largest line."""
    whole = [replace(line, amount=rounded(line.amount, currency)) for line in lines]
    rest = price - sum(line.amount for line in whole)
    if rest:
        place = max(range(len(whole)), key=lambda index: abs(whole[index].amount))
        whole[place] = replace(whole[place], amount=whole[place].amount + rest)
    return tuple(whole)


def _charges(lines: Sequence[CostLine]) -> list[Line]:
    quantities: dict[_Price, Decimal] = {}
    for line in lines:
        if line.dimension is not None and line.unit_price is not None and line.quantity is not None:
            price = (line.kind, line.dimension, line.unit_price)
            quantities[price] = quantities.get(price, Decimal(0)) + line.quantity
    return [
        _charge(*price, quantities[price])
        for kind in _ORDER
        for price in quantities
        if price[0] is kind
    ]


def _charge(
    kind: LineKind, dimension: TariffDimensionType, unit_price: Decimal, quantity: Decimal
) -> Line:
    amount = unit_price * quantity
    if dimension is TariffDimensionType.FLAT:
        return Line(kind=kind, amount=amount)
    if dimension not in _HOURLY:
        return Line(kind=kind, amount=amount, quantity=quantity, unit_price=unit_price)
    hours = round(quantity / _HOUR, _HOURS_DIGITS)
    return Line(kind=kind, amount=amount / _HOUR, quantity=hours, unit_price=unit_price)


def _taxes(lines: Sequence[CostLine]) -> list[Line]:
    amounts: dict[Decimal, Decimal] = {}
    for line in lines:
        if line.vat:
            amounts[line.vat] = amounts.get(line.vat, Decimal(0)) + line.incl_vat - line.excl_vat
    return [Line(kind=LineKind.TAX, amount=amounts[rate], vat=rate) for rate in sorted(amounts)]
