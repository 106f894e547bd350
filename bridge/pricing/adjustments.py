"""What the operator's terms add to the tariff's cost and take off (decisions 18; use case 8.4).

In this order, each on what the former left: surcharges and fees, the provision for an overcharge,
offers, the discount of a member or an agreement. Nothing is rounded here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple, TypeAlias

import msgspec

from bridge.ocpi.tariffs import Tariff
from bridge.orders.order import LineKind
from bridge.orders.terms import Agreed, DiscountKind, Offer, Surcharge
from bridge.pricing.conditions import holds_at, offered_at
from bridge.pricing.periods import Usage
from bridge.pricing.restrictions import is_local
from bridge.pricing.surge import ALL, held
from bridge.pricing.tariff import Cost, CostLine

ZERO: Final = Decimal(0)
ENERGY_KINDS: Final = (LineKind.ENERGY, LineKind.CHARGING)
"""Lines of a cost that are for energy; CHARGING is a CPO's total that is not broken down."""

_KINDS: Final = {DiscountKind.LOYALTY: LineKind.LOYALTY, DiscountKind.B2B: LineKind.B2B}


class Part(NamedTuple):
    """An amount without and with VAT, at one rate; None = no VAT, or an unknown rate."""

    vat: Decimal | None
    excl_vat: Decimal
    incl_vat: Decimal


Parts: TypeAlias = tuple[Part, ...]


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One term applied; discounts are negative.

    Args:
        title: the operator's own; None = the dialect's word for the kind.
        share: of its base, if it is just that.
        quantity, unit_price: kWh and what is added to the price of each.
    """

    kind: LineKind
    parts: Parts
    title: str | None = None
    share: Decimal | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None

    @property
    def excl_vat(self) -> Decimal:
        """The amount without VAT."""
        return total(self.parts)

    @property
    def incl_vat(self) -> Decimal:
        """The amount with VAT."""
        return sum((part.incl_vat for part in self.parts), ZERO)


def extras(
    tariff: Tariff, cost: Cost, usages: Sequence[Usage], place: tzinfo, agreed: Agreed
) -> tuple[Adjustment, ...]:
    """Return what comes on top of the tariff's cost: surcharges, then fees.

    Args:
        tariff: the lines of ``cost`` name its elements.
        usages: the lines of ``cost`` name them by index.

    Raises:
        QuoteUnavailable: a usage has no local time.
    """
    found = [_surcharge(each, tariff, cost, usages, place) for each in agreed.surcharges]
    if agreed.fees and _is_session(cost, usages):
        found += [
            Adjustment(
                kind=LineKind.FEE,
                parts=(Part(fee.vat, fee.amount, fee.amount * _factor(fee.vat)),),
                title=fee.title,
            )
            for fee in agreed.fees
        ]
    return tuple(each for each in found if each.excl_vat)


def provision(cost: Cost, agreed: Agreed) -> tuple[Adjustment, ...]:
    """Return what a quote sets aside for a CPO that stops late (use case 3)."""
    if not agreed.overcharge_share:
        return ()
    parts = scaled(energy_of(cost), agreed.overcharge_share)
    if not total(parts):
        return ()
    return (Adjustment(kind=LineKind.OVERCHARGE_ESTIMATION, parts=parts),)


def discounts(
    cost: Cost,
    more: Iterable[Adjustment],
    usages: Sequence[Usage],
    place: tzinfo,
    agreed: Agreed,
) -> tuple[Adjustment, ...]:
    """Return what is taken off: offers from energy, then the discount from what they leave.

    Never more than its base, which is what the tariff's price cap leaves of it.

    Args:
        more: the extras; their fees are part of a discount's base.

    Raises:
        QuoteUnavailable: charging has no local time.
    """
    if not agreed.offers and agreed.discount is None:
        return ()
    start = next((usage.start for usage in usages if usage.reservation_s is None), None)
    if start is None:
        return ()
    energy = energy_of(cost)
    value, kwh = total(energy), _kwh(usages)
    found = []
    for offer in agreed.offers:
        if not offered_at(offer, start, place) or not _enough(offer, kwh, value):
            continue
        taken = _offered(offer, energy, value, kwh)
        if taken is not None:
            found.append(taken)
            energy = merged((*energy, *taken.parts))
    discount = agreed.discount
    if discount is not None and holds_at(discount.when, start, place):
        fees = (part for each in more if each.kind is LineKind.FEE for part in each.parts)
        base = merged((*energy, *_flat(cost), *fees))
        if discount.share > 0 and total(base) > 0:
            found.append(
                Adjustment(
                    kind=_KINDS[discount.kind],
                    parts=scaled(base, -min(discount.share, Decimal(1))),
                    title=discount.title,
                    share=discount.share,
                )
            )
    return tuple(found)


def energy_of(cost: Cost) -> Parts:
    """Return what energy costs by the tariff, by rate of VAT; the price cap taken off."""
    return _capped(cost, ENERGY_KINDS)


def total(parts: Parts) -> Decimal:
    """Return the amount without VAT."""
    return sum((part.excl_vat for part in parts), ZERO)


def scaled(parts: Parts, share: Decimal) -> Parts:
    """Return a share of an amount; its VAT goes with it."""
    return tuple(Part(vat, excl * share, incl * share) for vat, excl, incl in parts)


def merged(parts: Iterable[Part]) -> Parts:
    """Return one part for each rate."""
    sums: dict[Decimal | None, Part] = {}
    for part in parts:
        known = sums.get(part.vat, Part(part.vat, ZERO, ZERO))
        sums[part.vat] = Part(
            part.vat, known.excl_vat + part.excl_vat, known.incl_vat + part.incl_vat
        )
    return tuple(sums.values())


def _surcharge(
    surcharge: Surcharge,
    tariff: Tariff,
    cost: Cost,
    usages: Sequence[Usage],
    place: tzinfo,
) -> Adjustment:
    """Add up what a surcharge comes to, period by period (decisions 22)."""
    held_for = held(surcharge.when, usages, place)
    timed = surcharge.when is not None and is_local(surcharge.when)
    on: list[tuple[Part, Decimal, Fraction]] = []
    for line in energy_lines(cost, usages):
        part = ALL if line.period is None else held_for[line.period]
        if not part or (timed and _is_timed(tariff, line)):
            continue
        kwh = line.quantity or ZERO
        if surcharge.share is not None:
            excl, incl = line.excl_vat * surcharge.share, line.incl_vat * surcharge.share
        else:
            excl = (surcharge.per_kwh or ZERO) * kwh
            incl = excl * _factor_of(line)
        on.append((Part(line.vat or None, excl, incl), kwh, part))
    return Adjustment(
        kind=LineKind.SURCHARGE,
        parts=tuple(
            Part(
                vat,
                _summed((each.excl_vat, part) for each, _, part in on if each.vat == vat),
                _summed((each.incl_vat, part) for each, _, part in on if each.vat == vat),
            )
            for vat in dict.fromkeys(each.vat for each, _, _ in on)
        ),
        title=surcharge.title,
        share=surcharge.share,
        quantity=None if surcharge.per_kwh is None else _summed((kwh, part) for _, kwh, part in on),
        unit_price=surcharge.per_kwh,
    )


def energy_lines(cost: Cost, usages: Sequence[Usage]) -> list[CostLine]:
    """Return the lines for energy, mostly by period; energy that costs nothing has some of 0."""
    lines = [line for line in cost.lines if line.kind in ENERGY_KINDS]
    if any(line.period is None for line in lines):
        return lines
    priced = {line.period for line in lines}
    free = (
        CostLine(
            kind=LineKind.ENERGY,
            excl_vat=ZERO,
            incl_vat=ZERO,
            period=period,
            quantity=usage.energy_kwh,
        )
        for period, usage in enumerate(usages)
        if period not in priced and usage.reservation_s is None and usage.energy_kwh
    )
    return [*lines, *free]


def _is_timed(tariff: Tariff, line: CostLine) -> bool:
    """Tell whether the CPO's own price is one for that time or day."""
    restrictions = None if line.element is None else tariff.elements[line.element].restrictions
    return restrictions is not None and is_local(restrictions)


def _offered(offer: Offer, energy: Parts, value: Decimal, kwh: Decimal) -> Adjustment | None:
    """Return what an offer takes off; ``energy`` is what earlier ones left of ``value``."""
    left = total(energy)
    wanted = (
        value * offer.share
        if offer.share is not None
        else offer.amount
        if offer.amount is not None
        else (offer.per_kwh or ZERO) * kwh
    )
    amount = min(wanted, left, left if offer.max_amount is None else offer.max_amount)
    if amount <= 0:
        return None
    return Adjustment(
        kind=LineKind.OFFER,
        parts=_taken(energy, amount),
        title=offer.title,
        share=offer.share if amount == wanted else None,
    )


def _taken(parts: Parts, amount: Decimal) -> Parts:
    """Return an amount without VAT as a part of others, negative, in their proportion."""
    if len(parts) == 1:
        ((vat, excl, incl),) = parts
        return (Part(vat, -amount, -amount * incl / excl),)
    whole = total(parts)
    return tuple(
        Part(vat, -amount * excl / whole, -amount * incl / whole) for vat, excl, incl in parts
    )


def _enough(offer: Offer, kwh: Decimal, value: Decimal) -> bool:
    return (offer.min_kwh is None or kwh >= offer.min_kwh) and (
        offer.min_value is None or value >= offer.min_value
    )


def _flat(cost: Cost) -> Parts:
    return _capped(cost, (LineKind.FLAT,))


def _capped(cost: Cost, kinds: tuple[LineKind, ...]) -> Parts:
    parts = merged(
        Part(line.vat or None, line.excl_vat, line.incl_vat)
        for line in cost.lines
        if line.kind in kinds
    )
    if cost.adjustment >= 0:
        return parts
    uncapped = cost.price - cost.adjustment
    return tuple(
        Part(vat, excl * cost.price / uncapped, incl * cost.price / uncapped)
        for vat, excl, incl in parts
    )


def _is_session(cost: Cost, usages: Sequence[Usage]) -> bool:
    """Tell whether there was a session to take a fee for: energy, or something that costs."""
    return _kwh(usages) > 0 or any(
        line.excl_vat > 0 and line.kind is not LineKind.RESERVATION and line.dimension is not None
        for line in cost.lines
    )


def _kwh(usages: Sequence[Usage]) -> Decimal:
    return sum((usage.energy_kwh for usage in usages if usage.reservation_s is None), ZERO)


def _summed(amounts: Iterable[tuple[Decimal, Fraction]]) -> Decimal:
    """Add up parts of amounts, and divide once.

    How a session was cut into periods must not show in the last digit.
    """
    whole, broken = ZERO, Fraction(0)
    for amount, part in amounts:
        if part == ALL:
            whole += amount
        else:
            broken += Fraction(amount) * part
    return whole + Decimal(broken.numerator) / broken.denominator


def _factor(vat: Decimal | None) -> Decimal:
    return Decimal(1) if vat is None else 1 + vat / 100


def _factor_of(line: CostLine) -> Decimal:
    return line.incl_vat / line.excl_vat if line.excl_vat else _factor(line.vat)
