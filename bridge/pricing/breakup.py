"""The lines of a quote or bill, made of a cost: rounded, and summing to the price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from msgspec.structs import replace

from bridge.ocpi.tariffs import TariffDimensionType
from bridge.orders.order import Line, LineKind
from bridge.pricing.adjustments import Adjustment, Part
from bridge.pricing.money import WIDE, rounded
from bridge.pricing.tariff import Cost, CostLine

_ORDER: Final = (
    LineKind.CHARGING,
    LineKind.ENERGY,
    LineKind.TIME,
    LineKind.PARKING_TIME,
    LineKind.FLAT,
    LineKind.RESERVATION,
)
_HOURLY: Final = (TariffDimensionType.TIME, TariffDimensionType.PARKING_TIME)
_HOUR: Final = 3600
_HOURS_DIGITS: Final = 4

_WH_DIGITS: Final = 3
_NOISE: Final = Decimal("1e-12")

ZERO: Final = Decimal(0)

_Price: TypeAlias = tuple[LineKind, TariffDimensionType, Decimal | None]


def breakup(
    cost: Cost, currency: str, adjustments: Sequence[Adjustment] = ()
) -> tuple[Decimal, tuple[Line, ...]]:
    """Return the price of a cost with its adjustments and the lines, in the minor unit.

    One line for each kind and unit price and one for each adjustment, without VAT; one TAX line
    for each rate that is not 0; one for what min_price or max_price changed. The price is rounded
    first, once.
    """
    lines = [
        *_charges(cost.lines),
        *(_adjusted(each) for each in adjustments),
        *_taxes(cost.lines, adjustments),
    ]
    if cost.adjustment:
        kind = LineKind.MINIMUM if cost.adjustment > 0 else LineKind.MAXIMUM
        lines.append(Line(kind=kind, amount=cost.adjustment))
    price = rounded(gross(cost, adjustments), currency)
    return price, fitted(lines, price, currency)


def gross(cost: Cost, adjustments: Iterable[Adjustment]) -> Decimal:
    """Return what a cost and its adjustments come to, unrounded.

    Shares of shares may be off in their last digit, which must not decide about half a paisa.
    """
    more = [each.incl_vat for each in adjustments]
    return (cost.price + sum(more)).quantize(_NOISE, context=WIDE) if more else cost.price


def fitted(lines: Sequence[Line], price: Decimal, currency: str) -> tuple[Line, ...]:
    """Round each line; what is then missing to the price goes on the largest line."""
    whole = [replace(line, amount=rounded(line.amount, currency)) for line in lines]
    rest = price - sum(line.amount for line in whole)
    if rest:
        place = max(range(len(whole)), key=lambda index: abs(whole[index].amount))
        whole[place] = replace(whole[place], amount=whole[place].amount + rest)
    return tuple(whole)


def _charges(lines: Sequence[CostLine]) -> list[Line]:
    found: dict[_Price, list[CostLine]] = {}
    for line in lines:
        if line.dimension is not None:
            found.setdefault((line.kind, line.dimension, line.unit_price), []).append(line)
    return [_charge(*price, found[price]) for kind in _ORDER for price in found if price[0] is kind]


def _charge(
    kind: LineKind,
    dimension: TariffDimensionType,
    unit_price: Decimal | None,
    lines: Sequence[CostLine],
) -> Line:
    """Make one line; what a CPO billed by itself has a quantity at most, and no unit price."""
    quantity = sum((line.quantity or ZERO for line in lines), ZERO)
    if unit_price is None:
        amount = sum((line.excl_vat for line in lines), ZERO)
    else:
        amount = unit_price * quantity / (_HOUR if dimension in _HOURLY else 1)
    if dimension is TariffDimensionType.FLAT:
        return Line(kind=kind, amount=amount)
    if dimension in _HOURLY:
        quantity = round(quantity / _HOUR, _HOURS_DIGITS)
    return Line(kind=kind, amount=amount, quantity=quantity or None, unit_price=unit_price)


def _adjusted(adjustment: Adjustment) -> Line:
    quantity = adjustment.quantity
    return Line(
        kind=adjustment.kind,
        amount=adjustment.excl_vat,
        quantity=None if quantity is None else round(quantity, _WH_DIGITS),
        unit_price=adjustment.unit_price,
        title=adjustment.title,
        share=adjustment.share,
    )


def _taxes(lines: Iterable[CostLine], adjustments: Iterable[Adjustment]) -> list[Line]:
    """Sum the VAT of all lines by rate, the rates that are not known last."""
    taxed = [Part(line.vat, line.excl_vat, line.incl_vat) for line in lines if line.dimension]
    taxed += [part for adjustment in adjustments for part in adjustment.parts]
    amounts: dict[Decimal | None, Decimal] = {}
    for part in taxed:
        rate = part.vat or None
        amounts[rate] = amounts.get(rate, ZERO) + part.incl_vat - part.excl_vat
    unknown = amounts.pop(None, ZERO)
    known = sorted((rate, amount) for rate, amount in amounts.items() if rate is not None)
    found = [Line(kind=LineKind.TAX, amount=amount, vat=rate) for rate, amount in known]
    return [*found, Line(kind=LineKind.TAX, amount=unknown)] if unknown else found
