"""How a value of OCPI or of an order is written on the Beckn side: a closed set of formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from bridge.ocpi.locations import GeoLocation
from bridge.ocpi.times import format_datetime


class Format(NamedTuple):
    """One format: the types it takes, and what it writes."""

    takes: tuple[type, ...]
    write: Callable[..., str]


def plain(number: Decimal | int) -> str:
    """Write a number without exponent and without trailing zeros: ``7.50`` -> ``7.5``."""
    text = format(Decimal(number), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: Decimal) -> str:
    """Write an amount with two decimals, halves away from zero: ``90`` -> ``90.00``."""
    return format(amount.quantize(Decimal("0.01"), ROUND_HALF_UP), "f")


def _gps(point: GeoLocation) -> str:
    return f"{point.latitude},{point.longitude}"


_NUMBER = (Decimal, int)

FORMATS: Mapping[str, Format] = {
    "text": Format((str, int, Decimal), str),
    "decimal": Format(_NUMBER, plain),
    "money": Format((Decimal,), money),
    "kilowatt": Format(_NUMBER, lambda kw: f"{plain(kw)}kW"),
    "kilowatt_of_watt": Format(_NUMBER, lambda watt: f"{plain(Decimal(watt) / 1000)}kW"),
    "kilowatt_hour": Format(_NUMBER, lambda kwh: f"{plain(kwh)}kWh"),
    "ampere": Format(_NUMBER, lambda ampere: f"{plain(ampere)}A"),
    "volt": Format(_NUMBER, lambda volt: f"{plain(volt)}V"),
    "hours": Format(_NUMBER, lambda hours: f"{plain(hours)}h"),
    "percent": Format(_NUMBER, lambda share: f"{plain(share)}%"),
    "rfc3339": Format((datetime,), format_datetime),
    "bool": Format((bool,), lambda yes: "true" if yes else "false"),
    "gps": Format((GeoLocation,), _gps),
}
