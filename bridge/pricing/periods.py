"""What was used in each charging period, in the units that are billed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from bridge.ocpi.cdrs import CdrDimensionType, ChargingPeriod

# Looked up once: an enum's member is found slowly, and a long session has many periods.
D = CdrDimensionType
_ENERGY: Final = D.ENERGY
_CHARGING: Final = D.TIME
_PARKING: Final = D.PARKING_TIME
_RESERVED: Final = D.RESERVATION_TIME
_OF_A_SESSION: Final = (_ENERGY, _CHARGING, _PARKING)

# A bound that is missing is the average, or the other bound.
_LEAST_CURRENT: Final = (D.MIN_CURRENT, D.CURRENT, D.MAX_CURRENT)
_MOST_CURRENT: Final = (D.MAX_CURRENT, D.CURRENT, D.MIN_CURRENT)
_LEAST_POWER: Final = (D.MIN_POWER, D.POWER, D.MAX_POWER)
_MOST_POWER: Final = (D.MAX_POWER, D.POWER, D.MIN_POWER)

_ZERO: Final = Decimal(0)
_HOUR: Final = Decimal(3600)


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One charging period; conditions do not change within it.

    Args:
        start, end: aware; the end is where the next period starts.
        charging_s, parking_s: whole seconds, drawing energy and not.
        reservation_s: whole seconds of a reservation; None when this is no reservation period.
        min_current, max_current: A, sum over the phases; both None when nothing is known.
        min_power, max_power: kW; both None when nothing is known.
    """

    start: datetime
    end: datetime
    energy_kwh: Decimal = Decimal(0)
    charging_s: int = 0
    parking_s: int = 0
    reservation_s: int | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None


def usages(charging_periods: Iterable[ChargingPeriod], end: datetime) -> tuple[Usage, ...]:
    """Read the periods of a Session or CDR, in order of time; the last one stops at ``end``.

    OCPI 2.2.1 mod_cdrs, ChargingPeriod class.
    """
    periods = sorted(charging_periods, key=lambda period: period.start_date_time)
    ends = [*(period.start_date_time for period in periods[1:]), end]
    return tuple(_usage(*pair) for pair in zip(periods, ends, strict=False))


def seconds(hours: Decimal) -> int:
    """Return hours as whole seconds: 0.4167 h is 25 minutes, not 0.12 s more."""
    return int((hours * _HOUR).to_integral_value(ROUND_HALF_UP))


def _usage(period: ChargingPeriod, end: datetime) -> Usage:
    volumes: dict[CdrDimensionType, Decimal] = {}
    for dimension in period.dimensions:
        known = volumes.get(dimension.type)
        volumes[dimension.type] = dimension.volume if known is None else known + dimension.volume
    reserved = volumes.get(_RESERVED)
    if not reserved and not volumes.keys().isdisjoint(_OF_A_SESSION):
        reserved = None  # some CPOs list every dimension, with zeros
    return Usage(
        start=period.start_date_time,
        end=end,
        energy_kwh=volumes.get(_ENERGY, _ZERO),
        charging_s=seconds(volumes.get(_CHARGING, _ZERO)),
        parking_s=seconds(volumes.get(_PARKING, _ZERO)),
        reservation_s=None if reserved is None else seconds(reserved),
        min_current=_first(volumes, _LEAST_CURRENT),
        max_current=_first(volumes, _MOST_CURRENT),
        min_power=_first(volumes, _LEAST_POWER),
        max_power=_first(volumes, _MOST_POWER),
    )


def _first(
    volumes: Mapping[CdrDimensionType, Decimal], types: Iterable[CdrDimensionType]
) -> Decimal | None:
    for type_ in types:
        if type_ in volumes:
            return volumes[type_]
    return None
