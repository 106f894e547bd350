"""A tariff made ready for pricing: the price of each dimension at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from bridge.ocpi.tariffs import (
    PriceComponent,
    ReservationRestrictionType,
    Tariff,
    TariffDimensionType,
    TariffElement,
)
from bridge.pricing.clock import Turns, turns_of
from bridge.pricing.restrictions import Condition, Moment, conditions


class Rate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A price component with the conditions of its element.

    Args:
        element, component: indices in ``Tariff.elements`` and in its ``price_components``.
        price: without VAT, per kWh, per hour or once.
        vat: percent; None when VAT does not apply.
        factor: what VAT multiplies a price with.
        hourly: seconds are billed, at a price per hour.
        step_size: Wh or seconds; 0 when nothing is rounded up.
        current, power: the conditions look at them.
    """

    tariff_id: str
    element: int
    component: int
    dimension: TariffDimensionType
    price: Decimal
    vat: Decimal | None
    factor: Decimal
    hourly: bool
    step_size: int
    conditions: tuple[Condition, ...]
    current: bool
    power: bool


_HOURLY: Final = (TariffDimensionType.TIME, TariffDimensionType.PARKING_TIME)

_Numbered: TypeAlias = tuple[int, TariffElement]

# Per dimension, in the order of the elements: the first whose conditions hold is the price.
Candidates: TypeAlias = Mapping[TariffDimensionType, tuple[Rate, ...]]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of a tariff, and when they can change.

    Args:
        session: for charging and parking.
        used, expired: for a reservation that was followed by charging, or was not.
        turns: when a condition may change.
    """

    tariff: Tariff
    session: Candidates
    used: Candidates
    expired: Candidates
    turns: Turns


@lru_cache(maxsize=512)
def rates(tariff: Tariff) -> Rates:
    """Make a tariff ready.

    A reservation that expired is priced by RESERVATION_EXPIRES elements, and by RESERVATION
    elements in the dimensions that those leave open (OCPI 2.2.1 mod_tariffs, examples 17, 18).
    """
    session: list[_Numbered] = []
    used: list[_Numbered] = []
    expired: list[_Numbered] = []
    for number, element in enumerate(tariff.elements):
        match element.restrictions and element.restrictions.reservation:
            case ReservationRestrictionType.RESERVATION:
                used.append((number, element))
            case ReservationRestrictionType.RESERVATION_EXPIRES:
                expired.append((number, element))
            case _:
                session.append((number, element))
    return Rates(
        tariff=tariff,
        session=_candidates(tariff.id, session),
        used=_candidates(tariff.id, used),
        expired=_candidates(tariff.id, [*expired, *used]),
        turns=turns_of(element.restrictions for element in tariff.elements),
    )


def first(candidates: tuple[Rate, ...], moment: Moment) -> Rate | None:
    """Return the first rate whose conditions hold; None when the dimension costs nothing."""
    for rate in candidates:
        for holds in rate.conditions:
            if not holds(moment):
                break
        else:
            return rate
    return None


def _candidates(tariff_id: str, elements: Iterable[_Numbered]) -> Candidates:
    found: dict[TariffDimensionType, tuple[Rate, ...]] = dict.fromkeys(TariffDimensionType, ())
    for index, element in elements:
        restrictions = element.restrictions
        limits = conditions(restrictions)
        current = restrictions is not None and not (
            restrictions.min_current is None and restrictions.max_current is None
        )
        power = restrictions is not None and not (
            restrictions.min_power is None and restrictions.max_power is None
        )
        for place, price in enumerate(element.price_components):
            rate = Rate(
                tariff_id=tariff_id,
                element=index,
                component=place,
                dimension=price.type,
                price=price.price,
                vat=price.vat,
                factor=_factor(price),
                hourly=price.type in _HOURLY,
                step_size=max(price.step_size, 0),
                conditions=limits,
                current=current,
                power=power,
            )
            found[price.type] += (rate,)
    return found


def _factor(component: PriceComponent) -> Decimal:
    return Decimal(1) if component.vat is None else 1 + component.vat / 100
